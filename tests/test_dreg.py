"""``dreg``: the bound's value, the decoder's gradient of ``iwae``, and the encoder's from its formula by hand."""

from vae_lib import VAE, Autoencoder, LearnedNormal, dreg, fit, iwae, keyed, mlp  # first: it imports TensorFlow quietly

import keras  # isort: skip
import numpy as np
import pytest
import tensorflow as tf

K = 4
X = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)


@pytest.fixture
def vae():
    keras.utils.set_random_seed(1)
    return VAE(mlp(3, [5], 4, "tanh"), mlp(2, [5], 3, "tanh"), LearnedNormal(0.5))


def value_and_gradient(vae, objective, seed=3, of=None):
    weights = [w.value for w in (of or vae).trainable_variables]
    with keyed(seed), tf.GradientTape() as tape:
        values = objective(vae, X)
        total = tf.reduce_mean(values)
    return values.numpy(), np.concatenate([np.ravel(g) for g in tape.gradient(total, weights)])


def test_the_value_and_the_decoders_gradient_are_those_of_iwae(vae):
    for part in (vae.decoder, vae.likelihood):
        ours, theirs = (value_and_gradient(vae, objective(K), of=part) for objective in (dreg, iwae))
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-5, atol=1e-7)


def test_the_encoders_gradient_is_the_formula(vae):
    """Σ w̃² (∂ log w / ∂z)(∂z / ∂φ), with a tape for each of its factors and densities written out."""
    with keyed(3):
        noise = (vae.posterior(X).sample(K) - vae.posterior(X).mean) / vae.posterior(X).stddev
    q = vae.posterior(X)
    z = q.mean + q.stddev * noise
    with tf.GradientTape() as tape:
        tape.watch(z)
        log_q = tf.reduce_sum(-0.5 * ((z - q.mean) / q.stddev) ** 2 - tf.math.log(q.stddev), -1) - np.log(2 * np.pi)
        log_prior = tf.reduce_sum(-0.5 * z**2, -1) - np.log(2 * np.pi)
        log_w = vae.decode(z).log_prob(X) + log_prior - log_q
    slope = tape.gradient(log_w, z).numpy()
    w = np.exp(log_w - np.max(log_w, axis=0))
    w /= w.sum(axis=0)
    direction = tf.constant(w[..., None] ** 2 * slope / len(X))
    with tf.GradientTape() as tape:
        q = vae.posterior(X)
        along = tf.reduce_sum(direction * (q.mean + q.stddev * noise))
    wanted = tape.gradient(along, [v.value for v in vae.encoder.trainable_variables])
    _, got = value_and_gradient(vae, dreg(K), of=vae.encoder)
    np.testing.assert_allclose(got, np.concatenate([np.ravel(g) for g in wanted]), rtol=2e-4, atol=1e-6)


def test_it_agrees_with_iwae_on_average_and_scatters_less(vae):
    draws = {
        objective: np.array([value_and_gradient(vae, objective(K), seed, vae.encoder)[1] for seed in range(400)])
        for objective in (dreg, iwae)
    }
    ours, theirs = draws[dreg], draws[iwae]
    error = (ours - theirs).std(axis=0) / np.sqrt(len(ours))
    assert np.all(np.abs((ours - theirs).mean(axis=0)) < 5 * error + 1e-7)
    assert ours.var(axis=0).sum() < 0.6 * theirs.var(axis=0).sum()


def test_one_sample_is_the_path_derivative(vae):
    def path(model, x):
        return model.log_weights(x, 1, stop_q_gradient=True)[0]

    np.testing.assert_allclose(value_and_gradient(vae, dreg(1))[1], value_and_gradient(vae, path)[1], rtol=1e-5)


def test_it_trains_compiled(vae):
    history = fit(vae, np.tile(X, [20, 1]), dreg(5), epochs=40, batch_size=24, optimizer="adam", verbose=0).history
    assert history["objective"][-1] > history["objective"][0]


def test_bad_input_is_named(vae):
    with pytest.raises(ValueError, match="dreg: samples must be an integer, at least 1; got 0"):
        dreg(0)
    with pytest.raises(TypeError, match="dreg needs model to be a VAE"):
        dreg(2)(Autoencoder(mlp(3, [], 1), mlp(1, [], 3)), X)
