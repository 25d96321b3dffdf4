"""Checks of chapter 14, the clinic."""

import contextlib
import io
import itertools

import numpy as np
import tensorflow as tf

from vae_lib.exercises.judge import Hint, judge

# Inputs on which the right answer and the usual wrong ones differ: 4 examples, 2 latent dimensions, 3 components.
_MEAN = np.array([[0.7, -1.2], [0.1, 0.9], [-0.4, 2.1], [1.6, 0.3]], np.float32)
_LOG_VARIANCE = np.array([[-1.3, -0.2], [0.6, -2.4], [-3.1, -0.9], [-0.5, 0.4]], np.float32)
_X = np.array([[0.2, -0.5, 1.1], [1.4, 0.3, -0.7], [-0.9, 0.8, 0.6], [0.1, -1.3, 0.4]], np.float32)
_DECODED = np.array([[0.5, -0.1, 0.9], [1.1, 0.8, -0.2], [-0.3, 0.6, 1.0], [0.4, -0.9, -0.1]], np.float32)


def check_clinic_kl(kl):
    """``kl(mean, log_variance)``: KL(N(mean, exp(log_variance)) ‖ N(0, I)), [n], also at the ends of float32."""
    m, v = _MEAN.astype(float), _LOG_VARIANCE.astype(float)
    k = m.shape[1]
    terms = 0.5 * (m**2 + np.exp(v) - v - 1)
    right = terms.sum(axis=1)
    mistakes = [
        (2 * right, "off by a factor of two: did you drop the ½?"),
        (-right, "the sign is wrong: a KL is never negative"),
        (right / k, "you averaged over the latent dimensions: the KLs of independent components add"),
        (terms, "these are the KLs of single dimensions: sum over the last axis"),
        (right.mean(), "you averaged over the batch too: one value for each example, axis=1"),
        (right.sum(), "you summed over the batch too: one value for each example, axis=1"),
        (terms.sum(axis=0), "you summed over the examples: the latent dimensions are the last axis"),
        (
            0.5 * (m**2 + np.exp(2 * v) - 2 * v - 1).sum(axis=1),
            "you read log_variance as log s: it is log s², so tf.exp(log_variance) is the variance",
        ),
        (right + 0.5 * k, "−1 is missing: with m = 0 and s = 1 the KL must be zero"),
        (0.5 * (m**2 + np.exp(v) + v - 1).sum(axis=1), "the sign of log s² is wrong: a narrow q must cost"),
    ]
    answer = kl(tf.constant(_MEAN), tf.constant(_LOG_VARIANCE))
    _quietly(answer, right, mistakes)

    for log_variance in (-200.0, -110.0, -60.0, 40.0, 80.0):
        given = np.float32([[log_variance, -0.4]])
        mean = np.float32([[0.3, -0.8]])
        m, v = mean.astype(float), given.astype(float)
        true = 0.5 * (m**2 + np.exp(v) - v - 1).sum()
        answer = np.ravel(np.asarray(kl(tf.constant(mean), tf.constant(given)), float))
        where = f"for a log-variance of {log_variance:g}"
        if not np.isfinite(answer).all():
            why = "exp of it is zero in float32, and you take the logarithm of that" if log_variance < 0 else "overflow"
            raise Hint(f"{where} your KL is {answer[0]:g}, the true one {true:.4g}: {why}. Use log_variance as it is")
        if log_variance < 0 and answer[0] < true - 0.01 * abs(true):
            raise Hint(
                f"{where} your KL is {answer[0]:.4g}, the true one {true:.4g}: a number added inside the logarithm, or "
                "a clip, makes a narrow posterior too cheap, and cuts its gradient"
            )
        judge(answer[0], true, within=1e-3) if abs(answer[0] - true) > 1e-3 * true else None
    print("✓ right, and it survives both ends")


def check_clinic_repair(loss):
    """``loss(x, mean, log_variance, decoded)``: the free energy of each example with σ² = 1, [n], in nats."""
    x, m, v, g = (a.astype(float) for a in (_X, _MEAN, _LOG_VARIANCE, _DECODED))
    squares, kl = (x - g) ** 2, 0.5 * (m**2 + np.exp(v) - v - 1).sum(axis=1)
    bugs = {
        "components": "the reconstruction is averaged over the components of x: sum",
        "batch": "the reconstruction is averaged over the examples: keep one value for each",
        "sign": "what is called kl is minus the KL: subtract it, or change its signs",
        "half": "the squared error lacks its ½",
        "constant": "½ log 2π for each component is missing: it is part of the density",
    }

    def with_bugs(left):
        terms = squares * (1 if "half" in left else 0.5) + (0 if "constant" in left else 0.5 * np.log(2 * np.pi))
        error = terms.mean(axis=1) if "components" in left else terms.sum(axis=1)
        return (error.mean() if "batch" in left else error) + (-kl if "sign" in left else kl)

    mistakes = []
    for count in range(1, len(bugs) + 1):
        for left in itertools.combinations(bugs, count):
            mistakes.append((with_bugs(left), "still there: " + "; ".join(bugs[bug] for bug in left)))
    right = with_bugs(())
    mistakes += [
        (-right, "this is the bound; the loss is minus the bound"),
        (right.mean(), "one value for each example was asked: do not average over the batch"),
        (right.sum(), "one value for each example was asked: do not sum over the batch"),
        (right - kl + kl / 2, "the KL is averaged over the latent dimensions: sum"),
        (right - kl + 2 * kl, "the KL lacks its ½"),
        (right - kl, "the KL is missing"),
        (right - 1.5 * np.log(2 * np.pi) + 0.5 * np.log(2 * np.pi), "½ log 2π counts once for each component of x"),
    ]
    given = [tf.constant(a) for a in (_X, _MEAN, _LOG_VARIANCE, _DECODED)]
    judge(loss(*given), right, mistakes, praise="right: all the bugs are out")


def check_clinic_twins(twins):
    """``twins(x, train)``: how many rows of x are rows of train, in any order."""
    train = np.float32([[7, 2], [7, 5], [3, 3], [7, 5], [5, 5], [3, 7], [6, 7], [5, 5], [4, 6]])
    x = np.float32([[7, 5], [8, 4], [7, 5], [7, 5], [3, 8], [5, 3], [5, 5], [7, 2], [7, 5], [3, 7]])
    pairs = (x[:, None] == train).all(axis=2)
    right = int(pairs.any(axis=1).sum())
    length = min(len(x), len(train))
    mistakes = [
        (pairs.sum(), "you counted pairs: a row that occurs twice in train counts once"),
        (
            (x[:length] == train[:length]).all(axis=1).sum(),
            "you compared rows at the same place: order must not matter",
        ),
        (
            np.isin(x, train).all(axis=1).sum(),
            "you looked for the numbers, not for the rows: [5, 3] is no row of train",
        ),
        (np.isin(x, train).sum(), "you counted numbers, not rows"),
        (pairs.any(axis=0).sum(), "you counted rows of train: the rows of x were asked"),
        (len({tuple(row) for row in x} & {tuple(row) for row in train}), "a row that occurs twice in x counts twice"),
        (right / len(x), "a count was asked, not a share"),
        (len(x) - right, "these are the rows that are *not* in train"),
        (
            np.isin(x[:, 0], train[:, 0]).sum(),
            "you compared single numbers, not rows (NumPy's «row in array» is true as soon as one number agrees)",
        ),
    ]
    judge(twins(x, train), right, mistakes, praise="right: whole rows, in any order")


def check_clinic_limit(limit):
    """``limit(x)``: the highest log p(x | z) of each picture [n, d] of bits if all logits lie in [0, 1], nats."""
    x = np.float32([[1, 0, 0, 1, 0], [0, 0, 0, 0, 1], [1, 1, 1, 0, 1]])
    black, white = x.sum(axis=1), (1 - x).sum(axis=1)
    top = 1 / (1 + np.exp(-1.0))
    right = black * np.log(top) + white * np.log(0.5)
    mistakes = [
        (-right, "the sign is wrong: a log-probability is not positive"),
        (right / x.shape[1], "you averaged over the pixels: they add"),
        (right.mean(), "one value for each picture was asked"),
        (right.sum(), "one value for each picture was asked"),
        ((black + white) * np.log(0.5), "a black pixel can do better than one half: its probability reaches σ(1)"),
        (white * np.log(0.5), "a black pixel costs something, too: its probability cannot exceed σ(1)"),
        (black * np.log(top), "a white pixel costs something, too: its probability of ink is one half at least"),
        (black * np.log(top) + white * np.log(1 - top), "for a white pixel the best logit is 0, not 1"),
        (white * np.log(top) + black * np.log(0.5), "you exchanged black and white: x = 1 is ink"),
        (black * np.log(0.5) + white * np.log(1 - top), "this is the lowest value, not the highest"),
        (right / np.log(2), "these are bits: use the natural logarithm"),
        (black * top + white * 0.5, "the logarithm is missing"),
    ]
    judge(limit(x), right, mistakes, praise="right: no decoder that ends in a sigmoid can pass it")


def _quietly(answer, right, mistakes):
    """``judge`` without its tick: more is asked afterwards."""

    with contextlib.redirect_stdout(io.StringIO()):
        judge(answer, right, mistakes)
