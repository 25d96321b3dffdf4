"""A Sphinx extension: equations, exercises and figures are numbered by chapter, (7.1) (7.2) …

The number is the one in the file's name, `chapters/07_….ipynb`, so that it stays when chapters before it are added.
Sphinx has by then counted through the whole book; pages outside `chapters/` keep that count.
"""

import re


def renumber(app, env):
    for docname, by_kind in env.toc_fignumbers.items():
        chapter = re.match(r"chapters/(\d+)_", docname)
        for numbers in by_kind.values() if chapter else ():
            in_order = sorted(numbers, key=numbers.get)
            numbers.update({name: (int(chapter[1]), count) for count, name in enumerate(in_order, 1)})
    return []


def setup(app):
    app.connect("env-get-updated", renumber, priority=900)  # after Sphinx has counted
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
