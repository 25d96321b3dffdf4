"""Chapters in words that any notebook shows, and their exercises with what they need and nothing that they ask for."""

import builtins
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tools"))
from plain_notebooks import chapter, exercises_of, exercises_only, names_of, plain, prepares  # noqa: E402

CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def say(role, target):
    return f"({target[-1]}.1)" if role == "eq" else f"<{role} {target}>"


@pytest.mark.parametrize(
    ("book", "words"),
    [
        ("(ch:a)=\n# A title", "# A title"),
        ("see {eq}`eq:a` and {term}`nat`, {term}`nats\n<nat>`", "see (a.1) and nat, nats"),
        ("{ref}`in words <ch:a>`, {ref}`ch:a`, {cite:p}`one`", "in words, <ref ch:a>, <cite:p one>"),
        ("$$ a = b $$ (eq:a)\n\nthen $$ c $$ and $d$", "$$ a = b \\tag{a.1} $$\n\nthen $$ c $$ and $d$"),
        ("$$\na\n$$ (eq:a)", "$$\na \\tag{a.1} $$"),
        ("[here](#ch:a) [there](../b.md) [far](https://c.org)", "here there [far](https://c.org)"),
        ("```{exercise} The score\n:label: ex-a\n\nWrite it.\n```", "**<ref ex-a>. The score**\n\nWrite it."),
        ("```{solution-start} ex-a\n:class: dropdown\n```\nSo.", "**Solution of <ref ex-a>**\nSo."),
        ("```{solution-end}\n```\n\nOn.", "On."),
        ("```{admonition} Mind\n:class: tip\nTwo\nlines\n```", "> **Mind**\n> \n> Two\n> lines"),
    ],
)
def test_roles_and_directives_become_words(book, words):
    assert plain(book, say) == words


@pytest.mark.parametrize(
    ("source", "needs", "binds", "changes"),
    [
        ("a = b + 1", "b", "a", ""),
        ("a = 1\nc = a + b", "b", "a c", ""),
        ("a += 1", "a", "a", ""),
        ("a[0] = 1\nb.x = c", "a b c", "", "a b"),
        ("fit(model, x=d)", "fit model d", "", "model d"),
        ("found.append(1)", "found", "", "found"),
        ("def f(x):\n    y = x + n\n    return y\nf(m)", "n m", "f", "m"),
        ("[x for x in xs if x > low]", "xs low", "", ""),
        ("for i, x in pairs:\n    t = x\nelse:\n    u = t", "pairs", "i x t u", ""),
        ("with opened(p) as f:\n    try:\n        g(f)\n    except E:\n        q", "opened p g E q", "f", "p f"),
        ("try:\n    f()\nexcept E as e:\n    print(e)", "f E print", "e", "e"),
        ("import numpy as np\nfrom a.b import c\nd = np.e", "", "np c d", ""),
        ("%matplotlib inline\na", "a", "", ""),
    ],
)
def test_the_names_of_a_cell(source, needs, binds, changes):
    found = names_of(source)
    assert found.needs == set(needs.split())
    assert found.binds == set(binds.split())
    assert set(changes.split()) == found.changes


def test_what_an_exercise_needs_stands_before_it_once_and_in_order():
    drawn = {"tags": ["hide-input"]}
    cells = [
        new_code_cell("import numpy as np\nfrom vae_lib import exercises, fit"),
        new_code_cell("model = np.zeros(3)\nother = 1"),
        new_code_cell("other = 2"),
        new_code_cell("fit(model, other)"),
        new_code_cell("plot(model)", metadata=drawn),
        new_code_cell("unused = 3"),
        new_code_cell("late = model + 1"),
        new_markdown_cell("## Exercises\n\n```{exercise-start} One\n:label: ex-a\n```\nDo it."),
        new_code_cell("def mine(x): ...\n\n\n# exercises.check_a(mine)"),
        new_markdown_cell("```{exercise-end}\n```\n\n```{solution-start} ex-a\n:class: dropdown\n```\nThus."),
        new_code_cell("def mine(x): return x\n\n\nexercises.check_a(mine)"),
        new_markdown_cell("```{solution-end}\n```\n\n```{exercise} Two\n:label: ex-b\n\nAnd this.\n```"),
        new_markdown_cell("```{solution-start} ex-b\n:class: dropdown\n```"),
        new_code_cell("print(late, mine(model))"),
        new_markdown_cell("```{solution-end}\n```\n\n## Summary"),
    ]
    notebook = new_notebook(cells=cells)
    first, second = exercises_of(notebook)
    assert (first.label, second.label) == ("ex-a", "ex-b")
    assert [len(exercise.solution) for exercise in (first, second)] == [1, 1]
    assert list(prepares(notebook, [first])) == [0]
    assert list(prepares(notebook, [second])) == [0, 1, 2, 3, 6]  # the second `other`, and no drawing
    made = [cell.source for cell in exercises_only(notebook, "# First", say).cells]
    assert made == [
        "# First",
        "*From the chapter; run it first.*",
        cells[0].source,
        "## <ref ex-a>. One\n\nDo it.",
        "def mine(x): ...",
        "exercises.check_a(mine)",
        "*From the chapter; run it first.*",
        *(cells[n].source for n in (1, 2, 3, 6)),
        "## <ref ex-b>. Two\n\nAnd this.",
        "# your answer here",
        "## How far you are",
        "exercises.progress()",
    ]


def test_where_the_chapter_has_no_room_for_the_answer_it_is_made_from_the_solution():
    solution = "def area(r, *, n=2):\n    return 3 * r**n\n\n\nexercises.check_area(area)\nshow(area)"
    cells = [
        new_code_cell("from vae_lib import exercises"),
        new_markdown_cell("```{exercise} A\n:label: ex-a\n\nDo it.\n```\n\n```{solution-start} ex-a\n```"),
        new_code_cell(solution),
        new_markdown_cell("```{solution-end}\n```"),
    ]
    made = exercises_only(new_notebook(cells=cells), "# First", say).cells
    assert [cell.source for cell in made[-4:-2]] == [
        "def area(r, *, n=2): ...  # your answer here",
        "exercises.check_area(area)",
    ]


@each_chapter
def test_nothing_is_left_of_the_book_s_own_language(path):
    notebook = nbformat.read(path, as_version=4)
    for made in chapter(notebook, "# First", say), exercises_only(notebook, "# First", say):
        nbformat.validate(made)
        text = "\n".join(cell.source for cell in made.cells if cell.cell_type == "markdown")
        assert not re.findall(r"\{[\w:-]+\}`|^`{3,}\{|^:::|\]\((?!https?:)|^\([\w:-]+\)=|\$ *\(eq:", text, re.MULTILINE)
        assert not any(cell.get("outputs") for cell in made.cells)
    assert len([cell for cell in made.cells if cell.source.startswith("## ")]) == len(exercises_of(notebook)) + 1


@each_chapter
def test_the_exercises_have_every_name_and_check_and_no_solution(path):
    notebook = nbformat.read(path, as_version=4)
    exercises = exercises_of(notebook)
    made = exercises_only(notebook, "# First", say)
    sources = [cell.source for cell in made.cells if cell.cell_type == "code"]
    solutions = [cell.source.strip() for exercise in exercises for cell in exercise.solution]
    assert all(exercise.solution for exercise in exercises) and not set(solutions) & set(sources)
    everything = set(re.findall(r"exercises\.check_\w+\(", "\n".join(cell.source for cell in notebook.cells)))
    assert set(re.findall(r"^exercises\.check_\w+\(", "\n".join(sources), re.MULTILINE)) == everything
    for answered in made, exercises_only(notebook, "# First", say, answered=True):
        known = set(dir(builtins))
        for cell in answered.cells:
            if cell.cell_type == "code":
                assert names_of(cell.source).needs <= known, cell.source
                known |= names_of(cell.source).binds
