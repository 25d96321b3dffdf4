"""Checks of chapter 8, gradients through samples."""

import numpy as np
import tensorflow as tf

from vae_lib.exercises.judge import Hint, judge

_MEAN = np.array([[0.3, -1.2], [0.8, 0.5], [-0.6, 1.7]])
_LOG_VARIANCE = np.array([[-0.9, 0.7], [0.4, -1.3], [1.1, -0.5]])
_NOISE = np.array([[0.6, -1.1], [-0.8, 0.9], [1.4, 0.5]])


def check_reparameterisation(my_sample):
    """``my_sample(mean, log_variance, noise)``, tensors [n, k] → z ~ N(mean, exp(log_variance)), [n, k]."""
    mean, log_variance = (tf.Variable(value, dtype=tf.float32) for value in (_MEAN, _LOG_VARIANCE))
    noise = tf.constant(_NOISE, tf.float32)
    with tf.GradientTape() as tape:
        z = my_sample(mean, log_variance, noise)
        total = tf.reduce_sum(z) if tf.is_tensor(z) else None
        again = my_sample(mean, log_variance, noise)
    if np.shape(z) == _NOISE.shape == np.shape(again) and not np.allclose(z, again):
        raise Hint("the same noise gives other draws the second time: make z from the noise that you are given")
    stddev = np.exp(0.5 * _LOG_VARIANCE)
    judge(
        z,
        _MEAN + stddev * _NOISE,
        [
            (
                _MEAN + stddev**2 * _NOISE,
                "this is mean + variance × noise: the standard deviation is exp(½ log-variance)",
            ),
            (_MEAN + _LOG_VARIANCE * _NOISE, "the log-variance is not a spread: take exp(½ log-variance) first"),
            (
                _MEAN + np.exp(-0.5 * _LOG_VARIANCE) * _NOISE,
                "the sign in the exponent: the deviation is exp(+½ log-variance)",
            ),
            (_MEAN + stddev + _NOISE, "multiply the noise by the standard deviation; you added it"),
            (_MEAN + _NOISE, "the noise must be scaled by the standard deviation"),
            (stddev * _NOISE, "the mean is missing"),
            (_MEAN * np.ones_like(_NOISE), "the noise is missing: this is the mean, the same for every draw"),
        ],
        praise="the draws are right",
    )
    if total is None:
        raise Hint("the numbers are right, but they are no longer a tensor: NumPy cuts the path of the gradient")
    for name, gradient in zip(("mean", "log-variance"), tape.gradient(total, [mean, log_variance]), strict=True):
        if gradient is None:
            raise Hint(
                f"the draws are right, but no gradient reaches the {name}: is there a stop_gradient, a .numpy(), or a "
                "sampler that does the scaling itself?"
            )
    print("✓ and gradients reach mean and log-variance")


def check_pathwise(my_gradients):
    """``my_gradients(slope, mean, log_variance, noise)``: estimates of the gradient to mean and log-variance."""
    m, log_variance, noise = 0.4, -0.8, np.array([0.6, -1.1, -0.8, 0.9, 1.4])
    s = np.exp(0.5 * log_variance)

    def slope(z):
        return np.cos(z) + 0.3 * z

    answer = my_gradients(slope, m, log_variance, noise)
    if not isinstance(answer, tuple | list | np.ndarray) or len(answer) != 2:
        raise Hint("return two numbers: the gradient to the mean and the gradient to the log-variance")
    slopes = slope(m + s * noise)
    to_log_variance = np.mean(slopes * 0.5 * s * noise)
    judge(
        answer[0],
        slopes.mean(),
        [
            (slopes.sum(), "a sum over the draws: the estimate is their mean"),
            (slopes, "one number for each draw: the estimate is their mean"),
            (slope(noise).mean(), "the slope is wanted at the draws m + s ε, not at the noise"),
            (slope(m), "this is the slope at the mean: take it at the draws, then average"),
            (np.mean(slopes * s), "∂z/∂m is 1, not s"),
            (slope(m + s**2 * noise).mean(), "the draws are too narrow or too wide: s is exp(½ log-variance)"),
        ],
        praise="the gradient to the mean is right",
    )
    judge(
        answer[1],
        to_log_variance,
        [
            (2 * to_log_variance, "twice too large: s = exp(½ log s²), and its derivative brings down the ½"),
            (to_log_variance / s, "a factor s is missing: the derivative of exp(½ λ) is ½ exp(½ λ)"),
            (2 * to_log_variance / s, "this is the gradient to s; to log s² it is ½ s times that"),
            (to_log_variance / s**2, "this is the gradient to s²; to log s² it is s² times that"),
            (np.mean(slopes) * 0.5 * s, "the noise is missing: ∂z/∂λ is ½ s ε, different for each draw"),
            (np.mean(slopes) * np.mean(0.5 * s * noise), "a product of means: multiply draw by draw, then average"),
            (len(noise) * to_log_variance, "a sum over the draws: the estimate is their mean"),
        ],
        praise="and so is the gradient to the log-variance",
    )


def check_score_gradient(my_gradient):
    """``my_gradient(values, z, m, s, baseline)``: the score-function estimate of the gradient to m, a number."""
    z = np.array([0.3, -0.9, 1.6, 0.7, 2.1, -0.2])
    values, m, s, baseline = np.sin(2 * z) + 1.5, 0.4, 0.7, 1.1
    score, centred = (z - m) / s**2, values - baseline
    truth = np.mean(centred * score)
    judge(
        my_gradient(values, z, m, s, baseline),
        truth,
        [
            (np.mean(values * score), "the baseline is missing: subtract it from the values"),
            (np.mean((values + baseline) * score), "subtract the baseline; you added it"),
            (np.mean(values * score) - baseline, "subtract the baseline from the values, before they meet the score"),
            (-truth, "the sign: the score with respect to m is (z − m)/s²"),
            (truth * s, "the score is (z − m)/s²: you divided by s once"),
            (truth * s**2, "the score is (z − m)/s²: the division by s² is missing"),
            (truth * len(z), "a sum over the draws: the estimate is their mean"),
            (centred * score, "one number for each draw: the estimate is their mean"),
            (np.mean((values - values.mean()) * score), "subtract the baseline that is given, not the mean"),
            (
                np.mean(centred * 0.5 * ((z - m) ** 2 / s**2 - 1)),
                "this is the score with respect to log s²: with respect to m it is (z − m)/s²",
            ),
            (centred.mean() * score.mean(), "a product of means: multiply draw by draw, then average"),
            (centred.mean(), "the score is missing: multiply each value by (z − m)/s²"),
            (np.mean(centred * z), "multiply by the score (z − m)/s², not by z"),
        ],
    )


def check_leave_one_out(my_baselines):
    """``my_baselines(values)`` [L] → for each draw the mean of the others, [L]."""
    values = np.array([0.4, -1.3, 2.2, 0.9, 3.1])
    n, total = len(values), values.sum()
    judge(
        my_baselines(values.copy()),
        (total - values) / (n - 1),
        [
            (np.full(n, total / n), "each draw is in its own baseline: that biases the estimate by the factor 1 − 1/L"),
            (
                total / n,
                "one mean for all, each draw in its own baseline: that biases the estimate by the factor 1 − 1/L",
            ),
            ((total - values) / n, "the draw is left out of the sum, but not out of the count: divide by L − 1"),
            (total / (n - 1) * np.ones(n), "the draw is left out of the count, but not out of the sum"),
            (total - values, "this is the sum of the others: divide by L − 1"),
            (
                values - (total - values) / (n - 1),
                "these are the values minus their baselines; the baselines were asked for",
            ),
        ],
        praise="correct: no draw is in its own baseline",
    )


def check_bernoulli_baseline(my_baseline):
    """``my_baseline(h_zero, h_one, p)``: the best baseline for the gradient to the logit of a Bernoulli."""
    h_zero, h_one, p = -0.7, 1.9, 0.3
    judge(
        my_baseline(h_zero, h_one, p),
        h_one * (1 - p) + h_zero * p,
        [
            (
                h_one * p + h_zero * (1 - p),
                "this is the mean of h; the best baseline weighs each value by the squared score",
            ),
            ((h_one + h_zero) / 2, "the plain average is best only for p = ½"),
            (
                h_one * p * (1 - p) ** 2 + h_zero * (1 - p) * p**2,
                "this is E[h u²]: divide by E[u²]",
            ),
            (p * (1 - p) * (h_one - h_zero), "this is the gradient itself, not the baseline"),
            (h_one - h_zero, "a difference: look for the b that makes both estimates equal"),
        ],
        praise="correct: with this baseline the estimate is the gradient, whichever value comes up",
    )
