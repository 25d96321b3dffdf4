"""A Sphinx extension: the directive `claims-list` becomes a table of every claim in the executed notebooks.

Claims are read from the outputs of each chapter as it is read, kept with Sphinx's environment as any other
cross-reference, and filled in when the page is written, which it is at every build.
"""

import sys
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

sys.path.append(str(Path(__file__).parent))
from claim_lines import parse  # beside this file, wherever Sphinx was started


class claims_list(nodes.General, nodes.Element):
    """Where the table will stand."""


class ClaimsList(SphinxDirective):
    def run(self):
        claims_pages(self.env).add(self.env.docname)
        return [claims_list()]


def claims_of(env):
    """{page: [(anchor, line)]}"""
    return env.__dict__.setdefault("verified_claims", {})


def claims_pages(env):
    return env.__dict__.setdefault("verified_claims_pages", set())


def collect(app, doctree):
    found = []
    for block in doctree.findall(nodes.literal_block):
        if "stream" in block.get("classes", ()):
            lines = [line for line in block.astext().splitlines() if parse(line)]
            if lines:
                anchor = f"claim-{len(found) + 1}"
                block["ids"].append(anchor)
                found += [(anchor, line) for line in lines]
    if found:
        claims_of(app.env)[app.env.docname] = found


def purge(app, env, docname):
    claims_of(env).pop(docname, None)
    claims_pages(env).discard(docname)


def merge(app, env, docnames, other):
    for docname in docnames:
        if docname in claims_of(other):
            claims_of(env)[docname] = claims_of(other)[docname]
    claims_pages(env).update(claims_pages(other) & set(docnames))


def rewrite(app, env):
    return sorted(claims_pages(env))


def fill_in(app, doctree, docname):
    for place in list(doctree.findall(claims_list)):
        chapters = sorted(claims_of(app.env).items())
        total = sum(len(claims) for _, claims in chapters)
        said = f"{total} claims in {len(chapters)} chapters held when these pages were built."
        content = [nodes.paragraph(text=said)]
        for chapter, claims in chapters:
            uri = app.builder.get_relative_uri(docname, chapter)
            title = nodes.rubric("", "", link(uri, app.env.titles[chapter].astext()))
            content += [title, table(uri, claims)]
        place.replace_self(content)


def table(uri, claims):
    group = nodes.tgroup("", *[nodes.colspec(colwidth=width) for width in (50, 20, 30)], cols=3)
    group += nodes.thead("", row("claim", "measured", "margin"))
    claims = [(anchor, parse(line)) for anchor, line in claims]
    rows = [row(link(f"{uri}#{anchor}", claim.sentence), claim.measurement, claim.margin) for anchor, claim in claims]
    group += nodes.tbody("", *rows)
    return nodes.table("", group, classes=["claims"])


def row(*cells):
    cells = [nodes.Text(cell) if isinstance(cell, str) else cell for cell in cells]
    return nodes.row("", *[nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells])


def link(uri, text):
    return nodes.reference("", text, refuri=uri, internal=True)


def setup(app):
    app.add_node(claims_list)
    app.add_directive("claims-list", ClaimsList)
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", purge)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", rewrite)
    app.connect("doctree-resolved", fill_in)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
