"""A Sphinx extension: the built pages ask for little, and look the same.

A page of the theme asks for a megabyte and a half of icons, ten style sheets of which it uses a tenth, and scripts that
hold up the text. When all pages are written, this module goes over them:

- style sheets become one, `_static/book.min.css`, with the rules alone that a page or a script can use;
- the icons' font keeps the signs that those rules name, and travels inside the sheet; the script of icons goes;
- scripts wait until the text is there and have nothing laid out early; those of the search go where nothing is
  searched;
- pictures are losslessly packed as WebP, have their size (so that the text does not jump), and load when they come
  near.

Every step may be taken twice, since Sphinx writes only those pages anew that changed.
"""

import base64
import io
import logging
import posixpath
import re
from hashlib import sha256
from html import escape
from itertools import pairwise
from pathlib import Path

import tinycss2
from docutils import nodes
from fontTools import subset, ttLib
from PIL import Image
from sphinx.errors import ExtensionError

logging.getLogger("fontTools").setLevel(logging.ERROR)
SHEET = "_static/book.min.css"
SYSTEM = 'matchMedia("(prefers-color-scheme: dark)").matches'
SEARCH = ("searchtools.js", "language_data.js", "searchindex.js")
FRAMES = '["pre",".nboutput > .output_area",".cell_output > .output",".jp-RenderedHTMLCommon",'
FRAMES += '".pst-scrollable-table-container"]'
NO_FRAMES = '["no-frame"]'
BUILT_BY_SCRIPTS = ("bs-tooltip", "bs-popover")  # class names that bootstrap.js puts together


def describe(app, pagename, templatename, context, doctree):
    """The first paragraph that is long enough and without a formula, for those who find the page by a search."""
    said = f"{context.get('title', pagename)} · {app.config.html_title}"
    for paragraph in doctree.findall(nodes.paragraph) if doctree else ():
        words = " ".join(paragraph.astext().split())
        if len(words) > 60 and not any(paragraph.findall(nodes.math)):
            said = words if len(words) <= 160 else words[:159].rsplit(" ", 1)[0] + "…"
            break
    context["metatags"] = context.get("metatags", "") + f'<meta name="description" content="{escape(said)}" />'


def finish(app, exception):
    if exception or app.builder.format != "html":
        return
    root = Path(app.outdir)
    pages = {path: path.read_text() for path in root.rglob("*.html") if "_static" not in path.relative_to(root).parts}
    pages = {path: text for path, text in pages.items() if "<body" in text}  # not the redirect
    pages = {path: pictures(scripts(repaired(text), path.stem == "search"), path, root) for path, text in pages.items()}
    sheets = {file: None for file in made_of(root / SHEET) if file.is_file()}  # for pages of an earlier build
    for path, text in pages.items():
        for link in re.findall(r'<link[^>]*rel="stylesheet"[^>]*>', text):
            sheets[source(link, path)] = None
    sheets.pop(root / SHEET, None)
    (root / SHEET).write_text(stylesheet(sheets, used_names(pages, root), root))
    version = sha256((root / SHEET).read_bytes()).hexdigest()[:8]
    for path, text in pages.items():
        address = posixpath.relpath(SHEET, path.relative_to(root).parent.as_posix()) + f"?v={version}"
        link = f'<link rel="stylesheet" href="{address}" />'
        text = re.sub(r'<link[^>]*rel="stylesheet"[^>]*>', link, text, count=1)
        head, rest = text.split(link, 1)
        path.write_text(head + link + re.sub(r'\s*<link[^>]*rel="stylesheet"[^>]*>', "", rest))
    drop_originals(root)
    without_layout(root)


def without_layout(root):
    """The theme's script without the step that has a whole page laid out before it can be used; `book.js` does that."""
    script = root / "_static" / "scripts" / "pydata-sphinx-theme.js"
    text = script.read_text()
    if FRAMES not in text and NO_FRAMES not in text:
        raise ExtensionError(f"{script.name} of the theme is another than lean_pages.py knows: no {FRAMES} in it")
    script.write_text(text.replace(FRAMES, NO_FRAMES))


REPAIRS = {  # what a screen reader would stumble over in the theme's pages
    # A label must hold the text that is seen.
    'search-button-field search-button__button pst-js-only" title="Search" aria-label="Search"': (
        'search-button-field search-button__button pst-js-only"'
    ),
    # A corner of a table heads nothing; a list has items, also if they are works.
    "<th></th>": "<td></td>",
    'role="doc-biblioentry"': 'role="listitem"',
    '<summary aria-label="Toggle hidden content">': "<summary>",
    # The book's title stands in no landmark.
    'id="pst-primary-sidebar" class=': 'id="pst-primary-sidebar" role="complementary" aria-label="The book" class=',
}


def repaired(text):
    for found, better in REPAIRS.items():
        text = text.replace(found, better)
    return text


def source(tag, path):
    """The file that a tag of a page names."""
    return (path.parent / re.search(r'(?:href|src)="([^"?#]*)', tag)[1]).resolve()


def scripts(text, searches):
    seen = set()

    def one(match):
        tag = match[0]
        name = re.search(r'src="(?:[^"?]*/)?([^"/?]*)', tag)
        key = name[1] if name else tag
        if key in seen or key == "fontawesome.js" or (key in SEARCH and not searches):
            return ""
        if name is None:  # it names the page in an object that a deferred script will make, and nothing reads that
            return "" if "DOCUMENTATION_OPTIONS." in tag else seen.add(key) or tag
        seen.add(key)
        return tag if re.search(r"\b(defer|async|type=\"module\")", tag) else tag.replace("<script", "<script defer", 1)

    text = re.sub(r"<script\b[^>]*>.*?</script>", one, text, flags=re.DOTALL)
    text = re.sub(r'\s*<link rel="preload" as="script"[^>]*>', "", text)
    # The theme follows the reader's system, but only once its script runs: until then the page has no colours.
    text = text.replace('data-theme="auto"', 'data-theme="light"', 1)
    text = text.replace('getItem("theme") || "auto"', f'getItem("theme") || ({SYSTEM} ? "dark" : "light")', 1)
    viewports = re.findall(r'<meta name="viewport"[^>]*>', text)
    for again in viewports[1:]:
        text = "".join(text.rsplit(again, 1))
    return text


def pictures(text, path, root):
    count = 0

    def one(match):
        nonlocal count
        tag = match[0]
        file = source(tag, path)
        if "width=" in tag or not file.is_file() or file.suffix not in (".png", ".webp", ".jpg"):
            return tag
        count += 1
        packed = file.with_suffix(".webp") if file.parent == root / "_images" else file
        if not packed.exists() or packed.stat().st_mtime < file.stat().st_mtime:
            with Image.open(file) as image:
                image.save(packed, lossless=True, method=3)
        with Image.open(packed) as image:
            width, height = image.size
        lazy = ' loading="lazy"' if count > 1 else ""
        tag = tag.replace(file.name, packed.name)
        return tag.replace("<img", f'<img width="{width}" height="{height}" decoding="async"{lazy}', 1)

    return re.sub(r"<img\b[^>]*>", one, text)


def drop_originals(root):
    for file in (root / "_images").glob("*.png"):
        if file.with_suffix(".webp").exists():
            file.unlink()


def used_names(pages, root):
    """Every class and id of a page, the variables that its own styles read, and every word of a script."""
    used, files = set(), set()
    for path, text in pages.items():
        for value in re.findall(r'\b(?:class|id)="([^"]*)"', text):
            used.update(value.split())
        used.update(re.findall(r"var\(\s*(--[\w-]+)", text))
        files.update(source(tag, path) for tag in re.findall(r'<script[^>]*\bsrc="[^"]*"', text))
    for words in [*(file.read_text() for file in files), *re.findall(r"<script>.*?</script>", "".join(pages.values()))]:
        used.update(re.findall(r"[\w-]+", words))
    return used


def stylesheet(sheets, used, root):
    files = list(dict.fromkeys(file for sheet in sheets for file in with_imports(sheet)))
    names = " ".join(posixpath.relpath(file, (root / SHEET).parent) for file in files)
    parts = [f"/*! What the pages use of: {names} */"]
    for sheet in files:
        text = "".join(kept(tinycss2.parse_stylesheet(sheet.read_text(), skip_whitespace=True), used))
        address = re.compile(r'url\("?(?!data:|#)([^")]+)"?\)')
        parts.append(address.sub(lambda found, folder=sheet.parent: f"url({moved(found[1], folder, root)})", text))
    return embed_icons(without_unread("\n".join(parts), used), root)


def without_unread(css, used):
    """The sheet less the variables and the animations that nothing reads."""
    read = used | set(re.findall(r"var\(\s*(--[\w-]+)", css))
    value = r"""(?:"[^"]*"|'[^']*'|[^;{}"'])*"""
    css = re.sub(
        rf"(?<=[{{;\s])(--[\w-]+)\s*:{value}(;|(?=\}}))", lambda found: found[0] if found[1] in read else "", css
    )
    named = " ".join(re.findall(r"animation(?:-name)?\s*:([^;}]*)", css))
    frames = r"@(?:-webkit-)?keyframes\s+([\w-]+)\s*\{(?:[^{}]*\{[^{}]*\})*\s*\}"
    return re.sub(frames, lambda found: found[0] if found[1] in named else "", css)


def made_of(sheet):
    """The files that a sheet of ours was made of, as it says itself."""
    said = re.match(r"/\*! What the pages use of: (.*?) \*/", sheet.read_text()) if sheet.exists() else None
    return [(sheet.parent / name).resolve() for name in said[1].split()] if said else []


def with_imports(sheet):
    """The files of the sheets that a sheet imports, and it: in the order in which they apply."""
    for rule in tinycss2.parse_stylesheet(sheet.read_text()):
        if rule.type == "at-rule" and rule.lower_at_keyword == "import":
            named = next(token for token in rule.prelude if token.type in ("string", "url", "function"))
            named = named.arguments[0] if named.type == "function" else named
            yield from with_imports((sheet.parent / named.value).resolve())
    yield sheet


def moved(address, folder, root):
    """A sheet's relative address, as seen from where the sheets go together."""
    target = posixpath.normpath((folder / address).as_posix())
    return posixpath.relpath(target, (root / SHEET).parent.as_posix())


def kept(rules, used):
    for rule in rules:
        if rule.type == "comment" and rule.value.startswith("!"):  # a licence
            yield rule.serialize()
        elif rule.type == "qualified-rule":
            selectors = [part for part in split(rule.prelude) if wanted(part, used)]
            if selectors:
                yield f"{','.join(map(tinycss2.serialize, selectors))}{{{tight(rule.content)}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports", "layer", "container"):
            inner = "".join(kept(tinycss2.parse_rule_list(rule.content or [], skip_whitespace=True), used))
            if inner:
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword not in ("charset", "import"):
            yield rule.serialize()


def tight(tokens):
    return re.sub(r"\s+", " ", tinycss2.serialize([token for token in tokens if token.type != "comment"])).strip()


def split(prelude):
    """The selectors of a list, each a list of tokens."""
    parts = [[]]
    for token in prelude:
        if token == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return [[token for token in part if token.type != "comment"] for part in parts]


def wanted(selector, used):
    """Whether something may have every class and id that the selector asks for; what is in brackets asks nothing."""
    names = [token.value for token in selector if token.type == "hash"]
    names += [name.value for dot, name in pairwise(selector) if dot == "." and name.type == "ident"]
    return all(name in used or name.startswith(BUILT_BY_SCRIPTS) for name in names)


def embed_icons(css, root):
    """Font Awesome's fonts, cut down to the signs that the sheet names and put into it."""
    signs = {int(code, 16) for code in re.findall(r"\\(f[0-9a-f]{3})\b", css)}
    signs |= {ord(sign) for sign in css if "\ue000" <= sign <= "\uf8ff"}

    def one(match):
        address = re.search(r"url\(([^)]*fontawesome[^)]*)\.woff2\)", match[0])
        if not address:
            return match[0]
        font = ttLib.TTFont(f"{(root / SHEET).parent / address[1]}.ttf", recalcTimestamp=False)
        if not signs & font.getBestCmap().keys():
            return ""
        options = subset.Options(flavor="woff", hinting=False, layout_features=[], name_IDs=[], glyph_names=False)
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=signs)
        cutter.subset(font)
        font.flavor, packed = "woff", io.BytesIO()
        font.save(packed)
        data = f'url("data:font/woff;base64,{base64.b64encode(packed.getvalue()).decode()}") format("woff")'
        return re.sub(r"src:[^}]*", lambda _: f"src:{data}", match[0])

    return re.sub(r"@font-face\s*\{[^}]*\}", one, css)


def setup(app):
    app.connect("html-page-context", describe)
    app.connect("build-finished", finish, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
