"""vae_lib: the library the chapters import. Objectives, estimators and exact answers, in nats."""

# _quiet comes first: it imports TensorFlow without its start-up messages.
from vae_lib import _quiet, datasets, exact, exercises, explorables, plots  # noqa: F401
from vae_lib.annealing import ais
from vae_lib.backup import Backup
from vae_lib.claims import ClaimError, claim
from vae_lib.diagnosis import diagnose
from vae_lib.distributions import Bernoulli, ContinuousBernoulli, Distribution, Normal, kl_divergence, standard_normal
from vae_lib.evaluation import active_units, energy_distance, energy_null, log_likelihood, rate_distortion
from vae_lib.models import VAE, Autoencoder, Binomial, Categorical, FixedNormal, LearnedNormal
from vae_lib.networks import conv_decoder, conv_encoder, mlp
from vae_lib.objectives import (
    beta_elbo,
    contractive,
    denoising,
    dreg,
    elbo,
    elbo_mc,
    free_bits,
    iwae,
    reconstruction,
    sparse,
)
from vae_lib.randomness import keyed
from vae_lib.training import binarize, fit

__all__ = [
    "VAE",
    "Autoencoder",
    "Backup",
    "Bernoulli",
    "Binomial",
    "Categorical",
    "ClaimError",
    "ContinuousBernoulli",
    "Distribution",
    "FixedNormal",
    "LearnedNormal",
    "Normal",
    "active_units",
    "ais",
    "beta_elbo",
    "binarize",
    "claim",
    "contractive",
    "conv_decoder",
    "conv_encoder",
    "datasets",
    "denoising",
    "diagnose",
    "dreg",
    "elbo",
    "elbo_mc",
    "energy_distance",
    "energy_null",
    "exact",
    "exercises",
    "explorables",
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
    "sparse",
    "standard_normal",
]
