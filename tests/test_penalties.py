"""The objectives of wide autoencoders against finite differences, sums by hand and the statistics of the noise."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import forward, small_vae

import vae_lib
from vae_lib import randomness

X = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
FACTORIES = [vae_lib.denoising, vae_lib.sparse, vae_lib.contractive]
factories = pytest.mark.parametrize("factory", FACTORIES)


def autoencoder(activation="tanh"):
    keras.utils.set_random_seed(3)
    return vae_lib.Autoencoder(vae_lib.mlp(2, [5], 4, activation), vae_lib.mlp(4, [3], 2, activation))


def forwards(model):
    """Encoder and whole model in float64."""
    return (
        lambda x: forward(model.encoder, x),
        lambda x: forward(model.decoder, forward(model.encoder, x)),
    )


def error(model, x, target):
    return ((forwards(model)[1](x) - target) ** 2).sum(axis=-1)


def jacobian(function, x, step=1e-6):
    """By central differences: [n, outputs, inputs]."""
    ways = step * np.eye(x.shape[-1])
    return np.stack([(function(x + way) - function(x - way)) / (2 * step) for way in ways], axis=-1)


@pytest.mark.parametrize("noise", [0, 0.3, 2.0])
def test_denoising_is_minus_the_error_from_a_noisy_example_to_the_clean_one(noise):
    model = autoencoder()
    with vae_lib.keyed(4):
        value = vae_lib.denoising(noise)(model, X)
    with vae_lib.keyed(4):
        noisy = X + noise * randomness.normal(X.shape).numpy()
    np.testing.assert_allclose(value, -error(model, noisy.astype(np.float64), X), rtol=1e-4)


def test_the_noise_has_mean_zero_and_the_standard_deviation_asked_for_in_every_component():
    """With r = 0.5·(identity) the objective is −|0.5 x − 0.5 ε|², whose mean is −0.25 (|x|² + d σ²)."""
    net = vae_lib.mlp(2, [], 2)
    net.set_weights([0.5 * np.eye(2), np.zeros(2)])
    half = vae_lib.Autoencoder(net, keras.models.clone_model(net))
    half.decoder.set_weights([np.eye(2), np.zeros(2)])
    x, n, noise = np.array([[1.0, -2.0]]), 40_000, 0.7
    values = vae_lib.denoising(noise)(half, np.repeat(x, n, axis=0)).numpy().astype(np.float64)
    truth = -0.25 * (5 + 2 * noise**2)
    assert abs(values.mean() - truth) < 5 * values.std() / n**0.5
    # Var|a − ε|² = 2 d σ⁴ + 4 |a|² σ²: a noise with another mean or correlated components would show here
    assert values.var() == pytest.approx(0.25**2 * (4 * noise**4 + 4 * 5 * noise**2), rel=0.05)


def test_denoising_draws_anew_at_each_call():
    model = autoencoder()
    first, second = (vae_lib.denoising(0.5)(model, X).numpy() for _ in range(2))
    assert (first != second).all()


def test_sparse_takes_the_weighted_sum_of_absolute_codes_from_the_reconstruction():
    model = autoencoder()
    code = forwards(model)[0](X)
    assert (code < 0).any()
    by_hand = [-e - 0.7 * sum(abs(z) for z in row) for e, row in zip(error(model, X, X), code, strict=True)]
    np.testing.assert_allclose(vae_lib.sparse(0.7)(model, X), by_hand, rtol=1e-4)


@pytest.mark.parametrize("activation", ["tanh", "softplus", "linear"])
@pytest.mark.parametrize("of", ["reconstruction", "code"])
def test_contractive_takes_the_squared_norm_of_the_finite_difference_jacobian(of, activation):
    model = autoencoder(activation)
    function = forwards(model)[of == "reconstruction"]
    squared = (jacobian(function, X.astype(np.float64)) ** 2).sum(axis=(1, 2))
    value = vae_lib.contractive(0.7, of=of)(model, X)
    np.testing.assert_allclose(value, -error(model, X, X) - 0.7 * squared, rtol=1e-4)


def test_random_directions_estimate_the_contractive_penalty_without_bias():
    model, x = autoencoder(), X[:1]
    plain = float(vae_lib.reconstruction(model, x)[0])
    truth = plain - float(vae_lib.contractive(1.0)(model, x)[0])
    many = plain - vae_lib.contractive(1.0, directions=1)(model, np.repeat(x, 20_000, axis=0)).numpy()
    fewer = plain - vae_lib.contractive(1.0, directions=5)(model, np.repeat(x, 4000, axis=0)).numpy()
    for estimates in (many, fewer):
        error = estimates.std() / np.sqrt(len(estimates))
        assert abs(estimates.mean() - truth) < 5 * error < 0.2 * truth
    assert fewer.var() == pytest.approx(many.var() / 5, rel=0.2)


def test_contractive_has_the_gradient_of_finite_differences():
    model = autoencoder()
    weights = [w.value for w in model.trainable_variables]
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(vae_lib.contractive(0.7)(model, X))
    gradient = tape.gradient(value, weights)
    start, cut = [w.numpy().astype(np.float64) for w in weights], len(model.encoder.weights)

    def total(weights):
        def r(x):
            return forward(model.decoder, forward(model.encoder, x, weights[:cut]), weights[cut:])

        x = X.astype(np.float64)
        return -((r(x) - x) ** 2).sum() - 0.7 * (jacobian(r, x, 1e-4) ** 2).sum()

    rng = np.random.default_rng(0)
    for _ in range(4):
        way = [rng.normal(size=w.shape) for w in start]
        ahead, behind = (total([w + step * d for w, d in zip(start, way, strict=True)]) for step in (1e-4, -1e-4))
        slope = sum((g.numpy() * d).sum() for g, d in zip(gradient, way, strict=True))
        assert slope == pytest.approx((ahead - behind) / 2e-4, rel=1e-3, abs=1e-3)


@factories
def test_without_weight_or_noise_each_is_the_reconstruction(factory):
    model = autoencoder()
    np.testing.assert_allclose(factory(0)(model, X), vae_lib.reconstruction(model, X), rtol=1e-5)


@factories
def test_one_value_per_example_compiled_or_not(factory):
    model, objective = autoencoder(), factory(0.4)

    @tf.function(jit_compile=True)
    def compiled(x):
        with vae_lib.keyed(1):
            return objective(model, x)

    with vae_lib.keyed(1):
        value = objective(model, X)
    assert value.shape == (6,)
    assert value.dtype == tf.float32
    np.testing.assert_allclose(value, compiled(X), rtol=1e-4, atol=1e-5)


def test_fit_raises_each():
    for factory in FACTORIES:
        model = autoencoder()
        objective = factory(0.1)
        history = vae_lib.fit(model, np.tile(X, (20, 1)), objective, epochs=5, batch_size=20, verbose=0)
        assert history.history["objective"][-1] > history.history["objective"][0]


def test_fit_keeps_the_columns_of_a_constrained_decoder_at_length_one():
    decoder = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(2, kernel_constraint=keras.constraints.UnitNorm(axis=1))]
    )
    model = vae_lib.Autoencoder(vae_lib.mlp(2, [5], 4), decoder)
    vae_lib.fit(model, X, vae_lib.sparse(0.1), epochs=3, batch_size=3, verbose=0)
    np.testing.assert_allclose(np.linalg.norm(decoder.layers[0].kernel.numpy(), axis=1), 1, rtol=1e-5)


@factories
@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf"), True, None, "1"])
def test_a_bad_setting_is_refused(factory, bad):
    with pytest.raises(ValueError, match=f"{factory.__name__}: .* must be a finite number, not negative; got {bad!r}"):
        factory(bad)


def test_a_jacobian_of_something_else_is_refused():
    with pytest.raises(ValueError, match='of must be "reconstruction" or "code"; got \'decoder\''):
        vae_lib.contractive(1, of="decoder")
    with pytest.raises(ValueError, match="contractive: directions must be an integer, at least 1; got 0"):
        vae_lib.contractive(1, directions=0)


@factories
def test_a_vae_and_data_of_another_width_are_refused(factory):
    with pytest.raises(TypeError, match=f"{factory.__name__} needs model to be an Autoencoder; got VAE"):
        factory(0.1)(small_vae(), X)
    with pytest.raises(ValueError, match=r"x must have shape \[n, 2\]"):
        factory(0.1)(autoencoder(), X[:, :1])
