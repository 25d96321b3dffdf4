"""What a trained model is worth: likelihood, rate and distortion, active units. In nats, as NumPy arrays."""

import keras
import numpy as np
import tensorflow as tf

from vae_lib import randomness
from vae_lib.distributions import closed_form_kl, kl_divergence
from vae_lib.models import VAE
from vae_lib.objectives import positive_integer, require

_BLOCK = 100  # examples at a time
_FLOATS = 2**23  # the most numbers one layer's output may hold: memory does not grow with the samples


def log_likelihood(model, x, samples=5000):
    """log p(x) by importance sampling from q(z | x), in nats: [n].

    The log-mean-exp of ``samples`` weights w = p(x, z) / q(z | x), streamed so that memory stays bounded: Burda,
    Grosse and Salakhutdinov (2016), equation 8, with many samples. Its expectation is *below* log p(x), by less
    the more samples there are. Repeatable after ``keras.utils.set_random_seed``.

    Raises ``TypeError`` or ``ValueError`` for data the model cannot take, or for ``samples`` below one.
    """
    require(VAE, model, "log_likelihood")
    positive_integer("log_likelihood", "samples", samples)
    chunk = max(1, min(samples, _FLOATS // (_BLOCK * widest_layer(model))))
    sizes = [chunk] * (samples // chunk) + [samples % chunk] * (samples % chunk > 0)

    def log_mean_weight(x, seed):
        def add(total, step, size):
            with randomness.keyed(seed, step):
                new = tf.reduce_logsumexp(model.log_weights(x, size), axis=0)
            return tf.reduce_logsumexp([total, new], axis=0)

        total = tf.fill([_BLOCK], -np.inf)
        for step in tf.range(sizes.count(chunk)):
            total = add(total, step, chunk)
        if sizes[-1] != chunk:
            total = add(total, len(sizes), sizes[-1])
        return total - tf.math.log(float(samples))

    return _over_blocks(log_mean_weight, model.check_data(x))


def rate_distortion(model, x, samples=100):
    """(rate, distortion) in nats, [n] each; rate + distortion = −ELBO (Alemi et al. 2018).

    Rate: KL(q(z | x) ‖ p(z)), in closed form where one is registered. Distortion: −E_q[log p(x | z)]. What has
    no closed form is the mean over ``samples`` draws of z.
    """
    require(VAE, model, "rate_distortion")
    positive_integer("rate_distortion", "samples", samples)

    def both(x, seed):
        q, prior = model.posterior(x), model.prior
        with randomness.keyed(seed):
            z = q.sample(samples)
        if closed_form_kl(q, prior):
            rate = kl_divergence(q, prior)
        else:
            rate = tf.reduce_mean(q.log_prob(z) - prior.log_prob(z), axis=0)
        return tf.stack([rate, -tf.reduce_mean(model.decode(z).log_prob(x), axis=0)], axis=1)

    rate, distortion = _over_blocks(both, model.check_data(x)).T
    return rate, distortion


def active_units(model, x, threshold=0.01):
    """How many latent dimensions the data move: those whose posterior mean varies over ``x`` by more than
    ``threshold`` (Burda, Grosse and Salakhutdinov 2016, section 5.2)."""
    require(VAE, model, "active_units")
    means = _over_blocks(lambda x, seed: model.posterior(x).mean, model.check_data(x))
    return int(np.sum(means.var(axis=0) > threshold))


def _over_blocks(function, x):
    """``function(block, seed)`` compiled, over blocks of one size; the last is filled up and cut again."""
    seed = keras.random.randint((), 0, 2**31 - 1)
    signature = [tf.TensorSpec([_BLOCK, *x.shape[1:]]), tf.TensorSpec([], tf.int32)]
    compiled = tf.function(function, jit_compile=True).get_concrete_function(*signature)
    n = x.shape[0]
    x = tf.cast(tf.gather(x, np.arange(-(-n // _BLOCK) * _BLOCK) % n), tf.float32)
    blocks = [compiled(x[start : start + _BLOCK], seed + start) for start in range(0, x.shape[0], _BLOCK)]
    return np.concatenate([block.numpy() for block in blocks])[:n].astype(np.float64)


def widest_layer(model):
    """The width of the widest layer a sample passes through: what a sample costs in memory."""
    return max([model.data_dim] + [int(np.prod(w.shape[1:])) for w in model.decoder.weights])
