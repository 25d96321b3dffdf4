"""Right and wrong answers to the checks of chapter 2."""

import numpy as np

from vae_lib import exercises

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


def rows_for_columns(vectors):
    def project(x, k):
        mean = x.mean(axis=0)
        axes = vectors(x - mean)[:, :k]
        return (x - mean) @ axes @ axes.T + mean

    return project


RIGHT = [
    (exercises.check_pca_error, error),
    (exercises.check_pca_projection, project),
    (exercises.check_eigenvalues_from_weights, from_weights),
    (exercises.check_ppca_log_likelihood, likelihood),
]

WRONG = {
    exercises.check_pca_error: [
        (lambda x, k: error(x, k, by=1), "divided by n − 1"),
        (lambda x, k: error(x, k) * len(x), "did not divide"),
        (lambda x, k: values(x)[:k].sum(), "kept"),
        (lambda x, k: values(x)[::-1][k:].sum(), "smallest first"),
        (lambda x, k: values(x)[k], "add them all"),
        (lambda x, k: values(x)[k:].mean(), "their sum"),
        (lambda x, k: error(x, k) / x.shape[1], "averaged over the components"),
        (lambda x, k: error(x, k) / values(x).sum(), "fraction"),
        (lambda x, k: np.sqrt(values(x)[k:]).sum(), "standard deviations"),
        (lambda x, k: np.linalg.svd(x - x.mean(axis=0))[1][k:].sum(), "singular values of the data"),
        (lambda x, k: error(x, k) ** 0.5, "root"),
        (lambda x, k: error(x, k, centre=False), "subtract the mean"),
        (lambda x, k: error(x, k, centre=False, by=1), "subtract the mean"),
        (lambda x, k: np.mean((x - project(x, k)) ** 2), "averaged over the components"),
        (lambda *given: error(*given) + 0.7, "not yet"),
    ],
    exercises.check_pca_projection: [
        (lambda x, k: project(x, k, add=False), "did not add it back"),
        (lambda x, k: project(x, k, False, False, False), "subtract the mean"),
        (lambda x, k: project(x, k, False, False), "right axes"),
        (lambda x, k: project(x, k, False), "without subtracting"),
        (lambda x, k: project(x, k, columns=slice(None)), "last axes"),
        (lambda x, k: x - project(x, k), "misses"),
        (lambda x, k: project(x, k)[:, :k], "codes"),
        (lambda *given: project(*given) + 0.7, "not yet"),
        (rows_for_columns(lambda x: np.linalg.svd(x)[2]), "rows for columns"),
        (rows_for_columns(lambda x: np.linalg.eigh(x.T @ x)[1][:, ::-1].T), "rows for columns"),
    ],
    exercises.check_eigenvalues_from_weights: [
        (lambda W, g: from_weights(W, g, lambda s, g: g / (1 - s)), "s² is wanted"),
        (lambda W, g: from_weights(W, g, lambda s, g: g / (1 - s**4)), "twice"),
        (lambda W, g: g / (1 - np.sum(W**2, axis=0)), "lengths of the columns"),
        (lambda W, g: g / (1 - np.sort(np.sum(W**2, axis=0))[::-1]), "lengths of the columns"),
        (lambda W, g: from_weights(W, g)[::-1], "largest first"),
        (lambda W, g: 1 / from_weights(W, g), "upside down"),
        (lambda W, g: from_weights(W, g, lambda s, g: g / s**2), "dropped the 1"),
        (lambda W, g: from_weights(W, g, lambda s, g: g * (1 - s**2)), "multiply"),
        (lambda W, g: np.linalg.eigvalsh(W.T @ W) + g, "probabilistic PCA, smallest first"),
        (lambda W, g: from_weights(W, 1), "γ is missing"),
        (lambda W, g: from_weights(W, g, lambda s, g: s**2 + g), "probabilistic PCA"),
        (lambda W, g: from_weights(W, g, lambda s, g: s**2), "squared singular values"),
        (lambda W, g: from_weights(W, g, lambda s, g: s), "these are the singular values"),
        (lambda *given: from_weights(*given) + 0.7, "not yet"),
    ],
    exercises.check_ppca_log_likelihood: [
        (lambda v, k: -likelihood(v, k), "sign"),
        (lambda v, k: likelihood(v, k, half=1), "½"),
        (lambda v, k: likelihood(v, k, lambda v, k: v[k:].sum()), "not their sum"),
        (lambda v, k: likelihood(v, k, lambda v, k: v[k:].sum() / len(v)), "not over d"),
        (lambda v, k: likelihood(v, k, lambda v, k: v[k]), "not the first"),
        (lambda v, k: likelihood(v, k, lambda v, k: v[-1]), "not the last"),
        (lambda v, k: likelihood(v, k, lambda v, k: v.mean()), "discarded eigenvalues only"),
        (lambda v, k: likelihood(v, k, lambda v, k: v[:k].mean()), "not of the kept"),
        (lambda v, k: likelihood(v, k, constant=0), "d log 2π is missing"),
        (lambda v, k: likelihood(v, k, constant=LOG_2PI / len(v)), "its own log 2π"),
        (lambda v, k: likelihood(v, len(v), lambda v, k: 1.0), "full covariance"),
        (lambda v, k: likelihood(v, k) + 0.5 * (len(v) - k - 1) * np.log(v[k:].mean()), "each of the d − k"),
        (lambda v, k: likelihood(v, k, trace=0), "last term"),
        (lambda v, k: likelihood(v, k, trace=k / len(v)), "discarded axes bring"),
        (lambda v, k: likelihood(v, k, kept=-1), "do not subtract"),
        (lambda v, k: likelihood(v, k, kept=1), "do not add"),
        (lambda v, k: likelihood(v, k) / np.log(2), "bits"),
        (lambda v, k: likelihood(v, k) / len(v), "averaged"),
        (lambda *given: likelihood(*given) + 0.7, "not yet"),
        (lambda v, k: likelihood(v, k, lambda v, k: v[k:].mean() ** 0.5), "you used log σ"),
        (lambda v, k: likelihood(v, k) + 0.5 * np.log(v[:k]).sum(), "kept eigenvalues are missing"),
    ],
}
