"""``Backup``: killed at any moment, resumed, and the weights are those of a run that nobody disturbed."""

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import time
import zipfile

import vae_lib  # first: it imports TensorFlow quietly
from vae_lib import VAE, Backup, LearnedNormal, elbo, fit, iwae, mlp

import keras  # isort: skip
import numpy as np
import pytest

X = np.random.default_rng(0).normal(size=(43, 2)).astype(np.float32)


def make(hidden=3, dropout=0.0):
    keras.utils.set_random_seed(3)
    encoder = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(dropout), keras.layers.Dense(2)])
    return VAE(encoder, mlp(1, [hidden], 2), LearnedNormal(0.1))


def train(
    model, folder=None, epochs=6, seed=7, callbacks=(), optimizer="adam", batch_size=8, every=1, x=X, objective=elbo
):
    keras.utils.set_random_seed(seed)
    backup = [Backup(folder, every)] if folder else []
    arguments = {"batch_size": batch_size, "optimizer": optimizer, "verbose": 0}
    return fit(model, x, objective, epochs=epochs, callbacks=[*callbacks, *backup], **arguments)


def assert_identical(model, other):
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(model.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)


class Stop(keras.callbacks.Callback):
    """A power cut after an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            raise RuntimeError("power cut")


def broken_off(folder, at=3, **arguments):
    """A run that ended before its epoch ``at`` was backed up."""
    model = make()
    with pytest.raises(RuntimeError, match="power cut"):
        train(model, folder, callbacks=[Stop(at)], **arguments)
    return model


@pytest.mark.parametrize("dropout", [0.0, 0.5], ids=["sampling noise", "sampling noise and dropout"])
def test_resumed_in_a_process_with_another_seed_it_ends_like_a_run_that_nobody_disturbed(tmp_path, dropout):
    whole, broken, resumed = make(dropout=dropout), make(dropout=dropout), make(dropout=dropout)
    train(whole)
    with pytest.raises(RuntimeError, match="power cut"):
        train(broken, tmp_path, callbacks=[Stop(3)])
    resumed.set_weights([w + 1 for w in resumed.get_weights()])  # all must come from the backup
    assert train(resumed, tmp_path, seed=12345).epoch == [3, 4, 5]
    assert_identical(whole, resumed)


def test_a_finished_run_has_nothing_left_to_do_and_can_be_prolonged(tmp_path):
    whole, first, again = make(), make(), make()
    train(whole, epochs=8)
    train(first, tmp_path)
    assert train(again, tmp_path).epoch == []
    assert_identical(first, again)
    assert train(again, tmp_path, epochs=8, optimizer=again.optimizer).epoch == [6, 7]
    assert_identical(whole, again)


def test_a_run_that_was_stopped_early_is_finished_with_what_the_other_callbacks_left(tmp_path):
    def stop():
        return keras.callbacks.EarlyStopping("objective", mode="min", patience=1, restore_best_weights=True)

    stopped, again, more = make(), make(), make()
    epochs = train(stopped, tmp_path, epochs=50, callbacks=[stop()], every=7).epoch
    assert len(epochs) < 50
    for model, count in (again, 50), (more, 60):
        assert train(model, tmp_path, epochs=count, callbacks=[stop()]).epoch == []
        assert_identical(stopped, model)


def test_every_so_many_epochs_and_the_last(tmp_path):
    whole, resumed = make(), make()
    train(whole)
    broken_off(tmp_path, at=4, every=2)
    assert train(resumed, tmp_path, every=4).epoch == [4, 5]
    assert train(make(), tmp_path).epoch == []
    assert_identical(whole, resumed)


def test_killed_again_and_again_at_any_moment(tmp_path):
    """Real kills, from outside, amid epochs and writes of which the first are done; the last run is left alone."""
    script = f"""
        import os, sys
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        import test_backup as t
        class Tell(t.keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                print(epoch, flush=True)
        model = t.make()
        t.train(model, {str(tmp_path / "backup")!r}, epochs=400, callbacks=[Tell()])
        t.np.savez({str(tmp_path / "final.npz")!r}, *model.get_weights())
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    begun, kills = [], 0
    for _ in range(30):
        run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        lines = [run.stdout.readline() for _ in range(3)]  # the first epoch of a run is long: it is compiled
        begun += [int(lines[0])] if lines[0] else []
        if kills < 3:
            time.sleep(0.002 * (1 + 7 * kills))  # somewhere within the few milliseconds of an epoch and its backup
            run.send_signal(signal.SIGKILL)
            kills += run.wait() == -signal.SIGKILL
        elif run.wait() == 0:
            break
    assert kills == 3 and begun[0] == 0 and all(a < b for a, b in itertools.pairwise(begun))
    whole = make()
    train(whole, epochs=400)
    with np.load(tmp_path / "final.npz") as final:
        for a, b in zip(whole.get_weights(), final.values(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_what_a_kill_left_of_a_write_is_tidied_up(tmp_path):
    broken_off(tmp_path)
    (tmp_path / "backup.12345.unfinished").write_bytes(b"half of a")
    (tmp_path / "notes.unfinished").touch()
    assert train(make(), tmp_path).epoch == [3, 4, 5]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["backup.npz", "notes.unfinished"]


def damage(kind, file):
    content = file.read_bytes()
    middle = len(content) // 2
    if kind == "truncated":
        file.write_bytes(content[:middle])
    elif kind == "empty":
        file.write_bytes(b"")
    elif kind == "text":
        file.write_text("this is not a backup")
    elif kind == "one bit":
        with zipfile.ZipFile(file) as archive:
            info = archive.infolist()[3]
            at = info.header_offset + 30 + len(info.filename) + len(info.extra) + 130  # in the numbers themselves
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    elif kind == "other shapes":
        with np.load(file) as saved:
            np.savez(file, **{name: saved[name].T if name == "value2" else saved[name] for name in saved.files})
    elif kind == "other npz":
        np.savez(file, weights=np.zeros(3))
    elif kind == "a folder":
        file.unlink()
        file.mkdir()


def test_with_any_one_bit_flipped_it_is_refused_or_read_as_it_was(tmp_path):
    model = make()
    train(model, tmp_path, epochs=2)
    backup, file = Backup(tmp_path), tmp_path / "backup.npz"
    backup.set_params({"epochs": 2, "steps": 5})
    backup.set_model(model)
    model._made_from = lambda: ["elbo", *vae_lib.training._checksums(vae_lib.checks.numeric(X, "x"))]  # as in fit
    whole = [np.asarray(v) for v in vae_lib.training.variables(model, model.optimizer)]
    content, read = file.read_bytes(), 0
    # the zip's own fields are where most goes unread; every bit of the file takes minutes (and does pass)
    directory = content.index(b"PK\x01\x02")
    entry = content.index(b"PK\x01\x02", directory + 1) - directory
    second = content.index(b"PK\x03\x04", 1)
    places = [*range(directory, directory + entry), *range(second, second + 200), len(content) - 10]
    for at, bit in itertools.product(places, range(8)):
        file.write_bytes(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
        try:
            backup.on_train_begin()
            assert model._initial_epoch == 2
            read += 1
        except ValueError as error:
            assert "is not a readable backup" in str(error)
        for v, value in zip(vae_lib.training.variables(model, model.optimizer), whole, strict=True):
            np.testing.assert_array_equal(np.asarray(v), value)
    assert 0 < read < 8 * len(places)


@pytest.mark.parametrize("kind", ["truncated", "empty", "text", "one bit", "other shapes", "other npz", "a folder"])
def test_a_damaged_backup_is_refused_and_nothing_is_touched(tmp_path, kind):
    broken_off(tmp_path)
    damage(kind, tmp_path / "backup.npz")
    model = make()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"backup\.npz is not a readable backup .*move it away"):
        train(model, tmp_path)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        (lambda: make(hidden=4), {}, r"there .*3\] where|float32 \[1, 3\] where this one has float32 \[1, 4\]"),
        (make, {"optimizer": "sgd"}, "VAE, Adam, 5 steps where this one has VAE, SGD, 5 steps"),
        (make, {"batch_size": 4}, "5 steps where this one has VAE, Adam, 10 steps"),
        (make, {"objective": iwae(2)}, "elbo where this one has iwae"),
        (make, {"x": X + 1}, r"float32 \[43, 2\] with checksum \w+ where this one has float32 \[43, 2\] with checksum"),
    ],
)
def test_the_backup_of_another_run_is_refused(tmp_path, model, arguments, message):
    broken_off(tmp_path)
    with pytest.raises(ValueError, match=f"is the backup of another run: .*{message}"):
        train(model(), tmp_path, **arguments)


def test_a_full_disk_leaves_the_backup_before_it_whole(tmp_path):
    """A real short write: the file may not grow beyond a limit that the process sets itself from the third epoch on."""
    script = f"""
        import resource, signal, sys, warnings
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        import test_backup as t
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        class Fill(t.keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                if epoch == 2:
                    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            history = t.train(t.make(), {str(tmp_path)!r}, callbacks=[Fill()])
        print(len(history.epoch), [str(w.message) for w in caught if "not backed up" in str(w.message)])
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, check=True)
    said = run.stdout.decode()
    assert said.startswith("6 ") and said.count("is not backed up") == 4, run.stderr.decode()
    assert "the backup before it is whole" in said
    assert [file.name for file in tmp_path.iterdir()] == ["backup.npz"]
    whole, resumed = make(), make()
    train(whole)
    assert train(resumed, tmp_path).epoch == [2, 3, 4, 5]
    assert_identical(whole, resumed)


def test_bad_arguments_are_named(tmp_path):
    with pytest.raises(ValueError, match="Backup: every must be an integer, at least 1; got 0"):
        vae_lib.Backup(tmp_path, every=0)
    with pytest.raises(TypeError):
        vae_lib.Backup(None)
