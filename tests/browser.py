"""The built pages in a real browser: fixtures for tests in any file of this folder (`conftest.py` imports them).

    def test_a_drag_moves_the_number(browser, site):
        visit = browser.open(site / "chapters/07_the_variational_lower_bound.html")        # from disk, or
        visit = browser.open(site.url("chapters/07_….html"), dark=True, width=320)         # from a server, compressed
        visit.drag("#handle", 40, 0)                        # `visit.page` is Playwright's Page: evaluate, locator,
        visit.page.keyboard.press("ArrowRight")             # keyboard, mouse, screenshot, set_viewport_size, …
        assert visit.page.locator("output").inner_text() == "-1.92"
        visit.assert_clean()                                # no other host asked, nothing missing, nothing logged

The browser is a Chromium that is found on the machine (or named by CHROME_PATH), driven by Playwright, which brings no
browser of its own here. Without one these tests are skipped and say so. Names of hosts do not resolve in it.
"""

import gzip
import mimetypes
import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
HTML = ROOT / "_build" / "html"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]

SECTIONS_SHOWN = """[...document.querySelectorAll(".bd-article > section > section")]
  .every((section) => getComputedStyle(section).contentVisibility === "visible")"""

TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def chromium():
    """Where the browser is; a test that calls this is skipped if there is none."""
    names = [os.environ.get("CHROME_PATH", ""), "chromium", "chromium-browser", "google-chrome"]
    return next(filter(None, map(shutil.which, names)), None) or pytest.skip(
        "no Chromium: install it or set CHROME_PATH"
    )


def lay_out(page):
    """Do what a reader does first, upon which all of the page is laid out."""
    page.keyboard.press("Shift")
    page.wait_for_function(SECTIONS_SHOWN)
    page.evaluate(TWO_FRAMES)
    page.evaluate("document.fonts.ready.then(() => null)")
    page.evaluate(TWO_FRAMES)


class Visit:
    """A page that was opened, with what it asked for and what went wrong."""

    def __init__(self, context, address):
        self.address, self.asked, self.complaints = address, [], []
        self.page = page = context.new_page()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", lambda socket: self.asked.append(socket.url))
        page.on("requestfailed", self.miss)
        page.on(
            "response", lambda answer: answer.status < 400 or self.complaints.append(f"{answer.url}: {answer.status}")
        )
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("console", self.hear)
        page.goto(address, wait_until="load")

    def hear(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(f"console {message.type}: {message.text}")

    def miss(self, request):
        if request.failure != "net::ERR_ABORTED":  # of no use any more, since the page was left
            self.complaints.append(f"{request.url}: {request.failure}")

    def elsewhere(self):
        """What was asked of any other place than the page's own: [URL]."""
        home = urlsplit(self.address)
        own = [("data", ""), ("blob", ""), (home.scheme, home.netloc)]
        return [url for url in self.asked if (*urlsplit(url)[:2],) not in own]

    def assert_clean(self):
        assert not self.elsewhere(), f"{self.address} asks another host: {self.elsewhere()}"
        assert not self.complaints, f"{self.address}: {self.complaints}"

    def drag(self, selector, dx, dy, steps=5):
        """Press the mouse on the middle of an element, move by (dx, dy) pixels in steps, let go."""
        element = self.page.locator(selector)
        element.scroll_into_view_if_needed()
        box = element.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + dx, y + dy, steps=steps)
        self.page.mouse.up()

    def close(self):
        self.page.context.close()


class Browser:
    def __init__(self, chromium):
        self.chromium, self.visits = chromium, []

    def open(self, address, *, dark=False, width=1280, height=800, touch=False, scripts=True, density=1):
        """Open a path or a URL as a new visitor and wait until it has loaded -> Visit.

        ``width`` and ``height`` in CSS pixels, ``density`` device pixels in each; ``scripts=False`` turns them off.
        """
        address = address.as_uri() if isinstance(address, Path) else address
        context = self.chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            has_touch=touch,
            java_script_enabled=scripts,
            device_scale_factor=density,
            reduced_motion="reduce",
        )
        self.visits.append(Visit(context, address))
        return self.visits[-1]

    def close_all(self):
        while self.visits:
            self.visits.pop().close()


@contextmanager
def launched():
    """A browser outside of pytest: ``with launched() as browser: browser.open(…)``."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        try:
            yield Browser(running)
        finally:
            running.close()


@pytest.fixture(
    scope="module"
)  # no longer: while Playwright runs, its thread can start no other event loop (nbval must)
def running_browser():
    with launched() as browser:
        yield browser


@pytest.fixture
def browser(running_browser):
    """A Browser; what the test opened is closed after it."""
    yield running_browser
    running_browser.close_all()


@cache
def compressed(path, changed):
    return gzip.compress(path.read_bytes(), 6)


class Handler(BaseHTTPRequestHandler):
    """What a usual host does: text is compressed, files may be kept, connections stay open."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = HTML / unquote(urlsplit(self.path).path).lstrip("/")
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file() or HTML not in path.resolve().parents:
            return self.send_error(404)
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        text = kind.startswith("text/") or kind.endswith(("javascript", "json", "svg+xml"))
        content = compressed(path, path.stat().st_mtime_ns) if text else path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if text else kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "max-age=600")
        if text:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a browser that leaves is no error
            super().handle_error(request, client_address)


class Site:
    """The built book: ``site / "intro.html"`` is the file, ``site.url("intro.html")`` the same from a server."""

    def __init__(self, port):
        self.root = f"http://127.0.0.1:{port}/"

    def __truediv__(self, name):
        return HTML / name

    def url(self, path):
        path = path.relative_to(HTML).as_posix() if isinstance(path, Path) else path
        return self.root + path

    def pages(self):
        """The paths of all pages, in order; `index.html` only leads to the first."""
        found = sorted(path for path in HTML.rglob("*.html") if "_static" not in path.parts)
        return [path for path in found if "<article" in path.read_text()]


@pytest.fixture(scope="session")
def site():
    """The built book, served as well. Builds it if there is none; `make test` has just built it."""
    if not (HTML / "index.html").exists():
        subprocess.run([sys.executable, "tools/build.py"], cwd=ROOT, check=True)
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Site(server.server_port)
    server.shutdown()
    server.server_close()
