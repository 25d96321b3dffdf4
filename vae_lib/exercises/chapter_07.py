"""Checks of chapter 7, the variational lower bound."""

import math

import numpy as np

from vae_lib.exercises.judge import Hint, judge

_LOG_2PI = math.log(2 * math.pi)
_X, _M, _S, _SIGMA = 0.7, -0.4, 0.6, 0.8  # no value at which a right and a wrong formula agree


def check_gaussian_elbo(my_elbo):
    """``my_elbo(x, m, s, sigma)``: the bound for z ~ N(0, 1), x | z ~ N(z, σ²), q = N(m, s²), in nats."""
    x, m, s, sigma = _X, _M, _S, _SIGMA

    def parts(s, sigma, spread, constant=_LOG_2PI):
        reconstruction = -0.5 * (constant + 2 * np.log(sigma) + ((x - m) ** 2 + spread) / sigma**2)
        return reconstruction, 0.5 * (m**2 + s**2 - 1 - 2 * np.log(s))

    reconstruction, rate = parts(s, sigma, s**2)
    square = ((x - m) ** 2 + s**2) / sigma**2
    judge(
        my_elbo(x, m, s, sigma),
        reconstruction - rate,
        [
            (reconstruction + rate, "the sign of the rate: the bound is reconstruction minus rate"),
            (rate - reconstruction, "the sign of the whole: this is the free energy, minus the bound"),
            (reconstruction, "the rate is missing: subtract the divergence of q from the prior"),
            (reconstruction - 2 * rate, "the rate is twice too large: did you drop its ½?"),
            (np.subtract(*parts(s, sigma, 0.0)), "E[(x − z)²] is (x − m)² + s²: the variance of z is missing"),
            (np.subtract(*parts(s, sigma, s)), "E[(x − z)²] is (x − m)² + s²: you added s, not s²"),
            (np.subtract(*parts(s, sigma, s**2, 0.0)), "the constant −½ log 2π is missing from the likelihood"),
            (
                -0.5 * square - rate,
                "½ log 2πσ² is missing from the likelihood: half the square alone is no log-density",
            ),
            (reconstruction - 0.5 * square - rate, "the squared error is twice too large: its ½ is missing"),
            (reconstruction + 0.5 * np.log(sigma) - rate, "log σ² is wanted in the likelihood: you used log σ"),
            (reconstruction - rate - 0.5 * np.log(s), "log s² is wanted in the rate: you used log s"),
            (
                reconstruction + 0.5 * (_LOG_2PI + 1 + 2 * np.log(s)),
                "the prior is forgotten: this is reconstruction plus entropy, and E[log p(z)] belongs to the bound too",
            ),
            (np.subtract(*parts(s**0.5, sigma, s)), "s is a standard deviation: you used it as a variance"),
            (np.subtract(*parts(s, sigma**0.5, s**2)), "σ is a standard deviation: you used it as a variance"),
            ((reconstruction - rate) / np.log(2), "this is in bits: use natural logarithms"),
        ],
    )


def check_gaussian_gap(my_gap):
    """``my_gap(x, m, s, sigma)``: KL(q ‖ p(z | x)) for the same model, in nats."""
    x, m, s, sigma = _X, _M, _S, _SIGMA

    def kl(a, b, c, d):
        return 0.5 * (np.log(d / b) + (b + (a - c) ** 2) / d - 1)

    mean, variance = x / (1 + sigma**2), sigma**2 / (1 + sigma**2)
    truth = kl(m, s**2, mean, variance)
    judge(
        my_gap(x, m, s, sigma),
        truth,
        [
            (kl(mean, variance, m, s**2), "this is KL(posterior ‖ q): the expectation must be under q"),
            (kl(m, s**2, 0, 1), "this is the divergence from the prior, the rate; the gap is from the posterior"),
            (-truth, "the sign: log p(x) − bound is never negative"),
            (2 * truth, "twice too large: did you drop the ½?"),
            (truth + 0.5, "the −1 is missing: for a q equal to the posterior the gap must be zero"),
            (
                -0.5 * (np.log(2 * np.pi * (1 + sigma**2)) + x**2 / (1 + sigma**2)),
                "this is log p(x); the gap is what is left of it when the bound is subtracted",
            ),
            (kl(m, s**2, x, sigma**2), "this compares q with the likelihood; the posterior weighs in the prior too"),
            (kl(m, s**2, mean, 1 / variance), "you used the posterior's precision 1 + 1/σ² as its variance"),
            (
                kl(m, s**2, mean, variance**0.5),
                "the posterior's variance is σ²/(1 + σ²); you took its standard deviation",
            ),
            (kl(m, s**2, x, variance), "the posterior's mean is x/(1 + σ²): the prior pulls it towards zero"),
        ],
    )


def check_mean_field(my_variances):
    """``my_variances(covariance)``: the variances of the best factorised Gaussian under KL(q ‖ p), [k]."""
    covariance = np.array([[1.0, 0.6, -0.2], [0.6, 0.9, 0.3], [-0.2, 0.3, 1.4]])
    precision = np.linalg.inv(covariance)
    judge(
        my_variances(covariance),
        1 / np.diag(precision),
        [
            (np.diag(covariance), "these are the marginal variances: right for KL(p ‖ q), too wide for KL(q ‖ p)"),
            (np.diag(precision), "this is the diagonal of the precision; a variance is one over it"),
            (1 / np.diag(covariance), "invert the matrix first, then take the diagonal"),
            (np.diag(precision) ** -0.5, "these are standard deviations; variances were asked for"),
            (np.diag(1 / np.diag(precision)), "the right variances, but in a matrix: return its diagonal, k numbers"),
            (1 / precision, "a matrix; the variances are one over the diagonal of the precision, k numbers"),
            (precision, "this is the whole precision matrix: the variances are one over its diagonal, k numbers"),
            (
                np.diag(np.diag(covariance)),
                "a matrix of marginal variances: take one over the diagonal of the precision",
            ),
            (np.linalg.eigvalsh(covariance), "eigenvalues are variances along rotated axes; q's axes are fixed"),
        ],
    )


def check_sampled_bound(my_estimate):
    """``my_estimate(log_joint, log_q)``: the Monte Carlo bound and its standard error."""
    rng = np.random.default_rng(7)
    log_joint, log_q = rng.normal(-3, 2, 50), rng.normal(-1, 0.5, 50)
    answer = my_estimate(log_joint, log_q)
    if not isinstance(answer, tuple | list | np.ndarray) or len(answer) != 2:
        raise Hint("return two numbers: (estimate, standard_error)")
    log_w = log_joint - log_q
    error = log_w.std(ddof=1) / np.sqrt(50)
    log_mean = np.log(np.mean(np.exp(log_w)))
    judge(
        answer[0],
        log_w.mean(),
        [
            (log_mean, "this is log of the mean of w, the importance-weighted bound; the ELBO is the mean of log w"),
            (log_w.sum(), "a sum, not a mean: divide by the number of draws"),
            (-log_w.mean(), "the sign: the bound is log p(x, z) − log q(z)"),
            (log_joint.mean(), "log q(z) is missing: without it this is minus an energy, not a bound"),
            ((log_joint + log_q).mean(), "subtract log q(z); you added it"),
        ],
        praise="the estimate is right",
    )
    judge(
        answer[1],
        error,
        [
            (log_w.std(ddof=1), "this is the standard deviation of one draw; the mean of L draws has 1/√L of it"),
            (log_w.var(ddof=1) / 50, "this is a variance; take the square root"),
            (log_w.std(ddof=1) / 50, "divide by √L, not by L"),
        ],
        within=0.015,  # L or L − 1 inside the variance: both are fine
        praise="and so is its standard error",
    )
