"""The published MNIST experiment on a few invented pictures: resumed, logged, estimated."""

import functools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import vae_lib
from benchmarks import mnist

RNG = np.random.default_rng(0)
TRAIN, TEST = (RNG.random((n, 784)).astype(np.float32) ** 4 for n in (60, 30))
small = functools.partial(
    mnist.run,
    "iwae",
    3,
    4,
    TRAIN,
    TEST,
    batch=20,
    every=2,
    final=50,
    net=functools.partial(mnist.model, hidden=8, latent=2),
)


def weights(folder):
    with np.load(folder / "backup.npz") as saved:
        return [saved[name] for name in saved.files if name != "header"]


def test_a_run_broken_off_and_started_again_ends_with_the_same_weights(tmp_path, monkeypatch):
    whole = small(tmp_path / "whole")
    on_epoch_end = mnist.Log.on_epoch_end

    def power_cut(self, epoch, logs=None):
        if epoch == 2:
            raise RuntimeError("power cut")
        on_epoch_end(self, epoch, logs)

    with monkeypatch.context() as context, pytest.raises(RuntimeError, match="power cut"):
        context.setattr(mnist.Log, "on_epoch_end", power_cut)
        small(tmp_path / "broken")
    resumed = small(tmp_path / "broken")
    for a, b in zip(weights(tmp_path / "whole"), weights(tmp_path / "broken"), strict=True):
        np.testing.assert_array_equal(a, b)
    same = "test_nll", "standard_error", "test_bound", "active_units", "commands"
    assert {key: whole[key] for key in same} == {key: resumed[key] for key in same}
    (stage,) = resumed["stages"]
    assert [point[0] for point in stage["curve"]] == [2, 4]
    assert (whole["stages"][0]["goes"], stage["goes"]) == (1, 2)
    assert json.loads((tmp_path / "broken/result.json").read_text()) == resumed


def test_the_estimate_is_that_of_the_library(tmp_path):
    result = small(tmp_path)
    vae = small.keywords["net"](TRAIN.mean(axis=0))
    mnist.load(vae, tmp_path)
    drawn = mnist.binarized(TEST, 2)
    mnist.keras.utils.set_random_seed(0)
    found = -vae_lib.log_likelihood(vae, drawn, samples=50)
    assert result["test_nll"] == pytest.approx(found.mean())
    assert result["standard_error"] == pytest.approx(found.std() / np.sqrt(30)) and result["test_points"] == 30
    assert result["test_nll"] < -result["test_bound"]


def test_a_folder_of_another_run_is_refused(tmp_path):
    small(tmp_path)
    with pytest.raises(ValueError, match=r"holds a run of .*'samples': 3.*; got .*'samples': 5"):
        mnist.run("iwae", 5, 4, TRAIN, TEST, tmp_path, batch=20)


def test_a_run_that_starts_from_another_begins_with_its_weights_and_tells_of_it(tmp_path):
    first = small(tmp_path / "first")
    second = small(tmp_path / "second", start=tmp_path / "first", rate=0.0)
    count = len(mnist.model(TRAIN.mean(axis=0), hidden=8, latent=2).weights)
    for a, b in zip(weights(tmp_path / "first")[:count], weights(tmp_path / "second")[:count], strict=True):
        np.testing.assert_array_equal(a, b)  # at rate zero it stays where it starts
    assert second["stages"][:1] == first["stages"] and len(second["commands"]) == 2
    assert second["test_nll"] == first["test_nll"]


def test_an_unfinished_start_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"none must be the folder of a finished run; it holds no result"):
        small(tmp_path / "second", start=tmp_path / "none")


def test_a_recorded_row_is_verified_from_its_weights_and_a_false_one_is_found_out(tmp_path):
    small(tmp_path / "run")
    row = mnist.record(tmp_path / "run", rows=tmp_path / "rows")
    assert row == tmp_path / "rows" / "iwae-3"
    net = small.keywords["net"]
    assert mnist.verify(row, TEST, net)["test_nll"] == mnist.finished(row)["test_nll"]
    flattered = mnist.finished(row) | {"test_nll": mnist.finished(row)["test_nll"] - 0.02}
    (row / mnist.RESULT).write_text(json.dumps(flattered))
    with pytest.raises(ValueError, match=r"iwae-3: test_nll is .*; its result says"):
        mnist.verify(row, TEST, net)


def test_the_net_is_the_papers():
    vae = mnist.model(TRAIN.mean(axis=0))
    assert [w.shape for w in vae.encoder.weights[::2]] == [(784, 200), (200, 200), (200, 100)]
    assert [w.shape for w in vae.decoder.weights[::2]] == [(50, 200), (200, 200), (200, 784)]
    np.testing.assert_allclose(1 / (1 + np.exp(-vae.decoder.weights[-1])), TRAIN.mean(axis=0), rtol=1e-5)


def test_the_command_killed_and_run_again_ends_with_the_weights_of_a_run_that_nobody_disturbed(tmp_path):
    file = tmp_path / "tiny.npz"
    pictures = {"x_train": TRAIN, "x_test": TEST}
    labels = {name.replace("x", "y"): np.zeros(len(x), np.uint8) for name, x in pictures.items()}
    shaped = {name: (255 * x).astype(np.uint8).reshape(-1, 28, 28) for name, x in pictures.items()}
    np.savez(file, **shaped, **labels)

    def command(folder):
        return [
            *(sys.executable, "-m", "benchmarks.mnist", "--objective", "vae", "--samples", "1", "--epochs", "30"),
            *("--batch", "10", "--rate", "1e-3", "--seed", "3", "--data", str(file), "--folder", str(folder)),
        ]

    home = Path(mnist.__file__).parents[1]
    killed = subprocess.Popen(command(tmp_path / "killed"), cwd=home)
    log = tmp_path / "killed/log.jsonl"
    try:
        for _ in range(3000):
            if (log.exists() and log.read_text().count('"epoch"') >= 3) or killed.poll() is not None:
                break
            time.sleep(0.05)
    finally:
        killed.kill()
    assert killed.wait() == -signal.SIGKILL
    with log.open("a") as cut_short:
        cut_short.write('{"epoch": 4, "sec')  # as a kill in the middle of a line leaves it
    for folder in "killed", "whole":
        said = subprocess.run(command(tmp_path / folder), cwd=home, check=True, capture_output=True, text=True).stdout
        assert said.startswith("vae-1-30: test NLL ")
    results = {folder: mnist.finished(tmp_path / folder) for folder in ("killed", "whole")}
    assert [results[folder]["stages"][0]["goes"] for folder in ("killed", "whole")] == [2, 1]
    assert results["killed"]["test_nll"] == results["whole"]["test_nll"]
    assert results["whole"]["commands"] == [
        "python -m benchmarks.mnist --objective vae --samples 1 --epochs 30 --batch 10 --rate 0.001 --seed 3"
    ]
    for a, b in zip(weights(tmp_path / "killed"), weights(tmp_path / "whole"), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_full_disk_costs_lines_of_the_log_and_not_the_run(tmp_path, monkeypatch):
    def full(self, mode):
        raise OSError(28, "No space left on device")

    log = mnist.Log(tmp_path, TEST, every=1)
    log.on_train_begin()
    with monkeypatch.context() as context, pytest.warns(UserWarning, match="a line is lost: .*No space left"):
        context.setattr(Path, "open", full)
        log.write(epoch=1)
    log.write(epoch=2)
    assert [line.get("epoch") for line in mnist.read_log(tmp_path)] == [None, 2]


def test_the_learning_rate_ends_at_zero(tmp_path, monkeypatch):
    made = []

    def remember(schedule, **arguments):
        made.append(schedule)
        return adam(schedule, **arguments)

    adam = mnist.keras.optimizers.Adam
    monkeypatch.setattr(mnist.keras.optimizers, "Adam", remember)
    small(tmp_path, rate=3e-4)
    (schedule,) = made
    assert float(schedule(0)) == pytest.approx(3e-4) and float(schedule(4 * 60 // 20)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("row", sorted(mnist.ROWS.glob("*/result.json")), ids=lambda file: file.parent.name)
def test_a_committed_row_is_what_its_weights_give_on_some_digits(row):
    result, vae = mnist.finished(row.parent), mnist.model(np.full(784, 0.5))
    mnist.load(vae, row.parent)  # shapes must fit
    folder = os.environ.get("VAE_LIB_DATA")
    if not folder or not Path(folder, "mnist.npz").is_file():
        pytest.skip("VAE_LIB_DATA is not a folder with mnist.npz")
    some = mnist.binarized(vae_lib.datasets.mnist(Path(folder, "mnist.npz"))[1].x, 2)[::20]  # 500, as run drew them
    found = -vae_lib.log_likelihood(vae, some, samples=500)
    error = found.std() / np.sqrt(len(found))
    assert result["test_nll"] == pytest.approx(found.mean(), abs=4 * error + 0.5)
