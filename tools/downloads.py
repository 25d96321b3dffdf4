"""A Sphinx extension: each chapter offers its notebook and its exercises, and the book the library that both need.

All are written into `downloads/` beside the pages at the end of a build. The notebooks are the chapter's, in words that
any Jupyter shows, without outputs; the library is a wheel, so that `pip install` of one file is enough to run them.
"""

import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from textwrap import dedent

import nbformat
from docutils import nodes
from sphinx.errors import ExtensionError

sys.path.append(str(Path(__file__).parent))
from plain_notebooks import chapter, exercises_of, exercises_only  # beside this file, wherever Sphinx was started

FOLDER = "downloads"
HOW = """\
To run it, you need Python 3.11 or later, the file `{wheel}`, which the book offers
beside this notebook, and the packages on which it stands:

    pip install jupyterlab {wheel}
"""
CHAPTER = """\
*A chapter of «{book}». Its outputs, and what its text refers to, are in the pages of the book.*

"""
EXERCISES = """\
# {title}: the exercises

*From «{book}».* Each exercise has its cell to fill in, and most have a check: a tick, or a hint that names the mistake.
The solutions are in the chapter, folded. Cells from the chapter that an exercise needs stand before it, also folded;
they define the data and the models it speaks of.

"""


class Words:
    """What the pages show for the book's references: `say(role, target)`."""

    def __init__(self, env):
        self.env = env

    def __call__(self, role, target):
        if role == "eq":
            docname, number = self.env.get_domain("math").equations[target]
            numbers = self.env.toc_fignumbers.get(docname, {}).get("displaymath", {})
            found = numbers.get(nodes.make_id(f"equation-{target}"))
            return f"({'.'.join(map(str, found)) if found else number})"
        if role in ("cite:t", "cite:p"):
            return self._papers(role, [key.strip() for key in target.split(",")])
        if role == "ref":
            exercise = getattr(self.env, "sphinx_exercise_registry", {}).get(target)
            if exercise:
                number = self.env.toc_fignumbers[exercise["docname"]]["exercise"][target]
                return f"Exercise {'.'.join(map(str, number))}"
            return self.env.get_domain("std").labels[target][2]
        raise ExtensionError(
            f"downloads: the role {{{role}}}`{target}` has no words here; add them to tools/downloads.py"
        )

    def _papers(self, role, keys):
        domain = self.env.get_domain("cite")
        labels = {citation.key: citation.formatted_entry.label for citation in domain.citations}
        if role == "cite:p":
            return f"[{', '.join(labels[key] for key in keys)}]"
        return ", ".join(f"{self._authors(domain, key)} [{labels[key]}]" for key in keys)

    def _authors(self, domain, key):
        persons = domain.bibdata.data.entries[key].persons
        names = ["".join(map(str, person.rich_last_names)) for person in persons.get("author") or persons["editor"]]
        return f"{names[0]} *et al.*" if len(names) > 2 else " and ".join(names)


def offered(env, docname):
    """The files that a chapter's page offers: [(name of the file, what it is)]."""
    path = Path(env.doc2path(docname))
    if path.parent.name != "chapters" or path.suffix != ".ipynb":
        return []
    found = [(path.name, "this notebook")]
    if exercises_of(nbformat.read(path, as_version=4)):
        found.append((f"{path.stem}_exercises.ipynb", "its exercises alone"))
    wheel = wheel_of(Path(env.srcdir))
    return [*found, (wheel, "the library they need")] if wheel else found


def wheel_of(source):
    """The name of the wheel that the project's folder makes, or None if it is no package."""
    project = tomllib.loads((source / "pyproject.toml").read_text()).get("project")
    return project and f"{project['name']}-{project['version']}-py3-none-any.whl"


def anchor(docname, name, text):
    up = "../" * docname.count("/")
    return f'<a class="reference download internal" href="{up}{FOLDER}/{name}" download>{text}</a>'


def how(app, docname):
    """Where the book says how to run a notebook; in Colab, which installs nothing by itself, the line to begin with."""
    said = ""
    if place := app.env.get_domain("std").anonlabels.get("sec:run"):
        said += f' <a href="{app.builder.get_relative_uri(docname, place[0])}#{place[1]}">How to run them</a>.'
    if address := app.config.html_theme_options.get("repository_url"):
        said += f" In Colab begin with <code>%pip install git+{address}</code>."
    return said


def add_lines(app, doctree, docname):
    """One line under the title, one under the heading «Exercises»."""
    files = offered(app.env, docname) if app.builder.format == "html" else []
    if files:
        title = next(doctree.findall(nodes.title))
        links = " · ".join(anchor(docname, name, text) for name, text in files)
        line = f"Download: {links}.{how(app, docname)}"
        title.parent.insert(1, nodes.raw("", f'<p class="downloads">{line}</p>', format="html"))
        for section in doctree.findall(nodes.section):
            if "exercises" in section["ids"] and len(files) > 1:
                link = anchor(docname, files[1][0], "a notebook of their own")
                line = f'<p class="downloads">The exercises without their solutions are {link}.</p>'
                section.insert(1, nodes.raw("", line, format="html"))


def change_button(app, pagename, templatename, context, doctree):
    """The theme's button offers the notebook as it is in the project's folder; let it offer these files."""
    files = offered(app.env, pagename) if doctree else []
    for group in context.get("header_buttons", []) if files else []:
        if group.get("label") == "download-buttons":
            others = [button for button in group["buttons"] if button["type"] != "link"]
            url = context["pathto"](FOLDER, 1)
            icons = {".ipynb": "fas fa-code", ".whl": "fas fa-file"}
            own = [
                {"type": "link", "url": f"{url}/{name}", "text": text, "icon": icons[Path(name).suffix]}
                for name, text in files
            ]
            group["buttons"] = [*own, *others]


def write(app, error):
    if error or app.builder.format != "html":
        return
    folder, source, say = Path(app.outdir) / FOLDER, Path(app.srcdir), Words(app.env)
    folder.mkdir(exist_ok=True)
    wheel = wheel_of(source)
    if wheel:
        build_wheel(source, folder / wheel)
    wanted = {wheel}
    how = dedent(HOW).format(wheel=wheel) if wheel else ""
    for docname in sorted(app.env.found_docs):
        names = [name for name, _ in offered(app.env, docname) if name != wheel]
        wanted.update(names)
        if names:
            notebook = nbformat.read(app.env.doc2path(docname), as_version=4)
            words = {"book": app.config.html_title, "title": app.env.titles[docname].astext()}
            made = [chapter(notebook, CHAPTER.format(**words) + how, say)]
            if len(names) > 1:
                made.append(exercises_only(notebook, EXERCISES.format(**words) + how, say))
            for name, each in zip(names, made, strict=True):
                nbformat.write(each, folder / name)
    for path in folder.iterdir():
        if path.name not in wanted:
            path.unlink()


def build_wheel(source, wheel):
    """`pip wheel` of the project's folder, without a network; kept while nothing in it is newer."""
    parts = [source / name for name in ("vae_lib", "pyproject.toml", "README.md", "LICENSE")]
    files = [file for part in parts for file in (part.rglob("*.py") if part.is_dir() else [part])]
    if wheel.exists() and all(file.stat().st_mtime < wheel.stat().st_mtime for file in files):
        return
    with tempfile.TemporaryDirectory() as place:  # setuptools leaves its traces where it builds
        for part in parts:
            copy = shutil.copytree if part.is_dir() else shutil.copy
            copy(
                part,
                Path(place) / part.name,
                **({"ignore": shutil.ignore_patterns("__pycache__")} if part.is_dir() else {}),
            )
        command = [sys.executable, "-m", "pip", "wheel", "--disable-pip-version-check", "--no-deps", "--no-index"]
        command += ["--no-build-isolation", "--wheel-dir", wheel.parent, place]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or not wheel.exists():
        raise ExtensionError(f"downloads: no wheel of the library\n{done.stdout}\n{done.stderr}")


def setup(app):
    app.connect("doctree-resolved", add_lines)
    app.connect("html-page-context", change_button, priority=502)  # after the theme has made its buttons
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
