"""What a model is worth, by sampling, against what quadrature and closed forms say."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import draws_from, small_autoencoder, small_vae

import vae_lib
from vae_lib import (
    VAE,
    Bernoulli,
    FixedNormal,
    active_units,
    conv_decoder,
    conv_encoder,
    evaluation,
    exact,
    log_likelihood,
    mlp,
    rate_distortion,
)

EVALUATIONS = {"log_likelihood": log_likelihood, "rate_distortion": rate_distortion, "active_units": active_units}


@pytest.mark.parametrize("rows", [1, 100, 117])
def test_log_likelihood_agrees_with_quadrature_for_any_number_of_rows(trained, rows):
    vae, x = trained
    estimate = log_likelihood(vae, x[:rows], samples=3000)
    assert estimate.shape == (rows,)
    assert estimate.dtype == np.float64
    weights = vae.log_weights(x[:rows], 2000).numpy().astype(np.float64)
    weights = np.exp(weights - weights.max(axis=0))
    error = weights.std(axis=0) / weights.mean(axis=0) / 3000**0.5  # of the log of a mean, to first order
    away = estimate - exact.log_marginal(vae, x[:rows])
    # some rows' weights have so long a tail that their spread, hence the error, is underestimated
    assert np.mean(np.abs(away) < 5 * error + 0.05) > 0.95 and np.abs(away).max() < 1
    assert abs(away.mean()) < 5 * np.sqrt(np.square(error).sum()) / rows + 0.005


def test_with_the_exact_posterior_one_sample_is_enough():
    pca = exact.ProbabilisticPCA([0.0, 1.0, 2.0], [[1.0], [2.0], [0.0]], 0.5)
    x = np.float32([[0.0, 1.0, 2.0], [3.0, 1.0, 0.0]])
    np.testing.assert_allclose(log_likelihood(pca.as_vae(), x, samples=1), pca.log_prob(x), atol=1e-4)


@pytest.mark.parametrize("samples", [7, 20, 23])
def test_memory_is_bounded_and_every_sample_counts_once(monkeypatch, samples):
    vae, asked = small_vae(1, 2), []
    x = draws_from(vae, 3)
    chunk = 5
    monkeypatch.setattr(evaluation, "_CACHED", chunk * 100 * evaluation.widest_layer(vae))
    # every weight is 1, so their mean is 1 only if none is left out and none counted twice
    monkeypatch.setattr(VAE, "log_weights", lambda self, x, n: asked.append(n) or tf.zeros([n, x.shape[0]]))
    np.testing.assert_allclose(log_likelihood(vae, x, samples), 0, atol=1e-6)
    assert max(asked) <= chunk


@pytest.mark.parametrize("samples", [7, 20, 23])
def test_the_distortion_is_streamed_and_every_sample_counts_once(monkeypatch, samples):
    vae, asked = small_vae(1, 2), []
    x = draws_from(vae, 3)
    monkeypatch.setattr(evaluation, "_CACHED", 5 * 100 * evaluation.widest_layer(vae))

    class One:
        def log_prob(self, x):
            return tf.ones([asked[-1], x.shape[0]])

    monkeypatch.setattr(VAE, "decode", lambda self, z: asked.append(z.shape[0]) or One())
    np.testing.assert_allclose(rate_distortion(vae, x, samples)[1], -1, atol=1e-6)
    assert max(asked) <= 5


def test_the_widest_layer_of_convolutions_is_their_largest_output():
    vae = VAE(conv_encoder(64, [8, 8], 4), conv_decoder(2, [8, 8], 64))
    outputs = [int(np.prod(layer.output.shape[1:])) for layer in vae.decoder.layers]
    assert evaluation.widest_layer(vae) == max(outputs) > 64


def test_a_key_governs_evaluation():
    vae = small_vae(2, 3, FixedNormal(0.3))
    x, values = draws_from(vae, 5), []
    for seed in 0, 0, 1:
        with vae_lib.keyed(seed):
            values.append(log_likelihood(vae, x, samples=4))
    np.testing.assert_array_equal(values[0], values[1])
    assert (values[0] != values[2]).any()


def test_chunks_of_samples_use_fresh_noise(monkeypatch):
    vae = small_vae(1, 2)
    x = draws_from(vae, 3)
    monkeypatch.setattr(evaluation, "_CACHED", 1)  # one sample at a time
    one, many = (log_likelihood(vae, np.repeat(x, 40, axis=0), samples).reshape(3, 40) for samples in (1, 20))
    assert (many.std(axis=1) < 0.8 * one.std(axis=1)).all()
    assert (many.mean(axis=1) > one.mean(axis=1)).all()


@pytest.mark.parametrize("function", [log_likelihood, rate_distortion], ids=["log_likelihood", "rate_distortion"])
def test_evaluation_repeats_with_the_seed_and_differs_without(function):
    vae = small_vae(2, 3, FixedNormal(0.3))
    x = draws_from(vae, 5)
    keras.utils.set_random_seed(1)
    first, second = np.array(function(vae, x, samples=4)), np.array(function(vae, x, samples=4))
    keras.utils.set_random_seed(1)
    np.testing.assert_array_equal(first, function(vae, x, samples=4))
    assert (first != second).any()


def test_equal_rows_in_one_call_get_their_own_noise():
    vae = small_vae(1, 2)
    values = log_likelihood(vae, np.zeros((250, 2)), samples=2)
    assert len(np.unique(values)) > 240


@pytest.mark.parametrize("likelihood", [FixedNormal(0.3), Bernoulli], ids=["FixedNormal", "Bernoulli"])
@pytest.mark.parametrize("latent_dim", [1, 2])
def test_rate_and_distortion_add_up_to_minus_the_exact_bound(likelihood, latent_dim):
    vae = small_vae(latent_dim, 3, likelihood)
    x = draws_from(vae, 5)
    rate, distortion = rate_distortion(vae, x, samples=4000)
    np.testing.assert_allclose(rate, vae_lib.kl_divergence(vae.posterior(x), vae.prior), rtol=1e-5)
    spread = vae.decode(vae.posterior(x).sample(4000)).log_prob(x).numpy().std(axis=0) / 4000**0.5
    assert (np.abs(rate + distortion + exact.elbo(vae, x)) < 5 * spread + 1e-4).all()


def test_active_units_are_the_dimensions_whose_mean_moves():
    vae = VAE(mlp(3, [], 6), mlp(3, [], 3))
    kernel = np.zeros((3, 6), np.float32)
    kernel[0, 0], kernel[1, 1] = 1.0, 0.2  # variances 1/4 and 1/100; the third mean and all variances stand still
    kernel[2, 3:] = 5.0
    vae.encoder.set_weights([kernel, np.arange(6, dtype=np.float32)])
    x = np.float32([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)] * 20)
    assert active_units(vae, x) in (1, 2)  # the second lies on the default threshold
    assert [active_units(vae, x, threshold) for threshold in (0.3, 0.02, 0.005, 0)] == [0, 1, 2, 2]
    assert active_units(vae, x[:1]) == 0
    assert isinstance(active_units(vae, x), int)


@pytest.mark.parametrize("name", EVALUATIONS)
def test_a_plain_autoencoder_is_refused(name):
    with pytest.raises(TypeError, match=f"{name} needs model to be a VAE; got Autoencoder"):
        EVALUATIONS[name](small_autoencoder(), np.zeros((3, 2)))


@pytest.mark.parametrize("name", ["log_likelihood", "rate_distortion"])
@pytest.mark.parametrize("samples", [0, -3, 2.5, True, None, "9"])
def test_samples_must_be_a_positive_integer(name, samples):
    with pytest.raises(ValueError, match=f"{name}: samples must be an integer, at least 1; got {samples!r}"):
        EVALUATIONS[name](small_vae(), np.zeros((3, 2)), samples=samples)
