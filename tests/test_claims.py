"""`vae_lib.claims`: what is printed, what stops, and that `parse` reads back what was printed."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vae_lib.claims import Claim, ClaimError, claim, parse


def printed(capsys, *args, **kwargs):
    assert claim(*args, **kwargs) is None  # a value would be shown by the notebook
    return capsys.readouterr().out


def test_the_printed_lines(capsys):
    line = printed(capsys, "averages agree", 0.0101, close_to=0.01, within=0.001)
    assert line == "✓ averages agree · measured 0.0101, expected 0.01 within 0.001\n"
    assert printed(capsys, "it loses", 0.010123, at_least=0) == "✓ it loses · measured 0.01012, at least 0\n"
    assert printed(capsys, "small", 2, at_most=3) == "✓ small · measured 2, at most 3\n"
    line = printed(capsys, "a share", 0.25, at_least=0, at_most=1)
    assert line == "✓ a share · measured 0.25, at least 0, at most 1\n"


def test_digits_grow_until_the_margin_can_be_seen(capsys):
    line = printed(capsys, "near", -1234.5678, close_to=-1234.6, within=0.05)
    assert line == "✓ near · measured -1234.568, expected -1234.6 within 0.05\n"
    assert "measured 1.000001, at least 1\n" in printed(capsys, "just", 1.000001, at_least=1)
    assert "measured 0, at least 0\n" in printed(capsys, "no minus zero", -0.0, at_least=0)


def test_of_an_array_the_worst_element_is_shown(capsys):
    line = printed(capsys, "all positive", np.array([3.0, 0.5, 2.0]), at_least=0)
    assert line == "✓ all positive · measured 0.5 (worst of 3), at least 0\n"
    line = printed(capsys, "each its own", [[1.0, 5.0]], close_to=np.array([[1.0, 5.1]]), within=0.2)
    assert line == "✓ each its own · measured 5 (worst of 2), expected 5.1 within 0.2\n"
    # the worst is what has spent most of its own margin
    line = printed(capsys, "margins", [0.0, 9.5, 3.0], close_to=[0, 0, 3], within=np.array([0.1, 10, 0]))
    assert line == "✓ margins · measured 9.5 (worst of 3), expected 0 within 10\n"
    with pytest.raises(ClaimError, match=r"measured 4 .*expected 3 within 0\nmisses its margin by 1; 1 of 2"):
        claim("no margin", [10, 4], close_to=[0, 3], within=[11, 0])


def test_tensors_are_numbers_too(capsys):
    tf = pytest.importorskip("tensorflow")
    assert "measured 2 (worst of 2)" in printed(capsys, "t", tf.constant([2.0, 3.0]), at_least=1)
    assert "measured 2," in printed(capsys, "t", tf.constant(2, tf.int32), at_least=1)


def test_no_tensorflow_is_needed():
    code = "import sys; sys.modules['tensorflow'] = None; sys.path.insert(0, 'vae_lib'); import claims"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "actual, bounds, says",
    [
        (1.2, {"close_to": 1, "within": 0.1}, "✗ s · measured 1.2, expected 1 within 0.1\nmisses its margin by 0.1"),
        (-1, {"at_least": 0}, "✗ s · measured -1, at least 0\nmisses its margin by 1"),
        (4, {"at_most": 3}, "✗ s · measured 4, at most 3"),
        ([1, 9, 8], {"at_most": 3}, "9 (worst of 3), at most 3\nmisses its margin by 6; 2 of 3 elements fail"),
        ([[1], [9]], {"at_most": 3}, "1 of 2 elements fail, the worst at index [1, 0]"),
        (math.nan, {"at_least": 0}, "measured nan, at least 0\nthe measured value is not a finite number"),
        ([1, math.nan], {"close_to": 1, "within": 1}, "measured nan (worst of 2)"),
        (math.inf, {"at_least": 0}, "measured inf"),
        (-math.inf, {"at_most": 0}, "measured -inf"),
    ],
)
def test_a_false_claim_stops(actual, bounds, says, capsys):
    with pytest.raises(ClaimError) as caught:
        claim("s", actual, **bounds)
    assert says in str(caught.value)
    assert isinstance(caught.value, AssertionError)
    assert not capsys.readouterr().out
    read = parse(str(caught.value).splitlines()[0])
    assert not read.holds and read.sentence == "s" and not caught.value.claim.holds


@pytest.mark.parametrize(
    "error, args, bounds, says",
    [
        (ValueError, ("s", 1), {}, "no bound"),
        (ValueError, ("s", 1), {"close_to": 1}, "claim got close_to; expected close_to with within"),
        (ValueError, ("s", 1), {"within": 1}, "claim got within;"),
        (ValueError, ("s", 1), {"close_to": 1, "within": 1, "at_least": 0}, "close_to and within and at_least"),
        (ValueError, ("s", 1), {"close_to": 1, "within": -0.1}, "within is -0.1; expected zero or more"),
        (ValueError, ("s", 1), {"close_to": math.nan, "within": 1}, "close_to holds NaN"),
        (ValueError, ("s", 1), {"close_to": 1, "within": math.inf}, "within holds NaN or infinity"),
        (ValueError, ("s", 1), {"at_least": 2, "at_most": 1}, "at_least is above at_most"),
        (ValueError, ("s", []), {"at_least": 0}, r"actual is an array of shape \(0,\); expected at least one"),
        (ValueError, ("s", [1, 2]), {"at_least": [0, 0, 0]}, r"at_least has shape \(3,\); expected .* \(2,\)"),
        (TypeError, ("s", "1"), {"at_least": 0}, "actual is a str"),
        (TypeError, ("s", None), {"at_least": 0}, "actual is a NoneType"),
        (TypeError, ("s", True), {"at_least": 0}, "actual is a bool of bool.* pass the number that decides"),
        (TypeError, ("s", 1j), {"at_least": 0}, "actual is a complex"),
        (TypeError, ("s", [[1], [1, 2]]), {"at_least": 0}, "actual is a list"),
        (TypeError, ("s", 1), {"at_least": "0"}, "at_least is a str"),
        (TypeError, (1, 1), {"at_least": 0}, "sentence is a int; expected text"),
        (ValueError, ("", 1), {"at_least": 0}, "sentence is ''"),
        (ValueError, ("two\nlines", 1), {"at_least": 0}, "expected one line"),
        (ValueError, ("a · b", 1), {"at_least": 0}, "expected text without '·'"),
    ],
)
def test_a_claim_badly_put(error, args, bounds, says):
    with pytest.raises(error, match=says) as caught:
        claim(*args, **bounds)
    assert not isinstance(caught.value, ClaimError)


def test_the_edge_holds(capsys):
    claim("e", 1, close_to=0, within=1)
    claim("e", 3, at_least=3, at_most=3)
    claim("e", 5, close_to=5, within=0)


sentences = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="·"), min_size=1).map(
    lambda text: f"{text}, measured at least 1"
)
numbers = st.floats(-1e12, 1e12).filter(lambda x: x == 0 or abs(x) > 1e-12)
sizes = st.floats(1e-9, 1e9)


@settings(deadline=None)
@given(sentences, numbers, st.integers(1, 999), st.booleans(), numbers, sizes)
def test_parse_reads_what_close_to_prints(sentence, measured, count, holds, close_to, within):
    assert_same(Claim(holds, sentence, measured, count, close_to, within))


@settings(deadline=None)
@given(sentences, numbers, st.integers(1, 999), st.booleans(), st.none() | numbers, st.none() | numbers)
def test_parse_reads_what_the_bounds_print(sentence, measured, count, holds, at_least, at_most):
    assume(at_least is not None or at_most is not None)
    assert_same(Claim(holds, sentence, measured, count, at_least=at_least, at_most=at_most))


@settings(deadline=None)
@given(numbers, sizes, st.sampled_from(["close", "least", "most"]))
def test_the_verdict_is_the_inequality(actual, bound, kind):
    bounds = {"close": {"close_to": 0, "within": bound}, "least": {"at_least": bound}, "most": {"at_most": bound}}[kind]
    true = {"close": abs(actual) <= bound, "least": actual >= bound, "most": actual <= bound}[kind]
    try:
        claim("s", actual, **bounds)
    except ClaimError:
        assert not true
    else:
        assert true


def assert_same(stated):
    read = parse(str(stated))
    assert (read.holds, read.sentence, read.count) == (stated.holds, stated.sentence, stated.count)
    for field in ("measured", "close_to", "within", "at_least", "at_most"):
        was, now = getattr(stated, field), getattr(read, field)
        assert (was is None) == (now is None)
        assert was is None or now == pytest.approx(was, rel=6e-4)


def test_other_text_is_not_a_claim():
    for text in ("", "✓", "✓ done", "epoch 3 · measured 1, at least 0", "✓ s · measured 1", "✓ s · measured 1, "):
        assert parse(text) is None


def test_spent_says_how_near_a_claim_is_to_failing():
    assert Claim(True, "s", 1.5, close_to=1, within=1).spent == 0.5
    assert Claim(True, "s", 1, close_to=1, within=0).spent == 0
    assert Claim(True, "s", 1, at_least=0).spent == 0
    assert Claim(False, "s", -1, at_least=0).spent == math.inf
