"""Checks of chapter 6, latent-variable models."""

import numpy as np
from scipy.special import logsumexp

from vae_lib.exercises.judge import Hint, judge


def check_grid_posterior(my_posterior):
    """``my_posterior(log_prior, log_likelihood, spacing)`` [m], [m], number → the posterior density on the grid [m]."""
    z, spacing = np.linspace(-4.0, 5.0, 46, retstep=True)
    log_prior = -0.5 * z**2 - 0.5 * np.log(2 * np.pi)
    log_likelihood = -40.0 - 1.7 * (np.sin(z) - 0.6) ** 2 - 0.3 * z
    log_joint = log_prior + log_likelihood

    def normalised(log_density):
        return np.exp(log_density - logsumexp(log_density)) / spacing

    truth = normalised(log_joint)
    with np.errstate(all="ignore"):
        answer = my_posterior(log_prior.copy(), log_likelihood.copy(), spacing)
        if _is(answer, truth, 1e-4) and not _is(my_posterior(log_prior, log_likelihood - 2000, spacing), truth, 1e-4):
            raise Hint(
                "right for moderate numbers, but 2000 nats lower every exponential underflows to zero: subtract the "
                "largest logarithm of the joint first; the factor cancels when you divide"
            )
    judge(
        answer,
        truth,
        [
            (truth * spacing, "these sum to one, but a density integrates to one: divide by the spacing as well"),
            (truth * spacing**2, "you multiplied by the spacing where you should have divided by it"),
            (np.exp(log_joint), "this is the joint: divide it by p(x), its integral over z"),
            (
                np.exp(log_joint - log_joint.max()),
                "the peak is one, but the integral is not: divide by the integral over z",
            ),
            (normalised(log_likelihood), "the prior is missing: the joint is likelihood times prior"),
            (normalised(log_prior), "this is the prior: where did the likelihood go?"),
            (np.log(truth), "this is the logarithm of the answer: take the exponential"),
            (
                np.exp(log_joint - logsumexp(log_likelihood)) / spacing,
                "you divided by the integral of the likelihood: divide by that of the joint",
            ),
            (
                np.exp(log_joint - logsumexp(log_likelihood)),
                "you divided by the sum of the likelihood: divide by the integral of the joint",
            ),
            (
                log_prior * log_likelihood / (log_prior * log_likelihood).sum() / spacing,
                "you multiplied the logarithms: the logarithm of a product is a sum",
            ),
        ],
        praise="correct: likelihood times prior, with an integral of one",
    )


def check_log_mean_exp(my_log_p):
    """``my_log_p(log_likelihood)`` [draws, points] → the naive estimate of log p(x) for each point, [points]."""
    log_likelihood = np.random.default_rng(6).normal(-3.0, 2.0, size=(7, 4))
    truth = logsumexp(log_likelihood, axis=0) - np.log(7)
    with np.errstate(all="ignore"):
        answer = my_log_p(log_likelihood.copy())
        if _is(answer, truth) and not _is(my_log_p(log_likelihood - 2000), truth - 2000):
            raise Hint(
                "right for moderate numbers, but 2000 nats lower every exponential underflows to zero: subtract the "
                "largest logarithm before the exponential, and add it again after the logarithm"
            )
    judge(
        answer,
        truth,
        [
            (
                log_likelihood.mean(axis=0),
                "you averaged the logarithms; average the probabilities, then take the logarithm",
            ),
            (log_likelihood.sum(axis=0), "you added the logarithms: that is the logarithm of a product, not of a mean"),
            (logsumexp(log_likelihood, axis=0), "too large by log K: the estimate is a mean, not a sum"),
            (np.exp(truth), "this is the estimate of p(x): take its logarithm"),
            (
                truth - log_likelihood.max(axis=0),
                "you took the largest logarithm out before the exponential: add it again after the logarithm",
            ),
            (
                logsumexp(log_likelihood, axis=1) - np.log(4),
                "wrong axis: the draws are on the first axis, the points on the second",
            ),
            (
                logsumexp(log_likelihood, axis=0) - np.log(4),
                "you divided by the number of points: divide by the number of draws",
            ),
            (
                logsumexp(log_likelihood) - np.log(28),
                "you averaged over everything: each point keeps an estimate of its own",
            ),
            (truth.mean(), "you averaged over the points: each keeps an estimate of its own"),
        ],
        praise="correct: log-mean-exp, and nothing underflows",
    )


def check_log_bias(my_bias):
    """``my_bias(w)``: from draws w = p(x | z) [K], the leading term of the bias of log p̂_K, in nats: negative."""
    w = np.array([0.3, 0.2, 4.0, 0.1, 0.9, 1.6, 0.4]) * 3.0
    count, mean = len(w), w.mean()
    answer = my_bias(w.copy())
    for variance in (w.var(), w.var(ddof=1)):  # either divisor will do
        truth = -0.5 * variance / mean**2 / count
        if _is(answer, truth):
            break
    mistakes = []
    for ddof in 0, 1:
        variance = w.var(ddof=ddof)
        bias = -0.5 * variance / mean**2 / count
        mistakes += [
            (-bias, "the sign: by Jensen's inequality the estimate of log p(x) is too low on average"),
            (2 * bias, "off by a factor of two: the second derivative of the logarithm comes with ½"),
            (-2 * bias, "off by a factor of two and the sign: look at the second-order term of the logarithm"),
            (bias * count, "this is the bias of one draw: the mean of K draws has 1/K of their variance"),
            (-0.5 * variance / count, "the variance must be relative: divide by the square of the mean"),
            (-0.5 * variance / mean / count, "divide by the square of the mean: a variance is in squared units"),
            (
                -0.5 * np.sqrt(variance) / mean / count,
                "you used the standard deviation; the second order needs the variance",
            ),
            (
                -0.5 * variance / mean**2 / np.sqrt(count),
                "the bias falls like 1/K; it is the standard error that falls like 1/√K",
            ),
            (np.sqrt(variance / count) / mean, "this is the standard error; the bias is minus half its square"),
        ]
    loss = np.log(w).mean() - np.log(mean)
    for value in loss, -loss:
        mistakes.append(
            (value, "this is the exact loss of averaging logarithms; the leading term of the bias was asked for")
        )
    second_moment = np.mean(w**2) / mean**2
    mistakes.append(
        (-0.5 * second_moment / count, "this is the second moment: the variance is the second moment minus one")
    )
    judge(answer, truth, mistakes, praise="correct: minus half the relative variance, over K")


def check_draws_needed(my_draws):
    """``my_draws(latent_dim, variance, error)`` → how many draws bring the rms relative error down to ``error``."""
    latent_dim, variance, error = 3, 0.4, 0.2
    per_dimension = (1 + variance) / variance
    truth = (per_dimension**latent_dim - 1) / error**2
    answer = my_draws(latent_dim, variance, error)
    judge(
        truth if _is(answer, np.ceil(truth)) else answer,  # draws are whole: rounding up is right, too
        truth,
        [
            (per_dimension**latent_dim / error**2, "the variance is the second moment minus one: you forgot the one"),
            (
                (per_dimension - 1) ** latent_dim / error**2,
                "subtract the one after the product over dimensions, not inside it",
            ),
            ((per_dimension**latent_dim - 1) / error, "the error falls like 1/√K: square it"),
            (
                np.sqrt(per_dimension**latent_dim - 1) / error,
                "square it: K is the relative variance over the squared error",
            ),
            (
                latent_dim * (per_dimension - 1) / error**2,
                "second moments of independent dimensions multiply; you added variances",
            ),
            (
                (per_dimension - 1) / error**2,
                "this is one dimension: second moments of independent dimensions multiply",
            ),
            (
                (((1 + variance) / np.sqrt(variance * (2 + variance))) ** latent_dim - 1) / error**2,
                "the exponential is missing: this is the value at x = 0, the most favourable x there is",
            ),
        ],
        praise="correct, and exponential in the dimension",
    )


def _is(answer, truth, within=1e-6):
    try:
        answer = np.asarray(answer, np.float64)
    except (TypeError, ValueError):
        return False
    return answer.shape == np.shape(truth) and bool(np.allclose(answer, truth, rtol=within))
