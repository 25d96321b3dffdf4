"""The data sets: exact densities against independent routes, samples against densities, files against bad files."""

import itertools
import os
import socket
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from vae_lib import datasets

PLANAR = [datasets.noisy_arc, datasets.two_moons, datasets.pinwheel, datasets.gaussian_mixture]
planar = pytest.mark.parametrize("source", PLANAR, ids=lambda source: source.__name__)

# The curves, written once more and apart from the library: t in [0, 1] to a point.
ARC = [lambda t: np.stack([np.cos(1.5 * np.pi * (t - 0.5)), np.sin(1.5 * np.pi * (t - 0.5))], -1)]
MOONS = [
    lambda t: np.stack([np.cos(np.pi * t) - 0.5, np.sin(np.pi * t) - 0.25], -1),
    lambda t: np.stack([0.5 - np.cos(np.pi * t), 0.25 - np.sin(np.pi * t)], -1),
]
CURVES = [(datasets.noisy_arc, ARC), (datasets.two_moons, MOONS)]


def log_density_by_quad(point, curves, noise):
    """log p at one point by adaptive quadrature over each curve, split densely near x and the ends."""
    terms = []
    for curve in curves:

        def exponent(t, curve=curve):
            return -0.5 * np.sum((point - curve(t)) ** 2, axis=-1) / noise**2

        t = np.linspace(0, 1, 2001)
        near = t[np.argmax(exponent(t))]
        for _ in range(5):  # zoom in, so that the splits sit on the peak
            t = np.clip(near + (t - np.mean(t)) / 50, 0, 1)
            near = t[np.argmax(exponent(t))]
        top = exponent(near)
        steps = np.geomspace(1e-9, 1, 37)
        splits = np.unique(np.clip(np.concatenate([[0, 1, near], near - steps, near + steps, steps, 1 - steps]), 0, 1))
        pieces = [
            integrate.quad(lambda t, top=top: np.exp(exponent(t) - top), a, b, epsabs=1e-13, epsrel=1e-10)[0]
            for a, b in itertools.pairwise(splits)
        ]
        terms.append(top + np.log(sum(pieces)))
    return np.logaddexp.reduce(terms) - np.log(2 * np.pi * noise**2 * len(curves))


def grid(step, reach):
    axis = np.arange(-reach, reach + step / 2, step)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


@planar
@pytest.mark.parametrize(("noise", "step", "reach"), [(0.05, 0.03, 2.4), (0.1, 0.05, 2.6), (0.5, 0.1, 5.0)])
def test_the_density_integrates_to_one_and_gives_the_entropy(source, noise, step, reach):
    split = source(10, noise)
    log_prob = split.log_prob(grid(step, reach))
    prob = np.exp(log_prob)
    np.testing.assert_allclose(prob.sum() * step**2, 1, atol=1e-5)
    np.testing.assert_allclose(-np.sum(prob * log_prob) * step**2, split.entropy, atol=2e-4)


@planar
@pytest.mark.parametrize("noise", [0.01, 0.1, 2.0])
def test_the_entropy_is_minus_the_mean_log_density_of_samples(source, noise):
    split = source(20000, noise, seed=1)
    log_prob = split.log_prob(split.x.astype(np.float64))
    error = np.std(log_prob) / np.sqrt(len(log_prob))
    assert abs(-np.mean(log_prob) - split.entropy) < 5 * error


def test_the_entropy_of_separate_modes_is_closed_form():
    expected = np.log(2 * np.pi * np.e * 0.02**2) + np.log(8)
    np.testing.assert_allclose(datasets.gaussian_mixture(1, 0.02).entropy, expected, atol=1e-6)


@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")  # where there is next to nothing to integrate
@pytest.mark.parametrize(("source", "curves"), CURVES, ids=["arc", "moons"])
@pytest.mark.parametrize("noise", [0.001, 0.03, 0.1, 1.0, 10.0])
def test_curve_densities_agree_with_adaptive_quadrature(source, curves, noise):
    split = source(6, noise, seed=2)
    rng = np.random.default_rng(3)
    far = split.x[:4] + 50 * noise * rng.standard_normal((4, 2))
    special = [[0, 0], [-1, 0], [1, 0], [-0.5, -0.25], [1e-9, 0], [-3, 1e-12], [0.5, 2]]
    x = np.concatenate([split.x, far, special])
    expected = [log_density_by_quad(point, curves, noise) for point in x]
    np.testing.assert_allclose(split.log_prob(x), expected, rtol=1e-9, atol=1e-7)


def test_the_mixture_agrees_with_scipy():
    split = datasets.gaussian_mixture(200, 0.3, seed=4, modes=5)
    angle = 2 * np.pi * np.arange(5) / 5
    each = [stats.multivariate_normal([np.cos(a), np.sin(a)], 0.09).pdf(split.x) for a in angle]
    np.testing.assert_allclose(split.log_prob(split.x), np.log(np.mean(each, axis=0)), rtol=1e-10, atol=1e-10)


def test_the_pinwheel_is_a_change_of_variables():
    def twist(z):
        angle = np.hypot(*z)
        return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ z

    split = datasets.pinwheel(1, 0.1, arms=3)
    for z in np.random.default_rng(5).normal(size=(30, 2)):
        step = 1e-5 * np.eye(2)
        jacobian = np.stack([(twist(z + s) - twist(z - s)) / 2e-5 for s in step], axis=1)
        density = 0
        for a in 2 * np.pi * np.arange(3) / 3:
            axes = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
            covariance = axes @ np.diag([0.3**2, 0.1**2]) @ axes.T
            density += stats.multivariate_normal(axes[:, 0], covariance).pdf(z) / 3
        expected = np.log(density) - np.log(abs(np.linalg.det(jacobian)))
        np.testing.assert_allclose(split.log_prob(twist(z)[None]), expected, atol=1e-6)


@planar
@settings(max_examples=25, deadline=None)
@given(noise=st.floats(1e-3, 10), direction=st.floats(-4, 4), distance=st.floats(0, 1e4))
def test_the_log_density_is_finite_everywhere(source, noise, direction, distance):
    x = distance * np.array([[np.cos(direction), np.sin(direction)]])
    assert np.isfinite(source(1, noise).log_prob(x)).all()
    # Fifty deviations beyond the unit circle, where a density in plain floats would be zero.
    x = (1 + 50 * noise) * x / max(distance, 1e-6)
    assert np.isfinite(source(1, noise).log_prob(x)).all()


@planar
def test_samples_follow_the_density(source):
    """Counts in the cells of a grid against the density integrated over each cell (4 × 4 midpoints)."""
    n, width, reach = 40000, 0.2, 2.0
    split = source(n, 0.15, seed=6)
    edges = np.linspace(-reach, reach, round(2 * reach / width) + 1)
    counts = np.histogram2d(*split.x.T, bins=[edges, edges])[0]
    fine = -reach + width / 4 * (np.arange(4 * len(counts)) + 0.5)
    x = np.stack(np.meshgrid(fine, fine, indexing="ij"), axis=-1).reshape(-1, 2)
    prob = np.exp(split.log_prob(x)).reshape(len(counts), 4, len(counts), 4).sum(axis=(1, 3)) * (width / 4) ** 2
    expected = n * prob
    full = expected > 5
    chi2 = np.sum((counts - expected)[full] ** 2 / expected[full])
    assert abs(chi2 - full.sum()) < 5 * np.sqrt(2 * full.sum())
    assert abs(counts[~full].sum() - expected[~full].sum()) < 5 * np.sqrt(expected[~full].sum() + 1)


def test_labels_and_factors_say_where_a_point_comes_from():
    arc = datasets.noisy_arc(5000, 0.01)
    assert arc.y.dtype == np.float32 and arc.y.min() >= 0 and arc.y.max() <= np.float32(1.5 * np.pi)
    assert np.abs(arc.x - ARC[0](arc.y / (1.5 * np.pi))).max() < 0.06
    moons = datasets.two_moons(5000, 0.01)
    other = moons.y[:, None] == [1, 0]
    t = np.linspace(0, 1, 300)
    distance = np.stack([np.sqrt(((moons.x[:, None] - c(t)) ** 2).sum(-1)).min(1) for c in MOONS], axis=1)
    assert distance[~other].max() < 0.06 < distance[other].min()
    modes = datasets.gaussian_mixture(5000, 0.01, modes=7)
    angle = np.mod(np.round(np.arctan2(*modes.x.T[::-1]) * 7 / (2 * np.pi)), 7)
    np.testing.assert_array_equal(modes.y, angle)
    assert set(datasets.pinwheel(500, arms=4).y) == {0, 1, 2, 3}


@planar
def test_seeds_and_shapes(source):
    split = source(300, seed=7)
    assert split.x.shape == (300, 2) and split.x.dtype == np.float32 and split.y.shape == (300,)
    assert split.log_prob(split.x).dtype == np.float64
    np.testing.assert_array_equal(split.x, source(300, seed=7).x)
    np.testing.assert_array_equal(split.x, source(300, seed=np.random.default_rng(7)).x)
    np.testing.assert_array_equal(split.x, source(300, seed=np.random.SeedSequence(7)).x)
    other = source(300, seed=8)
    assert not np.any(np.all(split.x == other.x, axis=1))
    np.testing.assert_array_equal(split.log_prob(split.x), other.log_prob(split.x))
    assert split.entropy == other.entropy
    position = np.arange(300)  # shuffled: no trend of the labels
    assert abs(np.corrcoef(position, split.y)[0, 1]) < 5 / np.sqrt(300)
    rng = np.random.default_rng(7)
    assert not np.array_equal(source(3, seed=rng).x, source(3, seed=rng).x)  # a Generator moves on


def test_log_prob_does_not_depend_on_the_chunks():
    split = datasets.two_moons(5000)
    log_prob = split.log_prob(split.x)
    np.testing.assert_allclose(log_prob[[0, 2047, 2048, -1]], split.log_prob(split.x[[0, 2047, 2048, -1]]))
    assert split.log_prob(np.empty((0, 2))).shape == (0,)


@planar
@pytest.mark.parametrize(
    ("arguments", "error", "name"),
    [
        ({"n": 0}, ValueError, "n is 0"),
        ({"n": -3}, ValueError, "n is -3"),
        ({"n": 10.0}, TypeError, "n is 10.0"),
        ({"n": True}, TypeError, "n is True"),
        ({"n": 5, "noise": 0}, ValueError, "noise is 0"),
        ({"n": 5, "noise": -0.1}, ValueError, "noise is -0.1"),
        ({"n": 5, "noise": float("nan")}, ValueError, "noise is nan"),
        ({"n": 5, "noise": float("inf")}, ValueError, "noise is inf"),
        ({"n": 5, "noise": "small"}, TypeError, "noise is 'small'"),
        ({"n": 5, "noise": [0.1]}, TypeError, r"noise is \[0.1\]"),
        ({"n": 5, "seed": -1}, ValueError, "non-negative"),
        ({"n": 5, "seed": "x"}, TypeError, "SeedSequence"),
    ],
)
def test_bad_arguments(source, arguments, error, name):
    with pytest.raises(error, match=name):
        source(**arguments)


def test_bad_counts():
    with pytest.raises(ValueError, match="arms is -5; expected a positive int"):
        datasets.pinwheel(5, arms=-5)
    with pytest.raises(TypeError, match=r"arms is 2\.5"):
        datasets.pinwheel(5, arms=2.5)
    with pytest.raises(ValueError, match="modes is 0"):
        datasets.gaussian_mixture(5, modes=0)
    with pytest.raises(TypeError, match="modes is None"):
        datasets.gaussian_mixture(5, modes=None)


@planar
@pytest.mark.parametrize(
    ("x", "error", "found"),
    [
        ([0.0, 1.0], ValueError, r"shape \[2\]; expected \[n, 2\]"),
        ([[0.0, 1.0, 2.0]], ValueError, r"shape \[1, 3\]"),
        ([[[0.0, 1.0]]], ValueError, r"shape \[1, 1, 2\]"),
        ([[0.0, np.nan]], ValueError, "1 values that are NaN"),
        ([[0.0, np.inf]], ValueError, "infinite"),
        ([["a", "b"]], TypeError, "expected numbers"),
    ],
)
def test_bad_points(source, x, error, found):
    with pytest.raises(error, match=found):
        source(2).log_prob(x)


def test_digits():
    train, test = datasets.digits()
    assert train.x.shape == (1437, 64) and test.x.shape == (360, 64)
    assert train.x.dtype == test.x.dtype == np.float32
    x = np.concatenate([train.x, test.x])
    assert x.min() == 0 and x.max() == 1 and np.all(x * 16 == np.round(x * 16))
    for split in train, test:
        share = np.bincount(split.y) / len(split.y)
        assert np.abs(share - 0.1).max() < 0.01
    assert not {row.tobytes() for row in train.x} & {row.tobytes() for row in test.x}
    np.testing.assert_array_equal(train.x, datasets.digits()[0].x)
    # x and y belong together: a nearest neighbour in the training set nearly always has the same label.
    nearest = np.argmin(((test.x[:, None] - train.x) ** 2).sum(-1), axis=1)
    assert np.mean(train.y[nearest] == test.y) > 0.95


def test_digits_have_no_known_density():
    train, _ = datasets.digits()
    assert not hasattr(train, "entropy")
    with pytest.raises(AttributeError, match=r"density .* unknown"):
        train.log_prob(train.x)
    with pytest.raises(AttributeError, match=r"density .* unknown"):
        _ = train.entropy


@pytest.fixture
def arrays():
    rng = np.random.default_rng(8)
    return {
        "x_train": rng.integers(256, size=(7, 28, 28), dtype=np.uint8),
        "y_train": rng.integers(10, size=7, dtype=np.uint8),
        "x_test": rng.integers(256, size=(3, 28, 28), dtype=np.uint8),
        "y_test": rng.integers(10, size=3, dtype=np.uint8),
    }


def assert_holds(splits, arrays):
    for split, part in zip(splits, ["train", "test"], strict=True):
        assert split.x.dtype == np.float32 and split.y.dtype.kind == "i"
        np.testing.assert_allclose(split.x, arrays[f"x_{part}"].reshape(-1, 784) / 255, atol=1e-7)
        np.testing.assert_array_equal(split.y, arrays[f"y_{part}"])
        assert split.x.max() <= 1
        assert not hasattr(split, "entropy")


def no_keras(monkeypatch):
    import keras

    def refuse():
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", refuse)


def test_mnist_from_an_explicit_file(tmp_path, arrays, monkeypatch):
    monkeypatch.setenv("VAE_LIB_DATA", str(tmp_path / "elsewhere"))
    np.savez(tmp_path / "m.npz", **arrays)
    assert_holds(datasets.mnist(tmp_path / "m.npz"), arrays)
    assert_holds(datasets.mnist(str(tmp_path / "m.npz")), arrays)


def test_mnist_from_the_folder_in_the_environment(tmp_path, arrays, monkeypatch):
    monkeypatch.setenv("VAE_LIB_DATA", str(tmp_path))
    np.savez_compressed(tmp_path / "mnist.npz", **arrays)
    assert_holds(datasets.mnist(), arrays)


@pytest.mark.parametrize("folder", [None, "no/such/folder"])
def test_mnist_from_keras(arrays, monkeypatch, folder):
    import keras

    timeouts = []

    def load_data():
        timeouts.append(socket.getdefaulttimeout())
        return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])

    monkeypatch.delenv("VAE_LIB_DATA", raising=False)
    if folder:
        monkeypatch.setenv("VAE_LIB_DATA", folder)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", load_data)
    before = socket.getdefaulttimeout()
    assert_holds(datasets.mnist(), arrays)
    assert timeouts == [10] and socket.getdefaulttimeout() == before


@pytest.mark.parametrize(("folder", "said"), [(None, "not set"), ("some/folder", "no file some/folder/mnist.npz")])
def test_mnist_from_nowhere_names_the_three_ways(monkeypatch, folder, said):
    monkeypatch.delenv("VAE_LIB_DATA", raising=False)
    if folder:
        monkeypatch.setenv("VAE_LIB_DATA", folder)
    no_keras(monkeypatch)
    before = socket.getdefaulttimeout()
    with pytest.raises(FileNotFoundError) as caught:
        datasets.mnist()
    for way in "no path was given", "VAE_LIB_DATA", said, "Keras's cache and download", "URL fetch failure":
        assert way in str(caught.value)
    assert socket.getdefaulttimeout() == before


def test_mnist_without_a_network(tmp_path, monkeypatch):
    """Keras's own download, through a proxy that is not there: the same on every machine."""
    monkeypatch.delenv("VAE_LIB_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for name in "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY":
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in "no_proxy", "NO_PROXY":
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)  # urllib keeps the proxies it saw first
    with pytest.raises(FileNotFoundError, match="URL fetch failure"):
        datasets.mnist()


def test_mnist_explicit_file_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.npz.*expected an npz file"):
        datasets.mnist(tmp_path / "gone.npz")
    with pytest.raises(FileNotFoundError, match="no such file"):
        datasets.mnist(tmp_path)
    with pytest.raises(TypeError, match="PathLike"):
        datasets.mnist(5)


def truncated(path, arrays):
    np.savez(path, **arrays)
    path.write_bytes(path.read_bytes()[:4000])


def damaged(path, arrays):
    np.savez_compressed(path, **arrays)
    content = bytearray(path.read_bytes())
    content[1000:1100] = bytes(100)
    path.write_bytes(content)


def single_array(path, arrays):
    with path.open("wb") as file:
        np.save(file, arrays["x_train"])


def objects(path, arrays):
    np.savez(path, **arrays | {"x_train": np.array([{}, []], dtype=object)})


@pytest.mark.parametrize(
    "write",
    [
        lambda path, arrays: path.write_text("<html>Not found</html>"),
        lambda path, arrays: path.write_bytes(b""),
        truncated,
        damaged,
        single_array,
        objects,
    ],
    ids=["text", "empty", "truncated", "damaged", "npy", "objects"],
)
def test_mnist_file_that_is_not_an_npz(tmp_path, arrays, write, monkeypatch):
    write(tmp_path / "mnist.npz", arrays)
    with pytest.raises(ValueError, match=r"mnist\.npz is not a readable npz"):
        datasets.mnist(tmp_path / "mnist.npz")
    monkeypatch.setenv("VAE_LIB_DATA", str(tmp_path))  # what is there but broken is not passed over
    with pytest.raises(ValueError, match=r"mnist\.npz is not a readable npz"):
        datasets.mnist()


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("y_test", None, "has no array y_test"),
        ("x_train", np.zeros((7, 784), np.uint8), r"x_train is uint8 \[7, 784\]; expected uint8 \[n, 28, 28\]"),
        ("x_train", np.zeros((7, 28, 28), np.float32), r"x_train is float32 \[7, 28, 28\]"),
        ("x_test", np.zeros((0, 28, 28), np.uint8), r"x_test is uint8 \[0, 28, 28\]"),
        ("x_test", np.zeros((3, 32, 32, 3), np.uint8), r"x_test is uint8 \[3, 32, 32, 3\]"),
        ("y_train", np.zeros(6, np.uint8), r"y_train is uint8 \[6\]; expected integers \[7\]"),
        ("y_train", np.zeros(7), r"y_train is float64 \[7\]"),
        ("y_test", np.zeros((3, 10), int), r"y_test is int64 \[3, 10\]; expected integers \[3\]"),
    ],
)
def test_mnist_file_with_other_arrays(tmp_path, arrays, name, value, found):
    arrays[name] = value
    np.savez(tmp_path / "m.npz", **{key: array for key, array in arrays.items() if array is not None})
    with pytest.raises(ValueError, match=r"m\.npz.*" + found):
        datasets.mnist(tmp_path / "m.npz")


@pytest.mark.skipif(
    not Path(os.environ.get("VAE_LIB_DATA", "/nowhere"), "mnist.npz").is_file(),
    reason="no file $VAE_LIB_DATA/mnist.npz",
)
def test_the_real_mnist():
    train, test = datasets.mnist()
    assert train.x.shape == (60000, 784) and test.x.shape == (10000, 784)
    assert abs(train.x.mean() - 0.1307) < 1e-3
    assert np.bincount(test.y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
