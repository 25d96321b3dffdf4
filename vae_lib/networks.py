"""Small networks, plain Keras."""

import numbers
from collections.abc import Iterable

import keras


def mlp(inputs, hidden, outputs, activation="relu"):
    """A multilayer perceptron: ``inputs`` → each width in ``hidden`` → ``outputs``; the last layer is linear.

    Returns a built ``keras.Sequential`` from [batch, inputs] to [batch, outputs]. ``hidden`` may be empty, which
    leaves one linear layer.
    """
    if not isinstance(hidden, Iterable) or isinstance(hidden, str):
        raise TypeError(f"mlp: hidden must be a list of widths, such as [64, 32]; got {hidden!r:.80}")
    hidden = list(hidden)
    for name, values in {"inputs": [inputs], "hidden": hidden, "outputs": [outputs]}.items():
        if any(isinstance(w, bool) or not isinstance(w, numbers.Integral) or w < 1 for w in values):
            what = "a list of positive integers" if name == "hidden" else "a positive integer"
            raise ValueError(f"mlp: {name} must be {what}; got {values if name == 'hidden' else values[0]!r:.80}")
    layers = [keras.layers.Dense(int(width), activation=activation) for width in hidden]
    return keras.Sequential([keras.Input((int(inputs),)), *layers, keras.layers.Dense(int(outputs))])
