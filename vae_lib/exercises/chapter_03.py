"""Checks of chapter 3, noise, sparsity, contraction."""

import numpy as np

from vae_lib.exercises.judge import judge

_RANDOM = np.random.default_rng(3)
_X = _RANDOM.normal(size=(7, 3))  # no value at which a right and a wrong formula agree
_TURN = _RANDOM.normal(size=(3, 3))


def check_gaussian_denoiser(my_denoiser):
    """``my_denoiser(x, mean, s, sigma)``: E[clean | noisy = x] for clean ~ N(mean, s²) and noise N(0, σ²)."""
    x, mean, s, sigma = np.array([-1.3, 0.4, 2.2]), 0.7, 1.4, 0.6

    def step(share):
        return x + share * (mean - x)

    share = sigma**2 / (s**2 + sigma**2)
    truth = step(share)
    judge(
        my_denoiser(x, mean, s, sigma),
        truth,
        [
            (step(1 - share), "the shares are swapped: much noise must move x far towards the mean"),
            (step(-share), "the sign: the score points towards the mean, not away from it"),
            (step(sigma**2 / s**2), "the score is that of the noisy density: its variance is s² + σ², not s²"),
            (step((sigma / (s + sigma)) ** 2), "variances add, standard deviations do not: s² + σ², not (s + σ)²"),
            (step(sigma / (s + sigma)), "you used standard deviations; Tweedie's formula and the score use variances"),
            (step(sigma / (s**2 + sigma**2)), "multiply the score by σ², not by σ"),
            (step(1 / (s**2 + sigma**2)), "the factor σ² before the score is missing"),
            ((mean - x) / (s**2 + sigma**2), "this is the score; the denoiser is x plus σ² times it"),
            (share * (mean - x), "this is the step; the denoiser is x plus the step"),
        ],
    )


def check_denoiser_score(my_score):
    """``my_score(r, x, sigma)``: the score at the points x of a denoiser r trained with noise σ."""
    sigma = 0.6

    def r(x):
        return np.tanh(np.asarray(x) @ _TURN) + 0.3

    truth = (r(_X) - _X) / sigma**2
    judge(
        my_score(r, _X, sigma),
        truth,
        [
            (-truth, "the sign: the score points from x to r(x), where the density is higher"),
            (truth * sigma, "divide by σ², the variance of the noise; you divided by σ"),
            (truth * sigma**2, "this is the step r(x) − x; divide it by σ²"),
            (truth * sigma**4, "you multiplied by σ²; divide"),
            (r(_X) / sigma**2, "subtract x: the score is the step over σ², not the place it leads to"),
            (truth / 2, "half of what it should be: the ½ of the exponent goes when it is differentiated"),
            (2 * truth, "twice too large: Tweedie's formula has no factor 2, although the error's gradient has"),
        ],
    )


def check_sparse(my_sparse):
    """``my_sparse(x, r, z, weight)``: what ``sparse(weight)`` maximises, one value per example."""
    x, weight = _X, 0.3
    r, z = x + 0.2 * np.sin(5 * x), np.sin(np.arange(35.0).reshape(7, 5))
    error, l1, l2 = np.sum((x - r) ** 2, -1), np.abs(z).sum(-1), np.sum(z**2, -1)
    judge(
        my_sparse(x, r, z, weight),
        -error - weight * l1,
        [
            (
                error + weight * l1,
                "the sign of the whole: an objective is maximised, so the error and the penalty count minus",
            ),
            (error - weight * l1, "the sign of the error: it counts minus, like the penalty"),
            (-error + weight * l1, "the sign of the penalty: you reward large codes"),
            (-error - weight * z.sum(-1), "the absolute values are missing: negative codes must cost too"),
            (-error - weight * l2, "this is the squared L2 norm; it makes codes small, not sparse"),
            (-error - weight * np.sum(z != 0, -1), "you counted the entries that are not zero; L1 adds their sizes"),
            (-error - weight * np.sqrt(l2), "this is the L2 norm; L1 adds the absolute values"),
            (-error - weight * np.abs(z).mean(-1), "you averaged over the code's components: sum them"),
            (-np.mean((x - r) ** 2, -1) - weight * l1, "you averaged the error over the components: sum them"),
            (-np.sqrt(error) - weight * l1, "the error is the squared distance; you took its root"),
            (-error - l1, "the weight is missing"),
            (-error, "the penalty is missing"),
            (np.mean(-error - weight * l1), "one value per example: do not average over the batch"),
        ],
    )


def check_tanh_jacobian(my_penalty):
    """``my_penalty(x, kernel, bias)``: ‖∂f/∂x‖² of f(x) = tanh(x · kernel + bias), one value per example."""
    kernel, bias = np.cos(1.3 * np.arange(12.0)).reshape(3, 4), np.array([0.3, -0.2, 0.5, 0.1])
    z = np.tanh(_X @ kernel + bias)
    columns = np.sum(kernel**2, axis=0)
    truth = (1 - z**2) ** 2 @ columns
    judge(
        my_penalty(_X, kernel, bias),
        truth,
        [
            (np.sqrt(truth), "this is the norm: the penalty is its square"),
            ((1 - z**2) @ columns, "square the derivative 1 − z² of tanh as well"),
            ((z * (1 - z)) ** 2 @ columns, "z (1 − z) is the derivative of the sigmoid; that of tanh is 1 − z²"),
            ((1 - z**2) ** 2 * columns, "one value per example: add up the parts of all the units"),
            ((1 - np.tanh(_X @ kernel) ** 2) ** 2 @ columns, "the bias is missing: tanh bends at x · kernel + bias"),
            (np.full(7, columns.sum()), "the derivative of tanh is missing: 1 − z² for each unit"),
            (
                np.sum((1 - (_X @ kernel + bias) ** 2) ** 2 * columns, -1),
                "in 1 − z², z is the output of tanh, not its input",
            ),
            (np.sum(((1 - z**2) @ kernel.T) ** 2, -1), "square each entry of the Jacobian before adding them up"),
            (truth.mean(), "one value per example: do not average over the batch"),
            (truth / 12, "sum the squared entries; you averaged them"),
        ],
    )
