"""The checks of the exercises: a right answer gets a tick, a usual mistake its own hint, anything else some hint.

The answers are in `answers/`, a module for each chapter: ``RIGHT``, pairs (check, answer), and ``WRONG``, for each
check pairs (answer, words of the hint). An answer is the reader's function; where a check takes several, their tuple.
"""

import importlib
import pkgutil
import sys

import answers
import numpy as np
import pytest

from vae_lib import exercises
from vae_lib.exercises import Hint
from vae_lib.exercises.judge import judge

CHAPTERS = [importlib.import_module(f"answers.{found.name}") for found in pkgutil.iter_modules(answers.__path__)]
RIGHT = [case for chapter in CHAPTERS for case in chapter.RIGHT]
WRONG = {check: cases for chapter in CHAPTERS for check, cases in chapter.WRONG.items()}
CASES = [(check, *case) for check, cases in WRONG.items() for case in cases]
CHECKS = [getattr(exercises, name) for name in exercises.__all__ if name.startswith("check_")]
NO_ANSWERS = [None, "text", np.nan, (None, None), *map(np.zeros, [7, 13, (2, 7), (2, 3, 4), (3, 3, 3)])]


def functions(answer):
    return answer if isinstance(answer, tuple) else (answer,)


def hint_for(check, answer):
    with np.errstate(all="ignore"), pytest.raises(Hint) as raised:
        check(*functions(answer))
    return str(raised.value)


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_a_right_answer_gets_a_tick(check, answer, capsys):
    check(*functions(answer))
    assert capsys.readouterr().out.startswith("✓")


@pytest.mark.parametrize(("check", "answer", "words"), CASES)
def test_a_usual_mistake_gets_its_own_hint(check, answer, words):
    assert words in hint_for(check, answer)


@pytest.mark.parametrize(("check", "answer"), dict(reversed(RIGHT)).items())
def test_what_is_no_answer_gets_a_hint(check, answer):
    for place, right in enumerate(functions(answer)):
        before, after = functions(answer)[:place], functions(answer)[place + 1 :]
        hints = [hint_for(check, (*before, lambda *_, value=value: value, *after)) for value in NO_ANSWERS]
        assert "None" in hints[0] or hints[0].startswith("return")  # «return two numbers»
        for copies in 1, 3:  # an axis too many
            hint = hint_for(check, (*before, lambda *given, f=right, n=copies: [f(*given)] * n, *after))
            assert any(word in hint for word in ("shape", "return", "expected"))


def test_every_check_has_right_and_wrong_answers():
    assert {check for check, _ in RIGHT} == {check for check, cases in WRONG.items() if cases} == set(CHECKS)


@pytest.mark.parametrize("check", WRONG)
def test_every_mistake_that_a_check_knows_is_made(check, monkeypatch):
    known = set()

    def numbered(answer, truth, mistakes=(), *more, **named):
        mistakes = [(value, f"{number}. {hint}") for number, (value, hint) in enumerate(mistakes)]
        known.update(hint for _, hint in mistakes)
        judge(answer, truth, mistakes, *more, **named)

    monkeypatch.setattr(sys.modules[check.__module__], "judge", numbered)
    assert known - {hint_for(check, answer) for answer, _ in WRONG[check]} == set()


def test_the_clinic_ticks_once_and_never_before_a_hint(capsys):
    for check, cases in answers.chapter_14.WRONG.items():
        for answer, _ in cases:
            hint_for(check, answer)
    assert "✓" not in capsys.readouterr().out
    for check, answer in answers.chapter_14.RIGHT:
        check(answer)
    out = capsys.readouterr().out
    assert out.count("✓") == out.count("✓ right") == len(answers.chapter_14.RIGHT)
