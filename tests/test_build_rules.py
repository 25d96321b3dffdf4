"""The build's rules, shown on a miniature book: what runs again, what stops it, what `make seeds` says.

The miniature has the book's own tools and configuration, a library of one number, and notebooks without TensorFlow.
Each run of a notebook leaves a mark in a file, so that runs are counted and not guessed.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).parents[1]
CLAIM = {"tags": ["keep_output", "nbval-check-output"]}


class Book:
    def __init__(self, folder):
        self.folder = folder
        shutil.copytree(ROOT / "tools", folder / "tools", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "_static", folder / "_static")
        shutil.copy(ROOT / "_config.yml", folder)
        (folder / "vae_lib").mkdir()
        shutil.copy(ROOT / "vae_lib" / "claims.py", folder / "vae_lib")
        files = {
            "vae_lib/__init__.py": "from vae_lib.claims import claim\nNUMBER = 1\n",
            "requirements.txt": "",
            "pyproject.toml": "",
            "reference/references.bib": "",
            "reference/claims.md": "# Claims\n\n```{claims-list}\n```\n",
            "intro.md": "# A small book\n\n[The first](#ch:a), {eq}`eq:a`.\n",
            "_toc.yml": "format: jb-book\nroot: intro\nchapters:\n"
            "  - file: chapters/01_a\n  - file: chapters/02_b\n  - file: reference/claims\n",
        }
        for name, text in files.items():
            self.write(name, text)
        self.chapter("01_a", "(ch:a)=\n# A\n\n$$ x = y $$ (eq:a)\n", "'the number is small', NUMBER, at_most=9")
        self.chapter("02_b", "# B\n", "'the seed is not two', abs(SEED - 2), at_least=1")

    def write(self, name, text):
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(text)

    def read(self, name):
        return (self.folder / name).read_text()

    def chapter(self, name, text, claim):
        cells = [
            new_markdown_cell(text),
            new_code_cell("SEED = 0", metadata={"tags": ["parameters"]}),
            new_code_cell(f"from vae_lib import NUMBER, claim\nopen('../{name}.runs', 'a').write('.')\nSEED, NUMBER"),
            new_code_cell(f"claim({claim})", metadata=CLAIM),
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel})
        for number, cell in enumerate(notebook.cells):
            cell.id = str(number)
        (self.folder / "chapters").mkdir(exist_ok=True)
        nbformat.write(notebook, self.folder / "chapters" / f"{name}.ipynb")

    def runs(self):
        """How often each notebook has run so far."""
        return [len(self.read(f"{name}.runs")) for name in ("01_a", "02_b")]

    def tool(self, *command, **variables):
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "CHAPTERS": "chapters/*.ipynb", **variables}
        done = subprocess.run(
            [sys.executable, *command], cwd=self.folder, env=environment, capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr

    def build(self):
        return self.tool("tools/build.py")

    def page(self, name):
        return self.read(f"_build/html/{name}")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    book = Book(tmp_path_factory.mktemp("book"))
    code, said = book.build()
    assert code == 0, said
    assert book.runs() == [1, 1]
    assert "The book: _build/html/index.html" in said and "(kept)" not in said
    return book


def test_no_change_runs_nothing(book):
    before = book.runs()
    code, said = book.build()
    assert code == 0 and book.runs() == before
    assert said.count("(kept)") == 2 and "0 added, 0 changed, 0 removed" in said


def test_a_changed_notebook_runs_alone_and_its_claim_is_listed(book):
    a, b = book.runs()
    assert "the number is small" in book.page("reference/claims.html")
    book.chapter("01_a", "(ch:a)=\n# A again\n\n$$ x = y $$ (eq:a)\n", "'the number is tiny', NUMBER, at_most=8")
    code, said = book.build()
    assert code == 0, said
    assert book.runs() == [a + 1, b]
    claims = book.page("reference/claims.html")
    assert "the number is tiny" in claims and "the number is small" not in claims and "A again" in claims


def test_plain_jupyter_book_rewrites_the_page_of_claims(book):
    book.chapter("02_b", "# B\n", "'another sentence', abs(SEED - 2), at_least=1")
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    environment = {**os.environ, "PYTHONPATH": str(book.folder)}
    subprocess.run([jupyter_book, "build", "."], cwd=book.folder, env=environment, check=True, capture_output=True)
    claims = book.page("reference/claims.html")
    assert "another sentence" in claims and "the seed is not two" not in claims and "claims in 2 chapters" in claims
    book.chapter("02_b", "# B\n", "'the seed is not two', abs(SEED - 2), at_least=1")


@pytest.mark.parametrize("name", ["vae_lib/__init__.py", "requirements.txt"])
def test_a_change_of_the_library_or_the_requirements_runs_all(book, name):
    a, b = book.runs()
    book.write(name, book.read(name).replace("NUMBER = 1", "NUMBER = 2") + "# changed\n")
    code, said = book.build()
    assert code == 0, said
    assert book.runs() == [a + 1, b + 1] and "(kept)" not in said
    assert ("(0, 2)" in book.page("chapters/01_a.html")) == ("NUMBER = 2" in book.read("vae_lib/__init__.py"))


def test_dead_references_and_warnings_fail_each_time(book):
    good = book.read("intro.md")
    dead = "{ref}`no-label` {eq}`no-equation` {term}`no-term` {cite}`no-paper` [x](#no-anchor) [x](no-page.md)"
    book.write("intro.md", good + dead + "\n\n```{no-directive}\n```\n")
    for _ in range(2):  # Sphinx by itself says most of this only once, and then succeeds
        code, said = book.build()
        warnings = " ".join(line for line in said.splitlines() if "WARNING" in line)
        assert code != 0
        for name in ("label", "equation", "term", "paper", "anchor", "page", "directive"):
            assert f"no-{name}" in warnings, said
    book.write("intro.md", good)
    code, said = book.build()
    assert code == 0, said


def test_an_address_of_the_repository_is_all_that_launch_buttons_need(book):
    good = book.read("_config.yml")
    assert good.count('  url: ""\n') == 1
    for address, services in [
        ("https://github.com/someone/the-book", ["mybinder.org/v2/gh", "colab.research.google.com/github"]),
        ("https://gitlab.com/someone/the-book", ["mybinder.org/v2/gl"]),
    ]:
        book.write("_config.yml", good.replace('  url: ""\n', f"  url: {address}\n"))
        code, said = book.build()
        assert code == 0, said
        page = book.page("chapters/01_a.html")
        found = re.findall(r'href="https://([^"?]*)(?:\?urlpath=lab/tree/)?([^"]*)"', page)
        launched = ["".join(parts) for parts in found if "mybinder" in parts[0] or "colab" in parts[0]]
        assert len(launched) == len(services)
        for service, link in zip(services, launched, strict=True):
            assert link.startswith(service) and "main" in link and link.endswith("chapters/01_a.ipynb"), link
        assert f"%pip install git+{address}" in page
    book.write("_config.yml", good)
    code, said = book.build()
    assert code == 0, said
    page = book.page("chapters/01_a.html")
    assert not any(word in page for word in ("mybinder", "colab", "launch-", "%pip"))


def test_a_formula_that_cannot_be_typeset_fails_and_says_which(book):
    good = book.read("intro.md")
    book.write("intro.md", good + "\nA good one, $\\frac{1}{2}$, and $\\frac{1}{2$.\n\n$$ \\nonsense{x} $$\n")
    code, said = book.build()
    assert code != 0
    assert "intro.md:5: WARNING: mathematics: KaTeX parse error: Unexpected end of input" in said, said
    assert "intro.md:7: WARNING: mathematics: KaTeX parse error: Undefined control sequence: \\nonsense" in said, said
    book.write("intro.md", good)


def test_pages_that_were_not_written_anew_keep_the_style(book):
    code, said = book.build()
    assert code == 0, said
    before = book.page("chapters/01_a.html"), book.page("intro.html"), book.page("_static/book.min.css")
    assert before[0].count('rel="stylesheet"') == 1 and "_static/book.min.css?v=" in before[0]
    (book.folder / "_build" / "html" / "intro.html").unlink()  # which makes Sphinx write it anew
    code, said = book.build()
    assert code == 0, said
    assert (book.page("chapters/01_a.html"), book.page("intro.html"), book.page("_static/book.min.css")) == before


def test_a_false_claim_fails_and_says_so(book):
    good = book.read("chapters/02_b.ipynb")
    book.chapter("02_b", "# B\n", "'the number is large', NUMBER, at_least=9")
    code, said = book.build()
    assert code != 0
    assert "02_b" in said and "✗ the number is large · measured" in said
    book.write("chapters/02_b.ipynb", good)


def test_seeds_name_what_fails_and_go_on_where_they_stopped(book):
    code, said = book.tool("tools/seeds.py", "--values", SEEDS="2")
    assert code == 0, said
    assert "4 runs to do, 0 kept" in said and "4 runs, 0 with a failure" in said
    assert "the seed is not two\n      measured 1 … 1.5 … 2; at the first seed at least 1" in said
    before = book.runs()
    code, said = book.tool("tools/seeds.py", SEEDS="3", JOBS="1")
    assert code == 1 and "2 runs to do, 4 kept" in said
    assert book.runs() == [count + 1 for count in before]
    assert "FAILS for 1 of 3: the seed is not two\n      seed 2: measured 0, at least 1" in said
    assert "6 runs, 1 with a failure" in said
    code, said = book.tool("tools/seeds.py", SEEDS="3", CHAPTERS="01*")
    assert code == 0 and "0 runs to do, 3 kept" in said


def test_errors_count_for_seeds_too(book):
    good = book.read("chapters/02_b.ipynb")
    for broken, says in [("1 / 0, 0", "ZeroDivisionError"), (None, "one line `SEED = 0`")]:
        if broken:
            book.chapter("02_b", "# B\n", f"'s', {broken}, at_least=0")
        else:
            book.write("chapters/02_b.ipynb", good.replace('"SEED = 0"', '"SEED = 1"'))
        code, said = book.tool("tools/seeds.py", SEEDS="1", CHAPTERS="02*")
        assert code == 1 and says in said and "1 runs, 1 with a failure" in said
    book.write("chapters/02_b.ipynb", good)


def test_notebooks_are_executed_and_stripped_but_for_their_claims(book):
    code, said = book.tool("tools/notebooks.py", CHAPTERS="02*")
    assert code == 0 and "02_b" in said and "01_a" not in said
    cells = nbformat.read(book.folder / "chapters" / "02_b.ipynb", as_version=4).cells[1:]
    assert [len(cell.outputs) for cell in cells] == [0, 0, 1]
    assert cells[2].outputs[0].text == "✓ the seed is not two · measured 2, at least 1\n"
    assert [cell.execution_count for cell in cells] == [1, 2, 3]
    assert book.tool("tools/notebooks.py", "--verify", CHAPTERS="02*")[0] == 0
    stored = book.read("chapters/02_b.ipynb")
    book.write("chapters/02_b.ipynb", stored.replace('"keep_output",', ""))
    assert book.tool("tools/notebooks.py", "--verify", CHAPTERS="02*")[0] == 1
    code, said = book.tool("tools/notebooks.py", CHAPTERS="99*")
    assert code == 1 and "chapters/99* matches no notebook" in said
