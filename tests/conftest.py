"""What several test files need: small smooth models, and the same models once more in NumPy and float64."""

import zlib

import keras
import numpy as np
import pytest
from browser import browser, running_browser, site  # noqa: F401 (fixtures)
from hypothesis import settings
from scipy import special, stats

import vae_lib
from vae_lib import datasets

# the first call of a function compiles it; a failure must come again when the test runs alone
settings.register_profile("book", deadline=None, derandomize=True)
settings.load_profile("book")


def pytest_runtest_setup(item):
    """Every test has noise of its own, whichever tests ran before."""
    keras.utils.set_random_seed(zlib.crc32(item.nodeid.encode()))


ACTIVATIONS = {
    "linear": lambda a: a,
    "relu": lambda a: np.maximum(a, 0),
    "softplus": lambda a: np.logaddexp(0, a),
    "tanh": np.tanh,
}


def forward(net, x, weights=None):
    """A ``Sequential`` of Dense layers in float64, with its own weights or with others."""
    weights = [np.asarray(w, np.float64) for w in weights or net.get_weights()]
    for layer, kernel, bias in zip(net.layers, weights[::2], weights[1::2], strict=True):
        x = ACTIVATIONS[layer.activation.__name__](x @ kernel + bias)
    return x


def log_likelihood_of(model, outputs, x):
    """log p(x | decoder output), from scipy."""
    if model.likelihood is vae_lib.Bernoulli:
        return (x * special.log_expit(outputs) + (1 - x) * special.log_expit(-outputs)).sum(-1)
    scale = np.sqrt(float(model.likelihood(outputs[:1]).variance[0]))
    return stats.norm.logpdf(x, outputs, scale).sum(-1)


def small_vae(latent_dim=1, data_dim=2, likelihood=None, activation="tanh", hidden=(8,), scale=1.5, seed=0):
    """A VAE with random weights, large enough for the posterior to be far from Gaussian."""
    rng = np.random.default_rng(seed)
    vae = vae_lib.VAE(
        vae_lib.mlp(data_dim, hidden, 2 * latent_dim, activation),
        vae_lib.mlp(latent_dim, hidden, data_dim, activation),
        likelihood or vae_lib.FixedNormal(0.1),
    )
    vae.encoder.set_weights([0.4 * rng.normal(size=w.shape) for w in vae.encoder.weights])
    vae.decoder.set_weights([scale * rng.normal(size=w.shape) / w.shape[0] ** 0.5 for w in vae.decoder.weights])
    return vae


def small_autoencoder():
    return vae_lib.Autoencoder(vae_lib.mlp(2, [4], 1), vae_lib.mlp(1, [4], 2))


def draws_from(vae, n, seed=0):
    """Data that the model itself might have made, [n, d] in float32."""
    keras.utils.set_random_seed(seed)
    return vae.generate(n, sample=True).numpy()


@pytest.fixture(scope="session")
def trained():
    """A smooth VAE with one latent dimension, fitted to two moons, and data it has not seen."""
    keras.utils.set_random_seed(3)
    moons = datasets.two_moons(1000, noise=0.1, seed=0).x
    vae = vae_lib.VAE(
        vae_lib.mlp(2, [16], 2, "tanh"), vae_lib.mlp(1, [16], 2, "tanh"), vae_lib.LearnedNormal(initial_variance=0.2)
    )
    vae_lib.fit(vae, moons, vae_lib.elbo, epochs=60, optimizer=keras.optimizers.Adam(1e-2), verbose=0)
    return vae, datasets.two_moons(120, noise=0.1, seed=1).x
