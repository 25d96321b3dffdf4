"""What a trained model is worth: likelihood, rate and distortion, active units, in nats, as NumPy arrays; and what
its samples are worth: the energy distance, in the unit of the data."""

import contextlib

import numpy as np
import tensorflow as tf
from scipy.spatial.distance import cdist

from vae_lib import checks, randomness
from vae_lib.distributions import closed_form_kl, kl_divergence
from vae_lib.models import VAE
from vae_lib.objectives import require

_BLOCK = 100  # examples at a time
_FLOATS = 2**23  # the most numbers an array in between may hold: memory does not grow with the samples
_CACHED = 2**19  # … and one layer's output: what a processor keeps near is read again several times as fast


def log_likelihood(model, x, samples=5000):
    """log p(x) by importance sampling from q(z | x), in nats: [n].

    The log-mean-exp of ``samples`` weights w = p(x, z) / q(z | x), streamed so that memory stays bounded: Burda,
    Grosse and Salakhutdinov (2016), equation 8, with many samples. Its expectation is *below* log p(x), by less
    the more samples there are. Repeatable after ``keras.utils.set_random_seed``.

    Raises ``TypeError`` or ``ValueError`` for data the model cannot take, or for ``samples`` below one.
    """
    require(VAE, model, "log_likelihood")
    checks.integer("log_likelihood: samples", samples)
    steps, chunk = _in_chunks(model, samples)

    def log_mean_weight(x, seed):
        total = tf.fill([_BLOCK], -np.inf)
        for step in tf.range(steps):
            with randomness.keyed(seed, step):
                new = model.log_weights(x, chunk)
            new = tf.where(_wanted(step, chunk, samples), new, -np.inf)
            total = tf.reduce_logsumexp([total, tf.reduce_logsumexp(new, axis=0)], axis=0)
        return total - tf.math.log(float(samples))

    return over_blocks(log_mean_weight, model.check_data(x))


def rate_distortion(model, x, samples=100):
    """(rate, distortion) in nats, [n] each; rate + distortion = −ELBO (Alemi et al. 2018).

    Rate: KL(q(z | x) ‖ p(z)), in closed form where one is registered. Distortion: −E_q[log p(x | z)]. What has
    no closed form is the mean over ``samples`` draws of z, streamed as in ``log_likelihood``.

    Raises ``TypeError`` or ``ValueError`` for data the model cannot take, or for ``samples`` below one.
    """
    require(VAE, model, "rate_distortion", "infer", "log_joint")
    checks.integer("rate_distortion: samples", samples)
    steps, chunk = _in_chunks(model, samples)

    def both(x, seed):
        q, prior = model.posterior(x), model.prior
        closed_form = closed_form_kl(q, prior)
        total = tf.zeros([2, _BLOCK])
        for step in tf.range(steps):
            with randomness.keyed(seed, step):
                z = q.sample(chunk)
            distortion = -model.decode(z).log_prob(x)
            rate = tf.zeros_like(distortion) if closed_form else q.log_prob(z) - prior.log_prob(z)
            new = tf.where(_wanted(step, chunk, samples), tf.stack([rate, distortion]), 0.0)
            total += tf.reduce_sum(new, axis=1)
        rate, distortion = tf.unstack(total / samples)
        return tf.stack([kl_divergence(q, prior) if closed_form else rate, distortion], axis=1)

    rate, distortion = over_blocks(both, model.check_data(x)).T
    return rate, distortion


def active_units(model, x, threshold=0.01):
    """How many latent dimensions the data move: those whose posterior mean varies over ``x`` by more than
    ``threshold`` (Burda, Grosse and Salakhutdinov 2016, section 5.2). Raises as ``log_likelihood`` does."""
    require(VAE, model, "active_units", "infer")
    checks.not_negative("active_units: threshold", threshold)
    means = over_blocks(lambda x, seed: model.posterior(x).mean, model.check_data(x))
    return int(np.sum(means.var(axis=0) > threshold))


def energy_distance(x, y):
    """The energy distance 2 E‖X − Y‖ − E‖X − X'‖ − E‖Y − Y'‖ of the sources of x [n, d] and y [m, d]: a float.

    Székely and Rizzo (2013), in the unit of the data. Zero only for equal sources. The estimate has no bias: no point
    is paired with itself, so for equal sources it scatters around zero, also below; ``energy_null`` says how far.
    Time grows like (n + m)²; memory is bounded. Independent points are assumed.

    Raises ``TypeError`` or ``ValueError`` unless x and y are finite numbers, two rows or more, of one width.
    """
    x, y = _two_samples(x, y)
    return float(_energy_distances(x, y, np.arange(len(x) + len(y))[:, np.newaxis] < len(x))[0])


def energy_null(x, y, draws=1000, seed=0):
    """What ``energy_distance(x, y)`` would be if x and y had one source: [draws], with independent points.

    The null distribution by permutation: x and y are pooled and dealt out anew at random, ``draws`` times, into
    samples of the old sizes. The distances are computed once for all draws, in blocks, so that memory grows with
    (n + m) · draws only. With k values at or above the observed one, (1 + k) / (1 + draws) is a p-value.

    ``seed`` is anything that ``numpy.random.default_rng`` takes. Raises as ``energy_distance`` does, and
    ``ValueError`` for ``draws`` below one.
    """
    x, y = _two_samples(x, y)
    checks.integer("energy_null: draws", draws)
    original = np.repeat([[True], [False]], [len(x), len(y)], axis=0)
    return _energy_distances(x, y, np.random.default_rng(seed).permuted(original.repeat(draws, axis=1), axis=0))


def _energy_distances(x, y, first):
    """One value for each column of ``first`` [n + m, draws]: which points of the pool are the first sample's."""
    pool, first, n, m = np.concatenate([x, y]), first.astype(np.float64), len(x), len(y)
    first_first, first_all, total = 0.0, 0.0, 0.0  # sums of distances over ordered pairs
    rows = max(1, _FLOATS // (n + m))
    for start in range(0, n + m, rows):
        distances, block = cdist(pool[start : start + rows], pool), first[start : start + rows]
        first_first += np.sum(block * (distances @ first), axis=0)
        first_all += distances.sum(axis=1) @ block
        total += distances.sum()
    first_second, second_second = first_all - first_first, total - 2 * first_all + first_first
    return 2 * first_second / (n * m) - first_first / (n * (n - 1)) - second_second / (m * (m - 1))


def _two_samples(x, y):
    for name, points in (("x", x), ("y", y)):
        shape = checks.numeric(points, name).shape
        if len(shape) != 2 or shape[0] < 2:
            raise ValueError(f"{name} must have shape [n, d] with at least two points; got {shape}")
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"y must have the width of x, {x.shape[1]}; got shapes {x.shape} and {y.shape}")
    return x, y


def over_blocks(function, x):
    """``function(block, seed)`` compiled, over blocks of one size; the last is filled up and cut again."""
    seed = randomness.integers([], "int32")
    signature = [tf.TensorSpec([_BLOCK, *x.shape[1:]]), tf.TensorSpec([], tf.int32)]
    compiled = tf.function(function, jit_compile=True).get_concrete_function(*signature)
    n = x.shape[0]
    x = tf.cast(tf.gather(x, np.arange(-(-n // _BLOCK) * _BLOCK) % n), tf.float32)
    blocks = [compiled(x[start : start + _BLOCK], seed + start) for start in range(0, x.shape[0], _BLOCK)]
    return np.concatenate([block.numpy() for block in blocks])[:n].astype(np.float64)


def _in_chunks(model, samples):
    """(steps, chunk): how many draws of z for a block of examples are made at a time, and how often."""
    most = max(1, _CACHED // (_BLOCK * widest_layer(model)))
    steps = -(-samples // most)
    return steps, -(-samples // steps)  # all of one size, or a second one would be compiled for the rest


def _wanted(step, chunk, samples):
    """Which draws of a chunk count, [chunk, 1]: the last chunk may hold some too many."""
    return (step * chunk + tf.range(chunk) < samples)[:, tf.newaxis]


def widest_layer(model):
    """The width of the widest layer a sample passes through: what a sample costs in memory."""
    widths = [model.data_dim] + [int(np.prod(w.shape[1:])) for w in model.decoder.weights]
    for layer in model.decoder._flatten_layers():
        with contextlib.suppress(AttributeError, ValueError):  # a layer inside another one of your own tells nothing
            widths.append(int(np.prod(layer.output.shape[1:])))
    return max(widths)
