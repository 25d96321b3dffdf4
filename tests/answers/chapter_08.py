"""Right and wrong answers to the checks of chapter 8."""

import numpy as np
import tensorflow as tf

from vae_lib import exercises


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


RIGHT = [
    (exercises.check_reparameterisation, sample),
    (exercises.check_pathwise, pathwise),
    (exercises.check_score_gradient, score),
    (exercises.check_leave_one_out, others),
    (exercises.check_bernoulli_baseline, bernoulli),
]

WRONG = {
    exercises.check_reparameterisation: [
        (lambda m, v, e: m + tf.exp(v) * e, "mean + variance"),
        (lambda m, v, e: m + v * e, "not a spread"),
        (lambda m, v, e: m + tf.exp(-0.5 * v) * e, "sign in the exponent"),
        (lambda m, v, e: m + tf.exp(0.5 * v) + e, "you added it"),
        (lambda m, v, e: m + e, "must be scaled"),
        (lambda m, v, e: tf.exp(0.5 * v) * e, "mean is missing"),
        (lambda m, v, e: m * tf.ones_like(e), "noise is missing"),
        (lambda m, v, e: m + tf.exp(0.5 * v) * tf.random.normal([3, 2]), "same noise"),
        (lambda m, v, e: sample(m, v, e) + 1, "not yet"),
        (lambda m, v, e: sample(m, v, e)[0], "shape"),
        (in_numpy, "no longer a tensor"),
        (lambda m, v, e: tf.constant(in_numpy(m, v, e)), "reaches the mean"),
        (lambda m, v, e: tf.stop_gradient(sample(m, v, e)), "reaches the mean"),
        (lambda m, v, e: sample(m, tf.stop_gradient(v), e), "reaches the log-variance"),
        (lambda m, v, e: sample(m.numpy(), v, e), "reaches the mean"),
    ],
    exercises.check_pathwise: [
        (lambda *a: pathwise(*a)[0], "two numbers"),
        (lambda *a: pathwise(*a, reduce=np.sum), "a sum"),
        (lambda *a: pathwise(*a, reduce=np.array), "one number for each draw"),
        (lambda slope, m, v, e: (slope(e).mean(), 0), "not at the noise"),
        (lambda slope, m, v, e: (slope(m), 0), "slope at the mean"),
        (lambda *a: (pathwise(*a)[0] * np.exp(0.5 * a[2]), 0), "not s"),
        (lambda slope, m, v, e: (slope(m + np.exp(v) * e).mean(), 0), "too narrow or too wide"),
        (lambda *a: pathwise(*a, half=1), "brings down the ½"),
        (lambda *a: pathwise(*a, power=0), "factor s is missing"),
        (lambda *a: pathwise(*a, half=1, power=0), "gradient to s;"),
        (lambda *a: pathwise(*a, power=-1), "gradient to s²;"),
        (lambda *a: (pathwise(*a)[0], pathwise(*a)[0] * 0.5 * np.exp(0.5 * a[2])), "noise is missing"),
        (lambda *a: (pathwise(*a)[0], pathwise(*a)[0] * 0.5 * np.exp(0.5 * a[2]) * np.mean(a[3])), "product of means"),
        (lambda *a: (pathwise(*a)[0], pathwise(*a, reduce=np.sum)[1]), "a sum"),
    ],
    exercises.check_score_gradient: [
        (lambda v, z, m, s, b: score(v, z, m, s, 0), "baseline is missing"),
        (lambda *a: score(*a, sign=-1), "you added it"),
        (lambda v, z, m, s, b: score(v, z, m, s, 0) - b, "before they meet"),
        (lambda *a: -score(*a), "the sign"),
        (lambda *a: score(*a, power=1), "by s once"),
        (lambda *a: score(*a, power=0), "division by s²"),
        (lambda *a: score(*a) * len(a[0]), "a sum"),
        (lambda v, z, m, s, b: np.mean(v - b) * np.mean(z - m) / s**2, "product of means"),
        (lambda v, z, m, s, b: np.mean(v - b), "score is missing"),
        (lambda v, z, m, s, b: np.mean((v - b) * z), "not by z"),
        (lambda v, z, m, s, b: (v - b) * (z - m) / s**2, "one number for each draw"),
        (lambda v, z, m, s, b: score(v, z, m, s, v.mean()), "that is given"),
        (lambda v, z, m, s, b: np.mean((v - b) * ((z - m) ** 2 / s**2 - 1) / 2), "respect to log s²"),
        (lambda *a: [score(*a)], "shape"),
    ],
    exercises.check_leave_one_out: [
        (lambda v: np.full(len(v), v.mean()), "in its own baseline"),
        (np.mean, "one mean for all"),
        (lambda v: (v.sum() - v) / len(v), "not out of the count"),
        (lambda v: np.full(len(v), v.sum() / (len(v) - 1)), "not out of the sum"),
        (lambda v: v.sum() - v, "sum of the others"),
        (lambda v: v - others(v), "the baselines were asked for"),
        (lambda v: others(v)[1:], "shape"),
    ],
    exercises.check_bernoulli_baseline: [
        (lambda a, b, p: b * p + a * (1 - p), "mean of h"),
        (lambda a, b, p: (a + b) / 2, "only for p = ½"),
        (lambda a, b, p: p * (1 - p) * bernoulli(a, b, p), "divide by E"),
        (lambda a, b, p: p * (1 - p) * (b - a), "gradient itself"),
        (lambda a, b, p: b - a, "a difference"),
        (lambda a, b, p: 0.0, "not yet"),
    ],
}
