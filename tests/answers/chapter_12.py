"""Right and wrong answers to the checks of chapter 12."""

import numpy as np
from scipy.special import ndtri

from vae_lib import exercises


def sheet(ticks, up=True):
    return np.stack(np.meshgrid(ticks, ticks[::-1] if up else ticks), axis=-1).reshape(-1, 2)


def middles(G):
    return ndtri((np.arange(G) + 0.5) / G)


def grid(G):
    return sheet(middles(G))


def weights(a, b, t, angle=None):
    cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
    omega = np.arccos(np.clip(cosine, -1, 1)) if angle is None else angle
    return np.sin((1 - t) * omega), np.sin(t * omega), np.sin(omega)


def line(a, b, t):
    return (1 - t) * a + t * b


def fragile(a, b, t):
    first, second, whole = weights(a, b, t)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (first * a + second * b) / whole


def slerp(a, b, t):
    return line(a, b, t) if weights(a, b, t)[2] < 1e-6 else fragile(a, b, t)


def unit(a):
    return a / np.linalg.norm(a)


def length(a, b, t):
    return line(np.linalg.norm(a), np.linalg.norm(b), t)


def unnormalised(a, b, t):
    with np.errstate(invalid="ignore"):
        omega = np.arccos(a @ b * 10)
    return a * np.sin(omega) + b


def no_norms(a, b, t):
    first, second, whole = weights(a, b, t, angle=np.arccos(np.clip(a @ b, -1, 1)))
    return (first * a + second * b) / whole


def wrong_ends(a, b, t):
    return {0.0: b, 1.0: a}.get(t, slerp(a, b, t))


def kl(v, k):
    return k / 2 * (v - 1 - np.log(v))


def v(t):
    return (1 - t) ** 2 + t**2


def total(pi):
    return pi.mean(0) * (1 - pi.mean(0))


def share(pi):
    return pi.var(0).sum(1) / total(pi).sum(1)


def over_pictures(pi):
    mean = pi.mean(1)
    return pi.var(1).sum(-1) / (mean * (1 - mean)).sum(-1)


RIGHT = [
    (exercises.check_quantile_grid, grid),
    (exercises.check_quantile_grid, lambda G: grid(G).tolist()),
    (exercises.check_slerp, slerp),
    (exercises.check_slerp, lambda a, b, t: slerp(a, b, t).astype(np.float32)),
    (exercises.check_line_kl, lambda t, k: kl(v(t), k)),
    (exercises.check_shown_share, share),
    (exercises.check_shown_share, lambda pi: pi.var(0).sum(1) / (pi.var(0) + (pi * (1 - pi)).mean(0)).sum(1)),
]

WRONG = {
    exercises.check_quantile_grid: [
        (lambda G: sheet(middles(G), up=False), "upside down"),
        (lambda G: sheet(middles(G), up=False)[:, ::-1], "the first row is the top one"),
        (lambda G: grid(G)[:, ::-1], "the two columns are swapped"),
        (lambda G: sheet(middles(G)[::-1]), "run backwards"),
        (lambda G: grid(G).reshape(G, G, 2), "flatten"),
        (lambda G: sheet((np.arange(G) + 0.5) / G), "these are probabilities"),
        (lambda G: sheet(ndtri(np.arange(1, G + 1) / (G + 1))), "more mass to the outer cells"),
        (lambda G: sheet(ndtri(np.linspace(0.05, 0.95, G))), "cells of equal mass"),
        (lambda G: sheet(ndtri(np.linspace(0.01, 0.99, G))), "cells of equal mass"),
        (lambda G: sheet(ndtri(np.linspace(0, 1, G))), "are infinite"),
        (lambda G: sheet(ndtri(np.arange(G) / G)), "are infinite"),
        (lambda G: sheet(np.linspace(-3, 3, G)), "even steps"),
        (lambda G: sheet(np.linspace(-2, 2, G)), "even steps"),
        (middles, "ticks of one axis"),
        (lambda G: np.stack([middles(G), middles(G)], 1), "the diagonal"),
        (lambda G: grid(G)[:3], "shape"),
        (lambda G: grid(G) + 0.1, "not yet"),
    ],
    exercises.check_slerp: [
        (line, "this is the line"),
        (lambda a, b, t: np.cos(np.pi / 2 * t) * a + np.sin(np.pi / 2 * t) * b, "right angle"),
        (no_norms, "only of unit vectors"),
        (lambda a, b, t: slerp(a, b, t) * weights(a, b, t)[2], "divided by sin Ω"),
        (lambda a, b, t: slerp(a, b, 1 - t), "the weights are swapped"),
        (lambda a, b, t: slerp(unit(a), unit(b), t), "you normalised"),
        (lambda a, b, t: slerp(unit(a), unit(b), t) * length(a, b, t), "only the angle needs"),
        (lambda a, b, t: unit(line(a, b, t)) * length(a, b, t), "moves at another speed"),
        (lambda a, b, t: unit(line(a, b, t)), "out to the unit sphere"),
        (unnormalised, "the angle is NaN"),
        (fragile, "for codes in one direction"),
        (wrong_ends, "the ends are wrong"),
        (lambda a, b, t: slerp(a, b, t)[:2], "shape"),
        (lambda a, b, t: slerp(a, b, t) + 0.1, "not yet"),
    ],
    exercises.check_line_kl: [
        (lambda t, k: -kl(v(t), k), "the sign is wrong"),
        (lambda t, k: kl(v(t), 1), "one dimension's share"),
        (lambda t, k: 2 * kl(v(t), k), "factor of two"),
        (lambda t, k: kl(0.5, k), "only in the middle"),
        (lambda t, k: kl(1 - t + t, k), "*squares* of the weights"),
        (lambda t, k: kl(v(t) ** 0.5, k), "not the standard deviation"),
        (lambda t, k: kl(v(t) ** 2, k), "not squared again"),
        (lambda t, k: k / 2 * (1 / v(t) - 1 + np.log(v(t))), "the other direction"),
        (lambda t, k: k / 2 * (v(t) - 1 - np.log(v(t)) / 2), "logarithm of the variance"),
        (lambda t, k: k / 2 * (v(t) - 1 + np.log(v(t))), "sign of the logarithm"),
        (lambda t, k: k / 2 * (v(t) - np.log(v(t))), "−1 is missing"),
        (lambda t, k: [t, k], "shape"),
        (lambda t, k: kl(v(t), k) + 0.1, "not yet"),
    ],
    exercises.check_shown_share: [
        (lambda pi: 1 - share(pi), "that they hide"),
        (lambda pi: pi.var(0).sum(1) / (pi * (1 - pi)).mean(0).sum(1), "sum of *both* terms"),
        (lambda pi: (pi.var(0) / total(pi)).mean(1), "a mean of ratios"),
        (lambda pi: (pi.var(0) / total(pi)).sum(1), "then divide"),
        (lambda pi: pi.var(0).sum(1), "divide by the total"),
        (lambda pi: share(pi) ** 0.5, "not of the standard deviation"),
        (lambda pi: pi.std(0).sum(1) / (total(pi) ** 0.5).sum(1), "standard deviations do not"),
        (lambda pi: pi.var(0).sum() / total(pi).sum(), "do not sum over the pictures"),
        (lambda pi: share(pi).mean(), "do not average over them"),
        (lambda pi: pi.var(0) / total(pi), "each pixel's share"),
        (lambda pi: pi.var(0).sum(0) / total(pi).sum(0), "you summed over the pictures"),
        (over_pictures, "the first axis"),
        (lambda pi: pi.var(0, ddof=1).sum(1) / total(pi).sum(1), "divided by S"),
        (lambda pi: share(pi)[:2], "shape"),
        (lambda pi: share(pi) + 0.1, "not yet"),
    ],
}
