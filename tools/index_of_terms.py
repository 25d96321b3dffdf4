"""A Sphinx extension: the directive `index-of-terms` lists every term of the glossary with the sections that use it.

A use is a `{term}` in a page's text. They are collected as pages are read and filled in when the index is written.
"""

import re
from itertools import groupby

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective


class index_of_terms(nodes.General, nodes.Element):
    """Where the index will stand."""


class IndexOfTerms(SphinxDirective):
    def run(self):
        pages(self.env).add(self.env.docname)
        return [index_of_terms()]


def uses(env):
    """{page: [(term in small letters, anchor of the section, its title)]}"""
    return env.__dict__.setdefault("uses_of_terms", {})


def pages(env):
    return env.__dict__.setdefault("pages_of_terms", set())


def collect(app, doctree):
    if not app.env.docname.startswith("chapters/"):
        return
    found = []
    for reference in doctree.findall(addnodes.pending_xref):
        section = reference.parent
        while section and not (isinstance(section, nodes.section) and isinstance(section[0], nodes.title)):
            section = section.parent  # an exercise is a section too, without a title
        if reference.get("reftype") == "term" and section:
            use = (reference["reftarget"].lower(), section["ids"][0], section[0].astext())
            found += [use] if use not in found else []
    uses(app.env)[app.env.docname] = found


def purge(app, env, docname):
    uses(env).pop(docname, None)
    pages(env).discard(docname)


def merge(app, env, docnames, other):
    uses(env).update({name: found for name, found in uses(other).items() if name in docnames})
    pages(env).update(pages(other) & set(docnames))


def fill_in(app, doctree, docname):
    for place in list(doctree.findall(index_of_terms)):
        place.replace_self(index(app, docname))


def index(app, docname):
    """A line of letters that lead to their terms, and for each letter its terms."""
    objects = app.env.get_domain("std").objects
    terms = sorted((name for kind, name in objects if kind == "term"), key=str.lower)
    groups = {letter: list(group) for letter, group in groupby(terms, key=lambda term: term[0].upper())}
    letters = []
    for letter in groups:
        letters += [nodes.reference("", letter, refid=f"terms-{letter.lower()}", internal=True), nodes.Text(" ")]
    content = [nodes.paragraph("", "", *letters)] if letters else []
    for letter, group in groups.items():
        entries = [entry(app, docname, term, objects["term", term]) for term in group]
        head = nodes.rubric("", letter, ids=[f"terms-{letter.lower()}"])
        content += [head, nodes.definition_list("", *entries, classes=["definition-list-of-terms"])]
    return content


def entry(app, docname, term, place):
    """A term, which leads to the glossary, and below it the sections of the chapters."""
    page, anchor = place
    uri = f"{app.builder.get_relative_uri(docname, page)}#{anchor}"
    lines = []
    for chapter, found in sorted(uses(app.env).items()):
        links, address = [], app.builder.get_relative_uri(docname, chapter)
        for name, section, title in found:
            if name == term.lower():
                link = nodes.reference("", re.sub(r"^\d+\. *", "", title), refuri=f"{address}#{section}", internal=True)
                links += [nodes.Text("; "), link]
        if links:
            number = re.match(r"chapters/(\d+)", chapter)
            lines.append(nodes.paragraph("", "", nodes.Text(f"Chapter {int(number[1])}: "), *links[1:]))
    head = nodes.term("", "", nodes.reference("", term, refuri=uri, internal=True))
    return nodes.definition_list_item("", head, nodes.definition("", *lines))


def setup(app):
    app.add_node(index_of_terms)
    app.add_directive("index-of-terms", IndexOfTerms)
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", purge)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", lambda app, env: sorted(pages(env)))
    app.connect("doctree-resolved", fill_in)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
