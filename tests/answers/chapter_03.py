"""Right and wrong answers to the checks of chapter 3."""

import numpy as np

from vae_lib import exercises


def denoiser(x, mean, s, sigma, factor=lambda s, g: g**2 / (s**2 + g**2)):
    return x + factor(s, sigma) * (mean - x)


def score(r, x, sigma, factor=lambda g: 1 / g**2):
    return (r(x) - x) * factor(sigma)


def sparse(x, r, z, weight, penalty=lambda z: np.abs(z).sum(-1), sign=-1, mean=np.sum):
    return -mean((x - r) ** 2, -1) + sign * weight * penalty(z)


def jacobian(x, kernel, bias, slope=lambda a: 1 - np.tanh(a) ** 2, power=2):
    return slope(x @ kernel + bias) ** power @ np.sum(kernel**2, axis=0)


def summed_jacobian(x, kernel, bias):
    return np.sum(((1 - np.tanh(x @ kernel + bias) ** 2) @ kernel.T) ** 2, -1)


RIGHT = [
    (exercises.check_gaussian_denoiser, denoiser),
    (exercises.check_denoiser_score, score),
    (exercises.check_sparse, sparse),
    (exercises.check_tanh_jacobian, jacobian),
]

WRONG = {
    exercises.check_gaussian_denoiser: [
        (lambda *a: denoiser(*a, lambda s, g: s**2 / (s**2 + g**2)), "swapped"),
        (lambda *a: denoiser(*a, lambda s, g: -(g**2) / (s**2 + g**2)), "sign"),
        (lambda *a: denoiser(*a, lambda s, g: g**2 / s**2), "noisy density"),
        (lambda *a: denoiser(*a, lambda s, g: g / (s + g)), "you used standard"),
        (lambda *a: denoiser(*a, lambda s, g: (g / (s + g)) ** 2), "variances add"),
        (lambda *a: denoiser(*a, lambda s, g: g / (s**2 + g**2)), "not by σ"),
        (lambda *a: denoiser(*a, lambda s, g: 1 / (s**2 + g**2)), "missing"),
        (lambda x, m, s, g: (m - x) / (s**2 + g**2), "this is the score"),
        (lambda *a: denoiser(*a) - a[0], "this is the step"),
        (lambda *a: denoiser(*a) + 1, "not yet"),
    ],
    exercises.check_denoiser_score: [
        (lambda *a: -score(*a), "sign"),
        (lambda *a: score(*a, lambda g: 1 / g), "divided by σ"),
        (lambda *a: score(*a, lambda g: 1), "this is the step"),
        (lambda *a: score(*a, lambda g: g**2), "multiplied"),
        (lambda r, x, g: r(x) / g**2, "subtract x"),
        (lambda *a: score(*a) / 2, "half"),
        (lambda *a: 2 * score(*a), "factor 2"),
    ],
    exercises.check_sparse: [
        (lambda *a: -sparse(*a), "sign of the whole"),
        (lambda *a: -sparse(*a, sign=1), "sign of the error"),
        (lambda *a: sparse(*a, sign=1), "sign of the penalty"),
        (lambda *a: sparse(*a, mean=lambda e, _: np.sqrt(e.sum(-1))), "root"),
        (lambda *a: sparse(*a, lambda z: z.sum(-1)), "absolute values are missing"),
        (lambda *a: sparse(*a, lambda z: (z**2).sum(-1)), "squared L2"),
        (lambda *a: sparse(*a, lambda z: np.sum(z != 0, -1)), "counted"),
        (lambda *a: sparse(*a, lambda z: np.sqrt((z**2).sum(-1))), "the L2 norm"),
        (lambda *a: sparse(*a, lambda z: np.abs(z).mean(-1)), "averaged over the code"),
        (lambda *a: sparse(*a, mean=np.mean), "averaged the error"),
        (lambda x, r, z, w: sparse(x, r, z, 1), "weight is missing"),
        (lambda x, r, z, w: sparse(x, r, z, 0), "penalty is missing"),
        (lambda *a: sparse(*a).mean(), "one value per example"),
    ],
    exercises.check_tanh_jacobian: [
        (lambda *a: np.sqrt(jacobian(*a)), "its square"),
        (lambda *a: jacobian(*a, power=1), "as well"),
        (lambda *a: jacobian(*a, lambda a: np.tanh(a) * (1 - np.tanh(a))), "sigmoid"),
        (lambda *a: jacobian(*a, np.ones_like), "derivative of tanh is missing"),
        (lambda *a: jacobian(*a, lambda a: 1 - a**2), "not its input"),
        (summed_jacobian, "before adding"),
        (lambda x, k, b: (1 - np.tanh(x @ k + b) ** 2) ** 2 * np.sum(k**2, axis=0), "all the units"),
        (lambda x, k, b: jacobian(x, k, 0 * b), "bias is missing"),
        (lambda *a: jacobian(*a).mean(), "one value per example"),
        (lambda *a: jacobian(*a) / 12, "averaged"),
    ],
}
