"""log p(x) from both sides without an encoder: annealed importance sampling, forwards and backwards."""

import math

import numpy as np
import tensorflow as tf

from vae_lib import checks, randomness
from vae_lib.evaluation import over_blocks
from vae_lib.models import VAE
from vae_lib.objectives import require

_RATE = 0.65  # of accepted moves, near the best that Hamiltonian Monte Carlo can do (Neal 2011, section 5.4.4.3)


def ais(model, x, chains=16, steps=200, leaps=5, posterior_draws=None):
    """log p(x) by annealed importance sampling, in nats: [n]. Its expectation is *below* log p(x).

    Neal (2001), for decoders Wu, Burda, Salakhutdinov and Grosse (2017): ``chains`` draws from the prior are moved at
    ``steps`` temperatures, p(z) p(x | z)^β with β from 0 to 1, each time by ``leaps`` leapfrog steps of Hamiltonian
    Monte Carlo. No encoder is asked. A first run, always forwards and with noise of its own, finds the length of a leap
    for each example and temperature; the second keeps it and weighs, so that the mean weight is p(x) without bias.

    With ``posterior_draws`` [chains, n, latent] from the *exact* posterior the chains run backwards, and the
    expectation is *above* log p(x): bidirectional Monte Carlo (Grosse, Ghahramani and Adams 2015).

    Raises ``TypeError`` or ``ValueError`` for data the model cannot take, counts below one, draws of another shape.
    """
    require(VAE, model, "ais", "log_joint")
    for name, value in (("chains", chains), ("steps", steps), ("leaps", leaps)):
        checks.integer(f"ais: {name}", value)
    x = tf.cast(model.check_data(x), tf.float32)
    backwards = posterior_draws is not None
    if backwards:
        z = tf.cast(checks.numeric(posterior_draws, "posterior_draws"), tf.float32)
        if z.shape != (chains, x.shape[0], model.latent_dim):
            wanted = f"[chains, n, latent] = {[chains, x.shape[0], model.latent_dim]}"
            raise ValueError(f"posterior_draws must have shape {wanted}; got {z.shape.as_list()}")
        x = tf.concat([x, tf.reshape(tf.transpose(z, [1, 0, 2]), [x.shape[0], -1])], axis=1)
    # many temperatures near 0 and near 1, where the densities change most: equation 9 of Wu et al. (2017)
    curve = 1 / (1 + np.exp(-4 * np.linspace(-1, 1, steps + 1)))
    betas = tf.constant((curve - curve[0]) / (curve[-1] - curve[0]), tf.float32)

    def estimate(rows, seed):
        x, drawn = tf.split(rows, [model.data_dim, rows.shape[1] - model.data_dim], axis=1)
        n = rows.shape[0]

        def run(seed, lengths, adapt):
            """The chains' log-weights [chains, n], and the length of a leap at each temperature [steps + 1, n]."""
            back = backwards and not adapt  # lengths found along the weighed walks would depend on their start
            with randomness.keyed(seed, 0):
                z = tf.reshape(model.prior.sample(chains * n), [chains, n, model.latent_dim])
            if back:
                z = tf.transpose(tf.reshape(drawn, [n, chains, model.latent_dim]), [1, 0, 2])

            def step(t, z, log_w, lengths, length):
                k = steps - t if back else t + 1  # from temperature k − 1 to k, or back
                if not adapt:
                    length = lengths[k]
                rise = betas[k] - betas[k - 1]
                with randomness.keyed(seed, t + 1):
                    if back:
                        z, accepted = _move(model, x, z, betas[k], length, leaps)
                        log_w -= rise * model.decode(z).log_prob(x)
                    else:
                        log_w += rise * model.decode(z).log_prob(x)
                        z, accepted = _move(model, x, z, betas[k], length, leaps)
                if adapt:
                    lengths = tf.tensor_scatter_nd_update(lengths, [[k]], [length])
                    length *= tf.exp(tf.reduce_mean(tf.cast(accepted, tf.float32), axis=0) - _RATE)
                return t + 1, z, log_w, lengths, length

            start = (tf.constant(0), z, tf.zeros([chains, n]), lengths, lengths[0])
            _, _, log_w, lengths, _ = tf.while_loop(lambda t, *_: t < steps, step, start)
            return log_w, lengths

        _, lengths = run(seed, tf.fill([steps + 1, n], 0.2), adapt=True)
        log_w, _ = run(-1 - seed, lengths, adapt=False)
        estimate = tf.reduce_logsumexp(log_w, axis=0) - math.log(chains)
        return -estimate if backwards else estimate

    return over_blocks(estimate, x)


def _move(model, x, z, beta, length, leaps):
    """One transition of Hamiltonian Monte Carlo that leaves p(z) p(x | z)^β as it is: the new z, and who accepted."""

    def log_density(z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = model.prior.log_prob(z) + beta * model.decode(z).log_prob(x)
        return value, tape.gradient(value, z)

    length = length[:, tf.newaxis]
    speed = randomness.normal(tf.shape(z))
    value, slope = log_density(z)
    before, new = value - tf.reduce_sum(speed**2, axis=-1) / 2, z
    for _ in range(leaps):
        speed += length * slope / 2
        new += length * speed
        value, slope = log_density(new)
        speed += length * slope / 2
    after = value - tf.reduce_sum(speed**2, axis=-1) / 2
    accepted = tf.math.log(randomness.uniform(tf.shape(after))) < after - before  # no where that is NaN
    return tf.where(accepted[..., tf.newaxis], new, z), accepted
