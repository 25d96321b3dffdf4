"""A subclass with its own ``infer`` or ``log_joint``: what asks them works, what would go round them refuses."""

import vae_lib  # first: it imports TensorFlow quietly
from vae_lib import VAE, FixedNormal, Normal, exact, mlp

import keras  # isort: skip
import numpy as np
import pytest
import tensorflow as tf

X = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)


class OwnJoint(VAE):
    """A wider prior, N(0, 4 I), said in ``log_joint`` alone."""

    def log_joint(self, x, z):
        wide = Normal(tf.zeros([1]), tf.math.log([4.0]))
        return self.decode(z).log_prob(x) + wide.log_prob(z)


class OwnInfer(VAE):
    """q shifted by one, said in ``infer`` alone."""

    def infer(self, x, samples=1, stop_q_gradient=False):
        z, log_q = super().infer(x, samples, stop_q_gradient)
        return z + 1, log_q


class Pair(VAE):
    """Two latent layers: z is a tuple."""

    def infer(self, x, samples=1, stop_q_gradient=False):
        z, log_q = super().infer(x, samples, stop_q_gradient)
        return (z, z), log_q

    def log_joint(self, x, z):
        z1, _ = z
        return super().log_joint(x, z1)


def model(kind):
    keras.utils.set_random_seed(1)
    return kind(mlp(3, [4], 2, "tanh"), mlp(1, [4], 3, "tanh"), FixedNormal(0.5))


REFUSE = {  # a function of model and data, and the methods that it does not ask
    "elbo": (vae_lib.elbo, {"infer", "log_joint"}),
    "beta_elbo": (vae_lib.beta_elbo(2.0), {"infer", "log_joint"}),
    "free_bits": (vae_lib.free_bits(0.1), {"infer", "log_joint"}),
    "rate_distortion": (vae_lib.rate_distortion, {"infer", "log_joint"}),
    "diagnose": (vae_lib.diagnose, {"infer", "log_joint"}),
    "active_units": (vae_lib.active_units, {"infer"}),
    "ais": (lambda model, x: vae_lib.ais(model, x, chains=2, steps=3), {"log_joint"}),
    "generate": (lambda model, x: model.generate(2), {"log_joint"}),
    "reconstruct": (lambda model, x: model.reconstruct(x), {"infer"}),
    "the default q": (exact.elbo, {"infer"}),
    "the default q ": (exact.kl_to_posterior, {"infer"}),
    "elbo_mc": (vae_lib.elbo_mc(2), set()),
    "iwae": (vae_lib.iwae(2), set()),
    "dreg": (vae_lib.dreg(2), set()),
    "log_likelihood": (lambda model, x: vae_lib.log_likelihood(model, x, samples=3), set()),
    "log_marginal": (exact.log_marginal, set()),
    "posterior": (exact.posterior, set()),
}


@pytest.mark.parametrize("name", REFUSE)
@pytest.mark.parametrize(("kind", "own"), [(VAE, None), (OwnInfer, "infer"), (OwnJoint, "log_joint")])
def test_what_goes_round_a_method_refuses_a_model_that_has_its_own(name, kind, own):
    function, unasked = REFUSE[name]
    if own in unasked:
        words = rf"{name.strip()} works from posterior, prior and decode.* {kind.__name__} has its own {own}; "
        with pytest.raises(TypeError, match=words):
            function(model(kind), X)
    else:
        function(model(kind), X)


@pytest.mark.parametrize("name", [name for name, (_, unasked) in REFUSE.items() if unasked])
def test_two_layers_are_refused_by_all_of_them(name):
    with pytest.raises(TypeError, match=r"Pair has its own |that of Pair does not$"):
        REFUSE[name][0](model(Pair), X)


def test_both_methods_are_named():
    with pytest.raises(TypeError, match="Pair has its own infer and log_joint; elbo_mc, iwae, dreg and log_likelihood"):
        vae_lib.elbo(model(Pair), X)


def test_quadrature_follows_the_models_own_joint():
    """z = 2 u turns the wide prior into the usual one: the same model, decoded through twice the slope."""
    wide, usual = model(OwnJoint), model(VAE)
    first, *rest = usual.decoder.get_weights()
    usual.decoder.set_weights([2 * first, *rest])
    np.testing.assert_allclose(exact.log_marginal(wide, X), exact.log_marginal(usual, X), atol=1e-4)
    assert np.abs(exact.log_marginal(wide, X) - exact.log_marginal(model(VAE), X)).max() > 0.01


def test_a_given_q_needs_no_infer():
    plain, own = model(VAE), model(OwnInfer)
    np.testing.assert_array_equal(exact.elbo(own, X, own.posterior(X)), exact.elbo(plain, X))


def test_quadrature_says_that_it_needs_one_tensor():
    with pytest.raises(TypeError, match=r"log_joint must take z as one tensor .* that of Pair does not"):
        exact.log_marginal(model(Pair), X)
