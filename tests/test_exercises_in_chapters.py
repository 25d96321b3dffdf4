"""Exercises, solutions and checks fit each other, in the chapters and in the library."""

import re
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from vae_lib import exercises
from vae_lib.exercises.record import _chapters as chapters_of_the_library

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tools"))
from plain_notebooks import CHECK, exercises_of  # noqa: E402  (the build's tools are no package)

CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
CALL = re.compile(r"^exercises\.(check_\w+)\(", re.MULTILINE)


def called(cells, pattern=CALL):
    return [name for cell in cells for name in pattern.findall(cell.source)]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_check_is_called_by_the_solution_of_its_exercise_alone(path):
    found = exercises_of(nbformat.read(path, as_version=4))
    for exercise in found:
        offered = [re.match(r"exercises\.(\w+)", call)[1] for call in called(exercise.code, CHECK)]
        solved = called(exercise.solution)
        assert len(set(solved)) == len(solved), f"{exercise.label}: {solved}"
        assert not offered or offered == solved, f"{exercise.label}: the reader is offered {offered}, not {solved}"
        assert exercise.solution, f"{exercise.label}: its solution has no code"
    checks = [name for exercise in found for name in called(exercise.solution)]
    of_the_library = {number: [name for name, _ in checks] for number, _, checks in chapters_of_the_library()}
    assert sorted(checks) == sorted(of_the_library[int(path.stem[:2])])


def test_there_are_many_checks_and_each_belongs_to_a_chapter():
    checks = [name for name in exercises.__all__ if name.startswith("check_")]
    by_chapter = {number: names for number, _, names in chapters_of_the_library()}
    assert sorted(by_chapter) == [int(path.stem[:2]) for path in CHAPTERS]
    assert sorted(checks) == sorted(name for names in by_chapter.values() for name, _ in names)
    assert len(checks) >= 40


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_solution_ran_in_the_built_book_and_every_check_ticked(site, path):
    page = BeautifulSoup((site / f"chapters/{path.stem}.html").read_text(), "html.parser")
    shown = page.select("article .solution.dropdown")
    for exercise, solution in zip(exercises_of(nbformat.read(path, as_version=4)), shown, strict=True):
        assert exercise.label in {link["href"].removeprefix("#") for link in solution.select(".admonition-title a")}
        assert len(solution.select(".cell")) == len(exercise.solution)
        said = "".join(output.get_text() for output in solution.select(".output.stream"))
        ticks = [line for line in said.splitlines() if line.startswith("✓") and " · measured" not in line]
        assert len(ticks) >= len(called(exercise.solution)), f"{exercise.label}: {said}"
