"""Right and wrong answers to the checks of chapter 5."""

import numpy as np
import tensorflow as tf
from scipy.special import rel_entr, xlogy

from vae_lib import exercises


def entropy_discrete(p):
    return -xlogy(p, p).sum(axis=-1)


def entropy_gaussian(s):
    return 0.5 * np.log(2 * np.pi * np.e * s**2).sum(axis=-1)


def kl_in_bits(q, p):
    return rel_entr(q, p).sum(axis=-1) / np.log(2)


def kl_gaussians(m_q, s_q, m_p, s_p, half=0.5, last=0.5, shift=1.0, log_sign=1, reduce=np.sum):
    spread = (s_q**2 + shift * (m_q - m_p) ** 2) / s_p**2
    return reduce(2 * half * (log_sign * np.log(s_p / s_q) + 0.5 * spread - last), axis=-1)


def monte_carlo(log_q, log_p):
    ratio = log_q - log_p
    return ratio.mean(), ratio.std(ddof=1) / np.sqrt(len(ratio))


RIGHT = [
    (exercises.check_entropy_discrete, entropy_discrete),
    (exercises.check_entropy_gaussian, entropy_gaussian),
    (exercises.check_kl_in_bits, kl_in_bits),
    (exercises.check_kl_two_gaussians, kl_gaussians),
    (exercises.check_monte_carlo_kl, monte_carlo),
    (exercises.check_monte_carlo_kl, lambda q, p: ((q - p).mean(), (q - p).std(ddof=0) / np.sqrt(len(q)))),
]
RIGHT += [(check, lambda *given, answer=answer: tf.stack(answer(*given))) for check, answer in RIGHT]  # tensors will do

WRONG = {
    exercises.check_entropy_discrete: [
        (lambda p: -entropy_discrete(p), "sign"),
        (lambda p: entropy_discrete(p) / np.log(2), "bits"),
        (lambda p: -xlogy(p, p).mean(axis=-1), "averaged"),
        (lambda p: -xlogy(p, p).sum(), "rows"),
        (lambda p: -np.log(np.where(p > 0, p, 1)).sum(axis=-1), "weighted"),
        (lambda p: -xlogy(p, p).sum(axis=0), "columns"),
        (lambda p: -xlogy(p, p), "single terms"),
        (lambda p: -(p * np.log(p)).sum(axis=-1), "logarithm of zero"),
    ],
    exercises.check_entropy_gaussian: [
        (lambda s: np.log(2 * np.pi * np.e * s**2).sum(axis=-1), "½"),
        (lambda s: entropy_gaussian(s) / s.shape[-1], "averaged"),
        (lambda s: entropy_gaussian(np.sqrt(s)), "not s"),
        (lambda s: entropy_gaussian(s**2), "squared twice"),
        (lambda s: 0.5 * np.log(2 * np.pi * s**2).sum(axis=-1), "½ is missing"),
        (lambda s: 0.5 * np.log(np.e * s**2).sum(axis=-1), "2π"),
        (lambda s: -entropy_gaussian(s), "sign"),
        (lambda s: entropy_gaussian(s) / np.log(2), "bits"),
        (lambda s: entropy_gaussian(s).sum(), "rows"),
        (lambda s: entropy_gaussian(s[..., None]), "single components"),
        (lambda s: 0.5 * np.log(2 * np.pi * s**2).sum(axis=-1) + 0.5, "there once"),
        (lambda s: 0.5 * np.log(2 * np.pi * np.e * np.prod(s**2, -1)), "power d"),
        (lambda s: 0.5 * np.log(2 * np.pi * np.e * np.sum(s**2, -1)), "one log"),
    ],
    exercises.check_kl_in_bits: [
        (lambda q, p: rel_entr(q, p).sum(axis=-1), "nats"),
        (lambda q, p: rel_entr(q, p).sum(axis=-1) * np.log(2), "multiplied"),
        (lambda q, p: -kl_in_bits(q, p), "sign"),
        (lambda q, p: -xlogy(q, p).sum(axis=-1) / np.log(2), "cross-entropy"),
        (lambda q, p: rel_entr(q, p).mean(axis=-1) / np.log(2), "averaged"),
        (lambda q, p: kl_in_bits(q, p).sum(), "rows"),
        (lambda q, p: kl_in_bits(p, q), "first name draws"),
        (lambda q, p: kl_in_bits(p, q) * np.log(2), "and in nats"),
        (lambda q, p: rel_entr(q, p) / np.log(2), "single terms"),
        (lambda q, p: (q * np.log2(q / p)).sum(axis=-1), "logarithm of zero"),
    ],
    exercises.check_kl_two_gaussians: [
        (lambda *g: kl_gaussians(*g, last=0) - 0.5, "subtracted once"),
        (
            lambda a, b, c, d: (np.log(d / b) + (b**2 + (a - c) ** 2) / (2 * b**2) - 0.5).sum(axis=-1),
            "that of p divides",
        ),
        (lambda a, b, c, d: kl_gaussians(c, d, a, b), "over q"),
        (lambda *g: kl_gaussians(*g, half=1), "½"),
        (lambda a, b, c, d: kl_gaussians(a, b, 0 * c, d**0), "of its own"),
        (lambda *g: kl_gaussians(*g, reduce=np.mean), "averaged"),
        (lambda a, b, c, d: kl_gaussians(a, np.sqrt(b), c, np.sqrt(d)), "variances"),
        (lambda *g: kl_gaussians(*g, last=0), "must give zero"),
        (lambda *g: kl_gaussians(*g, log_sign=-1), "upside down"),
        (lambda *g: kl_gaussians(*g, log_sign=0.5), "right for variances"),
        (
            lambda a, b, c, d: kl_gaussians(a, b, c, d) + ((b**2 + (a - c) ** 2) / (2 * d**2)).sum(axis=-1),
            "under the squares",
        ),
        (lambda *g: kl_gaussians(*g, shift=0), "do not appear"),
        (lambda a, b, c, d: kl_gaussians(a, b, a, d) + ((a - c) / (2 * d**2)).sum(axis=-1), "must be squared"),
        (lambda *g: -kl_gaussians(*g), "sign"),
        (lambda *g: kl_gaussians(*g) / np.log(2), "bits"),
        (lambda *g: kl_gaussians(*(a[..., None] for a in g)), "single components"),
        (lambda *g: kl_gaussians(*g).sum(), "rows"),
    ],
    exercises.check_monte_carlo_kl: [
        (lambda q, p: ((q - p).mean(), (q - p).std(ddof=1)), "√n"),
        (lambda q, p: ((q - p).mean(), (q - p).std(ddof=1) / len(q)), "divided by n"),
        (lambda q, p: ((q - p).mean(), (q - p).var() / len(q)), "of the mean"),
        (lambda q, p: ((q - p).mean(), (q - p).var()), "single term"),
        (lambda q, p: monte_carlo(p, q), "sign"),
        (lambda q, p: ((q - p).sum(), monte_carlo(q, p)[1]), "summed"),
        (lambda q, p: monte_carlo(q, p)[::-1], "comes first"),
        (lambda q, p: (np.mean(np.exp(q) * (q - p)), monte_carlo(q, p)[1]), "again"),
        (lambda q, p: (q - p).mean(), "two numbers"),
        (lambda q, p: tuple(len(q) * value for value in monte_carlo(q, p)), "summed"),
        (lambda q, p: (np.mean(np.exp(p - q) * (p - q)), monte_carlo(q, p)[1]), "no weights are needed"),
    ],
}
