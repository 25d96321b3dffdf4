"""Objectives against NumPy in float64, finite differences and the exact bound."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from conftest import draws_from, forward, log_likelihood_of, small_autoencoder, small_vae
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

import vae_lib
from vae_lib import Bernoulli, FixedNormal, LearnedNormal, Normal, exact, randomness

VAES = {
    "FixedNormal": small_vae(2, 3, FixedNormal(0.3)),
    "LearnedNormal": small_vae(2, 3, LearnedNormal(0.3)),
    "Bernoulli": small_vae(2, 3, Bernoulli),
}
X = np.random.default_rng(0).uniform(size=(6, 3)).astype(np.float32)
OBJECTIVES = {
    "elbo": vae_lib.elbo,
    "elbo_mc": vae_lib.elbo_mc(3),
    "iwae": vae_lib.iwae(3),
    "beta_elbo": vae_lib.beta_elbo(2.0),
    "free_bits": vae_lib.free_bits(0.1),
}
objectives = pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
vaes = pytest.mark.parametrize("vae", VAES.values(), ids=VAES)


def by_hand(name, vae, weights, noise):
    """The objective once more, in float64, from a list of the encoder's and decoder's weights and the noise itself."""
    x, cut = X.astype(np.float64), len(vae.encoder.weights)
    mean, log_variance = np.split(forward(vae.encoder, x, weights[:cut]), 2, axis=-1)
    z = mean + np.exp(log_variance / 2) * noise
    log_p_x = log_likelihood_of(vae, forward(vae.decoder, z, weights[cut:]), x)
    kl = 0.5 * (mean**2 + np.exp(log_variance) - log_variance - 1)
    log_w = log_p_x + stats.norm.logpdf(z).sum(-1) - stats.norm.logpdf(z, mean, np.exp(log_variance / 2)).sum(-1)
    return {
        "elbo": lambda: log_p_x - kl.sum(-1),
        "elbo_mc": lambda: log_w.mean(axis=0),
        "iwae": lambda: special.logsumexp(log_w, axis=0) - np.log(3),
        "beta_elbo": lambda: log_p_x - 2 * kl.sum(-1),
        "free_bits": lambda: log_p_x - np.maximum(kl.mean(axis=0), 0.1).sum(),
    }[name]()


@vaes
@pytest.mark.parametrize("name", OBJECTIVES)
def test_value_and_gradient_agree_with_numpy_and_finite_differences(name, vae):
    shape = (3, 6, 2) if name in ("elbo_mc", "iwae") else (6, 2)
    with vae_lib.keyed(4):
        noise = randomness.normal(shape).numpy().astype(np.float64)
    nets = vae.encoder.trainable_weights + vae.decoder.trainable_weights
    with vae_lib.keyed(4), tf.GradientTape() as tape:
        value = OBJECTIVES[name](vae, X)
    gradient = tape.gradient(value, [w.value for w in nets])
    start = [w.numpy().astype(np.float64) for w in nets]
    np.testing.assert_allclose(value, by_hand(name, vae, start, noise), rtol=1e-4, atol=1e-4)
    rng = np.random.default_rng(0)
    for _ in range(4):
        way = [rng.normal(size=w.shape) for w in start]
        ahead, behind = (
            by_hand(name, vae, [w + step * d for w, d in zip(start, way, strict=True)], noise).sum()
            for step in (1e-6, -1e-6)
        )
        slope = sum((g.numpy() * d).sum() for g, d in zip(gradient, way, strict=True))
        assert slope == pytest.approx((ahead - behind) / 2e-6, rel=1e-3, abs=1e-3)


@objectives
@vaes
def test_an_objective_gives_one_value_per_example_in_every_mode(objective, vae):
    @tf.function(jit_compile=True)
    def compiled(x):
        with vae_lib.keyed(1):
            return objective(vae, x)

    with vae_lib.keyed(1):
        value = objective(vae, X)
    assert value.shape == (6,)
    assert value.dtype == tf.float32
    np.testing.assert_allclose(value, compiled(X), rtol=1e-4, atol=1e-3)
    assert objective(vae, X[:1]).shape == (1,)


@pytest.mark.parametrize("name", ["elbo", "elbo_mc"])
@pytest.mark.parametrize("latent_dim", [1, 2])
def test_the_sampled_bound_is_the_exact_one_on_average(name, latent_dim):
    vae = small_vae(latent_dim, 3)
    x = draws_from(vae, 4)
    values = OBJECTIVES[name](vae, np.repeat(x, 4000, axis=0)).numpy().reshape(4, 4000).astype(np.float64)
    error = values.std(axis=1) / 4000**0.5
    assert (np.abs(values.mean(axis=1) - exact.elbo(vae, x)) < 5 * error).all()


def test_the_weighted_bound_rises_with_samples_and_stays_below_the_truth():
    vae = small_vae(1, 3, FixedNormal(0.3))
    x = draws_from(vae, 4)
    truth, bounds = exact.log_marginal(vae, x), []
    for samples in (1, 4, 16, 64):
        values = vae_lib.iwae(samples)(vae, np.repeat(x, 2000, axis=0)).numpy().reshape(4, 2000).astype(np.float64)
        bounds.append((values.mean(axis=1), values.std(axis=1) / 2000**0.5))
    for (low, low_error), (high, high_error) in itertools.pairwise(bounds):
        assert (high - low > -5 * np.hypot(low_error, high_error)).all()
    means, errors = (np.array(column) for column in zip(*bounds, strict=True))
    assert (means < truth + 5 * errors).all()
    assert (means[-1] - means[0] > 5 * np.hypot(errors[0], errors[-1])).any()
    assert (np.abs(means[0] - exact.elbo(vae, x)) < 5 * errors[0]).all()


@settings(max_examples=20)
@given(st.integers(1, 8), st.integers(0, 10**6))
def test_on_the_same_draws_the_weighted_bound_is_never_below_the_plain_one(samples, seed):
    values = []
    for objective in (vae_lib.elbo_mc(samples), vae_lib.iwae(samples)):
        with vae_lib.keyed(seed):
            values.append(objective(VAES["FixedNormal"], X).numpy())
    assert (values[1] >= values[0] - 1e-4).all()  # Jensen
    if samples == 1:
        np.testing.assert_allclose(*values, rtol=1e-5)


def keyed_value(objective, vae):
    with vae_lib.keyed(2):
        return objective(vae, X).numpy()


@vaes
def test_beta_one_is_the_bound_and_beta_zero_its_first_term(vae):
    np.testing.assert_array_equal(keyed_value(vae_lib.beta_elbo(1), vae), keyed_value(vae_lib.elbo, vae))
    rate = vae_lib.kl_divergence(vae.posterior(X), vae.prior)
    no_rate = keyed_value(vae_lib.beta_elbo(0), vae)
    np.testing.assert_allclose(no_rate - keyed_value(vae_lib.elbo, vae), rate, rtol=1e-4, atol=1e-5)


def test_a_variable_beta_is_read_at_each_call_of_a_compiled_function():
    beta, vae = tf.Variable(1.0), VAES["FixedNormal"]
    compiled = tf.function(lambda: keyed_tensor(vae_lib.beta_elbo(beta), vae))
    before = compiled().numpy()
    beta.assign(3.0)
    rate = vae_lib.kl_divergence(vae.posterior(X), vae.prior)
    np.testing.assert_allclose(before - compiled(), 2 * rate, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("beta", [tf.Variable(2), tf.Variable(2.0, dtype=tf.float64)])
def test_a_variable_beta_may_be_of_any_type(beta):
    vae = VAES["FixedNormal"]
    np.testing.assert_array_equal(keyed_tensor(vae_lib.beta_elbo(beta), vae), keyed_tensor(vae_lib.beta_elbo(2.0), vae))


def keyed_tensor(objective, vae):
    with vae_lib.keyed(2):
        return objective(vae, X)


@vaes
def test_free_bits_charge_each_dimension_at_least_the_allowance(vae):
    reconstruction = keyed_value(vae_lib.beta_elbo(0), vae)
    q = vae.posterior(X)
    each = 0.5 * (q.mean**2 + q.variance - q.log_variance - 1).numpy().mean(axis=0)
    for nats in (0, each.mean(), 100):
        charge = reconstruction - keyed_value(vae_lib.free_bits(nats), vae)
        np.testing.assert_allclose(charge, np.full(6, np.maximum(each, nats).sum()), rtol=1e-4, atol=1e-4)


def test_what_free_bits_give_for_free_has_no_gradient():
    vae = VAES["FixedNormal"]
    weights = [w.value for w in vae.encoder.trainable_weights]
    gradients = []
    for objective in (vae_lib.free_bits(100), vae_lib.beta_elbo(0)):
        with vae_lib.keyed(2), tf.GradientTape() as tape:
            value = objective(vae, X)
        gradients.append(tape.gradient(value, weights))
    for free, none in zip(*gradients, strict=True):
        np.testing.assert_allclose(free, none, rtol=1e-5, atol=1e-5)


def test_without_a_closed_form_the_rate_is_the_mean_over_the_draw():
    class Opaque(vae_lib.Distribution):
        def __init__(self, inner):
            self.log_prob, self.sample, self.mean = inner.log_prob, inner.sample, inner.mean

    vae = VAES["FixedNormal"]
    opaque = vae_lib.VAE(vae.encoder, vae.decoder, vae.likelihood, prior=Opaque(vae.prior))
    np.testing.assert_allclose(
        keyed_value(vae_lib.elbo, opaque), keyed_value(vae_lib.elbo_mc(1), vae), rtol=1e-4, atol=1e-4
    )
    with pytest.raises(TypeError, match=r"free_bits needs model.prior to be Normal; got Opaque"):
        vae_lib.free_bits(1)(opaque, X)


def test_a_learned_or_moved_prior_enters_the_rate():
    vae = VAES["FixedNormal"]
    moved = vae_lib.VAE(vae.encoder, vae.decoder, vae.likelihood, prior=Normal([1.0, -1.0], [0.5]))
    q = vae.posterior(X)
    truth = [
        np.sum(np.log(np.exp(0.25) / s) + (s**2 + (m - [1, -1]) ** 2) / (2 * np.exp(0.5)) - 0.5)
        for m, s in zip(q.mean.numpy(), q.stddev.numpy(), strict=True)
    ]
    rate = keyed_value(vae_lib.beta_elbo(0), moved) - keyed_value(vae_lib.elbo, moved)
    np.testing.assert_allclose(rate, truth, rtol=1e-4, atol=1e-4)


def test_reconstruction_is_minus_the_squared_error_of_each_example():
    model = small_autoencoder()
    x = X[:, :2]
    truth = -((forward(model.decoder, forward(model.encoder, x)) - x) ** 2).sum(-1)
    np.testing.assert_allclose(vae_lib.reconstruction(model, x), truth, rtol=1e-4)


@objectives
def test_a_bound_on_a_plain_autoencoder_is_refused(objective):
    message = "needs model to be a VAE; got Autoencoder: .* use reconstruction"
    with pytest.raises(TypeError, match=f"{objective.__name__} {message}"):
        objective(small_autoencoder(), X[:, :2])


def test_reconstruction_of_a_vae_is_refused():
    with pytest.raises(TypeError, match=r"reconstruction needs model to be an Autoencoder; got VAE: .* use elbo"):
        vae_lib.reconstruction(VAES["FixedNormal"], X)


@objectives
def test_data_of_another_width_are_refused(objective):
    with pytest.raises(ValueError, match=r"x must have shape \[n, 3\].*got \(6, 2\)"):
        objective(VAES["FixedNormal"], X[:, :2])


@pytest.mark.parametrize("factory", [vae_lib.elbo_mc, vae_lib.iwae])
@pytest.mark.parametrize("samples", [0, -1, 2.5, True, None, "3"])
def test_samples_must_be_a_positive_integer(factory, samples):
    with pytest.raises(
        ValueError, match=f"{factory.__name__}: samples must be an integer, at least 1; got {samples!r}"
    ):
        factory(samples)
    assert factory(np.int64(2))(VAES["FixedNormal"], X).shape == (6,)


@pytest.mark.parametrize(
    ("factory", "value", "error"),
    [(vae_lib.beta_elbo, v, ValueError) for v in (np.nan, -1, np.inf, np.float32("nan"), True)]
    + [(vae_lib.beta_elbo, v, TypeError) for v in ("1", None, tf.Variable([1.0, 2.0]))]
    + [(vae_lib.free_bits, v, ValueError) for v in (np.nan, -0.1, np.inf, "1", None, True)],
)
def test_weights_of_the_rate_must_be_finite_and_not_negative(factory, value, error):
    with pytest.raises(error, match=rf"{factory.__name__}: (beta|nats) must be a .*number.*; got"):
        factory(value)
