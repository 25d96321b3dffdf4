"""Distributions against scipy and quadrature, their gradients against finite differences, their errors."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import integrate, stats

from vae_lib import Bernoulli, Normal, kl_divergence, standard_normal
from vae_lib.distributions import Distribution, closed_form_kl, register_kl

rng = np.random.default_rng(0)
NORMAL_SHAPES = [((3,), (3,)), ((4, 3), (4, 3)), ((4, 3), (1,)), ((4, 3), (3,)), ((3,), (4, 1)), ((5, 4, 3), (4, 1))]
vectors = arrays(np.float32, 3, elements=st.floats(-4, 4, width=32))
logits = arrays(np.float32, 3, elements=st.floats(-30, 30, width=32))


@pytest.mark.parametrize(("mean_shape", "log_variance_shape"), NORMAL_SHAPES)
def test_normal_agrees_with_scipy_whatever_broadcasts(mean_shape, log_variance_shape):
    mean, log_variance = rng.normal(size=mean_shape), rng.normal(size=log_variance_shape)
    p, truth = Normal(mean, log_variance), stats.norm(mean, np.exp(log_variance / 2))
    x = rng.normal(size=np.broadcast_shapes(mean_shape, log_variance_shape))
    np.testing.assert_allclose(p.log_prob(x), truth.logpdf(x).sum(-1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(p.entropy(), (truth.entropy() + 0 * x).sum(-1), rtol=1e-5, atol=1e-5)
    assert p.sample().shape == x.shape == p.mean.shape
    assert p.sample(7).shape == (7, *x.shape)
    assert p.sample(0).shape == (0, *x.shape)
    assert p.log_prob(p.sample(7)).shape == (7, *x.shape[:-1])


def test_bernoulli_agrees_with_scipy():
    values = rng.normal(size=(4, 3)) * 3
    x = rng.integers(0, 2, size=(6, 4, 3))
    p = Bernoulli(values)
    np.testing.assert_allclose(p.log_prob(x), stats.bernoulli(1 / (1 + np.exp(-values))).logpmf(x).sum(-1), rtol=1e-4)
    np.testing.assert_allclose(p.mean, 1 / (1 + np.exp(-values)), rtol=1e-5)
    assert p.sample(6).shape == (6, 4, 3)
    assert set(np.unique(p.sample(6))) == {0, 1}


@pytest.mark.parametrize("width", [1, 2, 7, 12, 40])
def test_bernoulli_log_prob_and_its_derivatives_are_those_of_the_plain_formula(width):
    logits = tf.Variable(rng.normal(size=(5, 4, width)) * 9, dtype=tf.float32)
    x = tf.constant(rng.random((4, width)), tf.float32)

    def plain():
        return tf.reduce_sum(x * logits - tf.nn.softplus(logits), axis=-1)

    def derivatives(function):
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                value = function()
            first = tape.gradient(value, [x, logits], output_gradients=tf.sin(tf.reshape(tf.range(20.0), [5, 4])))
            total = tf.reduce_sum(first[1] ** 2)
        return value, *first, outer.gradient(total, x), outer.gradient(total, logits)

    for ours, expected in zip(derivatives(lambda: Bernoulli(logits).log_prob(x)), derivatives(plain), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "p", [Normal([[0.5, -3.0]], [[1.0, -2.0]]), Bernoulli([[0.5, -3.0]])], ids=["Normal", "Bernoulli"]
)
def test_samples_have_the_mean_and_variance_they_should(p):
    keras.utils.set_random_seed(0)
    sample = p.sample(100_000).numpy().astype(np.float64)
    variance = p.variance if isinstance(p, Normal) else p.mean * (1 - p.mean)
    assert (np.abs(sample.mean(0) - p.mean) < 5 * np.sqrt(variance / 1e5)).all()
    squares = (sample - p.mean.numpy()) ** 2
    assert (np.abs(squares.mean(0) - variance) < 5 * squares.std(0) / 1e5**0.5).all()


@given(st.floats(-(2.0**100), 2.0**100, width=32), st.sampled_from([0.0, 1.0]))
def test_bernoulli_log_prob_is_never_nan_nor_positive(logit, x):
    value = float(Bernoulli([logit]).log_prob([x]))
    assert value <= 0
    assert value == pytest.approx(-np.logaddexp(0, -logit if x else logit), rel=1e-5, abs=abs(logit) * 1e-7 + 1e-6)


def test_bernoulli_gradient_is_finite_for_extreme_logits():
    values = tf.Variable([-1e4, -100.0, 0.0, 100.0, 1e4])
    with tf.GradientTape() as tape:
        total = Bernoulli(values).log_prob([1.0, 0.0, 1.0, 0.0, 1.0])
    np.testing.assert_allclose(tape.gradient(total, values), [1, 0, 0.5, -1, 0], atol=1e-6)


def kl_by_quadrature(mean, scale, other_mean, other_scale):
    q, p = stats.norm(mean, scale), stats.norm(other_mean, other_scale)
    ends = (mean - 12 * scale, mean + 12 * scale)
    return integrate.quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), *ends, epsabs=1e-12, limit=200)[0]


@pytest.mark.parametrize("case", [(0, 1, 0, 1), (1, 0.5, 0, 1), (0, 1, 2, 0.3), (-2, 1e-3, 1, 2), (0.5, 1.001, 0.5, 1)])
def test_kl_of_normals_agrees_with_quadrature(case):
    mean, scale, other_mean, other_scale = case
    q, p = (Normal([m], [2 * math.log(s)]) for m, s in (case[:2], case[2:]))
    truth = kl_by_quadrature(mean, scale, other_mean, other_scale)
    assert float(kl_divergence(q, p)) == pytest.approx(truth, rel=2e-5, abs=1e-8)


def test_kl_sums_over_components_and_keeps_the_batch():
    mean, log_variance = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    each = [kl_by_quadrature(m, np.exp(v / 2), 0, 1) for m, v in zip(mean.ravel(), log_variance.ravel(), strict=True)]
    whole = kl_divergence(Normal(mean, log_variance), standard_normal(3))
    np.testing.assert_allclose(whole, np.reshape(each, (4, 3)).sum(-1), rtol=1e-5)
    shared = kl_divergence(Normal(mean, [0.3]), Normal(mean, [0.0]))
    np.testing.assert_allclose(shared, np.full(4, 3 * kl_by_quadrature(0, np.exp(0.15), 0, 1)), rtol=1e-5)


@given(logits, logits)
def test_kl_of_bernoullis_is_the_sum_over_both_outcomes(a, b):
    q, p = Bernoulli(a), Bernoulli(b)
    a, b = a.astype(np.float64), b.astype(np.float64)
    log_q, log_p = ([-np.logaddexp(0, -v), -np.logaddexp(0, v)] for v in (a, b))
    truth = sum(np.exp(lq) * (lq - lp) for lq, lp in zip(log_q, log_p, strict=True)).sum()
    assert float(kl_divergence(q, p)) == pytest.approx(truth, rel=1e-4, abs=1e-4)


@given(vectors, vectors, vectors, vectors)
def test_kl_is_never_negative_and_zero_only_to_oneself(mean, log_variance, other_mean, other_log_variance):
    q, p = Normal(mean, log_variance), Normal(other_mean, other_log_variance)
    assert float(kl_divergence(q, p)) >= 0
    assert float(kl_divergence(q, q)) == 0
    assert float(kl_divergence(Bernoulli(mean), Bernoulli(mean))) == 0
    shift = np.square(mean.astype(np.float64) - other_mean) * np.exp(-other_log_variance.astype(np.float64))
    assert float(kl_divergence(q, p)) >= 0.5 * shift.sum() * (1 - 1e-4) - 1e-4  # the part that the means alone cost


@settings(max_examples=25)
@given(vectors, vectors)
def test_entropy_is_minus_the_mean_log_prob(mean, log_variance):
    p = Normal(mean, log_variance)
    values = p.log_prob(p.sample(4000)).numpy().astype(np.float64)
    assert abs(values.mean() + float(p.entropy())) < 5 * values.std() / 4000**0.5 + 1e-5


def test_samples_carry_the_gradient_to_mean_and_log_variance():
    mean, log_variance = tf.Variable([0.3, -1.0]), tf.Variable([0.2, -0.5])
    with tf.GradientTape(persistent=True) as tape:
        z = Normal(mean, log_variance).sample()
        total = tf.reduce_sum(tf.sin(z))
    noise = (z - mean).numpy() / np.exp(log_variance.numpy() / 2)

    def value(m, v):
        return np.sin(m + np.exp(v / 2) * noise)

    start = mean.numpy().astype(np.float64), log_variance.numpy().astype(np.float64)
    step = 1e-5
    by_mean = (value(start[0] + step, start[1]) - value(start[0] - step, start[1])) / (2 * step)
    by_log_variance = (value(start[0], start[1] + step) - value(start[0], start[1] - step)) / (2 * step)
    np.testing.assert_allclose(tape.gradient(total, mean), by_mean, rtol=1e-4)
    np.testing.assert_allclose(tape.gradient(total, log_variance), by_log_variance, rtol=1e-4)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.uint8, bool, list])
def test_other_types_of_numbers_are_taken(dtype):
    x = [[0, 1]] if dtype is list else np.array([[0, 1]], dtype)
    truth = stats.norm.logpdf([0, 1]).sum()
    assert float(standard_normal(2).log_prob(x)[0]) == pytest.approx(truth)
    assert float(Normal(x, x).log_prob([[0.0, 1.0]])[0]) == pytest.approx(
        stats.norm.logpdf(0, 0, [1, math.e**0.5]).sum()
    )
    assert float(Bernoulli([0.0, 0.0]).log_prob(x)[0]) == pytest.approx(2 * math.log(0.5))


def test_shapes_known_only_when_the_graph_runs_are_fine():
    signature = [tf.TensorSpec([None, 2]), tf.TensorSpec([None, 2])]

    @tf.function(input_signature=signature)
    def both(mean, log_variance):
        p = Normal(mean, log_variance)
        return p.log_prob(p.sample(3)), kl_divergence(p, standard_normal(2))

    log_prob, kl = both(np.zeros((5, 2), np.float32), np.zeros((5, 2), np.float32))
    assert (log_prob.shape, kl.shape) == ((3, 5), (5,))


class Unregistered(Distribution):
    parameters = ()


class Shifted(Normal):
    """A subclass finds its parent's closed form."""


def test_closed_forms_are_found_by_class_and_an_unregistered_pair_says_what_to_do():
    assert closed_form_kl(Shifted([0.0], [0.0]), standard_normal(1)) is not None
    with pytest.raises(NotImplementedError, match=r"q=Normal, p=Unregistered.*average.*register_kl"):
        kl_divergence(standard_normal(1), Unregistered())
    register_kl(Normal, Unregistered)(lambda q, p: "found")
    assert kl_divergence(standard_normal(1), Unregistered()) == "found"


BAD = {
    "shapes that do not broadcast": (
        lambda: Normal([0.0, 0.0], [0.0] * 3),
        ValueError,
        r"mean and log_variance.*\(2,\)",
    ),
    "a scalar mean": (lambda: Normal(0.0, 0.0), ValueError, "mean must have at least one axis.*scalar"),
    "scalar logits": (lambda: Bernoulli(0.0), ValueError, "logits must have at least one axis.*scalar"),
    "a text mean": (lambda: Normal(["a"], [0.0]), TypeError, "mean must be numeric; got .*a"),
    "no log-variance": (lambda: Normal([0.0], None), TypeError, "log_variance must be numeric; got None"),
    "text logits": (lambda: Bernoulli("a"), TypeError, "logits must be numeric; got .*a"),
    "x of width 1": (lambda: standard_normal(3).log_prob([[1.0]]), ValueError, r"x must have 3 .*shape \(1, 1\)"),
    "x of another width": (lambda: Bernoulli([0.0] * 3).log_prob([0.0] * 2), ValueError, r"x must have 3 .*\(2,\)"),
    "a scalar x": (lambda: standard_normal(3).log_prob(0.0), ValueError, r"x must have 3 components.*shape \(\)"),
    "a text x": (lambda: standard_normal(1).log_prob(["a"]), TypeError, "x must be numeric"),
    "KL between widths": (
        lambda: kl_divergence(standard_normal(3), standard_normal(1)),
        ValueError,
        "as many components; got 3 and 1",
    ),
    "half a sample": (lambda: standard_normal(1).sample(2.5), ValueError, "sample: n must be .* integer.*got 2.5"),
    "minus one sample": (lambda: Bernoulli([0.0]).sample(-1), ValueError, "sample: n must be .* at least 0; got -1"),
    "True samples": (lambda: standard_normal(1).sample(True), ValueError, "n must be .*got True"),
    "no dimension": (lambda: standard_normal(0), ValueError, "dim must be an integer, at least 1; got 0"),
    "half a dimension": (lambda: standard_normal(1.5), ValueError, "dim must be an integer, at least 1; got 1.5"),
    "a text dimension": (lambda: standard_normal("2"), ValueError, "dim must be an integer, at least 1; got '2'"),
}


@pytest.mark.parametrize(("call", "error", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("p", [Normal([1.0, 2.0], [0.5]), Bernoulli([[0.1, 3.0]])], ids=["Normal", "Bernoulli"])
def test_a_distribution_survives_serialisation(p):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(p))
    x = np.ones(p.mean.shape)
    np.testing.assert_array_equal(p.log_prob(x), again.log_prob(x))
    np.testing.assert_array_equal(p.mean, again.mean)
