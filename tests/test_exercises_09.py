"""The checks of chapter 9 pass the right answers and name the usual mistakes."""

import numpy as np
import pytest

from vae_lib import exercises
from vae_lib.exercises import Hint


def gaps(log_p, best, reached):
    return log_p - best, best - reached


def best_kept(values, q):
    return q[values.argmax(axis=0), np.arange(values.shape[1])]


def linear_encoder(W, mu, variance):
    precision = np.eye(2) + W.T @ W / variance
    A = W @ np.linalg.inv(precision) / variance
    return A, -mu @ A, -np.log(np.diag(precision))


def break_even(training, steps, draws):
    return training // (steps * draws - 1) + 1


def with_part(index, change):
    """The linear encoder, one of its parts changed: ``change(part, precision)``."""

    def answer(W, mu, variance):
        parts = list(linear_encoder(W, mu, variance))
        parts[index] = change(parts[index], np.eye(2) + W.T @ W / variance)
        return tuple(parts)

    return answer


gaps_check, kept_check = exercises.check_gaps, exercises.check_best_kept
encoder_check, even_check = exercises.check_linear_encoder, exercises.check_break_even


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (gaps_check, gaps),
        (gaps_check, lambda *a: np.array(gaps(*a))),
        (kept_check, best_kept),
        (encoder_check, linear_encoder),
        (even_check, break_even),
    ],
)
def test_a_right_answer_gets_a_tick_and_none_a_hint(check, answer, capsys):
    check(answer)
    assert "✓" in capsys.readouterr().out
    with pytest.raises(Hint, match="None"):
        check(lambda *_: None)


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (gaps_check, lambda p, b, r: p - r, "2 things"),
        (gaps_check, lambda p, b, r: (b - r, p - b), "comes first"),
        (gaps_check, lambda p, b, r: ((p - b) / (p - r), (b - r) / (p - r)), "a share"),
        (gaps_check, lambda p, b, r: (b - p, r - b), "take the bound from it"),
        (gaps_check, lambda p, b, r: (np.mean(p - b), np.mean(b - r)), "averaged"),
        (gaps_check, lambda p, b, r: (p - r, b - r), "no encoder"),
        (gaps_check, lambda p, b, r: (p - b, p - r), "take the approximation gap from it"),
        (gaps_check, lambda p, b, r: (p - b, r - b), "take the encoder's from it"),
        (gaps_check, lambda p, b, r: (p - b, np.mean(b - r)), "averaged"),
        (gaps_check, lambda p, b, r: (p - b, 2 * p - r - b), "you added"),
        (gaps_check, lambda p, b, r: (p[:2], b), "shape"),
        (kept_check, lambda v, q: q[-1], "the last"),
        (kept_check, lambda v, q: q[v.mean(axis=1).argmax()], "one step for all"),
        (kept_check, lambda v, q: q[v.argmin(axis=0), np.arange(4)], "the worst"),
        (kept_check, lambda v, q: q[v.max(axis=1).argmax()], "one step for all"),
        (kept_check, lambda v, q: q.max(axis=0), "largest parameters"),
        (kept_check, lambda v, q: q[v.argmax(axis=1)], "axis 0"),
        (kept_check, lambda v, q: v.max(axis=0), "best values"),
        (kept_check, lambda v, q: v.argmax(axis=0), "best steps"),
        (kept_check, lambda v, q: q[v.argmax(axis=0)], "np.arange"),
        (kept_check, lambda v, q: q[0], "not yet"),
        (encoder_check, lambda W, mu, s: (W, mu), "3 things"),
        (encoder_check, with_part(0, lambda A, _: A.T), "transpose"),
        (encoder_check, lambda W, mu, s: (W @ np.linalg.inv(W.T @ W), 0, 0), "pseudo-inverse"),
        (encoder_check, lambda W, mu, s: (W @ np.linalg.inv(np.eye(2) + W.T @ W), 0, 0), "noise variance is missing"),
        (encoder_check, lambda W, mu, s: (s * linear_encoder(W, mu, s)[0], 0, 0), "a division"),
        (encoder_check, lambda W, mu, s: (W @ (np.eye(2) + W.T @ W / s) / s, 0, 0), "take its inverse"),
        (encoder_check, lambda W, mu, s: (W, 0, 0), "W alone"),
        (encoder_check, with_part(1, lambda b, _: 0 * b), "not centred"),
        (encoder_check, with_part(1, lambda b, _: -b), "the sign"),
        (encoder_check, lambda W, mu, s: (linear_encoder(W, mu, s)[0], -mu @ W, 0), "μ through W"),
        (encoder_check, lambda W, mu, s: (linear_encoder(W, mu, s)[0], mu, 0), "through A"),
        (encoder_check, lambda W, mu, s: (linear_encoder(W, mu, s)[0], -mu, 0), "through A"),
        (encoder_check, with_part(2, lambda _, p: np.log(np.diag(np.linalg.inv(p)))), "narrower"),
        (encoder_check, with_part(2, lambda v, _: -v), "the sign"),
        (encoder_check, with_part(2, lambda v, _: np.exp(v)), "take the logarithm"),
        (encoder_check, with_part(2, lambda v, _: v / 2), "log s²"),
        (encoder_check, with_part(2, lambda _, precision: -np.log(np.diag(0.4 * precision))), "times σ²"),
        (encoder_check, with_part(2, lambda v, _: np.exp(-v)), "this is the precision"),
        (encoder_check, with_part(2, lambda v, _: 0 * v), "the prior's"),
        (even_check, lambda t, steps, draws: t / (steps * draws - 1), "whole number"),
        (even_check, lambda t, steps, draws: -(-t // (steps * draws - 1)), "one point more"),
        (even_check, lambda t, steps, draws: t // (steps * draws - 1), "not yet paid"),
        (even_check, lambda t, steps, draws: t // (steps * draws) + 1, "still costs one pass"),
        (even_check, lambda t, steps, draws: t / (steps * draws), "still costs one pass, and"),
        (even_check, lambda t, steps, draws: t // (steps - 1) + 1, "one code for each draw"),
        (even_check, lambda t, steps, draws: t // (draws - 1) + 1, "not draws alone"),
        (even_check, lambda t, steps, draws: t // (steps + draws - 1) + 1, "not their sum"),
        (even_check, lambda t, steps, draws: t // (steps * draws + 1) + 1, "subtract it"),
        (even_check, lambda t, steps, draws: 7, "not yet"),
    ],
)
def test_each_mistake_brings_its_own_hint(check, answer, words):
    with pytest.raises(Hint, match=words):
        check(answer)
