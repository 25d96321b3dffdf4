"""Execute the chapters, strip their outputs and refresh the stored claims: `python tools/notebooks.py [--verify]`.

Outputs stay only in cells tagged `keep_output`: the claims. With --verify nothing is executed or written, and
the exit code says whether every chapter is stripped. The variable CHAPTERS is a pattern that selects some.
"""

import os
import subprocess
import sys
from glob import glob
from pathlib import Path
from time import perf_counter

import nbformat
from nbclient import NotebookClient

# The counts stay, or nbval takes a claim cell for one that never ran. Python's version is the machine's.
NBSTRIPOUT = Path(sys.executable).with_name("nbstripout")
STRIP = [NBSTRIPOUT, "--keep-count", "--keep-id", "--extra-keys", "metadata.language_info.version"]


def chapters():
    """The notebooks that CHAPTERS selects: a pattern, `chapters/` may be left out."""
    pattern = os.environ.get("CHAPTERS", "chapters/*.ipynb")
    pattern = pattern if "/" in pattern else f"chapters/{pattern}"
    found = sorted(path for path in glob(pattern) if path.endswith(".ipynb"))
    return found or sys.exit(f"CHAPTERS={pattern} matches no notebook")


def execute(notebook, folder, **options):
    """Run a notebook in a fresh kernel; returns the seconds it took."""
    start = perf_counter()
    resources = {"metadata": {"path": folder}}
    NotebookClient(notebook, timeout=None, resources=resources, record_timing=False, **options).execute()
    return perf_counter() - start


def main():
    if sys.argv[1:] == ["--verify"]:
        return subprocess.run([*STRIP, "--verify", *chapters()]).returncode
    for path in chapters():
        notebook = nbformat.read(path, as_version=4)
        print(f"{path}  {execute(notebook, os.path.dirname(path)):.1f} s", flush=True)
        nbformat.write(notebook, path)
        subprocess.run([*STRIP, path], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
