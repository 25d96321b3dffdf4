"""The checks of chapter 5 pass the right answers and name the usual mistakes."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import rel_entr, xlogy

from vae_lib import exercises
from vae_lib.exercises import Hint


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
]


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_a_right_answer_gets_a_tick(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("✓")


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_a_right_answer_may_be_a_tensor(check, answer, capsys):
    check(lambda *inputs: tf.stack(answer(*inputs)))
    assert capsys.readouterr().out.startswith("✓")


@pytest.mark.parametrize("ddof", [0, 1])
def test_either_sample_variance_will_do(ddof, capsys):
    exercises.check_monte_carlo_kl(lambda q, p: ((q - p).mean(), (q - p).std(ddof=ddof) / np.sqrt(len(q))))
    assert capsys.readouterr().out.startswith("✓")


@pytest.mark.parametrize("check", [check for check, _ in RIGHT])
@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda *inputs: None, "None"),
        (lambda *inputs: "nats", "numbers were expected"),
        (lambda *inputs: np.zeros((2, 3, 4)), "of shape"),
        (lambda *inputs: np.zeros(7), "of shape"),
    ],
)
def test_what_is_no_answer_brings_a_hint(check, answer, hint):
    with pytest.raises(Hint, match=hint):
        check(answer)


def test_a_logarithm_of_zero_is_named():
    with np.errstate(all="ignore"):
        with pytest.raises(Hint, match="logarithm of zero"):
            exercises.check_entropy_discrete(lambda p: -(p * np.log(p)).sum(axis=-1))
        with pytest.raises(Hint, match="logarithm of zero"):
            exercises.check_kl_in_bits(lambda q, p: (q * np.log2(q / p)).sum(axis=-1))


@pytest.mark.parametrize(
    ("check", "wrong", "hint"),
    [
        (exercises.check_entropy_discrete, lambda p: -entropy_discrete(p), "sign"),
        (exercises.check_entropy_discrete, lambda p: entropy_discrete(p) / np.log(2), "bits"),
        (exercises.check_entropy_discrete, lambda p: -xlogy(p, p).mean(axis=-1), "averaged"),
        (exercises.check_entropy_discrete, lambda p: -xlogy(p, p).sum(), "rows"),
        (exercises.check_entropy_discrete, lambda p: -np.log(np.where(p > 0, p, 1)).sum(axis=-1), "weighted"),
        (exercises.check_entropy_gaussian, lambda s: np.log(2 * np.pi * np.e * s**2).sum(axis=-1), "½"),
        (exercises.check_entropy_gaussian, lambda s: entropy_gaussian(s) / s.shape[-1], "averaged"),
        (exercises.check_entropy_gaussian, lambda s: entropy_gaussian(np.sqrt(s)), "not s"),
        (exercises.check_entropy_gaussian, lambda s: entropy_gaussian(s**2), "squared twice"),
        (exercises.check_entropy_gaussian, lambda s: 0.5 * np.log(2 * np.pi * s**2).sum(axis=-1), "½ is missing"),
        (exercises.check_entropy_gaussian, lambda s: 0.5 * np.log(np.e * s**2).sum(axis=-1), "2π"),
        (exercises.check_entropy_gaussian, lambda s: -entropy_gaussian(s), "sign"),
        (exercises.check_entropy_gaussian, lambda s: entropy_gaussian(s) / np.log(2), "bits"),
        (exercises.check_entropy_gaussian, lambda s: entropy_gaussian(s).sum(), "rows"),
        (exercises.check_entropy_gaussian, lambda s: entropy_gaussian(s[..., None]), "single components"),
        (exercises.check_kl_in_bits, lambda q, p: rel_entr(q, p).sum(axis=-1), "nats"),
        (exercises.check_kl_in_bits, lambda q, p: rel_entr(q, p).sum(axis=-1) * np.log(2), "multiplied"),
        (exercises.check_kl_in_bits, lambda q, p: -kl_in_bits(q, p), "sign"),
        (exercises.check_kl_in_bits, lambda q, p: -xlogy(q, p).sum(axis=-1) / np.log(2), "cross-entropy"),
        (exercises.check_kl_in_bits, lambda q, p: rel_entr(q, p).mean(axis=-1) / np.log(2), "averaged"),
        (exercises.check_kl_in_bits, lambda q, p: kl_in_bits(q, p).sum(), "rows"),
        (exercises.check_kl_in_bits, lambda q, p: kl_in_bits(p, q), "first name draws"),
        (exercises.check_kl_in_bits, lambda q, p: kl_in_bits(p, q) * np.log(2), "and in nats"),
        (exercises.check_kl_in_bits, lambda q, p: rel_entr(q, p) / np.log(2), "single terms"),
        (exercises.check_entropy_discrete, lambda p: -xlogy(p, p).sum(axis=0), "columns"),
        (exercises.check_entropy_discrete, lambda p: -xlogy(p, p), "single terms"),
        (exercises.check_entropy_gaussian, lambda s: 0.5 * np.log(2 * np.pi * s**2).sum(axis=-1) + 0.5, "there once"),
        (exercises.check_entropy_gaussian, lambda s: 0.5 * np.log(2 * np.pi * np.e * np.prod(s**2, -1)), "power d"),
        (exercises.check_entropy_gaussian, lambda s: 0.5 * np.log(2 * np.pi * np.e * np.sum(s**2, -1)), "one log"),
        (exercises.check_kl_two_gaussians, lambda *g: kl_gaussians(*g, last=0) - 0.5, "subtracted once"),
        (
            exercises.check_kl_two_gaussians,
            lambda a, b, c, d: (np.log(d / b) + (b**2 + (a - c) ** 2) / (2 * b**2) - 0.5).sum(axis=-1),
            "that of p divides",
        ),
        (exercises.check_kl_two_gaussians, lambda a, b, c, d: kl_gaussians(c, d, a, b), "over q"),
        (exercises.check_kl_two_gaussians, lambda *g: kl_gaussians(*g, half=1), "½"),
        (exercises.check_kl_two_gaussians, lambda a, b, c, d: kl_gaussians(a, b, 0 * c, d**0), "of its own"),
        (exercises.check_kl_two_gaussians, lambda *g: kl_gaussians(*g, reduce=np.mean), "averaged"),
        (exercises.check_kl_two_gaussians, lambda a, b, c, d: kl_gaussians(a, np.sqrt(b), c, np.sqrt(d)), "variances"),
        (exercises.check_kl_two_gaussians, lambda *g: kl_gaussians(*g, last=0), "must give zero"),
        (exercises.check_kl_two_gaussians, lambda *g: kl_gaussians(*g, log_sign=-1), "upside down"),
        (exercises.check_kl_two_gaussians, lambda *g: kl_gaussians(*g, log_sign=0.5), "right for variances"),
        (
            exercises.check_kl_two_gaussians,
            lambda a, b, c, d: kl_gaussians(a, b, c, d) + ((b**2 + (a - c) ** 2) / (2 * d**2)).sum(axis=-1),
            "under the squares",
        ),
        (exercises.check_kl_two_gaussians, lambda *g: kl_gaussians(*g, shift=0), "do not appear"),
        (
            exercises.check_kl_two_gaussians,
            lambda a, b, c, d: kl_gaussians(a, b, a, d) + ((a - c) / (2 * d**2)).sum(axis=-1),
            "must be squared",
        ),
        (exercises.check_kl_two_gaussians, lambda *g: -kl_gaussians(*g), "sign"),
        (exercises.check_kl_two_gaussians, lambda *g: kl_gaussians(*g) / np.log(2), "bits"),
        (exercises.check_kl_two_gaussians, lambda *g: kl_gaussians(*(a[..., None] for a in g)), "single components"),
        (exercises.check_kl_two_gaussians, lambda *g: kl_gaussians(*g).sum(), "rows"),
        (exercises.check_monte_carlo_kl, lambda q, p: ((q - p).mean(), (q - p).std(ddof=1)), "√n"),
        (exercises.check_monte_carlo_kl, lambda q, p: ((q - p).mean(), (q - p).std(ddof=1) / len(q)), "divided by n"),
        (exercises.check_monte_carlo_kl, lambda q, p: ((q - p).mean(), (q - p).var() / len(q)), "of the mean"),
        (exercises.check_monte_carlo_kl, lambda q, p: ((q - p).mean(), (q - p).var()), "single term"),
        (exercises.check_monte_carlo_kl, lambda q, p: monte_carlo(p, q), "sign"),
        (exercises.check_monte_carlo_kl, lambda q, p: ((q - p).sum(), monte_carlo(q, p)[1]), "summed"),
        (exercises.check_monte_carlo_kl, lambda q, p: monte_carlo(q, p)[::-1], "comes first"),
        (exercises.check_monte_carlo_kl, lambda q, p: (np.mean(np.exp(q) * (q - p)), monte_carlo(q, p)[1]), "again"),
        (exercises.check_monte_carlo_kl, lambda q, p: (q - p).mean(), "two numbers"),
    ],
)
def test_a_usual_mistake_is_named(check, wrong, hint):
    with np.errstate(all="ignore"), pytest.raises(Hint, match=hint):
        check(wrong)
