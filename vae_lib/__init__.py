"""vae_lib: the library the chapters import. Objectives, estimators and exact answers, in nats."""

from vae_lib import _quiet  # noqa: F401  (first: it imports TensorFlow without its start-up messages)
from vae_lib import datasets, exact, exercises, plots
from vae_lib.claims import ClaimError, claim
from vae_lib.distributions import Bernoulli, Distribution, Normal, kl_divergence, standard_normal
from vae_lib.evaluation import active_units, log_likelihood, rate_distortion
from vae_lib.models import VAE, Autoencoder, FixedNormal, LearnedNormal
from vae_lib.networks import mlp
from vae_lib.objectives import beta_elbo, elbo, elbo_mc, free_bits, iwae, reconstruction
from vae_lib.randomness import keyed
from vae_lib.training import binarize, fit

__all__ = [
    "Autoencoder",
    "Bernoulli",
    "ClaimError",
    "Distribution",
    "FixedNormal",
    "LearnedNormal",
    "Normal",
    "VAE",
    "active_units",
    "beta_elbo",
    "binarize",
    "claim",
    "datasets",
    "elbo",
    "elbo_mc",
    "exact",
    "exercises",
    "fit",
    "free_bits",
    "iwae",
    "keyed",
    "kl_divergence",
    "log_likelihood",
    "mlp",
    "plots",
    "rate_distortion",
    "reconstruction",
    "standard_normal",
]
