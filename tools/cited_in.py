"""A Sphinx extension: every entry of the bibliography says where it is cited, with a link to the place."""

import re

from docutils import nodes


def bibliographies(env):
    return {key.docname for key in env.get_domain("cite").bibliographies}


def places(env):
    """{key of a paper: {page: anchor of the first citation there}}"""
    found = {}
    for reference in env.get_domain("cite").citation_refs:
        for target in reference.targets:
            found.setdefault(target.key, {}).setdefault(reference.docname, reference.citation_ref_id)
    return found


def add_places(app, doctree, docname):
    domain = app.env.get_domain("cite")
    if docname not in bibliographies(app.env):
        return
    keys = {citation.citation_id: citation.key for citation in domain.citations}
    cited = places(app.env)
    for entry in doctree.findall(nodes.citation):
        links = []
        for page, anchor in sorted(cited.get(keys.get(entry["ids"][0]), {}).items()):
            chapter = re.match(r"chapters/(\d+)_", page)
            name = f"chapter {int(chapter[1])}" if chapter else app.env.titles[page].astext()
            uri = app.builder.get_relative_uri(docname, page)
            links += [nodes.Text(", "), nodes.reference("", name, refuri=f"{uri}#{anchor}", internal=True)]
        if links:
            entry += nodes.paragraph("", "", nodes.Text("Cited in "), *links[1:], nodes.Text("."), classes=["cited-in"])


def setup(app):
    app.connect("env-updated", lambda app, env: sorted(bibliographies(env)))
    app.connect("doctree-resolved", add_places)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
