"""Checks of chapter 16, importance-weighted bounds."""

import math

import numpy as np
from scipy.special import entr, logsumexp, softmax

from vae_lib.exercises.judge import Hint, judge

_LOG_W = np.array(  # the third example asks for *its own largest* weight to be taken out, not another's nor any other
    [
        [-1200.3, 4.1, -2500.0],
        [-1203.1, 2.7, 0.0],
        [-1199.2, 6.9, -2600.0],
        [-1201.8, 5.2, -2.0],
        [-1200.9, 3.3, -2700.0],
    ]
)


def check_importance_bound(my_bound):
    """``my_bound(log_w)``, log-weights [K, n] → log of the mean weight of each example, [n]."""
    count, examples = _LOG_W.shape
    with np.errstate(all="ignore"):
        answer = my_bound(_LOG_W.copy())
        if np.shape(answer) == (examples,) and _beyond_numbers(answer):
            raise Hint(
                "some weights under- or overflow: take out the largest logarithm of each example (axis 0) before the "
                "exponential"
            )
    shifted = logsumexp(_LOG_W, axis=0) - math.log(count)
    top = _LOG_W.max(axis=0)
    judge(
        answer,
        shifted,
        [
            (
                _LOG_W.mean(axis=0),
                "a mean of logarithms: that is the bound with one draw, averaged; average the weights",
            ),
            (shifted + math.log(count), "this is the log of the sum: the − log K that makes it a mean is missing"),
            (shifted - math.log(count), "the division by K was made twice"),
            (shifted - top, "the largest logarithm was taken out and not put back"),
            (shifted - 2 * top, "the largest logarithm was taken out twice: add it back"),
            (top, "this is the largest log-weight; the others count too"),
            (
                logsumexp(_LOG_W, axis=1) - math.log(examples),
                "you averaged over the examples: the draws are the first axis",
            ),
            (
                logsumexp(_LOG_W) - math.log(_LOG_W.size),
                "one number for all examples: average over the first axis alone",
            ),
        ],
        within=2e-7,  # of the largest, 1200: the others are of order one
        praise="correct, and it neither overflows nor underflows",
    )


def check_repeated_bound(my_estimate):
    """``my_estimate(log_w)``, [R, K] → (estimate of L_K from R repeats of K draws, its standard error)."""
    log_w = np.array([[0.3, -2.1, 1.4], [-0.7, 0.9, -3.2], [2.2, -1.5, 0.1], [-2.6, -0.4, 0.8]])
    repeats, count = log_w.shape
    answer = my_estimate(log_w.copy())
    if answer is None:
        raise Hint("your function returned None: does it end in «return …»?")
    if not isinstance(answer, tuple | list | np.ndarray) or np.shape(answer) != (2,):
        raise Hint("return two numbers: the estimate of the bound and its standard error")
    bounds = logsumexp(log_w, axis=1) - math.log(count)
    error = bounds.std(ddof=1) / math.sqrt(repeats)
    judge(
        answer[0],
        bounds.mean(),
        [
            (log_w.mean(), "a mean of all log-weights: this estimates the bound with one draw"),
            (
                logsumexp(log_w) - math.log(log_w.size),
                "the log of the mean of all weights: one draw of the bound with R × K draws; average R logarithms",
            ),
            (bounds.mean() + math.log(count), "the − log K is missing"),
            (
                np.mean(logsumexp(log_w, axis=0) - math.log(repeats)),
                "the axes are exchanged: a row holds the K draws of one repeat",
            ),
        ],
        praise="the estimate is right",
    )
    judge(
        answer[1],
        error,
        [
            (bounds.std(ddof=1), "this is the spread of one estimate: divide by √R"),
            (bounds.std(), "this is the spread of one estimate: divide by √R"),
            (
                bounds.std() / math.sqrt(repeats),
                "nearly: divide the squares by R − 1 (ddof=1), as the mean was estimated",
            ),
            (log_w.std(ddof=1) / math.sqrt(log_w.size), "the log-weights are not what was averaged: the R bounds were"),
            (bounds.var(ddof=1) / repeats, "this is the variance of the mean: take the root"),
        ],
        praise="and so is its standard error",
    )


def check_weights_effective_size(my_size):
    """``my_size(log_w)``, log-weights [K] → (Σ w)² / Σ w², a number, without overflow."""
    log_w = np.array([1100.4, 1098.9, 1101.3, -3000.0, 1100.9, 1099.6])  # less the smallest, the others overflow
    w = softmax(log_w)
    truth = 1 / np.sum(w**2)
    with np.errstate(all="ignore"):
        answer = my_size(log_w.copy())
        if np.shape(answer) == () and _beyond_numbers(answer):
            raise Hint("weights near e^1100 overflow: subtract the largest logarithm first, the ratio does not mind")
    judge(
        answer,
        truth,
        [
            (log_w.sum() ** 2 / np.sum(log_w**2), "these are the log-weights: exponentiate them first"),
            (1 / truth, "upside down: (Σ w)² over Σ w²"),
            (truth / len(log_w), "this is the share of the draws that count: multiply by K"),
            (1.0, "the square stands outside the sum twice: Σ w² is a sum of squares"),
            (1 / w.max(), "this is one over the largest share, a lower limit of the effective size"),
            (np.exp(entr(w).sum()), "this is the exponential of the entropy, another measure: use Σ w²"),
        ],
    )


def check_double_weights(my_gradient):
    """``my_gradient(log_w, slope, noise, s)``, [K] each but s → DReG's gradient to (m, log s²) for one example."""
    log_w = np.array([-3.1, -1.8, -4.4, -2.2, -2.9])
    slope = np.array([0.7, -1.3, 2.4, 0.2, -0.9])
    noise, s = np.array([0.5, -0.9, 1.6, 0.3, -1.2]), 0.6
    answer = my_gradient(log_w.copy(), slope.copy(), noise.copy(), s)
    if answer is None:
        raise Hint("your function returned None: does it end in «return …»?")
    if not isinstance(answer, tuple | list | np.ndarray) or np.shape(answer) != (2,):
        raise Hint("return two numbers: the gradient to m and the gradient to log s²")
    w = softmax(log_w)
    half = 0.5 * s * noise

    def both(weights, along=half):
        return np.array([np.sum(weights * slope), np.sum(weights * slope * along)])

    raw = np.exp(log_w)
    judge(
        answer,
        both(w**2),
        [
            (both(w), "the weights are not squared: the score, reparameterised, takes w̃ − w̃² away from w̃"),
            (both(w - w**2), "this is the part that is taken away: what is left is w̃²"),
            (both(w**2 / np.sum(w**2)), "the squares were normalised again: they need not sum to one"),
            (both(raw**2), "square the normalised weights, w / Σ w, not the weights themselves"),
            (both(raw), "the weights are neither normalised nor squared"),
            (both(w**2) / len(w), "a mean over the draws: the normalised weights are to be summed"),
            (both(np.full(len(w), 1 / len(w))), "all draws count alike here: that is the path derivative of the ELBO"),
            (both(w**2, 2 * half), "log s², not log s: its derivative of s = exp(½ log s²) brings down a ½"),
            (both(w**2, noise), "this is the gradient to s; to log s² it is ½ s times that"),
            (both(w**2, half / s), "a factor s is missing: ∂z/∂(log s²) = ½ s ε"),
        ],
        praise="correct: the squared weights",
    )


def _beyond_numbers(answer):
    """Whether an answer holds NaN or infinity; what is no number at all is left to ``judge``."""
    try:
        return answer is not None and not np.isfinite(np.asarray(answer, np.float64)).all()
    except (TypeError, ValueError):
        return False
