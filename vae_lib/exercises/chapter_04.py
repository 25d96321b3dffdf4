"""Checks of chapter 4, why an autoencoder cannot generate."""

import numpy as np
from scipy.stats import norm

from vae_lib.exercises.judge import judge

_RANDOM = np.random.default_rng(4)
_Z = _RANDOM.normal(size=(9, 3)) * [3.0, 0.5, 1.4] + [1.0, -2.0, 0.3]
_NOISE = _RANDOM.normal(size=(6, 3))
_X = _RANDOM.normal(size=(7, 3)) * [1.5, 0.4, 1.0]
_Y = _RANDOM.normal(size=(5, 3)) + np.array([1.0, 0.3, -0.6])


def check_random_codes(my_codes):
    """``my_codes(z, noise)``: noise [m, k] with the mean and the spread of the codes z [n, k]."""
    mean, stddev, variance = _Z.mean(axis=0), _Z.std(axis=0), _Z.var(axis=0)
    mistakes = [
        (_NOISE, "this is the noise itself: the decoder knows codes on their own scale"),
        ((_NOISE - mean) / stddev, "this standardises the noise: go the other way, stretch and then shift it"),
        ((mean + _NOISE) * stddev, "the order: stretch by the standard deviation first, then add the mean"),
        (mean + variance * _NOISE, "you multiplied by the variance: multiply by its root"),
        (stddev * _NOISE, "the mean of the codes is missing"),
        (mean + _NOISE, "the spread of the codes is missing: multiply the noise by their standard deviation"),
        (mean - stddev * _NOISE, "the sign: add the stretched noise to the mean"),
        (mean + _NOISE / stddev, "multiply by the standard deviation: you divided"),
        (
            mean + stddev * (_NOISE - _NOISE.mean(axis=0)) / _NOISE.std(axis=0),
            "the noise is standard as it comes: do not standardise it again",
        ),
        (_Z.mean() + _Z.std() * _NOISE, "one mean and one spread for all: each component of the code has its own"),
        (mean + _Z.std() * _NOISE, "one spread for all: each component of the code has its own"),
        (mean + _Z.std(axis=0, ddof=1) * _NOISE, "divide by n, as the chapter did when it standardised, not by n − 1"),
    ]
    judge(my_codes(_Z.copy(), _NOISE.copy()), mean + stddev * _NOISE, mistakes, praise="right: stretched, then shifted")


def check_energy_distance(my_distance):
    """``my_distance(x, y)``: the estimate of the energy distance without bias, a number."""
    n, m = len(_X), len(_Y)

    def sums(measure):
        return [measure(a[:, None] - b).sum() for a, b in ((_X, _Y), (_X, _X), (_Y, _Y))]

    def estimate(xy, xx, yy, cross=2, ones=1):
        return cross * xy / (n * m) - xx / (n * (n - ones)) - yy / (m * (m - ones))

    lengths = sums(lambda v: np.linalg.norm(v, axis=-1))
    squares = sums(lambda v: np.sum(v**2, axis=-1))
    xy, xx, yy = lengths
    right = estimate(*lengths)
    squared = "you took squared distances: those compare the means only, however different the rest"
    mistakes = [
        (
            estimate(*lengths, ones=0),
            "the diagonal is in it: a point has distance zero to itself, so divide by n(n − 1)",
        ),
        (estimate(*lengths, cross=1), "the factor 2 of the first term is missing"),
        (estimate(*lengths, cross=1, ones=0), "the factor 2 of the first term is missing, and the diagonal is in it"),
        (estimate(*squares), squared),
        (estimate(*squares, ones=0), squared),
        (-right, "the sign: distances between the samples count positive, those within negative"),
        (0.5 * right, "half of it: 2 E‖X − Y‖, and both of the others once"),
        (np.sqrt(abs(right)), "do not take the root; the estimate may well be negative"),
        (estimate(xy, xx / 2, yy / 2), "you counted each pair within a sample once, but n(n − 1) counts both orders"),
        (estimate(xy, xx, 0), "the distances within y are missing"),
        (estimate(xy, 0, yy), "the distances within x are missing"),
        (2 * xy / (n * m), "the distances within each sample are missing"),
        (2 * xy - xx - yy, "these are sums over pairs: divide each by the number of its pairs"),
        (
            2 * xy / (n * m) - xx / (n * (n - 1)) - yy / (n * (n - 1)),
            "x and y have different numbers of points: divide each sum by the number of its own pairs",
        ),
        (
            estimate(*sums(lambda v: np.abs(v).sum(axis=-1))),
            "you added absolute differences: the length is the root of squares",
        ),
        (
            estimate(*sums(np.linalg.norm)),
            "one length of everything: each difference has its own, so give the norm axis=-1",
        ),
        (
            2 * np.linalg.norm(_X[:, None] - _Y) - np.linalg.norm(_X[:, None] - _X) - np.linalg.norm(_Y[:, None] - _Y),
            "one length of everything: each difference has its own, so give the norm axis=-1",
        ),
        (
            2 * np.linalg.norm(_X.mean(axis=0) - _Y.mean(axis=0)),
            "this is the distance of the means: take the mean of the distances",
        ),
    ]
    judge(my_distance(_X.copy(), _Y.copy()), right, mistakes, praise="right: no point is paired with itself")


def check_p_value(my_p_value):
    """``my_p_value(observed, null)``: from the observed statistic and those of random re-splits, a number."""
    null = np.array([-0.9, 0.4, 1.7, -0.3, 0.8, 2.6, -1.4, 0.1, -0.6, 0.8, 1.1, -2.2, 0.3, -0.1, 0.5, -0.7])
    observed, draws = 0.8, null.size
    count, above, below = np.sum(null >= observed), np.sum(null > observed), np.sum(null <= observed)
    mistakes = [
        (count / draws, "the observed split is one of the possible ones: add one to both, or the p-value can be zero"),
        (above / draws, "ties count against you, and the observed split is one of the possible ones: add one to both"),
        ((1 + above) / (1 + draws), "ties count against you: use ≥, not >"),
        ((1 + count) / draws, "you added one above the line, but not below"),
        (count / (1 + draws), "you added one below the line, but not above"),
        ((1 + below) / (1 + draws), "the wrong end: large distances speak against one source, so count those above"),
        (below / draws, "the wrong end: large distances speak against one source, so count those above"),
        (np.mean(null < observed), "the wrong end: large distances speak against one source, so count those above"),
        (1 - (1 + count) / (1 + draws), "this is one minus the p-value"),
        ((1 + np.sum(np.abs(null) >= observed)) / (1 + draws), "one-sided: far below zero is no sign of a difference"),
        (np.mean(np.abs(null) >= observed), "one-sided: far below zero is no sign of a difference"),
        (2 * min(count, below) / draws, "one-sided: far below zero is no sign of a difference"),
        (2 * (1 + min(count, below)) / (1 + draws), "one-sided: far below zero is no sign of a difference"),
        (count, "this is a count: divide by the number of splits"),
        (1 + count, "this is a count: divide by the number of splits"),
        ((observed - null.mean()) / null.std(), "this is a distance in standard deviations: count instead"),
    ]
    judge(my_p_value(observed, null.copy()), (1 + count) / (1 + draws), mistakes, praise="right, and never zero")


def check_energy_of_shift(my_energy):
    """``my_energy(shift, s)``: the energy distance of N(0, s²) and N(shift, s²) on the line."""
    shift, s = 0.9, 0.6

    def mean_distance(mean, stddev):  # E|D| of D ~ N(mean, stddev²)
        return 2 * stddev * norm.pdf(mean / stddev) + mean * (1 - 2 * norm.cdf(-mean / stddev))

    cross, within = mean_distance(shift, np.sqrt(2) * s), mean_distance(0, np.sqrt(2) * s)
    right = 2 * (cross - within)
    mistakes = [
        (cross - within, "half of it: 2 E|X − Y|, less E|X − X'| and less E|Y − Y'|"),
        (2 * cross - within, "both E|X − X'| and E|Y − Y'| are to be subtracted"),
        (cross - 2 * within, "the factor 2 of the first term is missing"),
        (2 * cross, "this is 2 E|X − Y|: subtract E|X − X'| and E|Y − Y'|"),
        (2 * (mean_distance(shift, s) - mean_distance(0, s)), "X − Y has variance 2s²: the variances add"),
        (
            2 * (mean_distance(shift, 2 * s) - mean_distance(0, 2 * s)),
            "X − Y has variance 2s², so deviation √2 s, not 2s",
        ),
        (2 * (mean_distance(shift, 2 * s**2) - mean_distance(0, 2 * s**2)), "2s² is a variance: take its root"),
        (
            2 * (cross - 2 * (cross - 2 * np.sqrt(2) * s * norm.pdf(shift / (np.sqrt(2) * s))) - within),
            "the sign inside Φ: the mean sign of D is 1 − 2 Φ(−μ/τ), positive for a positive shift",
        ),
        (2 * (shift - within), "E|X − Y| is more than the shift: X − Y also changes sign"),
        (2 * shift**2, "this is the answer for squared distances, which see the means only"),
        (shift**2 / (s * np.sqrt(np.pi)), "this is the answer for small shifts: the whole function is wanted"),
        (2 * shift, "this is the answer for very large shifts, before the spread is subtracted"),
        (shift, "this is the distance of the means: the spread matters"),
        (np.sqrt(right), "the root is not taken in this book"),
    ]
    judge(my_energy(shift, s), right, mistakes, praise="right: quadratic for small shifts, linear for large ones")
