"""What a notebook exports for a figure that moves: what is stored, and what is refused."""

import base64
import json
import re
from pathlib import Path

import keras
import matplotlib as mpl
import numpy as np
import pytest
from bs4 import BeautifulSoup

from vae_lib import explorables, mlp, plots

STATIC = Path(__file__).parents[1] / "_static"
DRAWS = {"log_p": -3.0, "c": 4.0, "c_range": [0.25, 8.0], "k_max": 100}


def stored(explorable):
    """The numbers as the page's script finds them."""
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', explorable.page, re.S)[1])


def draws(**changes):
    return explorables.show("draws", "Draws", **DRAWS | changes)


def test_a_notebook_displays_the_page_and_a_console_a_word():
    shown = draws()
    assert shown._repr_html_() == shown.page
    assert repr(shown) == "<explorable 'draws', 0 kB: it moves in the built page>"
    assert "Its still picture is above" in shown.page


def test_numbers_are_stored_as_text_with_six_digits():
    assert stored(draws(log_p=np.float32(-1.23456789), c_range=np.array([[1 / 3, 2e-9]]))) == {
        "log_p": -1.23457,
        "c": 4.0,
        "c_range": [[0.333333, 2e-9]],
        "k_max": 100,
    }


@pytest.mark.parametrize(("dtype", "key"), [("float16", "f16"), (">f2", "f16"), ("uint8", "u8")])
def test_arrays_of_few_bits_are_stored_as_bytes(dtype, key):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    found = stored(draws(c_range=array))["c_range"]
    assert found["shape"] == [2, 3]
    plain = np.frombuffer(base64.b64decode(found[key]), {"f16": "<f2", "u8": "u1"}[key])
    np.testing.assert_array_equal(plain.reshape(2, 3), array)


def test_lists_and_dicts_keep_their_form():
    models = [{"name": "one </script>", "layers": [{"bias": np.float16([1.5])}]}]
    shown = explorables.show("latent", "A <plane> & more", side=8, reach=3, models=models)
    assert stored(shown)["models"][0]["name"] == "one </script>"
    assert stored(shown)["models"][0]["layers"][0]["bias"]["shape"] == [1]

    page = BeautifulSoup(shown.page, "html.parser")
    assert [tag.name for tag in page.find_all()] == ["div", "p", "script"]
    assert page.div["aria-label"] == "A <plane> & more"


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"log_p": np.nan}, ValueError, r"log_p must be finite; got 1 NaN or infinite values among 1"),
        ({"c_range": np.float16([1, np.inf])}, ValueError, r"c_range must be finite; got 1 "),
        ({"c_range": []}, ValueError, r"c_range must not be empty; got shape \(0,\)"),
        ({"c_range": [{"low": None}]}, TypeError, r"c_range\[0\]\.low must be numbers, text, or a list .*NoneType"),
        ({"log_p": True}, TypeError, r"log_p must be numbers.*bool"),
        ({"logp": 1}, ValueError, r"missing \[\], unknown \['logp'\]"),
        (
            {"c_range": np.zeros(200_000, np.uint8)},
            ValueError,
            r"draws takes 26\d+ bytes; expected at most 150000.*'c_range'",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(changes, error, said):
    with pytest.raises(error, match=said):
        draws(**changes)


def test_a_kind_that_is_not_known_a_name_that_is_missing_and_an_empty_label_are_refused():
    with pytest.raises(ValueError, match=r"kind must be one of 'bound', .*; got 'bond'"):
        explorables.show("bond", "Bond")
    with pytest.raises(ValueError, match=r"draws needs c, c_range, k_max, log_p; missing \['c', 'c_range', 'k_max'\]"):
        explorables.show("draws", "Draws", log_p=1)
    with pytest.raises(ValueError, match="label must be a text"):
        explorables.show("draws", " ", **DRAWS)


def test_the_layers_of_a_net_are_its_weights_to_the_precision_of_float16():
    net = mlp(2, [5], 3, "swish")
    first, last = explorables.dense_layers(net)
    kernel, bias = net.layers[-1].get_weights()
    assert (first["activation"], last["activation"]) == ("silu", "linear")
    assert last["kernel"].dtype == np.float16
    np.testing.assert_allclose(last["kernel"], kernel, rtol=1e-3)
    np.testing.assert_allclose(last["bias"], bias, rtol=1e-3)


def test_layers_and_activations_that_the_page_does_not_know_are_refused():
    with pytest.raises(TypeError, match="Dense layers alone; got Dropout"):
        explorables.dense_layers(keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5)]))
    with pytest.raises(TypeError, match="Dense layers with biases; bare has none"):
        explorables.dense_layers(
            keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, use_bias=False, name="bare")])
        )
    with pytest.raises(ValueError, match=r"must be one of linear, .*; got 'selu'"):
        explorables.dense_layers(mlp(2, [5], 3, "selu"))


def test_the_script_knows_every_kind_and_activation_and_the_colours_are_those_of_the_book():
    script, style = (STATIC / "explorables.js").read_text(), (STATIC / "explorables.css").read_text()
    assert set(re.findall(r"^    (\w+)\(d\) \{", script, re.M)) == set(explorables.KINDS)
    table = re.search(r"const activations = \{(.*?)\n  \};", script, re.S)[1]
    assert set(re.findall(r"(\w+): ", table)) >= set(explorables.ACTIVATIONS)
    light = dict(re.findall(r"--explorable-(\w+): (#\w+);", style.split("}")[0]))
    for name in ("blue", "orange", "green", "red", "pink", "grey"):
        assert light[name] == getattr(plots, name.upper()).lower()
    ramp = re.search(rf'const {plots.DENSITY} = \["(.*?)"\]', script)[1].split('", "')
    assert ramp == [mpl.colors.to_hex(colour) for colour in mpl.colormaps[plots.DENSITY](np.linspace(0, 1, len(ramp)))]
