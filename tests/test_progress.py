"""What a reader has passed: written down where a person answers, and nowhere else; never lost, never in the way."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from vae_lib import exercises
from vae_lib.exercises import Hint, record

RIGHT = "exercises.check_rotated_weights(lambda W, R: W @ R.T)"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A reader sits in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(record, "_a_reader_answers", lambda: True)
    return tmp_path


def pass_one():
    exercises.check_rotated_weights(lambda W, R: W @ R.T)


def test_a_test_leaves_no_trace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pass_one()
    assert not list(tmp_path.iterdir())


def test_only_what_passed_is_written_down_and_the_first_time_stays(folder):
    with pytest.raises(Hint):
        exercises.check_rotated_weights(lambda W, R: W)
    assert not list(folder.iterdir()) and not exercises.progress().passed
    pass_one()
    when = exercises.progress().passed["check_rotated_weights"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", when)
    (folder / record.FILE).write_text('{"check_rotated_weights": "2001-01-01 00:00", "check_of_another_time": "x"}')
    pass_one()
    assert exercises.progress().passed == {"check_rotated_weights": "2001-01-01 00:00"}
    assert "check_of_another_time" in (folder / record.FILE).read_text()
    assert [path.name for path in folder.iterdir()] == [record.FILE]
    exercises.forget_progress()
    exercises.forget_progress()
    assert not exercises.progress().passed and not list(folder.iterdir())


@pytest.mark.parametrize("text", ["{", "[]", '{"check_auroc": 3}', "\x00"])
def test_a_damaged_file_is_put_aside_with_a_word(folder, text, capsys):
    (folder / record.FILE).write_text(text)
    pass_one()
    said = capsys.readouterr().out
    assert "✓" in said and "could not be read" in said and ".progress.damaged.json" in said
    assert list(exercises.progress().passed) == ["check_rotated_weights"]
    assert (folder / ".progress.damaged.json").read_text() == text


def test_where_nothing_can_be_written_a_right_answer_is_still_right(folder, capsys):
    (folder / f".progress.{os.getpid()}").mkdir()
    pass_one()
    assert "✓" in (said := capsys.readouterr().out) and "could not be kept" in said


def test_the_terminal_shows_every_check_by_chapter(folder):
    pass_one()
    text = repr(exercises.progress())
    checks = [name for name in exercises.__all__ if name.startswith("check_")]
    assert text.startswith(f"1 of {len(checks)} checks passed (kept in {folder / record.FILE})")
    assert [name for name in checks if f" {name} " not in text] == []
    assert re.search(r"^15\. The VAE against the other autoencoders: 1 of \d$", text, re.MULTILINE)
    assert re.findall(r"^  ✓ (\w+)", text, re.MULTILINE) == ["check_rotated_weights"]


def test_the_notebook_shows_a_table_that_can_be_read_aloud(folder):
    (folder / "15_the_vae.ipynb").touch()
    pass_one()
    page = exercises.progress()._repr_html_()
    assert page.count("<details open>") == 1 and page.count("<details>") == page.count("<table>") - 1
    assert page.count('<th scope="col">') == 3 * page.count("<table>")
    assert page.count('<th scope="row">') == exercises.progress().total
    assert page.count("not yet") == exercises.progress().total - 1
    assert '<a href="15_the_vae.ipynb">' in page and page.count("<a ") == 1
    assert "``" not in page

    class Balanced(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open = []

        def handle_starttag(self, tag, attributes):
            self.open.append(tag)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

    (parser := Balanced()).feed(page)
    assert not parser.open


def test_python_s_prompt_is_a_reader_and_a_script_is_not(tmp_path):
    lines = f"from vae_lib import exercises\n{RIGHT}\n"
    for prompt, kept in ([], False), (["-i"], True):
        subprocess.run([sys.executable, *prompt], input=lines, cwd=tmp_path, text=True, check=True, capture_output=True)
        assert (tmp_path / record.FILE).exists() == kept


def test_a_notebook_counts_if_a_person_opened_it_and_the_answer_is_not_the_book_s(tmp_path):
    theirs, ours = (
        RIGHT,
        "# by hand\nexercises.check_auroc(lambda n, f: ((f[:, None] > n) + (f[:, None] == n) / 2).mean())",
    )
    cells = [new_markdown_cell("```{solution-start} ex-a\n:class: dropdown\n```"), new_code_cell(theirs)]
    cells += [new_markdown_cell("```{solution-end}\n```\n\n```{exercise-start}\n```"), new_code_cell(ours)]
    nbformat.write(new_notebook(cells=cells), tmp_path / "15.ipynb")
    kernel, client = start_new_kernel(cwd=str(tmp_path))
    try:

        def passed(code):
            """Run a cell; returns which checks are written down after it."""
            reply = client.execute_interactive(code, output_hook=lambda message: None, timeout=120)
            assert reply["content"]["status"] == "ok", reply["content"]
            path = tmp_path / record.FILE
            return set(json.loads(path.read_text())) if path.exists() else set()

        assert passed("import os\nfrom vae_lib import exercises") == set()
        assert passed(ours) == set()  # as the build, nbval and `make notebooks` run it
        passed("os.environ['JPY_SESSION_NAME'] = os.path.abspath('15.ipynb')")
        assert passed(theirs) == set()
        assert passed(ours) == {"check_auroc"}
        assert passed(theirs + "  # changed") == {"check_auroc", "check_rotated_weights"}
        passed("exercises.forget_progress(); os.environ['JPY_SESSION_NAME'] = 'a notebook without a file'")
        assert passed(ours) == {"check_auroc"}
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
