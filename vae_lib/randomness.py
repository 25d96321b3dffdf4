"""Noise that is the same eager and compiled, repeatable, and keyed on where training stands.

TensorFlow's own generators differ between eager and XLA mode, or keep a state that no backup saves. Every
draw here is *stateless*: Philox bits whose key is (seed, step, how many draws came before in this step), made
into floats here, because TensorFlow's stateless floats differ under XLA even where their bits agree.
Inside ``keyed(seed, step)`` the key is the caller's, as in ``fit``; outside it comes from Keras's global seed
generator, which ``keras.utils.set_random_seed`` resets.
"""

import contextlib
import math
import threading

import keras
import tensorflow as tf


class _Open(threading.local):  # the replicas of a strategy are threads that take turns
    def __init__(self):
        self.keys = []  # the contexts now open, innermost last: [seed, step, draws so far]
        self.shards = []  # (index, count)


_open = _Open()
_DRAWS = 2**16  # the most draws one step may trace; a step's keys never meet the next step's


@contextlib.contextmanager
def keyed(seed, step=0):
    """Make every draw inside depend on ``seed`` and ``step`` (integers or scalar tensors) alone.

    A ``tf.function`` keeps the key under which it was first traced: open the context inside it.
    """
    _open.keys.append([tf.cast(seed, tf.int64), tf.cast(step, tf.int64), 0])
    try:
        yield
    finally:
        _open.keys.pop()


@contextlib.contextmanager
def sharded(index, count):
    """Make every draw inside the rows that replica ``index`` of ``count`` has of one draw for the whole batch.

    So an example meets the same noise however many replicas share the work. The batch is the last axis but one, or
    the only axis.
    """
    _open.shards.append((index, count))
    try:
        yield
    finally:
        _open.shards.pop()


def next_key():
    """The key of the next draw: int64 [2]."""
    if not _open.keys:
        return tf.cast(keras.random.randint((2,), 0, 2**31 - 1), tf.int64)
    seed, step, draws = _open.keys[-1]
    if draws == _DRAWS:
        raise RuntimeError(f"one keyed(seed, step) has noise for {_DRAWS} draws; open one for each step of a loop")
    _open.keys[-1][2] += 1
    return tf.stack([seed, step * _DRAWS + draws])


def normal(shape):
    """Standard normal draws of a shape, float32, by the inverse of the distribution function."""
    odd = 2 * tf.bitwise.right_shift(_bits(shape), 9) + 1  # from −2²³ to 2²³, without either
    return math.sqrt(2) * tf.math.erfinv(tf.cast(odd, tf.float32) / 2**23)


def uniform(shape):
    """Draws from the uniform distribution on [0, 1), float32."""
    return tf.cast(tf.bitwise.right_shift(_bits(shape), 8), tf.float32) / 2**24 + 0.5


def integers(shape, dtype="int64"):
    """Draws from 0 … 2³¹ − 1, each equally likely."""
    return tf.cast(tf.bitwise.bitwise_and(_bits(shape), 2**31 - 1), dtype)


def permutation(n):
    """A random order of 0 … n − 1. Sorts random integers: ``tf.random.shuffle`` does not compile under XLA."""
    return tf.argsort(_bits([n]))


def _bits(shape):
    if not _open.shards:
        return tf.random.stateless_uniform(shape, next_key(), minval=None, maxval=None, dtype=tf.int32, alg="philox")
    index, count = _open.shards[-1]
    whole = tf.unstack(tf.convert_to_tensor(shape, tf.int32))
    axis = max(len(whole) - 2, 0)
    local, whole[axis] = whole[axis], whole[axis] * count
    bits = tf.random.stateless_uniform(whole, next_key(), minval=None, maxval=None, dtype=tf.int32, alg="philox")
    return tf.gather(bits, index * local + tf.range(local), axis=axis)
