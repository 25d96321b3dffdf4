"""How fast ``fit`` is, beside what a good Keras user would write: ``python -m benchmarks.training``.

One process, the same model and data, rounds that take turns, the best round of each. On a busy machine the ratios
are worth more than the times. Writes ``results.json`` and the table in ``README.md``, both beside this file.
"""

import datetime
import json
import os
import platform
import time
from pathlib import Path

import vae_lib  # first: it imports TensorFlow without its start-up messages

import keras  # isort: skip
import numpy as np
import tensorflow as tf

HERE = Path(__file__).parent
MARKS = "<!-- table: begin -->", "<!-- table: end -->"
BATCH = 100
SECONDS_A_ROUND = 0.5
ROUNDS = int(os.environ.get("ROUNDS", "20"))
OURS = "`vae_lib.fit`"
MODEL_FIT = "Keras `Model.fit`"
MATMUL = "matrix products alone"


class TrainStep(keras.Model):
    """The same VAE as Keras users write one: a subclass whose ``compute_loss`` returns minus the mean bound."""

    def __init__(self, vae):
        super().__init__()
        self.vae = vae
        self.built = True

    def call(self, x):
        return x

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return -tf.reduce_mean(vae_lib.elbo(self.vae, x))


def ours(make, x):
    model = make()
    model.compile(optimizer=keras.optimizers.Adam(1e-3))

    def run(epochs):  # one optimizer for all runs, as the other ways have
        optimizer = model.optimizer
        vae_lib.fit(model, x, vae_lib.elbo, epochs=epochs, batch_size=BATCH, optimizer=optimizer, verbose=0)

    return run


def keras_fit(make, x, **compile_arguments):
    """``Model.fit`` at its best: a prefetched dataset held in memory, and several steps a call where that helps."""
    model = TrainStep(make())
    model.compile(optimizer=keras.optimizers.Adam(1e-3), **compile_arguments)
    data = tf.data.Dataset.from_tensor_slices(x).shuffle(len(x)).batch(BATCH, drop_remainder=True).prefetch(2)

    def run(epochs):
        model.fit(data, epochs=epochs, verbose=0, shuffle=False)  # the data set shuffles

    return run


def loop(make, x):
    """A compiled step called from a Python loop, the shuffled batches cut from an array."""
    model, optimizer = make(), keras.optimizers.Adam(1e-3)
    optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=True)
    def step(batch):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(vae_lib.elbo(model, batch))
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(loss, [w.value for w in weights]), weights)
        return loss

    rng = np.random.default_rng(0)

    def run(epochs):
        for _ in range(epochs):
            order = rng.permutation(len(x))
            for start in range(0, len(x) - BATCH + 1, BATCH):
                loss = step(tf.constant(x[order[start : start + BATCH]]))
        float(loss)

    return run


def matrix_products(make, x):
    """The products a step cannot do without, forward and backward, and nothing else: a floor for the time."""
    model = make()
    kernels = [w for w in model.trainable_variables if w.shape.rank == 2]
    first = kernels[0]

    @tf.function(jit_compile=True)
    def epoch(weights, batch, steps):
        def step(index, total):
            # each step's operands differ, or the compiler would do the work once
            for kernel, weight in zip(kernels, weights, strict=True):
                a = batch[kernel.shape[0]] + total
                out = a @ weight
                total += 1e-20 * out[0, 0] + 1e-20 * tf.matmul(a, out, transpose_a=True)[0, 0]
                if kernel is not first:  # no gradient with respect to the data
                    total += 1e-20 * tf.matmul(out, weight, transpose_b=True)[0, 0]
            return index + 1, total

        return tf.while_loop(lambda index, _: index < steps, step, (tf.constant(0), tf.zeros(())))[1]

    batch = {k.shape[0]: tf.random.normal([BATCH, k.shape[0]]) for k in kernels}
    weights = [tf.convert_to_tensor(k) for k in kernels]

    def run(epochs):
        float(epoch(weights, batch, tf.constant(epochs * (len(x) // BATCH))))

    return run


WAYS = {
    OURS: ours,
    MODEL_FIT: keras_fit,
    f"{MODEL_FIT}, `jit_compile=True`": lambda make, x: keras_fit(make, x, jit_compile=True),
    f"{MODEL_FIT}, that and `steps_per_execution=20`": lambda make, x: keras_fit(
        make, x, jit_compile=True, steps_per_execution=20
    ),
    "`tf.function(jit_compile=True)` step in a loop": loop,
    MATMUL: matrix_products,
}


def small():
    return vae_lib.VAE(vae_lib.mlp(2, [64, 32], 4), vae_lib.mlp(2, [32, 64], 2), vae_lib.FixedNormal(0.1))


def large():
    return vae_lib.VAE(vae_lib.mlp(784, [500], 40), vae_lib.mlp(20, [500], 784))


def pictures(n):
    """The first MNIST training pictures if they are on this machine, else pictures of noise: the time is the same."""
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    cached = Path(home, "datasets", "mnist.npz").is_file()
    if cached or os.environ.get("VAE_LIB_DATA"):
        return vae_lib.datasets.mnist()[0].x[:n], "MNIST"
    return np.random.default_rng(0).random((n, 784), np.float32), "noise instead of MNIST"


def cases():
    yield "2–64–32–2, Gaussian, 2000 points", small, vae_lib.datasets.two_moons(2000, seed=0).x, 10
    x, kind = pictures(5000)
    yield f"784–500–20, Bernoulli, 5000 pictures ({kind})", large, x, 1.6


def measure(make, x, rounds):
    """For each way: microseconds a step in the best round, and the seconds its first call takes to compile.

    A round takes each way about as long as the others, so that all have the same chance of a quiet one.
    """
    ways, compiling, epochs = {}, {}, {}
    for name, way in WAYS.items():
        keras.utils.set_random_seed(0)
        ways[name] = way(make, x)
        start = time.perf_counter()
        ways[name](1)
        compiling[name] = time.perf_counter() - start
        start = time.perf_counter()
        ways[name](5)
        epochs[name] = max(1, round(SECONDS_A_ROUND * 5 / (time.perf_counter() - start)))
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, run in ways.items():
            start = time.perf_counter()
            run(epochs[name])
            steps = epochs[name] * (len(x) // BATCH)
            best[name] = min(best[name], (time.perf_counter() - start) / steps * 1e6)
    return {name: {"microseconds": best[name], "first_call": compiling[name]} for name in ways}


def table(results):
    where = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    lines = [f"{results['date']}, {results['cores']} cores, {where}.", ""]
    for case in results["cases"]:
        ways = case["ways"]
        base = ways[OURS]["microseconds"]
        lines += [
            f"**{case['name']}**, batch {BATCH}. `fit` does {case['ratio']:.1f} times the steps a second of "
            f"`Model.fit`, {case['ratio_best']:.1f} times those of its best setting (the bar: {case['bar']:g} times).",
            "",
            "| | time, `fit` = 1 | steps a second | µs a step | first call, s |",
            "|---|---:|---:|---:|---:|",
        ]
        for name, way in ways.items():
            us = way["microseconds"]
            lines.append(f"| {name} | {us / base:.2f} | {1e6 / us:.0f} | {us:.0f} | {way['first_call']:.1f} |")
        lines.append("")
    return "\n".join(lines)


def main():
    found = {"cases": []}
    for name, make, x, bar in cases():
        ways = measure(make, np.asarray(x), ROUNDS)
        times = {way: result["microseconds"] for way, result in ways.items()}
        best = min(time for way, time in times.items() if way.startswith(MODEL_FIT))
        ratios = {"ratio": times[MODEL_FIT] / times[OURS], "ratio_best": best / times[OURS]}
        found["cases"].append({"name": name, "bar": bar, **ratios, "ways": ways})
    results = {
        "date": datetime.date.today().isoformat(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "versions": {
            "Python": platform.python_version(),
            "TensorFlow": tf.__version__,
            "Keras": keras.__version__,
            "NumPy": np.__version__,
        },
        **found,
    }
    (HERE / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    text = table(results)
    readme = HERE / "README.md"
    before, rest = readme.read_text().split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    readme.write_text(f"{before}{MARKS[0]}\n{text}{MARKS[1]}{after}")
    print(text)
    missed = [case["name"] for case in results["cases"] if case["ratio"] < case["bar"]]
    if missed:
        raise SystemExit(f"below the bar: {', '.join(missed)}")


if __name__ == "__main__":
    main()
