"""Claims: sentences of the book that a number settles.

`claim` prints one line for a claim that holds and stops the notebook for one that does not. The printed
line is the only record: `parse` reads it back, for the page of claims, for `make seeds` and for the tests.
"""

import math
import re
from typing import NamedTuple

import numpy as np

HOLDS, FAILS, SEPARATOR = "✓", "✗", " · "


class ClaimError(AssertionError):
    """A claim that does not hold. The message begins with the claim's line; `.claim` is its `Claim`."""

    def __init__(self, checked, reason):
        super().__init__(f"{checked}\n{reason}")
        self.claim = checked


class Claim(NamedTuple):
    """A claim and its outcome. `str(claim)` is its line and `parse` the way back (to the digits shown).

    `measured` is the value nearest to failure among `count`. Either `close_to` and `within` are set, or at
    least one of `at_least` and `at_most`; the others are None.
    """

    holds: bool
    sentence: str
    measured: float
    count: int = 1
    close_to: float | None = None
    within: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    @property
    def margin(self) -> str:
        """What was asked of the measured value, in words."""
        show = self._show
        if self.close_to is not None:
            return f"expected {show(self.close_to)} within {_number(self.within)}"
        bounds = ("at least", self.at_least), ("at most", self.at_most)
        return ", ".join(f"{word} {show(bound)}" for word, bound in bounds if bound is not None)

    @property
    def spent(self) -> float:
        """How far the measured value is from what was expected, in units of the margin: above 1 it fails.

        One-sided claims have no such unit: 0 where they hold, infinity where they do not.
        """
        if self.close_to is None:
            return 0.0 if self.holds else math.inf
        distance = abs(self.measured - self.close_to)
        return distance / self.within if self.within else (0.0 if self.holds else math.inf)

    @property
    def measurement(self) -> str:
        worst = f" (worst of {self.count})" if self.count > 1 else ""
        return self._show(self.measured) + worst

    def __str__(self):
        mark = HOLDS if self.holds else FAILS
        return f"{mark} {self.sentence}{SEPARATOR}measured {self.measurement}, {self.margin}"

    def _show(self, number):
        """Four significant digits, or as many as it takes to tell the measured value from its bound."""
        if self.close_to is not None:
            gaps = [self.within]
        else:
            gaps = [abs(self.measured - b) for b in (self.at_least, self.at_most) if b is not None]
        gap = min((g for g in gaps if 0 < g < math.inf), default=abs(number))
        if not (math.isfinite(number) and number and gap):
            return _number(number)
        return _number(number, max(4, math.floor(math.log10(abs(number))) - math.floor(math.log10(gap)) + 2))


def claim(sentence, actual, *, close_to=None, within=None, at_least=None, at_most=None):
    """Print the sentence with its measured value, or raise `ClaimError` where the numbers deny it.

    Pass `close_to` with `within`, or `at_least` and/or `at_most`. `actual` is a number or an array; every
    element of an array must satisfy the claim, and the one nearest to failure is shown. The bounds may be
    arrays of the same shape. A measured NaN or infinity never satisfies a claim.

    Raises `TypeError` or `ValueError` for a claim that is badly put, `ClaimError` for one that is false.
    """
    _check_sentence(sentence)
    actual = _numbers("actual", actual)
    given = {"close_to": close_to, "within": within, "at_least": at_least, "at_most": at_most}
    given = {name: _bound(name, value, actual.shape) for name, value in given.items() if value is not None}
    if set(given) not in ({"close_to", "within"}, {"at_least"}, {"at_most"}, {"at_least", "at_most"}):
        raise ValueError(
            f"claim got {' and '.join(given) or 'no bound'}; expected close_to with within, or at_least and/or at_most"
        )
    if "within" in given and given["within"].min() < 0:
        raise ValueError(f"within is {given['within'].min():.4g}; expected zero or more")
    if set(given) == {"at_least", "at_most"} and np.any(given["at_least"] > given["at_most"]):
        raise ValueError("at_least is above at_most; expected an interval that something can lie in")

    slack = _slack(actual, **given)
    worst = np.unravel_index(np.argmin(_left(slack, given.get("within"))), slack.shape)
    bounds = {name: float(bound[worst]) for name, bound in given.items()}
    checked = Claim(bool(slack[worst] >= 0), sentence, float(actual[worst]), actual.size, **bounds)
    if not checked.holds:
        raise ClaimError(checked, _reason(checked, slack, worst))
    print(checked)


def parse(line):
    """The `Claim` that a printed line (or the first line of a `ClaimError`) states; None for other text."""
    found = _LINE.fullmatch(line.strip())
    if not found:
        return None
    mark, sentence, measured, count, *bounds = found.groups()
    bounds = [None if bound is None else float(bound) for bound in bounds]
    return Claim(mark == HOLDS, sentence, float(measured), int(count or 1), *bounds)


_FLOAT = r"(-?(?:[\d.]+(?:e[+-]\d+)?|inf)|nan)"
_LINE = re.compile(
    rf"([{HOLDS}{FAILS}]) (.+?){SEPARATOR}measured {_FLOAT}(?: \(worst of (\d+)\))?, "
    rf"(?:expected {_FLOAT} within {_FLOAT}|(?=at )(?:at least {_FLOAT})?(?:(?:, )?at most {_FLOAT})?)"
)


def _number(number, digits=4):
    return f"{number + 0.0:.{min(digits, 15)}g}"  # + 0.0 turns -0.0 into 0.0


def _slack(actual, close_to=None, within=None, at_least=-np.inf, at_most=np.inf):
    """How much further each element could go before the claim fails; -inf for one that is not finite."""
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        if close_to is not None:
            slack = within - np.abs(actual - close_to)
        else:
            slack = np.minimum(actual - at_least, at_most - actual)
    return np.where(np.isfinite(actual), slack, -np.inf)


def _left(slack, within):
    """The slack in units of the margin, where it has one: what decides which element is nearest to failure."""
    if within is None:
        return slack
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(within > 0, slack / within, np.where(slack < 0, -np.inf, 1.0))


def _reason(checked, slack, worst):
    if not math.isfinite(checked.measured):
        reason = "the measured value is not a finite number"
    else:
        reason = f"misses its margin by {-slack[worst]:.4g}"
    if slack.size > 1:
        index = ", ".join(str(int(i)) for i in worst)
        reason += f"; {np.count_nonzero(slack < 0)} of {slack.size} elements fail, the worst at index [{index}]"
    return reason


def _check_sentence(sentence):
    if not isinstance(sentence, str):
        raise TypeError(f"sentence is a {type(sentence).__name__}; expected text")
    if not sentence or sentence != " ".join(sentence.split()):
        raise ValueError(f"sentence is {sentence!r}; expected one line of text without stray spaces")
    if SEPARATOR.strip() in sentence:  # the measured value follows it, and nbval masks what follows it
        raise ValueError(f"sentence is {sentence!r}; expected text without {SEPARATOR.strip()!r}")


def _numbers(name, value):
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} is a {type(value).__name__}; expected a number or an array of numbers") from error
    if array.dtype.kind not in "iuf" and array.dtype.name != "bfloat16":
        hint = "; pass the number that decides it" if array.dtype.kind == "b" else ""
        what = type(value).__name__ if array.dtype.kind == "O" else f"{type(value).__name__} of {array.dtype}"
        raise TypeError(f"{name} is a {what}; expected a number or an array of numbers{hint}")
    if array.size == 0:
        raise ValueError(f"{name} is an array of shape {array.shape}; expected at least one element")
    return array.astype(float)


def _bound(name, value, shape):
    bound = _numbers(name, value)
    if not np.all(np.isfinite(bound)):
        raise ValueError(f"{name} holds NaN or infinity; expected finite numbers")
    try:
        return np.broadcast_to(bound, shape)
    except ValueError as error:
        raise ValueError(f"{name} has shape {bound.shape}; expected a number or the shape {shape} of actual") from error
