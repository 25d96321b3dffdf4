"""Checks of chapter 13, posterior collapse, β and the rate–distortion plane."""

import numpy as np
from scipy.special import logsumexp

from vae_lib.exercises.judge import Hint, judge

_EIGENVALUES = np.array([5.0, 3.3, 2.1, 1.4, 0.6, 0.3])
_SIGMA2, _BETA, _K = 0.5, 2.3, 3  # the level 1.15: four eigenvalues above it, and only three dimensions
_ROOMY = (_EIGENVALUES, 0.4, 0.7, 5)  # the level 0.28: six above it, five dimensions
_WIDE = (_EIGENVALUES, 1.6, 1.7, 5)  # the level 2.72: two above it
_STEEP = (_EIGENVALUES, 0.25, 4.5, 5)  # the level 1.125: four above it


def check_collapse_live(live):
    """``live(eigenvalues, sigma2, beta, k)``: how many latent dimensions of the best linear VAE live."""
    cases = [(_EIGENVALUES[[2, 5, 0, 3, 1, 4]], _SIGMA2, _BETA, _K), _ROOMY, _WIDE, _STEEP]

    def right(values, sigma2, beta, k):
        return min(k, np.sum(values > beta * sigma2))

    mistakes = [
        (lambda v, s, b, k: np.sum(v > b * s), "there are only k latent dimensions: take the smaller number"),
        (lambda v, s, b, k: min(k, np.sum(v > s)), "β is missing: the level is β σ²"),
        (lambda v, s, b, k: np.sum(v > s), "β is missing, and there are only k latent dimensions"),
        (lambda v, s, b, k: min(k, np.sum(v > s / b)), "a larger β drowns more: multiply σ² by β, do not divide"),
        (lambda v, s, b, k: min(k, np.sum(v > b)), "σ² is missing: the level is β σ²"),
        (lambda v, s, b, k: min(k, np.sum(v > b * s**2)), "sigma2 is the variance already: do not square it"),
        (lambda v, s, b, k: min(k, np.sum(v > b * s**0.5)), "sigma2 is the variance: the level is β σ², not β σ"),
        (lambda v, s, b, k: np.sum(v <= b * s), "these are the dead ones: live is what stands out"),
        (
            lambda v, s, b, k: np.sum(np.sort(v)[:k] > b * s),
            "you looked at the k smallest eigenvalues: the largest ones get the dimensions",
        ),
        (
            lambda v, s, b, k: np.sum(np.asarray(v)[:k] > b * s),
            "you took the first k eigenvalues: they come in any order, and the largest ones get the dimensions",
        ),
    ]
    _judge_cases(live, right, mistakes, cases, "right: what stands out of the water, as far as there are dimensions")


def check_collapse_water(water):
    """``water(eigenvalues, sigma2, beta, k)``: the pair (rate, distortion) of the best linear VAE, nats."""

    def parts(values, sigma2, beta, k, level=None, half=0.5, limited=True, dead=None, error_of_live=None):
        level = beta * sigma2 if level is None else level
        live = (values > level) & ((np.arange(len(values)) < k) | (not limited))
        rate = half * np.sum(np.log(values[live] / level))
        error = np.where(live, level if error_of_live is None else error_of_live, values if dead is None else dead)
        normaliser = 0.5 * len(values) * np.log(2 * np.pi * sigma2)
        return rate, normaliser, np.sum(error) / (2 * sigma2)

    def pair(*case, **wrong):
        rate, normaliser, error = parts(*case, **wrong)
        return np.array([rate, normaliser + error])

    def bare_rate(v, s, b, k):
        return 0.5 * np.sum(np.log(v[(v > b * s) & (np.arange(len(v)) < k)] / s))

    def spent(v, s, b, k):
        above = (v > b * s) & (np.arange(len(v)) >= k)
        return pair(v, s, b, k, dead=np.where(above, b * s, v))

    mistakes = [
        (lambda *c: pair(*c)[::-1], "the order: first the rate, then the distortion"),
        (lambda *c: pair(*c).sum(), "two numbers were asked: the rate and the distortion"),
        (lambda *c: pair(*c, limited=False), "more than k directions are encoded: there are only k latent dimensions"),
        (spent, "a direction without a latent dimension leaves its whole variance as error, not the level"),
        (lambda *c: pair(*c, half=1.0), "the rate is twice too large: did you drop its ½?"),
        (lambda *c: pair(*c, half=-0.5), "the sign of the rate: a live direction has λ above the level"),
        (lambda *c: pair(*c, half=0.5 / np.log(2)), "the rate is in bits: use natural logarithms"),
        (lambda v, s, b, k: pair(v, s, b, k, level=s), "β is missing: the level is β σ²"),
        (
            lambda v, s, b, k: np.array([bare_rate(v, s, b, k), pair(v, s, b, k)[1]]),
            "β is missing from the rate: its logarithm compares λ with the level βσ²",
        ),
        (
            lambda v, s, b, k: pair(v, s, b, k, error_of_live=s),
            "the error of a live direction is the level βσ²",
        ),
        (
            lambda *c: pair(*c, error_of_live=0.0),
            "a live direction is not free of error: the level βσ² is left",
        ),
        (lambda *c: pair(*c, dead=0.0), "the dead directions are missing from the error: each leaves its eigenvalue"),
        (
            lambda *c: np.array([parts(*c)[0], parts(*c)[2]]),
            "the normaliser d/2 · log 2πσ² is missing from the distortion",
        ),
        (
            lambda *c: np.array([parts(*c)[0], parts(*c)[1] / len(c[0]) + parts(*c)[2]]),
            "the normaliser counts once for each of the d components",
        ),
        (
            lambda *c: np.array([parts(*c)[0], parts(*c)[1] + 2 * parts(*c)[2]]),
            "the squared error is divided by 2σ²: its ½ is missing",
        ),
        (
            lambda *c: np.array([parts(*c)[0], parts(*c)[1] + parts(*c)[2] / c[2]]),
            "the squared error is divided by 2σ², the variance of the likelihood, not by 2βσ²",
        ),
        (
            lambda v, s, b, k: pair(v, s, b, k) * [b, 1],
            "the rate itself was asked, without its weight β",
        ),
    ]
    cases = [(_EIGENVALUES, _SIGMA2, _BETA, _K), _ROOMY, _WIDE, _STEEP]
    _judge_cases(water, pair, mistakes, cases, "right: the rate is what stands out of the water")


_MEAN = np.array([[0.3, -1.2], [1.1, 0.4], [-0.7, 0.9], [0.2, 0.1], [-1.5, -0.6]])
_LOG_VARIANCE = np.array([[-1.0, -0.3], [-2.0, -0.8], [0.2, -1.4], [-0.5, -2.2], [-1.7, -0.1]])
_Z = _MEAN + np.exp(0.5 * _LOG_VARIANCE) * np.array([[0.5, -0.8], [1.3, 0.2], [-0.4, -1.1], [0.9, 0.6], [-0.2, 1.4]])


def check_collapse_information(information):
    """``information(mean, log_variance, z)``: the mutual information from one draw for each example, in nats."""

    def table(z, variance):
        squares = (z[:, None] - _MEAN) ** 2 / variance
        return -0.5 * (squares + np.log(2 * np.pi * variance)).sum(axis=2)  # [z, i]

    log_q, n = table(_Z, np.exp(_LOG_VARIANCE)), len(_Z)
    own, others = log_q.diagonal(), log_q[~np.eye(n, dtype=bool)].reshape(n, n - 1)
    aggregate = logsumexp(log_q, axis=1) - np.log(n)
    log_prior = -0.5 * (_Z**2 + np.log(2 * np.pi)).sum(axis=1)
    wide = table(_Z, np.exp(2 * _LOG_VARIANCE))
    narrow = table(_Z, np.exp(0.5 * _LOG_VARIANCE))
    no_log_s = log_q + 0.5 * _LOG_VARIANCE.sum(axis=1)
    right = np.mean(own - aggregate)
    mistakes = [
        (-right, "the sign: log q(z | x) comes first, and the mean is never far below zero"),
        (own - aggregate, "one number was asked: average over the examples"),
        (n * right, "you summed over the examples: average"),
        (right - np.log(n), "the 1/n of the aggregate posterior is missing: subtract log n from the log-sum"),
        (right - 2 * np.log(n), "the sign of log n: the aggregate is the sum of the densities *divided* by n"),
        (
            np.mean(own - log_q.mean(axis=1)),
            "you averaged the logarithms: the aggregate posterior averages the densities",
        ),
        (
            np.mean(own - logsumexp(others, axis=1) + np.log(n - 1)),
            "the example itself belongs to the aggregate posterior, too: you left it out",
        ),
        (np.mean(own - logsumexp(others, axis=1) + np.log(n)), "the example itself belongs to the aggregate, too"),
        (
            np.mean(own - logsumexp(log_q, axis=0) + np.log(n)),
            "the sum goes over the examples at one z: you summed over the draws, the other axis",
        ),
        (np.mean(own - log_prior), "this compares with the prior: it estimates the rate"),
        (np.mean(aggregate - log_prior), "this is the divergence of the aggregate posterior from the prior, the waste"),
        (-np.mean(aggregate), "this is the entropy of the codes: log q(z | x) is missing"),
        (
            np.mean(wide.diagonal() - logsumexp(wide, axis=1)) + np.log(n),
            "the standard deviation is exp(½ log_variance): you used the variance",
        ),
        (
            np.mean(narrow.diagonal() - logsumexp(narrow, axis=1)) + np.log(n),
            "you took the root twice: the variance is exp(log_variance)",
        ),
        (
            np.mean(no_log_s.diagonal() - logsumexp(no_log_s, axis=1)) + np.log(n),
            "the normaliser −Σ log s is missing from log q(z | x): it differs from example to example",
        ),
        (right / np.log(2), "this is in bits: use natural logarithms"),
        (right / _Z.shape[1], "you averaged over the dimensions: the logarithm of a product is a sum"),
    ]
    answer = information(_MEAN.copy(), _LOG_VARIANCE.copy(), _Z.copy())
    judge(answer, right, mistakes, praise="right: how far the code's distribution moves when one is told the example")


def check_collapse_schedule(schedule):
    """``schedule(epoch, period, rise, final)``: the cyclical β of Fu et al. (2019), a number for each epoch."""
    period, rise, final = 8, 0.75, 2.5
    epochs = range(20)

    def values(function):
        return np.array([function(epoch, period, rise, final) for epoch in epochs])

    def cyclic(epoch, period, rise, final):
        return final * min(1, (epoch % period) / period / rise)

    wrong = [
        (lambda e, p, r, f: f * (e % p) / p / r, "β must stop at final: where is the min?"),
        (lambda e, p, r, f: f * min(1, e / p / r), "it rises only once: the next cycle starts from 0 (epoch % period)"),
        (lambda e, p, r, f: min(1, (e % p) / p / r), "β reaches 1: it should reach final"),
        (
            lambda e, p, r, f: min(f, (e % p) / p / r),
            "the line rises towards 1: it should rise to final",
        ),
        (lambda e, p, r, f: f * min(1, (e % p) / p), "`rise` is missing: β reaches final before the period ends"),
        (lambda e, p, r, f: f * min(1, (e % p) / p * r), "divide by `rise`: the smaller it is, the faster β rises"),
        (lambda e, p, r, f: f * min(1, (e % p + 1) / p / r), "the first epoch has the number 0, and there β is 0"),
        (lambda e, p, r, f: f * min(1, ((e - 1) % p) / p / r), "epochs are counted from 0: you are one too late"),
        (lambda e, p, r, f: f * (1 - min(1, (e % p) / p / r)), "this falls: each cycle rises from 0 to final"),
        (lambda e, p, r, f: f * min(1, (e % p) / r), "`rise` is a share of the period: divide by period, too"),
    ]
    answers = [schedule(epoch, period, rise, final) for epoch in epochs]
    if any(answer is None for answer in answers):
        raise Hint("your function returned None: does it end in «return …»?")
    judge(answers, values(cyclic), [(values(f), hint) for f, hint in wrong], praise="right, in every cycle")


def _judge_cases(answer, right, mistakes, cases, praise):
    """One judgement over several inputs: a mistake is recognised where it explains the answers to all of them."""
    answers = [answer(*case) for case in cases]
    if any(a is None for a in answers):
        raise Hint("your function returned None: does it end in «return …»?")
    judge(
        _stack(answers),
        _stack([right(*case) for case in cases]),
        [(_stack([wrong(*case) for case in cases]), hint) for wrong, hint in mistakes],
        praise=praise,
    )


def _stack(values):
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise Hint("numbers were expected, of the same shape for every input") from None
