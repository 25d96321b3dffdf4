"""Right and wrong answers to the checks of chapter 10."""

import numpy as np
import tensorflow as tf

from vae_lib import exercises


def kl(m, v):
    return 0.5 * tf.reduce_sum(m**2 + tf.exp(v) - v - 1, axis=1)


def draw(m, v, e):
    return m + tf.exp(0.5 * v) * e


def log_likelihood(x, g, sigma2):
    return -0.5 * tf.reduce_sum((x - g) ** 2 / sigma2 + tf.math.log(2 * np.pi * sigma2), axis=1)


def squares(x, g):
    return tf.reduce_sum((x - g) ** 2, axis=1)


mean = tf.reduce_mean
LOG_2PI = np.log(2 * np.pi)

RIGHT = [
    (exercises.check_vae_kl, kl),
    (exercises.check_vae_kl, lambda m, v: kl(m, v).numpy()),
    (exercises.check_vae_draw, draw),
    (exercises.check_vae_draw, lambda m, v, e: m + e * tf.sqrt(tf.exp(v))),
    (exercises.check_vae_objective, lambda x, m, v, g, s: mean(log_likelihood(x, g, s) - kl(m, v))),
]

WRONG = {
    exercises.check_vae_kl: [
        (lambda m, v: 2 * kl(m, v), "did you drop the ½"),
        (lambda m, v: -kl(m, v), "the sign is wrong: a KL is never negative"),
        (lambda m, v: -2 * kl(m, v), "and the ½ is missing"),
        (lambda m, v: kl(m, v) / 2, "averaged over the latent dimensions: the KLs"),
        (lambda m, v: -kl(m, v) / 2, "the sign is wrong, and you averaged"),
        (lambda m, v: mean(kl(m, v)), "averaged over the batch too"),
        (lambda m, v: tf.reduce_sum(kl(m, v)), "summed over the batch too"),
        (lambda m, v: mean(0.5 * (m**2 + tf.exp(v) - v - 1)), "averaged over everything"),
        (lambda m, v: 0.5 * (m**2 + tf.exp(v) - v - 1), "single dimensions"),
        (lambda m, v: 0.5 * tf.reduce_sum(m**2 + tf.exp(v) - v - 1, axis=0), "summed over the examples"),
        (lambda m, v: kl(m, 2 * v), "the logarithm of s"),
        (lambda m, v: 0.5 * tf.reduce_sum(m**2 + tf.exp(2 * v) - v - 1, axis=1), "square of the variance"),
        (lambda m, v: 0.5 * tf.reduce_sum(m**2 + tf.exp(v / 2) - v - 1, axis=1), "s², not s"),
        (lambda m, v: 0.5 * tf.reduce_sum(m**2 - 1, axis=1), "s² is missing"),
        (lambda m, v: 0.5 * tf.reduce_sum(m + tf.exp(v) - v - 1, axis=1), "must be squared"),
        (lambda m, v: kl(0 * m, v), "the mean does not appear"),
        (lambda m, v: kl(m, v) + 1, "−1 is missing"),
        (lambda m, v: 0.5 * tf.reduce_sum(m**2 + tf.exp(v) + v - 1, axis=1), "a narrow q must cost"),
        (lambda m, v: 0.5 * tf.reduce_sum(v + (1 + m**2) / tf.exp(v) - 1, axis=1), "the expectation is over q"),
        (lambda m, v: kl(m, v)[:2], "shape"),
        (lambda m, v: kl(m, v) + 0.1, "not yet"),
    ],
    exercises.check_vae_draw: [
        (lambda m, v, e: m, "sampling is not applied"),
        (lambda m, v, e: m + tf.exp(v) * e, "multiplied by the variance"),
        (lambda m, v, e: m + v * e, "a logarithm is no width"),
        (lambda m, v, e: m + 0.5 * v * e, "a logarithm is no width"),
        (lambda m, v, e: m + e, "not scaled"),
        (lambda m, v, e: m + tf.exp(0.5 * v), "epsilon is missing"),
        (lambda m, v, e: m + tf.exp(0.5 * v) + e, "not added"),
        (lambda m, v, e: tf.exp(0.5 * v) * e, "the mean is missing"),
        (lambda m, v, e: m - tf.exp(0.5 * v) * e, "as good a draw"),
        (lambda m, v, e: (m + tf.exp(0.5 * v)) * e, "only s multiplies"),
        (lambda m, v, e: mean(draw(m, v, e), axis=0), "averaged over the batch"),
        (lambda m, v, e: draw(m, v, tf.random.normal(m.shape)), "two calls gave two answers"),
        (lambda m, v, e: draw(m, v, e).numpy(), "no gradient reaches mean and log_variance"),
        (lambda m, v, e: tf.stop_gradient(draw(m, v, e)), "no gradient reaches mean and log_variance"),
        (lambda m, v, e: m + np.exp(0.5 * v.numpy()) * e, "no gradient reaches log_variance"),
        (lambda m, v, e: m.numpy() + tf.exp(0.5 * v) * e, "no gradient reaches mean:"),
        (lambda m, v, e: draw(m, v, e)[:2], "shape"),
        (lambda m, v, e: draw(m, v, e) + 0.1, "not yet"),
    ],
    exercises.check_vae_objective: [
        (lambda x, m, v, g, s: mean(kl(m, v) - log_likelihood(x, g, s)), "this is the loss"),
        (lambda x, m, v, g, s: mean(log_likelihood(x, g, s) + kl(m, v)), "the sign of the KL is wrong"),
        (lambda x, m, v, g, s: mean(-log_likelihood(x, g, s) - kl(m, v)), "the sign of the log-likelihood is wrong"),
        (lambda x, m, v, g, s: log_likelihood(x, g, s) - kl(m, v), "one number was asked"),
        (lambda x, m, v, g, s: tf.reduce_sum(log_likelihood(x, g, s) - kl(m, v)), "summed over the batch"),
        (lambda x, m, v, g, s: mean(log_likelihood(x, g, s) - kl(m, v) / 2), "the KL is averaged over the latent"),
        (lambda x, m, v, g, s: mean(log_likelihood(x, g, s) / 3 - kl(m, v)), "averaged over the components of x"),
        (lambda x, m, v, g, s: mean(log_likelihood(x, g, s) / 3 - kl(m, v) / 2), "you averaged over dimensions"),
        (lambda x, m, v, g, s: mean(log_likelihood(x, g, s) - kl(m, v) / 4), "divided by the batch size"),
        (lambda x, m, v, g, s: mean(log_likelihood(x, g, s)) - tf.reduce_sum(kl(m, v)), "summed over the batch, the"),
        (lambda x, m, v, g, s: mean(log_likelihood(x, g, s) - 2 * kl(m, v)), "the ½ of the KL"),
        (lambda x, m, v, g, s: mean(2 * log_likelihood(x, g, s) - kl(m, v)), "the ½ of the log-likelihood"),
        (lambda x, m, v, g, s: mean(2 * log_likelihood(x, g, s) - 2 * kl(m, v)), "both halves"),
        (lambda x, m, v, g, s: mean(log_likelihood(x, g, s)), "the KL is missing"),
        (lambda x, m, v, g, s: mean(-squares(x, g) - kl(m, v)), "no log-likelihood yet"),
        (lambda x, m, v, g, s: mean((x - g) ** 2) + mean(0.5 * (m**2 + tf.exp(v) - v - 1)), "loss of averages"),
        (lambda x, m, v, g, s: mean(-squares(x, g) / (2 * s) - kl(m, v)), "not normalised"),
        (lambda x, m, v, g, s: mean(log_likelihood(x, g, s) + 1.5 * LOG_2PI - kl(m, v)), "2π is missing"),
        (lambda x, m, v, g, s: mean(-squares(x, g) / (2 * s) - 1.5 * LOG_2PI - kl(m, v)), "log σ² is missing"),
        (
            lambda x, m, v, g, s: mean(-0.5 * (squares(x, g) / s + LOG_2PI + tf.math.log(s)) - kl(m, v)),
            "d of them, not one",
        ),
        (lambda x, m, v, g, s: mean(log_likelihood(x, g, s**2) - kl(m, v)), "do not square it"),
        (
            lambda x, m, v, g, s: mean(log_likelihood(x, g, s) - kl(m, v) + squares(x, g) / 2 * (1 / s - s**-0.5)),
            "not by σ",
        ),
        (lambda x, m, v, g, s: mean(log_likelihood(x, g, s) - kl(m, v)) + 0.1, "not yet"),
    ],
}
