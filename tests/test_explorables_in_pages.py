"""Figures that move, in the built pages: each is moved by hand and by key, and its numbers are computed again."""

import base64
import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from browser import ROOT, Browser, lay_out
from bs4 import BeautifulSoup
from scipy import special

from vae_lib import VAE, FixedNormal, Normal, exact, explorables, mlp

AXE = Path(__file__).parent / "npm" / "node_modules" / "axe-core" / "axe.min.js"


class Found:
    """An explorable of a built page, before any script has touched it."""

    def __init__(self, path, tag):
        self.path, self.tag, self.kind = path, tag, tag["data-explorable"]
        self.data = unpacked(json.loads(tag.script.string))
        self.place = f'[data-explorable="{self.kind}"]'


def unpacked(value):
    """What `explorables.show` stored, as lists, dicts and arrays."""
    if isinstance(value, dict) and "shape" in value:
        key, dtype = next((key, dtype) for key, dtype in (("f16", "<f2"), ("u8", "u1")) if key in value)
        return np.frombuffer(base64.b64decode(value[key]), dtype).reshape(value["shape"]).astype(float)
    if isinstance(value, dict):
        return {name: unpacked(part) for name, part in value.items()}
    return [unpacked(part) for part in value] if isinstance(value, list) else value


@pytest.fixture(scope="session")
def found(site):
    pages = {path: path.read_text() for path in site.pages()}
    soups = {path: BeautifulSoup(text, "html.parser") for path, text in pages.items() if 'class="explorable"' in text}
    return [Found(path, tag) for path, soup in soups.items() for tag in soup.select(".explorable")]


@pytest.fixture(scope="module")
def opened(found, running_browser):
    """[(explorable, its page in a browser, what the page itself had complained of)]: a page takes seconds to open."""
    browser = Browser(running_browser.chromium)  # whose visits outlive a test
    visits = []
    for explorable in found:
        visit = browser.open(explorable.path)
        visits.append((explorable, visit, list(visit.complaints)))
        come_near(visit, explorable)
    yield visits
    browser.close_all()


# ------------------------------------------------------------------------------------- the same numbers, in Python


class Parabola(keras.layers.Layer):
    def call(self, z):
        return keras.ops.concatenate([z, z**2 - 1], axis=-1)


def bound(data, m, s):
    """Chapter 7's model, written once more, and the library's quadrature."""
    model = VAE(mlp(2, [], 2), keras.Sequential([keras.Input((1,)), Parabola()]), FixedNormal(0.25))
    x, q = np.float32([[0.15, 1.0]]), Normal(np.float32([[m]]), np.float32([[2 * np.log(s)]]))
    log_p, elbo = exact.log_marginal(model, x)[0], exact.elbo(model, x, q)[0]
    return {"log_p": log_p, "elbo": elbo, "gap": exact.kl_to_posterior(model, x, q)[0]}


ACTIVATIONS = {"linear": lambda a: a, "silu": lambda a: a * special.expit(a), "sigmoid": special.expit, "tanh": np.tanh}


def latent(data, x, y):
    answer = {"inside": 100 * (1 - np.exp(-(x**2 + y**2) / 2))}
    for i, model in enumerate(data["models"]):
        values = np.array([x, y])
        for layer in model["layers"]:
            values = ACTIVATIONS[layer["activation"]](values @ np.array(layer["kernel"]) + layer["bias"])
        answer[f"away{i}"] = np.linalg.norm(model["codes"] - [x, y], axis=1).min()
        answer[f"ink{i}"] = 100 * values.mean()
    return answer


def beta(data, beta):
    rate, distortion = np.array(data["rate"]), np.array(data["distortion"])
    i = data["betas"].index(beta)
    others = np.delete(distortion + beta * rate, i).min()
    answer = {"rate": rate[i], "distortion": distortion[i], "sum": rate[i] + distortion[i], "active": data["active"][i]}
    answer["above"] = answer["sum"] - data["entropy"]
    return answer | {"lead": others - (distortion[i] + beta * rate[i])}


def draws(data, k, c):
    """The gap of the bound by Gauss-Legendre quadrature over log u and log t; the share from samples."""
    nodes, mass = np.polynomial.legendre.leggauss(1500)
    s, a = 30 * (nodes + 1), 70 * nodes + 25  # u = exp(-s), t = exp(a)
    moment = np.exp(-np.outer(np.exp(a), c * np.exp(-(c - 1) * s))) @ (30 * mass * np.exp(-s))
    gap = np.log(k) - 70 * mass @ (np.exp(-np.exp(a)) - moment**k)
    log_w = np.log(c) + (c - 1) * np.log(np.random.default_rng(1).random((20_000, int(k))))
    above = special.logsumexp(log_w, axis=1) > np.log(k)
    return {"log_p": data["log_p"], "gap": gap, "bound": data["log_p"] - gap, "above": 100 * above.mean()}


TRUTH = {"bound": bound, "latent": latent, "beta": beta, "draws": draws}


def slack(kind, key):
    """Half of the last digit that is shown, and what rounding leaves; the page's share is that of 2000 samples."""
    return {"draws": {"above": 6.0}, "latent": {"away0": 0.006, "away1": 0.006}}.get(kind, {}).get(
        key, 0.06 if kind == "latent" else 0.0015
    )


# ---------------------------------------------------------------------------------------------------------- helpers


def number(text):
    """The first number of a text, with the typographer's minus."""
    return float(text.replace("−", "-").split()[0])


def shown(visit, place):
    read = "rows => Object.fromEntries(rows.map(row => [row.dataset.number, row.textContent]))"
    return {key: number(text) for key, text in visit.page.locator(f"{place} dd").evaluate_all(read).items()}


def settings(visit, place):
    read = "rows => Object.fromEntries(rows.map(row => [row.name, row.getAttribute('aria-valuetext')]))"
    return {key: number(text) for key, text in visit.page.locator(f"{place} input").evaluate_all(read).items()}


def come_near(visit, explorable):
    lay_out(visit.page)
    visit.page.locator(explorable.place).scroll_into_view_if_needed()
    visit.page.locator(f"{explorable.place}[data-ready] canvas").first.wait_for()
    visit.page.wait_for_function(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
    )


def assert_true(visit, explorable):
    there, values = shown(visit, explorable.place), settings(visit, explorable.place)
    expected = TRUTH[explorable.kind](explorable.data, **values)
    assert set(expected) <= set(there)
    for key, value in expected.items():
        assert there[key] == pytest.approx(value, abs=slack(explorable.kind, key)), (
            f"{explorable.path.name}: {key} {values}"
        )
    return there


# ------------------------------------------------------------------------------------------------------------ tests


def test_there_are_figures_of_every_kind_that_move(found):
    assert len(found) >= 5
    assert {explorable.kind for explorable in found} == set(explorables.KINDS) == set(TRUTH)


def test_only_their_pages_load_the_script(found, site):
    with_one = {explorable.path for explorable in found}
    for path in site.pages():
        assert ("explorables.js" in path.read_text()) == (path in with_one), path


def test_the_whole_style_reaches_the_page(found):
    style = (ROOT / "_static" / "explorables.css").read_text()
    for explorable in found:
        links = BeautifulSoup(explorable.path.read_text(), "html.parser").select('link[rel="stylesheet"]')
        sheets = [(explorable.path.parent / link["href"].split("?")[0]).read_text() for link in links]
        for name in set(re.findall(r"\.explorable[\w-]*|--explorable-\w+(?=:)", style)):
            assert any(re.search(rf"{name}(?![\w-])", sheet) for sheet in sheets), f"{explorable.path.name}: {name}"


def test_each_is_small_and_has_a_still_picture_above(found):
    for explorable in found:
        assert len(str(explorable.tag).encode()) <= explorables.LIMIT, explorable.path
        assert len(explorable.tag["aria-label"].split()) >= 4
        still = explorable.tag.find_previous("img")
        assert still is not None and len(still["alt"].split()) >= 4, explorable.path


def test_without_scripts_the_still_picture_stands_and_a_line_says_why_nothing_moves(found, browser):
    for explorable in found:
        visit = browser.open(explorable.path, scripts=False)
        place = visit.page.locator(explorable.place)
        assert place.inner_text().strip() == explorables.WITHOUT_SCRIPT
        still = visit.page.locator(f'img[src="{explorable.tag.find_previous("img")["src"]}"]')
        still.scroll_into_view_if_needed()
        assert still.is_visible() and still.bounding_box()["height"] > 100


def test_a_drag_and_a_key_change_the_numbers_to_what_python_computes(opened):
    for explorable, visit, at_load in opened:
        start = assert_true(visit, explorable)
        visit.drag(f"{explorable.place} .explorable-handle >> nth=0", -45, 12)
        dragged = assert_true(visit, explorable)
        assert dragged != start
        sliders = visit.page.locator(f"{explorable.place} input")
        for i in range(sliders.count()):
            before = assert_true(visit, explorable)
            sliders.nth(i).focus()
            for _ in range(2):
                visit.page.keyboard.press("ArrowRight")
            assert assert_true(visit, explorable) != before
        visit.page.wait_for_timeout(900)
        said = visit.page.locator(f"{explorable.place} [aria-live=polite]").text_content()
        assert any(text in said for text in visit.page.locator(f"{explorable.place} dd").all_text_contents())
        assert visit.complaints == at_load and not visit.elsewhere()


def test_every_slider_has_a_name_and_the_handle_does_as_the_sliders(opened):
    for explorable, visit, _ in opened:
        come_near(visit, explorable)
        sliders = visit.page.locator(f"{explorable.place}").get_by_role("slider")
        assert sliders.count() == len(settings(visit, explorable.place)) > 0
        for i in range(sliders.count()):
            label = visit.page.locator(f'label[for="{sliders.nth(i).get_attribute("id")}"]')
            assert label.inner_text().strip()
        before = visit.page.locator(f"{explorable.place} .explorable-handle").first.bounding_box()
        sliders.nth(0).focus()
        visit.page.keyboard.press("End")
        come_near(visit, explorable)
        assert visit.page.locator(f"{explorable.place} .explorable-handle").first.bounding_box()["x"] != before["x"]


def test_a_finger_taps_the_plot_and_drags_the_handle_and_nothing_overflows_a_phone(found, browser):
    for explorable in found:
        visit = browser.open(explorable.path, width=320, height=700, touch=True)
        come_near(visit, explorable)
        start = settings(visit, explorable.place)
        handle = visit.page.locator(f"{explorable.place} .explorable-handle").first
        plot = visit.page.locator(f"{explorable.place} .explorable-plot:has(.explorable-handle)").first
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        visit.page.touchscreen.tap(box["x"] + 0.35 * box["width"], box["y"] + 0.3 * box["height"])
        tapped = settings(visit, explorable.place)
        assert tapped != start
        come_near(visit, explorable)
        plot.scroll_into_view_if_needed()
        box = handle.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        touch = visit.page.context.new_cdp_session(visit.page)
        for kind, points in [
            ("touchStart", [{"x": x, "y": y}]),
            *[("touchMove", [{"x": x + 12 * step, "y": y + 4 * step}]) for step in range(1, 7)],
            ("touchEnd", []),
        ]:
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        assert settings(visit, explorable.place) != tapped
        assert_true(visit, explorable)
        assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), explorable.path


@pytest.mark.skipif(not AXE.is_file(), reason="no axe-core: npm install --prefix tests/npm --no-package-lock")
def test_axe_finds_nothing_in_them_in_light_or_dark(opened):
    for explorable, visit, _ in opened:
        visit.page.add_script_tag(path=AXE)
        for theme in ("light", "dark"):
            visit.page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
            report = visit.page.evaluate("place => axe.run(place)", explorable.place)
            assert not report["violations"], json.dumps(report["violations"], indent=1)
