"""Checks of chapter 1, compress and reconstruct."""

from itertools import pairwise

import numpy as np

from vae_lib.exercises.judge import Hint, judge

# Different numbers of rows and columns, and nothing centred: a sum over the wrong axis or a forgotten mean shows.
_RANDOM = np.random.default_rng(1)
_X = _RANDOM.normal(size=(7, 4)) * [2.0, 1.0, 0.6, 0.3] + [1, -2, 0.5, 3]
_R = _X + 0.3 * _RANDOM.normal(size=(7, 4)) + 0.1
_MEAN = _X.mean(axis=0) + np.array([0.5, -0.3, 0.2, 0.1])  # the mean of other, training data


def check_reconstruction_error(error):
    """``error(x, r)``: the squared error of reconstructions ``r``, summed over components, averaged over examples."""
    squares = (_X - _R) ** 2
    d = _X.shape[1]
    each = squares.sum(axis=1)
    right = each.mean()
    mistakes = [
        (squares.mean(), "you averaged over the components too: sum over them, average over the examples only"),
        (squares.sum(), "you summed over the examples too: average over them, sum over the components only"),
        (squares.sum() / d, "you divided by the number of components: divide by the number of examples"),
        (each, "this is one value for each example: average them"),
        (squares.mean(axis=0), "you averaged over the examples and kept the components: sum over those"),
        (squares.sum(axis=0), "you summed over the examples and kept the components: axis 1 holds the components"),
        (np.sqrt(each).mean(), "you averaged the distances: average their squares"),
        (np.sqrt(right), "this is the root of the error: do not take it"),
        (-right, "the sign: minus the error is the objective, to maximise; the error itself is wanted"),
        (0.5 * right, "half of it: leave out the ½"),
        (np.abs(_X - _R).sum(axis=1).mean(), "you summed absolute differences: square them"),
        ((_X - _R).sum(axis=1).mean(), "differences of both signs cancel: square them first"),
    ]
    judge(error(_X.copy(), _R.copy()), right, mistakes, praise="right: summed over components, averaged over examples")


def check_parameters(parameters):
    """``parameters(widths)``: how many weights and biases a multilayer perceptron of these widths has."""
    widths = [7, 5, 3, 11]
    pairs = list(pairwise(widths))
    weights = sum(a * b for a, b in pairs)
    right = weights + sum(b for _, b in pairs)
    mistakes = [
        (weights, "the biases are missing: one for each unit of a layer, but for the input"),
        (weights + sum(a for a, _ in pairs), "biases belong to the layer that a matrix leads to, not from"),
        (weights + sum(widths), "the input has no biases"),
        (weights + len(pairs), "every unit has a bias of its own, not every layer"),
        (weights + sum(widths[1:-1]), "the last layer has biases too"),
        (sum(b for _, b in pairs), "these are the biases: the weights are missing"),
        (sum(widths), "you counted units: a layer from a to b units has a·b weights and b biases"),
        (np.prod(widths), "you multiplied all widths: add the layers, each a·b weights and b biases"),
        (2 * right, "twice too many: only one of the two networks is asked for"),
    ]
    judge(parameters(list(widths)), right, mistakes, within=1e-9, praise="right: a·b weights and b biases a layer")


def check_storage_break_even(break_even):
    """``break_even(d, k, parameters)``: the number of examples at which codes and decoder take the room of the data."""
    d, k, parameters = 50, 7, 1931
    right = parameters / (d - k)
    mistakes = [
        (np.ceil(right), "the number at which both are equal is wanted: do not round"),
        (np.floor(right), "the number at which both are equal is wanted: do not round"),
        (parameters / d, "the codes take room as well: solve n·d = n·k + parameters"),
        (parameters / k, "what an example saves is d − k numbers, not k"),
        (parameters / (d + k), "what an example saves is d − k numbers: mind the sign"),
        (-right, "the sign: an example saves d − k numbers"),
        (2 * right, "twice too many: the encoder is not stored"),
        (1 / right, "upside down: the decoder's parameters over what an example saves"),
        (parameters * (d - k), "divide the decoder's parameters by what an example saves"),
        (d / k, "this is the ratio of the two widths: the decoder takes room too"),
    ]
    judge(break_even(d, k, parameters), right, mistakes, praise="right: the decoder, over what each example saves")


def check_explained_fraction(explained):
    """``explained(x, r, mean)``: one minus the squared error over that of answering always with ``mean``."""
    lost, total = np.sum((_X - _R) ** 2), np.sum((_X - _MEAN) ** 2)
    right = 1 - lost / total
    per_component = 1 - np.sum((_X - _R) ** 2, axis=0) / np.sum((_X - _MEAN) ** 2, axis=0)
    mistakes = [
        (lost / total, "this is the fraction that is lost: subtract it from one"),
        (total / lost, "upside down: the error of the reconstruction over that of the mean"),
        (1 - total / lost, "upside down: the error of the reconstruction over that of the mean"),
        (1 - lost / np.sum(_X**2), "you forgot to subtract the mean in the denominator"),
        (
            1 - lost / np.sum((_X - _X.mean(axis=0)) ** 2),
            "you took the mean of x itself: use the one given, of the training data",
        ),
        (1 - lost / np.sum((_X - _X.mean()) ** 2), "you took one mean over all components: each has its own"),
        (1 - np.sqrt(lost / total), "you compared distances: compare their squares"),
        (1 - lost / len(_X) / total, "divide both sums by n, or neither"),
        (per_component, "you kept the components apart: sum the squares over them, then divide"),
        (per_component.mean(), "you averaged the fractions of the components: sum the squares first, then divide"),
        (np.sum((_R - _MEAN) ** 2) / total, "this holds for the best decoder only: start from the squared error"),
        (
            np.sum((_R - _R.mean(axis=0)) ** 2) / np.sum((_X - _X.mean(axis=0)) ** 2),
            "one variance over the other is right for the best decoder only: start from the squared error",
        ),
        (100 * right, "a fraction is wanted, not a percentage"),
    ]
    judge(explained(_X.copy(), _R.copy(), _MEAN.copy()), right, mistakes, praise="right: 0 for no code, 1 for a copy")


def check_two_in_one(encode, decode):
    """``encode(x)`` turns x [n, 2] in [0, 1) into one float64 each; ``decode`` recovers both to within 1e-6."""
    x = np.random.default_rng(5).random((2000, 2))
    z = encode(x.copy())
    if z is None:
        raise Hint("your encoder returned None: does it end in «return …»?")
    z = np.asarray(z)
    if z.dtype.kind == "c":
        raise Hint("a complex number is two numbers: use one real one")
    if z.dtype.kind not in "fiu" or z.dtype.itemsize > 8:
        raise Hint(f"one float64 for each point was expected; your codes are of type {z.dtype}")
    if z.shape not in ((len(x),), (len(x), 1)):
        raise Hint(f"one number for each of {len(x)} points was expected; your codes have shape {z.shape}")
    if z.dtype in (np.float16, np.float32):
        raise Hint(f"{z.dtype} holds too few digits for two numbers: keep float64")
    order = np.random.default_rng(6).permutation(len(x))  # so that a list kept somewhere does not help
    answer = decode(z[order].copy())
    if answer is None:
        raise Hint("your decoder returned None: does it end in «return …»?")
    try:
        answer = np.asarray(answer, np.float64)
    except (TypeError, ValueError):
        raise Hint(f"your decoder must return numbers; its answer is of type {type(answer).__name__}") from None
    if answer.shape != x.shape:
        raise Hint(f"a decoded array of shape {x.shape} was expected; yours has shape {answer.shape}")
    off = np.abs(answer - x[order]).max(axis=0)
    if np.isfinite(off).all() and off.max() <= 1e-6:
        print("✓ right: both numbers came through one")
        return
    if np.abs(answer[:, ::-1] - x[order]).max() <= 1e-6:
        raise Hint("both numbers came through, in the wrong order")
    if off.max() > 0.1 and off.min() <= 1e-6:
        raise Hint(f"number {1 + int(off.argmin())} comes back, number {1 + int(off.argmax())} is lost")
    raise Hint(f"not yet: the two numbers come back to within {off[0]:.2g} and {off[1]:.2g}; 1e-06 is wanted")
