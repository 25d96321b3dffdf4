"""Right and wrong answers to the checks of chapter 6."""

import numpy as np
from scipy.special import logsumexp

from vae_lib import exercises


def posterior(log_prior, log_likelihood, spacing):
    log_joint = log_prior + log_likelihood
    joint = np.exp(log_joint - log_joint.max())
    return joint / (joint.sum() * spacing)


def underflowing(log_prior, log_likelihood, spacing):
    joint = np.exp(log_prior + log_likelihood)
    return joint / (joint.sum() * spacing)


def by_trapezoids(log_prior, log_likelihood, spacing):
    joint = posterior(log_prior, log_likelihood, spacing)
    return joint / np.trapezoid(joint, dx=spacing)


def softmax(log_density):
    return np.exp(log_density - logsumexp(log_density))


def log_mean_exp(a):
    return a.max(axis=0) + np.log(np.mean(np.exp(a - a.max(axis=0)), axis=0))


def bias(w, ddof=0):
    return -0.5 * w.var(ddof=ddof) / w.mean() ** 2 / len(w)


def wrong_biases(ddof):
    return [
        (lambda w: -bias(w, ddof), "the sign: by Jensen"),
        (lambda w: 2 * bias(w, ddof), "comes with ½"),
        (lambda w: -2 * bias(w, ddof), "factor of two and the sign"),
        (lambda w: bias(w, ddof) * len(w), "bias of one draw"),
        (lambda w: bias(w, ddof) * w.mean() ** 2, "must be relative"),
        (lambda w: bias(w, ddof) * w.mean(), "squared units"),
        (lambda w: -0.5 * w.std(ddof=ddof) / w.mean() / len(w), "used the standard deviation"),
        (lambda w: bias(w, ddof) * np.sqrt(len(w)), "falls like 1/K"),
        (lambda w: w.std(ddof=ddof) / np.sqrt(len(w)) / w.mean(), "this is the standard error"),
    ]


def draws(k, v, error):
    return (((1 + v) / v) ** k - 1) / error**2


RIGHT = [
    (exercises.check_grid_posterior, posterior),
    (exercises.check_grid_posterior, by_trapezoids),
    (exercises.check_log_mean_exp, log_mean_exp),
    (exercises.check_log_mean_exp, lambda a: logsumexp(a, axis=0) - np.log(len(a))),
    (exercises.check_log_bias, bias),
    (exercises.check_log_bias, lambda w: bias(w, ddof=1)),
    (exercises.check_draws_needed, draws),
    (exercises.check_draws_needed, lambda k, v, e: int(np.ceil(draws(k, v, e)))),
]

WRONG = {
    exercises.check_grid_posterior: [
        (lambda p, ell, h: softmax(p + ell), "divide by the spacing as well"),
        (lambda p, ell, h: softmax(p + ell) * h, "multiplied by the spacing"),
        (lambda p, ell, h: np.exp(p + ell), "this is the joint"),
        (lambda p, ell, h: np.exp(p + ell - (p + ell).max()), "the peak is one"),
        (lambda p, ell, h: softmax(ell) / h, "the prior is missing"),
        (lambda p, ell, h: softmax(p) / h, "this is the prior"),
        (lambda p, ell, h: np.log(posterior(p, ell, h)), "take the exponential"),
        (underflowing, "underflows"),
        (lambda p, ell, h: np.exp(p + ell) / (np.exp(ell).sum() * h), "integral of the likelihood"),
        (lambda p, ell, h: np.exp(p + ell) / np.exp(ell).sum(), "sum of the likelihood"),
        (lambda p, ell, h: p * ell / ((p * ell).sum() * h), "multiplied the logarithms"),
    ],
    exercises.check_log_mean_exp: [
        (lambda a: np.log(np.mean(np.exp(a), axis=0)), "underflows"),
        (lambda a: a.mean(axis=0), "averaged the logarithms"),
        (lambda a: a.sum(axis=0), "added the logarithms"),
        (lambda a: logsumexp(a, axis=0), "too large by log K"),
        (lambda a: np.log(np.sum(np.exp(a), axis=0)), "too large by log K"),
        (lambda a: np.mean(np.exp(a), axis=0), "take its logarithm"),
        (lambda a: np.log(np.mean(np.exp(a - a.max(axis=0)), axis=0)), "add it again"),
        (lambda a: logsumexp(a, axis=1) - np.log(a.shape[1]), "wrong axis"),
        (lambda a: logsumexp(a, axis=0) - np.log(a.shape[1]), "number of points"),
        (lambda a: logsumexp(a) - np.log(a.size), "averaged over everything"),
        (lambda a: log_mean_exp(a).mean(), "averaged over the points"),
    ],
    exercises.check_log_bias: [
        *wrong_biases(ddof=0),
        *wrong_biases(ddof=1),
        (lambda w: np.log(w).mean() - np.log(w.mean()), "exact loss"),
        (lambda w: np.log(w.mean()) - np.log(w).mean(), "exact loss"),
        (lambda w: -0.5 * np.mean(w**2) / w.mean() ** 2 / len(w), "minus one"),
    ],
    exercises.check_draws_needed: [
        (lambda k, v, e: ((1 + v) / v) ** k / e**2, "forgot the one"),
        (lambda k, v, e: (1 / v) ** k / e**2, "after the product"),
        (lambda k, v, e: draws(k, v, e) * e, "square it"),
        (lambda k, v, e: np.sqrt(draws(k, v, e)), "relative variance over the squared error"),
        (lambda k, v, e: k / v / e**2, "you added variances"),
        (lambda k, v, e: draws(1, v, e), "this is one dimension"),
        (lambda k, v, e: (((1 + v) / np.sqrt((1 + v) ** 2 - 1)) ** k - 1) / e**2, "most favourable"),
    ],
}
