"""Every built page in a real browser, from disk and from a server, with no other host to be found."""

import re

import pytest
from browser import HTML, ROOT, lay_out

NPM = ROOT / "tests" / "npm" / "node_modules"
CHAPTER = "chapters/07_the_variational_lower_bound.html"
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 320, "height": 640}  # 320: a phone, or 1280 at 400 %

# Pictures wait until they come near; here they must all come.
ALL_PICTURES = """async () => {
  const pictures = [...document.images].filter((image) => image.src);
  pictures.forEach((image) => image.loading = "eager");
  await Promise.allSettled(pictures.map((image) => image.decode()));
  return pictures.filter((image) => !image.naturalWidth).map((image) => image.src);
}"""

# What sticks out of the page on the right, unless it is in a frame of its own that can be moved, or is not to be seen.
TOO_WIDE = """() => {
  const framed = (element) => {
    for (let frame = element; frame !== document.body; frame = frame.parentElement) {
      const style = getComputedStyle(frame);
      if (["auto", "scroll"].includes(style.overflowX) || style.clipPath !== "none" || style.visibility === "hidden")
        return true;
    }
    return false;
  };
  const found = [...document.querySelectorAll("article *, footer *")].filter((element) => {
    const box = element.getBoundingClientRect();
    return box.width && box.right > innerWidth + 1 && !element.closest("svg, .katex-mathml") && !framed(element);
  });
  return found.map((element) => element.outerHTML.slice(0, 150));
}"""


def test_what_goes_wrong_is_seen(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        "<link rel=icon href=data:,><img src=missing.png><img src=https://elsewhere.example/pixel.png>"
        "<script>console.error('said'); undefined_name</script><p id=handle>0"
        "<script>handle.onmousedown = () => onmousemove = e => handle.textContent = Math.round(e.movementX)</script>"
        "<article><p style='width: 50em'>"
    )
    visit = browser.open(page, dark=True, width=320)
    assert visit.elsewhere() == ["https://elsewhere.example/pixel.png"]
    for complaint in ("missing.png", "elsewhere.example", "said", "undefined_name"):
        assert any(complaint in line for line in visit.complaints), complaint
    with pytest.raises(AssertionError, match="another host"):
        visit.assert_clean()
    assert visit.page.evaluate("[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]") == [320, True]
    assert len(visit.page.evaluate(ALL_PICTURES)) == 2
    assert "50em" in visit.page.evaluate(TOO_WIDE)[0]
    visit.drag("#handle", 40, 0, steps=4)
    assert visit.page.inner_text("#handle") == "10"


@pytest.mark.parametrize("place", ["disk", "server"])
def test_every_page_is_whole_alone(browser, site, place):
    for path in site.pages():
        visit = browser.open(path if place == "disk" else site.url(path), dark=place == "disk")
        assert not visit.page.evaluate(ALL_PICTURES), path
        visit.assert_clean()
        browser.close_all()


def test_the_folder_opens_at_the_first_page(browser, site):
    for start in (site / "index.html", site.url("index.html")):
        visit = browser.open(start)
        visit.page.wait_for_url("**/intro.html")
        assert not visit.elsewhere()


def test_nothing_sticks_out_of_a_phone(browser, site):
    for path in site.pages():
        visit = browser.open(path, **PHONE)
        lay_out(visit.page)
        assert visit.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], path
        assert not visit.page.evaluate(TOO_WIDE), path
        browser.close_all()


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_formula_stands_in_the_middle_or_begins_in_sight(browser, site, size):
    page = browser.open(site / CHAPTER, **size).page
    lay_out(page)
    places = page.evaluate("""[...document.querySelectorAll("article div.math")].map((math) => {
      const [frame, number] = [".katex-display", ".eqno"].map((name) => math.querySelector(name));
      const pieces = [...frame.querySelectorAll(".katex-base")].map((piece) => piece.getBoundingClientRect());
      const [box, whole] = [frame, math].map((element) => element.getBoundingClientRect());
      const [left, right] = [Math.min(...pieces.map((p) => p.left)), Math.max(...pieces.map((p) => p.right))];
      const used = box.width + (number?.offsetWidth ?? 0);
      return {before: left - box.left, after: box.right - right, left: whole.width - used};
    })""")
    assert len(places) > 10
    for place in places:
        assert place["before"] >= -1 and place["left"] < 30, place
        assert abs(place["before"] - place["after"]) < 25 or (place["after"] < 0 and place["before"] < 25), place


@pytest.mark.skipif(not (NPM / "axe-core").is_dir(), reason="no axe: npm install --prefix tests/npm --no-package-lock")
@pytest.mark.parametrize(("dark", "size"), [(False, WIDE), (True, PHONE)], ids=["light", "dark on a phone"])
def test_axe_finds_nothing(browser, site, dark, size):
    for path in site.pages():
        visit = browser.open(site.url(path), dark=dark, **size)
        lay_out(visit.page)
        visit.page.add_script_tag(path=NPM / "axe-core" / "axe.min.js")
        found = visit.page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        assert not found, (path, [(rule["id"], [node["html"][:300] for node in rule["nodes"]]) for rule in found])
        browser.close_all()


@pytest.mark.parametrize("place", ["disk", "server"])
def test_the_search_finds_a_word(browser, site, place):
    start = site / "intro.html" if place == "disk" else site.url("intro.html")
    visit = browser.open(start)
    page = visit.page
    page.keyboard.press("Control+k")
    page.keyboard.type("quadrature")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results ul.search li a")
    page.wait_for_function("document.querySelector('.search-summary').textContent.includes('found')")
    names = page.locator("#search-results ul.search li > a").evaluate_all("links => links.map(link => link.href)")
    known = {path.name for path in HTML.glob("chapters/*.html") if "quadrature" in path.read_text()}
    assert known and known <= {re.search(r"[^/]*\.html", name)[0] for name in names}
    page.locator("#search-results ul.search li > a").first.click()
    page.wait_for_selector("article h1")
    visit.assert_clean()


def test_the_theme_switch_is_remembered(browser, site):
    for dark in (False, True):
        visit = browser.open(site.url(CHAPTER), dark=dark)
        theme = "document.documentElement.dataset.theme"
        assert visit.page.evaluate(theme) == ("dark" if dark else "light")
        grounds = set()
        for _ in range(3):  # light, dark, as the system
            visit.page.click(".theme-switch-button")
            mode = visit.page.evaluate("document.documentElement.dataset.mode")
            assert visit.page.evaluate(theme) == (mode if mode != "auto" else "dark" if dark else "light")
            assert visit.page.locator(".theme-switch:visible").get_attribute("data-mode") == mode
            grounds.add(
                (visit.page.evaluate(theme), visit.page.evaluate("getComputedStyle(document.body).backgroundColor"))
            )
        assert len(grounds) == 2  # one for each theme
        visit.page.evaluate("localStorage.setItem('mode', 'dark'); localStorage.setItem('theme', 'dark')")
        visit.page.reload()
        assert visit.page.evaluate(theme) == "dark"
        visit.assert_clean()


def test_a_page_works_without_scripts(browser, site):
    page = browser.open(site / CHAPTER, scripts=False).page
    assert page.locator("article .katex-html").first.is_visible()
    assert page.locator("article h1").first.evaluate("h => getComputedStyle(h).fontFamily") != ""
    assert page.locator("nav.bd-docs-nav a").first.is_visible()


def test_what_folds_unfolds_and_what_copies_copies(browser, site):
    visit = browser.open(site.url(CHAPTER))
    page = visit.page
    solution = page.locator(".admonition.dropdown.solution").first
    inside = solution.locator("p:not(.admonition-title)").first
    solution.scroll_into_view_if_needed()
    assert not inside.is_visible()
    solution.locator(".admonition-title").click()
    inside.wait_for(state="visible")
    code = page.locator("details.hide").first
    assert not code.locator("pre").first.is_visible()
    code.locator("summary").click()
    assert code.locator("pre").first.is_visible()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    cell = page.locator(".cell_input:not(details *) .highlight").first
    cell.hover()
    cell.locator("button.copybtn").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == cell.locator("pre").inner_text().strip()
    visit.assert_clean()


def test_the_sidebar_opens_on_a_phone(browser, site):
    visit = browser.open(site.url(CHAPTER), **PHONE)
    link = visit.page.locator("nav.bd-docs-nav a", has_text="6. Latent-variable models")
    assert not link.is_visible()
    visit.page.click(".primary-toggle")
    link.wait_for(state="visible")
    link.click()
    visit.page.wait_for_url("**/06_latent_variable_models.html")
    visit.assert_clean()


def test_every_heading_is_where_its_link_says(browser, site):
    """Sections are laid out late; a jump must arrive all the same, from within the page and from elsewhere."""
    page = browser.open(site / CHAPTER).page
    links = page.locator("nav.page-toc a")
    assert links.count() > 5
    for link in [links.nth(index) for index in range(links.count())][::-1]:
        link.evaluate("link => link.click()")
        page.wait_for_timeout(100)
        name = link.get_attribute("href")[1:]
        top = page.evaluate("name => document.getElementById(name).getBoundingClientRect().top", name)
        assert 0 <= top < 400, f"{name} is {top} pixels from the top"
    page = browser.open((site / CHAPTER).as_uri() + "#exercises").page
    page.wait_for_timeout(300)
    assert 0 <= page.evaluate("document.getElementById('exercises').getBoundingClientRect().top") < 400
    page.reload()
    page.wait_for_timeout(300)
    assert 0 <= page.evaluate("document.getElementById('exercises').getBoundingClientRect().top") < 400


@pytest.mark.parametrize(("name", "frame"), [(CHAPTER, ".katex-display"), ("intro.html", "pre")])
def test_a_wide_frame_is_moved_by_the_keyboard(browser, site, name, frame):
    page = browser.open(site / name, **PHONE).page
    lay_out(page)
    frames = page.locator(f"article {frame}")
    wide = frames.evaluate_all("all => all.map(one => one.scrollWidth > one.clientWidth)")
    assert any(wide)
    assert frames.evaluate_all("all => all.map(one => one.tabIndex === 0)") == wide
    frames.nth(wide.index(True)).focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.activeElement.scrollLeft > 0")


def test_the_one_style_sheet_looks_as_all_of_them(browser, site):
    """Whatever is drawn has the same style with the sheet that was cut down and with those that it was made of."""
    page = browser.open(site.url(CHAPTER)).page
    lay_out(page)
    sheet = (HTML / "_static" / "book.min.css").read_text()
    original = re.match(r"/\*! What the pages use of: (.*?) \*/", sheet)[1].split()
    assert "styles/pydata-sphinx-theme.css" in original and "styles/sphinx-book-theme.css" in original
    compare = """async ([original, theme]) => {
      document.documentElement.dataset.theme = theme;
      const still = "* {transition: none !important; animation: none !important}";
      document.head.append(Object.assign(document.createElement("style"), {textContent: still}));
      document.querySelectorAll("details").forEach((details) => details.open = true);
      const kinds = new Map();  // one of each kind of element in each kind of place
      for (const element of document.body.querySelectorAll("*:not(.katex *, svg *)")) {
        const place = [element, element.parentElement].map((one) => one.tagName + one.getAttribute("class")).join();
        kinds.has(place) || kinds.set(place, element);
      }
      const elements = [...kinds.values()];
      const styles = () => elements.map((element) =>
        ["", "::before", "::after"].map((part) => {
          const style = getComputedStyle(element, part || null);
          return Object.fromEntries([...style].filter((name) => !name.startsWith("--")).map((name) =>
            [name, style.getPropertyValue(name)]));
        }));
      const made = document.querySelector("link[rel=stylesheet][href*='book.min.css']");
      const settled = () => document.body.offsetHeight && document.fonts.ready;  // the icons have their font
      await settled();
      const before = styles();
      const links = original.map((name) => Object.assign(document.createElement("link"),
        {rel: "stylesheet", href: new URL(name, made.href)}));
      await Promise.all(links.map((link) => new Promise((done) => {
        link.onload = link.onerror = done;
        document.head.append(link);
      })));
      made.disabled = true;
      await settled();
      const after = styles();
      made.disabled = false;
      links.forEach((link) => link.remove());
      const found = new Set();
      before.forEach((parts, index) => parts.forEach((style, part) => {
        for (const [name, value] of Object.entries(after[index][part])) {
          if (style[name] !== value)
            found.add(`${elements[index].tagName}.${elements[index].className} ${name}: ${value}, now ${style[name]}`);
        }
      }));
      return [elements.length, [...found].slice(0, 40)];
    }"""
    for theme in ("light", "dark"):
        count, different = page.evaluate(compare, [original, theme])
        assert count > 100 and not different, "\n".join(different)
