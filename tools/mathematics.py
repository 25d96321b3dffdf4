"""A Sphinx extension: mathematics is typeset while the book is built. A page needs no script for it, and no other host.

KaTeX does it, in `tools/katex/`, run by the V8 engine of the package mini-racer. Each formula comes as HTML for the eye
and as MathML for a screen reader. One that KaTeX refuses is a warning, which stops the build.
"""

import json
import re
import shutil
from functools import cache
from pathlib import Path

from docutils import nodes
from py_mini_racer import JSEvalException, MiniRacer
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

KATEX = Path(__file__).parent / "katex"
OPTIONS = {"strict": "ignore", "throwOnError": True}
logger = logging.getLogger(__name__)


@cache
def engine():
    context = MiniRacer()
    context.eval((KATEX / "katex.min.js").read_text())
    return context


@cache
def typeset(formula, display):
    """The HTML of a formula in LaTeX; raises JSEvalException if KaTeX cannot."""
    arguments = json.dumps([formula, OPTIONS | {"displayMode": display}])
    return engine().eval(f"katex.renderToString(...{arguments})")


def html(translator, node, formula, display):
    try:
        return typeset(formula, display)
    except JSEvalException as error:
        said = re.search(r"ParseError: (.*)", str(error))
        logger.warning("mathematics: %s", said[1] if said else error, location=node)
        return translator.encode(formula)


def display_form(node):
    """The LaTeX of a displayed formula. Sphinx's number stands beside it, so KaTeX's own is turned off."""
    if node.get("nowrap"):
        return re.sub(r"\\(begin|end)\{(equation|align|alignat|gather)\}", r"\\\1{\2*}", node.astext())
    parts = [part.strip() for part in node.astext().split("\n\n") if part.strip()]
    parts = [rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part else part for part in parts]
    return parts[0] if len(parts) == 1 else r"\begin{aligned}" + r"\\".join(parts) + r"\end{aligned}"


def visit_math(translator, node):
    translator.body += [
        translator.starttag(node, "span", "", CLASS="math notranslate nohighlight"),
        html(translator, node, node.astext(), display=False),
        "</span>",
    ]
    raise nodes.SkipNode


def visit_displayed(translator, node):
    translator.body.append(translator.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node["number"]:
        translator.body.append(f'<span class="eqno">({get_node_equation_number(translator, node)})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body += [html(translator, node, display_form(node), display=True), "</div>\n"]
    raise nodes.SkipNode


def copy_style(app):
    if app.builder.format == "html":
        target = Path(app.outdir) / "_static" / "katex"
        shutil.copytree(KATEX / "fonts", target / "fonts", dirs_exist_ok=True)
        shutil.copy(KATEX / "katex.min.css", target)


def setup(app):
    app.add_html_math_renderer("katex", (visit_math, None), (visit_displayed, None))
    app.connect("builder-inited", copy_style)
    app.add_css_file("katex/katex.min.css", priority=400)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
