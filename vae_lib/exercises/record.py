"""Which checks a reader has passed: kept beside the reader's notebooks, shown by ``exercises.progress()``.

A pass is kept only where a person answers: in a notebook that somebody has open, or at Python's prompt. A notebook
that is merely executed, a script and a test leave no trace. Neither does a folded solution of the book, run as it is.
"""

import functools
import html
import importlib
import json
import os
import pkgutil
import re
import sys
from datetime import datetime
from pathlib import Path

FILE = ".progress.json"  # in the folder where the notebook runs


def recorded(check):
    """The check itself, which also writes down that it was passed, if a reader passed it."""

    @functools.wraps(check)
    def checked(*answers, **named):
        result = check(*answers, **named)
        if _a_reader_answers():
            _write_down(check.__name__)
        return result

    return checked


def progress():
    """Which checks passed in this folder: an object that a notebook shows as a table, a terminal as text.

    It is read from ``.progress.json`` in the current folder, where the notebooks are. To start again:
    ``exercises.forget_progress()``.
    """
    return Progress(_read(Path(FILE)), Path.cwd())


def forget_progress():
    """Start again: forget which checks passed in this folder."""
    Path(FILE).unlink(missing_ok=True)


class Progress:
    """Every chapter's checks, and when each was first passed: ``passed`` is {name of the check: date and time}."""

    def __init__(self, passed, folder):
        self.folder = folder
        self.chapters = _chapters()
        known = {name for _, _, checks in self.chapters for name, _ in checks}
        self.passed = {name: when for name, when in passed.items() if name in known}
        self.total = len(known)

    def __repr__(self):
        lines = [self._summary()]
        for number, title, checks in self.chapters:
            lines += ["", f"{number}. {title}: {self._count(checks)}"]
            for name, task in checks:
                mark, when = ("✓", self.passed[name][:10]) if name in self.passed else ("·", "")
                lines.append(f"  {mark} {name:32} {when:10}  {task.replace('``', '')}")
        return "\n".join(lines)

    def _repr_html_(self):
        parts = [f"<p>{html.escape(self._summary())}</p>"]
        for number, title, checks in self.chapters:
            opened = " open" if 0 < len(self._done(checks)) < len(checks) else ""
            notebook = next(iter(sorted(self.folder.glob(f"{number:02}_*.ipynb"))), None)
            link = f'<p><a href="{html.escape(notebook.name)}">Open the notebook</a></p>' if notebook else ""
            rows = "".join(self._row(name, task) for name, task in checks)
            parts.append(
                f"<details{opened}><summary>{number}. {html.escape(title)}: {self._count(checks)}</summary>{link}"
                '<table><thead><tr><th scope="col">check</th><th scope="col">your answer</th>'
                f'<th scope="col">passed</th></tr></thead><tbody>{rows}</tbody></table></details>'
            )
        return "".join(parts)

    def _row(self, name, task):
        when = f"✓ {html.escape(self.passed[name][:10])}" if name in self.passed else "not yet"
        task = re.sub("``(.*?)``", r"<code>\1</code>", html.escape(task))
        return f'<tr><th scope="row"><code>{name}</code></th><td>{task}</td><td>{when}</td></tr>'

    def _summary(self):
        return f"{len(self.passed)} of {self.total} checks passed (kept in {self.folder / FILE})"

    def _count(self, checks):
        return f"{len(self._done(checks))} of {len(checks)}"

    def _done(self, checks):
        return [name for name, _ in checks if name in self.passed]


def _chapters():
    """[(number, title, [(check, what it asks for)])], from the docstrings of the chapters' modules."""
    package, chapters = __name__.rpartition(".")[0], []
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if number := re.fullmatch(r"chapter_(\d+)", found.name):
            module = importlib.import_module(f"{package}.{found.name}")
            title = re.match(r"Checks of chapter \d+, (.*?)\.?$", module.__doc__, re.MULTILINE)[1]
            checks = [(name, " ".join(f.__doc__.split("\n\n")[0].split())) for name, f in checks_of(module).items()]
            chapters.append((int(number[1]), title[0].upper() + title[1:], checks))
    return chapters


def checks_of(module):
    """{name: check} of a chapter's module."""
    return {name: value for name, value in vars(module).items() if name.startswith("check_")}


def _a_reader_answers():
    """Whether the answer was a person's own: not the build's, not a test's, not the book's solution word for word."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if not hasattr(shell, "kernel"):
        return hasattr(sys, "ps1")  # Python's prompt, or IPython's
    # The first is set by Jupyter's server for a notebook that a person opened, the second by Visual Studio Code.
    notebook = os.environ.get("JPY_SESSION_NAME") or shell.user_ns.get("__vsc_ipynb_file__")
    return bool(notebook) and shell.user_ns["In"][-1].strip() not in _solutions(Path(notebook))


def _solutions(notebook):
    """The code cells of the folded solutions in a notebook's file; none if it cannot be read."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    found, inside = [], False
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            found += [source.strip()] if inside else []
        elif marks := re.findall(r"^`{3,}\{solution-(start|end)\}", source, re.MULTILINE):
            inside = marks[-1] == "start"
    return found


def _read(path):
    """{check: date and time}. A damaged file is put aside, with a word."""
    try:
        passed = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(passed, dict) or not all(isinstance(when, str) for when in passed.values()):
            raise ValueError("expected {check: date}")
    except FileNotFoundError:
        return {}
    except ValueError as error:
        aside = path.with_suffix(".damaged.json")
        path.replace(aside)
        print(f"{path} could not be read ({error}): it is now {aside}, and your progress starts anew")
        return {}
    return passed


def _write_down(name):
    """All of it or nothing, whenever it is stopped. What cannot be written must not spoil a right answer."""
    path = Path(FILE)
    unfinished = path.with_suffix(f".{os.getpid()}")
    try:
        passed = {name: f"{datetime.now():%Y-%m-%d %H:%M}"} | _read(path)  # the first time counts
        unfinished.write_text(json.dumps(passed, indent=1), encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        print(f"(your progress could not be kept: {error})")
