"""Convolutional nets for flat pictures: shapes, what a weight reaches, training through fit, saving, bad input."""

import itertools

import vae_lib  # first: it imports TensorFlow quietly
from vae_lib import VAE, conv_decoder, conv_encoder, datasets, elbo, fit, log_likelihood

import keras  # isort: skip
import numpy as np
import pytest
import tensorflow as tf


@pytest.mark.parametrize(("side", "channels"), [(8, [4]), (8, [4, 6]), (8, [4, 6, 5]), (28, [3, 7]), (6, [2])])
def test_shapes_and_weights_are_those_of_the_pyramid(side, channels):
    encoder, decoder = conv_encoder(side, channels, 6), conv_decoder(3, channels[::-1], side)
    small = side // 2 ** len(channels)
    assert encoder(tf.zeros([5, side**2])).shape == (5, 6)
    assert decoder(tf.zeros([5, 3])).shape == (5, side**2)
    widths = [1, *channels]
    convolutions = sum(9 * i * o + o for i, o in itertools.pairwise(widths))
    assert encoder.count_params() == convolutions + small**2 * channels[-1] * 6 + 6
    back = [*channels[::-1], 1]
    convolutions = sum(9 * i * o + o for i, o in itertools.pairwise(back))
    assert decoder.count_params() == convolutions + (3 + 1) * small**2 * channels[-1]


def test_a_pixel_is_seen_where_it_stands():
    """Rows stay rows: a bright pixel moves the first layer's maps near itself and nowhere else."""
    net = conv_encoder(8, [3, 4], 2)
    maps = keras.Model(net.inputs[0], net.layers[1].output)  # after the first convolution: [n, 4, 4, 3]
    dark, bright = np.zeros([2, 1, 64], np.float32)
    bright[0, 8 * 6 + 1] = 1.0  # row 6, column 1
    moved = np.abs(maps(bright) - maps(dark)).sum(axis=(0, 3)) > 0
    assert moved[3, 0]
    assert not moved[:2].any() and not moved[:, 2:].any()


@pytest.mark.parametrize("activation", ["relu", "swish"])
def test_the_last_layers_are_linear(activation):
    """The mean over many random inputs of both signs: a rectified last layer could give no negative numbers."""
    keras.utils.set_random_seed(1)
    z = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    assert float(tf.reduce_min(conv_decoder(2, [6, 5], 8, activation)(z))) < 0
    assert float(tf.reduce_min(conv_encoder(8, [5, 6], 4, activation)(tf.random.uniform([50, 64])))) < 0


def test_a_convolutional_vae_learns_the_digits_and_is_saved(tmp_path):
    keras.utils.set_random_seed(0)
    train, test = datasets.digits()
    vae = VAE(conv_encoder(8, [8, 16], 4), conv_decoder(2, [16, 8], 8))
    history = fit(vae, train.x, elbo, epochs=12, batch_size=50, optimizer=keras.optimizers.Adam(3e-3), verbose=0)
    assert history.history["objective"][-1] > history.history["objective"][0] + 5
    vae.save(tmp_path / "vae.keras")
    again = keras.models.load_model(tmp_path / "vae.keras")
    np.testing.assert_allclose(again.decode(np.ones([3, 2])).mean, vae.decode(np.ones([3, 2])).mean, rtol=1e-6)
    assert np.isfinite(log_likelihood(again, test.x[:20], samples=50)).all()


WRONG = {
    "no channels": (lambda: conv_encoder(8, [], 2), ValueError, "conv_encoder: channels must hold a width for each"),
    "too often": (lambda: conv_encoder(28, [4, 4, 4], 2), ValueError, "side must be divisible by 8, .* got 28"),
    "too often back": (lambda: conv_decoder(2, [4, 4], 6), ValueError, "conv_decoder: side must be divisible by 4"),
    "half a side": (lambda: conv_encoder(7.5, [4], 2), ValueError, "side must be an integer, at least 1; got 7.5"),
    "no outputs": (lambda: conv_encoder(8, [4], 0), ValueError, "outputs must be an integer, at least 1; got 0"),
    "no inputs": (lambda: conv_decoder(0, [4], 8), ValueError, "inputs must be an integer, at least 1; got 0"),
    "a width": (lambda: conv_encoder(8, 4, 2), TypeError, "channels must be a list of widths"),
    "a bad width": (lambda: conv_decoder(2, [4, "a"], 8), ValueError, r"channels\[1\] must be an integer, at least 1"),
}


@pytest.mark.parametrize("case", WRONG)
def test_bad_input_is_named(case):
    build, error, message = WRONG[case]
    with pytest.raises(error, match=message):
        build()


def test_the_names_are_public():
    assert {"conv_encoder", "conv_decoder"} <= set(vae_lib.__all__)
