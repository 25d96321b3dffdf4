"""Killed and resumed: the whole state of a training run in one file, replaced at a stroke."""

import contextlib
import itertools
import json
import os
import warnings
from pathlib import Path

import keras
import numpy as np

from vae_lib import checks
from vae_lib.training import variables


class Backup(keras.callbacks.Callback):
    """For ``fit(callbacks=[…])``: run the same program again after a kill, and it ends as if nothing had happened.

    After every ``every`` epochs the weights, the optimizer's state, the epoch and the key of all noise and shuffling go
    into ``folder``/backup.npz. A ``fit`` that finds the file goes on from there, and one that finds a finished run has
    nothing left to do, and an empty history: take a folder for each run. Keras's ``BackupAndRestore`` writes weights
    and epoch one after the other, so that a kill between the two trains an epoch twice; here one file takes another's
    place at once. A write that fails (a full disk) leaves the last backup whole; training goes on, with a warning.

    Put it last among the callbacks, so that it sees what the others did. A run that one of them stopped, as
    ``EarlyStopping`` does, counts as finished. What they remember, such as how long they have been patient, is not in
    the file.

    With several workers (``tf.distribute``) the first one writes and all read, so ``folder`` must be shared;
    ``fit`` refuses workers of which only some found the file.

    Raises ``ValueError`` for a file that is damaged, or of another run: another model, optimizer, number of steps an
    epoch, objective (by its name) or data. Another learning rate or number of epochs it lets pass.
    """

    def __init__(self, folder, every=1):
        super().__init__()
        self.file = Path(folder) / "backup.npz"
        self.every = checks.integer("Backup: every", every)

    def on_train_begin(self, logs=None):
        model, steps = self.model, self.params["steps"]
        kind = f"{type(model).__name__}, {type(model.optimizer).__name__}, {steps} steps"
        self.made_from = [kind, *model._made_from()]
        if model.distribute_strategy.extended.should_checkpoint:
            for left in self.file.parent.glob("backup.*.unfinished"):  # by a run that was killed while it wrote
                with contextlib.suppress(OSError):
                    left.unlink()
        if not self.file.exists():
            return
        try:
            with np.load(self.file, allow_pickle=False) as saved:
                header = json.loads(str(saved["header"]))
                values = [saved[f"value{i}"] for i in range(len(header["values"]))]
                epoch, run_seed = header["epoch"], header["run_seed"]
            if header["values"] != [f"{value.dtype} {list(value.shape)}" for value in values]:
                raise ValueError("its arrays are not those that its header lists")
        except Exception as error:  # whatever NumPy raises: it depends on the first wrong byte
            raise ValueError(f"{self.file} is not a readable backup ({error}); move it away to begin anew") from error
        ours = [*self.made_from, *self._values()]
        for here, there in itertools.zip_longest(ours, [*header["made_from"], *header["values"]]):
            if here != there:
                raise ValueError(f"{self.file} is the backup of another run: {there} where this one has {here}")
        for variable, value in zip(variables(self.model, self.model.optimizer), values, strict=True):
            variable.assign(value)
        self.model._initial_epoch = self.params["epochs"] if header["stopped"] else epoch
        self.model._run_seed = run_seed

    def on_epoch_end(self, epoch, logs=None):
        self.epochs_done = epoch + 1
        if (epoch + 1) % self.every and epoch + 1 < self.params["epochs"]:
            return
        self._write(epoch + 1)

    def on_train_end(self, logs=None):
        if self.model.stop_training:
            self._write(self.epochs_done, stopped=True)

    def _write(self, epoch, stopped=False):
        values = [np.asarray(v) for v in variables(self.model, self.model.optimizer)]
        if not self.model.distribute_strategy.extended.should_checkpoint:
            return  # another worker writes
        run = {"epoch": epoch, "run_seed": int(self.model._run_seed), "stopped": stopped}
        header = run | {"made_from": self.made_from, "values": self._values()}
        unfinished = self.file.with_name(f"backup.{os.getpid()}.unfinished")
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                np.savez(file, header=json.dumps(header), **{f"value{i}": value for i, value in enumerate(values)})
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.file)
        except OSError as error:
            warnings.warn(f"epoch {epoch} is not backed up: {error}; the backup before it is whole", stacklevel=2)
            unfinished.unlink(missing_ok=True)

    def _values(self):
        return [f"{v.dtype} {list(v.shape)}" for v in variables(self.model, self.model.optimizer)]
