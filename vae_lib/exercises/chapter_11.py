"""Checks of chapter 11, what the likelihood says."""

import numpy as np
import tensorflow as tf
from scipy.special import gammaln

from vae_lib.exercises.judge import Hint, judge

# Inputs on which the right answer and the usual wrong ones differ: 4 examples, 3 components, 5 draws of z.
_INK = np.array([[3, 0, 16], [9, 14, 1], [5, 11, 7], [16, 2, 8]])
_LOGITS = np.array([[-1.2, -2.6, 1.9], [0.4, 1.1, -1.7], [-0.3, 0.8, 0.6], [2.2, -0.9, 0.2]], np.float32)
_X = np.array([[0.2, -0.5, 1.1], [1.4, 0.3, -0.7], [-0.9, 0.8, 0.6], [0.1, -1.3, 0.4]], np.float32)
_DECODED = (_X + np.random.default_rng(11).normal(0.1, 0.6, size=(5, 4, 3))).astype(np.float32)
_LOG_DENSITY = np.array([21.3, -4.7, 60.2, 38.9])


def check_implied_variance(variance):
    """``variance(A, B)``: the σ² that A · (sum of squares) + B · KL declares."""
    A, B = np.array([1.0, 0.5, 0.7, 3.0]), np.array([1.0, 1.0, 2.3, 0.4])
    mistakes = [
        (A / (2 * B), "upside down: a larger weight on the error means that the noise is small"),
        (2 * A / B, "upside down, and a factor of four: the error's weight is 1 / (2σ²)"),
        (A / B, "upside down, and the ½ is missing"),
        (B / A, "off by a factor of two: the Gaussian's exponent is error / (2σ²)"),
        (2 * B / A, "off by a factor of four: solve A / B = 1 / (2σ²) for σ²"),
        (np.sqrt(B / (2 * A)), "this is σ; its square was asked"),
        (1 / (2 * A), "the weight of the KL counts, too: divide the whole loss by it first"),
        (B / 2, "the weight of the error counts, too"),
        (2 * B, "this is β with σ² = B: the other way round"),
    ]
    judge(_each(variance, A, B), B / (2 * A), mistakes, praise="right: only the ratio of the weights counts")


def check_best_variance(best):
    """``best(x, decoded)``: the best shared σ² for draws ``decoded`` [S, n, d]: one number."""
    x, decoded = _X.astype(float), _DECODED.astype(float)
    squares = (x - decoded) ** 2
    right = squares.mean()
    mistakes = [
        (((x - decoded.mean(axis=0)) ** 2).mean(), "you averaged the draws before squaring: their spread is lost"),
        (np.sqrt(right), "this is σ; its square was asked"),
        (np.log(right), "this is log σ²"),
        (right / 2, "there is no ½ here: the derivative of M/σ² + log σ² is zero at σ² = M"),
        (2 * right, "there is no 2 here: the derivative of M/σ² + log σ² is zero at σ² = M"),
        (squares.sum(axis=-1).mean(), "you summed over the components: they share one variance, so average"),
        (squares.sum(axis=(0, -1)).mean(), "average over the draws and the components, do not sum"),
        (squares.sum(), "you summed everything: average over draws, examples and components"),
        (squares.mean(axis=(0, 1)), "this is one variance for each component; one for all was asked"),
        (squares.mean(axis=0), "average over the examples and the components, too: one number"),
        (squares.mean(axis=(0, 2)), "average over the examples, too: one number"),
        (squares.mean(axis=(1, 2)), "average over the draws, too: one number"),
        ((x - decoded).var(), "this subtracts the mean error: a decoder that is always off by one would cost nothing"),
        (np.abs(x - decoded).mean(), "the mean absolute error is the best width of another likelihood, Laplace's"),
    ]
    judge(best(tf.constant(_X), tf.constant(_DECODED)), right, mistakes, praise="right: square first, then average")


def check_binomial(log_mass):
    """``log_mass(x, logits)``: log Binomial(16) of the fractions x [n, d], [n], in nats."""
    c, a = _INK.astype(float), _LOGITS.astype(float)
    ways = gammaln(17) - gammaln(c + 1) - gammaln(17 - c)
    cross = c / 16 * a - np.logaddexp(0, a)  # minus the cross-entropy of x = c / 16
    fraction_ways = gammaln(17) - gammaln(c / 16 + 1) - gammaln(17 - c / 16)
    terms = ways + 16 * cross
    right = terms.sum(axis=1)
    mistakes = [
        (-right, "this is the loss: the log-mass itself was asked"),
        (
            (16 * cross).sum(axis=1),
            "the binomial coefficient is missing: without it the masses do not add up to one",
        ),
        (cross.sum(axis=1), "this is minus the binary cross-entropy of x: no log-mass of anything yet"),
        ((ways + cross).sum(axis=1), "sixteen dots: c = 16 x of them are black and 16 − c white"),
        ((ways + c * a - np.logaddexp(0, a)).sum(axis=1), "softplus counts once for each of the sixteen dots"),
        ((ways + 16 * np.logaddexp(0, a) + c * a).sum(axis=1), "the sign of softplus is wrong: log(1 − π) is minus it"),
        ((16 * cross - ways).sum(axis=1), "the coefficient is added: more ways make a count likelier"),
        ((fraction_ways + 16 * cross).sum(axis=1), "x is a fraction: the coefficient is that of the count, c = 16 x"),
        (
            (fraction_ways + c / 16 * a - 16 * np.logaddexp(0, a)).sum(axis=1),
            "x is a fraction: the count is c = 16 x, in the coefficient and beside the logit",
        ),
        (terms, "these are the log-masses of single pixels: sum over the last axis"),
        (terms.mean(axis=1), "you averaged over the pixels: the logarithm of a product is a sum"),
        (right.mean(), "you averaged over the batch too: one value for each example"),
        (right.sum(), "you summed over the batch too: one value for each example"),
        (terms.sum(axis=0), "you summed over the examples: the pixels are the last axis"),
        (np.exp(right), "this is the mass; its logarithm was asked"),
    ]
    x = tf.constant(_INK / 16, tf.float32)
    answer = log_mass(x, tf.constant(_LOGITS))
    if answer is not None and np.shape(answer) == right.shape and np.allclose(answer, right, rtol=1e-4):
        far = np.asarray(log_mass(tf.ones([1, 3]), tf.constant([[200.0, 200.0, 200.0]])), float)
        near = np.asarray(log_mass(tf.zeros([1, 3]), tf.constant([[200.0, 200.0, 200.0]])), float)
        if not (np.allclose(far, 0, atol=1e-3) and np.allclose(near, -9600, rtol=1e-4)):
            raise Hint(
                "right for small logits, but at a logit of 200 it overflows or takes the logarithm of a rounded zero: "
                "c · logit − 16 · softplus(logit) does neither"
            )
    judge(answer, right, mistakes, praise="right, also where the logit is large")


def check_bits_per_dimension(bits):
    """``bits(log_density, d, levels)``: bits per dimension from a log-density of dequantised data, in nats."""
    given, d, levels = _LOG_DENSITY, 12, 32
    nats = d * np.log(levels)
    right = (nats - given) / (d * np.log(2))
    mistakes = [
        (-right, "the sign is wrong: bits are paid, so the log-mass gets a minus"),
        ((nats - given) / d, "these are nats: divide by ln 2"),
        ((nats - given) * np.log(2) / d, "a nat is more than a bit: divide by ln 2, do not multiply"),
        ((nats - given) / np.log(2), "these are the bits of the whole picture: divide by d"),
        (nats - given, "this is minus the log-mass in nats: divide by d and by ln 2"),
        (-given / (d * np.log(2)), "the density is not a mass yet: less d · log(levels)"),
        (
            -(given + nats) / (d * np.log(2)),
            "a bin is small: its log-volume, −d log(levels), is added",
        ),
        ((np.log(levels) - given) / (d * np.log(2)), "each of the d components has its own bin: d · log(levels)"),
        ((d * np.log(levels - 1) - given) / (d * np.log(2)), "levels bins, not levels − 1, share [0, 1]"),
        ((d * np.log(256) - given) / (d * np.log(2)), "there are not always 256 levels: use the argument"),
        ((d * np.log2(levels) - given) / d, "one term is in bits and the other in nats: convert both"),
        (right.mean(), "one value for each picture: do not average over the batch"),
    ]
    judge(bits(given, d, levels), right, mistakes, praise="right: a mass first, then sign, dimensions, unit")


def _each(function, *arguments):
    """The answers for several pairs of numbers; what is not a number is passed on for ``judge`` to explain."""
    answers = [function(*map(float, pair)) for pair in zip(*arguments, strict=True)]
    return None if answers[0] is None else np.stack([np.asarray(a) for a in answers])
