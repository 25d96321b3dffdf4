"""Right and wrong answers to the checks of chapter 1."""

from itertools import pairwise

import numpy as np

from vae_lib import exercises


def error(x, r):
    return ((x - r) ** 2).sum(axis=1).mean()


def parameters(widths, biases=None):
    weights = sum(a * b for a, b in pairwise(widths))
    return weights + (sum(widths[1:]) if biases is None else biases(widths))


def break_even(d, k, parameters):
    return parameters / (d - k)


def explained(x, r, mean):
    return 1 - ((x - r) ** 2).sum() / ((x - mean) ** 2).sum()


def encode(x):
    return np.floor(x[:, 0] * 1e7) + x[:, 1]


def decode(z):
    return np.stack([(np.floor(z) + 0.5) / 1e7, z % 1], axis=1)


RIGHT = [
    (exercises.check_reconstruction_error, error),
    (exercises.check_parameters, parameters),
    (exercises.check_storage_break_even, break_even),
    (exercises.check_explained_fraction, explained),
    (exercises.check_two_in_one, (encode, decode)),
    (exercises.check_two_in_one, (lambda x: encode(x)[:, None], lambda z: decode(z[:, 0]))),
]

WRONG = {
    exercises.check_reconstruction_error: [
        (lambda x, r: ((x - r) ** 2).mean(), "averaged over the components too"),
        (lambda x, r: ((x - r) ** 2).sum(), "summed over the examples too"),
        (lambda x, r: ((x - r) ** 2).sum(axis=0).mean(), "divided by the number of components"),
        (lambda x, r: ((x - r) ** 2).sum(axis=1), "one value for each example"),
        (lambda x, r: ((x - r) ** 2).mean(axis=0), "kept the components"),
        (lambda x, r: ((x - r) ** 2).sum(axis=0), "axis 1"),
        (lambda x, r: np.linalg.norm(x - r, axis=1).mean(), "averaged the distances"),
        (lambda x, r: error(x, r) ** 0.5, "root"),
        (lambda x, r: -error(x, r), "sign"),
        (lambda x, r: error(x, r) / 2, "½"),
        (lambda x, r: np.abs(x - r).sum(axis=1).mean(), "absolute"),
        (lambda x, r: (x - r).sum(axis=1).mean(), "cancel"),
        (lambda *given: error(*given) + 0.0123, "not yet"),
    ],
    exercises.check_parameters: [
        (lambda w: parameters(w, lambda w: 0), "biases are missing"),
        (lambda w: parameters(w, lambda w: sum(w[:-1])), "not from"),
        (lambda w: parameters(w, sum), "input has no biases"),
        (lambda w: parameters(w, lambda w: len(w) - 1), "not every layer"),
        (lambda w: parameters(w, lambda w: sum(w[1:-1])), "last layer"),
        (lambda w: sum(w[1:]), "weights are missing"),
        (sum, "counted units"),
        (np.prod, "multiplied all widths"),
        (lambda w: 2 * parameters(w), "one of the two networks"),
        (lambda *given: parameters(*given) + 0.0123, "not yet"),
    ],
    exercises.check_storage_break_even: [
        (lambda d, k, p: -(-p // (d - k)), "do not round"),
        (lambda d, k, p: p // (d - k), "do not round"),
        (lambda d, k, p: p / d, "codes take room"),
        (lambda d, k, p: p / k, "not k"),
        (lambda d, k, p: p / (d + k), "mind the sign"),
        (lambda d, k, p: p / (k - d), "sign"),
        (lambda d, k, p: 2 * p / (d - k), "encoder"),
        (lambda d, k, p: (d - k) / p, "upside down"),
        (lambda d, k, p: p * (d - k), "divide"),
        (lambda d, k, p: d / k, "ratio of the two widths"),
        (lambda *given: break_even(*given) + 0.0123, "not yet"),
    ],
    exercises.check_explained_fraction: [
        (lambda x, r, m: 1 - explained(x, r, m), "subtract it from one"),
        (lambda x, r, m: 1 / (1 - explained(x, r, m)), "upside down"),
        (lambda x, r, m: 1 - 1 / (1 - explained(x, r, m)), "upside down"),
        (lambda x, r, m: explained(x, r, 0), "forgot to subtract the mean"),
        (lambda x, r, m: explained(x, r, x.mean(axis=0)), "mean of x itself"),
        (lambda x, r, m: explained(x, r, x.mean()), "each has its own"),
        (lambda x, r, m: 1 - (1 - explained(x, r, m)) ** 0.5, "compared distances"),
        (lambda x, r, m: 1 - error(x, r) / ((x - m) ** 2).sum(), "or neither"),
        (lambda x, r, m: 1 - ((x - r) ** 2).sum(0) / ((x - m) ** 2).sum(0), "kept the components apart"),
        (lambda x, r, m: np.mean(1 - ((x - r) ** 2).sum(0) / ((x - m) ** 2).sum(0)), "averaged the"),
        (lambda x, r, m: ((r - m) ** 2).sum() / ((x - m) ** 2).sum(), "best decoder only"),
        (lambda x, r, m: r.var(axis=0).sum() / x.var(axis=0).sum(), "one variance over the other"),
        (lambda x, r, m: 100 * explained(x, r, m), "percentage"),
        (lambda *given: explained(*given) + 0.0123, "not yet"),
    ],
    exercises.check_two_in_one: [
        ((lambda x: None, decode), "encoder returned None"),
        ((encode, lambda z: None), "decoder returned None"),
        ((lambda x: x[:, 0] + 1j * x[:, 1], lambda z: np.stack([z.real, z.imag], 1)), "complex"),
        ((lambda x: x, lambda z: z), "one number for each"),
        ((lambda x: [str(row) for row in x], lambda z: z), "type"),
        ((lambda x: encode(x).astype(np.longdouble), decode), "type"),
        ((lambda x: encode(x).astype(np.float32), decode), "too few digits"),
        ((encode, lambda z: "text"), "your decoder must return numbers"),
        ((encode, lambda z: decode(z).T), "shape"),
        ((encode, lambda z: decode(z)[:, ::-1]), "wrong order"),
        ((lambda x: x[:, 0], lambda z: np.stack([z, 0 * z + 0.5], 1)), "number 1 comes back, number 2 is lost"),
        ((lambda x: x[:, 1], lambda z: np.stack([0 * z + 0.5, z], 1)), "number 2 comes back, number 1 is lost"),
        ((lambda x: np.floor(x[:, 0] * 100) + x[:, 1], lambda z: np.stack([z // 1 / 100, z % 1], 1)), "not yet"),
        ((encode, lambda z: decode(z) * np.nan), "not yet"),
    ],
}
