"""The published MNIST experiment on a few invented pictures: resumed, logged, estimated."""

import functools
import json

import numpy as np
import pytest

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


def test_the_estimate_is_that_of_the_library_and_above_nothing_it_should_not_be(tmp_path):
    result = small(tmp_path)
    assert result["test_nll"] <= -result["test_bound"] + 5 * result["standard_error"]
    assert 0 < result["standard_error"] < 20 and result["test_points"] == 30


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
