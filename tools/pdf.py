"""Print the book: `python tools/pdf.py`, after the pages were built. `make pdf` calls it.

The articles of the built pages become one document in the order of _toc.yml, with a cover, contents, and the
solutions at the end; Chromium prints it. No notebook runs and no page is built again. Chromium cannot count pages
for the contents, so the document is printed until the numbers in it are those of its pages.
"""

import os
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from copy import copy
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import matplotlib
import numpy as np
import pypdf
import yaml
from bs4 import BeautifulSoup
from pygments.formatters import HtmlFormatter

HTML = Path("_build/html")
PRINT = Path("_build/pdf")
BROWSERS = [os.environ.get("CHROME_PATH", ""), "chromium", "chromium-browser", "google-chrome"]
FONTS = {  # those of Matplotlib, so that the pages are the same on every machine: {file: (family, weight, style)}
    "STIXGeneral": ("Book", 400, "normal"),
    "STIXGeneralItalic": ("Book", 400, "italic"),
    "STIXGeneralBol": ("Book", 700, "normal"),
    "STIXGeneralBolIta": ("Book", 700, "italic"),
    "DejaVuSansMono": ("Code", 400, "normal"),
    "DejaVuSansMono-Oblique": ("Code", 400, "italic"),
    "DejaVuSansMono-Bold": ("Code", 700, "normal"),
}
CODE = "a11y-high-contrast-light"  # the theme's style of code
NOT_PRINTED = (
    "script, button, nav, template, .headerlink, .toctree-wrapper, .tag_hide-input details, .downloads, .narrow"
)
SOLUTIONS = "Solutions to the exercises"
WHOLE = 16  # lines of code or output: more may be parted by the end of a page
HEADING = re.compile("^h[1-6]$")


def parts_of(toc):
    """The book as _toc.yml has it: [(caption, [names of pages])]; the root is first, without a caption."""

    def names(entry):
        for below in entry.get("chapters", []) + entry.get("sections", []):
            yield below["file"]
            yield from names(below)

    groups = toc.get("parts") or [{"chapters": toc.get("chapters", [])}]
    return [("", [toc["root"]])] + [(group.get("caption", ""), list(names(group))) for group in groups]


def anchor(page, fragment=""):
    """What a page, or a place on it, is called in the document."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", f"{page}--{fragment}" if fragment else page)


def element(tag, *content, **attributes):
    """A new element; `class_` and `for_` without the underscore."""
    made = BeautifulSoup("", "html.parser").new_tag(tag, attrs={k.rstrip("_"): v for k, v in attributes.items()})
    made.extend(content)
    return made


def file_of(page, address):
    """The address of a file of the built pages, seen from the document."""
    link = urlsplit(address)
    if link.scheme or not link.path:
        return address
    return quote(os.path.relpath(HTML / posixpath.dirname(page) / unquote(link.path), PRINT))


def target_of(page, address, pages):
    """Where a link leads to in the document; None if the document does not have it."""
    link = urlsplit(address)
    if link.scheme:
        return address if link.scheme in ("http", "https") else None
    name = page
    if link.path:
        name = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(link.path))).removesuffix(".html")
    return f"#{anchor(name, unquote(link.fragment))}" if name in pages else None


def readdress(tag, page, pages):
    """Make an element's anchors those of the document, and its links lead to them."""
    for name, value in list(tag.attrs.items()):
        if name in ("id", "for", "aria-labelledby", "aria-describedby"):
            tag[name] = " ".join(anchor(page, one) for one in value.split())
        elif name == "src" or (name == "href" and tag.name != "a"):
            tag[name] = f"#{anchor(page, value[1:])}" if value.startswith("#") else file_of(page, value)
        elif isinstance(value, str) and "url(#" in value:
            tag[name] = re.sub(r"url\(#([^)]*)\)", lambda found: f"url(#{anchor(page, found[1])})", value)
    if tag.name == "a" and tag.has_attr("href"):
        address = tag["href"]
        if not (target := target_of(page, address, pages)):
            tag.unwrap()
        else:
            tag["href"] = target
            if not target.startswith("#") and address not in tag.get_text():
                tag.append(element("span", f" ({address})", class_="address"))


def arrange(block):
    """Keep what is short on one page, and let a claim hang below its tick."""
    lines = block.get_text().splitlines()
    if len(lines) <= WHOLE:
        block["class"] = [*block.get("class", []), "whole"]
    if any(line.startswith("✓ ") for line in lines):
        block.clear()
        block.extend(element("span", line, class_="claim" if line.startswith("✓ ") else "said") for line in lines)


def read(page, pages, level):
    """The article of a built page, ready for the document, its title a heading of that level."""
    soup = BeautifulSoup((HTML / f"{page}.html").read_text(), "html.parser")
    article = soup.select_one("article")
    article.name, article.attrs = "section", {"id": anchor(page), "class": ["chapter"]}
    for tag in article.select(NOT_PRINTED):
        tag.decompose()
    for tag in article.find_all(True):
        readdress(tag, page, pages)
    for heading in article.find_all(HEADING):
        depth = int(heading.name[1])
        heading.name, heading["class"] = f"h{min(6, depth + level - 1)}", f"depth-{depth}"
        for label in heading.find_previous_siblings("span", id=True):
            heading.insert(0, label)
        if "id" in heading.parent.attrs:  # a section may begin on the page before that of its heading
            heading["id"] = heading.parent.attrs.pop("id")
    for figure in article.select(".explorable"):
        figure.replace_with(element("p", "Here the page has a figure that you can move.", class_="see"))
    for block in article.select("pre"):
        arrange(block)
    for formula in article.select(".katex"):  # once for the eye, which is printed, and once for screen readers
        formula["data-typed"] = formula.annotation.get_text()
        formula.select_one(".katex-mathml").decompose()
        del formula.select_one(".katex-html")["aria-hidden"]
    for entry in article.select(".definition-list-of-terms dd"):  # an index: pages in place of titles
        places = [page_of(link["href"][1:]) for link in entry.select("a[href^='#']")]
        entry.clear()
        entry.extend([part for place in places for part in (", ", place)][1:])
    for image in article.select("img[loading]"):
        del image["loading"]  # no page is scrolled to
    return article


def page_of(target):
    return element("a", "000", href=f"#{target}", class_="page-of")


def take_solutions(article):
    """Cut the solutions out of an article, and say below each exercise on which page its solution is."""
    solutions = [solution.extract() for solution in article.select("div.solution")]
    for solution in solutions:
        link = solution.select_one("a[href^='#']")
        exercise = link and article.find(id=link["href"][1:])
        if exercise:
            exercise.append(element("p", "Solution: page ", page_of(solution["id"]), class_="see"))
    return solutions


def words(heading):
    """What a heading says, to be said elsewhere: its content without anchors and links."""
    said = copy(heading)
    for tag in said.find_all(True):
        tag.attrs.pop("id", None)
        if tag.name == "a":
            tag.unwrap()
    return list(said.contents)


def text(heading):
    """A heading as plain text, its mathematics as it was typed."""
    said = copy(heading)
    for formula in said.select(".katex"):
        formula.replace_with(formula["data-typed"])
    return " ".join(said.get_text().split())


def line(level, title, target):
    """A line of the contents."""
    link = element("a", *title, href=f"#{target}")
    return element("p", link, element("span", class_="dots"), page_of(target), class_=f"line line-{level}")


def contents(parts):
    made = element("section", element("h1", "Contents", class_="depth-1"), id="contents")
    for caption, articles in parts:
        if caption:
            made.append(line(1, [caption], anchor("part", caption)))
        for article in articles if caption != SOLUTIONS else ():
            made.append(line(2, words(article.find(HEADING)), article["id"]))
            for heading in article.select(":scope > section > section > .depth-2"):
                made.append(line(3, words(heading), heading["id"]))
    return made


def part_page(caption, articles):
    lines = [line(2, words(article.find(HEADING)), article["id"]) for article in articles]
    heading = element("h1", caption, class_="depth-0")
    return element("section", heading, *lines, id=anchor("part", caption), class_="part")


def cover_figure(width=600, height=360):
    """log p(data; θ), bold, and under it the variational lower bounds that touch it, one for each q. As SVG.

    The model is a mixture of a unit Gaussian at θ and a broad one at 0; q is the exact posterior at one θ.
    """
    theta = np.linspace(-5.2, 5.2, 261)
    data = np.array([-2.9, -2.3, -1.9, -2.4, 1.6, 2.2, 2.5, 2.9, 3.4])[:, None]
    log_joint = np.stack(np.broadcast_arrays(-((data - theta) ** 2) / 2, -(data**2) / 18 - np.log(3)))
    exact = np.logaddexp(*log_joint)
    lowest, highest = exact.sum(0).min() - 3, exact.sum(0).max()

    def path(values, **style):
        x = (theta - theta[0]) / (theta[-1] - theta[0]) * width
        y = (highest - values) / (highest - lowest) * (height - 10) + 5
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True) if b <= height)
        return element("polyline", points=points, fill="none", **{k.replace("_", "-"): v for k, v in style.items()})

    bounds = []
    for at in range(6, theta.size, 8):
        q = np.exp(log_joint - exact)[:, :, at, None]
        bound = (q * (log_joint - np.log(q))).sum((0, 1))
        bounds.append(path(bound, stroke="#56B4E9", stroke_width="0.9"))
    curve = path(exact.sum(0), stroke="#0B2545", stroke_width="3.5", stroke_linejoin="round")
    text = "A curve with two peaks, and below it many parabolas, each touching it at one point."
    return element("svg", *bounds, curve, viewBox=f"0 0 {width} {height}", role="img", aria_label=text)


def cover(title, subtitle, author):
    version = tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"]
    built = datetime.fromtimestamp((HTML / "index.html").stat().st_mtime)
    return element(
        "section",
        element("p", title, class_="title"),
        element("p", subtitle, class_="subtitle"),
        cover_figure(),
        element("p", author, class_="author"),
        element("p", f"Version {version} · pages built on {built.day} {built:%B %Y}", class_="version"),
        id="cover",
    )


def style(parts):
    """The stylesheet: the colours of code, fonts, pdf.css, and what stands at the foot of each chapter's pages."""
    folder, rules = (
        Path(matplotlib.get_data_path(), "fonts", "ttf"),
        [HtmlFormatter(style=CODE).get_style_defs(".highlight")],
    )
    for file, (family, weight, slant) in FONTS.items():
        source = f'src: url("{(folder / file).as_uri()}.ttf")'
        rules.append(f"@font-face {{ font-family: {family}; font-weight: {weight}; font-style: {slant}; {source} }}")
    rules.append(Path(__file__).with_suffix(".css").read_text())
    for caption, articles in parts:
        for article in articles:
            title = "Solutions: " * (caption == SOLUTIONS) + text(article.find(HEADING))
            title = re.sub(r'(["\\])', r"\\\1", title)
            rules.append(f"#{article['id']} {{ page: {article['id']} }}")
            rules.append(f'@page {article["id"]} {{ @bottom-left {{ content: "{title}" }} }}')
    return element("style", "\n".join(rules))


def assemble(config, toc):
    """The document, as soup."""
    names = parts_of(toc)
    pages = {page for _, chapters in names for page in chapters}
    parts, solved = [], []
    for caption, chapters in names:
        articles = []
        for page in chapters:
            article = read(page, pages, level=2 if caption else 1)
            articles.append(article)
            if solutions := take_solutions(article):
                heading = element("h2", *words(article.find(HEADING)), class_="depth-1")
                solved.append(element("section", heading, *solutions, id=anchor("solutions", page), class_="solutions"))
        parts.append((caption, articles))
    first = parts[0][1][0].find(HEADING)
    if first.get_text() == config["title"]:  # which stands on the cover
        first.string = "Introduction"
    if solved:
        parts.append((SOLUTIONS, solved))

    sheets = [Path("tools", "katex", "katex.min.css"), *sorted(Path("_static").glob("*.css"))]
    head = element("head", element("meta", charset="utf-8"), element("title", config["title"]))
    head.extend(element("link", rel="stylesheet", href=os.path.relpath(sheet, PRINT)) for sheet in sheets)
    head.append(style(parts))
    question = parts[0][1][0].select_one("p > em:only-child")
    subtitle = text(question) if question else ""
    body = element("body", cover(config["title"], subtitle, config["author"]), contents(parts))
    for caption, articles in parts:
        if caption:
            body.append(part_page(caption, articles))
        body.extend(articles)
    soup = BeautifulSoup("<!DOCTYPE html>", "html.parser")
    soup.append(element("html", head, body, lang="en"))
    return soup


def browser():
    """The path of Chromium."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        sys.exit("No Chromium to print with: install it (apt install chromium) or name it in CHROME_PATH.")
    return found


def chromium_prints(document, pdf):
    """Print a document to a file. Nothing is asked of another host."""
    options = ["--headless", "--disable-gpu", "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND"]
    options += ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"]
    options += ["--no-sandbox"] if os.geteuid() == 0 else []  # which Chromium refuses to root
    options += ["--no-pdf-header-footer", "--generate-pdf-document-outline"]
    pdf.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=PRINT) as profile:
        command = [browser(), *options, f"--user-data-dir={profile}", f"--print-to-pdf={pdf}", document.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True)
    if not pdf.exists():
        sys.exit(f"Chromium printed nothing:\n{done.stderr}")


def fill_in(soup, reader):
    """Write into the document the pages on which its places are. How many of them stood there differently?"""
    numbers = {page.indirect_reference.idnum: number for number, page in enumerate(reader.pages, 1)}
    places = {name.lstrip("/"): numbers[place.page.idnum] for name, place in reader.named_destinations.items()}
    changed = 0
    for link in soup.select("a.page-of"):
        number = str(places[link["href"][1:]])
        changed += link.string != number
        link.string = number
    return changed


def bookmarks(first):
    """The bookmarks from the first of a level on, in the order of the document."""
    while first is not None:
        first = first.get_object()
        yield first
        yield from bookmarks(first.get("/First"))
        first = first.get("/Next")


def finish(printed, soup, config, pdf):
    """Say in the file what it is, put mathematics into its bookmarks, and open it with them shown."""
    writer = pypdf.PdfWriter(printed, incremental=True)
    outline = bookmarks(writer.root_object["/Outlines"]["/First"])
    for bookmark, heading in zip(outline, soup.find_all(HEADING), strict=True):
        bookmark[pypdf.generic.NameObject("/Title")] = pypdf.generic.TextStringObject(text(heading))
    writer.add_metadata({"/Title": config["title"], "/Author": config["author"]})
    writer.page_mode = "/UseOutlines"
    writer.write(pdf)


def main():
    if not (HTML / "index.html").exists():
        sys.exit(f"No pages to print in {HTML}: run `make book` first.")
    browser()
    config, toc = (yaml.safe_load(Path(name).read_text()) for name in ("_config.yml", "_toc.yml"))
    PRINT.mkdir(exist_ok=True)
    name = re.sub(r"\W+", "-", config["title"].lower())
    document, pdf, printed = (PRINT.resolve() / f"{name}{end}" for end in (".html", ".pdf", ".part.pdf"))
    soup = assemble(config, toc)
    for _ in range(5):
        document.write_text(str(soup))
        chromium_prints(document, printed)
        reader = pypdf.PdfReader(printed)
        if not fill_in(soup, reader):
            finish(printed, soup, config, pdf)
            printed.unlink()
            print(f"The book: {pdf.relative_to(Path.cwd())}, {len(reader.pages)} pages")
            return
    sys.exit("The page numbers do not settle: each printing moves what they count.")


if __name__ == "__main__":
    main()
