"""Right and wrong answers to the checks of chapter 4."""

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import norm

from vae_lib import energy_distance, exercises


def codes(z, noise):
    return z.mean(axis=0) + z.std(axis=0) * noise


def p_value(observed, null):
    return (1 + np.sum(null >= observed)) / (1 + len(null))


def shifted(shift, s, stddev=None, cross=2, within=2):
    t = np.sqrt(2) * s if stddev is None else stddev
    there = 2 * t * norm.pdf(shift / t) + shift * (1 - 2 * norm.cdf(-shift / t))
    return cross * there - within * t * np.sqrt(2 / np.pi)


def with_diagonal(x, y, cross=2, metric="euclidean"):
    return cross * cdist(x, y, metric).mean() - cdist(x, x, metric).mean() - cdist(y, y, metric).mean()


def by_sums(x, y, in_x=1, in_y=1, root=1, metric="euclidean", rows=None, cross=2):
    n, m = len(x), rows or len(y)
    parts = [cdist(a, b, metric).sum() for a, b in ((x, y), (x, x), (y, y))]
    value = cross * parts[0] / (n * len(y)) - in_x * parts[1] / (n * (n - 1)) - in_y * parts[2] / (m * (m - 1))
    return value if root == 1 else abs(value) ** root


def one_norm(x, y, xy=1, xx=1, yy=1):
    within = np.linalg.norm(x[:, None] - x) / xx + np.linalg.norm(y[:, None] - y) / yy
    return 2 * np.linalg.norm(x[:, None] - y) / xy - within


def wrong_phi(shift, s):
    t = np.sqrt(2) * s
    there = 2 * t * norm.pdf(shift / t) + shift * (1 - 2 * norm.cdf(shift / t))
    return 2 * there - 2 * t * np.sqrt(2 / np.pi)


RIGHT = [
    (exercises.check_random_codes, codes),
    (exercises.check_energy_distance, energy_distance),
    (exercises.check_p_value, p_value),
    (exercises.check_energy_of_shift, shifted),
]

WRONG = {
    exercises.check_random_codes: [
        (lambda z, e: e, "noise itself"),
        (lambda z, e: (e - z.mean(0)) / z.std(0), "other way"),
        (lambda z, e: (e + z.mean(0)) * z.std(0), "the order"),
        (lambda z, e: z.mean(0) + z.var(0) * e, "its root"),
        (lambda z, e: z.std(0) * e, "mean of the codes is missing"),
        (lambda z, e: z.mean(0) + e, "spread of the codes is missing"),
        (lambda z, e: z.mean(0) - z.std(0) * e, "the sign"),
        (lambda z, e: z.mean(0) + e / z.std(0), "you divided"),
        (lambda z, e: codes(z, (e - e.mean(0)) / e.std(0)), "as it comes"),
        (lambda z, e: z.mean() + z.std() * e, "one mean and one spread"),
        (lambda z, e: z.mean(0) + z.std() * e, "one spread for all"),
        (lambda z, e: z.mean(0) + z.std(0, ddof=1) * e, "not by n − 1"),
        (lambda z, e: codes(z, e)[0], "shape"),
        (lambda *given: 0.123 + 1.7 * codes(*given), "not yet"),
    ],
    exercises.check_energy_distance: [
        (with_diagonal, "diagonal"),
        (lambda x, y: by_sums(x, y, cross=1), "the factor 2 of the first term is missing"),
        (lambda x, y: with_diagonal(x, y, 1), "first term is missing, and the diagonal is in it"),
        (lambda x, y: by_sums(x, y, metric="sqeuclidean"), "squared distances"),
        (lambda x, y: with_diagonal(x, y, metric="sqeuclidean"), "squared distances"),
        (lambda x, y: 2 * np.sum((x.mean(0) - y.mean(0)) ** 2), "squared distances"),
        (lambda x, y: -energy_distance(x, y), "the sign"),
        (lambda x, y: energy_distance(x, y) / 2, "half of it"),
        (lambda x, y: by_sums(x, y, root=0.5), "the root"),
        (lambda x, y: by_sums(x, y, 0.5, 0.5), "both orders"),
        (lambda x, y: by_sums(x, y, 1, 0), "within y are missing"),
        (lambda x, y: by_sums(x, y, 0, 1), "within x are missing"),
        (lambda x, y: by_sums(x, y, 0, 0), "within each sample are missing"),
        (lambda x, y: 2 * cdist(x, y).sum() - cdist(x, x).sum() - cdist(y, y).sum(), "sums over pairs"),
        (lambda x, y: by_sums(x, y, rows=len(x)), "different numbers of points"),
        (lambda x, y: by_sums(x, y, metric="cityblock"), "absolute differences"),
        (one_norm, "axis=-1"),
        (lambda x, y: one_norm(x, y, len(x) * len(y), len(x) * (len(x) - 1), len(y) * (len(y) - 1)), "axis=-1"),
        (lambda x, y: 2 * np.linalg.norm(x.mean(0) - y.mean(0)), "distance of the means"),
        (lambda *given: 0.123 + 1.7 * energy_distance(*given), "not yet"),
    ],
    exercises.check_p_value: [
        (lambda o, null: np.mean(null >= o), "can be zero"),
        (lambda o, null: np.mean(null > o), "ties count against you, and the observed split"),
        (lambda o, null: (1 + np.sum(null > o)) / (1 + len(null)), "use ≥"),
        (lambda o, null: (1 + np.sum(null >= o)) / len(null), "not below"),
        (lambda o, null: np.sum(null >= o) / (1 + len(null)), "not above"),
        (lambda o, null: (1 + np.sum(null <= o)) / (1 + len(null)), "wrong end"),
        (lambda o, null: np.mean(null <= o), "wrong end"),
        (lambda o, null: np.mean(null < o), "wrong end"),
        (lambda o, null: 1 - p_value(o, null), "one minus"),
        (lambda o, null: p_value(o, np.abs(null)), "one-sided"),
        (lambda o, null: np.mean(np.abs(null) >= o), "one-sided"),
        (lambda o, null: 2 * min(np.mean(null >= o), np.mean(null <= o)), "one-sided"),
        (lambda o, null: 2 * min(p_value(o, null), p_value(-o, -null)), "one-sided"),
        (lambda o, null: np.sum(null >= o), "a count"),
        (lambda o, null: 1 + np.sum(null >= o), "a count"),
        (lambda o, null: (o - null.mean()) / null.std(), "standard deviations"),
        (lambda o, null: null >= o, "shape"),
        (lambda *given: 0.123 + 1.7 * p_value(*given), "not yet"),
    ],
    exercises.check_energy_of_shift: [
        (lambda d, s: shifted(d, s) / 2, "half of it"),
        (lambda d, s: shifted(d, s, within=1), "both E"),
        (lambda d, s: shifted(d, s, cross=1), "factor 2"),
        (lambda d, s: shifted(d, s, within=0), "this is 2 E"),
        (lambda d, s: shifted(d, s, s), "the variances add"),
        (lambda d, s: shifted(d, s, 2 * s), "not 2s"),
        (lambda d, s: shifted(d, s, 2 * s**2), "take its root"),
        (wrong_phi, "inside Φ"),
        (lambda d, s: 2 * (d - 2 * s / np.pi**0.5), "more than the shift"),
        (lambda d, s: 2 * d**2, "squared distances"),
        (lambda d, s: d**2 / (s * np.pi**0.5), "small shifts"),
        (lambda d, s: 2 * d, "very large shifts"),
        (lambda d, s: d, "distance of the means"),
        (lambda d, s: shifted(d, s) ** 0.5, "root is not taken"),
        (lambda *given: 0.123 + 1.7 * shifted(*given), "not yet"),
    ],
}
