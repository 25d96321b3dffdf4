"""Right and wrong answers to the checks of chapter 16."""

import numpy as np
from scipy.special import entr, logsumexp, softmax

from vae_lib import exercises


def log_mean_exp(log_w):
    return logsumexp(log_w, axis=0) - np.log(len(log_w))


def repeated(log_w, ddof=1):
    bounds = log_mean_exp(log_w.T)
    return bounds.mean(), bounds.std(ddof=ddof) / np.sqrt(len(bounds))


def size(log_w):
    return 1 / np.sum(softmax(log_w) ** 2)


def double(log_w, slope, noise, s, weights=lambda a: softmax(a) ** 2, half=0.5):
    w = weights(log_w)
    return np.sum(w * slope), np.sum(w * slope * half * s * noise)


def with_weights(weights):
    return lambda *a: double(*a, weights=weights)


def with_top(top):
    """The log of the mean weight, with ``top(log_w)`` taken out before the exponential."""
    return lambda a: top(a) + np.log(np.mean(np.exp(a - top(a)), axis=0))


RIGHT = [
    (exercises.check_importance_bound, log_mean_exp),
    (exercises.check_repeated_bound, repeated),
    (exercises.check_weights_effective_size, size),
    (exercises.check_double_weights, double),
]

WRONG = {
    exercises.check_importance_bound: [
        (lambda a: np.log(np.mean(np.exp(a), axis=0)), "under- or overflow"),
        (with_top(lambda a: a.min(axis=0)), "largest logarithm of each example"),
        (with_top(lambda a: a[0]), "largest logarithm of each example"),
        (with_top(lambda a: a.max()), "largest logarithm of each example"),
        (lambda a: log_mean_exp(a) + 0.1, "not yet"),
        (lambda a: a.max(axis=0) + np.log(np.exp(a - a.max(axis=0)).mean(axis=0) + 0.02), "not yet"),
        (lambda a: a.mean(axis=0), "a mean of logarithms"),
        (lambda a: logsumexp(a, axis=0), "− log K"),
        (lambda a: logsumexp(a, axis=0) - 2 * np.log(len(a)), "made twice"),
        (lambda a: log_mean_exp(a - a.max(axis=0)), "not put back"),
        (lambda a: log_mean_exp(a) - 2 * a.max(axis=0), "taken out twice"),
        (lambda a: a.max(axis=0), "largest log-weight"),
        (lambda a: log_mean_exp(a.T), "over the examples"),
        (lambda a: log_mean_exp(a.ravel()), "one number for all"),
        (lambda a: log_mean_exp(a) + 1, "not yet"),
    ],
    exercises.check_repeated_bound: [
        (lambda a: (a.mean(), 0), "one draw"),
        (lambda a: (log_mean_exp(a.ravel()), 0), "R × K"),
        (lambda a: (repeated(a)[0] + np.log(a.shape[1]), 0), "− log K"),
        (lambda a: (log_mean_exp(a).mean(), 0), "axes are exchanged"),
        (lambda a: (log_mean_exp(log_mean_exp(a.T)), 0), "R × K"),
        (lambda a: repeated(a)[0], "two numbers"),
        (lambda a: (repeated(a)[0], repeated(a)[1] * 2), "divide by √R"),
        (lambda a: (repeated(a)[0], log_mean_exp(a.T).std()), "divide by √R"),
        (lambda a: repeated(a, ddof=0), "R − 1"),
        (lambda a: (repeated(a)[0], repeated(a)[1] ** 2), "take the root"),
        (lambda a: (repeated(a)[0], a.std(ddof=1) / np.sqrt(a.size)), "not what was averaged"),
    ],
    exercises.check_weights_effective_size: [
        (lambda a: np.exp(a).sum() ** 2 / np.sum(np.exp(a) ** 2), "overflow"),
        (lambda a: np.exp(a - a.min()).sum() ** 2 / np.sum(np.exp(a - a.min()) ** 2), "subtract the largest"),
        (lambda a: a.sum() ** 2 / np.sum(a**2), "log-weights"),
        (lambda a: 1 / size(a), "upside down"),
        (lambda a: size(a) / len(a), "multiply by K"),
        (lambda a: softmax(a).sum() ** 2 / softmax(a).sum() ** 2, "sum of squares"),
        (lambda a: 1 / softmax(a).max(), "largest share"),
        (lambda a: np.exp(entr(softmax(a)).sum()), "entropy"),
    ],
    exercises.check_double_weights: [
        (with_weights(softmax), "not squared"),
        (with_weights(lambda a: softmax(a) - softmax(a) ** 2), "taken away"),
        (with_weights(lambda a: softmax(2 * a)), "normalised again"),
        (with_weights(lambda a: np.exp(2 * a)), "square the normalised"),
        (with_weights(np.exp), "neither"),
        (with_weights(lambda a: softmax(a) ** 2 / len(a)), "a mean over the draws"),
        (with_weights(lambda a: np.full(len(a), 1 / len(a))), "count alike"),
        (lambda *a: double(*a, half=1), "brings down a ½"),
        (lambda a, slope, e, s: double(a, slope, e, s, half=1 / s), "gradient to s;"),
        (lambda a, slope, e, s: double(a, slope, e, s, half=0.5 / s), "factor s is missing"),
        (lambda *a: double(*a)[0], "two numbers"),
    ],
}
