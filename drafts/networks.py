"""Small networks, plain Keras."""

import numbers
from collections.abc import Iterable

import keras


def mlp(inputs, hidden, outputs, activation="relu"):
    """A multilayer perceptron: ``inputs`` → each width in ``hidden`` → ``outputs``; the last layer is linear.

    Returns a built ``keras.Sequential`` from [batch, inputs] to [batch, outputs]. ``hidden`` may be empty, which
    leaves one linear layer.
    """
    hidden = _widths("mlp", "hidden", hidden, inputs=inputs, outputs=outputs)
    layers = [keras.layers.Dense(width, activation=activation) for width in hidden]
    return keras.Sequential([keras.Input((int(inputs),)), *layers, keras.layers.Dense(int(outputs))])


def conv_encoder(side, channels, outputs, activation="relu"):
    """A convolutional net from flat pictures [batch, side²] to [batch, outputs].

    One 3×3 convolution for each number in ``channels``, each halving the side, then a linear layer. Returns a built
    ``keras.Sequential``. Raises ``ValueError`` if ``side`` cannot be halved so often.
    """
    channels, _ = _pyramid("conv_encoder", side, channels, outputs=outputs)
    how = {"kernel_size": 3, "strides": 2, "padding": "same", "activation": activation}
    layers = [keras.layers.Conv2D(width, **how) for width in channels]
    picture = [keras.Input((side**2,)), keras.layers.Reshape((side, side, 1))]
    return keras.Sequential([*picture, *layers, keras.layers.Flatten(), keras.layers.Dense(int(outputs))])


def conv_decoder(inputs, channels, side, activation="relu"):
    """The mirror of ``conv_encoder``: [batch, inputs] to flat pictures [batch, side²], the last layer linear.

    A dense layer makes ``channels[0]`` small maps; each transposed 3×3 convolution doubles the side, through the
    other ``channels`` to one map of logits or means. Raises ``ValueError`` as ``conv_encoder`` does.
    """
    channels, small = _pyramid("conv_decoder", side, channels, inputs=inputs)
    how = {"kernel_size": 3, "strides": 2, "padding": "same"}
    layers = [keras.layers.Conv2DTranspose(width, activation=activation, **how) for width in channels[1:]]
    start = [
        keras.Input((int(inputs),)),
        keras.layers.Dense(small**2 * channels[0], activation=activation),
        keras.layers.Reshape((small, small, channels[0])),
    ]
    return keras.Sequential([*start, *layers, keras.layers.Conv2DTranspose(1, **how), keras.layers.Flatten()])


def _widths(where, name, several, **single):
    """The list of widths as integers; errors for whatever is not a positive integer."""
    if not isinstance(several, Iterable) or isinstance(several, str):
        raise TypeError(f"{where}: {name} must be a list of widths, such as [64, 32]; got {several!r:.80}")
    several = list(several)
    for key, values in {name: several, **{key: [value] for key, value in single.items()}}.items():
        if any(isinstance(w, bool) or not isinstance(w, numbers.Integral) or w < 1 for w in values):
            what = "a list of positive integers" if key == name else "a positive integer"
            raise ValueError(f"{where}: {key} must be {what}; got {values if key == name else values[0]!r:.80}")
    return [int(width) for width in several]


def _pyramid(where, side, channels, **single):
    """The channels as integers, and the side of the smallest maps."""
    channels = _widths(where, "channels", channels, side=side, **single)
    small, rest = divmod(side, 2 ** len(channels))
    if not channels or rest:
        raise ValueError(
            f"{where}: side must be divisible by 2 once for each of the channels, of which there must be one at least; "
            f"got side {side}, channels {channels}"
        )
    return channels, small
