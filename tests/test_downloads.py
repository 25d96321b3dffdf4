"""What a chapter's page offers to take away: it is there, and it runs with nothing of the project but the wheel."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).parents[1]
CHAPTERS = [path.stem for path in sorted((ROOT / "chapters").glob("*.ipynb"))]
LINKS = ["this notebook", "its exercises alone", "the library they need"]


@pytest.fixture(scope="module")
def wheel(site):
    [found] = (site / "downloads").glob("*.whl")
    return found


def code(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_page_of_a_chapter_offers_its_notebook_its_exercises_and_the_library(site, wheel, name):
    page = site / "chapters" / f"{name}.html"
    soup = BeautifulSoup(page.read_text(), "html.parser")
    line, below = soup.select("article p.downloads")
    files = {link.get_text(): (page.parent / link["href"]).resolve() for link in line.select("a[download]")}
    assert list(files) == LINKS
    assert files["the library they need"] == wheel
    assert (page.parent / below.select_one("a[download]")["href"]).resolve() == files["its exercises alone"]
    assert below.find_previous("h2").find(string=True).strip() == "Exercises"
    menu = soup.select(".dropdown-download-buttons a")
    assert [(page.parent / link["href"]).resolve() for link in menu] == list(files.values())
    notebook = files["this notebook"]
    assert code(notebook) == code(ROOT / "chapters" / notebook.name)
    for path in files.values():
        text = path.read_text() if path.suffix == ".ipynb" else ""
        assert wheel.name in text or path == wheel
        assert "<label" not in text and "(eq:" not in text and "{ref}" not in text


def test_nothing_else_is_offered(site, wheel):
    names = {f"{name}{kind}.ipynb" for name in CHAPTERS for kind in ("", "_exercises")}
    assert {path.name for path in (site / "downloads").iterdir()} == names | {wheel.name}


def test_the_numbers_are_those_of_the_pages(site):
    name = "07_the_variational_lower_bound"
    page = BeautifulSoup((site / "chapters" / f"{name}.html").read_text(), "html.parser")
    text = (site / "downloads" / f"{name}.ipynb").read_text()
    numbers = [tag.get_text(strip=True)[:-1] for tag in page.select("article .eqno")]
    assert numbers and all(f"\\\\tag{{{number.strip('()')}}}" in text for number in numbers)
    titles = [tag.get_text(strip=True).split(" (")[0] for tag in page.select(".exercise > .admonition-title")]
    exercises = nbformat.read(site / "downloads" / f"{name}_exercises.ipynb", as_version=4)
    heads = [cell.source.split("\n")[0] for cell in exercises.cells if cell.source.startswith("## Exercise")]
    assert [head[3:].split(". ")[0] for head in heads] == titles


def test_the_wheel_is_the_library_of_this_folder(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if name.startswith("vae_lib/")}
    assert held == {p.relative_to(ROOT).as_posix(): p.read_bytes() for p in (ROOT / "vae_lib").rglob("*.py")}


def test_exercises_run_with_the_wheel_alone(site, wheel, tmp_path):
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--quiet", "--target", tmp_path / "installed", wheel], check=True)
    notebook = nbformat.read(site / "downloads" / "07_the_variational_lower_bound_exercises.ipynb", as_version=4)
    notebook.cells.append(new_code_cell("import vae_lib\nprint(vae_lib.__file__)"))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute(env=environment)
    checks = [cell for cell in notebook.cells if re.match(r"exercises\.check_", cell.source)]
    assert len(checks) == 4
    for cell in checks:  # not answered yet: each says so, and stops nothing
        [output] = cell.outputs
        assert output.ename == "Hint" and "return" in output.evalue
    *_, progress, where = notebook.cells
    assert "0 of" in progress.outputs[0].data["text/html"] and not list(tmp_path.glob(".progress*"))
    assert where.outputs[0].text.startswith(str(tmp_path / "installed"))
