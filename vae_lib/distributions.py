"""Distributions over vectors: ``sample``, ``log_prob``, ``kl_divergence``. All in nats, float32.

Each treats the last axis as one vector of independent components and the axes before it as a batch.
"""

import math

import keras
import numpy as np
import tensorflow as tf

from vae_lib import checks, randomness

_LOG_2PI = math.log(2 * math.pi)


class Distribution:
    """What ``VAE`` asks of a distribution: ``sample``, ``log_prob`` and ``mean``; parameters in ``get_config``."""

    parameters = ()  # the names of the constructor's arguments, in order
    support = (-math.inf, math.inf)  # the interval that holds every component

    def sample(self, n=None):
        """Draw once for each member of the batch, [*batch, d], or ``n`` times, [n, *batch, d]."""
        raise NotImplementedError

    def log_prob(self, x):
        """Log-density (or log-mass) of ``x`` [..., d] in nats, summed over the last axis: [...]."""
        raise NotImplementedError

    def _draw_shape(self, n):
        if not (n is None or tf.is_tensor(n)):
            checks.integer(f"{type(self).__name__}.sample: n", n, least=0)
        shape = tf.shape(getattr(self, self.parameters[0]))
        return shape if n is None else tf.concat([[n], shape], axis=0)

    def get_config(self):
        return {name: np.asarray(getattr(self, name)).tolist() for name in self.parameters}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable("vae_lib")
class Normal(Distribution):
    """Independent Gaussians over the last axis. Reparameterised: gradients reach mean and log-variance.

    ``mean`` and ``log_variance`` broadcast against each other to [*batch, d]; ``log_variance`` is the natural
    logarithm of the *variance* σ², not of σ. ``variance`` and ``stddev`` have the shape that was given for it.
    """

    parameters = ("mean", "log_variance")

    def __init__(self, mean, log_variance):
        mean, log_variance = _float32("mean", mean), _float32("log_variance", log_variance)
        try:
            shape = tf.broadcast_static_shape(mean.shape, log_variance.shape)
        except ValueError:
            raise ValueError(
                f"Normal: mean and log_variance must broadcast; got shapes {mean.shape} and {log_variance.shape}"
            ) from None
        if shape.rank == 0:
            raise ValueError("Normal: mean must have at least one axis, the vector's [..., d]; got a scalar")
        self.mean = mean if mean.shape == shape else tf.broadcast_to(mean, _shape(mean, log_variance))
        self.log_variance = log_variance

    @property
    def variance(self):
        return tf.exp(self.log_variance)

    @property
    def stddev(self):
        return tf.exp(0.5 * self.log_variance)

    def sample(self, n=None):
        """mean + σ ε with ε ~ N(0, I): the reparameterisation of Kingma and Welling (2014), section 2.4."""
        return self.mean + self.stddev * randomness.normal(self._draw_shape(n))

    def log_prob(self, x):
        x = _same_width("Normal.log_prob", x, self.mean)
        squares = tf.math.squared_difference(x, self.mean) * tf.exp(-self.log_variance)
        return -0.5 * tf.reduce_sum(squares + self.log_variance + _LOG_2PI, axis=-1)

    def entropy(self):
        """Differential entropy in nats, [*batch]: ½ Σ log(2πe σ²). It may be negative."""
        terms = tf.broadcast_to(self.log_variance, tf.shape(self.mean)) + (_LOG_2PI + 1.0)
        return 0.5 * tf.reduce_sum(terms, axis=-1)


@keras.saving.register_keras_serializable("vae_lib")
class Bernoulli(Distribution):
    """Independent 0/1 variables over the last axis, given by their ``logits`` log(p / (1 − p)).

    ``log_prob`` never forms p: σ(logit) rounds to 0 or 1 in float32 and its logarithm to −∞. For ``x``
    strictly between 0 and 1 the value is minus a cross-entropy, *not* a log-likelihood (chapter 11).
    """

    parameters = ("logits",)
    support = (0.0, 1.0)

    def __init__(self, logits):
        self.logits = _vector("Bernoulli", "logits", logits)

    @property
    def mean(self):
        return tf.sigmoid(self.logits)

    def sample(self, n=None):
        """Zeros and ones; not reparameterised, so no gradient passes."""
        return tf.cast(randomness.uniform(self._draw_shape(n)) < self.mean, tf.float32)

    def log_prob(self, x):
        x = _same_width("Bernoulli.log_prob", x, self.logits)
        shape = _shape(x, self.logits)
        return _bernoulli_log_prob(tf.broadcast_to(x, shape), tf.broadcast_to(self.logits, shape))


@tf.custom_gradient
def _bernoulli_log_prob(x, logits):
    """Σ x·logit − log(1 + e^logit) over the last axis, with one logarithm for up to eight components.

    log(1 + a) + log(1 + b) = log(1 + (a + b + ab)), which loses no digits and leaves an eighth to write and to add up.
    """

    def gradient(up):
        up = up[..., tf.newaxis]
        return up * logits, up * (x - tf.sigmoid(logits))

    linear, odds = 0.0, 0.0
    parts = math.gcd(logits.shape[-1] or 1, 8)
    for x_part, part in zip(tf.split(x, parts, axis=-1), tf.split(logits, parts, axis=-1), strict=True):
        linear += x_part * part - tf.nn.relu(part)
        new = tf.exp(-tf.abs(part))
        odds += new + odds * new
    return tf.reduce_sum(linear - tf.math.log1p(odds), axis=-1), gradient


@keras.saving.register_keras_serializable("vae_lib")
class ContinuousBernoulli(Distribution):
    """Independent variables on [0, 1] with densities proportional to e^(logit · x) (Loaiza-Ganem and Cunningham 2019).

    What the Bernoulli formula lacks on grey pixels is here: the normaliser, log((e^logit − 1) / logit) for each
    component, from a series where the logit is small. ``mean`` is *not* σ(logit).
    """

    parameters = ("logits",)
    support = (0.0, 1.0)

    def __init__(self, logits):
        self.logits = _vector("ContinuousBernoulli", "logits", logits)

    @property
    def mean(self):
        """1 / (1 − e^−logit) − 1 / logit, the derivative of the log-normaliser; ½ at logit 0."""
        a, large, near = _small_apart(self.logits)
        apart = 1 / large + tf.exp(-large) / tf.math.expm1(-large)  # one minus it where the logit is positive
        apart = tf.where(self.logits < 0, apart, 1 - apart)
        return tf.where(near, 0.5 + a / 12 - a**3 / 720 + a**5 / 30240, apart)

    def sample(self, n=None):
        """By the inverse of the distribution function: reparameterised, so gradients reach the logits."""
        u = tf.maximum(randomness.uniform(self._draw_shape(n)), 2.0**-24)  # at 0 the logarithm would be infinite
        a, large, near = _small_apart(self.logits, 0.05)
        apart = 1 + tf.math.log1p((1 - u) * tf.math.expm1(-large)) / large  # where the logit is positive
        apart = tf.where(self.logits < 0, 1 - apart, apart)
        return tf.where(near, u + a * u * (1 - u) / 2 * (1 + a * (1 - 2 * u) / 3), apart)

    def log_prob(self, x):
        x = _same_width("ContinuousBernoulli.log_prob", x, self.logits)
        a, large, near = _small_apart(self.logits)
        apart = tf.nn.relu(self.logits) + tf.math.log(-tf.math.expm1(-large) / large)
        normaliser = tf.where(near, a / 2 + a**2 / 24 - a**4 / 2880 + a**6 / 181440, apart)
        return tf.reduce_sum(x * self.logits - normaliser, axis=-1)


class Counts(Distribution):
    """Independent binomial counts out of ``trials``, as fractions: ``x`` holds multiples of 1 / trials.

    ``log_prob`` is a log-*mass*: the probabilities of the trials + 1 values of a component add up to one.
    """

    parameters = ("logits", "trials")
    support = (0.0, 1.0)

    def __init__(self, logits, trials):
        self.logits, self.trials = _vector("Counts", "logits", logits), float(trials)

    @property
    def mean(self):
        return tf.sigmoid(self.logits)

    def sample(self, n=None):
        """Fractions of ``trials`` coins that show heads; no gradient passes."""
        shape = tf.concat([[int(self.trials)], self._draw_shape(n)], axis=0)
        return tf.reduce_mean(tf.cast(randomness.uniform(shape) < self.mean, tf.float32), axis=0)

    def log_prob(self, x):
        x = _same_width("Counts.log_prob", x, self.logits)
        heads = tf.round(x * self.trials)
        ways = math.lgamma(self.trials + 1) - tf.math.lgamma(heads + 1) - tf.math.lgamma(self.trials - heads + 1)
        return tf.reduce_sum(ways + heads * self.logits - self.trials * tf.nn.softplus(self.logits), axis=-1)


class Levels(Distribution):
    """Independent components that each take one of ``levels`` values 0, 1/(levels − 1), …, 1, with any probabilities.

    ``logits`` [..., d · levels]: for each component, one for each level (a softmax turns them into probabilities).
    """

    parameters = ("logits", "levels")
    support = (0.0, 1.0)

    def __init__(self, logits, levels):
        logits = _vector("Levels", "logits", logits)
        if logits.shape[-1] % levels:
            raise ValueError(f"Levels: logits must hold {levels} numbers for each component; got {logits.shape[-1]}")
        self.levels = levels
        split = tf.concat([tf.shape(logits)[:-1], [logits.shape[-1] // levels, levels]], axis=0)
        self.logits = tf.nn.log_softmax(tf.reshape(logits, split))

    @property
    def mean(self):
        values = tf.range(self.levels, dtype=tf.float32) / (self.levels - 1)
        return tf.linalg.matvec(tf.exp(self.logits), values)

    def sample(self, n=None):
        """By the largest of the log-probabilities, each with its own Gumbel noise; no gradient passes."""
        gumbel = -tf.math.log(-tf.math.log(tf.maximum(randomness.uniform(self._draw_shape(n)), 1e-9)))
        return tf.cast(tf.argmax(self.logits + gumbel, axis=-1), tf.float32) / (self.levels - 1)

    def log_prob(self, x):
        x = _same_width("Levels.log_prob", x, self.logits[..., 0])
        chosen = tf.one_hot(tf.cast(tf.round(x * (self.levels - 1)), tf.int32), self.levels)
        return tf.reduce_sum(chosen * self.logits, axis=[-2, -1])


def standard_normal(dim):
    """N(0, I) over ``dim`` components, without batch axes."""
    zeros = tf.zeros([checks.integer("standard_normal: dim", dim)])
    return Normal(zeros, zeros)


_closed_forms = {}


def register_kl(q_class, p_class):
    """Decorate the closed form of KL(q ‖ p) for a pair of classes; subclasses find it too."""

    def register(function):
        _closed_forms[q_class, p_class] = function
        return function

    return register


def closed_form_kl(q, p):
    """The registered function for KL(q ‖ p), or None."""
    pairs = ((a, b) for a in type(q).__mro__ for b in type(p).__mro__)
    return next((_closed_forms[pair] for pair in pairs if pair in _closed_forms), None)


def kl_divergence(q, p):
    """KL(q ‖ p) = E_q[log q − log p] in closed form, in nats: [*batch], summed over the last axis.

    Raises ``NotImplementedError`` for a pair without a registered closed form: average
    ``q.log_prob(z) − p.log_prob(z)`` over ``z = q.sample(n)`` instead. ``ValueError`` if the widths differ.
    """
    function = closed_form_kl(q, p)
    if function is None:
        raise NotImplementedError(
            f"kl_divergence: no closed form is registered for q={type(q).__name__}, p={type(p).__name__}; "
            "average q.log_prob(z) - p.log_prob(z) over z = q.sample(n), or register one with register_kl"
        )
    widths = [getattr(d, d.parameters[0]).shape[-1] for d in (q, p) if d.parameters]
    if None not in widths and len(set(widths)) > 1:
        raise ValueError(f"kl_divergence: q and p must have as many components; got {widths[0]} and {widths[1]}")
    return function(q, p)


@register_kl(Normal, Normal)
def _kl_normal(q, p):
    """½ Σ (log σₚ² − log σ_q² + (σ_q² + (μ_q − μₚ)²) / σₚ² − 1): Kingma and Welling (2014), appendix B.

    expm1 keeps the digits where the two variances nearly agree.
    """
    ratio = q.log_variance - p.log_variance
    shift = tf.math.squared_difference(q.mean, p.mean) * tf.exp(-p.log_variance)
    return 0.5 * tf.reduce_sum(tf.math.expm1(ratio) - ratio + shift, axis=-1)


@register_kl(Bernoulli, Bernoulli)
def _kl_bernoulli(q, p):
    difference = q.logits - p.logits
    return tf.reduce_sum(q.mean * difference + tf.nn.softplus(p.logits) - tf.nn.softplus(q.logits), axis=-1)


def _float32(name, value):
    try:
        return tf.cast(tf.convert_to_tensor(value), tf.float32)
    except (TypeError, ValueError, tf.errors.UnimplementedError) as error:
        raise TypeError(f"{name} must be numeric; got {value!r:.80}") from error


def _vector(where, name, value):
    value = _float32(name, value)
    if value.shape.rank == 0:
        raise ValueError(f"{where}: {name} must have at least one axis, the vector's [..., d]; got a scalar")
    return value


def _small_apart(logit, border=0.5):
    """The logit where |logit| < border, else 0; |logit| elsewhere, else 1; which is which. Both branches of a
    ``tf.where`` are differentiated: neither may divide by zero or overflow."""
    near = tf.abs(logit) < border
    return tf.where(near, logit, 0.0), tf.where(near, 1.0, tf.abs(logit)), near


def _shape(*tensors):
    """The shape the tensors broadcast to, known now or only when the graph runs."""
    shape = tf.shape(tensors[0])
    for tensor in tensors[1:]:
        shape = tf.broadcast_dynamic_shape(shape, tf.shape(tensor))
    return shape


def _same_width(where, x, parameter):
    """``x`` as float32; an error if its last axis would broadcast silently against the parameter's."""
    x = _float32("x", x)
    expected = parameter.shape[-1]
    if x.shape.rank == 0 or (None not in (expected, x.shape[-1]) and x.shape[-1] != expected):
        raise ValueError(f"{where}: x must have {expected} components on its last axis; got shape {x.shape}")
    return x
