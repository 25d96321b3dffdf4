"""Checks of chapter 10, a VAE in fifty lines."""

import numpy as np
import tensorflow as tf

from vae_lib.exercises.judge import Hint, judge

# Inputs on which the right answer and the usual wrong ones differ: 4 examples, 3 components, 2 latent dimensions.
_MEAN = np.array([[0.7, -1.2], [0.1, 0.9], [-0.4, 2.1], [1.6, 0.3]], np.float32)
_LOG_VARIANCE = np.array([[-1.3, -0.2], [0.6, -2.4], [-3.1, -0.9], [-0.5, 0.4]], np.float32)
_EPSILON = np.array([[0.3, -1.1], [-0.8, 0.5], [1.7, 0.2], [-0.6, -1.4]], np.float32)
_X = np.array([[0.2, -0.5, 1.1], [1.4, 0.3, -0.7], [-0.9, 0.8, 0.6], [0.1, -1.3, 0.4]], np.float32)
_DECODED = np.array([[0.5, -0.1, 0.9], [1.1, 0.8, -0.2], [-0.3, 0.6, 1.0], [0.4, -0.9, -0.1]], np.float32)
_SIGMA2 = np.float32(0.3)


def check_vae_kl(kl):
    """``kl(mean, log_variance)``: KL(N(mean, exp(log_variance)) ‖ N(0, I)) of each example, [n], in nats."""
    m, variance, log_variance = (a.astype(float) for a in (_MEAN, np.exp(_LOG_VARIANCE), _LOG_VARIANCE))
    k = m.shape[1]
    terms = 0.5 * (m**2 + variance - log_variance - 1)
    right = terms.sum(axis=1)
    reverse = 0.5 * (log_variance + (1 + m**2) / variance - 1).sum(axis=1)
    mistakes = [
        (2 * right, "off by a factor of two: did you drop the ½?"),
        (-right, "the sign is wrong: a KL is never negative (Kingma and Welling's appendix writes minus the KL)"),
        (-2 * right, "the sign is wrong, and the ½ is missing"),
        (right / k, "you averaged over the latent dimensions: the KLs of independent components add"),
        (-right / k, "the sign is wrong, and you averaged over the latent dimensions instead of summing"),
        (right.mean(), "you averaged over the batch too: one value for each example, axis=1"),
        (right.sum(), "you summed over the batch too: one value for each example, axis=1"),
        (terms.mean(), "you averaged over everything: sum over the dimensions, and keep one value for each example"),
        (terms, "these are the KLs of single dimensions: sum over the last axis"),
        (terms.sum(axis=0), "you summed over the examples: the latent dimensions are the last axis"),
        (
            0.5 * (m**2 + variance**2 - 2 * log_variance - 1).sum(axis=1),
            "you read log_variance as the logarithm of s: it is that of s², so tf.exp(log_variance) is the variance",
        ),
        (
            0.5 * (m**2 + variance**2 - log_variance - 1).sum(axis=1),
            "the square of the variance stands where the variance belongs: s² is tf.exp(log_variance)",
        ),
        (
            0.5 * (m**2 + np.sqrt(variance) - log_variance - 1).sum(axis=1),
            "the standard deviation stands where the variance belongs: s², not s",
        ),
        (0.5 * (m**2 + log_variance - np.log(variance) - 1).sum(axis=1), "s² is missing: tf.exp(log_variance)"),
        (0.5 * (m + variance - log_variance - 1).sum(axis=1), "the mean must be squared"),
        (0.5 * (variance - log_variance - 1).sum(axis=1), "the mean does not appear: m² is missing"),
        (right + 0.5 * k, "−1 is missing: with m = 0 and s = 1 the KL must be zero"),
        (0.5 * (m**2 + variance + log_variance - 1).sum(axis=1), "the sign of log s² is wrong: a narrow q must cost"),
        (reverse, "this is KL(p(z) ‖ q): the expectation is over q"),
    ]
    judge(kl(tf.constant(_MEAN), tf.constant(_LOG_VARIANCE)), right, mistakes, praise="right: zero only for q = p(z)")


def check_vae_draw(draw):
    """``draw(mean, log_variance, epsilon)``: z ~ q from the noise epsilon, with a gradient to both parameters."""
    m, log_variance, epsilon = (a.astype(float) for a in (_MEAN, _LOG_VARIANCE, _EPSILON))
    s = np.exp(0.5 * log_variance)
    right = m + s * epsilon
    mean, log_s2, noise = (tf.constant(a) for a in (_MEAN, _LOG_VARIANCE, _EPSILON))
    with tf.GradientTape() as tape:
        tape.watch([mean, log_s2])
        z = draw(mean, log_s2, noise)
    if z is not None and np.shape(z) == right.shape and np.allclose(z, right, atol=1e-4):
        gradients = tape.gradient(z, [mean, log_s2]) if tf.is_tensor(z) else [None, None]
        lost = [name for name, g in zip(("mean", "log_variance"), gradients, strict=True) if g is None]
        if lost:
            raise Hint(
                f"the numbers are right, but no gradient reaches {' and '.join(lost)}: NumPy and tf.stop_gradient cut "
                "the tape; stay with TensorFlow from the parameters to z"
            )
    elif z is not None and np.shape(z) == right.shape and not np.allclose(z, draw(mean, log_s2, noise), atol=1e-4):
        raise Hint("two calls gave two answers: use the epsilon that you were given, and no other noise")
    mistakes = [
        (m, "this is the mean: the sampling is not applied"),
        (m + np.exp(log_variance) * epsilon, "you multiplied by the variance: s is exp(½ log_variance)"),
        (m + log_variance * epsilon, "a logarithm is no width: s is exp(½ log_variance)"),
        (m + 0.5 * log_variance * epsilon, "a logarithm is no width: s is exp(½ log_variance)"),
        (m + epsilon, "the noise is not scaled: multiply it by s"),
        (m + s, "epsilon is missing: you moved by exactly one standard deviation"),
        (m + s + epsilon, "s multiplies the noise: it is not added to it"),
        (s * epsilon, "the mean is missing"),
        (m - s * epsilon, "as good a draw, for −ε is as likely as ε; but here z = m + s ε was asked"),
        ((m + s) * epsilon, "only s multiplies the noise: m + s ε"),
        (right.mean(axis=0), "you averaged over the batch: one z for each example"),
    ]
    judge(z, right, mistakes, praise="right, and the gradient reaches both parameters")


def check_vae_objective(objective):
    """``objective(x, mean, log_variance, decoded, sigma2)``: the objective of one step, a scalar in nats."""
    m, log_variance, x, decoded = (a.astype(float) for a in (_MEAN, _LOG_VARIANCE, _X, _DECODED))
    sigma2 = float(_SIGMA2)
    n, d, k = len(x), x.shape[1], m.shape[1]
    kl = 0.5 * (m**2 + np.exp(log_variance) - log_variance - 1).sum(axis=1)
    squares = ((x - decoded) ** 2).sum(axis=1)
    log_likelihood = -0.5 * (squares / sigma2 + d * np.log(2 * np.pi * sigma2))
    right = np.mean(log_likelihood - kl)
    mistakes = [
        (-right, "this is the loss: the objective is maximised, the bound itself was asked"),
        (np.mean(log_likelihood + kl), "the sign of the KL is wrong: it is subtracted"),
        (
            np.mean(-log_likelihood - kl),
            "the sign of the log-likelihood is wrong: the bound is log-likelihood minus KL",
        ),
        (log_likelihood - kl, "one number was asked: average over the batch"),
        (np.sum(log_likelihood - kl), "you summed over the batch: average, or the step grows with the batch"),
        (np.mean(log_likelihood - kl / k), "the KL is averaged over the latent dimensions: sum it"),
        (np.mean(log_likelihood / d - kl), "the log-likelihood is averaged over the components of x: sum it"),
        (
            np.mean(log_likelihood / d - kl / k),
            "you averaged over dimensions: sum over them, and average over the batch",
        ),
        (np.mean(log_likelihood - kl / n), "the KL is divided by the batch size once more than the log-likelihood"),
        (np.mean(log_likelihood - n * kl), "the KL is summed over the batch, the log-likelihood averaged"),
        (np.mean(log_likelihood - 2 * kl), "the ½ of the KL is missing"),
        (np.mean(2 * log_likelihood - kl), "the ½ of the log-likelihood is missing"),
        (np.mean(2 * log_likelihood - 2 * kl), "both halves are missing"),
        (np.mean(log_likelihood), "the KL is missing"),
        (np.mean(-squares - kl), "a squared error is no log-likelihood yet: divide by 2σ² and normalise the density"),
        (
            np.mean(squares / d + kl / k),
            "this is a loss of averages, without σ²: sum over dimensions, use the log-likelihood, and mind the sign",
        ),
        (np.mean(-squares / (2 * sigma2) - kl), "the density is not normalised: −½ log(2πσ²) for each component"),
        (np.mean(log_likelihood + 0.5 * d * np.log(2 * np.pi) - kl), "2π is missing: it is part of the density"),
        (
            np.mean(-squares / (2 * sigma2) - 0.5 * d * np.log(2 * np.pi) - kl),
            "log σ² is missing: without it, a learned σ² would grow for ever",
        ),
        (
            np.mean(-0.5 * (squares / sigma2 + np.log(2 * np.pi * sigma2)) - kl),
            "the normaliser counts once for each component of x: d of them, not one",
        ),
        (
            np.mean(-0.5 * (squares / sigma2**2 + d * np.log(2 * np.pi * sigma2**2)) - kl),
            "sigma2 is the variance already: do not square it",
        ),
        (
            np.mean(-0.5 * (squares / np.sqrt(sigma2) + d * np.log(2 * np.pi * sigma2)) - kl),
            "the squared error is divided by the variance σ², not by σ",
        ),
    ]
    given = [tf.constant(a) for a in (_X, _MEAN, _LOG_VARIANCE, _DECODED, _SIGMA2)]
    judge(objective(*given), right, mistakes, praise="right: sums over dimensions, one average over the batch")
