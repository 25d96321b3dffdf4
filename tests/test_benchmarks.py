"""The benchmarks' own arithmetic on tiny cases: never a time, and nothing of the peers, which live elsewhere."""

import dataclasses
import json
from pathlib import Path

import pytest
import tensorflow as tf

from benchmarks import cases, memory, report, tensorflow_ways, timing, workers

TINY = dataclasses.replace(cases.LARGE, data=12, hidden=(5,), latent=3, examples=40, batch=10)


def way(seconds, first_call=2.0):
    return {"first_call": first_call, "seconds": seconds}


def training(name, fit, keras, eager, products):
    ways = {report.FIT: way(fit, 3.0), report.KERAS: way(keras, 1.0), report.EAGER: way(eager, 0.5)}
    ways |= {"matrix products alone, XLA": way(products), "matrix products alone, PyTorch": way(2 * products)}
    ways["`torch.compile`, fused Adam"] = {"error": "RuntimeError: no compiler"}
    return {"name": name, "examples": 400, "batch": 100, "steps": 4, "flops": 8e6, "again": 0.25, "ways": ways}


@pytest.fixture
def results():
    evaluation = {report.LIKELIHOOD: way(2.0), "decoder's products alone, XLA": way(1.6)}
    curve = {"name": "samples k", "unit": "a step", "seconds": {"1": 0.001, "4": 0.002, "16": 0.004}}
    return {
        "date": "2000-01-01",
        "processor": "abacus",
        "cores": 2,
        "load": 0.25,
        "versions": {"Python": "3.99", "PyTorch": "9.9"},
        "training": [training("small", 0.4, 4.4, 2.0, 0.1), training("large", 0.9, 1.8, 1.7, 0.75)],
        "evaluation": [{"name": "large", "examples": 100, "samples": 5000, "ways": evaluation}],
        "curves": [curve],
        "memory": {"name": "large", "model": 500.0, "evaluation": {"1": 600.0, "10000": 660.0}},
    }


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_law_is_found(power):
    sizes = [1.0, 3.0, 10.0, 40.0]
    assert report.exponent(sizes, [7 * size**power for size in sizes]) == pytest.approx(power)


def test_an_overhead_flattens_the_exponent_but_not_its_tail():
    sizes = [1.0, 10.0, 100.0, 1000.0]
    costs = [10 + size for size in sizes]
    assert report.exponent(sizes, costs) < 0.8 < 0.9 < report.exponent(sizes[-2:], costs[-2:]) < 1


@pytest.mark.parametrize("other", [{"first_call": 0.5, "epoch": 1.0}, {"first_call": 0.5, "epoch": 0.31}])
def test_compiling_pays_from_the_first_epoch_at_which_it_is_done_before(other):
    ours = {"first_call": 3.0, "epoch": 0.3}
    done = [lambda epochs, way=way: way["first_call"] + (epochs - 1) * way["epoch"] for way in (ours, other)]
    first = report.pays_from(ours, other)
    assert done[0](first) <= done[1](first) + 1e-9
    assert done[0](first - 1) > done[1](first - 1)


def test_compiling_may_pay_at_once_or_never():
    assert report.pays_from({"first_call": 1.0, "epoch": 1.0}, {"first_call": 2.0, "epoch": 0.5}) == 1
    assert report.pays_from({"first_call": 2.0, "epoch": 1.0}, {"first_call": 1.0, "epoch": 1.0}) is None


def test_bars_are_ratios_against_the_faster_limit(results):
    measured = [(value, met) for _, value, _, met in report.bars(results)]
    assert measured == [("11.00", True), ("5.00", False), ("1.20", True), ("1.25", True), ("1.10", True)]
    del results["training"][0]["ways"][report.EAGER]["seconds"]  # a peer that does not work here has no bar
    assert len(report.bars(results)) == 4


def test_the_table_holds_what_was_measured(results):
    text = report.table(results)
    for part in [
        "2000-01-01, abacus, 2 threads, Python 3.99, PyTorch 9.9",
        "| `vae_lib.fit` | 1.00 | 100000 | 3.0 |  |",
        "| Keras `Model.fit` | 11.00 | 1100000 | 1.0 |  |",
        "| matrix products alone, XLA | 0.25 | 25000 | 2.0 | 0 |",
        "`torch.compile`, fused Adam does not work here: RuntimeError: no compiler.",
        "fit`'s first epoch after 0.25 s",
        "| `log_likelihood` | 1.00 | 4.00 | 2.0 |",
        "| samples k, ms a step | 1: 1, 4: 2, 16: 4 | 0.50 | 0.50 |",
        "| small | 2 |  | 3 |",
        "| 5.00 | ≥ 6 | **no** |",
    ]:
        assert part in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)


def test_writing_replaces_what_stands_between_the_marks_alone(results, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{report.MARKS[0]}\nold\n{report.MARKS[1]}\nafter\n")
    report.write(results, readme)
    once = readme.read_text()
    report.write(json.loads(json.dumps(results)), readme)
    assert readme.read_text() == once
    assert once.startswith("before\n") and once.endswith("\nafter\n") and "old" not in once


def test_the_committed_tables_are_those_of_the_committed_results():
    folder = Path(report.__file__).parent
    if not (folder / "results.json").exists():
        pytest.skip("no results are committed: run make bench")
    text = (folder / "README.md").read_text()
    assert report.table(json.loads((folder / "results.json").read_text())) in text


def test_ways_take_turns_and_the_best_round_counts():
    asked, costs = [], {"slow": iter([0.5, 0.9, 0.5, 0.7]), "fast": iter([0.01, 0.01, 0.03, 0.02, 0.04])}

    def measure(name):
        return lambda count: asked.append((name, count)) or count * next(costs[name])

    best = timing.best({name: measure(name) for name in costs}, rounds=3, round_seconds=0.1)
    assert best == {"slow": pytest.approx(0.5), "fast": pytest.approx(0.02)}
    assert asked[3:] == [("slow", 1), ("fast", 10)] * 3


def test_a_round_is_filled_although_a_call_costs_more_than_its_unit():
    count = timing.filling(lambda count: 0.05 + 0.001 * count, 1.0)
    assert 0.7 <= 0.05 + 0.001 * count <= 1.3
    assert timing.filling(lambda count: 3.0 * count, 1.0) == 1


@pytest.mark.parametrize("case", [*cases.TRAINING, *cases.EVALUATION], ids=lambda case: case.name)
def test_a_case_counts_the_weights_and_products_of_its_model(case):
    model = tensorflow_ways.model(case)  # raises if the weights are not as many
    kernels = [w for w in model.trainable_variables if w.shape.rank == 2]
    rows = [case.batch] * len(case.encoder) + [case.batch * (case.samples or 1)] * len(case.decoder)
    products = [2 * n * w.shape[0] * w.shape[1] for n, w in zip(rows, kernels, strict=True)]
    assert case.flops == 3 * sum(products) - products[0]


@pytest.mark.parametrize("name", [name for name in tensorflow_ways.WAYS if "alone" not in name and "log_l" not in name])
def test_a_way_of_training_takes_every_step(name, monkeypatch):
    made, adam = [], tensorflow_ways.keras.optimizers.Adam

    def remember(*args, **kwargs):
        made.append(adam(*args, **kwargs))
        return made[-1]

    monkeypatch.setattr(tensorflow_ways.keras.optimizers, "Adam", remember)
    tensorflow_ways.WAYS[name](TINY)(2)
    assert [int(optimizer.iterations) for optimizer in made] == [2 * TINY.steps]


@pytest.mark.parametrize("name", tensorflow_ways.WAYS)
def test_every_way_in_tensorflow_runs(name):
    case = dataclasses.replace(TINY, samples=100) if "log_likelihood" in name or "decoder" in name else TINY
    tensorflow_ways.WAYS[name](case)(2)


@pytest.mark.parametrize("samples", [None, 3])
def test_the_products_alone_are_those_of_the_training_step(samples):
    case = dataclasses.replace(TINY, samples=samples)
    run = tensorflow_ways.training_products(case)
    function = next(
        cell.cell_contents for cell in run.__closure__ if hasattr(cell.cell_contents, "get_concrete_function")
    )
    kernels = [tf.zeros(shape) for shape in case.encoder + case.decoder]
    data = tf.zeros([case.steps, case.batch, case.data])
    graph = function.get_concrete_function(kernels, data, tf.constant(1)).graph
    body = next(f for f in graph._functions.values() if "while_body" in f.cached_definition.signature.name)
    found = [op for op in body.cached_definition.node_def if op.op in ("MatMul", "BatchMatMulV2")]
    assert len(found) == 3 * len(kernels) - 1


def test_a_worker_answers_with_seconds_and_survives_a_way_that_fails():
    with workers.Worker("benchmarks.tensorflow_ways") as worker:
        assert "TensorFlow" in worker.ask(versions=True)
        with pytest.raises(workers.Failed, match="nobody"):
            worker.prepare("nobody", TINY)
        assert worker.prepare("`vae_lib.fit`", TINY) > 0
        assert worker.measure("`vae_lib.fit`", TINY)(2) > 0


def test_memory_of_an_evaluation_does_not_grow_with_its_samples():
    few, many = (memory.peak("small", samples) for samples in (10, 20_000))
    # all at once, the widest layer alone would take 100 · 20,000 · 64 floats: 488 MiB
    assert many - few < 120
