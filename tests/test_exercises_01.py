"""The checks of chapter 1 pass the right answers and name the usual mistakes."""

from itertools import pairwise

import numpy as np
import pytest

from vae_lib import exercises
from vae_lib.exercises import Hint

ERROR, PARAMETERS = exercises.check_reconstruction_error, exercises.check_parameters
BREAK_EVEN, EXPLAINED = exercises.check_storage_break_even, exercises.check_explained_fraction
TWO = exercises.check_two_in_one


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


@pytest.mark.parametrize(
    ("check", "answer"), [(ERROR, error), (PARAMETERS, parameters), (BREAK_EVEN, break_even), (EXPLAINED, explained)]
)
def test_a_right_answer_gets_a_tick_and_none_a_hint(check, answer, capsys):
    check(answer)
    assert "✓" in capsys.readouterr().out
    with pytest.raises(Hint, match="None"):
        check(lambda *_: None)
    with pytest.raises(Hint, match="shape"):
        check(lambda *arguments: np.full(3, answer(*arguments)))
    with pytest.raises(Hint, match="not yet"):
        check(lambda *arguments: answer(*arguments) + 0.0123)


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (ERROR, lambda x, r: ((x - r) ** 2).mean(), "averaged over the components too"),
        (ERROR, lambda x, r: ((x - r) ** 2).sum(), "summed over the examples too"),
        (ERROR, lambda x, r: ((x - r) ** 2).sum(axis=0).mean(), "divided by the number of components"),
        (ERROR, lambda x, r: ((x - r) ** 2).sum(axis=1), "one value for each example"),
        (ERROR, lambda x, r: ((x - r) ** 2).mean(axis=0), "kept the components"),
        (ERROR, lambda x, r: ((x - r) ** 2).sum(axis=0), "axis 1"),
        (ERROR, lambda x, r: np.linalg.norm(x - r, axis=1).mean(), "averaged the distances"),
        (ERROR, lambda x, r: error(x, r) ** 0.5, "root"),
        (ERROR, lambda x, r: -error(x, r), "sign"),
        (ERROR, lambda x, r: error(x, r) / 2, "½"),
        (ERROR, lambda x, r: np.abs(x - r).sum(axis=1).mean(), "absolute"),
        (ERROR, lambda x, r: (x - r).sum(axis=1).mean(), "cancel"),
        (PARAMETERS, lambda w: parameters(w, lambda w: 0), "biases are missing"),
        (PARAMETERS, lambda w: parameters(w, lambda w: sum(w[:-1])), "not from"),
        (PARAMETERS, lambda w: parameters(w, sum), "input has no biases"),
        (PARAMETERS, lambda w: parameters(w, lambda w: len(w) - 1), "not every layer"),
        (PARAMETERS, lambda w: parameters(w, lambda w: sum(w[1:-1])), "last layer"),
        (PARAMETERS, lambda w: sum(w[1:]), "weights are missing"),
        (PARAMETERS, sum, "counted units"),
        (PARAMETERS, np.prod, "multiplied all widths"),
        (PARAMETERS, lambda w: 2 * parameters(w), "one of the two networks"),
        (BREAK_EVEN, lambda d, k, p: -(-p // (d - k)), "do not round"),
        (BREAK_EVEN, lambda d, k, p: p // (d - k), "do not round"),
        (BREAK_EVEN, lambda d, k, p: p / d, "codes take room"),
        (BREAK_EVEN, lambda d, k, p: p / k, "not k"),
        (BREAK_EVEN, lambda d, k, p: p / (d + k), "mind the sign"),
        (BREAK_EVEN, lambda d, k, p: p / (k - d), "sign"),
        (BREAK_EVEN, lambda d, k, p: 2 * p / (d - k), "encoder"),
        (BREAK_EVEN, lambda d, k, p: (d - k) / p, "upside down"),
        (BREAK_EVEN, lambda d, k, p: p * (d - k), "divide"),
        (BREAK_EVEN, lambda d, k, p: d / k, "ratio of the two widths"),
        (EXPLAINED, lambda x, r, m: 1 - explained(x, r, m), "subtract it from one"),
        (EXPLAINED, lambda x, r, m: 1 / (1 - explained(x, r, m)), "upside down"),
        (EXPLAINED, lambda x, r, m: 1 - 1 / (1 - explained(x, r, m)), "upside down"),
        (EXPLAINED, lambda x, r, m: explained(x, r, 0), "forgot to subtract the mean"),
        (EXPLAINED, lambda x, r, m: explained(x, r, x.mean(axis=0)), "mean of x itself"),
        (EXPLAINED, lambda x, r, m: explained(x, r, x.mean()), "each has its own"),
        (EXPLAINED, lambda x, r, m: 1 - (1 - explained(x, r, m)) ** 0.5, "compared distances"),
        (EXPLAINED, lambda x, r, m: 1 - error(x, r) / ((x - m) ** 2).sum(), "or neither"),
        (EXPLAINED, lambda x, r, m: 1 - ((x - r) ** 2).sum(0) / ((x - m) ** 2).sum(0), "kept the components apart"),
        (EXPLAINED, lambda x, r, m: np.mean(1 - ((x - r) ** 2).sum(0) / ((x - m) ** 2).sum(0)), "averaged the"),
        (EXPLAINED, lambda x, r, m: ((r - m) ** 2).sum() / ((x - m) ** 2).sum(), "best decoder only"),
        (EXPLAINED, lambda x, r, m: r.var(axis=0).sum() / x.var(axis=0).sum(), "one variance over the other"),
        (EXPLAINED, lambda x, r, m: 100 * explained(x, r, m), "percentage"),
    ],
)
def test_a_usual_mistake_gets_its_own_hint(check, answer, words):
    with pytest.raises(Hint, match=words):
        check(answer)


def test_two_numbers_through_one(capsys):
    TWO(encode, decode)
    TWO(lambda x: encode(x)[:, None], lambda z: decode(z[:, 0]))
    assert capsys.readouterr().out.count("✓") == 2


@pytest.mark.parametrize(
    ("encode", "decode", "words"),
    [
        (lambda x: None, decode, "encoder returned None"),
        (encode, lambda z: None, "decoder returned None"),
        (lambda x: x[:, 0] + 1j * x[:, 1], lambda z: np.stack([z.real, z.imag], 1), "complex"),
        (lambda x: x, lambda z: z, "one number for each"),
        (lambda x: [str(row) for row in x], lambda z: z, "type"),
        (lambda x: encode(x).astype(np.longdouble), decode, "type"),
        (lambda x: encode(x).astype(np.float32), decode, "too few digits"),
        (encode, lambda z: decode(z).T, "shape"),
        (encode, lambda z: decode(z)[:, ::-1], "wrong order"),
        (lambda x: x[:, 0], lambda z: np.stack([z, 0 * z + 0.5], 1), "number 1 comes back, number 2 is lost"),
        (lambda x: x[:, 1], lambda z: np.stack([0 * z + 0.5, z], 1), "number 2 comes back, number 1 is lost"),
        (lambda x: np.floor(x[:, 0] * 100) + x[:, 1], lambda z: np.stack([z // 1 / 100, z % 1], 1), "not yet"),
        (encode, lambda z: decode(z) * np.nan, "not yet"),
    ],
)
def test_two_numbers_not_through_one(encode, decode, words):
    with pytest.raises(Hint, match=words):
        TWO(encode, decode)
