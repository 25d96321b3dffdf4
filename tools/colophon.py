"""A Sphinx extension: the directive `colophon` says with what, where and when the pages were made.

The times are those of the runs whose outputs the pages show, which may be older than the pages.
"""

import os
import platform
import re
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.util.docutils import SphinxDirective

sys.path.append(str(Path(__file__).parent))
from claims_page import claims_of, link, row  # beside this file, wherever Sphinx was started


class colophon(nodes.General, nodes.Element):
    """Where it will stand."""


class Colophon(SphinxDirective):
    def run(self):
        colophons(self.env).add(self.env.docname)
        return [colophon()]


def colophons(env):
    return env.__dict__.setdefault("colophon_pages", set())


def runs(env):
    """[(page, seconds, when it ran, how many claims)] of the notebooks."""
    found = []
    for page in sorted(env.found_docs):
        if (run := NbMetadataCollector.get_exec_data(env, page)) and run["runtime"] is not None:
            found.append((page, run["runtime"], run["mtime"], len(claims_of(env).get(page, ()))))
    return found


def machine():
    """The processor, how many of its cores, the memory, the system: one line."""
    processor, memory = platform.processor() or platform.machine(), ""
    if (cpu := Path("/proc/cpuinfo")).exists() and (name := re.search(r"model name\s*: (.*)", cpu.read_text())):
        processor = name[1].strip()
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB of memory, "
    return f"{processor}, {os.cpu_count()} cores, {memory}{platform.system()} on {platform.machine()}"


def packages(source):
    """[(name, version)] of what requirements.txt pins and is installed."""
    found = []
    for name in re.findall(r"^([\w.-]+)==", (Path(source) / "requirements.txt").read_text(), re.MULTILINE):
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return sorted(found, key=lambda package: package[0].lower())


def minutes(seconds):
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def table(head, rows, widths):
    group = nodes.tgroup("", *[nodes.colspec(colwidth=width) for width in widths], cols=len(widths))
    group += nodes.thead("", row(*head))
    group += nodes.tbody("", *[row(*cells) for cells in rows])
    return nodes.table("", group)


def content(app, docname):
    done = runs(app.env)
    seconds, claims = sum(run[1] for run in done), sum(run[3] for run in done)
    said = (
        f"Built on {datetime.now(UTC):%d %B %Y at %H:%M} UTC. {len(done)} notebooks ran for {minutes(seconds)} in all "
        f"and made {claims} claims, each of which held."
    )
    python = f"{platform.python_implementation()} {platform.python_version()}"
    times = [
        (
            link(app.builder.get_relative_uri(docname, page), app.env.titles[page].astext()),
            minutes(took),
            f"{datetime.fromtimestamp(when, UTC):%Y-%m-%d %H:%M}",
            str(count),
        )
        for page, took, when, count in done
    ]
    return [
        nodes.paragraph(text=said),
        nodes.paragraph(text=f"The machine: {machine()}."),
        table(("chapter", "ran for", "on (UTC)", "claims"), times, (50, 15, 20, 15)),
        table(("package", "version"), [("Python", python), *packages(app.srcdir)], (50, 50)),
    ]


def fill_in(app, doctree, docname):
    for place in list(doctree.findall(colophon)):
        place.replace_self(content(app, docname))


def merge(app, env, docnames, other):
    colophons(env).update(colophons(other) & set(docnames))


def setup(app):
    app.add_node(colophon)
    app.add_directive("colophon", Colophon)
    app.connect("env-purge-doc", lambda app, env, docname: colophons(env).discard(docname))
    app.connect("env-merge-info", merge)
    app.connect("env-updated", lambda app, env: sorted(colophons(env)))
    app.connect("doctree-resolved", fill_in)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
