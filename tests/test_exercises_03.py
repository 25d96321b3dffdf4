"""The checks of chapter 3 pass the right answers and name the usual mistakes."""

import numpy as np
import pytest

from vae_lib import exercises
from vae_lib.exercises import Hint


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


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (exercises.check_gaussian_denoiser, denoiser),
        (exercises.check_denoiser_score, score),
        (exercises.check_sparse, sparse),
        (exercises.check_tanh_jacobian, jacobian),
    ],
)
def test_a_right_answer_gets_a_tick_and_none_or_a_wrong_shape_a_hint(check, answer, capsys):
    check(answer)
    assert "✓" in capsys.readouterr().out
    with pytest.raises(Hint, match="None"):
        check(lambda *_: None)
    with pytest.raises(Hint, match="shape"):
        check(lambda *a: [answer(*a)])


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (exercises.check_gaussian_denoiser, lambda *a: denoiser(*a, lambda s, g: s**2 / (s**2 + g**2)), "swapped"),
        (exercises.check_gaussian_denoiser, lambda *a: denoiser(*a, lambda s, g: -(g**2) / (s**2 + g**2)), "sign"),
        (exercises.check_gaussian_denoiser, lambda *a: denoiser(*a, lambda s, g: g**2 / s**2), "noisy density"),
        (exercises.check_gaussian_denoiser, lambda *a: denoiser(*a, lambda s, g: g / (s + g)), "you used standard"),
        (exercises.check_gaussian_denoiser, lambda *a: denoiser(*a, lambda s, g: (g / (s + g)) ** 2), "variances add"),
        (exercises.check_gaussian_denoiser, lambda *a: denoiser(*a, lambda s, g: g / (s**2 + g**2)), "not by σ"),
        (exercises.check_gaussian_denoiser, lambda *a: denoiser(*a, lambda s, g: 1 / (s**2 + g**2)), "missing"),
        (exercises.check_gaussian_denoiser, lambda x, m, s, g: (m - x) / (s**2 + g**2), "this is the score"),
        (exercises.check_gaussian_denoiser, lambda *a: denoiser(*a) - a[0], "this is the step"),
        (exercises.check_gaussian_denoiser, lambda *a: denoiser(*a) + 1, "not yet"),
        (exercises.check_denoiser_score, lambda *a: -score(*a), "sign"),
        (exercises.check_denoiser_score, lambda *a: score(*a, lambda g: 1 / g), "divided by σ"),
        (exercises.check_denoiser_score, lambda *a: score(*a, lambda g: 1), "this is the step"),
        (exercises.check_denoiser_score, lambda *a: score(*a, lambda g: g**2), "multiplied"),
        (exercises.check_denoiser_score, lambda r, x, g: r(x) / g**2, "subtract x"),
        (exercises.check_denoiser_score, lambda *a: score(*a) / 2, "half"),
        (exercises.check_denoiser_score, lambda *a: 2 * score(*a), "factor 2"),
        (exercises.check_sparse, lambda *a: -sparse(*a), "sign of the whole"),
        (exercises.check_sparse, lambda *a: -sparse(*a, sign=1), "sign of the error"),
        (exercises.check_sparse, lambda *a: sparse(*a, sign=1), "sign of the penalty"),
        (exercises.check_sparse, lambda *a: sparse(*a, mean=lambda e, _: np.sqrt(e.sum(-1))), "root"),
        (exercises.check_sparse, lambda *a: sparse(*a, lambda z: z.sum(-1)), "absolute values are missing"),
        (exercises.check_sparse, lambda *a: sparse(*a, lambda z: (z**2).sum(-1)), "squared L2"),
        (exercises.check_sparse, lambda *a: sparse(*a, lambda z: np.sum(z != 0, -1)), "counted"),
        (exercises.check_sparse, lambda *a: sparse(*a, lambda z: np.sqrt((z**2).sum(-1))), "the L2 norm"),
        (exercises.check_sparse, lambda *a: sparse(*a, lambda z: np.abs(z).mean(-1)), "averaged over the code"),
        (exercises.check_sparse, lambda *a: sparse(*a, mean=np.mean), "averaged the error"),
        (exercises.check_sparse, lambda x, r, z, w: sparse(x, r, z, 1), "weight is missing"),
        (exercises.check_sparse, lambda x, r, z, w: sparse(x, r, z, 0), "penalty is missing"),
        (exercises.check_sparse, lambda *a: sparse(*a).mean(), "one value per example"),
        (exercises.check_tanh_jacobian, lambda *a: np.sqrt(jacobian(*a)), "its square"),
        (exercises.check_tanh_jacobian, lambda *a: jacobian(*a, power=1), "as well"),
        (
            exercises.check_tanh_jacobian,
            lambda *a: jacobian(*a, lambda a: np.tanh(a) * (1 - np.tanh(a))),
            "sigmoid",
        ),
        (exercises.check_tanh_jacobian, lambda *a: jacobian(*a, np.ones_like), "derivative of tanh is missing"),
        (exercises.check_tanh_jacobian, lambda *a: jacobian(*a, lambda a: 1 - a**2), "not its input"),
        (exercises.check_tanh_jacobian, summed_jacobian, "before adding"),
        (
            exercises.check_tanh_jacobian,
            lambda x, k, b: (1 - np.tanh(x @ k + b) ** 2) ** 2 * np.sum(k**2, axis=0),
            "all the units",
        ),
        (exercises.check_tanh_jacobian, lambda x, k, b: jacobian(x, k, 0 * b), "bias is missing"),
        (exercises.check_tanh_jacobian, lambda *a: jacobian(*a).mean(), "one value per example"),
        (exercises.check_tanh_jacobian, lambda *a: jacobian(*a) / 12, "averaged"),
    ],
)
def test_each_usual_mistake_is_named(check, answer, words):
    with pytest.raises(Hint, match=words):
        check(answer)
