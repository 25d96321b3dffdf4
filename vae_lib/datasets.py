"""Data sets: planar sources whose density is known exactly, two sets of handwritten digits, and pictures of a bar
whose position, size and angle are known.

Everything is flat: `x` is float32 `[n, d]`. The planar sources know their own log-density and entropy, the
limit that no model of them can pass.
"""

import functools
import numbers
import os
import socket
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from scipy.special import logsumexp
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

__all__ = ["Source", "Split", "digits", "gaussian_mixture", "mnist", "noisy_arc", "pinwheel", "shapes", "two_moons"]


@dataclass(frozen=True, eq=False)
class Source:
    """A distribution over the plane from which points are drawn and whose density is known.

    A point is a place on a skeleton (a curve, or a few centres) and Gaussian noise around it.
    `place(u, e)` maps u `[n]`, uniform on [0, 1), and e `[n, 2]`, standard normal, to x `[n, 2]` and y `[n]`;
    `log_density(x)` is the density of that x, nats, for finite float64 x `[n, 2]`;
    `skeleton` is a quadrature over u, nodes `[k]` and weights `[k]`, for the entropy.
    """

    place: Callable
    log_density: Callable
    skeleton: tuple

    def sample(self, n, seed=0):
        """A `Split` of n independent points. Raises TypeError or ValueError for a bad n or seed."""
        n = _count("n", n)
        rng = np.random.default_rng(seed)
        x, y = self.place(rng.random(n), rng.standard_normal((n, 2)))
        return Split(x.astype(np.float32), y, self)

    def log_prob(self, x):
        """log density of x `[n, 2]`: float64 `[n]`, nats.

        Raises TypeError or ValueError unless x is finite numbers `[n, 2]`.
        """
        x = _points(x)
        log_prob = np.empty(len(x))
        for start in range(0, len(x), 2048):  # the quadrature's nodes multiply the memory
            chunk = slice(start, start + 2048)
            log_prob[chunk] = self.log_density(x[chunk])
        return log_prob

    @functools.cached_property
    def entropy(self):
        """-E[log p(x)], nats: quadrature over the skeleton and, around each of its nodes, over the plane."""
        axis = np.arange(-6.5, 6.6, 0.25)  # equal steps: all but exact under a Gaussian weight
        e = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        e = e[np.sum(e**2, axis=1) < 6.5**2]
        weight = np.exp(-0.5 * np.sum(e**2, axis=1))
        nodes, node_weight = self.skeleton
        mean = [weight @ self.log_prob(self.place(np.full(len(e), u), e)[0]) for u in nodes]
        return -float(node_weight @ mean / weight.sum())


@dataclass(frozen=True, eq=False)
class Split:
    """Examples `x`, float32 `[n, d]`, with `y`: int labels `[n]`, or what made each, float32 `[n]` or `[n, factors]`.

    A split of a planar source also has `log_prob` and `entropy`, which do not depend on the seed. Pictures have no
    known density: both then raise AttributeError.
    """

    x: np.ndarray
    y: np.ndarray
    source: Source | None = None

    def _known(self):
        if self.source is None:
            raise AttributeError(
                "log_prob and entropy need the density that the examples were drawn from, and for these it is "
                "unknown; noisy_arc, two_moons, pinwheel and gaussian_mixture know theirs"
            )
        return self.source

    def log_prob(self, x):
        """The source's log density at x `[n, 2]`: float64 `[n]`, nats.

        Raises TypeError or ValueError unless x is finite numbers `[n, 2]`, AttributeError if the density is unknown.
        """
        return self._known().log_prob(x)

    @property
    def entropy(self):
        """The source's entropy, nats, by quadrature. Raises AttributeError if the density is unknown."""
        return self._known().entropy


def noisy_arc(n, noise=0.1, seed=0):
    """Points on three quarters of the unit circle, open to the left, with isotropic Gaussian noise.

    Returns a `Split`: x `[n, 2]`; y `[n]` is the arc length from the lower end, in [0, 3π/2].
    `noise` is the standard deviation; `seed` is anything that `numpy.random.default_rng` takes.
    Raises TypeError or ValueError for a bad n, noise or seed.
    """
    return _noisy_arc(_positive("noise", noise)).sample(n, seed)


def two_moons(n, noise=0.1, seed=0):
    """Two interleaved half circles of radius one with isotropic Gaussian noise.

    The geometry of scikit-learn's `make_moons` (Pedregosa et al. 2011), moved so that the mean is zero.
    Returns a `Split`: x `[n, 2]`; y `[n]` is the moon, 0 (upper) or 1 (lower), drawn with equal probability.
    `noise` is the standard deviation; `seed` is anything that `numpy.random.default_rng` takes.
    Raises TypeError or ValueError for a bad n, noise or seed.
    """
    return _two_moons(_positive("noise", noise)).sample(n, seed)


def pinwheel(n, noise=0.1, seed=0, arms=5):
    """Gaussians stretched along the spokes of a wheel, then twisted by one radian for each unit of radius.

    After Johnson et al. 2016, «Composing graphical models with neural networks for structured
    representations and fast inference». There the angle depends on one coordinate; here it depends on |x|,
    which the twist leaves alone: area is then preserved, and the density is exactly the untwisted Gaussians'.
    Returns a `Split`: x `[n, 2]`; y `[n]` is the arm, 0 … arms - 1, drawn with equal probability.
    `noise` is the standard deviation across an arm (0.3 along it); `seed` is anything that
    `numpy.random.default_rng` takes.
    Raises TypeError or ValueError for a bad n, noise, seed or arms.
    """
    return _spokes(_count("arms", arms), 0.3, _positive("noise", noise), 1.0).sample(n, seed)


def gaussian_mixture(n, noise=0.1, seed=0, modes=8):
    """Equal isotropic Gaussians, evenly spaced on the unit circle.

    Returns a `Split`: x `[n, 2]`; y `[n]` is the component, 0 … modes - 1, drawn with equal probability.
    `noise` is the standard deviation; `seed` is anything that `numpy.random.default_rng` takes.
    Raises TypeError or ValueError for a bad n, noise, seed or modes.
    """
    noise = _positive("noise", noise)
    return _spokes(_count("modes", modes), noise, noise, 0.0).sample(n, seed)


def digits():
    """scikit-learn's 8×8 handwritten digits in [0, 1], in steps of 1/16: `(train, test)`, 1437 and 360.

    A fixed split, stratified by class. Each is a `Split`: x `[n, 64]`, y `[n]` the digit.
    Source: Alpaydin and Kaynak 1998, «Optical recognition of handwritten digits», UCI.
    """
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=360, stratify=y, random_state=0)
    return Split(x_train, y_train), Split(x_test, y_test)


def shapes(n, seed=0):
    """Pictures, 16×16 in [0, 1], of one bright bar, with the four numbers that made each.

    Returns a `Split`: x `[n, 256]`, rows from the top; y `[n, 4]`, drawn independently and evenly from
    0, 1: the centre of the bar, to the right and upwards, in [-0.35, 0.35] (the picture is [-1, 1] wide and high);
    2: its scale, half of its length, in [0.25, 0.55] (its width is two fifths of its length);
    3: its rotation, anticlockwise from lying flat, in [0, π/2], in radians. A quarter turn only, so that no two
    angles make one picture.
    The edges fade over one pixel. A picture's brightness adds up to the area of its bar, in pixels, and its centre
    of mass is the bar's centre, both but for the grid.
    `seed` is anything that `numpy.random.default_rng` takes. Raises TypeError or ValueError for a bad n or seed.
    """
    low, high = [-0.35, -0.35, 0.25, 0.0], [0.35, 0.35, 0.55, np.pi / 2]
    y = np.random.default_rng(seed).uniform(low, high, size=(_count("n", n), 4))
    return Split(_bars(y), y.astype(np.float32))


def _bars(factors, side=16):
    """The pictures `[n, side²]` of bars with these factors `[n, 4]`, as in `shapes`."""
    middle = (2 * np.arange(side) + 1) / side - 1  # of the pixels
    across, up = np.meshgrid(middle, -middle)
    right, above, scale, angle = (column[:, np.newaxis] for column in factors.T)
    to_right, to_above = across.ravel() - right, up.ravel() - above
    along = np.cos(angle) * to_right + np.sin(angle) * to_above
    beside = np.cos(angle) * to_above - np.sin(angle) * to_right
    fade = side / 2  # pixels for a unit of length
    edges = [0.5 + fade * (half - np.abs(t)) for t, half in ((along, scale), (beside, 0.4 * scale))]
    return np.prod(np.clip(edges, 0, 1), axis=0).astype(np.float32)


def mnist(path=None):
    """The 28×28 handwritten digits of LeCun et al. 1998 in [0, 1]: `(train, test)`, 60000 and 10000.

    Each is a `Split`: x `[n, 784]`, y `[n]` the digit. They come from the file `path`; without one, from
    `mnist.npz` in the folder that the environment variable VAE_LIB_DATA names; without that, from Keras's
    cache or its download. A file is an npz with x_train, x_test (uint8 `[n, 28, 28]`) and y_train, y_test
    (integer `[n]`). Keep a file of your own out of Keras's cache: Keras deletes one whose checksum it does
    not know, even if the download then fails.
    Raises FileNotFoundError if there is no file `path` or none of the three ways leads to the data (it says
    what each answered), ValueError for a file that holds something else, TypeError for a `path` that is no path.
    """
    if path is not None:
        if not Path(path).is_file():
            raise FileNotFoundError(f"path is {str(path)!r}, and there is no such file; expected an npz file")
        return _read_mnist(Path(path))
    folder = os.environ.get("VAE_LIB_DATA")
    in_folder = Path(folder or "", "mnist.npz")
    if folder and in_folder.is_file():
        return _read_mnist(in_folder)
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(10)  # seconds without an answer: Keras itself sets no limit
    try:
        (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception when it cannot download
        raise FileNotFoundError(
            "found MNIST in none of three ways:\n"
            "1. mnist(path), an npz file: no path was given;\n"
            f"2. VAE_LIB_DATA, a folder with mnist.npz: {f'no file {in_folder}' if folder else 'not set'};\n"
            f"3. Keras's cache and download: {type(error).__name__}: {error}"
        ) from error
    finally:
        socket.setdefaulttimeout(timeout)
    arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    return _mnist_splits(arrays, "keras.datasets.mnist")


def _read_mnist(file):
    try:
        with np.load(file, allow_pickle=False) as arrays:
            names = [name for name in ("x_train", "y_train", "x_test", "y_test") if name in arrays]
            found = {name: np.asarray(arrays[name]) for name in names}
    # What numpy raises for a file that is not an npz, or is cut short, depends on the first wrong byte.
    except (TypeError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{file} is not a readable npz file of plain arrays ({error})") from error
    return _mnist_splits(found, file)


def _mnist_splits(arrays, file):
    splits = []
    for part in "train", "test":
        for name in f"x_{part}", f"y_{part}":
            if name not in arrays:
                raise ValueError(f"{file} has no array {name}; expected x_train, y_train, x_test and y_test")
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if x.dtype != np.uint8 or x.ndim != 3 or x.shape[1:] != (28, 28) or not len(x):
            raise ValueError(f"{file}: x_{part} is {x.dtype} {list(x.shape)}; expected uint8 [n, 28, 28]")
        if y.dtype.kind not in "iu" or y.shape != x.shape[:1]:
            raise ValueError(f"{file}: y_{part} is {y.dtype} {list(y.shape)}; expected integers [{len(x)}]")
        splits.append(Split(x.reshape(-1, 784) / np.float32(255), y.astype(np.int64)))
    return tuple(splits)


# One Source for each set of parameters: splits of different seeds then share the entropy.
@functools.lru_cache
def _noisy_arc(noise):
    return _arcs([[0, 0]], [0], 1.5 * np.pi, noise, lambda which, length: length.astype(np.float32))


@functools.lru_cache
def _two_moons(noise):
    # make_moons centres the half circles on (0, 0) and (1, 1/2); the mean of the two lies midway.
    centres, facing = [[-0.5, -0.25], [0.5, 0.25]], [np.pi / 2, -np.pi / 2]
    return _arcs(centres, facing, np.pi, noise, lambda which, length: which)


def _arcs(centres, facing, turn, noise, label):
    """Unit arcs, `turn` radians long, their middles in the directions `facing`; y = label(which, length)."""
    centres, facing = np.array(centres, float), np.array(facing, float)

    def place(u, e):
        which, along = np.divmod(u * len(centres), 1)
        which = which.astype(np.int64)
        angle = facing[which] + turn * (along - 0.5)
        x = centres[which] + np.stack([np.cos(angle), np.sin(angle)], axis=1) + noise * e
        return x, label(which, turn * along)

    def log_density(x):
        each = [_log_arc(x - c, middle, turn, noise) for c, middle in zip(centres, facing, strict=True)]
        return logsumexp(each, axis=0) - np.log(len(each))

    # The density changes along an arc only within a few times the noise of its ends: panels halve towards them.
    halvings = max(np.ceil(np.log2(turn / 2 / noise)), 0)
    edges = np.append(0, 0.5 ** np.arange(halvings + 1, 0, -1))
    edges = np.append(edges, 1 - edges[-2::-1])
    t, weight = _unit_legendre(4)
    along = (edges[:-1, None] + np.diff(edges)[:, None] * t).ravel()
    weights = (np.diff(edges)[:, None] * weight).ravel() / len(centres)
    u = (np.arange(len(centres))[:, None] + along) / len(centres)
    return Source(place, log_density, (u.ravel(), np.tile(weights, len(centres))))


def _log_arc(x, middle, turn, noise):
    """log density `[n]` of Gaussian noise around a unit arc about the origin: an integral over the angle.

    With r = |x| and v the angle from x to a point c of the arc, the exponent is
    -|x - c|² / 2σ² = -(r - 1)² / 2σ² - κ (1 - cos v), where κ = r / σ². Seen from x the arc is an interval of v,
    cut here into three pieces on which cos v is monotone.
    """
    r = np.hypot(x[:, 0], x[:, 1])
    kappa = r / noise**2
    away = np.abs(np.mod(np.arctan2(x[:, 1], x[:, 0]) - middle + np.pi, 2 * np.pi) - np.pi)
    near, far = away - turn / 2, away + turn / 2
    zero, straight = np.zeros_like(away), np.full_like(away, np.pi)
    start = np.stack([zero, np.maximum(near, 0), np.minimum(2 * np.pi - far, np.pi)])
    stop = np.stack([np.maximum(-near, 0), np.minimum(far, np.pi), straight])
    integral = logsumexp(_log_bump(kappa, start, stop), axis=0)
    return integral - 0.5 * ((r - 1) / noise) ** 2 - np.log(2 * np.pi * noise**2 * turn)


def _log_bump(kappa, start, stop):
    """log of the integral of exp(-κ (1 - cos v)) from start to stop, 0 ≤ start ≤ stop ≤ π; -inf if equal.

    The integrand falls from `start` on. Gauss-Legendre goes only where it is above exp(-40) of its first
    value, so that 24 nodes do for any κ. Differences of cosines are written as products: nothing cancels.
    """
    sin, cos = np.sin(start / 2), np.cos(start / 2)
    drop = np.minimum(20 / np.maximum(kappa, 20), cos**2)  # of cos² v/2: by 20 / κ, or all that is left
    last = np.minimum(sin**2 + drop, 1)
    width = np.minimum(2 * np.arcsin(drop / (np.sqrt(last) * cos + sin * np.sqrt(1 - last))), stop - start)
    t, weight = _unit_legendre(24)
    step = width[..., None] * t
    integrand = np.exp(-2 * kappa[..., None] * np.sin(start[..., None] + step / 2) * np.sin(step / 2))
    with np.errstate(divide="ignore"):
        return np.log(width * (integrand @ weight)) - 2 * kappa * sin**2


@functools.lru_cache
def _unit_legendre(n):
    """Gauss-Legendre nodes and weights on [0, 1]."""
    t, weight = np.polynomial.legendre.leggauss(n)
    return (t + 1) / 2, weight / 2


@functools.lru_cache
def _spokes(count, along, across, twist):
    """Gaussians on the unit circle with deviations `along` and `across` the radius, then twisted."""
    spread = np.array([along, across])
    spokes = 2 * np.pi * np.arange(count) / count

    def place(u, e):
        y = (u * count).astype(np.int64)
        x = [1, 0] + spread * e
        return _rotate(x, spokes[y] + twist * np.hypot(x[:, 0], x[:, 1])), y

    def log_density(x):
        untwisted = _rotate(x, -twist * np.hypot(x[:, 0], x[:, 1]))
        e = (_rotate(untwisted, -spokes[:, None]) - [1, 0]) / spread
        return logsumexp(-0.5 * np.sum(e**2, axis=-1), axis=0) - np.log(2 * np.pi * along * across * count)

    return Source(place, log_density, ((np.arange(count) + 0.5) / count, np.full(count, 1 / count)))


def _rotate(x, angle):
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cos * x[..., 0] - sin * x[..., 1], sin * x[..., 0] + cos * x[..., 1]], axis=-1)


def _count(name, value):
    return int(_positive(name, value, numbers.Integral, "a positive int"))


def _positive(name, value, kind=numbers.Real, wanted="a positive finite number"):
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}; expected {wanted}")
    if not 0 < value < np.inf:
        raise ValueError(f"{name} is {value}; expected {wanted}")
    return float(value)


def _points(x):
    x = np.asarray(x)
    if x.dtype.kind not in "fiu":
        raise TypeError(f"x is of type {x.dtype}; expected numbers [n, 2]")
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"x has shape {list(x.shape)}; expected [n, 2]")
    if not np.isfinite(x).all():
        raise ValueError(f"x has {np.sum(~np.isfinite(x))} values that are NaN or infinite; expected finite ones")
    return x.astype(np.float64)
