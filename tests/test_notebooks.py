"""What every chapter must have, read from the notebooks as they are stored. Nothing is executed here."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import get_sanitize_patterns

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tools"))
from claim_lines import parse  # noqa: E402  (the build's tools are no package)

CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
CLAIM_TAGS = {"nbval-check-output", "keep_output"}

pytestmark = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def text_of(path):
    return "\n\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


def tags(cell):
    return set(cell.metadata.get("tags", ()))


class Claims(ast.NodeVisitor):
    """Counts calls of `claim`: those a run of the cell makes once, and those it makes more often or perhaps."""

    def __init__(self, source):
        self.once = self.perhaps = self.depth = 0
        self.visit(ast.parse("\n".join(line for line in source.splitlines() if line[:1] not in ("%", "!"))))

    def visit_Call(self, node):
        if getattr(node.func, "id", getattr(node.func, "attr", None)) == "claim":
            self.once += not self.depth
            self.perhaps += bool(self.depth)
        self.generic_visit(node)

    def nested(self, node):
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    visit_For = visit_While = visit_If = visit_Try = visit_ListComp = visit_GeneratorExp = nested

    def skip(self, node):
        """Defined here, called elsewhere."""

    visit_FunctionDef = visit_Lambda = visit_ClassDef = skip


def claimed(cell):
    """The claims among a cell's stored lines."""
    lines = "".join(output.get("text", "") for output in cell.outputs).splitlines()
    return [parse(line) for line in lines if parse(line)]


def test_a_claim_cell_stores_its_claims(path):
    for cell in code_cells(path):
        calls = Claims(cell.source)
        if calls.once or calls.perhaps:
            assert tags(cell) >= CLAIM_TAGS, f"needs the tags {sorted(CLAIM_TAGS)}:\n{cell.source}"
            stored = len(claimed(cell))
            right = stored >= calls.once if calls.perhaps else stored == calls.once
            assert right and stored, f"stores {stored} claims, run `make notebooks`:\n{cell.source}"


def test_only_claims_are_stored(path):
    for cell in code_cells(path):
        assert bool(cell.outputs) <= (tags(cell) >= CLAIM_TAGS), f"stores outputs, run `make notebooks`:\n{cell.source}"
        assert all(output.get("name") == "stdout" for output in cell.outputs), f"stores more than text:\n{cell.source}"
        assert all(claim.holds for claim in claimed(cell))
        assert cell.execution_count, f"never ran, nbval would not check it; run `make notebooks`:\n{cell.source}"


def test_enough_claims_and_no_sentence_twice(path):
    sentences = [claim.sentence for cell in code_cells(path) for claim in claimed(cell)]
    assert len(sentences) >= 5
    assert len(set(sentences)) == len(sentences)


def test_the_seed_can_be_replaced(path):
    found = [cell for cell in code_cells(path) if "parameters" in tags(cell)]
    assert len(found) == 1 and found[0].source.splitlines().count("SEED = 0") == 1
    uses = [cell.source.replace("SEED = 0", "") for cell in code_cells(path)]
    assert any(re.search(r"\bSEED\b", source) for source in uses), "SEED is set and never used"


def test_four_to_six_exercises_each_with_a_folded_solution(path):
    text = text_of(path)
    exercises = re.findall(r"\{exercise(?:-start)?\}.*\n(?::.*\n)*?:label: *(\S+)", text)
    solutions = re.findall(r"\{solution(?:-start)?\} *(\S+)\n((?::.*\n)*)", text)
    assert 4 <= len(exercises) <= 6
    assert sorted(label for label, _ in solutions) == sorted(exercises)
    assert all(":class: dropdown" in options for _, options in solutions)
    checks = {name for cell in code_cells(path) for name in re.findall(r"\bcheck_\w+", cell.source)}
    assert len(checks) >= 2, "at least two exercises are checked by exercises.check_…"


def test_the_title_and_the_kernel(path):
    number = int(path.stem.split("_")[0])
    assert re.search(rf"\A(\(.+\)=\n)?# {number}\. \S", text_of(path)), "begins with `# N. Title`"
    assert read(path).metadata.kernelspec.name == "python3"


def test_only_code_that_draws_is_folded_away(path):
    for cell in code_cells(path):
        if "hide-input" in tags(cell):
            draws = "image" in cell.metadata.get("mystnb", {}) or cell.source.startswith("explorables.show(")
            assert draws, f"no figure:\n{cell.source}"


def test_alternative_text_is_a_sentence(path):
    for cell in code_cells(path):
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt")
        assert alt is None or len(alt.split()) >= 4, f"alternative text {alt!r}"


def test_it_is_stripped(path):
    command = [sys.executable, "tools/notebooks.py", "--verify"]
    done = subprocess.run(command, cwd=ROOT, env={"CHAPTERS": str(path)}, capture_output=True, text=True)
    assert done.returncode == 0, f"run `make notebooks`\n{done.stdout}"


def test_nbval_sees_what_is_claimed_and_not_the_figures(path):
    [(pattern, replacement)] = get_sanitize_patterns((ROOT / "tools" / "nbval_sanitize.cfg").read_text())
    for cell in code_cells(path):
        for output in cell.outputs:
            masked = re.sub(pattern, replacement, output.text).splitlines()
            assert masked == [
                f"✓ {parse(line).sentence} · measured" if parse(line) else line for line in output.text.splitlines()
            ]
