"""The checks of chapter 7 pass the right answers and name the usual mistakes."""

import numpy as np
import pytest

from vae_lib import exercises
from vae_lib.exercises import Hint


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


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (exercises.check_gaussian_elbo, elbo),
        (exercises.check_gaussian_gap, gap),
        (exercises.check_mean_field, lambda covariance: 1 / np.diag(np.linalg.inv(covariance))),
        (exercises.check_sampled_bound, estimate),
    ],
)
def test_a_right_answer_gets_a_tick_and_none_a_hint(check, answer, capsys):
    check(answer)
    assert "✓" in capsys.readouterr().out
    with pytest.raises(Hint):
        check(lambda *_: None)


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (exercises.check_gaussian_elbo, lambda *a: elbo(*a, rate_sign=-1), "sign of the rate"),
        (exercises.check_gaussian_elbo, lambda *a: -elbo(*a), "free energy"),
        (exercises.check_gaussian_elbo, lambda *a: elbo(*a, half=0), "rate is missing"),
        (exercises.check_gaussian_elbo, lambda *a: elbo(*a, half=1), "drop its ½"),
        (exercises.check_gaussian_elbo, lambda *a: elbo(*a, spread=lambda s: 0), "variance of z is missing"),
        (exercises.check_gaussian_elbo, lambda *a: elbo(*a, spread=lambda s: s), "added s, not s²"),
        (exercises.check_gaussian_elbo, lambda *a: elbo(*a, constant=0), "log 2π"),
        (
            exercises.check_gaussian_elbo,
            lambda x, m, s, g: elbo(x, m, s, g) + 0.5 * np.log(2 * np.pi * g**2),
            "½ log 2πσ² is missing",
        ),
        (
            exercises.check_gaussian_elbo,
            lambda x, m, s, g: elbo(x, m, s, g) - 0.5 * ((x - m) ** 2 + s**2) / g**2,
            "squared error is twice",
        ),
        (exercises.check_gaussian_elbo, lambda x, m, s, g: elbo(x, m, s, g) + 0.5 * np.log(g), "used log σ"),
        (exercises.check_gaussian_elbo, lambda x, m, s, g: elbo(x, m, s, g) - 0.5 * np.log(s), "used log s"),
        (
            exercises.check_gaussian_elbo,
            lambda x, m, s, g: elbo(x, m, s, g) + 0.5 * (np.log(2 * np.pi) + m**2 + s**2),
            "prior is forgotten",
        ),
        (exercises.check_gaussian_elbo, lambda x, m, s, g: elbo(x, m, s**0.5, g), "s is a standard deviation"),
        (exercises.check_gaussian_elbo, lambda x, m, s, g: elbo(x, m, s, g**0.5), "σ is a standard deviation"),
        (exercises.check_gaussian_elbo, lambda *a: elbo(*a) / np.log(2), "bits"),
        (exercises.check_gaussian_elbo, lambda *a: [elbo(*a)], "shape"),
        (exercises.check_gaussian_elbo, lambda *a: elbo(*a) + 1, "not yet"),
        (exercises.check_gaussian_gap, lambda x, m, s, g: kl(x / (1 + g**2), g**2 / (1 + g**2), m, s**2), "under q"),
        (exercises.check_gaussian_gap, lambda x, m, s, g: kl(m, s**2, 0, 1), "from the prior"),
        (exercises.check_gaussian_gap, lambda *a: -gap(*a), "never negative"),
        (exercises.check_gaussian_gap, lambda *a: 2 * gap(*a), "½"),
        (exercises.check_gaussian_gap, lambda *a: gap(*a) + 0.5, "−1 is missing"),
        (exercises.check_gaussian_gap, lambda *a: elbo(*a) + gap(*a), "log p"),
        (exercises.check_gaussian_gap, lambda x, m, s, g: kl(m, s**2, x, g**2), "likelihood"),
        (exercises.check_gaussian_gap, lambda x, m, s, g: kl(m, s**2, x / (1 + g**2), 1 + 1 / g**2), "precision"),
        (
            exercises.check_gaussian_gap,
            lambda x, m, s, g: kl(m, s**2, x / (1 + g**2), (g**2 / (1 + g**2)) ** 0.5),
            "standard deviation",
        ),
        (exercises.check_gaussian_gap, lambda x, m, s, g: kl(m, s**2, x, g**2 / (1 + g**2)), "pulls it towards zero"),
        (exercises.check_mean_field, np.diag, "marginal variances"),
        (exercises.check_mean_field, lambda c: np.diag(np.linalg.inv(c)), "diagonal of the precision"),
        (exercises.check_mean_field, lambda c: 1 / np.diag(c), "invert the matrix first"),
        (exercises.check_mean_field, lambda c: np.diag(np.linalg.inv(c)) ** -0.5, "standard deviations"),
        (exercises.check_mean_field, lambda c: np.diag(1 / np.diag(np.linalg.inv(c))), "in a matrix"),
        (exercises.check_mean_field, lambda c: 1 / np.linalg.inv(c), "a matrix; the variances"),
        (exercises.check_mean_field, np.linalg.inv, "whole precision matrix"),
        (exercises.check_mean_field, lambda c: np.diag(np.diag(c)), "a matrix of marginal"),
        (exercises.check_mean_field, np.linalg.eigvalsh, "rotated axes"),
        (exercises.check_sampled_bound, lambda p, q: (p - q).mean(), "two numbers"),
        (exercises.check_sampled_bound, lambda p, q: (np.log(np.mean(np.exp(p - q))), 0), "importance-weighted"),
        (exercises.check_sampled_bound, lambda p, q: ((p - q).sum(), 0), "a sum"),
        (exercises.check_sampled_bound, lambda p, q: ((q - p).mean(), 0), "the sign"),
        (exercises.check_sampled_bound, lambda p, q: (p.mean(), 0), "missing"),
        (exercises.check_sampled_bound, lambda p, q: ((p + q).mean(), 0), "you added it"),
        (exercises.check_sampled_bound, lambda p, q: ((p - q).mean(), (p - q).std()), "of one draw"),
        (exercises.check_sampled_bound, lambda p, q: ((p - q).mean(), (p - q).var(ddof=1) / 50), "square root"),
        (exercises.check_sampled_bound, lambda p, q: ((p - q).mean(), (p - q).std(ddof=1) / 50), "not by L"),
    ],
)
def test_each_usual_mistake_is_named(check, answer, words):
    with pytest.raises(Hint, match=words):
        check(answer)
