"""The models that every way trains or evaluates, told without a framework: sizes, likelihood, objective, data."""

import dataclasses
import itertools
import os
from pathlib import Path

import numpy as np


@dataclasses.dataclass(frozen=True)
class Case:
    """A VAE ``data``–``hidden``–``latent``–reversed ``hidden``–``data``, and how it is trained.

    ``samples``: None for the bound with its KL in closed form, or k for the importance-weighted bound of k samples.
    """

    name: str
    data: int
    hidden: tuple
    latent: int
    examples: int
    activation: str = "relu"
    bernoulli: bool = True
    samples: int | None = None
    batch: int = 100

    @property
    def steps(self):
        """Steps an epoch."""
        return self.examples // self.batch

    @property
    def encoder(self):
        """Shapes of the encoder's kernels."""
        widths = [self.data, *self.hidden, 2 * self.latent]
        return list(itertools.pairwise(widths))

    @property
    def decoder(self):
        """Shapes of the decoder's kernels."""
        widths = [self.latent, *reversed(self.hidden), self.data]
        return list(itertools.pairwise(widths))

    @property
    def parameters(self):
        return sum((rows + 1) * columns for rows, columns in self.encoder + self.decoder)

    @property
    def flops(self):
        """Of the products of one training step: forward, and backward to the weights and to what is below them."""
        encoder, decoder = (sum(rows * columns for rows, columns in part) for part in (self.encoder, self.decoder))
        rows, columns = self.encoder[0]  # no gradient with respect to the data
        return 2 * self.batch * (3 * encoder - rows * columns + 3 * (self.samples or 1) * decoder)

    def draw(self):
        """The data, float32 [examples, data]. Noise in place of pictures where MNIST is not at hand: equally long."""
        rng = np.random.default_rng(0)
        if not self.bernoulli:
            return rng.normal(size=(self.examples, self.data)).astype(np.float32)
        if file := mnist_file():  # read here: vae_lib would bring TensorFlow into the process that measures PyTorch
            with np.load(file) as arrays:
                pixels = arrays["x_train"][: self.examples]
            return pixels.reshape(len(pixels), -1).astype(np.float32) / 255
        return rng.random((self.examples, self.data), np.float32)


def mnist_file():
    """Where MNIST is at hand, or None. Nothing is downloaded."""
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    places = [Path(os.environ.get("VAE_LIB_DATA", ""), "mnist.npz"), Path(home, "datasets", "mnist.npz")]
    return next((place for place in places if place.is_file()), None)


SMALL = Case("2–64–32–2, Gaussian", 2, (64, 32), 2, examples=2000, bernoulli=False)
LARGE = Case("784–500–20, Bernoulli", 784, (500,), 20, examples=5000)
IWAE = {
    k: Case(f"784–200–200–50, tanh, k = {k}", 784, (200, 200), 50, n, activation="tanh", samples=k)
    for k, n in ((1, 5000), (5, 5000), (50, 1000))
}
TRAINING = [SMALL, LARGE, *IWAE.values()]

EVALUATION = [  # ``samples`` importance samples for each of ``examples`` pictures
    dataclasses.replace(LARGE, examples=100, samples=5000),
    dataclasses.replace(IWAE[1], name="784–200–200–50, tanh", examples=100, samples=5000),
]


def _varied(case, name, values, change):
    return name, {value: dataclasses.replace(case, name=f"{name} {value}", **change(value)) for value in values}


CURVES = [  # what grows, and the case for each of its values
    _varied(LARGE, "examples", (1000, 2000, 5000, 10000, 20000), lambda n: {"examples": n}),
    _varied(LARGE, "batch", (25, 50, 100, 200, 400), lambda n: {"batch": n, "examples": 2000}),
    _varied(IWAE[1], "samples k", (1, 2, 4, 8, 16, 32), lambda k: {"samples": k, "examples": 1000}),
    _varied(
        LARGE, "width of the hidden layer", (125, 250, 500, 1000, 2000), lambda w: {"hidden": (w,), "examples": 2000}
    ),
]
