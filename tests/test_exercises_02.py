"""The checks of chapter 2 pass the right answers and name the usual mistakes."""

import numpy as np
import pytest

from vae_lib import exercises
from vae_lib.exercises import Hint

FROM_WEIGHTS, LIKELIHOOD = exercises.check_eigenvalues_from_weights, exercises.check_ppca_log_likelihood
LOG_2PI = np.log(2 * np.pi)


def values(x, centre=True, by=0):
    x = x - x.mean(axis=0) if centre else x
    return np.linalg.eigvalsh(x.T @ x / (len(x) - by))[::-1]


def error(x, k, **options):
    return values(x, **options)[k:].sum()


def project(x, k, subtract=True, add=True, centre=True, columns=slice(None, None, -1)):
    mean = x.mean(axis=0)
    about = x - mean if centre else x
    axes = np.linalg.eigh(about.T @ about)[1][:, columns][:, :k]
    return (x - subtract * mean) @ axes @ axes.T + add * mean


def from_weights(W, gamma, rule=lambda s, g: g / (1 - s**2)):
    return rule(np.linalg.svd(W)[1], gamma)


def likelihood(values, k, noise=lambda v, k: v[k:].mean(), constant=LOG_2PI, trace=1.0, kept=0.0, half=0.5):
    d, s2 = len(values), noise(values, k)
    return -half * (d * constant + np.log(values[:k] + kept * s2).sum() + (d - k) * np.log(s2) + d * trace)


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (exercises.check_pca_error, error),
        (exercises.check_pca_projection, project),
        (FROM_WEIGHTS, from_weights),
        (LIKELIHOOD, likelihood),
    ],
)
def test_a_right_answer_gets_a_tick_and_none_a_hint(check, answer, capsys):
    check(answer)
    assert "✓" in capsys.readouterr().out
    with pytest.raises(Hint, match="None"):
        check(lambda *_: None)
    with pytest.raises(Hint, match="shape"):
        check(lambda *arguments: np.asarray(answer(*arguments))[None])
    with pytest.raises(Hint, match="not yet"):
        check(lambda *arguments: np.asarray(answer(*arguments)) + 0.7)


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (exercises.check_pca_error, lambda x, k: error(x, k, by=1), "divided by n − 1"),
        (exercises.check_pca_error, lambda x, k: error(x, k) * len(x), "did not divide"),
        (exercises.check_pca_error, lambda x, k: values(x)[:k].sum(), "kept"),
        (exercises.check_pca_error, lambda x, k: values(x)[::-1][k:].sum(), "smallest first"),
        (exercises.check_pca_error, lambda x, k: values(x)[k], "add them all"),
        (exercises.check_pca_error, lambda x, k: values(x)[k:].mean(), "their sum"),
        (exercises.check_pca_error, lambda x, k: error(x, k) / x.shape[1], "averaged over the components"),
        (exercises.check_pca_error, lambda x, k: error(x, k) / values(x).sum(), "fraction"),
        (exercises.check_pca_error, lambda x, k: np.sqrt(values(x)[k:]).sum(), "standard deviations"),
        (
            exercises.check_pca_error,
            lambda x, k: np.linalg.svd(x - x.mean(axis=0))[1][k:].sum(),
            "singular values of the data",
        ),
        (exercises.check_pca_error, lambda x, k: error(x, k) ** 0.5, "root"),
        (exercises.check_pca_error, lambda x, k: error(x, k, centre=False), "subtract the mean"),
        (exercises.check_pca_error, lambda x, k: error(x, k, centre=False, by=1), "subtract the mean"),
        (exercises.check_pca_error, lambda x, k: np.mean((x - project(x, k)) ** 2), "averaged over the components"),
        (exercises.check_pca_projection, lambda x, k: project(x, k, add=False), "did not add it back"),
        (exercises.check_pca_projection, lambda x, k: project(x, k, False, False, False), "subtract the mean"),
        (exercises.check_pca_projection, lambda x, k: project(x, k, False, False), "right axes"),
        (exercises.check_pca_projection, lambda x, k: project(x, k, False), "without subtracting"),
        (exercises.check_pca_projection, lambda x, k: project(x, k, columns=slice(None)), "last axes"),
        (exercises.check_pca_projection, lambda x, k: x - project(x, k), "misses"),
        (exercises.check_pca_projection, lambda x, k: project(x, k)[:, :k], "codes"),
        (
            FROM_WEIGHTS,
            lambda W, g: from_weights(W, g, lambda s, g: g / (1 - s)),
            "s² is wanted",
        ),
        (
            FROM_WEIGHTS,
            lambda W, g: from_weights(W, g, lambda s, g: g / (1 - s**4)),
            "twice",
        ),
        (
            FROM_WEIGHTS,
            lambda W, g: g / (1 - np.sum(W**2, axis=0)),
            "lengths of the columns",
        ),
        (
            FROM_WEIGHTS,
            lambda W, g: g / (1 - np.sort(np.sum(W**2, axis=0))[::-1]),
            "lengths of the columns",
        ),
        (FROM_WEIGHTS, lambda W, g: from_weights(W, g)[::-1], "largest first"),
        (FROM_WEIGHTS, lambda W, g: 1 / from_weights(W, g), "upside down"),
        (
            FROM_WEIGHTS,
            lambda W, g: from_weights(W, g, lambda s, g: g / s**2),
            "dropped the 1",
        ),
        (
            FROM_WEIGHTS,
            lambda W, g: from_weights(W, g, lambda s, g: g * (1 - s**2)),
            "multiply",
        ),
        (FROM_WEIGHTS, lambda W, g: np.linalg.eigvalsh(W.T @ W) + g, "probabilistic PCA, smallest first"),
        (FROM_WEIGHTS, lambda W, g: from_weights(W, 1), "γ is missing"),
        (
            FROM_WEIGHTS,
            lambda W, g: from_weights(W, g, lambda s, g: s**2 + g),
            "probabilistic PCA",
        ),
        (
            FROM_WEIGHTS,
            lambda W, g: from_weights(W, g, lambda s, g: s**2),
            "squared singular values",
        ),
        (
            FROM_WEIGHTS,
            lambda W, g: from_weights(W, g, lambda s, g: s),
            "these are the singular values",
        ),
        (LIKELIHOOD, lambda v, k: -likelihood(v, k), "sign"),
        (LIKELIHOOD, lambda v, k: likelihood(v, k, half=1), "½"),
        (LIKELIHOOD, lambda v, k: likelihood(v, k, lambda v, k: v[k:].sum()), "not their sum"),
        (
            LIKELIHOOD,
            lambda v, k: likelihood(v, k, lambda v, k: v[k:].sum() / len(v)),
            "not over d",
        ),
        (LIKELIHOOD, lambda v, k: likelihood(v, k, lambda v, k: v[k]), "not the first"),
        (LIKELIHOOD, lambda v, k: likelihood(v, k, lambda v, k: v[-1]), "not the last"),
        (
            LIKELIHOOD,
            lambda v, k: likelihood(v, k, lambda v, k: v.mean()),
            "discarded eigenvalues only",
        ),
        (
            LIKELIHOOD,
            lambda v, k: likelihood(v, k, lambda v, k: v[:k].mean()),
            "not of the kept",
        ),
        (LIKELIHOOD, lambda v, k: likelihood(v, k, constant=0), "d log 2π is missing"),
        (
            LIKELIHOOD,
            lambda v, k: likelihood(v, k, constant=LOG_2PI / len(v)),
            "its own log 2π",
        ),
        (LIKELIHOOD, lambda v, k: likelihood(v, len(v), lambda v, k: 1.0), "full covariance"),
        (
            LIKELIHOOD,
            lambda v, k: likelihood(v, k) + 0.5 * (len(v) - k - 1) * np.log(v[k:].mean()),
            "each of the d − k",
        ),
        (LIKELIHOOD, lambda v, k: likelihood(v, k, trace=0), "last term"),
        (LIKELIHOOD, lambda v, k: likelihood(v, k, trace=k / len(v)), "discarded axes bring"),
        (LIKELIHOOD, lambda v, k: likelihood(v, k, kept=-1), "do not subtract"),
        (LIKELIHOOD, lambda v, k: likelihood(v, k, kept=1), "do not add"),
        (LIKELIHOOD, lambda v, k: likelihood(v, k) / np.log(2), "bits"),
        (LIKELIHOOD, lambda v, k: likelihood(v, k) / len(v), "averaged"),
    ],
)
def test_a_usual_mistake_is_named(check, answer, words):
    with pytest.raises(Hint, match=words):
        check(answer)


@pytest.mark.parametrize("wrong", [lambda x: np.linalg.svd(x)[2], lambda x: np.linalg.eigh(x.T @ x)[1][:, ::-1].T])
def test_rows_for_columns_are_recognised(wrong):
    def rows(x, k):
        mean = x.mean(axis=0)
        axes = wrong(x - mean)[:, :k]
        return (x - mean) @ axes @ axes.T + mean

    with pytest.raises(Hint, match="rows for columns"):
        exercises.check_pca_projection(rows)
