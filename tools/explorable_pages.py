"""A Sphinx extension: only a page that holds an explorable loads the script of explorables.

Jupyter Book loads every file of `_static` on every page; `book.js` is meant so, this one is not. (The style goes into
the book's one sheet, see `lean_pages.py`.)
"""

SCRIPT = "explorables.js"


def only_where_needed(app, config):
    config.html_js_files = [name for name in config.html_js_files if name != SCRIPT]


def add(app, pagename, templatename, context, doctree):
    if 'class="explorable"' in context.get("body", ""):
        app.add_js_file(SCRIPT, loading_method="defer")


def setup(app):
    app.connect("config-inited", only_where_needed, priority=100)  # before Sphinx reads what it filters
    app.connect("html-page-context", add)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
