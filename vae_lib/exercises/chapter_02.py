"""Checks of chapter 2, linear autoencoders are PCA."""

import numpy as np

from vae_lib.exercises.judge import Hint, judge

# Few rows and a mean far from zero, so that dividing by n − 1 and forgetting to centre both show.
_RANDOM = np.random.default_rng(2)
_TURN = np.linalg.qr(_RANDOM.normal(size=(5, 5)))[0]
_X = _RANDOM.normal(size=(12, 5)) * [3.0, 2.0, 1.2, 0.7, 0.4] @ _TURN + [2, -1, 1, 3, -2]
_K = 2
_VALUES = np.array([5.1, 2.3, 1.4, 0.7, 0.2])


def _axes(covariance):
    """Eigenvalues, largest first, and eigenvectors in columns."""
    values, vectors = np.linalg.eigh(covariance)
    return values[::-1], vectors[:, ::-1]


def check_pca_error(error):
    """``error(x, k)``: the least squared error (summed over components) of a linear code of k numbers for ``x``."""
    values, _ = _axes(np.cov(_X.T, bias=True))
    raw, _ = _axes(_X.T @ _X / len(_X))
    n, d = _X.shape
    right = values[_K:].sum()
    mistakes = [
        (right * n / (n - 1), "your covariance is divided by n − 1: for the mean over the examples divide by n"),
        (right * n, "you did not divide the covariance by n: the error is a mean over the examples"),
        (values[:_K].sum(), "these are the eigenvalues that are kept: the error is what is discarded"),
        (values[: d - _K].sum(), "you discarded the largest ones: eigvalsh lists the smallest first"),
        (values[_K], "this is one discarded eigenvalue: add them all"),
        (values[_K:].mean(), "this is the mean of the discarded eigenvalues: the error is their sum"),
        (right / d, "you averaged over the components: sum over them, average over the examples only"),
        (right / values.sum(), "this is the error as a fraction of the whole variance: do not divide"),
        (np.sqrt(values[_K:]).sum(), "you added standard deviations: a squared error adds variances"),
        (
            np.sqrt(n * values[_K:]).sum(),
            "these are singular values of the data: their squares, divided by n, are the eigenvalues",
        ),
        (np.sqrt(right), "this is the root of the error: do not take it"),
        (raw[_K:].sum(), "you forgot to subtract the mean of the data"),
        (raw[_K:].sum() * n / (n - 1), "you forgot to subtract the mean of the data"),
    ]
    judge(error(_X.copy(), _K), right, mistakes, praise="right: the sum of the discarded eigenvalues")


def check_pca_projection(project):
    """``project(x, k)``: the best reconstruction of each row of ``x`` from k numbers, [n, d]."""
    mean = _X.mean(axis=0)
    _, U = _axes(np.cov(_X.T, bias=True))
    _, raw = _axes(_X.T @ _X)

    def onto(x, vectors):
        return x @ vectors @ vectors.T

    right = onto(_X - mean, U[:, :_K]) + mean
    mistakes = [
        (onto(_X - mean, U[:, :_K]), "you subtracted the mean and did not add it back"),
        (onto(_X, raw[:, :_K]), "you forgot to subtract the mean: this sheet passes through the origin"),
        (
            onto(_X, U[:, :_K]),
            "right axes, but they start at the mean: project x − mean, then add the mean",
        ),
        (onto(_X, U[:, :_K]) + mean, "you added the mean without subtracting it first"),
        (onto(_X - mean, U[:, -_K:]) + mean, "you kept the last axes: eigh lists the smallest eigenvalue first"),
        (_X - right, "this is what the projection misses, not the projection"),
    ]
    answer = project(_X.copy(), _K)
    if np.shape(answer) == (len(_X), _K):
        raise Hint("these are codes, k numbers a point: multiply by the axes once more and add the mean")
    rows = [np.linalg.svd(_X - mean, full_matrices=False)[2][:, :_K], U.T[:, :_K]]
    mistakes += [
        (
            onto(_X - mean, vectors) + mean,
            "you took rows for columns: eigh has eigenvectors in columns, svd in the rows of Vᵀ",
        )
        for vectors in rows
    ]
    judge(answer, right, mistakes, praise="right: centre, project onto the first axes, add the mean back")


def check_eigenvalues_from_weights(eigenvalues):
    """``eigenvalues(W, gamma)``: the eigenvalues that a decoder ``W`` [d, k], trained with a penalty, knows: [k]."""
    gamma, values = 0.3, _VALUES[:3]
    s = np.sqrt(1 - gamma / values)
    Q, R = np.linalg.qr(_X[:5, :3])[0], np.linalg.qr(_X[5:8, :3])[0]
    W = Q * s @ R.T
    norms = np.sort(np.linalg.norm(W, axis=0))[::-1]
    mistakes = [
        (gamma / (1 - s), "s² is wanted: you used the singular values themselves"),
        (gamma / (1 - s**4), "you squared twice: eigenvalues of WᵀW are squares of singular values already"),
        (
            gamma / (1 - norms**2),
            "these come from the lengths of the columns, which R mixes: take singular values",
        ),
        (values[::-1], "these are they, the smallest first: list the largest first"),
        ((1 - s**2) / gamma, "upside down: s² = 1 − γ / λ, solved for λ"),
        (gamma / s**2, "you dropped the 1: s² = 1 − γ / λ, solved for λ"),
        (gamma * (1 - s**2), "divide by 1 − s², do not multiply"),
        (1 / (1 - s**2), "the γ is missing"),
        (s[::-1] ** 2 + gamma, "this is the relation of probabilistic PCA, smallest first: here s² = 1 − γ / λ"),
        (s**2 + gamma, "this is the relation of probabilistic PCA: here s² = 1 − γ / λ"),
        (s**2, "these are the squared singular values: now solve s² = 1 − γ / λ for λ"),
        (s, "these are the singular values: now solve s² = 1 − γ / λ for λ"),
    ]
    judge(eigenvalues(W.copy(), gamma), values, mistakes, praise="right: γ / (1 − s²), whatever the rotation")


def check_ppca_log_likelihood(log_likelihood):
    """``log_likelihood(eigenvalues, k)``: the greatest mean log-likelihood of probabilistic PCA, nats a point."""
    d = len(_VALUES)
    kept, discarded = _VALUES[:_K], _VALUES[_K:]

    log_2pi, log_kept = d * np.log(2 * np.pi), np.log(kept).sum()

    def value(noise, constant=log_2pi, trace=d, kept=log_kept, half=0.5):
        return -half * (constant + kept + (d - _K) * np.log(noise) + trace)

    noise = discarded.mean()
    right = value(noise)
    mistakes = [
        (-right, "the sign is wrong: this is minus the log-likelihood"),
        (value(noise, half=1), "twice too large: the ½ is missing"),
        (value(discarded.sum()), "σ² is the mean of the discarded eigenvalues, not their sum"),
        (value(discarded.sum() / d), "σ² is the sum of the discarded eigenvalues over d − k, not over d"),
        (value(discarded[0]), "σ² is the mean of all discarded eigenvalues, not the first of them"),
        (value(discarded[-1]), "σ² is the mean of all discarded eigenvalues, not the last of them"),
        (value(_VALUES.mean()), "σ² is the mean of the discarded eigenvalues only"),
        (value(kept.mean()), "σ² is the mean of the discarded eigenvalues, not of the kept ones"),
        (
            -0.5 * (log_2pi + np.log(_VALUES).sum() + d),
            "this is the Gaussian with the full covariance: here σ² stands in for every discarded eigenvalue",
        ),
        (
            -0.5 * (log_2pi + log_kept + np.log(noise) + d),
            "log σ² belongs to each of the d − k discarded dimensions",
        ),
        (value(np.sqrt(noise)), "log σ² is wanted: you used log σ"),
        (value(noise, constant=0), "the constant d log 2π is missing"),
        (value(noise, constant=np.log(2 * np.pi)), "each of the d components brings its own log 2π"),
        (value(noise, trace=0), "the last term is missing: tr(C⁻¹S) = d at the maximum"),
        (value(noise, trace=_K), "tr(C⁻¹S) is d at the maximum: the discarded axes bring d − k of it"),
        (
            value(noise, kept=np.log(kept - noise).sum()),
            "the eigenvalues of C are λ, with σ² already in them: do not subtract it",
        ),
        (
            value(noise, kept=np.log(kept + noise).sum()),
            "the eigenvalues of C are λ, with σ² already in them: do not add it",
        ),
        (value(noise, kept=0), "the kept eigenvalues are missing from log det C"),
        (right / np.log(2), "this is in bits: use natural logarithms"),
        (right / d, "you averaged over the components: the log-likelihood of a point is a sum over them"),
    ]
    judge(
        log_likelihood(_VALUES.copy(), _K),
        right,
        mistakes,
        praise="right: k eigenvalues, and the mean of the rest",
    )
