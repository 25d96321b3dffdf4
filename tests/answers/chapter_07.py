"""Right and wrong answers to the checks of chapter 7."""

import numpy as np

from vae_lib import exercises


def kl(a, b, c, d):
    return 0.5 * (np.log(d / b) + (b + (a - c) ** 2) / d - 1)


def elbo(x, m, s, sigma, spread=lambda s: s**2, rate_sign=1, constant=1.0, half=0.5):
    reconstruction = -0.5 * (constant * np.log(2 * np.pi) + 2 * np.log(sigma) + ((x - m) ** 2 + spread(s)) / sigma**2)
    return reconstruction - rate_sign * half * (m**2 + s**2 - 1 - 2 * np.log(s))


def gap(x, m, s, sigma):
    return kl(m, s**2, x / (1 + sigma**2), sigma**2 / (1 + sigma**2))


def estimate(log_joint, log_q):
    log_w = log_joint - log_q
    return log_w.mean(), log_w.std(ddof=1) / np.sqrt(len(log_w))


RIGHT = [
    (exercises.check_gaussian_elbo, elbo),
    (exercises.check_gaussian_gap, gap),
    (exercises.check_mean_field, lambda covariance: 1 / np.diag(np.linalg.inv(covariance))),
    (exercises.check_sampled_bound, estimate),
]

WRONG = {
    exercises.check_gaussian_elbo: [
        (lambda *a: elbo(*a, rate_sign=-1), "sign of the rate"),
        (lambda *a: -elbo(*a), "free energy"),
        (lambda *a: elbo(*a, half=0), "rate is missing"),
        (lambda *a: elbo(*a, half=1), "drop its ½"),
        (lambda *a: elbo(*a, spread=lambda s: 0), "variance of z is missing"),
        (lambda *a: elbo(*a, spread=lambda s: s), "added s, not s²"),
        (lambda *a: elbo(*a, constant=0), "log 2π"),
        (lambda x, m, s, g: elbo(x, m, s, g) + 0.5 * np.log(2 * np.pi * g**2), "½ log 2πσ² is missing"),
        (lambda x, m, s, g: elbo(x, m, s, g) - 0.5 * ((x - m) ** 2 + s**2) / g**2, "squared error is twice"),
        (lambda x, m, s, g: elbo(x, m, s, g) + 0.5 * np.log(g), "used log σ"),
        (lambda x, m, s, g: elbo(x, m, s, g) - 0.5 * np.log(s), "used log s"),
        (lambda x, m, s, g: elbo(x, m, s, g) + 0.5 * (np.log(2 * np.pi) + m**2 + s**2), "prior is forgotten"),
        (lambda x, m, s, g: elbo(x, m, s**0.5, g), "s is a standard deviation"),
        (lambda x, m, s, g: elbo(x, m, s, g**0.5), "σ is a standard deviation"),
        (lambda *a: elbo(*a) / np.log(2), "bits"),
        (lambda *a: [elbo(*a)], "shape"),
        (lambda *a: elbo(*a) + 1, "not yet"),
    ],
    exercises.check_gaussian_gap: [
        (lambda x, m, s, g: kl(x / (1 + g**2), g**2 / (1 + g**2), m, s**2), "under q"),
        (lambda x, m, s, g: kl(m, s**2, 0, 1), "from the prior"),
        (lambda *a: -gap(*a), "never negative"),
        (lambda *a: 2 * gap(*a), "½"),
        (lambda *a: gap(*a) + 0.5, "−1 is missing"),
        (lambda *a: elbo(*a) + gap(*a), "log p"),
        (lambda x, m, s, g: kl(m, s**2, x, g**2), "likelihood"),
        (lambda x, m, s, g: kl(m, s**2, x / (1 + g**2), 1 + 1 / g**2), "precision"),
        (lambda x, m, s, g: kl(m, s**2, x / (1 + g**2), (g**2 / (1 + g**2)) ** 0.5), "standard deviation"),
        (lambda x, m, s, g: kl(m, s**2, x, g**2 / (1 + g**2)), "pulls it towards zero"),
    ],
    exercises.check_mean_field: [
        (np.diag, "marginal variances"),
        (lambda c: np.diag(np.linalg.inv(c)), "diagonal of the precision"),
        (lambda c: 1 / np.diag(c), "invert the matrix first"),
        (lambda c: np.diag(np.linalg.inv(c)) ** -0.5, "standard deviations"),
        (lambda c: np.diag(1 / np.diag(np.linalg.inv(c))), "in a matrix"),
        (lambda c: 1 / np.linalg.inv(c), "a matrix; the variances"),
        (np.linalg.inv, "whole precision matrix"),
        (lambda c: np.diag(np.diag(c)), "a matrix of marginal"),
        (np.linalg.eigvalsh, "rotated axes"),
    ],
    exercises.check_sampled_bound: [
        (lambda p, q: (p - q).mean(), "two numbers"),
        (lambda p, q: (np.log(np.mean(np.exp(p - q))), 0), "importance-weighted"),
        (lambda p, q: ((p - q).sum(), 0), "a sum"),
        (lambda p, q: ((q - p).mean(), 0), "the sign"),
        (lambda p, q: (p.mean(), 0), "missing"),
        (lambda p, q: ((p + q).mean(), 0), "you added it"),
        (lambda p, q: ((p - q).mean(), (p - q).std()), "of one draw"),
        (lambda p, q: ((p - q).mean(), (p - q).var(ddof=1) / 50), "square root"),
        (lambda p, q: ((p - q).mean(), (p - q).std(ddof=1) / 50), "not by L"),
    ],
}
