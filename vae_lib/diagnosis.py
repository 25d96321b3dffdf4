"""A short report on a VAE: what chapter 14 measures on broken models, asked of the reader's own."""

import math
import numbers
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from vae_lib import exact, randomness
from vae_lib.distributions import Bernoulli, Normal, closed_form_kl, kl_divergence
from vae_lib.evaluation import log_likelihood
from vae_lib.models import VAE
from vae_lib.objectives import elbo_mc, require

_POINTS, _DRAWS = 64, 32  # examples (evenly spaced in x) on which the objective is looked at, and draws for each
_CODES = 1000  # examples whose q(z | x) is looked at
_DEAD = 0.01  # variance of a posterior mean: Burda, Grosse and Salakhutdinov (2016), section 5.2
_MOMENTS = 0.5  # away from the prior's; healthy models in the tests stay below it


class Finding(NamedTuple):
    """One check: its ``name``, what was ``measured`` (a number), whether that is ``ok``, and ``advice``."""

    name: str
    measured: float
    ok: bool
    advice: str

    def __str__(self):
        return f"{'✓' if self.ok else '✗'} {self.name} ({self.measured:.4g}): {self.advice}"


class Diagnosis(tuple):
    """The findings of ``diagnose``, in order; ``report["bound"]`` is one by its name, ``str`` the whole report."""

    __slots__ = ()

    @property
    def faults(self):
        """The names of the checks that failed: a list, empty for a healthy model."""
        return [finding.name for finding in self if not finding.ok]

    def __getitem__(self, key):
        if not isinstance(key, str):
            return super().__getitem__(key)
        found = {finding.name: finding for finding in self}
        if key not in found:
            raise KeyError(f"{key!r} is not among the checks made: {', '.join(found)}")
        return found[key]

    def __repr__(self):
        return "\n".join(map(str, self))


def diagnose(model, x, objective=None, reported=None, train=None):
    """What is wrong with this VAE, as far as numbers can tell: a ``Diagnosis``, a tuple of named findings.

    Args:
        model: a ``VAE``, or a subclass without an ``infer`` or ``log_joint`` of its own. Nets of your own:
            ``VAE(encoder, decoder, likelihood)`` wraps them.
        x: data the model has not seen, [n, d]. For q(z | x) 1000 evenly spaced rows are looked at, for the rest 64.
        objective: what you trained, ``objective(model, x) -> [n]`` (or one number), to maximise. Default: ``elbo_mc``.
        reported: the mean log-likelihood or bound of an example in ``x`` that you claim, nats.
        train: the training data, to look for rows of ``x`` in.

    The checks: «range», «dead dimensions», «one layer», «aggregate posterior», «finite», «sampling», «gradient»,
    «objective», «bound»; «reported» and «training points» if asked for. Draws are fixed, so the report repeats.
    Raises ``TypeError`` or ``ValueError`` for arguments that cannot be used.
    """
    require(VAE, model, "diagnose", "infer", "log_joint")
    if not (objective is None or callable(objective)):
        raise TypeError(f"diagnose: objective must be a function of a model and x; got {objective!r:.80}")
    if reported is not None and not (isinstance(reported, numbers.Real) and math.isfinite(reported)):
        raise ValueError(f"diagnose: reported must be a finite number of nats; got {reported!r:.80}")
    x = tf.cast(super(VAE, model).check_data(x), tf.float32)
    twins = []
    if train is not None:
        twins = [_training_points(x, tf.cast(super(VAE, model).check_data(train, "train"), tf.float32))]
    try:
        model.check_data(x)
    except ValueError as error:
        worst = float(tf.reduce_max(tf.abs(x)))
        return Diagnosis([Finding("range", worst, False, f"{error}. Nothing else was tried"), *twins])

    many, few = (_spread(x, size) for size in (_CODES, _POINTS))
    q = model.posterior(many)
    trial = _Trial(model, few, objective or elbo_mc(1))
    findings = [_range(model, many, q), _dead_dimensions(q), _one_layer(q), _aggregate_posterior(model, q)]
    findings.append(trial.finite())
    if trial.finite().ok:
        findings += [trial.sampling(), trial.gradient(), trial.formula(), trial.bound()]
    if reported is not None:
        findings.append(trial.reported(float(reported), x.shape[0]))
    return Diagnosis(findings + twins)


def _spread(x, size):
    """``size`` rows of ``x``, evenly spaced; all if there are no more."""
    n = x.shape[0]
    return tf.gather(x, np.arange(size) * n // size) if n > size else x


def _finding(name, measured, ok, good, bad):
    return Finding(name, float(measured), bool(ok), good if ok else bad)


def _training_points(x, train):
    seen = {row.tobytes() for row in train.numpy() + 0.0}  # + 0.0: minus zero is zero
    count = sum(row.tobytes() in seen for row in x.numpy() + 0.0)
    bad = "rows of x are rows of train, to the last bit: take them out and train again, unless the data are so coarse"
    return _finding("training points", count, not count, "no row of x is a row of train", bad)


def _range(model, x, q):
    p, grey = model.decode(q.mean), np.mean((x != 0) & (x != 1))
    if not isinstance(p, Bernoulli):
        return Finding("range", 0.0, True, "the data lie in the support of the likelihood")
    if grey:
        bad = (
            "is the share of values that are neither 0 nor 1, for which the Bernoulli formula is no log-likelihood: "
            "binarise them, or use ContinuousBernoulli, Binomial or Categorical"
        )
        return Finding("range", float(grey), False, bad)
    low, high = float(tf.reduce_min(p.logits)), float(tf.reduce_max(p.logits))
    bad = "all logits lie in [0, 1], as if the decoder ended in a sigmoid: drop it, the likelihood takes logits"
    return _finding("range", low, not 0 <= low < high <= 1, "zeros and ones, and logits of any size (the lowest)", bad)


def _dead_dimensions(q):
    dead = [int(j) for j in np.flatnonzero(np.var(q.mean, axis=0, dtype=float) <= _DEAD)]
    bad = (
        f"latent dimensions {dead} do not move with x. That can be right: what is not worth its rate dies at the "
        "optimum. If you need it: a smaller noise variance or β, a learned variance, warm-up"
    )
    return _finding("dead dimensions", len(dead), not dead, "every latent dimension moves with x", bad)


def _one_layer(q):
    apart = np.abs(q.mean - q.log_variance).max()
    ok = apart > 1e-6 * np.abs(q.mean).max() or np.ptp(q.mean) < 1e-3
    bad = "mean and log-variance are the same numbers: give each a layer, or columns of one layer, of its own"
    return _finding("one layer", apart, ok, "mean and log-variance are different numbers", bad)


def _aggregate_posterior(model, q):
    """By moments: at an optimum the codes of all x together have the first two of the prior (chapter 10)."""
    if not isinstance(model.prior, Normal):
        return Finding("aggregate posterior", 0.0, True, "not looked at: the prior is not Normal")
    shift = (q.mean - model.prior.mean) / model.prior.stddev
    square = np.mean(shift**2 + q.variance / model.prior.variance, axis=0)
    away = max(np.abs(np.mean(shift, axis=0)).max(), np.abs(square - 1).max())
    bad = (
        "so far is a mean or second moment of the codes from the prior's: draws from the prior will not look like "
        "data. Is the KL in the objective, with its sign? Is training done? Is x like the training data?"
    )
    limit = max(_MOMENTS, 5 * (2 / len(q.mean)) ** 0.5)  # five standard errors of a second moment, if x is small
    return _finding("aggregate posterior", away, away <= limit, "the codes have the prior's moments, nearly", bad)


def _agree(values, formula):
    """Whether both have one mean over draws [draws, n], for each example if ``values`` say so: five standard errors."""
    formula = np.broadcast_to(formula, (len(values), np.shape(formula)[-1]))
    away = values - formula if values.ndim == 2 else (values - formula.mean(axis=1))[:, None]
    error = away.std(axis=0, ddof=1) / len(away) ** 0.5 + 2e-5 * np.abs(formula).max()
    total = away.mean(axis=1)
    total_error = total.std(ddof=1) / len(total) ** 0.5 + 2e-5 * np.abs(formula).max()
    limit = 5 if values.ndim == 2 else 25  # of a mean of squares of standard errors: 1 is expected
    return np.mean((away.mean(axis=0) / error) ** 2) < limit and abs(total.mean()) < 5 * total_error


class _Trial:
    """The objective, the reconstruction, the rate and log p(x), averaged over the same examples at the same draws."""

    def __init__(self, model, x, objective):
        self.model, self.x, self.objective = model, x, objective
        self.q, prior = model.posterior(x), model.prior
        values, likelihoods, rates = [], [], []
        for seed in range(_DRAWS):
            with randomness.keyed(seed):
                values.append(self.value())
            with randomness.keyed(seed):
                z = self.q.sample()
            likelihoods.append(model.decode(z).log_prob(x))
            rates.append(self.q.log_prob(z) - prior.log_prob(z))
        if closed_form_kl(self.q, prior):
            rates = [kl_divergence(self.q, prior)]
        self.of_each = [np.array(values, float), np.array(likelihoods, float), np.mean(rates, axis=0, dtype=float)]
        self.values, self.likelihood = (v.reshape(_DRAWS, -1).mean(axis=1) for v in self.of_each[:2])
        self.rate = self.of_each[2].mean()
        self.log_p = self.exact_or_tight()
        self.collapsed = np.all(np.var(self.q.mean, axis=0) <= _DEAD)  # at a dead optimum nothing hangs on the draw

    def value(self):
        value = self.objective(self.model, self.x)
        shape = None if value is None else tf.convert_to_tensor(value).shape
        if shape not in ((), self.x.shape[:1]):
            raise ValueError(
                f"diagnose: objective must return one value per example, shape ({self.x.shape[0]},), or one number; "
                f"got {'None' if value is None else f'shape {shape}'}"
            )
        return tf.convert_to_tensor(value)

    def exact_or_tight(self):
        if self.model.latent_dim <= 2 and isinstance(self.model.prior, Normal):
            try:
                return exact.log_marginal(self.model, self.x, tolerance=0.01)
            except ArithmeticError:  # kinks, or a posterior that no box holds
                pass
        with randomness.keyed(0):
            return log_likelihood(self.model, self.x, samples=2000)

    def slack(self, values):
        """Five standard errors of a mean over draws, and what float32 leaves open."""
        return 5 * np.std(values, ddof=1) / len(values) ** 0.5 + 1e-4 * max(1, abs(np.mean(values)))

    def finite(self):
        share = np.mean(~np.isfinite(self.values))
        bad = (
            "is the share of draws that make the objective NaN or infinite: look for the logarithm of a width or a "
            "probability that is zero; let the encoder emit log-variances, the decoder logits"
        )
        return _finding("finite", share, not share, "the objective is a finite number", bad)

    def sampling(self):
        bad = "two draws of z give the same objective to the last digit: what is decoded is not the draw"
        ok = np.ptp(self.values) > 0 or self.collapsed
        return _finding("sampling", np.std(self.values), ok, "another draw, another value", bad)

    def gradient(self):
        """By the encoder's outputs, at two draws: what does not change with the draw comes from the KL alone."""
        shift = tf.zeros([self.x.shape[0], 2 * self.model.latent_dim])
        probe = object.__new__(type(self.model))  # the same model, its encoder's output moved by nothing
        probe.__dict__.update(self.model.__dict__)
        probe.__dict__["encoder"] = lambda x: self.model.encoder(x) + shift
        pulls = []
        for seed in (1, 2):
            with randomness.keyed(seed), tf.GradientTape() as tape:
                tape.watch(shift)
                total = tf.reduce_sum(self.objective(probe, self.x))
            pull, *by_weights = tape.gradient(total, [shift, *self.model.encoder.trainable_weights])
            pulls.append(pull)
        if pull is None:  # or the objective knows the encoder by another name
            reached = any(pull is not None and np.any(pull) for pull in by_weights)
            bad = "of the objective does not reach the encoder: was it computed outside the tape, or once?"
            return _finding("gradient", 0, reached, "of the objective reaches the encoder", bad)
        heads = np.abs(np.split(pulls[1] - pulls[0], 2, axis=1)).max(axis=(1, 2))
        lost = " and ".join(name for name, head in zip(("mean", "log-variance"), heads, strict=True) if head == 0)
        bad = f"of the reconstruction does not reach the encoder's {lost}: is z = m + s ε decoded?"
        good = "of the reconstruction reaches mean and log-variance"
        return _finding("gradient", heads.min(), not lost or self.collapsed, good, bad)

    def formula(self):
        values, r, kl = self.of_each
        at_mean = self.model.decode(self.q.mean).log_prob(self.x).numpy()
        n, d, k = self.x.shape[0], self.model.data_dim, self.model.latent_dim
        gap = self.likelihood.mean() - self.values.mean()  # how much the objective subtracts
        weight = gap / max(self.rate, 1e-9)
        known = [
            (r - kl, "is reconstruction minus KL, the bound"),
            (r + kl, "adds the KL: subtract it"),
            (kl - r, "is minus the bound: an objective is maximised, change the sign"),
            (at_mean - kl, "decodes the mean of q: decode the draw z = m + s ε"),
            (r - kl / k, "averages the KL over the latent dimensions: sum over dimensions, average over examples"),
            (r / d - kl, "averages the reconstruction over the components of x: sum over components"),
            (r / d - kl / k, "averages over dimensions: sum over them, average over examples"),
            (r - kl / n, "divides the KL by the number of examples: each has a KL of its own"),
            (r - n * kl, "sums the KL over the examples: average it, like the reconstruction"),
            (n * (r - kl), "sums over the examples: give one value for each, or their mean"),
            (r, "has no KL: subtract it"),
        ]
        for formula, words in known:
            if _agree(values, formula):
                return Finding("objective", float(weight), words == known[0][1], words)
        weighted = values.ndim == 2 and _agree(values, r - weight * kl)  # on each example the same weight
        tighter = gap < self.rate and self.bound().ok and not weighted
        bad = (
            "is the KL that it takes from the reconstruction, instead of 1. So it should be for a β or free bits of "
            "your choice. If you chose none: is a ½ lost, is a β frozen at an old value?"
        )
        bad += "" if weighted else " Or is what you decode not z = m + s ε of the same example?"
        return _finding("objective", weight, tighter, "lies between the bound and log p(x): a tighter bound", bad)

    def bound(self):
        excess = self.values.mean() - self.log_p.mean()
        bad = "nats by which the objective exceeds log p(x), on average: it does not bound it"
        return _finding("bound", excess, excess <= self.slack(self.values), "nats: it is below log p(x)", bad)

    def reported(self, number, n):
        bound, log_p, d = np.mean(self.likelihood) - self.rate, self.log_p.mean(), self.model.data_dim
        unseen = (1 / len(self.x) - 1 / n) ** 0.5  # rows that were not looked at; none if all were
        slack = self.slack(self.likelihood) + 5 * self.log_p.std() * unseen + 0.005
        low, high = bound - slack, log_p + slack
        meanings = {"minus the figure": -number, "the sum over x": number / n, "the figure for a component": number * d}
        meanings["bits for a component"] = -number * d * math.log(2)
        found = [what for what, value in meanings.items() if low <= value <= high]
        if found:
            guess = f"it seems to be {found[0]}"
        elif number > high:
            guess = "it is too high: was it measured on the training data, or is it no likelihood?"
        else:
            guess = "it is too low: was it measured on other data, or on another model?"
        truth = f"these data have bound {bound:.4g} and log p(x) {log_p:.4g}, nats a row"
        return _finding("reported", number, low <= number <= high, truth, f"{truth}; {guess}")
