"""The built pages: that they open from disk alone, and that nothing shows which should not."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from jupyter_cache import get_cache

ROOT = Path(__file__).parents[1]
HTML = ROOT / "_build" / "html"
sys.path.append(str(ROOT / "tools"))
from claim_lines import parse  # noqa: E402  (the build's tools are no package)


@pytest.fixture(scope="session")
def pages():
    """{path: its soup}. Builds the book if there is none; `make test` has just built it."""
    if not (HTML / "index.html").exists():
        subprocess.run([sys.executable, "tools/build.py"], cwd=ROOT, check=True)
    found = sorted(path for path in HTML.rglob("*.html") if "_static" not in path.parts)
    return {path: BeautifulSoup(path.read_text(), "html.parser") for path in found}


@pytest.fixture(scope="session")
def content(pages):
    """The pages that the book's authors wrote: {path: soup of the article}."""
    articles = {path: soup.select_one("article") for path, soup in pages.items()}
    return {path: article for path, article in articles.items() if article and path.stem not in ("genindex", "search")}


@pytest.fixture(scope="session")
def executed(pages):
    """The code cells of the notebooks with the outputs that the pages show: [(notebook, cell)]."""
    cache = get_cache(ROOT / "_build" / ".jupyter_cache")
    notebooks = sorted((ROOT / "chapters").glob("*.ipynb"))
    read = [(path, cache.merge_match_into_file(str(path))[1]) for path in notebooks]
    return [(path, cell) for path, notebook in read for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_every_page_of_the_contents_is_there(content):
    names = re.findall(r"(?:file|root): *(\S+)", (ROOT / "_toc.yml").read_text())
    assert {HTML / f"{name}.html" for name in names} == set(content)
    assert f"url={names[0]}.html" in (HTML / "index.html").read_text()


def test_no_page_asks_another_host(pages):
    for path, soup in pages.items():
        for tag in soup.select("[src], [srcset], link[href], object[data], form[action]"):
            for name in ("src", "srcset", "href", "data", "action"):
                assert not re.match(r"\s*(\w+:)?//", tag.get(name, "")), f"{path}: {tag}"
        for script in soup.select("script:not([src]), style"):
            assert not re.search(r"""["'(](https?:)?//[\w-]+\.[\w-]+""", script.get_text()), f"{path}: {script}"
    for sheet in HTML.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", sheet.read_text()), sheet


def test_every_link_leads_somewhere(pages):
    anchors = {path: {tag["id"] for tag in soup.select("[id]")} for path, soup in pages.items()}
    for path, soup in pages.items():
        for tag in soup.select("a[href], link[href], script[src], img[src]"):
            link = urlsplit(tag.get("href") or tag.get("src"))
            if link.scheme or not (link.path or link.fragment):
                continue
            target = (path.parent / unquote(link.path)).resolve() if link.path else path
            assert target.exists(), f"{path}: {tag}"
            if link.fragment and target in anchors:
                assert unquote(link.fragment) in anchors[target], f"{path}: {tag}"


def test_nothing_is_left_unrendered(content):
    raw = {
        "a role": r"\{[a-z]+(:[a-z]+)*\}\s*`?",
        "a directive": r"```|:::",
        "mathematics": r"\$\$|(?<!\\)\$[^$\n]+\$|\\(begin|end|frac|mathbb|operatorname|log)\b",
        "a link": r"\]\(|\]\[",
        "a reference": r"\?\?|\bproblematic\b",
        "emphasis": r"(?<!\*)\*\*\w",
    }
    for path, article in content.items():
        article = BeautifulSoup(str(article), "html.parser")
        for tag in article.select("pre, code, script, .math"):
            tag.decompose()
        for what, pattern in raw.items():
            found = re.search(pattern, article.get_text())
            assert not found, f"{path}: {what} shows as {found.group()!r}"


def test_all_mathematics_is_typeset(pages, content):
    pieces = 0
    for path, article in content.items():
        for tag in article.select(".math"):
            assert tag.select_one(".katex-html") and tag.select_one("math"), f"{path}: {tag.get_text()}"
            assert not tag.select_one(".katex-error, merror"), f"{path}: {tag.get_text()}"
            pieces += 1
        assert not pages[path].select("script[src*=mathjax]"), path
    assert pieces > 1000


def test_no_output_is_a_complaint(content, executed):
    for path, article in content.items():
        assert not article.select(".output.stderr, .output.error, .system-message, .problematic"), path
    for path, cell in executed:
        expected = "raises-exception" in cell["metadata"].get("tags", ())
        for output in cell["outputs"]:
            assert output["output_type"] != "error" or expected, f"{path}: {''.join(cell['source'])}"
            assert output.get("name") != "stderr", f"{path}: {output['text']}"


def test_every_figure_has_alternative_text(content, executed):
    for path, cell in executed:
        kinds = {kind for output in cell["outputs"] for kind in output.get("data", ())}
        alt = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt")
        needs = 'needs the metadata {"mystnb": {"image": {"alt": "…"}}}'
        assert alt or not kinds & {"image/png", "image/svg+xml"}, f"{path}: {needs}\n{''.join(cell['source'])}"
    for path, article in content.items():
        for image in article.select("img"):
            assert len(image.get("alt", "").split()) >= 4, f"{path}: {image}"


def test_every_term_of_the_glossary_is_linked_from_a_chapter(content):
    terms = {term["id"] for term in content[HTML / "reference" / "glossary.html"].select("dt[id^=term-]")}
    chapters = [article for path, article in content.items() if path.parent.name == "chapters"]
    linked = {urlsplit(a["href"]).fragment for article in chapters for a in article.select("a[href*='glossary.html#']")}
    assert len(terms) > 50
    assert terms == linked


def test_one_search_box(pages):
    for path, soup in pages.items():
        if path.name != "index.html":
            assert len(soup.select(".search-button-field")) == 1, path
            assert not soup.select("#pst-header .search-button__button"), path


def test_numbers_follow_the_chapter(content):
    for path, article in content.items():
        if path.parent.name == "chapters":
            number = int(path.stem.split("_")[0])
            equations = [tag.get_text() for tag in article.select(".eqno")]
            assert all(text.startswith(f"({number}.") for text in equations), f"{path}: {equations}"
            titles = [tag.get_text(strip=True) for tag in article.select(".exercise > .admonition-title")]
            assert all(title.startswith(f"Exercise {number}.") for title in titles), f"{path}: {titles}"


def test_the_page_of_claims_lists_every_claim(content, executed):
    texts = ["".join(output.get("text", "")) for _, cell in executed for output in cell["outputs"]]
    claims = [parse(line) for text in texts for line in text.splitlines() if parse(line)]
    rows = content[HTML / "reference" / "claims.html"].select("table.claims tbody tr")
    listed = [[cell.get_text(strip=True) for cell in row.select("td")] for row in rows]
    assert listed == [[claim.sentence, claim.measurement, claim.margin] for claim in claims]
    assert all(all(cells) for cells in listed)
    assert listed
