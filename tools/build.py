"""Build the book: `python tools/build.py`, from the project's folder. `make book` calls it.

Jupyter Book keeps the outputs of an executed notebook for as long as its code cells stay the same, and the
parsed pages for as long as their files stay the same. Both are too long. Here the outputs are dropped when the
library, the packages or the record of the MNIST table changed, and the pages are read again when any page
changed (one may refer to another) or when the last build failed (a warning is given only when a page is read).
"""

import hashlib
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from shutil import rmtree

BUILD = Path("_build")
INDEX = BUILD / "html" / "index.html"
CODE = ["vae_lib", "benchmarks/rows", "requirements.txt", "pyproject.toml"]
PAGES = ["_config.yml", "_toc.yml", "intro.md", "chapters", "reference", "_static", "tools"]


def fingerprint(names):
    """A hash of all files under the names: their paths and what they hold."""
    found = hashlib.sha256(repr((sys.version, installed())).encode())
    for path in sorted(p for name in names for p in [Path(name), *Path(name).rglob("*")] if p.is_file()):
        if not any(part.startswith(".") or part == "__pycache__" for part in path.parts):
            found.update(f"{path.as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def installed():
    """The versions that are installed of what requirements.txt pins: they may be others."""
    names = [line.split("==")[0] for line in Path("requirements.txt").read_text().splitlines() if "==" in line]
    return sorted(f"{found.name}=={found.version}" for found in distributions() if found.name in names)


def differs(name, now):
    """Whether the stored fingerprint of that name is another one. Forget it: the build must earn it anew."""
    stored = BUILD / f"{name}.fingerprint"
    before = stored.read_text() if stored.exists() else None
    if before != now:
        stored.unlink(missing_ok=True)
    return before != now


def executed():
    """The stored runs of the notebooks: {path: (identity of the run, seconds)}."""
    from jupyter_cache import get_cache

    cache, runs = get_cache(BUILD / ".jupyter_cache"), {}
    for path in sorted(Path("chapters").glob("*.ipynb")):
        try:
            record = cache.match_cache_file(str(path))
        except KeyError:
            continue
        runs[path] = (record.pk, record.data["execution_seconds"])
    return runs


def main():
    code, pages = fingerprint(CODE), fingerprint(PAGES)
    if differs("code", code):
        rmtree(BUILD, ignore_errors=True)
    if differs("pages", pages):
        rmtree(BUILD / ".doctrees", ignore_errors=True)
        rmtree(BUILD / "html", ignore_errors=True)  # a page may have gone
    BUILD.mkdir(exist_ok=True)
    (BUILD / "code.fingerprint").write_text(code)
    before = executed()

    command = [Path(sys.executable).with_name("jupyter-book"), "build", ".", "-W", "-n", "--keep-going"]
    failed = subprocess.run(command).returncode
    if failed:
        (BUILD / "pages.fingerprint").unlink(missing_ok=True)
        return failed
    (BUILD / "pages.fingerprint").write_text(pages)

    print("\nEach notebook's run:")
    for path, (run, seconds) in executed().items():
        print(f"{seconds:8.1f} s  {path}{'  (kept)' if before.get(path, [None])[0] == run else ''}")
    print(f"The book: {INDEX}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
