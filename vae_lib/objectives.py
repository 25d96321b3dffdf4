"""What a model *maximises*. ``objective(model, x) -> [batch]``: one value per example, in nats for a VAE.

A factory such as ``iwae(5)`` returns an objective. Objectives that make no sense for a model say so.
"""

import math
import numbers

import keras
import tensorflow as tf

from vae_lib import checks, randomness
from vae_lib.distributions import Normal, closed_form_kl, kl_divergence
from vae_lib.models import VAE, Autoencoder, refuse_own


def _rate_and_reconstruction(model, x):
    """KL(q ‖ p(z)) and log p(x | z) at one z ~ q(z | x): [n] each; the first from that z if it has no closed form."""
    q, prior = model.posterior(x), model.prior
    z = q.sample()
    rate = kl_divergence(q, prior) if closed_form_kl(q, prior) else q.log_prob(z) - prior.log_prob(z)
    return rate, model.decode(z).log_prob(model._rows(x))


def elbo(model, x):
    """The evidence lower bound, E_q[log p(x | z)] − KL(q(z | x) ‖ p(z)), in nats: [n].

    One draw of z for the expectation, the KL in closed form where one is registered: the estimator of Kingma and
    Welling (2014), equation 7. Raises ``TypeError`` unless the model is a ``VAE`` whose ``infer`` and
    ``log_joint`` are those of the class; for others there is ``elbo_mc``.
    """
    require(VAE, model, "elbo", "infer", "log_joint")
    rate, log_likelihood = _rate_and_reconstruction(model, x)
    return log_likelihood - rate


def elbo_mc(samples=1):
    """The evidence lower bound as the mean of log w over ``samples`` draws of z (equation 6 there): [n]."""
    checks.integer("elbo_mc: samples", samples)

    def elbo_mc(model, x):
        require(VAE, model, "elbo_mc")
        return tf.reduce_mean(model.log_weights(x, samples), axis=0)

    return elbo_mc


def iwae(samples):
    """The importance-weighted bound, log (1/k) Σ w over k = ``samples`` draws, in nats: [n].

    Burda, Grosse and Salakhutdinov (2016), equation 8; ``iwae(1)`` is ``elbo_mc(1)``.
    """
    checks.integer("iwae: samples", samples)

    def iwae(model, x):
        require(VAE, model, "iwae")
        return tf.reduce_logsumexp(model.log_weights(x, samples), axis=0) - math.log(samples)

    return iwae


def dreg(samples):
    """``iwae(samples)`` with the doubly reparameterised gradient, whose signal does not drown for many samples: [n].

    Tucker, Lawson, Gu and Maddison (2019), equation 8: with normalised weights w̃, the decoder gets Σ w̃ ∇ log w as
    from ``iwae``, the encoder Σ w̃² (∂ log w / ∂z)(∂z / ∂φ). The value is the bound's.
    """
    checks.integer("dreg: samples", samples)

    def dreg(model, x):
        require(VAE, model, "dreg")
        normalised = []  # w̃ is known only after the forward pass, and wanted on the way back

        @tf.custom_gradient
        def weigh(draw):  # the identity, whose gradient is weighed by w̃ once more
            def gradient(up):
                w = normalised[0]
                return up * (w if up.shape.rank == 2 else w[..., tf.newaxis])

            return tf.identity(draw), gradient

        # with q's own parameters stopped, all that the encoder learns comes through these
        z, log_q = tf.nest.map_structure(weigh, model.infer(x, samples, stop_q_gradient=True))
        log_w = model.log_joint(x, z) - log_q
        normalised.append(tf.stop_gradient(tf.nn.softmax(log_w, axis=0)))
        return tf.reduce_logsumexp(log_w, axis=0) - math.log(samples)

    return dreg


def beta_elbo(beta):
    """E_q[log p(x | z)] − β KL(q(z | x) ‖ p(z)): [n]. A bound on log p(x) for β ≥ 1 (Higgins et al. 2017).

    ``beta`` is a number, or a scalar variable that a callback may change while training runs.
    """
    if isinstance(beta, numbers.Real):
        checks.not_negative("beta_elbo: beta", beta)
    elif not ((tf.is_tensor(beta) or isinstance(beta, tf.Variable | keras.Variable)) and len(beta.shape) == 0):
        raise TypeError(f"beta_elbo: beta must be a number or a scalar variable; got {beta!r:.80}")

    def beta_elbo(model, x):
        require(VAE, model, "beta_elbo", "infer", "log_joint")
        rate, log_likelihood = _rate_and_reconstruction(model, x)
        return log_likelihood - tf.cast(tf.convert_to_tensor(beta), tf.float32) * rate

    return beta_elbo


def free_bits(nats):
    """The bound with the first ``nats`` of each latent dimension's mean KL free of charge: [n].

    Kingma et al. (2016), appendix C.8: dimension j pays max(``nats``, its KL averaged over the batch). The
    batch-level charge is the same for each example.
    """
    checks.not_negative("free_bits: nats", nats)

    def free_bits(model, x):
        require(VAE, model, "free_bits", "infer", "log_joint")
        q, prior = model.posterior(x), model.prior
        if not isinstance(prior, Normal):
            raise TypeError(f"free_bits needs model.prior to be Normal; got {type(prior).__name__}")
        per_dimension = kl_divergence(*(Normal(d.mean[..., None], d.log_variance[..., None]) for d in (q, prior)))
        charge = tf.reduce_sum(tf.maximum(tf.reduce_mean(per_dimension, axis=0), nats))
        return model.decode(q.sample()).log_prob(model._rows(x)) - charge

    free_bits.whole_batch = True  # fit refuses it where replicas share the batch
    return free_bits


def reconstruction(model, x):
    """Minus the squared error of the reconstruction, summed over the components: [n]. For an ``Autoencoder``."""
    require(Autoencoder, model, "reconstruction")
    return -tf.reduce_sum(tf.math.squared_difference(model.reconstruct(x), model._rows(x)), axis=-1)


def denoising(noise):
    """Minus the squared error of recovering x from x + ε, ε ~ N(0, ``noise``² I), summed over the components: [n].

    Vincent et al. (2008), section 2.3, with the Gaussian noise of Vincent (2011). One draw of ε for each
    example and call; ``noise`` is a standard deviation in the units of x. The best r has
    (r(x) − x) / ``noise``² = ∇ log density of the noisy data. For an ``Autoencoder``.
    """
    checks.not_negative("denoising: noise", noise)

    def denoising(model, x):
        require(Autoencoder, model, "denoising")
        clean = model._rows(x)
        noisy = clean + noise * randomness.normal(tf.shape(clean))
        return -tf.reduce_sum(tf.math.squared_difference(model.reconstruct(noisy), clean), axis=-1)

    return denoising


def sparse(weight):
    """``reconstruction`` − ``weight`` · Σⱼ |zⱼ|, the L1 norm of the code z = f(x) of each example: [n].

    Olshausen and Field (1996) with the cost S(z) = |z|, here of an encoder's output. The penalty is empty unless
    the decoder is kept from growing: give its first layer ``kernel_constraint=keras.constraints.UnitNorm(axis=1)``.
    For an ``Autoencoder``.
    """
    checks.not_negative("sparse: weight", weight)

    def sparse(model, x):
        require(Autoencoder, model, "sparse")
        x = model._rows(x)
        z = model.encode(x)
        error = tf.reduce_sum(tf.math.squared_difference(model.decode(z), x), axis=-1)
        return -error - weight * tf.reduce_sum(tf.abs(z), axis=-1)

    return sparse


def contractive(weight, of="reconstruction", directions=None):
    """``reconstruction`` − ``weight`` · ‖J(x)‖², the squared Frobenius norm of a Jacobian at each example: [n].

    ``of="reconstruction"``: J = ∂r/∂x, Alain and Bengio (2014). ``of="code"``: J = ∂f/∂x, Rifai et al.
    (2011), equation 1, who tie decoder to encoder; with a decoder that is free to grow that penalty is empty.
    ``directions=k`` estimates ‖J‖² = E ‖J u‖² from k random u ~ N(0, I) (Hutchinson 1990), without bias and at a
    fraction of the cost of all the columns. For an ``Autoencoder``.
    """
    checks.not_negative("contractive: weight", weight)
    if directions is not None:
        checks.integer("contractive: directions", directions)
    if of not in ("reconstruction", "code"):
        raise ValueError(f'contractive: of must be "reconstruction" or "code"; got {of!r:.80}')

    def contractive(model, x):
        require(Autoencoder, model, "contractive")
        x = model._rows(x)
        count = directions or model.data_dim
        rows = tf.repeat(x, count, axis=0)  # an example for each column of its Jacobian, or each mixture of columns
        u = randomness.normal(tf.shape(rows)) if directions else tf.tile(tf.eye(count), [tf.shape(x)[0], 1])
        # J u is the derivative by v of v'J: backwards twice. A ForwardAccumulator makes XLA compile at each call.
        with tf.GradientTape(watch_accessed_variables=False) as twice:
            with tf.GradientTape(watch_accessed_variables=False) as once:
                once.watch(rows)
                z = model.encode(rows)
                output = z if of == "code" else model.decode(z)
            v = tf.zeros_like(output)
            twice.watch(v)
            pulled = once.gradient(output, rows, output_gradients=v)
        columns = tf.reshape(twice.gradient(pulled, v, output_gradients=u), [-1, count, output.shape[-1]])
        squares = tf.reduce_sum(tf.square(columns), axis=(1, 2))
        return reconstruction(model, x) - weight * (squares / directions if directions else squares)

    return contractive


def require(kind, model, objective, *unasked):
    """Raise ``TypeError`` unless ``model`` is of this kind, and its ``unasked`` methods are those of ``VAE``."""
    if isinstance(model, kind):
        return refuse_own(model, objective, unasked, "elbo_mc, iwae, dreg and log_likelihood ask the model's own")
    hint = (
        "an autoencoder defines no p(x, z), so there is nothing to bound; use reconstruction"
        if kind is VAE
        else "a VAE's reconstruction term depends on its likelihood; use elbo, or beta_elbo(0) for that term alone"
    )
    name = "a VAE" if kind is VAE else "an Autoencoder"
    raise TypeError(f"{objective} needs model to be {name}; got {type(model).__name__}: {hint}")
