"""From ``results.json`` to the tables in ``README.md``; no number is made anywhere else."""

import math

MARKS = "<!-- table: begin -->", "<!-- table: end -->"
FIT, KERAS, EAGER = "`vae_lib.fit`", "Keras `Model.fit`", "PyTorch eager"
LIKELIHOOD = "`log_likelihood`"


def exponent(sizes, costs):
    """The slope of log cost over log size by least squares: cost ∝ size^slope."""
    x, y = [math.log(s) for s in sizes], [math.log(c) for c in costs]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return slope / sum((a - mean_x) ** 2 for a in x)


def limit(ways):
    """The seconds of the fastest products alone: what no way can do without on this machine."""
    return min(way["seconds"] for name, way in ways.items() if "alone" in name and "seconds" in way)


def pays_from(ours, other):
    """The first epoch after which ``ours``, first call included, is done before ``other``; None: never.

    Both: {"first_call", "epoch"} in seconds; a first call holds the first epoch.
    """
    if ours["first_call"] <= other["first_call"]:
        return 1
    gain = other["epoch"] - ours["epoch"]
    return 1 + math.ceil((ours["first_call"] - other["first_call"]) / gain) if gain > 0 else None


def bars(results):
    """What was aimed at: (what, measured, bar, whether it is met)."""
    small, large = (results["training"][i]["ways"] for i in (0, 1))
    likelihood = results["evaluation"][0]["ways"]
    base = small[FIT]["seconds"]

    def at_least(what, measured, bar):
        return what, f"{measured:.2f}", f"≥ {bar:g}", measured >= bar

    def at_most(what, measured, bar):
        return what, f"{measured:.2f}", f"≤ {bar:g}", measured <= bar

    memory = results["memory"]
    most, least = (memory["evaluation"][key] for key in (max(memory["evaluation"], key=int), "1"))
    found = [at_least("steps a second of `fit`, those of Keras `Model.fit` = 1", small[KERAS]["seconds"] / base, 10)]
    if "seconds" in small.get(EAGER, {}):
        found += [at_least("steps a second of `fit`, those of PyTorch eager = 1", small[EAGER]["seconds"] / base, 6)]
    return [
        *((f"{results['training'][0]['name']}: {what}", *rest) for what, *rest in found),
        at_most(
            f"{results['training'][1]['name']}: time of `fit`, the matrix products' = 1",
            large[FIT]["seconds"] / limit(large),
            1.25,
        ),
        at_most(
            f"{results['evaluation'][0]['name']}: time of `log_likelihood`, its products' = 1",
            likelihood[LIKELIHOOD]["seconds"] / limit(likelihood),
            1.5,
        ),
        at_most("peak memory of `log_likelihood`, most samples against one", most / least, 1.25),
    ]


def table(results):
    """All of the tables as Markdown."""
    where = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return "\n".join(
        [
            f"{results['date']}, {results['processor']}, {results['cores']} threads, {where}. Load before the start: "
            f"{results['load']:.1f} processes.",
            "",
            "### The bars",
            "",
            *_rows(
                ["", "measured", "bar", "met"],
                [[what, value, bar, "yes" if met else "**no**"] for what, value, bar, met in bars(results)],
            ),
            "### A training step",
            "",
            *(line for case in results["training"] for line in _training(case)),
            "### The log-likelihood by importance sampling",
            "",
            *(line for case in results["evaluation"] for line in _evaluation(case)),
            "### Peak memory of a process",
            "",
            *_memory(results["memory"]),
            "### How the time of `fit` grows",
            "",
            *_curves(results["curves"]),
            "### When compiling pays",
            "",
            *_compiling(results["training"]),
        ]
    )


def _rows(head, rows):
    aligned = ["---", *["---:"] * (len(head) - 1)]
    return [*("| " + " | ".join(row) + " |" for row in [head, aligned, *rows]), ""]


def _training(case):
    base = case["ways"][FIT]["seconds"]
    lines, failed = [], []
    for name, way in case["ways"].items():
        if "error" in way:
            failed.append(f"{name} does not work here: {way['error']}")
            continue
        step = way["seconds"] / case["steps"]
        speed = f"{case['flops'] / step / 1e9:.0f}" if "alone" in name else ""
        lines.append([name, f"{way['seconds'] / base:.2f}", f"{1e6 * step:.0f}", f"{way['first_call']:.1f}", speed])
    title = f"**{case['name']}**, {case['examples']} examples, batch {case['batch']}, Adam."
    again = f"A second model of the same make: `fit`'s first epoch after {case['again']:.2f} s."
    head = ["", "time, `fit` = 1", "µs a step", "first epoch after, s", "GFLOP/s"]
    return [title, "", *_rows(head, lines), " ".join([again, *(f"{reason}." for reason in failed)]), ""]


def _evaluation(case):
    base, pairs = case["ways"][LIKELIHOOD]["seconds"], case["examples"] * case["samples"]
    ways = {name: way for name, way in case["ways"].items() if "seconds" in way}
    lines = [
        [name, f"{way['seconds'] / base:.2f}", f"{1e6 * way['seconds'] / pairs:.2f}", f"{way['first_call']:.1f}"]
        for name, way in ways.items()
    ]
    title = f"**{case['name']}**, {case['samples']} samples for each picture."
    head = ["", "time, `log_likelihood` = 1", "µs a sample", f"the first {case['examples']} pictures after, s"]
    return [title, "", *_rows(head, lines)]


def _memory(memory):
    lines = [["imports and the model alone", f"{memory['model']:.0f}"]]
    lines += [[f"`log_likelihood`, {n} samples", f"{mib:.0f}"] for n, mib in memory["evaluation"].items()]
    return [f"**{memory['name']}**, 100 pictures.", "", *_rows(["", "MiB"], lines)]


def _curves(curves):
    lines = []
    for curve in curves:
        sizes, costs = [float(size) for size in curve["seconds"]], list(curve["seconds"].values())
        points = ", ".join(f"{size:.0f}: {1e3 * cost:.3g}" for size, cost in zip(sizes, costs, strict=True))
        tail = exponent(sizes[-2:], costs[-2:])
        lines.append([f"{curve['name']}, ms {curve['unit']}", points, f"{exponent(sizes, costs):.2f}", f"{tail:.2f}"])
    return _rows(["", "size: time", "exponent", "between the last two"], lines)


def _compiling(training):
    """From which epoch on ``fit``, with its compilation, has overtaken the others."""
    others = [KERAS, "eager `GradientTape`", EAGER]
    lines = []
    for case in training:
        ways = {
            n: {"first_call": w["first_call"], "epoch": w["seconds"]} for n, w in case["ways"].items() if "seconds" in w
        }
        paid = [pays_from(ways[FIT], ways[other]) if other in ways else "" for other in others]
        lines.append([case["name"], *("never" if epoch is None else str(epoch) for epoch in paid)])
    return _rows(["`fit` is done first from this epoch on", *(f"before {other}" for other in others)], lines)


def write(results, readme):
    """Put the tables between the marks in the file ``readme``."""
    before, rest = readme.read_text().split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    readme.write_text(f"{before}{MARKS[0]}\n{table(results)}{MARKS[1]}{after}")
