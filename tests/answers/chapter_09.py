"""Right and wrong answers to the checks of chapter 9."""

import numpy as np

from vae_lib import exercises


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


RIGHT = [
    (exercises.check_gaps, gaps),
    (exercises.check_gaps, lambda *a: np.array(gaps(*a))),
    (exercises.check_best_kept, best_kept),
    (exercises.check_linear_encoder, linear_encoder),
    (exercises.check_break_even, break_even),
]

WRONG = {
    exercises.check_gaps: [
        (lambda p, b, r: p - r, "2 things"),
        (lambda p, b, r: (b - r, p - b), "comes first"),
        (lambda p, b, r: ((p - b) / (p - r), (b - r) / (p - r)), "a share"),
        (lambda p, b, r: (b - p, r - b), "take the bound from it"),
        (lambda p, b, r: (np.mean(p - b), np.mean(b - r)), "averaged"),
        (lambda p, b, r: (p - r, b - r), "no encoder"),
        (lambda p, b, r: (p - b, p - r), "take the approximation gap from it"),
        (lambda p, b, r: (p - b, r - b), "take the encoder's from it"),
        (lambda p, b, r: (p - b, np.mean(b - r)), "averaged"),
        (lambda p, b, r: (p - b, 2 * p - r - b), "you added"),
        (lambda p, b, r: (p[:2], b), "shape"),
    ],
    exercises.check_best_kept: [
        (lambda v, q: q[-1], "the last"),
        (lambda v, q: q[v.mean(axis=1).argmax()], "one step for all"),
        (lambda v, q: q[v.argmin(axis=0), np.arange(4)], "the worst"),
        (lambda v, q: q[v.max(axis=1).argmax()], "one step for all"),
        (lambda v, q: q.max(axis=0), "largest parameters"),
        (lambda v, q: q[v.argmax(axis=1)], "axis 0"),
        (lambda v, q: v.max(axis=0), "best values"),
        (lambda v, q: v.argmax(axis=0), "best steps"),
        (lambda v, q: q[v.argmax(axis=0)], "np.arange"),
        (lambda v, q: q[0], "not yet"),
    ],
    exercises.check_linear_encoder: [
        (lambda W, mu, s: (W, mu), "3 things"),
        (with_part(0, lambda A, _: A.T), "transpose"),
        (lambda W, mu, s: (W @ np.linalg.inv(W.T @ W), 0, 0), "pseudo-inverse"),
        (lambda W, mu, s: (W @ np.linalg.inv(np.eye(2) + W.T @ W), 0, 0), "noise variance is missing"),
        (lambda W, mu, s: (s * linear_encoder(W, mu, s)[0], 0, 0), "a division"),
        (lambda W, mu, s: (W @ (np.eye(2) + W.T @ W / s) / s, 0, 0), "take its inverse"),
        (lambda W, mu, s: (W, 0, 0), "W alone"),
        (with_part(1, lambda b, _: 0 * b), "not centred"),
        (with_part(1, lambda b, _: -b), "the sign"),
        (lambda W, mu, s: (linear_encoder(W, mu, s)[0], -mu @ W, 0), "μ through W"),
        (lambda W, mu, s: (linear_encoder(W, mu, s)[0], mu, 0), "through A"),
        (lambda W, mu, s: (linear_encoder(W, mu, s)[0], -mu, 0), "through A"),
        (with_part(2, lambda _, p: np.log(np.diag(np.linalg.inv(p)))), "narrower"),
        (with_part(2, lambda v, _: -v), "the sign"),
        (with_part(2, lambda v, _: np.exp(v)), "take the logarithm"),
        (with_part(2, lambda v, _: v / 2), "log s²"),
        (with_part(2, lambda _, precision: -np.log(np.diag(0.4 * precision))), "times σ²"),
        (with_part(2, lambda v, _: np.exp(-v)), "this is the precision"),
        (with_part(2, lambda v, _: 0 * v), "the prior's"),
    ],
    exercises.check_break_even: [
        (lambda t, steps, draws: t / (steps * draws - 1), "whole number"),
        (lambda t, steps, draws: -(-t // (steps * draws - 1)), "one point more"),
        (lambda t, steps, draws: t // (steps * draws - 1), "not yet paid"),
        (lambda t, steps, draws: t // (steps * draws) + 1, "still costs one pass"),
        (lambda t, steps, draws: t / (steps * draws), "still costs one pass, and"),
        (lambda t, steps, draws: t // (steps - 1) + 1, "one code for each draw"),
        (lambda t, steps, draws: t // (draws - 1) + 1, "not draws alone"),
        (lambda t, steps, draws: t // (steps + draws - 1) + 1, "not their sum"),
        (lambda t, steps, draws: t // (steps * draws + 1) + 1, "subtract it"),
        (lambda t, steps, draws: 7, "not yet"),
    ],
}
