"""How things are found in the built pages: the walk, the index, the bibliography, the colophon."""

import re
from functools import cache
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[1]
CHAPTERS = [path.stem for path in sorted((ROOT / "chapters").glob("*.ipynb"))]


@cache
def soup(path):
    return BeautifulSoup(path.read_text(), "html.parser")


@pytest.fixture(scope="module")
def article(site):
    """The article of a page, by the page's name."""
    return lambda name: soup(site / f"{name}.html").select_one("article")


@pytest.fixture(scope="module")
def chapters(article):
    return {int(name[:2]): article(f"chapters/{name}") for name in CHAPTERS}


@pytest.fixture(scope="module")
def places(chapters):
    """{(number of the chapter, id): the tag}"""
    return {(number, tag["id"]): tag for number, page in chapters.items() for tag in page.select("[id]")}


def title(article):
    return article.select_one("h1").find(string=True).strip()


def links_to_anchors(article, page):
    """[(the link, its anchor)] of the links to another page."""
    found = article.select(f"a[href*='{page}.html#']")
    return [(link, urlsplit(link["href"]).fragment) for link in found]


def test_the_walk_leads_to_every_chapter_by_its_title_in_both_drawings(article, chapters):
    drawings = article("intro").select("figure.walk svg")
    assert [drawing["class"] for drawing in drawings] == [["wide"], ["narrow"]]
    for drawing in drawings:
        assert drawing["role"] == "group" and drawing["aria-label"]
        links = drawing.select("a")
        assert [link["href"] for link in links] == [f"chapters/{name}.html" for name in CHAPTERS]
        for link, chapter in zip(links, chapters.values(), strict=True):
            said = " ".join(text.get_text(strip=True) for text in link.select("text.title"))
            assert said == title(chapter)
            assert link.select("text.about"), f"intro.md says nothing about {said}"


def test_no_text_of_the_walk_leaves_its_box(article):
    for link in article("intro").select("figure.walk a"):
        box = link.select_one("rect")
        for text in link.select("text"):
            room = float(box["x"]) + float(box["width"]) - float(text["x"])
            letter = 8.3 if "title" in text["class"] else 7.3
            assert len(text.get_text(strip=True)) * letter <= room, text
            assert float(box["y"]) < float(text["y"]) < float(box["y"]) + float(box["height"])


def test_the_index_lists_every_use_of_every_term(article, chapters, places):
    used = {
        (anchor, number)
        for number, page in chapters.items()
        for _, anchor in links_to_anchors(page, "reference/glossary")
    }
    listed = set()
    for term in article("reference/terms").select("dl.definition-list-of-terms > dt"):
        anchor = urlsplit(term.select_one("a")["href"]).fragment
        for line in term.find_next_sibling("dd").select("p"):
            number = int(re.match(r"Chapter (\d+): ", line.get_text())[1])
            listed.add((anchor, number))
            for link in line.select("a"):
                section = places[number, urlsplit(link["href"]).fragment]
                assert section.select(f"a[href$='glossary.html#{anchor}']"), f"{term.get_text()}: {link}"
    assert listed == used and len(used) > 100


def test_every_letter_leads_to_its_terms(article):
    page = article("reference/terms")
    letters = page.select("a[href^='#terms-']")
    heads = page.select("p.rubric[id^=terms-]")
    assert [link["href"] for link in letters] == [f"#{head['id']}" for head in heads] and heads
    for head in heads:
        terms = head.find_next_sibling("dl").select("dt")
        assert {term.get_text(strip=True)[0].upper() for term in terms} == {head.find(string=True).strip()}


def test_every_entry_of_the_bibliography_leads_back(article, chapters, places):
    cited = {(a, number) for number, page in chapters.items() for _, a in links_to_anchors(page, "bibliography")}
    listed, entries = set(), article("reference/bibliography").select("div.citation")
    for entry in entries:
        links = entry.select(".cited-in a")
        assert links, f"cited nowhere: {entry.get_text()}"
        for link in links:
            if number := re.fullmatch(r"chapter (\d+)", link.get_text()):
                listed.add((entry["id"], int(number[1])))
                place = places[int(number[1]), urlsplit(link["href"]).fragment]
                assert place.select(f"a[href$='bibliography.html#{entry['id']}']"), link
    assert listed == cited and len(entries) > 50


def test_the_colophon_tells_what_was_run_and_with_what(article, chapters):
    page = article("reference/colophon")
    runs, packages = ([row.select("td") for row in table.select("tbody tr")] for table in page.select("table"))
    assert [cells[0].get_text(strip=True) for cells in runs] == [title(chapter) for chapter in chapters.values()]
    assert all(re.fullmatch(r"\d+ s|[\d.]+ min", cells[1].get_text(strip=True)) for cells in runs)
    counts = [int(cells[3].get_text()) for cells in runs]
    assert sum(counts) == len(article("reference/claims").select("table.claims tbody tr"))
    assert f"made {sum(counts)} claims" in page.get_text()
    listed = {cells[0].get_text(strip=True): cells[1].get_text(strip=True) for cells in packages}
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert set(listed) == {"Python", *pinned}
    assert all(listed[name] == version(name) for name in pinned)


def test_a_claim_leads_to_the_cell_that_made_it(article, places):
    for row in article("reference/claims").select("table.claims tbody tr"):
        link = row.select_one("a")
        number = int(re.search(r"chapters/(\d+)_", link["href"])[1])
        place = places[number, urlsplit(link["href"]).fragment]
        assert link.get_text() in place.get_text() or link.get_text() in place.parent.get_text()


def test_one_page_leads_to_the_next(site):
    names = re.findall(r"(?:file|root): *(\S+)", (ROOT / "_toc.yml").read_text())
    for name, following in pairwise(names):
        link = soup(site / f"{name}.html").select_one("a.right-next")
        assert ((site / f"{name}.html").parent / link["href"]).resolve() == site / f"{following}.html"
        back = soup(site / f"{following}.html").select_one("a.left-prev")
        assert ((site / f"{following}.html").parent / back["href"]).resolve() == site / f"{name}.html"
