"""Imports TensorFlow without the messages its C++ side prints at start (no variable turns all of them off)."""

import os
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def _import_tensorflow():
    import keras  # noqa: F401
    import tensorflow as tf

    tf.zeros(()) + 0.0  # the CPU device announces itself at its first use


if "tensorflow" not in sys.modules:
    with tempfile.TemporaryFile() as messages:
        stderr = os.dup(2)
        os.dup2(messages.fileno(), 2)
        try:
            _import_tensorflow()
        except BaseException:  # a failed import must not lose what was said about it
            messages.seek(0)
            os.write(stderr, messages.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
