"""The checks of chapter 4 pass the right answers and name the usual mistakes."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import norm

from vae_lib import energy_distance, exercises
from vae_lib.exercises import Hint


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


def one_norm(x, y):
    return 2 * np.linalg.norm(x[:, None] - y) - np.linalg.norm(x[:, None] - x) - np.linalg.norm(y[:, None] - y)


def wrong_phi(shift, s):
    t = np.sqrt(2) * s
    there = 2 * t * norm.pdf(shift / t) + shift * (1 - 2 * norm.cdf(shift / t))
    return 2 * there - 2 * t * np.sqrt(2 / np.pi)


random_codes, energy = exercises.check_random_codes, exercises.check_energy_distance
p_check, shift_check = exercises.check_p_value, exercises.check_energy_of_shift
RIGHT = [(random_codes, codes), (energy, energy_distance), (p_check, p_value), (shift_check, shifted)]


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_a_right_answer_gets_a_tick_and_none_a_hint(check, answer, capsys):
    check(answer)
    assert "✓" in capsys.readouterr().out
    with pytest.raises(Hint, match="returned None"):
        check(lambda *_: None)
    with pytest.raises(Hint, match=r"not yet|shape"):
        check(lambda *a: 0.123 + 1.7 * np.asarray(answer(*a)))
    with pytest.raises(Hint, match="shape"):
        check(lambda *a: np.zeros((2, 7)))


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (random_codes, lambda z, e: e, "noise itself"),
        (random_codes, lambda z, e: (e - z.mean(0)) / z.std(0), "other way"),
        (random_codes, lambda z, e: (e + z.mean(0)) * z.std(0), "the order"),
        (random_codes, lambda z, e: z.mean(0) + z.var(0) * e, "its root"),
        (random_codes, lambda z, e: z.std(0) * e, "mean of the codes is missing"),
        (random_codes, lambda z, e: z.mean(0) + e, "spread of the codes is missing"),
        (random_codes, lambda z, e: z.mean(0) - z.std(0) * e, "the sign"),
        (random_codes, lambda z, e: z.mean(0) + e / z.std(0), "you divided"),
        (random_codes, lambda z, e: codes(z, (e - e.mean(0)) / e.std(0)), "as it comes"),
        (random_codes, lambda z, e: z.mean() + z.std() * e, "one mean and one spread"),
        (random_codes, lambda z, e: z.mean(0) + z.std() * e, "one spread for all"),
        (random_codes, lambda z, e: z.mean(0) + z.std(0, ddof=1) * e, "not by n − 1"),
        (random_codes, lambda z, e: codes(z, e)[0], "shape"),
        (energy, with_diagonal, "diagonal"),
        (energy, lambda x, y: by_sums(x, y, cross=1), "^the factor 2 of the first term is missing$"),
        (energy, lambda x, y: with_diagonal(x, y, 1), "factor 2 .* and the diagonal"),
        (energy, lambda x, y: by_sums(x, y, metric="sqeuclidean"), "squared distances"),
        (energy, lambda x, y: with_diagonal(x, y, metric="sqeuclidean"), "squared distances"),
        (energy, lambda x, y: 2 * np.sum((x.mean(0) - y.mean(0)) ** 2), "squared distances"),
        (energy, lambda x, y: -energy_distance(x, y), "the sign"),
        (energy, lambda x, y: energy_distance(x, y) / 2, "half of it"),
        (energy, lambda x, y: by_sums(x, y, root=0.5), "the root"),
        (energy, lambda x, y: by_sums(x, y, 0.5, 0.5), "both orders"),
        (energy, lambda x, y: by_sums(x, y, 1, 0), "within y are missing"),
        (energy, lambda x, y: by_sums(x, y, 0, 1), "within x are missing"),
        (energy, lambda x, y: by_sums(x, y, 0, 0), "within each sample are missing"),
        (energy, lambda x, y: 2 * cdist(x, y).sum() - cdist(x, x).sum() - cdist(y, y).sum(), "sums over pairs"),
        (energy, lambda x, y: by_sums(x, y, rows=len(x)), "different numbers of points"),
        (energy, lambda x, y: by_sums(x, y, metric="cityblock"), "absolute differences"),
        (energy, one_norm, "axis=-1"),
        (energy, lambda x, y: 2 * np.linalg.norm(x.mean(0) - y.mean(0)), "distance of the means"),
        (p_check, lambda o, null: np.mean(null >= o), "can be zero"),
        (p_check, lambda o, null: np.mean(null > o), "ties .* add one to both"),
        (p_check, lambda o, null: (1 + np.sum(null > o)) / (1 + len(null)), "use ≥"),
        (p_check, lambda o, null: (1 + np.sum(null >= o)) / len(null), "not below"),
        (p_check, lambda o, null: np.sum(null >= o) / (1 + len(null)), "not above"),
        (p_check, lambda o, null: (1 + np.sum(null <= o)) / (1 + len(null)), "wrong end"),
        (p_check, lambda o, null: np.mean(null <= o), "wrong end"),
        (p_check, lambda o, null: np.mean(null < o), "wrong end"),
        (p_check, lambda o, null: 1 - p_value(o, null), "one minus"),
        (p_check, lambda o, null: p_value(o, np.abs(null)), "one-sided"),
        (p_check, lambda o, null: np.mean(np.abs(null) >= o), "one-sided"),
        (p_check, lambda o, null: 2 * min(np.mean(null >= o), np.mean(null <= o)), "one-sided"),
        (p_check, lambda o, null: 2 * min(p_value(o, null), p_value(-o, -null)), "one-sided"),
        (p_check, lambda o, null: np.sum(null >= o), "a count"),
        (p_check, lambda o, null: 1 + np.sum(null >= o), "a count"),
        (p_check, lambda o, null: (o - null.mean()) / null.std(), "standard deviations"),
        (p_check, lambda o, null: null >= o, "shape"),
        (shift_check, lambda d, s: shifted(d, s) / 2, "half of it"),
        (shift_check, lambda d, s: shifted(d, s, within=1), "both E"),
        (shift_check, lambda d, s: shifted(d, s, cross=1), "factor 2"),
        (shift_check, lambda d, s: shifted(d, s, within=0), "this is 2 E"),
        (shift_check, lambda d, s: shifted(d, s, s), "the variances add"),
        (shift_check, lambda d, s: shifted(d, s, 2 * s), "not 2s"),
        (shift_check, lambda d, s: shifted(d, s, 2 * s**2), "take its root"),
        (shift_check, wrong_phi, "inside Φ"),
        (shift_check, lambda d, s: 2 * (d - 2 * s / np.pi**0.5), "more than the shift"),
        (shift_check, lambda d, s: 2 * d**2, "squared distances"),
        (shift_check, lambda d, s: d**2 / (s * np.pi**0.5), "small shifts"),
        (shift_check, lambda d, s: 2 * d, "very large shifts"),
        (shift_check, lambda d, s: d, "distance of the means"),
        (shift_check, lambda d, s: shifted(d, s) ** 0.5, "root is not taken"),
    ],
)
def test_each_usual_mistake_is_named(check, answer, words):
    with pytest.raises(Hint, match=words):
        check(answer)
