"""What every check shares: how an answer is judged, and that a notebook shows the hint alone."""

import numpy as np
import pytest

from vae_lib import exercises
from vae_lib.exercises import Hint
from vae_lib.exercises.judge import judge


def test_a_right_answer_within_rounding_gets_a_tick(capsys):
    judge(1.00001, 1.0)
    judge(np.float32([1, 2]), [1, 2], praise="both are right")
    assert capsys.readouterr().out == "✓ correct\n✓ both are right\n"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "return"),
        ("text", "type str"),
        ([1.0, 2.0, 3.0], r"shape \(2,\)"),
        ([np.nan, 2.0], "NaN"),
        ([5.0, 2.0], r"at \[0\] is 5"),
        ([2.0, 4.0], "twice"),
        ([1.0, 2.0003], r"not yet: your value at \[1\] is 2.0003"),  # by 1.5 times the tolerance of 1e-4
        ([1.0003, 2.0], r"not yet: your value at \[0\] is 1.0003"),
    ],
)
def test_a_wrong_answer_gets_a_hint(answer, words):
    with pytest.raises(Hint, match=words):
        judge(answer, [1.0, 2.0], [(np.array([2.0, 4.0]), "twice too large")])


def test_a_mistake_that_happens_to_be_right_is_not_held_against_anybody(capsys):
    judge(2.0, 2.0, [(2.0, "never said")])
    assert "✓" in capsys.readouterr().out


def test_a_notebook_shows_the_hint_without_a_traceback():
    assert Hint("look at the ½")._render_traceback_() == ["✗ look at the ½"]


def test_every_check_of_every_chapter_is_exported_and_documented():
    checks = [name for name in exercises.__all__ if name.startswith("check_")]
    assert checks and all(getattr(exercises, name).__doc__ for name in checks)
