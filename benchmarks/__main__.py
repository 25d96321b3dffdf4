"""Measure everything, write ``results.json``, and the tables in ``README.md``: ``python -m benchmarks``.

``--rounds`` and ``--seconds`` say how often and how long each way runs (an evaluation twenty times as long, and twice
at most); ``--folder`` where the results go, if not beside this file. Fails if a bar is missed, after all is written.
"""

import argparse
import datetime
import json
import os
import platform
import time
from pathlib import Path

from benchmarks import cases, memory, report, timing
from benchmarks.workers import CORES, Failed, Worker

HERE = Path(__file__).parent
SLOW = {"eager `GradientTape`": (cases.SMALL, cases.LARGE)}  # elsewhere it would take the time of all others together
SAMPLES = 1, 100, 10000


def training(workers, rounds, seconds):
    """Every way of training, on every case; the seconds are those of an epoch."""
    for case in cases.TRAINING:
        ways = ways_for("training", workers, case)
        found = measure(case, ways, rounds, seconds)
        again = workers["tensorflow"].prepare(report.FIT, case)
        forget(workers)
        described = {key: getattr(case, key) for key in ("name", "examples", "batch", "steps", "flops")}
        yield {**described, "again": again, "ways": found}


def evaluation(workers, rounds, seconds):
    """``log_likelihood`` beside the others; the seconds are those of one evaluation of all examples."""
    for case in cases.EVALUATION:
        found = measure(case, ways_for("evaluation", workers, case), rounds, seconds)
        forget(workers)
        yield {**{key: getattr(case, key) for key in ("name", "examples", "samples")}, "ways": found}


def curves(workers, rounds, seconds):
    """The time of a step of ``fit`` for growing cases; of an epoch where the data grow."""
    worker = workers["tensorflow"]
    for name, varied in cases.CURVES:
        for case in varied.values():
            worker.prepare(report.FIT, case)
        found = timing.best({n: worker.measure(report.FIT, case) for n, case in varied.items()}, rounds, seconds)
        forget(workers)
        units = {n: 1 if name == "examples" else case.steps for n, case in varied.items()}
        unit = "an epoch" if name == "examples" else "a step"
        say(f"{name}: " + ", ".join(f"{n}: {1e3 * found[n] / units[n]:.3g} ms" for n in varied))
        yield {"name": name, "unit": unit, "seconds": {str(n): found[n] / units[n] for n in varied}}


def peaks():
    found = {str(samples): memory.peak("large", samples) for samples in SAMPLES}
    say(f"peak memory, MiB, by samples: {found}")
    return {"name": cases.LARGE.name, "model": memory.peak("large", 0), "evaluation": found}


WAYS = {
    "training": {
        "tensorflow": [
            report.FIT,
            report.KERAS,
            "Keras `Model.fit`, `jit_compile=True`, `steps_per_execution=20`",
            "`tf.function(jit_compile=True)` step in a loop",
            "eager `GradientTape`",
            "matrix products alone, XLA",
        ],
        "torch": [
            report.EAGER,
            "PyTorch eager, fused Adam",
            "`torch.compile`, fused Adam",
            "Pythae's trainer",
            "matrix products alone, PyTorch",
        ],
    },
    "evaluation": {
        "tensorflow": [report.LIKELIHOOD, "decoder's products alone, XLA"],
        "torch": [
            "Pythae's `get_nll`",
            "Pythae's `get_nll`, `batch_size=1000`",
            "decoder's products alone, PyTorch",
        ],
    },
}


def ways_for(what, workers, case):
    """name → the worker that knows it, for those that are measured on this case."""
    names = ((name, workers[framework]) for framework, names in WAYS[what].items() for name in names)
    return {name: worker for name, worker in names if name not in SLOW or case in SLOW[name]}


def measure(case, ways, rounds, seconds):
    """{"first_call", "seconds"} of each way, or its {"error"}."""
    found = {}
    for name, worker in ways.items():
        try:
            found[name] = {"first_call": worker.prepare(name, case)}
        except Failed as error:
            found[name] = {"error": str(error)}
    working = {name: worker.measure(name, case) for name, worker in ways.items() if "error" not in found[name]}
    for name, best in timing.best(working, rounds, seconds).items():
        found[name]["seconds"] = best
    base = next(iter(found.values()))["seconds"]
    say(f"{case.name}: " + ", ".join(f"{n} {w['seconds'] / base:.2f}" for n, w in found.items() if "seconds" in w))
    for name, way in found.items():
        if "error" in way:
            say(f"{name} does not work here: {way['error']}")
    return found


def forget(workers):
    for worker in workers.values():
        worker.ask(forget=True)


STARTED = time.monotonic()


def say(text):
    print(f"[{time.monotonic() - STARTED:4.0f} s] {text}", flush=True)


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a round, for each way")
    parser.add_argument("--folder", type=Path, default=HERE, help="with a README.md that has the marks")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with Worker("benchmarks.tensorflow_ways") as tensorflow, Worker("benchmarks.torch_ways") as torch:
        workers = {"tensorflow": tensorflow, "torch": torch}
        versions = {k: v for worker in workers.values() for k, v in worker.ask(versions=True).items()}
        say(f"{versions}; load {load:.1f}")
        results = {
            "date": datetime.date.today().isoformat(),
            "processor": processor(),
            "cores": CORES,
            "load": load,
            "versions": {"Python": platform.python_version(), **versions},
            "training": list(training(workers, options.rounds, options.seconds)),
            # compiles at every call: long rounds, or one would measure the compiler
            "evaluation": list(evaluation(workers, min(options.rounds, 2), 20 * options.seconds)),
            "curves": list(curves(workers, min(options.rounds, 5), options.seconds)),
        }
    results["memory"] = peaks()
    (options.folder / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    report.write(results, options.folder / "README.md")
    print(report.table(results))
    missed = [what for what, _, _, met in report.bars(results) if not met]
    if missed:
        raise SystemExit("below the bar: " + "; ".join(missed))


if __name__ == "__main__":
    main()
