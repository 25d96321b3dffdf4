"""Figures that a reader can move in the built page, where no kernel runs.

A notebook ends a cell with ``explorables.show(…)``. Its numbers go into the page as text, and the page's script,
``_static/explorables.js``, draws them and computes with them. Where that script does not run (JupyterLab, a browser
without scripts) a line of text points to the still figure above.
"""

import base64
import html
import json

import keras
import numpy as np

LIMIT = 150_000  # the most bytes that one explorable may add to a page
ACTIVATIONS = "linear", "relu", "sigmoid", "silu", "softplus", "tanh"  # those that the script knows
KINDS = {  # what the script needs to draw each kind
    "bound": {"z", "log_joint", "means", "widths", "landscape", "levels", "summits"},
    "latent": {"side", "reach", "models"},
    "beta": {"betas", "rate", "distortion", "entropy", "active", "data", "rebuilt", "samples", "posteriors"},
    "draws": {"log_p", "c", "c_range", "k_max"},
}
BYTES = {"f2": "f16", "u1": "u8"}  # numpy's names of the types that are stored as bytes, and the script's
WITHOUT_SCRIPT = (
    "In the built page, with scripts on, a figure stands here that you can move. Its still picture is above."
)
DIGITS = 6  # significant, of a number that is written as text


class Explorable:
    """What ``show`` returns: a notebook displays it as HTML."""

    def __init__(self, kind, page):
        self.kind, self.page = kind, page

    def _repr_html_(self):
        return self.page

    def __repr__(self):
        return f"<explorable {self.kind!r}, {len(self.page.encode()) / 1000:.0f} kB: it moves in the built page>"


def show(kind, label, **data):
    """An explorable of that kind, one of ``KINDS``, to be displayed by the notebook; ``label`` names it to the reader.

    ``data`` are what ``KINDS`` lists for it: numbers, texts, arrays, and lists or dicts of these. The type of an array
    says how it is stored: float16 and uint8 as packed bytes, all else as text with six significant digits.

    Raises ``ValueError`` for a kind or a name that is not known, a name that is missing, an array that is empty or not
    finite, and for more than ``LIMIT`` bytes; ``TypeError`` for what is neither number nor text.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(map(repr, KINDS))}; got {kind!r:.80}")
    if not isinstance(label, str) or not label.strip():
        raise ValueError(f"label must be a text that says what can be moved; got {label!r:.80}")
    if set(data) != KINDS[kind]:
        missing, unknown = sorted(KINDS[kind] - set(data)), sorted(set(data) - KINDS[kind])
        raise ValueError(f"{kind} needs {', '.join(sorted(KINDS[kind]))}; missing {missing}, unknown {unknown}")
    packed = {name: _packed(name, value) for name, value in data.items()}
    text = json.dumps(packed, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    page = (
        f'<div class="explorable" data-explorable="{kind}" role="group" aria-label="{html.escape(label)}">\n'
        f'<p>{WITHOUT_SCRIPT}</p>\n<script type="application/json">{text}</script>\n</div>'
    )
    size = len(page.encode())
    if size > LIMIT:
        largest = max(packed, key=lambda name: len(json.dumps(packed[name])))
        raise ValueError(f"{kind} takes {size} bytes; expected at most {LIMIT}. The largest part is {largest!r}")
    return Explorable(kind, page)


def dense_layers(net):
    """A net of dense layers, such as an ``mlp``, as ``show`` stores it: a list of kernels, biases and activations.

    The weights become float16. Raises ``TypeError`` for any other layer, ``ValueError`` for an activation that the
    script does not know.
    """
    found = []
    for layer in net.layers:
        if type(layer) is not keras.layers.Dense:
            raise TypeError(f"net must consist of Dense layers alone; got {type(layer).__name__}")
        name = layer.activation.__name__
        if name not in ACTIVATIONS:
            raise ValueError(f"the activation of a layer must be one of {', '.join(ACTIVATIONS)}; got {name!r}")
        if not layer.use_bias:
            raise TypeError(f"net must consist of Dense layers with biases; {layer.name} has none")
        kernel, bias = (weights.astype(np.float16) for weights in layer.get_weights())
        found.append({"kernel": kernel, "bias": bias, "activation": name})
    return found


def _packed(name, value):
    """The value as JSON holds it; arrays of few bits as base64 with their shape."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return {key: _packed(f"{name}.{key}", part) for key, part in value.items()}
    if isinstance(value, list | tuple) and any(isinstance(part, dict | str) for part in value):
        return [_packed(f"{name}[{i}]", part) for i, part in enumerate(value)]
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be numbers, text, or a list or dict of these; got {type(value).__name__}")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty; got shape {array.shape}")
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise ValueError(f"{name} must be finite; got {bad} NaN or infinite values among {array.size}")
    if array.dtype.str[1:] in BYTES:
        little = array.astype(array.dtype.newbyteorder("<"))
        return {BYTES[array.dtype.str[1:]]: base64.b64encode(little).decode(), "shape": list(array.shape)}
    if array.dtype.kind == "f":
        rounded = [float(f"{number:.{DIGITS}g}") for number in array.astype(float).ravel()]
        return np.reshape(rounded, array.shape).tolist()
    return array.tolist()
