"""Bad input gets one kind of answer everywhere: the argument's name, what was expected, what came."""

import math
import numbers
import operator

import numpy as np
import tensorflow as tf


def integer(name, value, least=1):
    """``value`` as an int; ``ValueError`` unless it is an integer (of any library, but no bool), at least ``least``."""
    try:
        number = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least:
        raise ValueError(f"{name} must be an integer, at least {least}; got {value!r:.80}")
    return number


def positive(name, value):
    """``value`` as a float; ``TypeError`` if it is no number, ``ValueError`` unless it is positive and finite."""
    try:
        number = float(value if not isinstance(value, str | bytes | bool | np.bool_) else None)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number; got {value!r:.80}") from None
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be positive and finite; got {value!r:.80}")
    return number


def not_negative(name, value):
    """``ValueError`` unless ``value`` is a finite number, zero or more."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= value < math.inf:
        raise ValueError(f"{name} must be a finite number, not negative; got {value!r:.80}")


def numeric(x, name):
    """``x`` as a tensor; ``TypeError`` if it is not numeric, ``ValueError`` if it is empty, NaN or infinite."""
    try:
        x = tf.convert_to_tensor(x)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be an array of numbers; got {type(x).__name__}: {error!s:.120}") from None
    if not (x.dtype.is_floating or x.dtype.is_integer or x.dtype.is_bool):
        raise TypeError(f"{name} must be an array of numbers; got dtype {x.dtype.name}")
    if 0 in x.shape:
        raise ValueError(f"{name} must not be empty; got shape {x.shape}")
    if x.dtype.is_floating:
        x = tf.cast(x, tf.float32)
        bad = ~np.isfinite(x.numpy())
        if bad.any():
            first = tuple(int(i) for i in np.argwhere(bad)[0])
            raise ValueError(
                f"{name} must be finite; got {int(bad.sum())} NaN or infinite values, the first at index {first}"
            )
    return x


def floats(x, name):
    """``x``, a tensor perhaps inside a compiled function, as float32; ``TypeError`` if it is not numeric."""
    try:
        return tf.cast(tf.convert_to_tensor(x), tf.float32)
    except (TypeError, ValueError, tf.errors.UnimplementedError) as error:
        raise TypeError(f"{name} must be an array of numbers; got {type(x).__name__}: {error!s:.120}") from None
