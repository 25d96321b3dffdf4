"""What a model *is*: an autoencoder, a variational autoencoder, and the likelihoods that join decoder to data.

A likelihood turns the decoder's output into a distribution over data: ``Bernoulli`` (the class itself),
``ContinuousBernoulli``, ``FixedNormal(variance)``, ``LearnedNormal()``, ``Binomial(trials)``, ``Categorical(levels)``,
or anything serialisable that does the same. One with a weight is a Keras layer, so that the weight is trained and
saved with the model. It may say what data it takes: ``support`` (low, high); ``steps``, for multiples of 1/steps.
"""

import math

import keras
import numpy as np
import tensorflow as tf

from vae_lib import checks
from vae_lib.distributions import Bernoulli, Counts, Distribution, Levels, Normal, standard_normal

_register = keras.saving.register_keras_serializable("vae_lib")


@_register
class FixedNormal(keras.layers.Layer):
    """The likelihood N(decoder output, variance · I): squared error on a fixed scale."""

    def __init__(self, variance, **kwargs):
        super().__init__(**kwargs)
        self.variance = checks.positive("FixedNormal: variance", variance)

    def call(self, mean):
        return Normal(mean, tf.constant([math.log(self.variance)], tf.float32))

    def get_config(self):
        return {**super().get_config(), "variance": self.variance}


@_register
class LearnedNormal(keras.layers.Layer):
    """The likelihood N(decoder output, σ²) with a learned variance: one, shared by all components, or one for each.

    ``initial_variance``: a number, where the shared variance starts, or a list of d numbers, one for each component.
    """

    def __init__(self, initial_variance=1.0, **kwargs):
        super().__init__(**kwargs)
        several = isinstance(initial_variance, (list, tuple, np.ndarray))
        values = list(initial_variance) if several else [initial_variance]
        values = [checks.positive("LearnedNormal: initial_variance", value) for value in values]
        self.initial_variance = values if several else values[0]
        start = np.log(values).astype(np.float32)
        self.log_variance = self.add_weight(shape=start.shape, initializer=lambda *_, **__: start, name="log_variance")
        self.built = True

    def call(self, mean):
        return Normal(mean, tf.convert_to_tensor(self.log_variance))

    def get_config(self):
        return {**super().get_config(), "initial_variance": self.initial_variance}


@_register
class Binomial(keras.layers.Layer):
    """The likelihood of counts out of ``trials``, as fractions of them: decoder output = logits, [..., d]."""

    support = Counts.support

    def __init__(self, trials, **kwargs):
        super().__init__(**kwargs)
        self.trials = self.steps = checks.integer("Binomial: trials", trials)

    def call(self, logits):
        return Counts(logits, self.trials)

    def get_config(self):
        return {**super().get_config(), "trials": self.trials}


@_register
class Categorical(keras.layers.Layer):
    """The likelihood of grey levels 0, 1/(levels − 1), …, 1: decoder output = logits, [..., d · levels]."""

    support = Levels.support

    def __init__(self, levels, **kwargs):
        super().__init__(**kwargs)
        self.levels = checks.integer("Categorical: levels", levels, least=2)
        self.steps = self.levels - 1

    def call(self, logits):
        return Levels(logits, self.levels)

    def get_config(self):
        return {**super().get_config(), "levels": self.levels}


class _Coder(keras.Model):
    """The part the two models share: an encoder, a decoder, and what is asked of both."""

    codes_per_latent = 1  # how many numbers the encoder emits for one latent dimension

    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.decoder = encoder, decoder
        self.data_dim = _width("encoder", encoder, "input_shape")
        self.latent_dim = _width("decoder", decoder, "input_shape")
        codes = _width("encoder", encoder, "output_shape")
        if codes != self.codes_per_latent * self.latent_dim:
            per = "a mean and a log-variance for each" if self.codes_per_latent == 2 else "one number for each"
            raise ValueError(
                f"{type(self).__name__}: the encoder must emit {per} of the decoder's {self.latent_dim} latent "
                f"dimensions, {self.codes_per_latent * self.latent_dim} numbers; encoder.output_shape ends in {codes}"
            )
        self.built = True

    def call(self, x):
        return self.reconstruct(x)

    def check_data(self, x, name="x"):
        """Return ``x`` as a tensor, or raise ``TypeError``/``ValueError`` saying what about it cannot be used."""
        x = checks.numeric(x, name)
        self._rows(x, name)
        return x

    def _rows(self, x, name="x"):
        x = checks.floats(x, name)
        if x.shape.rank != 2 or x.shape[-1] != self.data_dim:
            raise ValueError(f"{name} must have shape [n, {self.data_dim}], as the encoder expects; got {x.shape}")
        return x

    def _codes(self, z, name="z"):
        z = checks.floats(z, name)
        if z.shape.rank is None or z.shape.rank < 2 or z.shape[-1] != self.latent_dim:
            raise ValueError(
                f"{name} must have shape [..., n, {self.latent_dim}], as the decoder expects; got {z.shape}"
            )
        return z

    def _decode(self, z):
        """The decoder on codes with any number of leading axes: a ``Sequential`` takes one, so fold the rest."""
        z = self._codes(z)
        if z.shape.rank == 2:
            return self.decoder(z)
        output = self.decoder(tf.reshape(z, [-1, self.latent_dim]))
        return tf.reshape(output, tf.concat([tf.shape(z)[:-1], tf.shape(output)[-1:]], axis=0))

    def get_config(self):
        parts = {"encoder": self.encoder, "decoder": self.decoder}
        return {"name": self.name, **{name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}}

    @classmethod
    def from_config(cls, config):
        return cls(**{name: _revive(value) for name, value in config.items()})


@_register
class Autoencoder(_Coder):
    """x → code → x: an encoder [n, d] → [n, latent] and a decoder back (Rumelhart, Hinton and Williams 1986)."""

    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        width = _width("decoder", decoder, "output_shape")
        if width != self.data_dim:
            raise ValueError(
                f"Autoencoder: the decoder must emit as many numbers as the encoder takes, {self.data_dim}; "
                f"decoder.output_shape ends in {width}"
            )

    def encode(self, x):
        """The code of ``x`` [n, d]: a tensor [n, latent]."""
        return self.encoder(self._rows(x))

    def decode(self, z):
        """The decoder's output for codes ``z`` [..., latent]: a tensor [..., d]."""
        return self._decode(z)

    def reconstruct(self, x):
        """``x`` [n, d] through code and back: a tensor [n, d]."""
        return self.decode(self.encode(x))


@_register
class VAE(_Coder):
    """A latent-variable model p(z) p(x | z) with an amortised posterior q(z | x) (Kingma and Welling 2014).

    Args:
        encoder: a built Keras net [n, d] → [n, 2·latent], the mean and the log-variance of q(z | x) side by side.
        decoder: a built Keras net [n, latent] → whatever ``likelihood`` takes.
        likelihood: turns the decoder's output into p(x | z): ``Bernoulli``, ``FixedNormal(variance)``,
            ``LearnedNormal()``, or your own.
        prior: p(z): None for N(0, I), a distribution, or a callable without arguments that returns one. A prior with
            weights to learn is a registered Keras layer that makes them in ``__init__`` and defines ``call(self)``.

    Raises ``ValueError`` if encoder, decoder and latent size do not fit together.
    """

    codes_per_latent = 2

    def __init__(self, encoder, decoder, likelihood=Bernoulli, prior=None, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        if isinstance(likelihood, type) and issubclass(likelihood, keras.layers.Layer):
            raise TypeError(f"VAE: likelihood must be a layer, not its class: write {likelihood.__name__}(…)")
        if not callable(likelihood):
            raise TypeError(f"VAE: likelihood must turn decoder output into a distribution; got {likelihood!r:.80}")
        if not (prior is None or callable(prior) or isinstance(prior, Distribution)):
            raise TypeError(f"VAE: prior must be None, a distribution or a callable giving one; got {prior!r:.80}")
        self.likelihood = likelihood
        self._prior = prior

    @property
    def prior(self):
        """p(z), made afresh at each access, since it may have weights that training moves."""
        if self._prior is None:
            return standard_normal(self.latent_dim)
        if isinstance(self._prior, keras.layers.Layer):
            return self._prior.call()  # __call__ insists on an input
        return self._prior() if callable(self._prior) else self._prior

    def posterior(self, x):
        """q(z | x) for ``x`` [n, d]: a ``Normal`` with batch [n]."""
        mean, log_variance = tf.split(self.encoder(self._rows(x)), 2, axis=-1)
        return Normal(mean, log_variance)

    def decode(self, z):
        """p(x | z) for ``z`` [..., latent]: a distribution over the data with the same leading axes."""
        return self.likelihood(self._decode(z))

    def infer(self, x, samples=1, stop_q_gradient=False):
        """Draw ``z`` ~ q(z | x) and say how likely it was: z [samples, n, latent], log q(z | x) [samples, n].

        With ``stop_q_gradient`` the gradient of log q reaches q's parameters only through ``z``: the path
        derivative of Roeder, Wu and Duvenaud (2017).
        """
        q = self.posterior(x)
        z = q.sample(samples)
        if stop_q_gradient:
            q = Normal(tf.stop_gradient(q.mean), tf.stop_gradient(q.log_variance))
        return z, q.log_prob(z)

    def log_joint(self, x, z):
        """log p(x, z) = log p(x | z) + log p(z) in nats: [samples, n] for z [samples, n, latent]."""
        return self.decode(z).log_prob(self._rows(x)) + self.prior.log_prob(self._codes(z))

    def log_weights(self, x, samples=1, stop_q_gradient=False):
        """log w = log p(x, z) − log q(z | x) with z ~ q(z | x), in nats: [samples, n].

        Its mean is the evidence lower bound, its log-mean-exp the importance-weighted bound.
        """
        z, log_q = self.infer(x, samples, stop_q_gradient)
        return self.log_joint(x, z) - log_q

    def generate(self, n, sample=False):
        """``n`` new data points from z ~ p(z): means of p(x | z), or draws from it: [n, d]."""
        refuse_own(self, "generate", ["log_joint"], "override generate too")
        p = self.decode(self.prior.sample(n))
        return p.sample() if sample else p.mean

    def reconstruct(self, x, sample=False):
        """``x`` through code and back: the mean of p(x | z) at the mean of q(z | x), or a draw of z and then x."""
        refuse_own(self, "reconstruct", ["infer"], "override reconstruct too")
        q = self.posterior(x)
        return self.decode(q.sample()).sample() if sample else self.decode(q.mean).mean

    def check_data(self, x, name="x"):
        """As for ``Autoencoder``, and every value must lie in the support of the likelihood."""
        x = super().check_data(x, name)
        values = tf.cast(x, tf.float32)
        low, high = getattr(self.likelihood, "support", Distribution.support)
        least, most = (float(reduce(values)) for reduce in (tf.reduce_min, tf.reduce_max))
        if not (low <= least and most <= high):
            kind = getattr(self.likelihood, "__name__", type(self.likelihood).__name__)
            raise ValueError(
                f"{name} must lie in [{low:g}, {high:g}], the support of the {kind} likelihood; got values from "
                f"{least:g} to {most:g}"
            )
        steps = getattr(self.likelihood, "steps", None)
        if steps is not None:
            off = float(tf.reduce_max(tf.abs(values * steps - tf.round(values * steps))))
            if off > 1e-3:
                kind = type(self.likelihood).__name__
                raise ValueError(
                    f"{name} must hold multiples of 1/{steps}, as the {kind} likelihood counts them; got a value "
                    f"{off / steps:.3g} away from one"
                )
        return x

    def get_config(self):
        likelihood = self.likelihood
        if isinstance(likelihood, type):  # a class: stored by the name it is registered under
            likelihood = keras.saving.get_registered_name(likelihood)
        else:
            likelihood = keras.saving.serialize_keras_object(likelihood)
        prior = keras.saving.serialize_keras_object(self._prior)
        return {**super().get_config(), "likelihood": likelihood, "prior": prior}

    @classmethod
    def from_config(cls, config):
        likelihood = config["likelihood"]
        if isinstance(likelihood, str):
            found = keras.saving.get_registered_object(likelihood)
            if found is None:
                raise ValueError(
                    f"VAE: the likelihood {likelihood!r} is not known here; decorate its class with "
                    "keras.saving.register_keras_serializable() and import it before loading"
                )
            config = {**config, "likelihood": found}
        return super().from_config(config)


def refuse_own(model, function, methods, hint):
    """Raise ``TypeError`` where a subclass of ``VAE`` has its own of these methods and ``function`` goes round them.

    What is computed from ``posterior``, ``prior`` and ``decode`` would be wrong, and look right, for a model whose
    ``infer`` or ``log_joint`` says otherwise.
    """
    own = [name for name in methods if getattr(type(model), name) is not getattr(VAE, name)]
    if own:
        raise TypeError(
            f"{function} works from posterior, prior and decode, which are not all there is to model: "
            f"{type(model).__name__} has its own {' and '.join(own)}; {hint}"
        )


def _width(name, net, attribute):
    """The last axis of a built net's input or output."""
    if not isinstance(net, keras.layers.Layer):
        raise TypeError(f"{name} must be a Keras net, such as vae_lib.mlp(…) or keras.Sequential; got {net!r:.80}")
    shape = getattr(net, attribute, None)
    if not (isinstance(shape, tuple) and len(shape) == 2 and isinstance(shape[-1], int)):
        raise ValueError(
            f"{name} must be built and work on flat data, {attribute} (None, width): start it with "
            f"keras.Input((width,)), reshape inside; {name}.{attribute} is {shape}"
        )
    return shape[-1]


def _revive(value):
    return keras.saving.deserialize_keras_object(value) if isinstance(value, dict) else value
