"""The published MNIST table, one row a run: ``python -m benchmarks.mnist --objective iwae --samples 5 --epochs 600``.

The one-layer experiment of Burda, Grosse and Salakhutdinov (2016), table 1, as their code has it: 784–200–200–50 and
back, tanh, Glorot uniform, the last bias at the logit of the train mean, the pixels drawn afresh at every access,
also at test time, batches of 20, and 5000 importance samples for each test point. The schedule is ours, since 3280
epochs with fifty samples take days here: a learning rate that falls from ``--rate`` to zero along a cosine, and
``--start``, which begins with the weights of a finished run instead of random ones. So a run is prolonged in several
goes, and most of the way to a bound with fifty samples is walked with one and five, at a tenth of the cost an epoch.
A result tells of every stage behind it.

Every epoch is backed up in ``--folder``. Run the same command again after a kill, and it goes on where it was and
ends with the weights that an uninterrupted run has. ``log.jsonl`` there tells of every go; ``result.json`` and the
weights are written at the end, and ``--record`` copies both into the project, into ``benchmarks/rows``. From there
anybody can go on (``--start``), or see whether the figure is true: ``python -m benchmarks.mnist --verify
benchmarks/rows/iwae-5`` estimates it again.
"""

import argparse
import contextlib
import datetime
import json
import math
import os
import platform
import shutil
import time
import warnings
from pathlib import Path

import vae_lib  # first: it imports TensorFlow without its start-up messages

import keras  # isort: skip
import numpy as np
import tensorflow as tf

OBJECTIVES = {"vae": vae_lib.elbo_mc, "iwae": vae_lib.iwae, "dreg": vae_lib.dreg}
RESULT, WEIGHTS = "result.json", "weights.npz"
ROWS = Path(__file__).parent / "rows"
CURVE = 5, 200  # the learning curve: every fifth test point, 200 importance samples for each


def model(train_mean, hidden=200, latent=50):
    """The paper's net with one stochastic layer; ``train_mean`` [784] sets the last bias."""
    data_dim = len(train_mean)
    encoder = vae_lib.mlp(data_dim, [hidden, hidden], 2 * latent, activation="tanh")
    decoder = vae_lib.mlp(latent, [hidden, hidden], data_dim, activation="tanh")
    share = np.clip(train_mean, 0.001, 0.999)
    decoder.layers[-1].bias.assign(np.log(share / (1 - share)))
    return vae_lib.VAE(encoder, decoder)


def binarized(x, seed):
    """One draw of the pixels."""
    return (np.random.default_rng(seed).random(x.shape) < x).astype(np.float32)


class Log(keras.callbacks.Callback):
    """One line an epoch in ``log.jsonl``; the test curve every ``every`` epochs."""

    def __init__(self, folder, test, every):
        super().__init__()
        self.path, self.test, self.every = folder / "log.jsonl", test, every

    def on_train_begin(self, logs=None):
        self.write(event="start")

    def on_epoch_begin(self, epoch, logs=None):
        self.begun = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        wall, cpu = time.perf_counter() - self.begun[0], time.process_time() - self.begun[1]
        line = {"epoch": epoch + 1, "seconds": wall, "cpu_seconds": cpu, "train": logs["objective"]}
        if (epoch + 1) % self.every == 0:
            line["test_nll"] = -float(vae_lib.log_likelihood(self.model, self.test, samples=CURVE[1]).mean())
        self.write(**line)

    def write(self, **line):
        line["time"] = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        try:
            cut_short = self.path.exists() and not self.path.read_bytes().endswith(b"\n")
            with self.path.open("a") as file:
                print("\n" * cut_short + json.dumps(line), file=file)
        except OSError as error:  # a full disk costs a line, not the run
            warnings.warn(f"{self.path}: a line is lost: {error}", stacklevel=2)


def run(
    objective, samples, epochs, train, test, folder, *, start=None, batch=20, rate=5e-4, every=10, seed=0, net=model,
    final=5000,
):  # fmt: skip
    """Train one row, resuming what ``folder`` holds; returns the result, also written there.

    ``start`` is the folder of a finished run, whose weights this one begins with.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    setting = {
        "objective": objective,
        "samples": samples,
        "epochs": epochs,
        "batch": batch,
        "rate": rate,
        "seed": seed,
        "before": finished(start)["stages"] if start else [],
    }
    written = folder / "setting.json"
    if not written.exists():
        replace(written, json.dumps(setting))
    elif (other := json.loads(written.read_text())) != setting:
        raise ValueError(f"{folder} holds a run of {other}; got {setting}: use another folder")

    keras.utils.set_random_seed(seed)
    vae = net(train.mean(axis=0))
    if start:
        load(vae, start)
    steps = epochs * (len(train) // batch)
    vae_lib.fit(
        vae,
        train,
        OBJECTIVES[objective](samples),
        epochs=epochs,
        batch_size=batch,
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps), epsilon=1e-4),
        preprocess=vae_lib.binarize,
        callbacks=[Log(folder, binarized(test[:: CURVE[0]], seed + 1), every), vae_lib.Backup(folder)],
        verbose=0,
    )
    np.savez_compressed(folder / WEIGHTS, *vae.get_weights())
    log = read_log(folder)
    trained = {line["epoch"]: line for line in log if "epoch" in line}  # an epoch cut short was run again
    before = setting.pop("before")
    stage = {
        **setting,
        "hours": sum(line["seconds"] for line in trained.values()) / 3600,
        "core_hours": sum(line["cpu_seconds"] for line in trained.values()) / 3600,
        "goes": sum(line.get("event") == "start" for line in log),
        "curve": [[line["epoch"], line["test_nll"]] for line in trained.values() if "test_nll" in line],
    }
    stages = [*before, stage]
    result = {
        "objective": objective,
        "samples": samples,
        **estimate(vae, test, seed, final),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "commands": [command(**stage) for stage in stages],
        "stages": stages,
    }
    replace(folder / RESULT, json.dumps(result, indent=1) + "\n")
    return result


def replace(file, text):
    """Write a file all or not at all, whenever the run is killed."""
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(text)
    unfinished.replace(file)


def read_log(folder):
    """The lines of ``log.jsonl``, but for those that a kill or a full disk cut short."""
    found = []
    for line in (Path(folder) / "log.jsonl").read_text().splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    return found


def estimate(vae, test, seed, samples):
    """What a trained row is worth on the test pictures: one estimate a seed, however often training was resumed."""
    keras.utils.set_random_seed(seed)
    drawn = binarized(test, seed + 2)
    begun = time.perf_counter()
    nll = -vae_lib.log_likelihood(vae, drawn, samples=samples)
    seconds = time.perf_counter() - begun
    return {
        "test_nll": float(nll.mean()),
        "standard_error": float(nll.std() / math.sqrt(len(nll))),
        "test_bound": -float(np.sum(vae_lib.rate_distortion(vae, drawn), axis=0).mean()),
        "active_units": vae_lib.active_units(vae, drawn),
        "importance_samples": samples,
        "test_points": len(test),
        "evaluation_seconds": seconds,
    }


def verify(folder, test, net=model):
    """Estimate a recorded row again from its weights; ``ValueError`` if the result says something else."""
    result = finished(folder)
    vae = net(np.full(test.shape[1], 0.5))
    load(vae, folder)
    again = estimate(vae, test, result["stages"][-1]["seed"], result["importance_samples"])
    for name in "test_nll", "test_bound", "active_units":
        if abs(again[name] - result[name]) > 0.01:  # one seed, so only rounding differs
            raise ValueError(f"{folder}: {name} is {again[name]:.3f}; its result says {result[name]:.3f}")
    return again


def record(folder, rows=ROWS):
    """Copy a finished run into the project, in the place of the row of the same objective and samples."""
    result = finished(folder)
    place = rows / f"{result['objective']}-{result['samples']}"
    place.mkdir(parents=True, exist_ok=True)
    for name in RESULT, WEIGHTS:
        shutil.copy(Path(folder) / name, place / name)
    return place


def finished(folder):
    """The result of the run in ``folder``; ``ValueError`` if it has none yet."""
    found = Path(folder) / RESULT
    if not found.exists():
        raise ValueError(f"{folder} must be the folder of a finished run; it holds no {RESULT}")
    return json.loads(found.read_text())


def load(vae, folder):
    """Give a net the weights of a finished run."""
    with np.load(Path(folder) / WEIGHTS) as saved:
        vae.set_weights([saved[name] for name in saved.files])


def command(objective, samples, epochs, batch, rate, seed, **_):
    """What trained a stage, but for the folder of the stage before it."""
    return (
        f"python -m benchmarks.mnist --objective {objective} --samples {samples} --epochs {epochs} "
        f"--batch {batch} --rate {rate:g} --seed {seed}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objective", choices=OBJECTIVES)
    parser.add_argument("--samples", type=int, help="k, the samples in the bound")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--rate", type=float, default=5e-4, help="the learning rate at the start")
    parser.add_argument("--start", help="the folder of a finished run to begin with, such as benchmarks/rows/vae-1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", help="default: benchmarks/runs/<objective>-<samples>-<epochs>")
    parser.add_argument("--data", help="an npz file with MNIST; default: where vae_lib.datasets.mnist finds it")
    parser.add_argument("--record", action="store_true", help="put the finished row into benchmarks/rows")
    parser.add_argument("--verify", metavar="FOLDER", help="train nothing: estimate this finished run again")
    chosen = parser.parse_args()
    wanted = ("objective", "samples", "epochs")
    if not chosen.verify and (missing := [name for name in wanted if getattr(chosen, name) is None]):
        parser.error(f"needs --{', --'.join(missing)}, or --verify")
    train, test = vae_lib.datasets.mnist(chosen.data)
    if chosen.verify:
        name, result = chosen.verify, verify(chosen.verify, test.x)
    else:
        name = f"{chosen.objective}-{chosen.samples}-{chosen.epochs}"
        folder = chosen.folder or Path(__file__).parent / "runs" / name
        setting = {key: getattr(chosen, key) for key in ("start", "batch", "rate", "seed")}
        result = run(chosen.objective, chosen.samples, chosen.epochs, train.x, test.x, folder, **setting)
        if chosen.record:
            print(f"recorded in {record(folder)}")
    print(f"{name}: test NLL {result['test_nll']:.2f} ± {result['standard_error']:.2f}")


if __name__ == "__main__":
    main()
