"""Do the claims hold for every seed? `python tools/seeds.py [--values]`; `make seeds` calls it.

Each chapter runs once a seed, with the line `SEED = 0` of its cell tagged `parameters` replaced. Cells that fail
do not stop the run, so that every failing claim is seen. A finished run is kept in `.seeds/` for as long as the
chapter's code, the library and the installed packages stay the same: stop and start as you like.

Variables: CHAPTERS (a pattern), SEEDS (how many), JOBS (processes; 0: one per core).
With --values also every claim's smallest, mean and largest measured value and how much of its margin it spent.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import re
import signal
import sys
from collections import defaultdict
from multiprocessing import Pool
from pathlib import Path
from statistics import mean

import nbformat
from build import fingerprint
from claim_lines import parse
from notebooks import chapters, execute

RUNS = Path(".seeds")
SEED_LINE = re.compile(r"^SEED = 0$", re.MULTILINE)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def with_seed(notebook, seed):
    """Set the seed in the cell tagged `parameters`, in place."""
    found = [cell for cell in code_cells(notebook) if "parameters" in cell.metadata.get("tags", ())]
    if len(found) != 1 or len(SEED_LINE.findall(found[0].source)) != 1:
        raise ValueError(f"found {len(found)} cells tagged `parameters`; expected one, with one line `SEED = 0`")
    found[0].source = SEED_LINE.sub(f"SEED = {seed}", found[0].source)


def run(path, seed, kept):
    """Run a chapter at a seed and keep what came of it: its claims, its errors, its time."""
    notebook = nbformat.read(path, as_version=4)
    with_seed(notebook, seed)
    seconds = execute(notebook, os.path.dirname(path), allow_errors=True)
    claims, errors = [], []
    for number, cell in enumerate(code_cells(notebook)):
        for output in cell.outputs:
            if output.output_type == "stream":
                claims += [line for line in output.text.splitlines() if parse(line)]
            elif output.output_type == "error" and output.ename == "ClaimError":
                claims.append(output.evalue.splitlines()[0])
            elif output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", ()):
                errors.append(f"code cell {number}: {output.ename}: {output.evalue.splitlines()[:1]}")
    kept.parent.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps({"claims": claims, "errors": errors, "seconds": seconds}, ensure_ascii=False))
    unfinished.replace(kept)  # all of it or nothing, whenever the run is stopped
    return json.loads(kept.read_text())


def attempt(task):
    """`run` for a pool. What stops a run (a kernel that died, a notebook without a seed) is not kept."""
    (path, seed), kept = task
    try:
        return (path, seed), run(path, seed, kept)
    except Exception as error:
        return (path, seed), {"claims": [], "errors": [f"{type(error).__name__}: {error}"], "seconds": 0.0}


def library_of(path):
    """What a chapter runs on: the library without the other chapters' exercises, and the packages."""
    own = f"chapter_{Path(path).name[:2]}.py"
    modules = [str(p) for p in Path("vae_lib").rglob("*.py") if not p.name.startswith("chapter_") or p.name == own]
    return fingerprint([*sorted(modules), "benchmarks/rows", "requirements.txt"])


def kept_at(path, seed, library):
    """Where the run is kept: text, outputs and stored counts of the notebook do not matter."""
    code = [cell.source for cell in code_cells(nbformat.read(path, as_version=4))]
    identity = hashlib.sha256(repr((code, library)).encode()).hexdigest()[:16]
    return RUNS / f"{Path(path).stem}-{identity}" / f"{seed}.json"


def run_all(paths, seeds, jobs):
    """{(chapter, seed): result}, those kept and those run now, in `jobs` processes."""
    library = {path: library_of(path) for path in paths}
    wanted = {(path, seed): kept_at(path, seed, library[path]) for seed in seeds for path in paths}
    results = {key: json.loads(kept.read_text()) for key, kept in wanted.items() if kept.exists()}
    todo = {key: kept for key, kept in wanted.items() if key not in results}
    print(f"{len(todo)} runs to do, {len(results)} kept, {jobs} at a time", flush=True)
    with Pool(jobs) as pool:
        for key, result in pool.imap_unordered(attempt, todo.items()):
            results[key] = result
            bad = len(result["errors"]) + sum(not parse(line).holds for line in result["claims"])
            print(f"{key[0]} seed {key[1]}: {result['seconds']:.0f} s{f', {bad} FAIL' if bad else ''}", flush=True)
        pool.close()
        pool.join()
    return results


def by_sentence(results, path):
    """{sentence: [(seed, claim)]} of a chapter, in the order of its first run."""
    found = defaultdict(list)
    for (chapter, seed), result in sorted(results.items()):
        if chapter == path:
            for line in result["claims"]:
                found[parse(line).sentence].append((seed, parse(line)))
    return found


def report(results, paths, values):
    """Print the table of what fails; returns how many runs had a failure."""
    failing = set()
    for path in paths:
        mine = {seed: result for (chapter, seed), result in results.items() if chapter == path}
        claims = by_sentence(results, path)
        seconds = mean(result["seconds"] for result in mine.values())
        print(f"\n{path}: {len(claims)} claims, {len(mine)} seeds, {seconds:.0f} s a run")
        for sentence, stated in claims.items():
            failed = [(seed, claim) for seed, claim in stated if not claim.holds]
            failing |= {(path, seed) for seed, _ in failed}
            if failed:
                print(f"  FAILS for {len(failed)} of {len(mine)}: {sentence}")
            for seed, claim in failed:
                print(f"      seed {seed}: measured {claim.measurement}, {claim.margin}")
            if values:
                print_values(sentence, [claim for _, claim in stated])
        for seed, result in sorted(mine.items()):
            failing |= {(path, seed)} if result["errors"] else set()
            for error in result["errors"]:
                print(f"  ERROR at seed {seed}: {error}")
    print(f"\n{len(results)} runs, {len(failing)} with a failure")
    return len(failing)


def print_values(sentence, claims):
    measured = [claim.measured for claim in claims]
    low, middle, high = (f"{number:.4g}" for number in (min(measured), mean(measured), max(measured)))
    print(f"  {sentence}\n      measured {low} … {middle} … {high}; at the first seed {claims[0].margin}", end="")
    spent = max(claim.spent for claim in claims)
    print(f"; at most {spent:.0%} of the margin spent" if claims[0].close_to is not None else "")


def end_at_once(*_):
    """A worker told politely would wait for its kernel for ever: nbclient, too, listens to these signals."""
    for worker in multiprocessing.active_children():
        worker.kill()  # its kernel notices and ends
    print("stopped; the finished runs are kept", file=sys.stderr, flush=True)
    os._exit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--values", action="store_true", help="every claim's measured values over the seeds")
    values = parser.parse_args().values
    for stop in signal.SIGTERM, signal.SIGINT:
        signal.signal(stop, end_at_once)
    jobs = int(os.environ.get("JOBS", 0)) or os.cpu_count()
    if jobs > 1:  # or each kernel starts a thread a core, and they wait for each other
        os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1", OMP_NUM_THREADS="1")
    paths, seeds = chapters(), range(int(os.environ.get("SEEDS", 20)))
    results = run_all(paths, seeds, jobs)
    return 1 if report(results, paths, values) else 0


if __name__ == "__main__":
    sys.exit(main())
