"""Checks of chapter 15, the VAE against the other autoencoders."""

import numpy as np

from vae_lib.exercises.judge import judge

# Ten runs of two models that rise and fall together: paired and unpaired errors differ.
_A = np.array([2.7, 2.4, 3.3, 3.0, 1.9, 3.4, 2.9, 2.1, 3.3, 2.8])
_B = np.array([3.1, 2.6, 3.9, 3.3, 2.2, 4.1, 3.0, 2.8, 3.6, 3.4])
_TEST, _TRAIN = 360, 1437


def check_paired_difference(paired):
    """``paired(a, b, test, train)``: mean of a − b over the runs, and its error corrected for shared data."""
    n, share = len(_A), _TEST / _TRAIN
    mean, deviation = np.mean(_A - _B), np.std(_A - _B, ddof=1)
    error = deviation * np.sqrt(1 / n + share)
    unpaired = np.sqrt(np.var(_A, ddof=1) + np.var(_B, ddof=1))
    wrong = [
        ([-mean, error], "the sign: a minus b as it comes, so that a positive number says that a is larger"),
        (error, "two numbers were asked: the mean and its error"),
        (mean / error, "this is their ratio: return the mean and its error, the reader will divide"),
        (mean / (deviation / np.sqrt(n)), "this is the t of independent runs: return the mean and its corrected error"),
        (mean, "two numbers were asked: the mean and its error"),
        ([error, mean], "the order: first the mean, then its error"),
        (
            [mean, deviation / np.sqrt(n)],
            "this error takes the runs for independent; they share training data: 1/n becomes 1/n + test/train",
        ),
        (
            [mean, np.std(_A - _B) / np.sqrt(n)],
            "this error takes the runs for independent, and divides by n: 1/n becomes 1/n + test/train, and ddof=1",
        ),
        ([mean, deviation], "this is the deviation of one difference: multiply by the root of 1/n + test/train"),
        ([mean, deviation**2 * (1 / n + share)], "this is the variance of the mean: its root is the error"),
        ([mean, deviation * (1 / n + share)], "the root of 1/n + test/train is missing"),
        ([mean, np.std(_A - _B) * np.sqrt(1 / n + share)], "divide the squares by n − 1: ddof=1"),
        (
            [mean, unpaired * np.sqrt(1 / n + share)],
            "these are two separate spreads: take the differences first, then their deviation",
        ),
        (
            [mean, unpaired / np.sqrt(n)],
            "these are two separate spreads, and independent runs: take the differences first, then correct",
        ),
        ([mean, deviation * np.sqrt(1 / n + 1 / share)], "the correction is test/train, not train/test"),
        (
            [mean, deviation * np.sqrt(1 / n + _TEST / (_TEST + _TRAIN))],
            "the correction divides by the size of the training set alone, not by all data",
        ),
        ([mean, deviation * np.sqrt(share)], "the 1/n is missing: it and test/train add"),
        ([mean, deviation * (np.sqrt(1 / n) + np.sqrt(share))], "variances add, not errors: one root around the sum"),
    ]
    answer = paired(_A, _B, _TEST, _TRAIN)
    praise = "right: the pairs are kept, and the shared data are paid for"
    judge(_stacked(answer), [mean, error], wrong, praise=praise)


# With ties, within and across; unequal sizes.
_NORMAL = np.array([2.0, 2.25, 1.0, 2.25, 0.75, 2.0, 0.5])
_FAKE = np.array([2.0, 3.75, 1.75, 1.75, 3.75])


def check_auroc(auroc):
    """``auroc(normal, fake)``: the share of pairs in which the fake scores higher, ties counting half."""
    above = np.mean(_FAKE[:, np.newaxis] > _NORMAL)
    tied = np.mean(_FAKE[:, np.newaxis] == _NORMAL)
    right, n, m = above + 0.5 * tied, len(_NORMAL), len(_FAKE)
    mistakes = [
        (1 - right, "the other way round: a fake should score higher than a normal example"),
        (above, "ties count half: a model that gives everything one score must get one half, not zero"),
        (
            above + tied,
            "ties count half: a model that gives everything one score must get one half, not one",
        ),
        (right * n * m, "this is the number of pairs: divide by how many pairs there are"),
        (right * m, "divide by the number of pairs, n times m, not by the normal examples alone"),
        (right * n, "divide by the number of pairs, n times m, not by the fakes alone"),
        ((right * n * m + m * (m + 1) / 2) / (n * m), "subtract m(m + 1)/2, the ranks of the fakes among themselves"),
        ((right * n * m + m) / (n * m), "ranks start at one: subtract m(m + 1)/2, not m(m − 1)/2"),
        (2 * right - 1, "this runs from −1 to 1 (it is called Somers' D or Gini): guessing should get one half"),
        (
            np.mean(_NORMAL[:m] < _FAKE),
            "every fake meets every normal example: n times m pairs, not the first with the first",
        ),
        (np.mean(np.median(_NORMAL) < _FAKE), "this compares with the median: count all pairs"),
        (100 * right, "a share lies between 0 and 1: no per cent"),
    ]
    judge(auroc(_NORMAL, _FAKE), right, mistakes, praise="right: one half is guessing, whatever the scale of the score")


_VALIDATION = np.array([[1.0, 3.0, 2.0, 2.5], [4.0, 3.5, 1.0, 0.5], [0.2, 0.9, 0.4, 1.6]])
_ON_TEST = np.array([[2.2, 1.7, 2.9, 2.4], [3.1, 3.9, 2.0, 1.4], [1.5, 0.6, 1.1, 1.3]])


def check_best_of(best_of):
    """``best_of(validation, test)``, [repeats, starts] each: what the start chosen by validation is worth, mean."""
    rows = np.arange(len(_VALIDATION))
    chosen = _VALIDATION.argmax(axis=1)
    right = _ON_TEST[rows, chosen].mean()
    mistakes = [
        (_ON_TEST.max(axis=1).mean(), "you chose by the test score: then it is no test any more"),
        (
            _VALIDATION.max(axis=1).mean(),
            "this is the score that won: the winner's luck is in it; report its test score",
        ),
        (_ON_TEST[rows, chosen].sum(), "average over the repeats, do not add"),
        (
            _ON_TEST[_VALIDATION.argmax(axis=0), np.arange(_ON_TEST.shape[1])].mean(),
            "you chose a repeat for each start: axis=1 runs over the starts",
        ),
        (
            _ON_TEST[:, chosen].mean(),
            "each choice is for its own repeat only: pair rows with starts, test[np.arange(len(test)), chosen]",
        ),
        (_ON_TEST.mean(), "this is the mean of all starts: none was chosen"),
        (_ON_TEST[rows, _VALIDATION.argmin(axis=1)].mean(), "a larger score is better: this is the worst start"),
        (_ON_TEST[rows, chosen], "one number was asked: average over the repeats"),
        (
            _ON_TEST[:, _VALIDATION.mean(axis=0).argmax()].mean(),
            "choose anew in each repeat: each row has its own starts",
        ),
        (_ON_TEST.ravel()[_VALIDATION.argmax()], "choose anew in each repeat: one start a row, then the mean"),
        (chosen.mean(), "these are the places of the winners: return what they score on the test data"),
        (_ON_TEST[rows, _ON_TEST.argmin(axis=1)].mean(), "choose by validation, the largest score"),
    ]
    judge(best_of(_VALIDATION, _ON_TEST), right, mistakes, praise="right: chosen on one set, judged on another")


_W = np.array([[1.1, -0.4, 0.3], [0.2, 0.8, -1.3], [-0.7, 0.5, 0.9], [1.6, -1.1, 0.1], [0.4, 0.6, -0.2]])
_TURN = np.linalg.qr(np.array([[0.6, -1.2, 0.5], [1.4, 0.3, -0.8], [0.1, 0.9, 1.5]]))[0]


def check_rotated_weights(rotated):
    """``rotated(W, R)``: the weights with which the codes R z give what W gives for z."""
    mistakes = [
        (_W @ _TURN, "turned the wrong way: W′ R z must be W z, so W′ undoes R"),
        (_W, "the weights must change: W R z is not W z"),
        ((_W @ _TURN.T).T, "transposed: W′ has the shape of W, [d, k]"),
        ((_W @ _TURN).T, "transposed, and turned the wrong way"),
        (_TURN.T, "this undoes R; W comes after it"),
        (-_W @ _TURN.T, "the sign: R times its transpose is plus the identity"),
        (np.linalg.pinv(_W), "W′ undoes R, not W"),
    ]
    judge(rotated(_W, _TURN), _W @ _TURN.T, mistakes, praise="right: other axes, the same pictures")


def _stacked(answer):
    """A pair as one array, whatever it is a pair of; anything else as it is."""
    if isinstance(answer, tuple | list) and answer and all(np.ndim(part) == 0 for part in answer):
        return None if any(part is None for part in answer) else [float(part) for part in answer]
    return answer
