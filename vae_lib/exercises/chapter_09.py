"""Checks of chapter 9, amortised inference."""

import numpy as np

from vae_lib.exercises.judge import Hint, judge


def check_gaps(my_gaps):
    """``my_gaps(log_p, bound_best, bound_encoder)``, [n] each → (approximation gap, amortisation gap), [n] each."""
    log_p = np.array([-2.1, -0.7, -3.4, 0.6])
    best, reached = log_p - [0.04, 0.31, 0.0, 0.66], log_p - [0.9, 0.35, 0.27, 1.5]
    answer = _parts(my_gaps(log_p, best, reached), ["the approximation gap", "the amortisation gap"])
    approximation, amortisation, whole = log_p - best, best - reached, log_p - reached
    judge(
        answer[0],
        approximation,
        [
            (amortisation, "this is the amortisation gap; the approximation gap comes first"),
            (-approximation, "the sign: log p(x) lies above every bound, so take the bound from it"),
            (approximation.mean(), "you averaged over the points: each has a gap of its own"),
            (whole, "this is the whole inference gap: at the best q there is no encoder"),
            (approximation / whole, "this is a share of the inference gap: leave the gap in nats"),
        ],
        praise="the approximation gap is right",
    )
    judge(
        answer[1],
        amortisation,
        [
            (whole, "this is the whole inference gap: take the approximation gap from it"),
            (-amortisation, "the sign: the best q has the higher bound, so take the encoder's from it"),
            (amortisation.mean(), "you averaged over the points: each has a gap of its own"),
            (whole + approximation, "the two gaps add up to the inference gap: you added where you should subtract"),
        ],
        praise="and so is the amortisation gap",
    )


def check_best_kept(my_best):
    """``my_best(values, q)``, [steps, n] and [steps, n, k] → for each point its best q, [n, k]."""
    rng = np.random.default_rng(9)
    values, q = rng.normal(size=(6, 4)), rng.normal(size=(6, 4, 2))
    values[[2, 4, 1, 3], range(4)] += 5  # each point is best at a step of its own, none at the last
    best, columns = values.argmax(axis=0), np.arange(4)
    judge(
        my_best(values.copy(), q.copy()),
        q[best, columns],
        [
            (q[-1], "these are the last parameters, not the best"),
            (q[values.mean(axis=1).argmax()], "one step for all points: each point has a best step of its own"),
            (q[values.argmin(axis=0), columns], "these are the worst: the bound is maximised"),
            (q[values.max(axis=1).argmax()], "one step for all points: each point has a best step of its own"),
            (q.max(axis=0), "these are the largest parameters; those with the largest bound were asked for"),
            (q[values.argmax(axis=1)], "for each step this asks which point is best: argmax over the steps, axis 0"),
            (values.max(axis=0), "these are the best values; the parameters were asked for"),
            (best, "these are the best steps; the parameters at them were asked for"),
            (q[best], "for each point this holds the parameters of all: pick its own with np.arange(n)"),
        ],
        praise="correct: each point keeps its own best",
    )


def check_linear_encoder(my_encoder):
    """``my_encoder(W, mu, variance)`` → (A [d, k], b [k], log_variance [k]): m(x) = x A + b, no amortisation gap."""
    W = np.array([[1.3, 0.2], [-0.4, 0.9], [0.7, 0.6]])
    mu, variance = np.array([0.5, -1.1, 0.3]), 0.4
    answer = _parts(my_encoder(W.copy(), mu.copy(), variance), ["A", "b", "the log-variances"])
    gram, eye = W.T @ W, np.eye(2)
    precision = eye + gram / variance
    A, diagonal = W @ np.linalg.inv(precision) / variance, np.diag(precision)
    judge(
        answer[0],
        A,
        [
            (A.T, "transpose: x is a row, and A is [d, k]"),
            (
                W @ np.linalg.inv(gram),
                "this is the pseudo-inverse: the prior, the identity in the precision, is missing",
            ),
            (W @ np.linalg.inv(eye + gram), "the noise variance is missing: the precision is I + WᵀW / σ²"),
            (A * variance, "a division by the noise variance is missing: Λ⁻¹ Wᵀ (x − μ) / σ²"),
            (W @ precision / variance, "this multiplies by the precision: take its inverse"),
            (W, "this is W alone: it must be multiplied by the inverse of the precision, over σ²"),
        ],
        praise="the matrix A is right",
    )
    judge(
        answer[1],
        -mu @ A,
        [
            (np.zeros(2), "the data are not centred: an x equal to μ must give the mean zero"),
            (mu @ A, "the sign: an x equal to μ must give the mean zero"),
            (-mu @ W, "you took μ through W: an x equal to μ must give the mean zero, so take it through A"),
            (mu, "the offset lives among the codes: take μ through A"),
            (-mu, "the offset lives among the codes: take μ through A"),
        ],
        praise="so is the offset",
    )
    judge(
        answer[2],
        -np.log(diagonal),
        [
            (
                np.log(np.diag(np.linalg.inv(precision))),
                "these are the posterior's own marginal variances; the best "
                "independent q is narrower: one over the diagonal of the precision",
            ),
            (np.log(diagonal), "the sign: the variance is one over the precision"),
            (1 / diagonal, "these are the variances: take the logarithm"),
            (-0.5 * np.log(diagonal), "this is log s; the encoder emits log s², twice that"),
            (
                -np.log(np.diag(gram + variance * eye)),
                "σ² I + WᵀW is the precision times σ²: divide it by σ² before you take its diagonal",
            ),
            (diagonal, "this is the precision: the log-variance is minus its logarithm"),
            (np.zeros(2), "this is the prior's variance; the observation has narrowed it"),
        ],
        praise="and so are the log-variances",
    )


def check_break_even(my_points):
    """``my_points(training_passes, steps, draws)``: the fewest points for which the encoder takes fewer passes."""
    for training, steps, draws in ((100_000, 30, 8), (239 * 50, 30, 8)):
        each, truth = steps * draws, training // (steps * draws - 1) + 1
        judge(
            my_points(training, steps, draws),
            truth,
            [
                (-(-training // (each - 1)), "at this number both cost the same; fewer passes takes one point more"),
                (training // (each - 1), "at this number the encoder has not yet paid: one point more"),
                (training / (each - 1), "a whole number of points was asked for: the next one above this"),
                (training // each + 1, "with the encoder each answer still costs one pass"),
                (training / each, "with the encoder each answer still costs one pass, and the answer is whole"),
                (training // (steps - 1) + 1, "each step decodes one code for each draw: steps × draws passes"),
                (training // (draws - 1) + 1, "a climb takes steps × draws passes, not draws alone"),
                (training // (steps + draws - 1) + 1, "a climb takes steps × draws passes, not their sum"),
                (training // (each + 1) + 1, "the one pass of the encoder is saved from each climb: subtract it"),
            ],
            within=1e-9,
            praise=f"correct: {truth} points",
        )


def _parts(answer, names):
    if answer is None:
        raise Hint("your function returned None: does it end in «return …»?")
    if isinstance(answer, np.ndarray) and answer.ndim:
        answer = list(answer)
    if not isinstance(answer, tuple | list) or len(answer) != len(names):
        raise Hint(f"return {len(names)} things: {', '.join(names)}")
    return answer
