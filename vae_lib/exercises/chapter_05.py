"""Checks of chapter 5, how far apart are two distributions."""

import numpy as np
from scipy.special import rel_entr, xlogy

from vae_lib.exercises.judge import judge

# Inputs on which the right answer and the usual wrong ones differ.
_P = np.array([[0.5, 0.2, 0.3], [0.15, 0.85, 0.0], [0.3, 0.3, 0.4]])
_Q = np.array([[0.2, 0.5, 0.3], [0.6, 0.4, 0.0], [0.15, 0.25, 0.6]])
_M_Q, _S_Q = np.array([[0.3, -1.1, 0.7], [1.9, 0.2, -0.4]]), np.array([[0.4, 1.7, 0.9], [1.3, 0.6, 2.2]])
_M_P, _S_P = np.array([[-0.5, 0.2, 1.6], [0.1, -0.8, 0.9]]), np.array([[1.2, 0.7, 1.5], [0.8, 1.9, 0.5]])


def check_entropy_discrete(entropy):
    """``entropy(p)``: the entropy of each row of ``p`` [n, k] in nats, [n]."""
    right = -xlogy(_Q, _Q).sum(axis=-1)
    mistakes = [
        (-right, "the sign is wrong: a surprise −log p is never negative for a discrete p"),
        (right / np.log(2), "this is in bits: nats were asked, so take the natural logarithm"),
        (right / _Q.shape[-1], "you averaged over the values: the probabilities are the weights already, so sum"),
        (right.sum(), "you summed over the rows too: one entropy for each distribution, axis=-1"),
        (-xlogy(_Q, _Q).sum(axis=0), "you summed down the columns: each row is a distribution, axis=-1"),
        (-xlogy(_Q, _Q), "these are the single terms: sum over the last axis"),
        (-np.log(np.where(_Q > 0, _Q, 1)).sum(axis=-1), "each surprise must be weighted with its probability"),
    ]
    judge(entropy(_Q.copy()), right, mistakes, praise="right: the mean surprise, and nothing for what never happens")


def check_entropy_gaussian(entropy):
    """``entropy(s)``: the entropy of Gaussians with standard deviations ``s`` [n, d] in nats, [n]."""
    d = _S_Q.shape[-1]
    right = 0.5 * np.log(2 * np.pi * np.e * _S_Q**2).sum(axis=-1)
    mistakes = [
        (2 * right, "off by a factor of two: did you drop the ½?"),
        (right / d, "you averaged over the dimensions: the entropies of independent components add"),
        (0.5 * np.log(2 * np.pi * np.e * _S_Q).sum(axis=-1), "the variance s² belongs under the logarithm, not s"),
        (0.5 * np.log(2 * np.pi * np.e * _S_Q**4).sum(axis=-1), "you squared twice: s is the standard deviation"),
        (right - d / 2, "½ is missing in each dimension: the squared deviation averages to s², so its term gives ½"),
        (right - (d - 1) / 2, "the ½ is there once: each dimension brings its own"),
        (
            0.5 * np.log(2 * np.pi * np.e * np.prod(_S_Q, axis=-1) ** 2),
            "each dimension brings its own 2πe: with the product of the s it is (2πe) to the power d",
        ),
        (
            0.5 * np.log(2 * np.pi * np.e * np.sum(_S_Q**2, axis=-1)),
            "you added the variances under one logarithm: take the logarithm of each, then add",
        ),
        (right - 0.5 * d * np.log(2 * np.pi), "the 2π is missing: it is part of the density"),
        (-right, "the sign is wrong: the entropy is minus the mean of log p"),
        (right / np.log(2), "this is in bits: nats were asked, so take the natural logarithm"),
        (right.sum(), "you summed over the rows too: one entropy for each Gaussian, axis=-1"),
        (0.5 * np.log(2 * np.pi * np.e * _S_Q**2), "these are entropies of single components: sum over the last axis"),
    ]
    judge(entropy(_S_Q.copy()), right, mistakes, praise="right: ½ log(2πe s²), summed over the dimensions")


def check_kl_in_bits(kl):
    """``kl(q, p)``: KL(q ‖ p) of each row of ``q`` and ``p`` [n, k] in bits, [n]."""
    nats = rel_entr(_Q, _P).sum(axis=-1)
    right = nats / np.log(2)
    mistakes = [
        (nats, "this is in nats: divide by log 2"),
        (nats * np.log(2), "you multiplied by log 2: a nat is more than a bit, so divide"),
        (-right, "the sign is wrong: log q − log p, in this order"),
        (rel_entr(_Q, _P) / np.log(2), "these are the single terms: sum over the last axis"),
        (rel_entr(_P, _Q).sum(axis=-1), "this is KL(p ‖ q), and in nats: weight with q, and divide by log 2"),
        (rel_entr(_P, _Q).sum(axis=-1) / np.log(2), "this is KL(p ‖ q): the first name draws, so weight with q"),
        (-xlogy(_Q, _P).sum(axis=-1) / np.log(2), "this is the cross-entropy: subtract the entropy of q"),
        (right / _Q.shape[-1], "you averaged over the values: q is the weight already, so sum"),
        (right.sum(), "you summed over the rows too: one divergence for each pair, axis=-1"),
    ]
    judge(kl(_Q.copy(), _P.copy()), right, mistakes, praise="right, in bits")


def check_kl_two_gaussians(kl):
    """``kl(m_q, s_q, m_p, s_p)``: KL(q ‖ p) in nats of Gaussians given by means and standard deviations [n, d], [n]."""
    q, p = (_M_Q, _S_Q), (_M_P, _S_P)
    right = _both(_kl, q, p)

    def variances_for_deviations(m_q, s_q, m_p, s_p):
        return _kl(m_q, np.sqrt(s_q), m_p, np.sqrt(s_p))

    def without_half(m_q, s_q, m_p, s_p):
        return 2 * _kl(m_q, s_q, m_p, s_p)

    def without_last_term(m_q, s_q, m_p, s_p):
        return _kl(m_q, s_q, m_p, s_p) + 0.5

    def variance_of_q_below(m_q, s_q, m_p, s_p):
        return np.log(s_p / s_q) + (s_q**2 + (m_q - m_p) ** 2) / (2 * s_q**2) - 0.5

    def without_shift(m_q, s_q, m_p, s_p):
        return _kl(m_q, s_q, m_q, s_p)

    def shift_not_squared(m_q, s_q, m_p, s_p):
        return _kl(m_q, s_q, m_q, s_p) + (m_q - m_p) / (2 * s_p**2)

    def logarithm_upside_down(m_q, s_q, m_p, s_p):
        return _kl(m_q, s_q, m_p, s_p) + 2 * np.log(s_q / s_p)

    def half_a_logarithm(m_q, s_q, m_p, s_p):
        return _kl(m_q, s_q, m_p, s_p) - 0.5 * np.log(s_p / s_q)

    def from_the_standard_gaussian(m_q, s_q, m_p, s_p):
        return _kl(m_q, s_q, np.zeros_like(m_q), np.ones_like(s_q))

    def without_two_below(m_q, s_q, m_p, s_p):
        return _kl(m_q, s_q, m_p, s_p) + (s_q**2 + (m_q - m_p) ** 2) / (2 * s_p**2)

    mistakes = [
        (right[::-1], "this is KL(p ‖ q): the expectation is over q, so the variance of p divides"),
        (
            _both(from_the_standard_gaussian, q, p),
            "this is the divergence from N(0, 1): p has a mean and a deviation of its own",
        ),
        (_both(without_half, q, p), "off by a factor of two: did you drop the ½?"),
        (right / _M_Q.shape[-1], "you averaged over the dimensions: divergences of independent components add"),
        (_both(variances_for_deviations, q, p), "you took the standard deviations for variances: square them"),
        (_both(without_last_term, q, p), "½ is missing in each dimension: two equal Gaussians must give zero"),
        (right + (_M_Q.shape[-1] - 1) / 2, "½ is subtracted once: each dimension brings its own"),
        (_both(variance_of_q_below, q, p), "you divided by the variance of q: that of p divides"),
        (_both(logarithm_upside_down, q, p), "the logarithm is upside down: it is log(s_p / s_q)"),
        (_both(half_a_logarithm, q, p), "½ log is right for variances; for standard deviations it is log(s_p / s_q)"),
        (_both(without_two_below, q, p), "the 2 under the squares is missing: they are divided by 2 s_p²"),
        (_both(without_shift, q, p), "the means do not appear: (m_q − m_p)² is missing"),
        (_both(shift_not_squared, q, p), "the difference of the means must be squared"),
        (-right, "the sign is wrong: a divergence is never negative"),
        (right / np.log(2), "this is in bits: nats were asked, so take the natural logarithm"),
        (_both(_kl, q, p, total=False), "these are the divergences of single components: sum over the last axis"),
        (right.sum(axis=-1), "you summed over the rows too: one divergence for each pair, axis=-1"),
    ]
    answers = [kl(*(a.copy() for a in (*q, *p))), kl(*(a.copy() for a in (*p, *q)))]
    answers = None if answers[0] is None or answers[1] is None else answers
    judge(answers, right, mistakes, praise="right, in both directions")


def check_monte_carlo_kl(estimate):
    """``estimate(log_q, log_p)``: (mean, standard error) of KL(q ‖ p) from log-densities [n] at draws from q."""
    rng = np.random.default_rng(5)
    x = 1.5 + 2 * rng.standard_normal(400)
    log_q = -0.5 * ((x - 1.5) / 2) ** 2 - np.log(2)
    log_p = -0.5 * x**2
    log_ratio, n = log_q - log_p, len(x)
    mean, std = log_ratio.mean(), log_ratio.std(ddof=1)
    error = std / np.sqrt(n)
    weights = np.exp(-log_ratio)
    mistakes = [
        ([mean, std], "this is the spread of a single term: the mean of n is nearer, divide by √n"),
        ([mean, std / n], "you divided by n: the variance falls like 1/n, the standard error like 1/√n"),
        ([mean, std**2 / n], "this is the variance of the mean: the standard error is its square root"),
        ([mean, std**2], "this is the variance of a single term: divide by n and take the square root"),
        ([-mean, error], "the sign is wrong: log q − log p, in this order"),
        ([mean * n, error], "you summed the terms: an expectation is estimated by their mean"),
        ([mean * n, error * n], "you summed the terms: an expectation is estimated by their mean"),
        ([error, mean], "the estimate comes first, then its standard error"),
        ([np.mean(np.exp(log_q) * log_ratio), error], "the draws come from q already: do not weight with q again"),
        ([np.mean(-weights * log_ratio), error], "no weights are needed: the draws come from the first name, q"),
        (mean, "two numbers were asked: the estimate and its standard error"),
    ]
    # a wide margin: whether the sum of squares is divided by n or by n − 1 does not matter here
    judge(estimate(log_q.copy(), log_p.copy()), [mean, error], mistakes, 3e-3, "right: mean ± spread / √n")


def _kl(m_q, s_q, m_p, s_p):
    """KL of each component, [n, d]."""
    return np.log(s_p / s_q) + (s_q**2 + (m_q - m_p) ** 2) / (2 * s_p**2) - 0.5


def _both(per_component, q, p, total=True):
    """Both directions of a formula, right or wrong: [2, n], or [2, n, d] without the sum."""
    values = np.stack([per_component(*q, *p), per_component(*p, *q)])
    return values.sum(axis=-1) if total else values
