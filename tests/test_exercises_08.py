"""The checks of chapter 8 pass the right answers and name the usual mistakes."""

import numpy as np
import pytest
import tensorflow as tf

from vae_lib import exercises
from vae_lib.exercises import Hint


def sample(mean, log_variance, noise):
    return mean + tf.exp(0.5 * log_variance) * noise


def in_numpy(mean, log_variance, noise):
    return mean.numpy() + np.exp(0.5 * log_variance.numpy()) * noise.numpy()


def pathwise(slope, m, log_variance, noise, half=0.5, power=1, reduce=np.mean):
    s = np.exp(0.5 * log_variance)
    slopes = slope(m + s * noise)
    return reduce(slopes), reduce(slopes * half * s**power * noise)


def score(values, z, m, s, baseline, power=2, sign=1):
    return np.mean((values - sign * baseline) * (z - m) / s**power)


def others(values):
    return (values.sum() - values) / (len(values) - 1)


def bernoulli(h_zero, h_one, p):
    return h_one * (1 - p) + h_zero * p


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (exercises.check_reparameterisation, sample),
        (exercises.check_pathwise, pathwise),
        (exercises.check_score_gradient, score),
        (exercises.check_leave_one_out, others),
        (exercises.check_bernoulli_baseline, bernoulli),
    ],
)
def test_a_right_answer_gets_a_tick_and_none_a_hint(check, answer, capsys):
    check(answer)
    assert "✓" in capsys.readouterr().out
    with pytest.raises(Hint):
        check(lambda *_: None)


reparameterisation, pathwise_check = exercises.check_reparameterisation, exercises.check_pathwise
score_check, loo = exercises.check_score_gradient, exercises.check_leave_one_out
bernoulli_check = exercises.check_bernoulli_baseline


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (reparameterisation, lambda m, v, e: m + tf.exp(v) * e, "mean \\+ variance"),
        (reparameterisation, lambda m, v, e: m + v * e, "not a spread"),
        (reparameterisation, lambda m, v, e: m + tf.exp(-0.5 * v) * e, "sign in the exponent"),
        (reparameterisation, lambda m, v, e: m + tf.exp(0.5 * v) + e, "you added it"),
        (reparameterisation, lambda m, v, e: m + e, "must be scaled"),
        (reparameterisation, lambda m, v, e: tf.exp(0.5 * v) * e, "mean is missing"),
        (reparameterisation, lambda m, v, e: m * tf.ones_like(e), "noise is missing"),
        (reparameterisation, lambda m, v, e: m + tf.exp(0.5 * v) * tf.random.normal([3, 2]), "same noise"),
        (reparameterisation, lambda m, v, e: sample(m, v, e) + 1, "not yet"),
        (reparameterisation, lambda m, v, e: sample(m, v, e)[0], "shape"),
        (reparameterisation, in_numpy, "no longer a tensor"),
        (reparameterisation, lambda m, v, e: tf.constant(in_numpy(m, v, e)), "reaches the mean"),
        (reparameterisation, lambda m, v, e: tf.stop_gradient(sample(m, v, e)), "reaches the mean"),
        (reparameterisation, lambda m, v, e: sample(m, tf.stop_gradient(v), e), "reaches the log-variance"),
        (reparameterisation, lambda m, v, e: sample(m.numpy(), v, e), "reaches the mean"),
        (pathwise_check, lambda *a: pathwise(*a)[0], "two numbers"),
        (pathwise_check, lambda *a: pathwise(*a, reduce=np.sum), "a sum"),
        (pathwise_check, lambda *a: pathwise(*a, reduce=np.array), "one number for each draw"),
        (pathwise_check, lambda slope, m, v, e: (slope(e).mean(), 0), "not at the noise"),
        (pathwise_check, lambda slope, m, v, e: (slope(m), 0), "slope at the mean"),
        (pathwise_check, lambda *a: (pathwise(*a)[0] * np.exp(0.5 * a[2]), 0), "not s"),
        (pathwise_check, lambda slope, m, v, e: (slope(m + np.exp(v) * e).mean(), 0), "too narrow or too wide"),
        (pathwise_check, lambda *a: pathwise(*a, half=1), "brings down the ½"),
        (pathwise_check, lambda *a: pathwise(*a, power=0), "factor s is missing"),
        (pathwise_check, lambda *a: pathwise(*a, half=1, power=0), "gradient to s;"),
        (pathwise_check, lambda *a: pathwise(*a, power=-1), "gradient to s²;"),
        (pathwise_check, lambda *a: (pathwise(*a)[0], pathwise(*a)[0] * 0.5 * np.exp(0.5 * a[2])), "noise is missing"),
        (
            pathwise_check,
            lambda *a: (pathwise(*a)[0], pathwise(*a)[0] * 0.5 * np.exp(0.5 * a[2]) * np.mean(a[3])),
            "product of means",
        ),
        (pathwise_check, lambda *a: (pathwise(*a)[0], pathwise(*a, reduce=np.sum)[1]), "a sum"),
        (score_check, lambda v, z, m, s, b: score(v, z, m, s, 0), "baseline is missing"),
        (score_check, lambda *a: score(*a, sign=-1), "you added it"),
        (score_check, lambda v, z, m, s, b: score(v, z, m, s, 0) - b, "before they meet"),
        (score_check, lambda *a: -score(*a), "the sign"),
        (score_check, lambda *a: score(*a, power=1), "by s once"),
        (score_check, lambda *a: score(*a, power=0), "division by s²"),
        (score_check, lambda *a: score(*a) * len(a[0]), "a sum"),
        (score_check, lambda v, z, m, s, b: np.mean(v - b) * np.mean(z - m) / s**2, "product of means"),
        (score_check, lambda v, z, m, s, b: np.mean(v - b), "score is missing"),
        (score_check, lambda v, z, m, s, b: np.mean((v - b) * z), "not by z"),
        (score_check, lambda v, z, m, s, b: (v - b) * (z - m) / s**2, "one number for each draw"),
        (score_check, lambda v, z, m, s, b: score(v, z, m, s, v.mean()), "that is given"),
        (score_check, lambda v, z, m, s, b: np.mean((v - b) * ((z - m) ** 2 / s**2 - 1) / 2), "respect to log s²"),
        (score_check, lambda *a: [score(*a)], "shape"),
        (loo, lambda v: np.full(len(v), v.mean()), "in its own baseline"),
        (loo, np.mean, "one mean for all"),
        (loo, lambda v: (v.sum() - v) / len(v), "not out of the count"),
        (loo, lambda v: np.full(len(v), v.sum() / (len(v) - 1)), "not out of the sum"),
        (loo, lambda v: v.sum() - v, "sum of the others"),
        (loo, lambda v: v - others(v), "the baselines were asked for"),
        (loo, lambda v: others(v)[1:], "shape"),
        (bernoulli_check, lambda a, b, p: b * p + a * (1 - p), "mean of h"),
        (bernoulli_check, lambda a, b, p: (a + b) / 2, "only for p = ½"),
        (bernoulli_check, lambda a, b, p: p * (1 - p) * bernoulli(a, b, p), "divide by E"),
        (bernoulli_check, lambda a, b, p: p * (1 - p) * (b - a), "gradient itself"),
        (bernoulli_check, lambda a, b, p: b - a, "a difference"),
        (bernoulli_check, lambda a, b, p: 0.0, "not yet"),
    ],
)
def test_each_usual_mistake_is_named(check, answer, words):
    with pytest.raises(Hint, match=words):
        check(answer)
