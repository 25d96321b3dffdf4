"""Annealed importance sampling against exact values: probabilistic PCA, and quadrature for a curved decoder."""

import vae_lib  # first: it imports TensorFlow quietly
from vae_lib import VAE, ais, exact, mlp

import keras  # isort: skip
import numpy as np
import pytest
import tensorflow as tf

RNG = np.random.default_rng(0)
DATA = (RNG.normal(size=(300, 2)) @ RNG.normal(size=(2, 5)) + 0.5 * RNG.normal(size=(300, 5))).astype(np.float32)
PPCA, X = exact.ProbabilisticPCA.fit(DATA[:288], 2), DATA[288:]


def posterior_draws(chains):
    q = PPCA.posterior(X)
    keras.utils.set_random_seed(5)
    return q.sample(chains).numpy()


def test_both_sides_bracket_the_exact_value_closely():
    vae, truth = PPCA.as_vae(), PPCA.log_prob(X)
    keras.utils.set_random_seed(1)
    below = ais(vae, X, chains=50, steps=1000)
    above = ais(vae, X, chains=50, steps=1000, posterior_draws=posterior_draws(50))
    assert below.shape == above.shape == (12,)
    np.testing.assert_allclose(below, truth, atol=0.25)
    np.testing.assert_allclose(above, truth, atol=0.25)


def test_with_few_steps_the_two_sides_stand_apart():
    vae, truth = PPCA.as_vae(), PPCA.log_prob(X)
    keras.utils.set_random_seed(1)
    below = ais(vae, X, chains=1, steps=10)
    above = ais(vae, X, chains=1, steps=10, posterior_draws=posterior_draws(1))
    assert np.mean(below) < np.mean(truth) - 0.2
    assert np.mean(above) > np.mean(truth) + 0.2


def test_the_mean_weight_has_no_bias_however_few_the_steps():
    """One chain and few temperatures: rough weights, but they average to p(x), or backwards to 1/p(x)."""
    vae, truth = PPCA.as_vae(), PPCA.log_prob(X[:1])[0]
    few = 30
    many = np.repeat(X[:1], 20_000, axis=0)
    keras.utils.set_random_seed(2)
    w = np.exp(ais(vae, many, chains=1, steps=few, leaps=2) - truth)
    assert abs(w.mean() - 1) < 5 * w.std() / np.sqrt(len(w)) < 0.3
    draws = PPCA.posterior(X[:1]).sample(20_000).numpy().reshape(1, 20_000, 2)
    w = np.exp(truth - ais(vae, many, chains=1, steps=few, leaps=2, posterior_draws=draws))
    assert abs(w.mean() - 1) < 5 * w.std() / np.sqrt(len(w)) < 0.3


def test_a_curved_decoder_against_quadrature():
    keras.utils.set_random_seed(3)
    vae = VAE(mlp(3, [8], 2, "tanh"), mlp(1, [16], 3, "tanh"), likelihood=vae_lib.FixedNormal(0.1))
    for kernel in vae.decoder.get_weights():
        assert np.isfinite(kernel).all()
    vae.decoder.set_weights([3 * w for w in vae.decoder.get_weights()])
    x = vae.generate(30, sample=True)
    truth = exact.log_marginal(vae, x)
    estimate = ais(vae, x, chains=64, steps=300)
    assert np.mean(estimate) < np.mean(truth) + 0.02
    assert np.median(np.abs(estimate - truth)) < 0.1


def test_the_encoder_is_not_asked_and_the_seed_decides():
    vae = PPCA.as_vae()
    keras.utils.set_random_seed(4)
    first = ais(vae, X, chains=3, steps=5)
    vae.encoder.set_weights([w + 1 for w in vae.encoder.get_weights()])
    keras.utils.set_random_seed(4)
    np.testing.assert_array_equal(ais(vae, X, chains=3, steps=5), first)
    assert not np.array_equal(ais(vae, X, chains=3, steps=5), first)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"chains": 0}, ValueError, "ais: chains must be an integer, at least 1; got 0"),
        ({"steps": 2.5}, ValueError, "ais: steps must be an integer, at least 1; got 2.5"),
        ({"leaps": None}, ValueError, "ais: leaps must be an integer, at least 1; got None"),
        ({"posterior_draws": np.zeros([16, 12, 3])}, ValueError, r"\[16, 12, 2\]; got \[16, 12, 3\]"),
        ({"posterior_draws": np.full([16, 12, 2], np.nan)}, ValueError, "posterior_draws must be finite"),
        ({"x": X[:, :2]}, ValueError, "x must have shape"),
    ],
)
def test_bad_input_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        ais(PPCA.as_vae(), **{"x": X, **arguments})


def test_whole_numbers_are_data_and_draws_too():
    vae, values = PPCA.as_vae(), []
    for dtype in np.int64, np.float32:
        keras.utils.set_random_seed(1)
        draws = np.ones([2, 3, 2], dtype)
        values.append(ais(vae, np.eye(3, 5, dtype=dtype), chains=2, steps=3, posterior_draws=draws))
    np.testing.assert_array_equal(*values)


def test_only_a_vae_has_a_marginal():
    with pytest.raises(TypeError, match="ais needs model to be a VAE"):
        ais(vae_lib.Autoencoder(mlp(5, [], 2), mlp(2, [], 5)), tf.zeros([3, 5]))
