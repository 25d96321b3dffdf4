"""The checks of chapter 16 pass the right answers and name the usual mistakes."""

import numpy as np
import pytest
from scipy.special import entr, logsumexp, softmax

from vae_lib import exercises
from vae_lib.exercises import Hint


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


CHECKS = [
    (exercises.check_importance_bound, log_mean_exp),
    (exercises.check_repeated_bound, repeated),
    (exercises.check_weights_effective_size, size),
    (exercises.check_double_weights, double),
]


@pytest.mark.parametrize(("check", "answer"), CHECKS)
def test_a_right_answer_gets_a_tick_and_none_a_hint(check, answer, capsys):
    check(answer)
    assert "✓" in capsys.readouterr().out
    for wrong in (lambda *_: None, lambda *_: "text", lambda *_: np.zeros(7)):
        with pytest.raises(Hint):
            check(wrong)


lme, rep, ess, dbl = (check for check, _ in CHECKS)


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (lme, lambda a: np.log(np.mean(np.exp(a), axis=0)), "under- or overflow"),
        (lme, with_top(lambda a: a.min(axis=0)), "largest logarithm of each example"),
        (lme, with_top(lambda a: a[0]), "largest logarithm of each example"),
        (lme, with_top(lambda a: a.max()), "largest logarithm of each example"),
        (lme, lambda a: log_mean_exp(a) + 0.1, "not yet"),
        (lme, lambda a: a.max(axis=0) + np.log(np.exp(a - a.max(axis=0)).mean(axis=0) + 0.02), "not yet"),
        (lme, lambda a: a.mean(axis=0), "a mean of logarithms"),
        (lme, lambda a: logsumexp(a, axis=0), "− log K"),
        (lme, lambda a: logsumexp(a, axis=0) - 2 * np.log(len(a)), "made twice"),
        (lme, lambda a: log_mean_exp(a - a.max(axis=0)), "not put back"),
        (lme, lambda a: log_mean_exp(a) - 2 * a.max(axis=0), "taken out twice"),
        (lme, lambda a: a.max(axis=0), "largest log-weight"),
        (lme, lambda a: log_mean_exp(a.T), "over the examples"),
        (lme, lambda a: log_mean_exp(a.ravel()), "one number for all"),
        (lme, lambda a: log_mean_exp(a) + 1, "not yet"),
        (rep, lambda a: (a.mean(), 0), "one draw"),
        (rep, lambda a: (log_mean_exp(a.ravel()), 0), "R × K"),
        (rep, lambda a: (repeated(a)[0] + np.log(a.shape[1]), 0), "− log K"),
        (rep, lambda a: (log_mean_exp(a).mean(), 0), "axes are exchanged"),
        (rep, lambda a: (log_mean_exp(log_mean_exp(a.T)), 0), "R × K"),
        (rep, lambda a: repeated(a)[0], "two numbers"),
        (rep, lambda a: (repeated(a)[0], repeated(a)[1] * 2), "divide by √R"),
        (rep, lambda a: (repeated(a)[0], log_mean_exp(a.T).std()), "divide by √R"),
        (rep, lambda a: repeated(a, ddof=0), "R − 1"),
        (rep, lambda a: (repeated(a)[0], repeated(a)[1] ** 2), "take the root"),
        (rep, lambda a: (repeated(a)[0], a.std(ddof=1) / np.sqrt(a.size)), "not what was averaged"),
        (ess, lambda a: np.exp(a).sum() ** 2 / np.sum(np.exp(a) ** 2), "overflow"),
        (ess, lambda a: np.exp(a - a.min()).sum() ** 2 / np.sum(np.exp(a - a.min()) ** 2), "subtract the largest"),
        (ess, lambda a: a.sum() ** 2 / np.sum(a**2), "log-weights"),
        (ess, lambda a: 1 / size(a), "upside down"),
        (ess, lambda a: size(a) / len(a), "multiply by K"),
        (ess, lambda a: softmax(a).sum() ** 2 / softmax(a).sum() ** 2, "sum of squares"),
        (ess, lambda a: 1 / softmax(a).max(), "largest share"),
        (ess, lambda a: np.exp(entr(softmax(a)).sum()), "entropy"),
        (dbl, with_weights(softmax), "not squared"),
        (dbl, with_weights(lambda a: softmax(a) - softmax(a) ** 2), "taken away"),
        (dbl, with_weights(lambda a: softmax(2 * a)), "normalised again"),
        (dbl, with_weights(lambda a: np.exp(2 * a)), "square the normalised"),
        (dbl, with_weights(np.exp), "neither"),
        (dbl, with_weights(lambda a: softmax(a) ** 2 / len(a)), "a mean over the draws"),
        (dbl, with_weights(lambda a: np.full(len(a), 1 / len(a))), "count alike"),
        (dbl, lambda *a: double(*a, half=1), "brings down a ½"),
        (dbl, lambda a, slope, e, s: double(a, slope, e, s, half=1 / s), "gradient to s;"),
        (dbl, lambda a, slope, e, s: double(a, slope, e, s, half=0.5 / s), "factor s is missing"),
        (dbl, lambda *a: double(*a)[0], "two numbers"),
    ],
)
def test_each_usual_mistake_is_named(check, answer, words):
    with pytest.raises(Hint, match=words):
        check(answer)
