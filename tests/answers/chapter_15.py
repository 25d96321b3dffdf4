"""Right and wrong answers to the checks of chapter 15."""

import numpy as np
import tensorflow as tf
from scipy import stats
from scipy.stats import rankdata

from vae_lib import exercises


def paired(a, b, test, train):
    d = a - b
    return d.mean(), d.std(ddof=1) * np.sqrt(1 / len(d) + test / train)


def auroc(normal, fake):
    n, m = len(normal), len(fake)
    return (rankdata(np.concatenate([normal, fake]))[n:].sum() - m * (m + 1) / 2) / (n * m)


def by_argsort(normal, fake):
    n, m = len(normal), len(fake)
    places = np.argsort(np.argsort(np.concatenate([normal, fake])))[n:] + 1
    return (places.sum() - m * (m + 1) / 2) / (n * m)


def pairs(normal, fake):
    return np.mean((fake[:, None] > normal) + 0.5 * (fake[:, None] == normal))


def best_of(validation, test):
    return np.take_along_axis(test, validation.argmax(axis=1)[:, None], axis=1).mean()


def rotated(weights, turn):
    return weights @ turn.T


RIGHT = [
    (exercises.check_paired_difference, paired),
    (exercises.check_paired_difference, lambda *a: np.array(paired(*a))),
    (exercises.check_paired_difference, lambda *a: tuple(map(tf.constant, paired(*a)))),
    (exercises.check_auroc, auroc),
    (exercises.check_auroc, pairs),
    (exercises.check_best_of, best_of),
    (exercises.check_rotated_weights, rotated),
    (exercises.check_rotated_weights, lambda w, r: w @ np.linalg.inv(r)),
]


def with_error(error):
    return lambda a, b, test, train: (np.mean(a - b), error(a, b, a - b, test / train, len(a)))


def spread(d):
    return d.std(ddof=1)


def apart(a, b):
    return np.sqrt(a.var(ddof=1) + b.var(ddof=1))


def choose(by):
    def best_of(validation, test):
        return test[np.arange(len(test)), by(validation, test)].mean()

    return best_of


WRONG = {
    exercises.check_paired_difference: [
        (lambda a, b, m, n: paired(b, a, m, n), "a minus b"),
        (lambda a, b, m, n: (abs(np.mean(a - b)), paired(a, b, m, n)[1]), "a minus b"),
        (lambda *a: paired(*a)[0] / paired(*a)[1], "the reader will divide"),
        (lambda a, b, m, n: stats.ttest_rel(a, b).statistic, "the t of independent runs"),
        (with_error(lambda a, b, d, s, n: spread(d) * (n**-0.5 + s**0.5)), "variances add"),
        (lambda *a: paired(*a)[0], "two numbers were asked"),
        (lambda *a: paired(*a)[1], "two numbers were asked"),
        (lambda *a: paired(*a)[::-1], "first the mean"),
        (with_error(lambda a, b, d, s, n: spread(d) / n**0.5), "takes the runs for independent; they"),
        (with_error(lambda a, b, d, s, n: d.std() / n**0.5), "for independent, and divides by n"),
        (with_error(lambda a, b, d, s, n: spread(d)), "deviation of one difference"),
        (with_error(lambda a, b, d, s, n: spread(d) ** 2 * (1 / n + s)), "variance of the mean"),
        (with_error(lambda a, b, d, s, n: spread(d) * (1 / n + s)), "the root of 1/n"),
        (with_error(lambda a, b, d, s, n: d.std() * (1 / n + s) ** 0.5), "ddof=1"),
        (with_error(lambda a, b, d, s, n: apart(a, b) * (1 / n + s) ** 0.5), "two separate spreads: take"),
        (with_error(lambda a, b, d, s, n: apart(a, b) / n**0.5), "separate spreads, and independent"),
        (with_error(lambda a, b, d, s, n: spread(d) * (1 / n + 1 / s) ** 0.5), "not train/test"),
        (with_error(lambda a, b, d, s, n: spread(d) * (1 / n + s / (1 + s)) ** 0.5), "training set alone"),
        (with_error(lambda a, b, d, s, n: spread(d) * s**0.5), "the 1/n is missing"),
    ],
    exercises.check_auroc: [
        (lambda x, y: auroc(y, x), "the other way round"),
        (lambda x, y: np.mean(y[:, None] > x), "not zero"),
        (lambda x, y: np.mean(y[:, None] >= x), "not one"),
        (lambda x, y: auroc(x, y) * len(x) * len(y), "number of pairs: divide"),
        (lambda x, y: auroc(x, y) * len(y), "not by the normal examples alone"),
        (lambda x, y: auroc(x, y) * len(x), "not by the fakes alone"),
        (lambda x, y: rankdata(np.concatenate([x, y]))[len(x) :].sum() / len(x) / len(y), "ranks of the fakes"),
        (lambda x, y: auroc(x, y) + 1 / len(x), "ranks start at one"),
        (lambda x, y: 2 * auroc(x, y) - 1, "from −1 to 1"),
        (lambda x, y: np.mean([b > a for a, b in zip(x, y, strict=False)]), "n times m pairs"),
        (lambda x, y: np.mean(y > np.median(x)), "median"),
        (by_argsort, "ties count half"),
        (lambda x, y: 100 * auroc(x, y), "no per cent"),
    ],
    exercises.check_best_of: [
        (choose(lambda v, t: t.argmax(axis=1)), "no test any more"),
        (lambda v, t: v.max(axis=1).mean(), "the winner's luck"),
        (lambda v, t: t[:, v.argmax(axis=1)].mean(), "for its own repeat only"),
        (lambda v, t: t.mean(), "none was chosen"),
        (choose(lambda v, t: v.argmin(axis=1)), "the worst start"),
        (lambda v, t: np.take_along_axis(t, v.argmax(axis=1)[:, None], axis=1).ravel(), "average over the repeats"),
        (lambda v, t: t[:, v.mean(axis=0).argmax()].mean(), "each row has its own"),
        (lambda v, t: t.ravel()[v.argmax()], "one start a row"),
        (lambda v, t: v.argmax(axis=1).mean(), "the places of the winners"),
        (lambda v, t: len(v) * best_of(v, t), "do not add"),
        (lambda v, t: t[v.argmax(axis=0), np.arange(t.shape[1])].mean(), "axis=1 runs over"),
        (choose(lambda v, t: t.argmin(axis=1)), "choose by validation"),
    ],
    exercises.check_rotated_weights: [
        (lambda w, r: w @ r, "turned the wrong way: W′"),
        (lambda w, r: w, "must change"),
        (lambda w, r: (w @ r.T).T, "transposed: W′"),
        (lambda w, r: (w @ r).T, "transposed, and turned"),
        (lambda w, r: r.T, "W comes after"),
        (lambda w, r: -w @ r.T, "the sign"),
        (lambda w, r: np.linalg.pinv(w), "not W"),
    ],
}
