"""Answers without sampling: quadrature over one or two latent dimensions, and probabilistic PCA in closed form.

How the grid adapts. Each data point gets a box of its own, turned to lie along its posterior. It starts around the
whole prior, doubles while the integrand still matters at its edge, and is then cut to where the integrand, with its
peaks between the nodes guessed from parabolas, lies within e^-30 of its highest. Inside, a midpoint rule doubles
its nodes per axis until two successive answers agree to the tolerance; where they never do, an error says so. For
a smooth integrand that vanishes at the edge of its box this rule converges faster than any power of the spacing.
What it cannot see is a second peak that falls between the nodes of the first grid: narrower than about 0.001 prior
standard deviations in one dimension, 0.02 in two.
"""

import math
import numbers
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from scipy.special import logsumexp

from vae_lib import checks
from vae_lib.distributions import Normal
from vae_lib.evaluation import widest_layer
from vae_lib.models import VAE, FixedNormal, refuse_own
from vae_lib.networks import mlp

_REACH = 9.0  # the first box: this many standard deviations of the prior to either side
_DROP = 30.0  # nats below the peak at which the integrand counts as nothing
_FIRST = {1: 3600, 2: 160}  # nodes per axis of the first grid
_START = {1: 1024, 2: 64}  # nodes per axis once the box fits
_LIMIT = {1: 2**17, 2: 2**11}  # and the most there will be
_FLOAT32 = 1e-7  # the share of its size to which a sum of float32 numbers is known at all
_FLOATS = 2**24  # the most numbers one layer's output may hold


def log_marginal(model, x, tolerance=2e-5):
    """log p(x) = log ∫ p(x | z) p(z) dz by quadrature over z, in nats: [n].

    ``tolerance`` (nats) is the largest change that doubling the nodes may still make, besides what float32 leaves open,
    1e-7 of the answer: nets with smooth activations
    meet it at once, the kinks of ReLU nets need many nodes. Raises ``ValueError`` for a
    latent dimension above two or a prior that is not Normal, ``ArithmeticError`` where the answer does not settle.
    """
    joint = _Joint(model, x)
    return joint.settle(joint.boxes(), _log_sum, tolerance)


def elbo(model, x, q=None, tolerance=2e-5):
    """E_q[log p(x, z) − log q(z)], integrated over ``q`` instead of sampled, in nats: [n].

    ``q`` is a ``Normal`` with batch [n], by default the model's own q(z | x); the grid lies around it. Raises as
    ``log_marginal`` does.
    """
    joint = _Joint(model, x)
    q = joint.gaussian(q)

    def rule(rows, z, log_joint, log_cell):
        log_q = q.log_prob(rows, z)
        return _mean_under(log_q + log_cell, log_joint - log_q)

    return joint.settle(q.boxes(), rule, tolerance)


def kl_to_posterior(model, x, q=None, tolerance=2e-5):
    """KL(q ‖ p(z | x)) against the exact posterior, in nats: [n].

    The grid covers both, and the posterior is normalised on it: nothing here is shared with ``elbo`` or
    ``log_marginal``, whose difference it must equal. Arguments and errors as for ``elbo``.
    """
    joint = _Joint(model, x)
    q = joint.gaussian(q)

    def rule(rows, z, log_joint, log_cell):
        log_posterior = log_joint - logsumexp(log_joint, axis=0) - log_cell
        log_q = q.log_prob(rows, z)
        return _mean_under(log_q + log_cell, log_q - log_posterior)

    return joint.settle(joint.boxes().union(q.boxes()), rule, tolerance)


def _mean_under(log_mass, values):
    """Σ mass · values over the nodes; NaN, which settles nothing, where the nodes are too few to carry the mass."""
    mass = np.exp(log_mass)
    return np.where(np.abs(mass.sum(axis=0) - 1) < 1e-6, np.sum(mass * values, axis=0), np.nan)


class GridPosterior(NamedTuple):
    """p(z | x) on a grid of its own for each data point: nodes ``z`` [m, n, k], ``log_prob`` [m, n], ``cell`` [n].

    ``log_prob`` is the log-density in nats; ``cell`` the length or area that one node stands for.
    """

    z: np.ndarray
    log_prob: np.ndarray
    cell: np.ndarray

    @property
    def probability(self):
        """What each node carries, [m, n]; sums to one over the nodes."""
        return np.exp(self.log_prob) * self.cell

    @property
    def mean(self):
        """E[z | x]: [n, k]."""
        return np.einsum("mn,mnk->nk", self.probability, self.z)

    @property
    def covariance(self):
        """Cov[z | x]: [n, k, k]."""
        shift = self.z - self.mean
        return np.einsum("mn,mni,mnj->nij", self.probability, shift, shift)


def posterior(model, x, nodes=None):
    """The exact posterior p(z | x) as a ``GridPosterior`` with ``nodes`` per axis.

    By default as many as make log p(x) settle as in ``log_marginal``. In two dimensions each grid is turned to lie
    along its posterior. Raises as ``log_marginal`` does.
    """
    joint = _Joint(model, x)
    if nodes is not None:
        checks.integer("nodes", nodes, least=2)
    boxes = joint.boxes()
    if nodes is None:
        nodes = joint.settle(boxes, _log_sum, 2e-5, want_nodes=True)
    z, log_joint, log_cell = joint.on_grid(np.arange(joint.n), boxes, nodes)
    z = np.broadcast_to(z, (len(z), joint.n, joint.dim))
    return GridPosterior(z, log_joint - logsumexp(log_joint, axis=0) - log_cell, np.exp(log_cell))


def _log_sum(rows, z, log_joint, log_cell):
    return logsumexp(log_joint, axis=0) + log_cell


class _Boxes(NamedTuple):
    """A box for each data point: its ``centre`` [n, k], and as columns of ``axes`` [n, k, k] its half edges."""

    centre: np.ndarray
    axes: np.ndarray

    def edges(self):
        """Half the length of each edge [n, k], and the edges' directions [n, k, k]."""
        half = np.linalg.norm(self.axes, axis=1)
        return half, self.axes / half[:, None]

    def union(self, other):
        """Boxes with these directions around both."""
        half, directions = self.edges()
        shift = np.einsum("nij,ni->nj", directions, other.centre - self.centre)
        reach = np.abs(np.einsum("nij,nil->njl", directions, other.axes)).sum(axis=-1)
        low, high = np.minimum(-half, shift - reach), np.maximum(half, shift + reach)
        centre = self.centre + np.einsum("nij,nj->ni", directions, (low + high) / 2)
        return _Boxes(centre, directions * ((high - low) / 2)[:, None])


class _Joint:
    """log p(x, z) as a function of z, for each row of x, on boxes of nodes."""

    def __init__(self, model, x):
        if not isinstance(model, VAE):
            raise TypeError(f"model must be a VAE; got {type(model).__name__}")
        if model.latent_dim > 2:
            raise ValueError(
                f"model must have a latent dimension of 1 or 2 for quadrature; got {model.latent_dim}: a grid of 100 "
                f"nodes an axis would have 100**{model.latent_dim}. Use vae_lib.log_likelihood"
            )
        if not isinstance(model.prior, Normal):
            raise ValueError(f"model.prior must be Normal for quadrature; got {type(model.prior).__name__}")
        self.model, self.dim = model, model.latent_dim
        self.x = tf.cast(model.check_data(x), tf.float32)
        self.n, self.widest = self.x.shape[0], widest_layer(model)
        signature = [tf.TensorSpec([None, model.data_dim]), tf.TensorSpec([None, None, self.dim])]
        try:
            self.log_joint = tf.function(model.log_joint).get_concrete_function(*signature)
        except TypeError as error:  # it takes z apart
            raise TypeError(
                "model.log_joint must take z as one tensor [samples, n, latent] for quadrature; that of "
                f"{type(model).__name__} does not"
            ) from error

    def gaussian(self, q):
        if q is None:
            refuse_own(self.model, "the default q", ["infer"], "pass q, or estimate with elbo_mc")
            q = self.model.posterior(self.x)
        if not isinstance(q, Normal) or tuple(q.mean.shape) != (self.n, self.dim):
            got = f"{type(q).__name__} of shape {tuple(q.mean.shape)}" if isinstance(q, Normal) else repr(q)
            raise ValueError(
                f"q must be a Normal of shape ({self.n}, {self.dim}), one for each row of x; got {got:.80}"
            )
        return _Gaussian(q)

    def on_grid(self, rows, boxes, nodes):
        """Cell centres z [m, rows, k], log p(x, z) there [m, rows] in float64, and the log of a cell's size [rows]."""
        steps = (2 * np.arange(nodes) + 1) / nodes - 1
        unit = np.stack(np.meshgrid(*[steps] * self.dim, indexing="ij"), axis=-1).reshape(-1, self.dim)
        centre, axes = boxes.centre[rows], boxes.axes[rows]
        log_cell = np.log(np.abs(np.linalg.det(axes))) + self.dim * math.log(2 / nodes)
        if len(rows) > 1 and (np.ptp(centre, axis=0) == 0).all() and (np.ptp(axes, axis=0) == 0).all():
            centre, axes = centre[:1], axes[:1]  # one box for all: decode it once
        z = centre + np.einsum("mj,nij->mni", unit, axes)
        x, size = tf.gather(self.x, rows), max(1, _FLOATS // (len(rows) * self.widest))
        parts = [self.log_joint(x, z[i : i + size].astype(np.float32)).numpy() for i in range(0, len(z), size)]
        return z, np.concatenate(parts).astype(np.float64), log_cell

    def chunks(self, rows, nodes):
        size = max(1, _FLOATS // (nodes**self.dim * self.widest))
        return (rows[start : start + size] for start in range(0, len(rows), size))

    def boxes(self):
        """For each row a box outside which the integrand is nothing."""
        prior = self.model.prior
        spread = np.broadcast_to(_REACH * prior.stddev.numpy().astype(np.float64), (self.n, self.dim))
        centre = np.broadcast_to(prior.mean.numpy().astype(np.float64), (self.n, self.dim))
        boxes = _Boxes(centre.copy(), spread[:, None] * np.eye(self.dim))
        for nodes, again in ((_FIRST[self.dim], ["grown"]), (_START[self.dim], ["grown", "cut"])):
            open_rows = np.arange(self.n)
            for _ in range(60):
                moved = [self.improve(rows, boxes, nodes) for rows in self.chunks(open_rows, nodes)]
                open_rows = np.concatenate([rows[kind] for rows in moved for kind in again])
                if not open_rows.size:
                    break
            else:
                raise ArithmeticError(f"no box holds the posterior of x[{open_rows[0]}]: is the likelihood flat there?")
        return boxes

    def improve(self, rows, boxes, nodes):
        """Grow the boxes of the rows that their edges cut short, else cut them to size; says which it did."""
        z, log_joint, _ = self.on_grid(rows, boxes, nodes)
        grid = log_joint.reshape([nodes] * self.dim + [-1])
        bound = grid + np.max([_gain(grid, axis) for axis in range(self.dim)], axis=0)
        edges = [np.moveaxis(bound, axis, 0)[[0, -1]].reshape(2, -1, len(rows)).max(axis=1) for axis in range(self.dim)]
        bound = bound.reshape(len(z), -1)
        top = bound.max(axis=0)
        if not np.isfinite(top).all():
            raise ArithmeticError(f"log p(x, z) is not finite for x[{rows[~np.isfinite(top)][0]}]")
        low, high = (np.stack(edges, axis=-1) > (top - _DROP + 5)[:, None]).astype(float)
        centre, axes = boxes.centre[rows], boxes.axes[rows]
        grown = (low + high).any(axis=-1)
        boxes.centre[rows[grown]] += np.einsum("nij,nj->ni", axes, high - low)[grown]
        boxes.axes[rows[grown]] *= (1 + low + high)[grown, None]

        row, node = np.nonzero((bound > top - _DROP).T)  # every row has its best node at least
        starts = np.searchsorted(row, np.arange(len(rows)))
        shift = z[node, row if z.shape[1] > 1 else 0] - centre[row]
        count = np.bincount(row)[:, None]
        from_mean = shift - (np.add.reduceat(shift, starts) / count)[row]
        cells = axes / nodes  # half edges
        covariance = np.add.reduceat(from_mean[:, :, None] * from_mean[:, None], starts) / count[:, None]
        directions = np.linalg.eigh(covariance + cells @ np.swapaxes(cells, 1, 2))[1]
        along = np.einsum("hi,hij->hj", shift, directions[row])
        margin = 2 * np.abs(np.einsum("nij,nil->njl", directions, cells)).sum(axis=-1)
        first, last = np.minimum.reduceat(along, starts) - margin, np.maximum.reduceat(along, starts) + margin
        smaller = np.prod((last - first) / 2, axis=-1) < 0.6 * np.abs(np.linalg.det(axes))
        cut = smaller & ~grown
        boxes.centre[rows[cut]] += np.einsum("nij,nj->ni", directions, (first + last) / 2)[cut]
        boxes.axes[rows[cut]] = (directions * ((last - first) / 2)[:, None])[cut]
        return {"grown": rows[grown], "cut": rows[cut]}

    def settle(self, boxes, rule, tolerance, want_nodes=False):
        """``rule(rows, z, log_joint, log_cell)`` with ever more nodes, until doubling them changes nothing."""
        if not (isinstance(tolerance, numbers.Real) and 0 < tolerance < math.inf):
            raise ValueError(f"tolerance must be a positive number of nats; got {tolerance!r}")
        answer, open_rows, nodes = np.full(self.n, np.nan), np.arange(self.n), _START[self.dim]
        while nodes <= _LIMIT[self.dim]:
            before = answer[open_rows]
            for rows in self.chunks(open_rows, nodes):
                answer[rows] = rule(rows, *self.on_grid(rows, boxes, nodes))
            change = np.nan_to_num(np.abs(answer[open_rows] - before), nan=np.inf)
            still = ~(change <= tolerance + _FLOAT32 * np.abs(answer[open_rows]))
            open_rows, change = open_rows[still], change[still]
            if not open_rows.size:
                return nodes if want_nodes else answer
            nodes *= 2
        raise ArithmeticError(
            f"quadrature has not settled for {open_rows.size} rows of x, the first x[{open_rows[0]}]: the last "
            f"doubling still changed the answer by up to {change.max():.1g} nats, above tolerance={tolerance:g}"
        )


def _gain(values, axis):
    """How much higher than at its node a function gets within the cell, by parabolas along one axis; 0 at the edge."""
    before, here, after = (np.take(values, np.arange(i, values.shape[axis] - 2 + i), axis) for i in range(3))
    slope, bend = np.abs(after - before) / 2, (after + before) / 2 - here
    peak_inside = -2 * bend > slope
    gain = np.where(peak_inside, slope**2 / np.where(peak_inside, -4 * bend, 1), slope / 2 + bend / 4)
    return np.pad(gain, [(int(a == axis),) * 2 for a in range(values.ndim)])


class _Gaussian:
    """q in float64, and the boxes that hold all but 1e-15 of it."""

    def __init__(self, q):
        self.mean, self.stddev = q.mean.numpy().astype(np.float64), q.stddev.numpy().astype(np.float64)
        self.stddev = np.broadcast_to(self.stddev, self.mean.shape)

    def boxes(self):
        return _Boxes(self.mean, 8 * self.stddev[:, None] * np.eye(self.mean.shape[1]))

    def log_prob(self, rows, z):
        standardised = (z - self.mean[rows]) / self.stddev[rows]
        log_norm = np.log(self.stddev[rows]).sum(axis=-1) + 0.5 * self.mean.shape[1] * math.log(2 * math.pi)
        return -0.5 * np.sum(standardised**2, axis=-1) - log_norm


class ProbabilisticPCA:
    """x = W z + μ + noise, z ~ N(0, I), noise ~ N(0, σ² I), with everything in closed form (Tipping and Bishop 1999).

    Args:
        mean: μ, [d].  weights: W, [d, k].  variance: σ² > 0.
    """

    def __init__(self, mean, weights, variance):
        self.mean, self.weights = _array("mean", mean), _array("weights", weights)
        self.variance = float(_array("variance", variance))
        if self.mean.ndim != 1 or self.weights.ndim != 2 or len(self.weights) != len(self.mean):
            raise ValueError(
                f"mean and weights must have shapes [d] and [d, k]; got {self.mean.shape} and {self.weights.shape}"
            )
        if not 0 < self.variance < math.inf:
            raise ValueError(f"variance must be positive and finite; got {variance!r}")

    @classmethod
    def fit(cls, x, latent_dim):
        """The maximum-likelihood solution for ``x`` [n, d] in its canonical rotation: W's columns are orthogonal.

        Tipping and Bishop (1999), equations 7 and 8: W = U (Λ − σ² I)^½ with the leading eigenvectors U and
        eigenvalues Λ of the sample covariance (divided by n), σ² the mean of the discarded eigenvalues.
        """
        x = _array("x", x)
        if x.ndim != 2 or 0 in x.shape:
            raise ValueError(f"x must be an array [n, d] that is not empty; got shape {x.shape}")
        integer = isinstance(latent_dim, numbers.Integral) and not isinstance(latent_dim, bool)
        if not integer or not 0 < latent_dim < x.shape[1]:
            raise ValueError(f"latent_dim must be an integer from 1 to d − 1 = {x.shape[1] - 1}; got {latent_dim!r}")
        mean = x.mean(axis=0)
        values, vectors = np.linalg.eigh((x - mean).T @ (x - mean) / len(x))
        values, vectors = values[::-1], vectors[:, ::-1]
        variance = values[latent_dim:].mean()
        if variance <= 1e-12 * values[0]:
            raise ValueError(f"x lies in {latent_dim} dimensions or fewer: the noise variance would be {variance:.1g}")
        spread = np.sqrt(np.maximum(values[:latent_dim] - variance, 0))
        return cls(mean, vectors[:, :latent_dim] * spread, variance)

    def _centred(self, x):
        x = _array("x", x)
        if x.ndim != 2 or x.shape[1] != len(self.mean):
            raise ValueError(f"x must have shape [n, {len(self.mean)}]; got {x.shape}")
        return x - self.mean

    @property
    def precision(self):
        """The posterior's precision matrix I + WᵀW / σ², the same for every x: [k, k]."""
        return np.eye(self.weights.shape[1]) + self.weights.T @ self.weights / self.variance

    def posterior_mean(self, x):
        """E[z | x] = (WᵀW + σ² I)⁻¹ Wᵀ (x − μ): [n, k]."""
        centred = self._centred(x)
        return np.linalg.solve(self.precision, self.weights.T @ centred.T / self.variance).T

    def log_prob(self, x):
        """log p(x) = log N(x; μ, W Wᵀ + σ² I) in nats: [n]."""
        centred = self._centred(x)
        covariance = self.weights @ self.weights.T + self.variance * np.eye(len(self.mean))
        factor = np.linalg.cholesky(covariance)
        white = np.linalg.solve(factor, centred.T)
        log_det = 2 * np.log(np.diag(factor)).sum()
        return -0.5 * ((white**2).sum(axis=0) + log_det + len(self.mean) * math.log(2 * math.pi))

    def posterior(self, x):
        """The best factorised Gaussian q(z) for p(z | x), a ``Normal`` [n, k]: exact in the canonical rotation.

        The Gaussian with diagonal covariance and the least KL(q ‖ p(z | x)) has the exact mean and, as variances,
        one over the diagonal of the precision (Bishop 2006, section 10.1.2).
        """
        mean = self.posterior_mean(x)
        return Normal(mean, np.broadcast_to(-np.log(np.diag(self.precision)), mean.shape))

    def mean_field_gap(self):
        """log p(x) − ELBO for that q, the same for every x, in nats: ½ (Σ log Pⱼⱼ − log det P), P the precision."""
        return 0.5 * (np.log(np.diag(self.precision)).sum() - np.linalg.slogdet(self.precision)[1])

    def as_vae(self):
        """The same model as a ``VAE`` of linear nets, with ``posterior`` as its encoder."""
        d, k = self.weights.shape
        vae = VAE(mlp(d, [], 2 * k), mlp(k, [], d), FixedNormal(self.variance))
        to_mean = np.linalg.solve(self.precision, self.weights.T / self.variance).T
        bias = np.concatenate([-self.mean @ to_mean, -np.log(np.diag(self.precision))])
        vae.encoder.set_weights([np.concatenate([to_mean, np.zeros((d, k))], axis=1), bias])
        vae.decoder.set_weights([self.weights.T, self.mean])
        return vae


def _array(name, value):
    """``value`` as float64; an error if it is not numeric or not finite."""
    try:
        value = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be an array of numbers; got {value!r:.80}") from None
    if not np.isfinite(value).all():
        raise ValueError(f"{name} must be finite; got {int((~np.isfinite(value)).sum())} NaN or infinite values")
    return value
