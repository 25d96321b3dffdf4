"""The likelihoods of pictures: densities and masses against mpmath, scipy and sums, samples, saving, errors."""

import itertools

import keras
import mpmath
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from vae_lib import VAE, Binomial, Categorical, ContinuousBernoulli, LearnedNormal, elbo, exact, fit, mlp

LOGITS = [-60.0, -5.0, -0.51, -0.49, -0.06, -1e-3, -1e-7, 0.0, 1e-7, 1e-3, 0.04, 0.3, 0.49, 0.51, 2.0, 17.0, 80.0]
rng = np.random.default_rng(0)


def continuous(logit):
    """Log-normaliser and mean of the density proportional to e^(logit x) on [0, 1], to forty digits."""
    with mpmath.workdps(40):
        a = mpmath.mpf(float(np.float32(logit)))
        if a == 0:
            return 0.0, 0.5
        return float(mpmath.log(mpmath.expm1(a) / a)), float(1 / (1 - mpmath.exp(-a)) - 1 / a)


@pytest.mark.parametrize("logit", LOGITS)
def test_continuous_bernoulli_agrees_with_forty_digits(logit):
    normaliser, mean = continuous(logit)
    variable = tf.Variable([logit])
    for x in (0.0, 0.3, 1.0):
        with tf.GradientTape() as tape:
            log_prob = ContinuousBernoulli(variable).log_prob([x])
        np.testing.assert_allclose(log_prob, x * np.float32(logit) - normaliser, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(tape.gradient(log_prob, variable), [x - mean], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ContinuousBernoulli([logit]).mean, [mean], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("logit", [-1e30, -1e8, -100.0, 100.0, 1e8, 1e30])
def test_continuous_bernoulli_has_finite_gradients_at_any_logit(logit):
    variable = tf.Variable([logit])
    with tf.GradientTape(persistent=True) as tape:
        p = ContinuousBernoulli(variable)
        values = [p.log_prob([0.3]), p.mean, p.sample()]
    assert all(np.isfinite(value).all() for value in values)
    assert all(np.isfinite(tape.gradient(value, variable)).all() for value in values)


@pytest.mark.parametrize("logit", LOGITS)
def test_continuous_bernoulli_draws_by_its_distribution_function(logit):
    keras.utils.set_random_seed(1)
    x = ContinuousBernoulli([logit]).sample(20_000).numpy()[:, 0].astype(np.float64)
    assert x.min() >= 0
    assert x.max() <= 1
    a = float(np.float32(logit))
    cdf = np.expm1(a * x) / np.expm1(a) if abs(a) > 1e-6 else x
    assert stats.kstest(cdf, "uniform").pvalue > 1e-4


def test_continuous_bernoulli_draws_within_its_support_at_the_ends_of_the_noise(monkeypatch):
    for noise in (0.0, 1 - 2.0**-24):
        monkeypatch.setattr("vae_lib.randomness.uniform", lambda shape, noise=noise: tf.fill(shape, noise))
        x = ContinuousBernoulli(LOGITS).sample().numpy()
        assert ((x >= 0) & (x <= 1)).all()


def test_continuous_bernoulli_passes_gradients_through_its_draws():
    logits = tf.Variable(np.array([[-3.0, -0.04, 0.0, 0.2, 6.0]], "float32"))

    def draw():
        keras.utils.set_random_seed(3)
        return tf.reduce_mean(ContinuousBernoulli(logits).sample(200_000), axis=[0, 1])

    with tf.GradientTape() as tape:
        mean = tf.reduce_sum(draw())
    slopes = tape.gradient(mean, logits).numpy()[0]
    truth = [(continuous(a + 1e-3)[1] - continuous(a - 1e-3)[1]) / 2e-3 for a in logits.numpy()[0]]
    np.testing.assert_allclose(slopes, truth, rtol=0.03, atol=1e-3)


@pytest.mark.parametrize("trials", [1, 16])
def test_binomial_agrees_with_scipy_and_adds_up_to_one(trials):
    logits = rng.normal(size=3).astype("float32") * 3
    values = np.arange(trials + 1) / trials
    p = Binomial(trials)(tf.constant(logits))
    x = rng.choice(values, size=(50, 3))
    truth = stats.binom(trials, 1 / (1 + np.exp(-logits.astype(float)))).logpmf(np.round(x * trials)).sum(-1)
    np.testing.assert_allclose(p.log_prob(x), truth, rtol=1e-4, atol=1e-4)
    everything = np.array(list(itertools.product(values, repeat=3)))
    assert np.exp(p.log_prob(everything).numpy().astype(float)).sum() == pytest.approx(1, abs=1e-4)
    keras.utils.set_random_seed(0)
    draws = p.sample(50_000).numpy()
    assert np.isin(np.round(draws * trials, 3), np.arange(trials + 1)).all()
    share = p.mean.numpy()
    assert (np.abs(draws.mean(0) - share) < 5 * np.sqrt(share * (1 - share) / trials / 50_000) + 1e-6).all()


def test_categorical_is_a_softmax_for_each_component():
    logits = rng.normal(size=(2, 3 * 5)).astype("float32") * 2
    p = Categorical(5)(tf.constant(logits))
    probabilities = np.exp(logits.reshape(2, 3, 5).astype(float))
    probabilities /= probabilities.sum(-1, keepdims=True)
    level = rng.integers(0, 5, size=(2, 3))
    truth = np.log(np.take_along_axis(probabilities, level[..., None], -1)).sum(axis=(1, 2))
    np.testing.assert_allclose(p.log_prob(level / 4), truth, rtol=1e-5)
    np.testing.assert_allclose(p.mean, probabilities @ (np.arange(5) / 4), rtol=1e-5)
    keras.utils.set_random_seed(0)
    draws = np.round(p.sample(50_000).numpy() * 4)
    frequency = np.stack([(draws == k).mean(0) for k in range(5)], axis=-1)
    assert (np.abs(frequency - probabilities) < 5 * np.sqrt(probabilities / 50_000)).all()


def small_vae(likelihood, outputs):
    return VAE(mlp(3, [8], 2, activation="tanh"), mlp(1, [8], outputs, activation="tanh"), likelihood)


@pytest.mark.parametrize(
    ("likelihood", "outputs"),
    [(ContinuousBernoulli, 3), (Binomial(4), 3), (Categorical(5), 15), (LearnedNormal([0.5, 1.0, 2.0]), 3)],
    ids=["ContinuousBernoulli", "Binomial", "Categorical", "LearnedNormal"],
)
def test_a_vae_trains_is_bounded_and_comes_back_from_disk(likelihood, outputs, tmp_path):
    keras.utils.set_random_seed(0)
    x = (rng.integers(0, 5, size=(200, 3)) / 4).astype("float32")
    vae = small_vae(likelihood, outputs)
    history = fit(vae, x, elbo, epochs=20, batch_size=50, optimizer=keras.optimizers.Adam(0.01))
    assert history.history["objective"][-1] > history.history["objective"][0]
    assert (exact.elbo(vae, x[:20]) <= exact.log_marginal(vae, x[:20]) + 1e-4).all()
    assert vae.generate(7).shape == vae.generate(7, sample=True).shape == (7, 3)
    vae.save(tmp_path / "vae.keras")
    again = keras.models.load_model(tmp_path / "vae.keras")
    z = np.linspace(-2, 2, 200, dtype="float32")[:, None]
    np.testing.assert_allclose(again.decode(z).log_prob(x), vae.decode(z).log_prob(x), rtol=1e-5)


def test_one_variance_for_each_component_is_learned_for_each():
    keras.utils.set_random_seed(0)
    spread = np.array([0.2, 1.0, 3.0])
    x = (spread * rng.normal(size=(2000, 3))).astype("float32")
    vae = small_vae(LearnedNormal([1.0, 1.0, 1.0]), 3)
    vae.decoder.set_weights([np.zeros_like(w) for w in vae.decoder.get_weights()])
    vae.decoder.trainable = False
    fit(vae, x, elbo, epochs=60, optimizer=keras.optimizers.Adam(0.02))
    np.testing.assert_allclose(np.exp(vae.likelihood.log_variance.numpy()), (x**2).mean(axis=0), rtol=0.05)


def test_data_that_are_not_such_counts_are_refused():
    with pytest.raises(ValueError, match=r"x must hold multiples of 1/16, as the Binomial .* 0\.03.* away"):
        small_vae(Binomial(16), 3).check_data(np.full((4, 3), 0.53125))
    with pytest.raises(ValueError, match="multiples of 1/4, as the Categorical"):
        small_vae(Categorical(5), 15).check_data(np.full((4, 3), 0.3))
    with pytest.raises(ValueError, match=r"x must lie in \[0, 1\], the support of the ContinuousBernoulli"):
        small_vae(ContinuousBernoulli, 3).check_data(np.full((4, 3), 1.5))
    small_vae(Binomial(16), 3).check_data(np.full((4, 3), 5 / 16))


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64])
@pytest.mark.parametrize(("likelihood", "outputs"), [(Binomial(1), 3), (Categorical(2), 6)])
def test_zeros_and_ones_of_any_type_are_counts(likelihood, outputs, dtype):
    x = np.eye(3, dtype=dtype)
    np.testing.assert_array_equal(small_vae(likelihood, outputs).check_data(x), x)


@pytest.mark.parametrize("value", [0, -3, 2.5, True, "16"])
def test_numbers_of_trials_and_levels_that_make_no_sense(value):
    with pytest.raises(ValueError, match="trials must be an integer, at least 1; got"):
        Binomial(value)
    with pytest.raises(ValueError, match="levels must be an integer, at least 2; got"):
        Categorical(value)


def test_logits_that_do_not_fit():
    with pytest.raises(ValueError, match="5 numbers for each component; got 7"):
        Categorical(5)(tf.zeros([2, 7]))
    with pytest.raises(ValueError, match="ContinuousBernoulli: logits must have at least one axis"):
        ContinuousBernoulli(0.0)
    with pytest.raises(ValueError, match="must have 3 components"):
        Categorical(5)(tf.zeros([2, 15])).log_prob(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="initial_variance must be positive"):
        LearnedNormal([1.0, 0.0])
