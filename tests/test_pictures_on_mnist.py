"""Chapter 12 on the real MNIST: the same cells, one name changed. A few minutes; only where the file is at hand."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
CHAPTER = ROOT / "chapters" / "12_pictures.ipynb"


def program():
    """The chapter's code cells as one program."""
    notebook = nbformat.read(CHAPTER, as_version=4)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return "\n\n".join(cells)


def test_one_name_makes_the_difference():
    assert program().count("datasets.digits()") == 1
    assert "mnist" not in program()


@pytest.mark.skipif(
    not Path(os.environ.get("VAE_LIB_DATA", "/nowhere"), "mnist.npz").is_file(),
    reason="no file $VAE_LIB_DATA/mnist.npz",
)
def test_the_same_claims_hold_on_mnist(tmp_path):
    chapter, script = program(), tmp_path / "pictures.py"
    script.write_text(chapter.replace("datasets.digits()", "datasets.mnist()"), encoding="utf-8")
    here = {"MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, str(script)], env={**os.environ, **here}, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("✓") == chapter.count("claim(") + 4  # and the exercises' checks
