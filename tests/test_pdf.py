"""The printed book: what its contents and bookmarks say is where they say it, and nothing on its pages is cut."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pypdf
import pypdfium2
import pytest
from browser import chromium
from bs4 import BeautifulSoup, SoupStrainer

ROOT = Path(__file__).parents[1]
HTML = ROOT / "_build" / "html"
HEADING = re.compile("^h[1-6]$")
MILLIMETRE = 72 / 25.4


@pytest.fixture(scope="module")
def book():
    """The printed book: its document as soup, its PDF, and what each page says and shows. Printing takes a minute."""
    chromium()
    if not (HTML / "index.html").exists():
        subprocess.run([sys.executable, "tools/build.py"], cwd=ROOT, check=True)
    done = subprocess.run([sys.executable, "tools/pdf.py"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    pdf = ROOT / re.search(r"The book: (\S+\.pdf)", done.stdout)[1]
    reader = pypdf.PdfReader(pdf)
    numbers = {page.indirect_reference.idnum: number for number, page in enumerate(reader.pages, 1)}
    places = {name.lstrip("/"): numbers[place.page.idnum] for name, place in reader.named_destinations.items()}
    soup = BeautifulSoup(pdf.with_suffix(".html").read_text(), "html.parser")
    texts, feet, pictures = zip(*map(read, pypdfium2.PdfDocument(pdf)), strict=True)
    return SimpleNamespace(
        document=pdf.with_suffix(".html"),
        soup=soup,
        reader=reader,
        texts=texts,
        feet=feet,
        pictures=pictures,
        places=places,
    )


def squeezed(text):
    """Text without what the ends of printed lines change: spaces, and hyphens, for which PDFium has its own signs."""
    return re.sub(r"[\s\x02\ufffe-]", "", text)


def titles():
    """The titles of all pages of _toc.yml, in order, as the built pages have them."""
    names = re.findall(r"(?:file|root): *(\S+)", (ROOT / "_toc.yml").read_text())
    heading, texts = SoupStrainer("h1"), [(HTML / f"{name}.html").read_text() for name in names]
    soups = [BeautifulSoup(text.split("<article", 1)[1], "html.parser", parse_only=heading) for text in texts]
    return [soup.h1.get_text().removesuffix("#").strip() for soup in soups]


def read(page):
    """What a page and its foot say, squeezed; where its pictures stand: [(left, bottom, right, top)], points."""
    pictures = page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])
    text = page.get_textpage()
    said = text.get_text_bounded(), text.get_text_bounded(top=24 * MILLIMETRE)
    return *map(squeezed, said), [picture.get_bounds() for picture in pictures]


def test_pages_are_a4_and_numbered(book):
    assert 100 < len(book.reader.pages) < 2000
    for number, (page, foot) in enumerate(zip(book.reader.pages, book.feet, strict=True), 1):
        assert [round(side / MILLIMETRE) for side in page.mediabox[2:]] == [210, 297]
        assert number == 1 or re.search(rf"(?<!\d){number}$", foot), (number, foot)


def test_the_cover_says_what_it_is(book):
    title = book.soup.title.get_text()
    assert squeezed(title) in book.texts[0] and "Version" in book.texts[0]
    assert book.reader.metadata.title == title and book.reader.metadata.author


def test_contents_name_every_page_where_it_is(book):
    lines = book.soup.select("#contents .line")
    named = {tag["id"]: tag for tag in book.soup.select("[id]")}
    linked = {line.a["href"] for line in lines}
    listed = [line.a.get_text() for line in lines]
    assert set(titles()[1:]) <= set(listed)
    for line in lines:
        place, number = line.a["href"][1:], int(line.select_one(".page-of").get_text())
        assert book.places[place] == number, line
        heading = named[place] if HEADING.match(named[place].name) else named[place].find(HEADING)
        said = [squeezed(part) for part in heading.find_all(string=True) if not part.find_parent(class_="katex")]
        assert all(part in book.texts[number - 1] for part in said), (number, said)
        assert any(
            squeezed(line.get_text()) in re.sub(r"\.{2,}", "", text) for text in book.texts[1:8]
        ) or heading.find(class_="katex"), line
    assert len(linked) == len(lines)


def test_bookmarks_lead_to_the_headings(book):
    bookmarks = []

    def collect(outline, depth):
        for item in outline:
            if isinstance(item, list):
                collect(item, depth + 1)
            else:
                bookmarks.append((depth, item.title, book.reader.get_destination_page_number(item)))

    collect(book.reader.outline, 0)
    named = [title for depth, title, _ in bookmarks if depth < 2]
    chapters = titles()[1:]
    in_order = [title for title in named if title in chapters]
    assert in_order[: len(chapters)] == chapters  # those of the solutions come after
    for _, title, page in bookmarks:
        if "\\" not in title:
            assert squeezed(title) in book.texts[page], (title, page + 1)


def test_every_link_leads_to_a_page_or_to_the_web(book):
    inside = {link["href"][1:] for link in book.soup.select("a[href^='#']")}
    named = Counter(tag["id"] for tag in book.soup.select("[id]"))
    assert len(inside) > 500
    assert not inside - set(book.places)
    assert not [anchor for anchor in inside if named[anchor] != 1]
    for number, page in enumerate(book.reader.pages, 1):
        for link in page.get("/Annots", []):
            link = link.get_object()
            if action := link.get("/A"):
                assert re.match("https?://", action["/URI"]), (number, action["/URI"])
            else:
                assert str(link["/Dest"]).lstrip("/") in book.places, (number, link["/Dest"])


def test_every_solution_is_named_by_its_exercise(book):
    solutions = book.soup.select(".solutions div.solution")
    named = [link["href"][1:] for link in book.soup.select(".exercise .see .page-of")]
    assert len(solutions) > 30
    assert sorted(named) == sorted(solution["id"] for solution in solutions)
    assert all(link.get_text() != "000" for link in book.soup.select(".page-of"))


def test_no_figure_is_cut(book):
    drawn = 0
    for number, boxes in enumerate(book.pictures, 1):
        for left, bottom, right, top in boxes:
            drawn += 1
            assert left >= 20 * MILLIMETRE and right <= 190 * MILLIMETRE, number
            assert bottom >= 20 * MILLIMETRE and top <= 280 * MILLIMETRE, number
            assert right - left > 20 * MILLIMETRE, number
    assert drawn == len(book.soup.select("img")) > 50  # one that two pages share would be drawn twice


def test_nothing_is_wider_than_the_page(book, browser):
    visit = browser.open(book.document, width=round(156 / 25.4 * 96))
    visit.page.emulate_media(media="print")
    wide = visit.page.evaluate(
        """() => [...document.querySelectorAll("section:not(#cover) :is(.katex-base, pre, table, img)")]
                 .filter(part => part.getBoundingClientRect().right > innerWidth + 1)
                 .map(part => part.textContent.slice(0, 80))"""
    )
    assert not wide
    visit.assert_clean()


def test_text_can_be_found_and_claims_are_whole(book):
    text = "".join(book.texts)
    claims = book.soup.select("pre span.claim")
    assert len(claims) > 100
    for claim in claims:
        assert squeezed(claim.get_text()) in text, claim


def test_every_font_is_in_the_file(book):
    fonts = set()
    for page in book.reader.pages:
        for font in page["/Resources"].get("/Font", {}).values():
            font = font.get_object()
            below = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
            if font["/Subtype"] != "/Type3":  # whose letters are drawings in the file
                assert any(name.startswith("/FontFile") for name in below["/FontDescriptor"]), font["/BaseFont"]
                fonts.add(font["/BaseFont"].split("+")[-1])
    assert {"STIXGeneral-Regular", "DejaVuSansMono", "KaTeX_Math-Italic"} <= fonts, fonts


@pytest.fixture
def elsewhere(tmp_path):
    """A book of a title alone, with the tool."""
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def complaint(folder, **environment):
    done = subprocess.run(
        [sys.executable, "tools/pdf.py"], cwd=folder, capture_output=True, text=True, env={"PATH": "", **environment}
    )
    assert done.returncode == 1
    return done.stderr


def test_what_is_missing_is_named(elsewhere):
    assert "run `make book` first" in complaint(elsewhere)
    (elsewhere / "_build" / "html").mkdir(parents=True)
    (elsewhere / "_build" / "html" / "index.html").touch()
    assert "apt install chromium" in complaint(elsewhere)
    assert "CHROME_PATH" in complaint(elsewhere, CHROME_PATH="/no/such/browser")
