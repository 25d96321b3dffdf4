"""``diagnose`` is silent on what is healthy and names what is not, each fault by its own check."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import draws_from, small_autoencoder, small_vae

import vae_lib
from vae_lib import VAE, Bernoulli, Binomial, FixedNormal, LearnedNormal, Normal, datasets, diagnose, exact, fit, mlp
from vae_lib.distributions import Distribution

MODEL = small_vae(2, 3)
X = draws_from(MODEL, 200)


def parts(model, x):
    q = model.posterior(x)
    return model.decode(q.sample()).log_prob(x), vae_lib.kl_divergence(q, model.prior), q


@pytest.mark.parametrize("seed", range(3))
def test_silent_on_a_healthy_model_of_the_two_moons(seed):
    keras.utils.set_random_seed(seed)
    train, test = (datasets.two_moons(n, seed=(seed, n)).x for n in (1000, 300))
    vae = VAE(mlp(2, [32], 4, "tanh"), mlp(2, [32], 2, "tanh"), LearnedNormal(0.1))
    fit(vae, train, vae_lib.elbo, epochs=100, optimizer=keras.optimizers.Adam(5e-3), verbose=0)
    for objective in (None, vae_lib.elbo, vae_lib.iwae(5)):
        assert diagnose(vae, test, objective, exact.elbo(vae, test).mean(), train).faults == []
    assert diagnose(vae, test, reported=exact.log_marginal(vae, test).mean()).faults == []


@pytest.mark.parametrize("seed", range(2))
def test_silent_on_a_healthy_model_of_black_and_white_digits(seed):
    keras.utils.set_random_seed(seed)
    train, test = (np.float32(split.x >= 0.5) for split in datasets.digits())
    vae = VAE(mlp(64, [32], 6), mlp(3, [32], 64))  # three latent dimensions: no quadrature
    fit(vae, train, vae_lib.elbo, epochs=60, optimizer=keras.optimizers.Adam(5e-3), verbose=0)
    assert diagnose(vae, test, vae_lib.elbo).faults == []


def asleep(model, x):
    _, kl, q = parts(model, x)
    return model.decode(q.mean).log_prob(x) - kl


FORMULAS = {
    "adds the KL": lambda m, x: parts(m, x)[0] + parts(m, x)[1],
    "is minus the bound": lambda m, x: -vae_lib.elbo(m, x),
    "decodes the mean": asleep,
    "averages the KL over the latent": lambda m, x: parts(m, x)[0] - parts(m, x)[1] / 2,
    "averages the reconstruction": lambda m, x: parts(m, x)[0] / 3 - parts(m, x)[1],
    "averages over dimensions": lambda m, x: parts(m, x)[0] / 3 - parts(m, x)[1] / 2,
    "divides the KL by": lambda m, x: parts(m, x)[0] - parts(m, x)[1] / x.shape[0],
    "sums the KL over": lambda m, x: parts(m, x)[0] - x.shape[0] * parts(m, x)[1],
    "sums over the examples": lambda m, x: tf.reduce_sum(vae_lib.elbo(m, x)),
    "has no KL": lambda m, x: parts(m, x)[0],
    "β or free bits": vae_lib.beta_elbo(0.1),
    "of your choice": vae_lib.free_bits(3.0),
}


@pytest.mark.parametrize("words", FORMULAS)
def test_a_wrong_objective_is_recognised(words):
    finding = diagnose(MODEL, X, FORMULAS[words])["objective"]
    assert not finding.ok
    assert words in finding.advice


def test_the_code_of_another_example_is_suspected():
    def neighbour(model, x):
        q = model.posterior(x)
        return model.decode(tf.roll(q.sample(), 1, axis=0)).log_prob(x) - vae_lib.kl_divergence(q, model.prior)

    assert "of the same example?" in diagnose(TIGHT, Y, neighbour)["objective"].advice


@pytest.mark.parametrize(
    ("objective", "weight"), [(vae_lib.beta_elbo(0.1), 0.1), (vae_lib.beta_elbo(4), 4), (FORMULAS["adds the KL"], -1)]
)
def test_the_weight_of_the_kl_is_measured(objective, weight):
    assert diagnose(MODEL, X, objective)["objective"].measured == pytest.approx(weight, abs=0.05)


@pytest.mark.parametrize(
    "objective",
    [
        None,
        vae_lib.elbo,
        vae_lib.elbo_mc(3),
        vae_lib.iwae(10),
        lambda m, x: tf.reduce_mean(vae_lib.elbo(m, x)),
        lambda m, x: vae_lib.elbo(MODEL, x),  # knows the model by another name
    ],
)
def test_bounds_are_told_as_bounds(objective):
    report = diagnose(MODEL, X, objective)
    assert {"objective", "bound", "sampling", "gradient", "finite"}.isdisjoint(report.faults)


def test_the_excess_over_the_exact_value_is_measured():
    report = diagnose(MODEL, X[:64], FORMULAS["has no KL"])
    log_p = exact.log_marginal(MODEL, X[:64]).mean()
    reconstruction = -vae_lib.rate_distortion(MODEL, X[:64], 1000)[1].mean()
    assert report["bound"].measured == pytest.approx(reconstruction - log_p, abs=1.5)


def test_a_draw_that_is_not_decoded():
    assert {"sampling", "gradient"} <= set(diagnose(MODEL, X, asleep).faults)


@pytest.mark.parametrize(("head", "name"), [(0, "mean"), (1, "log-variance")])
def test_a_head_that_gets_no_gradient_is_named(head, name):
    def cut(model, x):
        q = model.posterior(x)
        codes = [q.mean, q.stddev]
        codes[head] = tf.stop_gradient(codes[head])
        z = codes[0] + codes[1] * model.prior.sample(x.shape[0])
        return model.decode(z).log_prob(x) - vae_lib.kl_divergence(q, model.prior)

    report = diagnose(MODEL, X, cut)
    assert report.faults == ["gradient"] or report.faults == ["aggregate posterior", "gradient"]
    assert f"encoder's {name}: " in report["gradient"].advice


def test_an_objective_from_before_the_loop():
    stale = tf.reduce_mean(vae_lib.elbo(MODEL, X))
    report = diagnose(MODEL, X, lambda model, x: stale)
    assert "does not reach the encoder" in report["gradient"].advice
    assert {"gradient", "sampling"} <= set(report.faults)


def test_one_layer_for_mean_and_log_variance():
    class OneLayer(VAE):
        def posterior(self, x):
            q = super().posterior(x)
            return Normal(q.mean, q.mean)

    report = diagnose(OneLayer(MODEL.encoder, MODEL.decoder, MODEL.likelihood), X)
    assert {"one layer", "gradient"} <= set(report.faults)
    assert report["one layer"].measured == 0

    inputs = keras.Input((3,))
    code = keras.layers.Dense(2)(keras.layers.Dense(8, "tanh")(inputs))
    shared = keras.Model(inputs, keras.layers.Concatenate()([code, code]))
    assert "one layer" in diagnose(VAE(shared, MODEL.decoder, MODEL.likelihood), X).faults


def test_an_infinite_objective_stops_the_checks_that_need_it():
    report = diagnose(MODEL, X, lambda m, x: vae_lib.elbo(m, x) - tf.math.log(0.0))
    assert "finite" in report.faults
    assert "bound" not in [finding.name for finding in report]
    assert report["finite"].measured == 1


def test_grey_values_under_bernoulli():
    vae = VAE(mlp(4, [8], 4), mlp(2, [8], 4))
    bits = np.random.default_rng(0).integers(0, 2, (100, 4)).astype("float32")
    assert diagnose(vae, bits)["range"].ok
    bits[:50, 0] = 0.5
    finding = diagnose(vae, bits)["range"]
    assert not finding.ok
    assert finding.measured == pytest.approx(50 / 400)
    assert diagnose(VAE(vae.encoder, vae.decoder, Binomial(2)), bits)["range"].ok


def test_values_outside_the_support_end_the_report():
    vae = VAE(mlp(2, [8], 4), mlp(2, [8], 2))
    report = diagnose(vae, [[0.0, 1.0], [1.0, 3.0]], train=[[1.0, 3.0]])
    assert report.faults == ["range", "training points"]
    assert "support of the Bernoulli" in report["range"].advice


def test_a_sigmoid_before_the_logits():
    decoder = mlp(2, [8], 4)
    decoder.add(keras.layers.Activation("sigmoid"))
    bits = np.random.default_rng(0).integers(0, 2, (100, 4)).astype("float32")
    assert "sigmoid" in diagnose(VAE(mlp(4, [8], 4), decoder, Bernoulli), bits)["range"].advice


def test_a_dimension_that_is_dead_at_the_optimum_is_told_with_the_advice_that_it_can_be_right():
    weights = np.diag([2.0, 1.5, 0.0, 0.0])[:, :3]
    best = exact.ProbabilisticPCA(np.zeros(4), weights, 0.5).as_vae()
    report = diagnose(best, draws_from(best, 300), vae_lib.elbo)
    assert report.faults == ["dead dimensions"]
    assert "[2]" in report["dead dimensions"].advice
    assert "can be right" in report["dead dimensions"].advice
    assert report["bound"].measured == pytest.approx(0, abs=0.1)


def test_a_model_that_is_dead_altogether_has_no_other_fault():
    dead = exact.ProbabilisticPCA(np.zeros(3), np.zeros((3, 2)), 1.0).as_vae()
    assert diagnose(dead, draws_from(dead, 100), vae_lib.elbo).faults == ["dead dimensions"]


def test_codes_away_from_the_prior():
    pca = exact.ProbabilisticPCA(np.zeros(3), np.diag([2.0, 1.0, 0])[:, :2], 0.2).as_vae()
    x = draws_from(pca, 300)
    assert diagnose(pca, x)["aggregate posterior"].measured < 0.3
    assert "aggregate posterior" in diagnose(pca, x + np.float32([3, 0, 0])).faults
    assert "aggregate posterior" in diagnose(pca, 2 * x).faults


def test_a_prior_without_closed_form_is_left_alone():
    @keras.saving.register_keras_serializable("test_diagnosis")
    class Logistic(Distribution):
        def sample(self, n=None):
            u = tf.random.uniform([n, 2])
            return tf.math.log(u) - tf.math.log1p(-u)

        def log_prob(self, z):
            return tf.reduce_sum(-z - 2 * tf.nn.softplus(-z), axis=-1)

    report = diagnose(VAE(MODEL.encoder, MODEL.decoder, MODEL.likelihood, prior=Logistic()), X, vae_lib.elbo)
    assert "not looked at" in report["aggregate posterior"].advice
    assert {"objective", "bound"}.isdisjoint(report.faults)


TIGHT = exact.ProbabilisticPCA(np.zeros(3), np.diag([2.0, 1.0, 0])[:, :2], 0.5).as_vae()
Y = draws_from(TIGHT, 64)
LOG_P = exact.log_marginal(TIGHT, Y).mean()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (-LOG_P, "minus the figure"),
        (64 * LOG_P, "the sum over x"),
        (LOG_P / 3, "for a component"),
        (-LOG_P / 3 / np.log(2), "bits for a component"),
        (LOG_P + 20, "too high"),
        (LOG_P - 20, "too low"),
    ],
)
def test_a_wrong_figure_is_guessed(number, words):
    finding = diagnose(TIGHT, Y, reported=number)["reported"]
    assert not finding.ok
    assert words in finding.advice


def test_a_right_figure_is_accepted_from_all_rows_though_some_are_looked_at():
    for figure in (exact.elbo(MODEL, X).mean(), exact.log_marginal(MODEL, X).mean()):
        assert diagnose(MODEL, X, reported=np.float32(figure))["reported"].ok


def test_training_points_are_counted_to_the_last_bit():
    train = X[:50].copy()
    assert diagnose(MODEL, X, train=train)["training points"].measured == 50
    assert diagnose(MODEL, X, train=np.nextafter(train, np.inf))["training points"].ok
    zero = np.zeros((2, 3), np.float32)
    assert diagnose(MODEL, zero, train=-zero)["training points"].measured == 2


def test_the_report_repeats_reads_well_and_leaves_the_model_alone():
    before = MODEL.get_weights()
    keras.utils.set_random_seed(1)
    first = diagnose(MODEL, X, asleep)
    keras.utils.set_random_seed(2)
    assert str(first) == str(diagnose(MODEL, X, asleep)) == repr(first)
    np.testing.assert_equal(before, MODEL.get_weights())
    wide = small_vae(3, 3)  # too many latent dimensions for quadrature
    x = draws_from(wide, 20)
    assert str(diagnose(wide, x)) == str(diagnose(wide, x))
    assert len(str(first).splitlines()) == len(first)
    assert first[0].name == "range"
    assert first["sampling"] in first
    assert [f.name for f in first if not f.ok] == first.faults
    with pytest.raises(KeyError, match="'bond' is not among the checks made: range, "):
        first["bond"]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((small_autoencoder(), X), TypeError, "model to be a VAE; got Autoencoder"),
        ((MODEL, X[:, :2]), ValueError, r"x must have shape \[n, 3\]"),
        ((MODEL, X * np.nan), ValueError, "x must be finite"),
        ((MODEL, X, "elbo"), TypeError, "objective must be a function .* got 'elbo'"),
        ((MODEL, X, lambda m, x: x), ValueError, r"one value per example, shape \(64,\).*got shape \(64, 3\)"),
        ((MODEL, X, lambda m, x: None), ValueError, r"one value per example, .*got None"),
        ((MODEL, X, None, np.nan), ValueError, "reported must be a finite number of nats; got nan"),
        ((MODEL, X, None, "-1.2"), ValueError, "reported must be a finite number of nats; got '-1.2'"),
        ((MODEL, X, None, None, X[:, :1]), ValueError, r"train must have shape \[n, 3\]"),
    ],
)
def test_what_cannot_be_used_is_said(arguments, error, words):
    with pytest.raises(error, match=words):
        diagnose(*arguments)


def test_relu_nets_and_wide_likelihoods_are_served():
    vae = small_vae(2, 3, likelihood=FixedNormal(0.5), activation="relu")
    report = diagnose(vae, draws_from(vae, 100), vae_lib.elbo)
    assert {"objective", "bound", "sampling", "gradient"}.isdisjoint(report.faults)
