"""Quadrature against dense grids and closed forms that know nothing of its boxes; PCA against scikit-learn."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import draws_from, forward, log_likelihood_of, small_autoencoder, small_vae
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from sklearn.decomposition import PCA

import vae_lib
from vae_lib import VAE, Bernoulli, FixedNormal, LearnedNormal, Normal, datasets, exact
from vae_lib.exact import ProbabilisticPCA

PROMISED = 1e-4  # nats


def dense_log_marginal(vae, x, reach, nodes):
    """log p(x) by one dense grid over the prior, in NumPy and float64: no boxes, no TensorFlow."""
    prior = vae.prior
    axis, step = np.linspace(-reach, reach, nodes, retstep=True)
    columns = [axis] if vae.latent_dim == 1 else [np.full_like(axis, first) for first in axis]
    answer = np.full(len(x), -np.inf)
    for column in columns:
        z = column[:, None] if vae.latent_dim == 1 else np.stack([column, axis], axis=-1)
        log_prior = stats.norm.logpdf(z, prior.mean, prior.stddev).sum(-1)
        log_p_x = log_likelihood_of(vae, forward(vae.decoder, z)[:, None], x.astype(np.float64))
        answer = np.logaddexp(answer, special.logsumexp(log_p_x + log_prior[:, None], axis=0))
    return answer + vae.latent_dim * np.log(step)


def absolute_value():
    """A decoder |z|, smoothed by a few hundredths: every posterior away from 0 has two peaks."""
    vae = small_vae(1, 1, FixedNormal(0.1**2), "softplus", hidden=(2,))
    parts = [[30.0, -30.0]], [0.0, 0.0], [[1 / 30], [1 / 30]], [0.0]
    vae.decoder.set_weights([np.array(part) for part in parts])
    return vae


def without_second_dimension(vae):
    first, *rest = vae.decoder.get_weights()
    first[1] = 0
    vae.decoder.set_weights([first, *rest])
    return vae


def pictures(n):
    return (datasets.digits()[1].x[:n] > 0.5).astype(np.float32)


LINES = [small_vae(1, 2, FixedNormal(s**2), seed=1) for s in (0.01, 0.1, 1.0)]
PLANES = [small_vae(2, 3, FixedNormal(s**2), seed=2) for s in (0.1, 0.5)]
CASES = {  # model, data, reach and nodes of the dense grid
    "sigma 0.01": (LINES[0], draws_from(LINES[0], 6), 9, 200_001),
    "sigma 0.01, off the curve": (LINES[0], draws_from(LINES[0], 3) + np.float32(0.1), 9, 200_001),
    "sigma 0.1": (LINES[1], draws_from(LINES[1], 6), 9, 40_001),
    "sigma 1": (LINES[2], draws_from(LINES[2], 6), 9, 40_001),
    "a batch of one": (LINES[1], draws_from(LINES[1], 1), 9, 40_001),
    "two peaks": (absolute_value(), np.array([[0.0], [0.05], [0.7], [2.0], [4.0]], np.float32), 9, 40_001),
    "ReLU": (small_vae(1, 2, LearnedNormal(0.05), "relu", seed=3), np.float32([[0.3, -0.4], [1.5, 2.0]]), 9, 40_001),
    "8×8 pictures": (small_vae(1, 64, Bernoulli, scale=1.0), pictures(4), 9, 10_001),
    "a plane, sigma 0.1": (PLANES[0], draws_from(PLANES[0], 3), 5, 801),
    "a plane, sigma 0.5": (PLANES[1], draws_from(PLANES[1], 4), 8, 401),
    "a plane, ReLU": (small_vae(2, 3, FixedNormal(0.3), "relu", seed=4), draws_from(PLANES[1], 1), 8, 601),
    "a plane, 8×8 pictures": (small_vae(2, 64, Bernoulli, scale=1.0), pictures(3), 8, 301),
    "an unused dimension": (without_second_dimension(small_vae(2, 3)), draws_from(PLANES[0], 3), 8, 401),
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@cases
def test_log_marginal_agrees_with_a_dense_grid(case):
    vae, x, reach, nodes = case
    truth = dense_log_marginal(vae, x, reach, nodes)
    np.testing.assert_allclose(exact.log_marginal(vae, x), truth, rtol=0, atol=PROMISED)


@cases
def test_bound_and_gap_add_up_for_the_encoder_and_for_any_other_q(case):
    vae, x, *_ = case
    log_p, own = exact.log_marginal(vae, x), vae.posterior(x)
    other = Normal(own.mean + 0.3, own.log_variance - 1.0)
    for q in (None, other):
        gap = exact.kl_to_posterior(vae, x, q)
        assert (gap > -PROMISED).all()
        # the size of the two terms is that of the float32 numbers they are sums of
        np.testing.assert_allclose(exact.elbo(vae, x, q) + gap, log_p, rtol=1e-6, atol=2 * PROMISED)


def test_the_grid_posterior_is_normalised_and_has_the_moments_of_a_dense_grid():
    vae, x, reach, nodes = CASES["two peaks"]
    grid = exact.posterior(vae, x)
    np.testing.assert_allclose(grid.probability.sum(axis=0), 1, rtol=1e-9)
    z = np.linspace(-reach, reach, nodes)[:, None]
    log_joint = log_likelihood_of(vae, forward(vae.decoder, z)[:, None], x.astype(np.float64)) + stats.norm.logpdf(z)
    weights = special.softmax(log_joint, axis=0)
    np.testing.assert_allclose(grid.mean[:, 0], weights.T @ z[:, 0], atol=1e-4)
    np.testing.assert_allclose(
        grid.covariance[:, 0, 0], weights.T @ z[:, 0] ** 2 - (weights.T @ z[:, 0]) ** 2, rtol=1e-4
    )


def pca_of(weights, sigma):
    return ProbabilisticPCA(np.zeros(len(weights)), weights, sigma**2)


LINEAR = {  # weights, σ, x: closed forms where a dense grid would need millions of nodes
    "a line": ([[1.0], [2.0]], 0.5, [[1.0, 2.0], [-3.0, 0.5]]),
    "a narrow line": ([[1.0], [2.0]], 0.01, [[1.0, 2.0], [0.0, 0.01], [3.0, 6.0]]),
    "far from the prior": ([[1.0], [2.0]], 0.1, [[20.0, 40.0], [-15.0, -30.0], [9.1, 18.2]]),
    "a narrow plane": ([[1.0, 0.3], [-0.4, 2.0], [0.1, 0.2]], 0.01, [[0.5, 1.0, 0.13]]),
    "a plane far away": ([[1.0, 0.0], [0.0, 2.0]], 0.1, [[20.0, 40.0], [-15.0, 3.0]]),
    "an unused dimension": ([[1.0, 0.0], [2.0, 0.0]], 0.01, [[1.0, 2.0]]),
    "a ridge at 45°": ([[1.0, 1.0], [2.0, 2.0]], 0.01, [[1.0, 2.0], [0.3, 0.6]]),
    "a ridge at 27°": ([[1.0, 0.5], [2.0, 1.0]], 0.01, [[1.0, 2.0], [0.3, 0.61]]),
}
linear = pytest.mark.parametrize(("weights", "sigma", "x"), LINEAR.values(), ids=LINEAR)


@linear
def test_quadrature_agrees_with_the_closed_forms_of_a_linear_model(weights, sigma, x):
    pca = pca_of(weights, sigma)
    vae, x = pca.as_vae(), np.float32(x)
    np.testing.assert_allclose(exact.log_marginal(vae, x), pca.log_prob(x), rtol=0, atol=PROMISED)
    truth = pca.log_prob(x) - pca.mean_field_gap()
    np.testing.assert_allclose(exact.elbo(vae, x), truth, rtol=0, atol=PROMISED)
    grid, covariance = exact.posterior(vae, x), np.linalg.inv(pca.precision)
    spread = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(grid.mean / spread, pca.posterior_mean(x) / spread, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(
        grid.covariance / np.outer(spread, spread), [covariance / np.outer(spread, spread)] * len(x), atol=1e-4
    )


@pytest.mark.parametrize("case", [name for name in LINEAR if "ridge" not in name])
def test_the_gap_agrees_with_the_closed_form_of_a_linear_model(case):
    weights, sigma, x = LINEAR[case]
    pca = pca_of(weights, sigma)
    gap = exact.kl_to_posterior(pca.as_vae(), np.float32(x))
    np.testing.assert_allclose(gap, pca.mean_field_gap(), rtol=0, atol=PROMISED)


def test_a_gap_that_no_grid_resolves_is_an_error_instead_of_a_wrong_answer(monkeypatch):
    monkeypatch.setattr(exact, "_LIMIT", {2: 512})  # sooner than it would
    weights, sigma, x = LINEAR["a ridge at 45°"]
    with pytest.raises(ArithmeticError, match="has not settled for 2 rows of x, the first x"):
        exact.kl_to_posterior(pca_of(weights, sigma).as_vae(), np.float32(x))


def test_a_posterior_with_fixed_nodes_has_that_many():
    vae, x, *_ = CASES["sigma 1"]
    assert exact.posterior(vae, x, nodes=30).z.shape == (30, len(x), 1)


@settings(max_examples=8)
@given(st.floats(0.02, 2), st.floats(-3, 3), st.floats(0.1, 5))
def test_one_line_of_any_noise_slope_and_place(sigma, z, slope):
    pca = pca_of([[slope], [1.0]], sigma)
    x = np.float32([[slope * z + sigma, z]])
    np.testing.assert_allclose(exact.log_marginal(pca.as_vae(), x), pca.log_prob(x), rtol=0, atol=PROMISED)


def test_a_moved_prior_is_integrated_where_it_is():
    vae = small_vae(1, 2, FixedNormal(0.2), seed=5)
    moved = VAE(vae.encoder, vae.decoder, vae.likelihood, prior=Normal([2.0], [-1.0]))
    x = draws_from(moved, 3)
    np.testing.assert_allclose(exact.log_marginal(moved, x), dense_log_marginal(moved, x, 9, 40_001), atol=PROMISED)


@pytest.fixture(scope="module")
def cloud():
    rng = np.random.default_rng(0)
    return rng.normal(size=(300, 2)) @ rng.normal(size=(2, 5)) + 0.3 * rng.normal(size=(300, 5)) + 1.0


@pytest.mark.parametrize("latent_dim", [1, 2, 3])
def test_probabilistic_pca_agrees_with_scikit_learn(cloud, latent_dim):
    ours, theirs = ProbabilisticPCA.fit(cloud, latent_dim), PCA(latent_dim).fit(cloud)
    # scikit-learn divides the covariance by n − 1, maximum likelihood by n: take its fit and rescale the spectrum
    theirs.explained_variance_ *= 299 / 300
    theirs.noise_variance_ *= 299 / 300
    np.testing.assert_allclose(ours.log_prob(cloud), theirs.score_samples(cloud), rtol=1e-9)
    np.testing.assert_allclose(ours.variance, theirs.noise_variance_)
    model = ours.weights @ ours.weights.T + ours.variance * np.eye(5)
    np.testing.assert_allclose(model, theirs.get_covariance(), atol=1e-9)


def test_its_columns_are_orthogonal_and_no_neighbour_is_likelier(cloud):
    best = ProbabilisticPCA.fit(cloud, 2)
    product = best.weights.T @ best.weights
    assert abs(product[0, 1]) < 1e-9
    rng = np.random.default_rng(1)
    for size in (1e-3, 1e-2, 0.1):
        other = ProbabilisticPCA(
            best.mean + size * rng.normal(size=5),
            best.weights + size * rng.normal(size=(5, 2)),
            best.variance * np.exp(size * rng.normal()),
        )
        assert other.log_prob(cloud).mean() < best.log_prob(cloud).mean()


def rotated(pca, angle=0.6):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return ProbabilisticPCA(pca.mean, pca.weights @ turn, pca.variance)


def test_its_posterior_agrees_with_conditioning_the_joint_gaussian(cloud):
    pca = rotated(ProbabilisticPCA.fit(cloud, 2))
    covariance_x = pca.weights @ pca.weights.T + pca.variance * np.eye(5)
    gain = pca.weights.T @ np.linalg.inv(covariance_x)
    np.testing.assert_allclose(pca.posterior_mean(cloud), (cloud - pca.mean) @ gain.T, atol=1e-9)
    np.testing.assert_allclose(np.linalg.inv(pca.precision), np.eye(2) - gain @ pca.weights, atol=1e-9)
    grid = exact.posterior(pca.as_vae(), cloud[:5])
    np.testing.assert_allclose(grid.mean, pca.posterior_mean(cloud[:5]), atol=1e-4)
    np.testing.assert_allclose(grid.covariance, [np.linalg.inv(pca.precision)] * 5, atol=1e-5)


def test_the_bound_is_tight_in_the_canonical_rotation_and_loose_by_the_gap_otherwise(cloud):
    x, canonical = cloud[:5], ProbabilisticPCA.fit(cloud, 2)
    turned = rotated(canonical)
    assert canonical.mean_field_gap() == pytest.approx(0, abs=1e-9)
    assert turned.mean_field_gap() > 0.1
    np.testing.assert_allclose(turned.log_prob(x), canonical.log_prob(x))
    for pca in (canonical, turned):
        vae = pca.as_vae()
        np.testing.assert_allclose(vae.posterior(x).mean, pca.posterior_mean(x), rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(pca.posterior(x).variance, vae.posterior(x).variance, rtol=1e-4)
        np.testing.assert_allclose(exact.elbo(vae, x), pca.log_prob(x) - pca.mean_field_gap(), atol=PROMISED)
        np.testing.assert_allclose(exact.kl_to_posterior(vae, x), pca.mean_field_gap(), atol=PROMISED)


def test_its_q_is_the_best_factorised_one(cloud):
    pca, x = rotated(ProbabilisticPCA.fit(cloud, 2)), cloud[:3]
    vae, q = pca.as_vae(), pca.posterior(x)
    best = exact.elbo(vae, x)
    for mean, log_variance in ((0.02, 0), (0, 0.1), (0, -0.1), ([0.02, 0], [0.1, 0])):
        other = Normal(q.mean + mean, q.log_variance + tf.constant(log_variance, tf.float32))
        assert (exact.elbo(vae, x, other) < best).all()


def test_with_more_than_two_dimensions_the_closed_form_still_answers(cloud):
    pca = ProbabilisticPCA.fit(cloud, 3)
    keras.utils.set_random_seed(0)
    weights = pca.as_vae().log_weights(cloud[:5], 50)  # in the canonical rotation every weight is p(x) itself
    np.testing.assert_allclose(weights, np.tile(pca.log_prob(cloud[:5]), (50, 1)), atol=1e-3)


LINE, X = LINES[1], np.zeros((3, 2), np.float32)
ONE = Normal(np.zeros((3, 1)), np.zeros((3, 1)))
BAD = {
    "three dimensions": (
        lambda: exact.log_marginal(small_vae(3, 2), X),
        ValueError,
        r"model must have a latent dimension of 1 or 2.*got 3.*log_likelihood",
    ),
    "an autoencoder": (lambda: exact.log_marginal(small_autoencoder(), X), TypeError, "must be a VAE; got Autoencoder"),
    "another prior": (
        lambda: exact.elbo(VAE(LINE.encoder, LINE.decoder, prior=Bernoulli([0.0])), X),
        ValueError,
        "model.prior must be Normal.*got Bernoulli",
    ),
    "a q of another size": (
        lambda: exact.elbo(LINE, X, Normal([[0.0]], [[0.0]])),
        ValueError,
        r"q must be a Normal of shape \(3, 1\).*got Normal of shape \(1, 1\)",
    ),
    "a q that is none": (lambda: exact.kl_to_posterior(LINE, X, 3), ValueError, "q must be a Normal.*got 3"),
    "no tolerance": (lambda: exact.log_marginal(LINE, X, tolerance=0), ValueError, "tolerance must be positive|got 0"),
    "a NaN tolerance": (lambda: exact.elbo(LINE, X, ONE, np.nan), ValueError, "tolerance must be a positive.*got nan"),
    "a text tolerance": (lambda: exact.elbo(LINE, X, tolerance="a"), ValueError, "tolerance must be a .*got 'a'"),
    "no nodes": (lambda: exact.posterior(LINE, X, 0), ValueError, "nodes must be an integer.*got 0"),
    "half a node": (lambda: exact.posterior(LINE, X, 2.5), ValueError, "nodes must be an integer.*got 2.5"),
    "PCA of NaN": (lambda: ProbabilisticPCA.fit([[1, np.nan]], 1), ValueError, "x must be finite; got 1 NaN"),
    "PCA of text": (lambda: ProbabilisticPCA.fit([["a", "b"]], 1), TypeError, "x must be an array of numbers; got"),
    "PCA of a row": (lambda: ProbabilisticPCA.fit(np.ones(3), 1), ValueError, r"x must be an array \[n, d\].*\(3,\)"),
    "PCA of nothing": (lambda: ProbabilisticPCA.fit(np.ones((0, 3)), 1), ValueError, r"not empty; got shape \(0, 3\)"),
    "PCA of a point": (lambda: ProbabilisticPCA.fit(np.ones((9, 3)), 1), ValueError, "x lies in 1 dimensions or fewer"),
    "all the dimensions": (lambda: ProbabilisticPCA.fit(X, 2), ValueError, "latent_dim must be an integer from 1 to"),
    "half a dimension": (lambda: ProbabilisticPCA.fit(X, 0.5), ValueError, "latent_dim must be an integer.*got 0.5"),
    "a True dimension": (lambda: ProbabilisticPCA.fit(X, True), ValueError, "latent_dim must be .*got True"),
    "a text dimension": (lambda: ProbabilisticPCA.fit(X, "one"), ValueError, "latent_dim must be .*got 'one'"),
    "mean and weights": (
        lambda: ProbabilisticPCA([0.0, 0.0], [[1.0]], 1),
        ValueError,
        r"mean and weights must have shapes.*\(2,\) and \(1, 1\)",
    ),
    "no variance": (lambda: ProbabilisticPCA([0.0], [[1.0]], 0), ValueError, "variance must be positive.*got 0"),
    "a NaN variance": (lambda: ProbabilisticPCA([0.0], [[1.0]], np.nan), ValueError, "variance must be finite"),
    "infinite weights": (lambda: ProbabilisticPCA([0.0], [[np.inf]], 1), ValueError, "weights must be finite; got 1"),
    "x of width 1": (lambda: pca_of([[1.0], [2.0]], 1).log_prob([[0.0]]), ValueError, r"x must have shape \[n, 2\]"),
    "one row alone": (lambda: pca_of([[1.0], [2.0]], 1).posterior([0.0, 0.0]), ValueError, r"\[n, 2\]; got \(2,\)"),
}


@pytest.mark.parametrize(("call", "error", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_broken_decoder_is_an_error_that_names_the_row():
    vae = small_vae(1, 2)
    vae.decoder.set_weights([np.full_like(w, np.nan) for w in vae.decoder.get_weights()])
    with pytest.raises(ArithmeticError, match=r"not finite for x\[0\]"):
        exact.log_marginal(vae, X)


def test_a_trained_model_too(trained):
    vae, x = trained
    truth = dense_log_marginal(vae, x[:20], 9, 20_001)
    np.testing.assert_allclose(exact.log_marginal(vae, x[:20]), truth, rtol=0, atol=PROMISED)
    assert (exact.elbo(vae, x) <= exact.log_marginal(vae, x) + PROMISED).all()
    assert vae_lib.exact is exact
