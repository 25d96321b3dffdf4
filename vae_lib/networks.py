"""Small networks, plain Keras: flat data in, flat data out."""

from collections.abc import Iterable

import keras

from vae_lib import checks


def mlp(inputs, hidden, outputs, activation="relu"):
    """A multilayer perceptron: ``inputs`` → each width in ``hidden`` → ``outputs``; the last layer is linear.

    Returns a built ``keras.Sequential`` from [batch, inputs] to [batch, outputs]. ``hidden`` may be empty, which
    leaves one linear layer. Raises ``TypeError`` or ``ValueError`` for widths that are not positive integers.
    """
    inputs, outputs = checks.integer("mlp: inputs", inputs), checks.integer("mlp: outputs", outputs)
    layers = [keras.layers.Dense(width, activation=activation) for width in _widths("mlp: hidden", hidden)]
    return keras.Sequential([keras.Input((inputs,)), *layers, keras.layers.Dense(outputs)])


def conv_encoder(side, channels, outputs, activation="relu"):
    """A convolutional net for flat square pictures, [batch, side²] → [batch, outputs]; the last layer is linear.

    Each number in ``channels`` is a 3 × 3 convolution of stride two, which halves the side. Returns a built
    ``keras.Sequential``. Raises as ``mlp`` does, and ``ValueError`` if ``side`` cannot be halved so often.
    """
    channels, _ = _pyramid("conv_encoder", side, channels)
    outputs = checks.integer("conv_encoder: outputs", outputs)
    halves = [keras.layers.Conv2D(width, 3, strides=2, padding="same", activation=activation) for width in channels]
    picture = [keras.Input((side**2,)), keras.layers.Reshape((side, side, 1))]
    return keras.Sequential([*picture, *halves, keras.layers.Flatten(), keras.layers.Dense(outputs)])


def conv_decoder(inputs, channels, side, activation="relu"):
    """The way back, [batch, inputs] → [batch, side²]: a dense layer, then 3 × 3 transposed convolutions.

    The dense layer makes ``channels[0]`` maps; each convolution doubles their side, through the other ``channels``
    to the one linear map that is the picture. Returns a built ``keras.Sequential``; raises as ``conv_encoder`` does.
    """
    channels, small = _pyramid("conv_decoder", side, channels)
    inputs = checks.integer("conv_decoder: inputs", inputs)
    doubles = [
        keras.layers.Conv2DTranspose(width, 3, strides=2, padding="same", activation=activation)
        for width in channels[1:]
    ]
    start = [
        keras.Input((inputs,)),
        keras.layers.Dense(small**2 * channels[0], activation=activation),
        keras.layers.Reshape((small, small, channels[0])),
    ]
    last = keras.layers.Conv2DTranspose(1, 3, strides=2, padding="same")
    return keras.Sequential([*start, *doubles, last, keras.layers.Flatten()])


def _widths(name, widths):
    if not isinstance(widths, Iterable) or isinstance(widths, str):
        raise TypeError(f"{name} must be a list of widths, such as [64, 32]; got {widths!r:.80}")
    return [checks.integer(f"{name}[{i}]", width) for i, width in enumerate(widths)]


def _pyramid(where, side, channels):
    """The channels as integers, and the side of the smallest maps."""
    channels = _widths(f"{where}: channels", channels)
    if not channels:
        raise ValueError(f"{where}: channels must hold a width for each halving of side, one at least; got none")
    small, rest = divmod(checks.integer(f"{where}: side", side), 2 ** len(channels))
    if rest:
        raise ValueError(
            f"{where}: side must be divisible by {2 ** len(channels)}, halved once for each of channels {channels}; "
            f"got {side}"
        )
    return channels, small
