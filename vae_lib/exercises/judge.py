"""How an answer is judged: against the truth, then against the wrong answers people usually give."""

import numpy as np


class Hint(AssertionError):
    """A wrong answer, and what may be wrong with it. A notebook shows the hint alone, without a traceback."""

    def _render_traceback_(self):
        return [f"✗ {self}"]


def judge(answer, truth, mistakes=(), within=1e-4, praise="correct"):
    """Print a tick if ``answer`` is ``truth`` to ``within`` (relative to its largest entry), else raise a ``Hint``.

    Args:
        answer: what the reader's function returned: a number, an array or a tensor.
        truth: what it should be.
        mistakes: pairs (wrong value, hint): the well-known wrong answers, the most specific first.
        praise: what the tick says.
    """
    if answer is None:
        raise Hint("nothing to check yet: your function returned None. Does it end in «return …»?")
    try:
        answer = np.asarray(answer, np.float64)
    except (TypeError, ValueError):
        raise Hint(f"numbers were expected; your answer is of type {type(answer).__name__}") from None
    truth = np.asarray(truth, np.float64)
    if _near(answer, truth, within):
        print(f"✓ {praise}")
        return
    for value, hint in mistakes:
        value = np.asarray(value, np.float64)
        if not _near(value, truth, within) and _near(answer, value, within):
            raise Hint(hint)
    if answer.shape != truth.shape:
        raise Hint(f"an answer of shape {truth.shape} was expected; yours has shape {answer.shape}")
    if not np.isfinite(answer).all():
        raise Hint("your answer is NaN or infinite: look for a logarithm of zero, or an exponential of a large number")
    where = np.unravel_index(np.argmax(np.abs(answer - truth)), truth.shape)
    place = f" at {[int(i) for i in where]}" if truth.ndim else ""
    raise Hint(f"not yet: your value{place} is {answer[where]:.5g}, the true one {truth[where]:.5g}")


def _near(a, b, within):
    return a.shape == b.shape and bool(np.all(np.abs(a - b) <= within * (np.max(np.abs(b), initial=0) or 1)))
