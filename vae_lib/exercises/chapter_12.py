"""Checks of chapter 12, pictures."""

import numpy as np
from scipy.special import ndtri

from vae_lib.exercises.judge import Hint, judge

_A, _B = np.array([1.3, -0.4, 0.9, 2.1, -0.6]), np.array([-0.2, 1.7, 0.5, 0.8, 1.1])
# probabilities [S, n, d]: 6 draws of z, 3 pictures, 4 pixels
_PI = np.random.default_rng(12).uniform(0.03, 0.97, size=(6, 3, 4)) ** np.array([0.5, 1.0, 2.0, 3.0])


def check_quantile_grid(grid):
    """``grid(G)``: codes [G², 2] at the prior's quantiles, in reading order."""
    G = 4
    steps = np.arange(G)
    ticks = ndtri((steps + 0.5) / G)

    def sheet(ticks, up=True, swap=False):
        z = np.stack(np.meshgrid(ticks, ticks[::-1] if up else ticks), axis=-1).reshape(-1, 2)
        return z[:, ::-1] if swap else z

    right = sheet(ticks)
    mistakes = [
        (sheet(ticks, up=False), "upside down: reading order begins at the top, with the largest z₂"),
        (
            sheet(ticks, up=False, swap=True),
            "z₂ grows along the rows here, z₁ should; and the first row is the top one",
        ),
        (sheet(ticks, swap=True), "the two columns are swapped: z₁ runs along a row"),
        (sheet(ticks[::-1], up=True), "both axes run backwards: z₁ grows to the right, z₂ upwards"),
        (right.reshape(G, G, 2), "the values are right: flatten the two grid axes, [G * G, 2]"),
        (sheet((steps + 0.5) / G), "these are probabilities: send them through Φ⁻¹, scipy.special.ndtri"),
        (sheet(ndtri((steps + 1) / (G + 1))), "(i + 1) / (G + 1) leaves more mass to the outer cells: use (i + ½) / G"),
        (sheet(ndtri(np.linspace(0.05, 0.95, G))), "cells of equal mass have their middles at (i + ½) / G"),
        (sheet(ndtri(np.linspace(0.01, 0.99, G))), "cells of equal mass have their middles at (i + ½) / G"),
        (sheet(np.linspace(-3, 3, G)), "these are even steps: the outer pictures stand for almost no mass"),
        (sheet(np.linspace(-2, 2, G)), "these are even steps: the outer pictures stand for almost no mass"),
        (ticks, "these are the ticks of one axis: the grid has a code for each pair of them"),
        (np.stack([ticks, ticks], axis=1), "this is the diagonal: the grid has a code for each pair of ticks"),
    ]
    answer = grid(G)
    if answer is not None and np.issubdtype(np.asarray(answer).dtype, np.number) and np.isinf(answer).any():
        raise Hint("Φ⁻¹(0) and Φ⁻¹(1) are infinite: take the middles of the slices, (i + ½) / G, not their ends")
    judge(answer, right, mistakes, praise="right: every picture stands for the same mass")


def check_slerp(slerp):
    """``slerp(a, b, t)``: spherical interpolation of two codes [k]."""
    a, b, t = _A, _B, 0.3
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    omega = np.arccos(a @ b / np.prod(lengths))
    weights = np.sin([(1 - t) * omega, t * omega])
    straight = (1 - t) * a + t * b
    unscaled = np.arccos(a @ b)  # of codes that are no unit vectors; here the product lies within −1 and 1
    right = (weights[0] * a + weights[1] * b) / np.sin(omega)
    length = (1 - t) * lengths[0] + t * lengths[1]
    directions = (weights[0] * a / lengths[0] + weights[1] * b / lengths[1]) / np.sin(omega)

    def with_angle(omega):
        return (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / np.sin(omega)

    mistakes = [
        (straight, "this is the line, not the sphere"),
        (with_angle(unscaled), "a·b is the cosine only of unit vectors: divide it by *both* norms"),
        (np.cos(np.pi / 2 * t) * a + np.sin(np.pi / 2 * t) * b, "this is the arc for a right angle: use the angle Ω"),
        (weights[0] * a + weights[1] * b, "the weights are divided by sin Ω: without it the ends are not a and b"),
        ((weights[1] * a + weights[0] * b) / np.sin(omega), "the weights are swapped: at t = 0 the answer must be a"),
        (directions, "you normalised the codes: only the angle needs unit vectors, the sum takes a and b themselves"),
        (directions * length, "only the angle needs unit vectors: the sum takes a and b themselves"),
        (straight / np.linalg.norm(straight) * length, "a line pushed out to the sphere moves at another speed: use Ω"),
        (straight / np.linalg.norm(straight), "this is a line pushed out to the unit sphere: use the weights with Ω"),
    ]
    answer = slerp(a.copy(), b.copy(), t)
    if answer is not None and np.shape(answer) == right.shape:
        if not np.isfinite(np.asarray(answer, float)).all():
            raise Hint("the angle is NaN: the cosine is a·b divided by *both* norms, and lies between −1 and 1")
        if np.allclose(answer, right):
            for near in (a.copy(), a * (1 + 1e-9), 1.5 * a):
                there = np.asarray(slerp(a.copy(), near, t), float)
                if not (np.isfinite(there).all() and np.allclose(there, (1 - t) * a + t * near)):
                    raise Hint(
                        "right in general, but for codes in one direction sin Ω is zero or rounding pushes the cosine "
                        "beyond one: clip the cosine, and take the limit for small Ω, the line"
                    )
            if not (np.allclose(slerp(a, b, 0.0), a) and np.allclose(slerp(a, b, 1.0), b)):
                raise Hint("the ends are wrong: at t = 0 the answer must be a, at t = 1 it must be b")
    judge(answer, right, mistakes, praise="right, also where the codes are nearly parallel")


def check_line_kl(line_kl):
    """``line_kl(t, k)``: KL of a line's point between two prior draws from the prior, nats."""
    t, k = np.array([0.5, 0.2, 0.35, 0.9]), np.array([20, 3, 7, 11])
    v = (1 - t) ** 2 + t**2

    def kl(v, k=k):
        return k / 2 * (v - 1 - np.log(v))

    right = kl(v)
    mistakes = [
        (-right, "a divergence is not negative: the sign is wrong"),
        (right / k, "this is one dimension's share: the terms add up over the k dimensions"),
        (2 * right, "off by a factor of two: each term has a ½"),
        (kl(np.full(4, 0.5)), "v = ½ only in the middle: it depends on t"),
        (kl((1 - t) + t), "variances add with the *squares* of the weights: v = (1 − t)² + t²"),
        (kl(np.sqrt(v)), "v is the variance, not the standard deviation"),
        (kl(v**2), "v is a variance already: it is not squared again"),
        (k / 2 * (1 / v - 1 + np.log(v)), "this is the divergence of the prior from the path: the other direction"),
        (k / 2 * (v - 1 - 0.5 * np.log(v)), "the logarithm of the variance, not of the standard deviation"),
        (k / 2 * (v - 1 + np.log(v)), "the sign of the logarithm is wrong: at v = 1 the divergence has its minimum"),
        (k / 2 * (v - np.log(v)), "at v = 1 the divergence must be zero: the −1 is missing"),
    ]
    answers = [line_kl(float(one), int(dims)) for one, dims in zip(t, k, strict=True)]
    answer = None if answers[0] is None else np.stack([np.asarray(value) for value in answers])
    judge(answer, right, mistakes, praise="right: the cost grows in proportion to k")


def check_shown_share(shown_share):
    """``shown_share(pi)``: the share of a likelihood sample's variance that posterior samples show, [n]."""
    pi = _PI
    mean = pi.mean(axis=0)
    code, noise = pi.var(axis=0), (pi * (1 - pi)).mean(axis=0)
    total = mean * (1 - mean)
    right = code.sum(axis=1) / total.sum(axis=1)
    mistakes = [
        (1 - right, "this is the share that they hide"),
        (code.sum(axis=1) / noise.sum(axis=1), "the total is the sum of *both* terms: you divided by the other one"),
        ((code / total).mean(axis=1), "sum over the pixels first, then divide: a mean of ratios is another number"),
        ((code / total).sum(axis=1), "sum over the pixels first, then divide"),
        (code.sum(axis=1), "this is the variance that they show: divide by the total"),
        (np.sqrt(right), "a share of the variance, not of the standard deviation"),
        (
            np.sqrt(code).sum(axis=1) / np.sqrt(total).sum(axis=1),
            "variances add over pixels, standard deviations do not: sum before any root",
        ),
        (code.sum() / total.sum(), "one number for each picture: do not sum over the pictures"),
        (right.mean(), "one number for each picture: do not average over them"),
        (code / total, "this is each pixel's share: sum both variances over the pixels first"),
        (code.sum(axis=0) / total.sum(axis=0), "you summed over the pictures: the pixels are the last axis"),
        (
            pi.var(axis=1).sum(axis=-1) / (pi.mean(axis=1) * (1 - pi.mean(axis=1))).sum(axis=-1),
            "the draws of z are the first axis: the variance is over them, not over the pictures",
        ),
        (
            pi.var(axis=0, ddof=1).sum(axis=1) / total.sum(axis=1),
            "here variances are divided by S, not by S − 1: else the two terms do not add up to the total",
        ),
    ]
    judge(shown_share(pi.copy()), right, mistakes, praise="right: both terms at once are π̄(1 − π̄)")
