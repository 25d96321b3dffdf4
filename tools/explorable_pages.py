"""A Sphinx extension: only a page that holds an explorable loads the script and the style of explorables.

Jupyter Book loads every file of `_static` on every page; `book.css` is meant so, these two are not.
"""

STYLE, SCRIPT = "explorables.css", "explorables.js"


def only_where_needed(app, config):
    config.html_css_files = [name for name in config.html_css_files if name != STYLE]
    config.html_js_files = [name for name in config.html_js_files if name != SCRIPT]


def add(app, pagename, templatename, context, doctree):
    if 'class="explorable"' in context.get("body", ""):
        app.add_css_file(STYLE)
        app.add_js_file(SCRIPT, loading_method="defer")


def setup(app):
    app.connect("config-inited", only_where_needed, priority=100)  # before Sphinx reads what it filters
    app.connect("html-page-context", add)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
