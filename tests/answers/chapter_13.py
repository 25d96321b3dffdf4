"""Right and wrong answers to the checks of chapter 13."""

import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm

from vae_lib import exercises


def live(v, s, b, k):
    return min(k, np.sum(v > b * s))


def water(v, s, b, k, live_error=None, keep=None):
    level = b * s
    out = (v > level) & (np.arange(len(v)) < (k if keep is None else keep))
    error = np.where(out, level if live_error is None else live_error, v).sum()
    return 0.5 * np.log(v[out] / level).sum(), 0.5 * len(v) * np.log(2 * np.pi * s) + error / (2 * s)


def table(m, v, z):
    return norm.logpdf(z[:, None], m, np.exp(0.5 * v)).sum(axis=2)


def information(m, v, z):
    log_q = table(m, v, z)
    return np.mean(log_q.diagonal() - logsumexp(log_q, axis=1)) + np.log(len(m))


def schedule(e, p, r, f):
    return f * min(1, (e % p) / p / r)


def bare(v, s, b, k):
    rate, distortion = water(v, s, b, k)
    return rate, distortion - 0.5 * len(v) * np.log(2 * np.pi * s)


def bare_rate(v, s, b, k):
    return water(v, s, b, k)[0] + 0.5 * np.log(b) * live(v, s, b, k)


def dead_error(v, s, b, k):
    return np.sum(v[(v <= b * s) | (np.arange(len(v)) >= k)]) / (2 * s)


def without_own(m, v, z):
    log_q = table(m, v, z)
    np.fill_diagonal(log_q, -np.inf)
    return np.mean(table(m, v, z).diagonal() - logsumexp(log_q, axis=1)) + np.log(len(m) - 1)


def without_normaliser(m, v, z):
    log_q = table(m, v, z) + 0.5 * v.sum(axis=1)
    return np.mean(log_q.diagonal() - logsumexp(log_q, axis=1)) + np.log(len(m))


RIGHT = [
    (exercises.check_collapse_live, live),
    (exercises.check_collapse_live, lambda v, s, b, k: sum(value / s > b for value in sorted(v)[::-1][:k])),
    (exercises.check_collapse_water, water),
    (exercises.check_collapse_water, lambda *case: np.array(water(*case))),
    (exercises.check_collapse_information, information),
    (exercises.check_collapse_schedule, schedule),
]

WRONG = {
    exercises.check_collapse_live: [
        (lambda v, s, b, k: np.sum(v > b * s), "take the smaller number"),
        (lambda v, s, b, k: live(v, s, 1, k), "β is missing: the level"),
        (lambda v, s, b, k: np.sum(v > s), "β is missing, and"),
        (lambda v, s, b, k: live(v, s, 1 / b, k), "multiply σ² by β"),
        (lambda v, s, b, k: live(v, 1, b, k), "σ² is missing"),
        (lambda v, s, b, k: live(v, s**2, b, k), "do not square it"),
        (lambda v, s, b, k: live(v, s**0.5, b, k), "not β σ"),
        (lambda v, s, b, k: np.sum(v <= b * s), "the dead ones"),
        (lambda v, s, b, k: min(k, np.sum(v <= b * s)), "the dead ones"),
        (lambda v, s, b, k: np.sum(v[:k] > b * s), "in any order"),
        (lambda v, s, b, k: np.sum(np.sort(v)[:k] > b * s), "k smallest"),
        (lambda *case: "three", "numbers were expected"),
        (lambda *case: [1, 2], "shape"),
        (lambda *case: 7, "not yet"),
    ],
    exercises.check_collapse_water: [
        (lambda *case: water(*case)[::-1], "the order"),
        (lambda *case: sum(water(*case)), "two numbers"),
        (lambda *case: water(*case, keep=99), "more than k directions"),
        (lambda *case: (water(*case)[0], water(*case, keep=99)[1]), "leaves its whole variance"),
        (lambda *case: (2 * water(*case)[0], water(*case)[1]), "drop its ½"),
        (lambda *case: (-water(*case)[0], water(*case)[1]), "the sign of the rate"),
        (lambda *case: (water(*case)[0] / np.log(2), water(*case)[1]), "in bits"),
        (lambda v, s, b, k: water(v, s, 1, k), "β is missing: the level"),
        (lambda v, s, b, k: (bare_rate(v, s, b, k), water(v, s, b, k)[1]), "β is missing from the rate"),
        (lambda v, s, b, k: water(v, s, b, k, live_error=s), "the error of a live direction is the level"),
        (lambda *case: water(*case, live_error=0), "not free of error"),
        (bare, "the normaliser d/2"),
        (lambda *case: np.add(bare(*case), [0, 0.5 * np.log(2 * np.pi * case[1])]), "once for each"),
        (lambda *case: np.add(water(*case), [0, bare(*case)[1]]), "its ½ is missing"),
        (lambda *case: np.add(water(*case), [0, bare(*case)[1] * (1 / case[2] - 1)]), "not by 2βσ²"),
        (lambda *case: (case[2] * water(*case)[0], water(*case)[1]), "without its weight"),
        (lambda *case: (water(*case)[0], water(*case)[1] - dead_error(*case)), "dead directions are missing"),
        (lambda *case: (*water(*case), 0), "shape"),
        (lambda *case: np.add(water(*case), 0.1), "not yet"),
    ],
    exercises.check_collapse_information: [
        (lambda *a: -information(*a), "the sign"),
        (lambda m, v, z: 5 * information(m, v, z), "summed over the examples"),
        (lambda m, v, z: information(m, v, z) - np.log(5), "1/n"),
        (lambda m, v, z: information(m, v, z) - 2 * np.log(5), "sign of log n"),
        (lambda m, v, z: np.mean(table(m, v, z).diagonal() - table(m, v, z).mean(axis=1)), "averaged the logarithms"),
        (without_own, "left it out"),
        (lambda m, v, z: without_own(m, v, z) + np.log(5 / 4), "belongs to the aggregate, too"),
        (
            lambda m, v, z: np.mean(table(m, v, z).diagonal() - logsumexp(table(m, v, z), axis=0)) + np.log(5),
            "the other axis",
        ),
        (lambda m, v, z: np.mean(table(m, v, z).diagonal() - norm.logpdf(z).sum(axis=1)), "estimates the rate"),
        (
            lambda m, v, z: np.mean(table(m, v, z).diagonal() - norm.logpdf(z).sum(axis=1)) - information(m, v, z),
            "the waste",
        ),
        (lambda m, v, z: -np.mean(logsumexp(table(m, v, z), axis=1)) + np.log(5), "entropy of the codes"),
        (lambda m, v, z: information(m, 2 * v, z), "you used the variance"),
        (lambda m, v, z: information(m, v / 2, z), "root twice"),
        (without_normaliser, "the normaliser −Σ log s"),
        (lambda *a: information(*a) / np.log(2), "in bits"),
        (lambda *a: information(*a) / 2, "averaged over the dimensions"),
        (
            lambda m, v, z: table(m, v, z).diagonal() - logsumexp(table(m, v, z), axis=1) + np.log(5),
            "one number was asked",
        ),
        (lambda *a: np.zeros(3), "shape"),
        (lambda *a: information(*a) + 0.1, "not yet"),
    ],
    exercises.check_collapse_schedule: [
        (lambda e, p, r, f: f * (e % p) / p / r, "where is the min"),
        (lambda e, p, r, f: f * min(1, e / p / r), "rises only once"),
        (lambda e, p, r, f: min(1, (e % p) / p / r), "it should reach final"),
        (lambda e, p, r, f: min(f, (e % p) / p / r), "it should rise to final"),
        (lambda e, p, r, f: f * (e % p) / p, "`rise` is missing"),
        (lambda e, p, r, f: f * (e % p) / p * r, "divide by `rise`"),
        (lambda e, p, r, f: f * min(1, (e % p + 1) / p / r), "there β is 0"),
        (lambda e, p, r, f: schedule(e - 1, p, r, f), "one too late"),
        (lambda e, p, r, f: f - schedule(e, p, r, f), "this falls"),
        (lambda e, p, r, f: f * min(1, (e % p) / r), "share of the period"),
        (lambda *case: [1, 2], "shape"),
        (lambda *case: schedule(*case) + 0.1, "not yet"),
    ],
}
