"""A Sphinx extension: the directive `walk` draws the way through the book, a box for each chapter that leads there.

Parts, chapters and titles are those of the table of contents, so the figure is never out of date. The directive's
lines, `label: words`, say what a chapter is about; its options what the first two parts bring to the third. There are
two drawings of the same, and the page shows the one for which it has room.
"""

import re
import textwrap
from html import escape
from itertools import pairwise

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

STYLE = """
.walk { margin: 1.5rem 0; }
.walk svg { display: block; width: 100%; height: auto; }
.walk svg.narrow { display: none; }
@media (max-width: 600px) { .walk svg.wide { display: none; } .walk svg.narrow { display: block; } }
.walk rect { fill: var(--pst-color-surface, #f3f4f5); stroke-width: 2; }
.walk path { fill: none; stroke: var(--pst-color-text-muted, #48566b); stroke-width: 2; }
.walk path.head { fill: var(--pst-color-text-muted, #48566b); stroke: none; }
.walk text { fill: var(--pst-color-text-base, #222832); font-family: inherit; font-size: 13px; }
.walk text.part { font-weight: 600; font-size: 14px; }
.walk text.title { font-weight: 600; }
.walk text.brings { font-style: italic; }
.walk a, .walk a:hover { text-decoration: none; }
.walk a:hover rect, .walk a:focus rect { fill: var(--pst-color-background, #fff); stroke-width: 4; }
.walk a:hover text.title, .walk a:focus text.title { text-decoration: underline; }
"""
COLOURS = ["#0072B2", "#B35900", "#00805E", "#A3527F", "#6B6B6B"]  # of the parts' edges, seen on light and on dark
LINE, PAD, GAP = 18, 10, 22
BOLD, PLAIN = 8.3, 7.3  # how wide a letter is on average, in a wide font


class walk(nodes.General, nodes.Element):
    """Where the figure will stand."""


class Walk(SphinxDirective):
    has_content = True
    option_spec = {"first": directives.unchanged_required, "second": directives.unchanged_required}  # noqa: RUF012

    def run(self):
        about = dict(re.fullmatch(r"(\S+): (.+)", line).groups() for line in self.content if line.strip())
        walks(self.env).add(self.env.docname)
        return [walk(about=about, brings=[self.options.get("first", ""), self.options.get("second", "")])]


def walks(env):
    return env.__dict__.setdefault("walk_pages", set())


class Box:
    """A chapter: where it stands, its number, the lines of its title and of what it is about, where it leads."""

    def __init__(self, number, title, about, url):
        self.number, self.title, self.about, self.url = number, title, about, url

    def place(self, x, y, width, colour):
        self.x, self.y, self.width, self.colour = x, y, width, colour
        room = width - 2 * PAD
        self.titles = textwrap.wrap(f"{self.number}. {self.title}", int(room / BOLD))
        self.words = textwrap.wrap(self.about, int(room / PLAIN))
        self.height = 2 * PAD + LINE * (len(self.titles) + len(self.words))
        return self

    def svg(self):
        lines = [("title", line) for line in self.titles] + [("about", line) for line in self.words]
        texts = "".join(
            f'<text class="{kind}" x="{self.x + PAD}" y="{self.y + PAD + LINE * (n + 0.8):.0f}">{escape(line)} </text>'
            for n, (kind, line) in enumerate(lines)
        )
        box = f'x="{self.x}" y="{self.y}" width="{self.width}" height="{self.height}" rx="6"'
        return f'<a href="{escape(self.url)}"><rect {box} style="stroke: {self.colour}"/>{texts}</a>'


def column(boxes, x, y, width, colour):
    """Boxes below each other, with an arrow from each to the next: the drawing, and where it ends."""
    parts = []
    for box in boxes:
        box.place(x, y, width, colour)
        y += box.height + GAP
    for upper, lower in pairwise(boxes):
        parts.append(arrow(x + width / 2, upper.y + upper.height, x + width / 2, lower.y))
    return "".join([*parts, *(box.svg() for box in boxes)]), y - GAP


def arrow(x0, y0, x1, y1):
    """Down, across, and down again."""
    middle = y0 + 10 if x0 != x1 else y1
    line = f'<path d="M{x0:.0f} {y0:.0f} V{middle:.0f} H{x1:.0f} V{y1 - 5:.0f}"/>'
    return f'{line}<path class="head" d="M{x1 - 5:.0f} {y1 - 7:.0f} h10 l-5 7 z"/>'


def text(kind, x, y, words, anchor="start"):
    return (
        f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(words)}</text>' if words else ""
    )


def wide(parts, brings):
    """The first two parts side by side, meeting in the third; then part after part, two chapters a row."""
    width, half, svg = 740, 350, ""
    ends = []
    for n, (caption, boxes) in enumerate(parts[:2]):
        x = n * (width - half)
        svg += text("part", x, 16, caption)
        drawn, end = column(boxes, x, 28, half, COLOURS[n])
        svg, ends = svg + drawn, [*ends, end]
    y = max(ends)
    if len(parts) > 2:
        for n, end in enumerate(ends):
            x = n * (width - half) + half / 2
            svg += text("brings", x, y + 22, brings[n], "middle") + arrow(x, y + 28, width / 2, y + 58)
            svg += f'<path d="M{x:.0f} {end} V{y + 6}"/>'
        y += 58
    for n, (caption, boxes) in enumerate(parts[2:], 2):
        if n > 2:
            svg += arrow(width / 2, y, width / 2, y + GAP)
            y += GAP
        colour, centre = COLOURS[n % len(COLOURS)], ((width - 480) / 2, 480)
        first, rows = boxes[0], [boxes[i : i + 2] for i in range(1, len(boxes), 2)]
        first.place(centre[0], y + 26, centre[1], colour)
        svg += text("part", width / 2, y + 17, caption, "middle") + first.svg()
        y = start = first.y + first.height
        for row in rows:
            alone = len(row) == 1
            for m, box in enumerate(row):
                box.place(centre[0] if alone else m * (width - half), y + GAP, centre[1] if alone else half, colour)
            tallest = max(box.height for box in row)
            for box in row:
                box.height = tallest
            svg += "".join(box.svg() for box in row)
            if alone:
                svg += arrow(width / 2, start, width / 2, y + GAP)
            else:
                middle = y + GAP + tallest / 2
                svg += f'<path d="M{half} {middle} H{width - half} M{width / 2} {start} V{middle}"/>'
                start = middle
            y += GAP + tallest
    return frame("wide", width, y, svg)


def narrow(parts, brings):
    """One box below the other."""
    width, y, svg = 340, 0, ""
    for n, (caption, boxes) in enumerate(parts):
        for line in textwrap.wrap(caption, 34):
            svg += text("part", 0, y + 18, line)
            y += 20
        drawn, y = column(boxes, 1, y + 8, width - 2, COLOURS[n % len(COLOURS)])
        svg += drawn
        if n < 2:
            svg += text("brings", width / 2, y + 22, brings[n], "middle")
            y += 22
        y += GAP
    return frame("narrow", width, y - GAP, svg)


def frame(kind, width, height, svg):
    name = "The way through the book, a link for each chapter"
    size = f'viewBox="-2 0 {width + 4} {height + 2:.0f}" width="{width + 4}" height="{height + 2:.0f}"'
    return f'<svg class="{kind}" role="group" aria-label="{name}" {size}>{svg}</svg>'


def parts_of(env, about, relative):
    """[(caption, boxes)] of those parts of the table of contents that have chapters."""
    labels = {place[0]: label for label, place in env.get_domain("std").anonlabels.items() if label in about}
    parts = []
    for tree in env.external_site_map.root.subtrees:
        boxes = []
        for item in tree.items:
            if found := re.match(r"chapters/(\d+)_", str(item)):
                title = re.sub(r"^\d+\. *", "", env.titles[str(item)].astext())
                boxes.append(Box(int(found[1]), title, about.get(labels.get(str(item)), ""), relative(str(item))))
        parts += [(tree.caption or "", boxes)] if boxes else []
    return parts


def fill_in(app, doctree, docname):
    for place in list(doctree.findall(walk)):
        if app.builder.format != "html":
            place.parent.remove(place)
            continue
        parts = parts_of(app.env, place["about"], lambda page: app.builder.get_relative_uri(docname, page))
        drawings = wide(parts, place["brings"]) + narrow(parts, place["brings"])
        figure = f'<figure class="walk"><style>{STYLE}</style>{drawings}</figure>'
        place.replace_self(nodes.raw("", figure, format="html"))


def setup(app):
    app.add_node(walk)
    app.add_directive("walk", Walk)
    app.connect("env-updated", lambda app, env: sorted(walks(env)))  # titles of chapters may have changed
    app.connect("env-purge-doc", lambda app, env, docname: walks(env).discard(docname))
    app.connect("env-merge-info", lambda app, env, docnames, other: walks(env).update(walks(other)))
    app.connect("doctree-resolved", fill_in)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
