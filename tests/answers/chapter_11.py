"""Right and wrong answers to the checks of chapter 11."""

import numpy as np
import tensorflow as tf

from vae_lib import exercises

mean, total = tf.reduce_mean, tf.reduce_sum
softplus, lgamma = tf.nn.softplus, tf.math.lgamma


def squares(x, g):
    return (x - g) ** 2


def ways(x):
    return lgamma(17.0) - lgamma(16 * x + 1) - lgamma(17 - 16 * x)


def cross(x, a):
    return x * a - softplus(a)


def terms(x, a):
    return ways(x) + 16 * cross(x, a)


def rounded(x, a):
    p = tf.sigmoid(a)
    return total(ways(x) + 16 * x * tf.math.log(p) + 16 * (1 - x) * tf.math.log(1 - p), 1)


def bits(v, d, levels):
    return (d * np.log(levels) - v) / (d * np.log(2))


RIGHT = [
    (exercises.check_implied_variance, lambda A, B: B / (2 * A)),
    (exercises.check_best_variance, lambda x, g: mean(squares(x, g))),
    (exercises.check_best_variance, lambda x, g: float(np.mean((np.asarray(x) - np.asarray(g)) ** 2))),
    (exercises.check_binomial, lambda x, a: total(terms(x, a), 1)),
    (exercises.check_binomial, lambda x, a: total(terms(x, a), -1).numpy()),
    (exercises.check_bits_per_dimension, bits),
]

WRONG = {
    exercises.check_implied_variance: [
        (lambda A, B: A / (2 * B), "upside down: a larger"),
        (lambda A, B: 2 * A / B, "upside down, and a factor of four"),
        (lambda A, B: A / B, "upside down, and the ½"),
        (lambda A, B: B / A, "factor of two"),
        (lambda A, B: 2 * B / A, "off by a factor of four"),
        (lambda A, B: (B / (2 * A)) ** 0.5, "this is σ"),
        (lambda A, B: 1 / (2 * A), "the weight of the KL counts"),
        (lambda A, B: B / 2, "the weight of the error counts"),
        (lambda A, B: 2 * B, "the other way round"),
        (lambda A, B: [A, B], "shape"),
        (lambda A, B: B / (2 * A) + 0.1, "not yet"),
    ],
    exercises.check_best_variance: [
        (lambda x, g: mean(squares(x, mean(g, 0))), "before squaring"),
        (lambda x, g: mean(squares(x, g)) ** 0.5, "this is σ"),
        (lambda x, g: tf.math.log(mean(squares(x, g))), "this is log"),
        (lambda x, g: mean(squares(x, g)) / 2, "no ½"),
        (lambda x, g: 2 * mean(squares(x, g)), "no 2"),
        (lambda x, g: mean(total(squares(x, g), -1)), "summed over the components"),
        (lambda x, g: mean(total(squares(x, g), [0, 2])), "do not sum"),
        (lambda x, g: total(squares(x, g)), "summed everything"),
        (lambda x, g: mean(squares(x, g), [0, 1]), "for each component"),
        (lambda x, g: mean(squares(x, g), 0), "examples and the components"),
        (lambda x, g: mean(squares(x, g), [0, 2]), "over the examples, too"),
        (lambda x, g: mean(squares(x, g), [1, 2]), "over the draws, too"),
        (lambda x, g: tf.math.reduce_variance(x - g), "subtracts the mean error"),
        (lambda x, g: mean(abs(x - g)), "Laplace"),
        (lambda x, g: squares(x, g), "shape"),
        (lambda x, g: mean(squares(x, g)) + 0.1, "not yet"),
    ],
    exercises.check_binomial: [
        (lambda x, a: -total(terms(x, a), 1), "this is the loss"),
        (lambda x, a: total(16 * cross(x, a), 1), "coefficient is missing"),
        (lambda x, a: total(cross(x, a), 1), "minus the binary cross-entropy"),
        (lambda x, a: total(ways(x) + cross(x, a), 1), "sixteen dots"),
        (lambda x, a: total(ways(x) + 16 * x * a - softplus(a), 1), "softplus counts once"),
        (lambda x, a: total(ways(x) + 16 * x * a + 16 * softplus(a), 1), "sign of softplus"),
        (lambda x, a: total(16 * cross(x, a) - ways(x), 1), "the coefficient is added"),
        (lambda x, a: total(ways(x / 16) + 16 * cross(x, a), 1), "that of the count"),
        (lambda x, a: total(ways(x / 16) + x * a - 16 * softplus(a), 1), "beside the logit"),
        (terms, "single pixels"),
        (lambda x, a: mean(terms(x, a), 1), "averaged over the pixels"),
        (lambda x, a: mean(total(terms(x, a), 1)), "averaged over the batch"),
        (lambda x, a: total(terms(x, a)), "summed over the batch"),
        (lambda x, a: total(terms(x, a), 0), "summed over the examples"),
        (lambda x, a: tf.exp(total(terms(x, a), 1)), "this is the mass"),
        (rounded, "at a logit of 200"),
        (lambda x, a: total(terms(x, a), 1)[:2], "shape"),
        (lambda x, a: total(terms(x, a), 1) + 0.1, "not yet"),
    ],
    exercises.check_bits_per_dimension: [
        (lambda v, d, n: -bits(v, d, n), "the sign is wrong"),
        (lambda v, d, n: bits(v, d, n) * np.log(2), "these are nats"),
        (lambda v, d, n: bits(v, d, n) * np.log(2) ** 2, "do not multiply"),
        (lambda v, d, n: bits(v, d, n) * d, "whole picture"),
        (lambda v, d, n: bits(v, d, n) * d * np.log(2), "log-mass in nats"),
        (lambda v, d, n: -v / (d * np.log(2)), "not a mass yet"),
        (lambda v, d, n: -(v + d * np.log(n)) / (d * np.log(2)), "a bin is small"),
        (lambda v, d, n: (np.log(n) - v) / (d * np.log(2)), "has its own bin"),
        (lambda v, d, n: bits(v, d, n - 1), "not levels − 1"),
        (lambda v, d, n: bits(v, d, 256), "not always 256"),
        (lambda v, d, n: np.log2(n) - v / d, "one term is in bits"),
        (lambda v, d, n: bits(v, d, n).mean(), "do not average"),
        (lambda v, d, n: bits(v, d, n)[:2], "shape"),
        (lambda v, d, n: bits(v, d, n) + 0.1, "not yet"),
    ],
}
