"""``fit``: against a plain eager loop, with Keras's callbacks, from a warm and a cold cache, on bad input."""

import collections
import functools
import logging
import os
import random
import subprocess
import sys
import textwrap
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_lib import (
    VAE,
    Autoencoder,
    Bernoulli,
    FixedNormal,
    LearnedNormal,
    Normal,
    beta_elbo,
    binarize,
    elbo,
    elbo_mc,
    fit,
    iwae,
    mlp,
    randomness,
    reconstruction,
    standard_normal,
    training,
)

N, BATCH = 43, 8  # five whole batches and three examples left over
STEPS = N // BATCH
X = np.random.default_rng(0).normal(size=(N, 2)).astype(np.float32)
X_TEST = np.random.default_rng(1).normal(size=(19, 2)).astype(np.float32)
RATE = 0.01


def make_vae(likelihood=None, encoder=None, prior=None):
    likelihood = likelihood or LearnedNormal(0.1)
    return VAE(encoder or mlp(2, [3], 2), mlp(1, [3], 2), likelihood, prior)


def make_linear(inputs=2, **kwargs):
    """The smallest model there is, quick to compile."""
    return keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(1, **kwargs)])


def first_output(model, x):
    return model(x)[:, 0]


def own_elbo(model, x):
    """What the library knows as ``elbo``, from outside it: compiled for each ``fit`` and never shared."""
    return elbo(model, x)


def train(model, objective=elbo, epochs=3, x=X, seed=7, **kwargs):
    """``fit`` from a fixed seed: the run draws the seed that ``reference`` draws."""
    keras.utils.set_random_seed(seed)
    return fit(model, x, objective, **{"epochs": epochs, "batch_size": BATCH, "optimizer": adam(), **kwargs})


def adam(rate=RATE):
    return keras.optimizers.Adam(rate)


def reference(model, objective=elbo, epochs=3, x=X, seed=7, optimizer=None, before_epoch=lambda epoch: None):
    """What ``fit`` promises to do, as an eager loop over a tape and the same Keras optimizer."""
    keras.utils.set_random_seed(seed)
    run_seed = keras.random.randint((), 0, 2**31 - 1)
    optimizer = optimizer or adam()
    optimizer.build(model.trainable_variables)
    means = []
    for epoch in range(epochs):
        before_epoch(epoch)
        with randomness.keyed(run_seed, -1 - int(optimizer._iterations)):
            order = randomness.permutation(len(x)).numpy()
        values = []
        for rows in order[: STEPS * BATCH].reshape(STEPS, BATCH):
            with randomness.keyed(run_seed, int(optimizer._iterations)), tf.GradientTape() as tape:
                value = tf.reduce_mean(objective(model, x[rows]))
                loss = optimizer.scale_loss(sum(model.losses) - value)
            gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
            optimizer.apply(gradients, model.trainable_variables)
            values.append(float(value))
        means.append(np.mean(values))
    return means


def twins(make=make_vae, count=2):
    """Models that start alike."""
    models = []
    for _ in range(count):
        keras.utils.set_random_seed(3)
        models.append(make())
    return models


def assert_same(model, other, within=1e-5):
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=within, atol=within)


def assert_identical(model, other):
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


class Recorder(keras.callbacks.Callback):
    """Keeps the weights at the end of each epoch, and their logs."""

    def __init__(self):
        super().__init__()
        self.weights, self.logs = [], []

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.get_weights())
        self.logs.append(dict(logs))


class Raise(keras.callbacks.Callback):
    """Raises once, at the beginning or end of an epoch (counted from 0)."""

    def __init__(self, error, begin=None, end=None):
        super().__init__()
        self.error, self.begin, self.end = error, begin, end

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.begin:
            raise self.error

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.end:
            raise self.error


@pytest.fixture
def cold(monkeypatch):
    """A cache of its own, so that a test neither finds what others compiled nor drives it out."""
    monkeypatch.setattr(training, "_kept", collections.OrderedDict())


@pytest.fixture
def traces(cold, monkeypatch):
    """Grows by one each time a training step is traced."""
    seen, step = [], training._Compiled._step

    @functools.wraps(step)
    def counting(self, *args):
        seen.append(self)
        return step(self, *args)

    monkeypatch.setattr(training._Compiled, "_step", counting)
    return seen


# ---- the same as a plain loop


@pytest.mark.parametrize("objective", [elbo, own_elbo], ids=["shared compilation", "its own compilation"])
def test_an_epoch_does_what_an_eager_loop_does(objective):
    fitted, looped = twins()
    history = train(fitted, objective).history
    means = reference(looped, objective)
    assert_same(fitted, looped)
    np.testing.assert_allclose(history["objective"], means, rtol=1e-5)
    np.testing.assert_allclose(history["loss"], -np.array(means), rtol=1e-5)
    assert float(fitted.likelihood.log_variance[0]) != pytest.approx(np.log(0.1))  # a likelihood's weight is trained


@pytest.mark.parametrize(
    "make_optimizer",
    [
        lambda: keras.optimizers.SGD(RATE, momentum=0.9, nesterov=True),
        lambda: keras.optimizers.AdamW(RATE, weight_decay=0.1, clipnorm=1.0),
        lambda: adam(keras.optimizers.schedules.ExponentialDecay(0.05, 2, 0.5)),
        lambda: adam(lambda: 0.02),
        lambda: keras.optimizers.SGD(RATE, gradient_accumulation_steps=2),
        lambda: keras.optimizers.SGD(RATE, loss_scale_factor=1024.0),
    ],
    ids=["momentum", "decay and clipping", "schedule", "callable rate", "accumulation", "scaled loss"],
)
def test_any_keras_optimizer_steps_as_in_an_eager_loop(make_optimizer):
    fitted, looped = twins(lambda: Autoencoder(mlp(2, [], 1), mlp(1, [], 2)))
    optimizer = make_optimizer()
    train(fitted, reconstruction, optimizer=optimizer)
    reference(looped, reconstruction, optimizer=make_optimizer())
    assert_same(fitted, looped)
    assert fitted.optimizer is optimizer
    assert int(optimizer._iterations) == 3 * STEPS


def test_an_optimizer_that_scales_the_loss_by_itself_steps_like_the_one_inside():
    scaled, plain = twins()
    train(scaled, optimizer=keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(RATE)))
    train(plain, optimizer=keras.optimizers.SGD(RATE))
    assert_same(scaled, plain)


def test_an_objective_may_be_computed_in_double_precision():
    fitted, looped = twins()
    train(fitted, lambda model, x: tf.cast(elbo(model, x), tf.float64))
    train(looped, own_elbo)
    assert_same(fitted, looped)


def test_weights_excluded_from_decay_stay_excluded():
    optimizer = keras.optimizers.AdamW(RATE, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["kernel", "bias"])
    fitted, looped = twins(lambda: Autoencoder(mlp(2, [], 1), mlp(1, [], 2)))
    train(fitted, reconstruction, optimizer=optimizer)
    reference(looped, reconstruction, optimizer=adam())
    assert_same(fitted, looped)


# ---- shuffling and batches


def positions(epochs, n=N, batch_size=BATCH, seed=0):
    """The step at which each epoch used each example, −1 where it did not: [epochs, n].

    Each example moves a weight of its own, and a penalty lets that weight shrink by a tenth at each later step.
    """

    def objective(model, x):
        return model(x)[:, 0] * batch_size - 0.05 * tf.reduce_sum(model.weights[0] ** 2)

    model = make_linear(n, use_bias=False, kernel_initializer="zeros")
    seen = []

    class Read(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kernel = self.model.get_weights()[0][:, 0]
            steps = n // batch_size
            age = np.round(np.log(np.maximum(kernel, 1e-9)) / np.log(0.9))
            uses = kernel / 0.9 ** np.clip(age, 0, steps)
            np.testing.assert_allclose(uses[kernel > 0], 1, rtol=1e-3)  # once each, at a whole step
            seen.append(np.where(kernel > 0, steps - 1 - age, -1).astype(int))
            self.model.set_weights([np.zeros((n, 1), np.float32)])

    keras.utils.set_random_seed(seed)
    sgd = keras.optimizers.SGD(1.0)
    eye = np.eye(n, dtype=np.float32)
    fit(model, eye, objective, epochs=epochs, batch_size=batch_size, optimizer=sgd, callbacks=[Read()])
    return np.array(seen)


def test_each_epoch_uses_whole_batches_of_a_new_order_and_drops_the_rest():
    seen = positions(4)
    for epoch in seen:
        assert [np.sum(epoch == step) for step in range(STEPS)] == [BATCH] * STEPS
        assert np.sum(epoch == -1) == N % BATCH
    dropped = {tuple(np.flatnonzero(epoch == -1)) for epoch in seen}
    assert len(dropped) > 1
    assert len({tuple(epoch) for epoch in seen}) == 4


def test_one_batch_may_hold_all_examples():
    assert np.all(positions(2, n=5, batch_size=5) == 0)


def test_no_epochs_change_nothing():
    model, start = twins()
    optimizer = keras.optimizers.Adam(use_ema=True)
    history = train(model, epochs=0, optimizer=optimizer, validation=X_TEST)
    assert history.history == {}
    assert_identical(model, start)


# ---- noise


def test_preprocess_draws_anew_at_every_access():
    gray = np.full((N, 2), 0.3, np.float32)

    def mean_and_binary(model, x):
        is_binary = tf.cast(tf.reduce_all((x == 0) | (x == 1)), tf.float32)
        return tf.reduce_mean(x, axis=1) / is_binary + 0 * first_output(model, x)

    history = train(make_linear(), mean_and_binary, epochs=40, x=gray, preprocess=binarize, validation=gray).history
    draws = 40 * STEPS * BATCH * 2
    assert np.mean(history["objective"]) == pytest.approx(0.3, abs=5 * (0.21 / draws) ** 0.5)
    assert len(set(history["objective"])) > 5
    assert len(set(history["val_objective"])) == 1  # held-out data meet the same noise after every epoch


def test_training_repeats_after_set_random_seed_and_differs_without():
    first, second, third = twins(count=3)
    histories = [train(m, seed=s).history for m, s in ((first, 7), (second, 7), (third, 8))]
    assert histories[0] == histories[1] != histories[2]
    assert_identical(first, second)
    assert np.any(first.get_weights()[0] != third.get_weights()[0])


# ---- what is logged


def test_history_has_one_number_per_epoch_under_each_name():
    model = make_vae()
    history = train(model, validation=X_TEST)
    assert isinstance(history, keras.callbacks.History)
    assert set(history.history) == {"objective", "loss", "val_objective", "val_loss"}
    assert all(len(values) == 3 and type(values[0]) is float for values in history.history.values())
    assert history.epoch == [0, 1, 2]
    assert model.history is history
    assert set(train(make_vae()).history) == {"objective", "loss"}


@pytest.mark.parametrize("rows", [19, 16, 3], ids=["a partial batch at the end", "whole batches", "less than a batch"])
def test_validation_counts_every_example_once(rows):
    model = Autoencoder(mlp(2, [], 1), mlp(1, [], 2))
    history = train(model, reconstruction, epochs=1, validation=X_TEST[:rows]).history
    assert history["val_objective"] == pytest.approx([float(np.mean(reconstruction(model, X_TEST[:rows])))], rel=1e-5)
    assert history["val_loss"] == pytest.approx([-history["val_objective"][0]])


def test_validation_does_not_change_training():
    with_validation, without = twins()
    train(with_validation, validation=X_TEST)
    train(without)
    assert_identical(with_validation, without)


@pytest.mark.parametrize("form", ["tuple", "dict"])
def test_a_nest_of_arrays_reaches_the_objective_with_its_types(form):
    labels = np.arange(N) % 3
    data = (X, labels) if form == "tuple" else {"picture": X, "label": labels}

    def log_softmax(model, batch):
        x, y = batch if form == "tuple" else (batch["picture"], batch["label"])
        assert y.dtype.is_integer and y.shape == (x.shape[0],)
        return -tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x))

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    history = train(model, log_softmax, x=data, epochs=1, validation=data).history
    expected = float(np.mean(log_softmax(model, tf.nest.map_structure(tf.constant, data))))
    assert history["val_objective"] == pytest.approx([expected], rel=1e-5)


# ---- Keras layers that differ in training


def test_batch_normalization_trains_on_batches_and_validates_on_moving_statistics():
    model = keras.Sequential([keras.Input((2,)), keras.layers.BatchNormalization(momentum=0.5)])
    history = train(model, lambda m, x: -(m(x)[:, 0] ** 2), 3, batch_size=N, validation=X_TEST).history
    layer = model.layers[0]
    np.testing.assert_allclose(layer.moving_mean, X.mean(0) * (1 - 0.5**3), atol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, X.var(0) * (1 - 0.5**3) + 0.5**3, atol=1e-5)
    held_out = -float(np.mean(model(X_TEST, training=False)[:, 0] ** 2))
    assert history["val_objective"][-1] == pytest.approx(held_out, rel=1e-5)
    assert history["objective"][0] == pytest.approx(-1, abs=0.01)  # a batch normalised by its own variance


def make_dropout_vae():
    layers = [keras.layers.Dense(4, "tanh"), keras.layers.Dropout(0.5), keras.layers.Dense(2)]
    return make_vae(encoder=keras.Sequential([keras.Input((2,)), *layers]))


def test_dropout_is_on_in_training_and_off_in_validation():
    dense = keras.layers.Dense(1, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((50,)), keras.layers.Dropout(0.5), dense])
    ones = np.ones((N, 50), np.float32)
    still = keras.optimizers.SGD(0.0)
    history = train(model, first_output, 4, ones, optimizer=still, validation=ones).history
    assert history["val_objective"] == [50.0] * 4
    assert len(set(history["objective"])) == 4
    assert np.mean(history["objective"]) == pytest.approx(50, abs=5 * (50 / (4 * STEPS * BATCH)) ** 0.5)


@pytest.mark.parametrize("rows", [19, 16], ids=["a partial batch", "whole batches"])
def test_the_penalties_of_layers_are_part_of_the_loss(rows):
    def make():
        kernel, activity = keras.regularizers.L2(0.1), keras.regularizers.L1(0.2)
        layer = keras.layers.Dense(1, kernel_regularizer=kernel, activity_regularizer=activity)
        return Autoencoder(keras.Sequential([keras.Input((2,)), layer]), mlp(1, [], 2))

    fitted, looped = twins(make)
    history = train(fitted, reconstruction, epochs=1, validation=X_TEST[:rows]).history
    reference(looped, reconstruction, epochs=1)
    assert_same(fitted, looped)
    kernel, code = fitted.encoder.get_weights()[0], fitted.encode(X_TEST[:rows])
    penalty = 0.1 * np.sum(kernel**2) + 0.2 * np.mean(np.abs(code))
    assert history["val_loss"][0] == pytest.approx(penalty - history["val_objective"][0], rel=1e-5)


def test_frozen_weights_stay_and_do_not_share_with_unfrozen():
    frozen, one_kernel, free, looped = twins(lambda: Autoencoder(mlp(2, [], 1), mlp(1, [], 2)), 4)
    train(free, reconstruction)
    frozen.encoder.trainable = looped.encoder.trainable = False
    one_kernel.encoder.layers[0].kernel.trainable = False
    train(frozen, reconstruction)
    train(one_kernel, reconstruction)
    start = looped.get_weights()
    reference(looped, reconstruction)
    assert_same(frozen, looped)
    for model, still in ((frozen, 2), (one_kernel, 1)):
        moved = [bool(np.any(a != b)) for a, b in zip(model.get_weights(), start, strict=True)]
        assert moved == [False] * still + [True] * (4 - still)


# ---- Keras callbacks


def rates_by_epoch(*rates):
    return keras.callbacks.LearningRateScheduler(lambda epoch: rates[min(epoch, len(rates) - 1)])


@pytest.mark.parametrize(
    ("monitor", "best"),
    [({}, ("val_loss", np.argmin)), ({"monitor": "objective", "mode": "max"}, ("objective", np.argmax))],
    ids=["val_loss, the default", "objective, to maximise"],
)
def test_early_stopping_stops_and_restores_the_best_weights(monitor, best):
    model, recorder = make_vae(), Recorder()
    stop = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True, **monitor)
    spoil = rates_by_epoch(0.01, 0.01, 0.01, 1.0)
    history = train(model, epochs=30, validation=X_TEST, callbacks=[spoil, stop, recorder]).history
    name, pick = best
    index = int(pick(history[name]))
    assert len(history[name]) == index + 3 < 30
    for restored, kept in zip(model.get_weights(), recorder.weights[index], strict=True):
        np.testing.assert_array_equal(restored, kept)


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_model_checkpoint_keeps_the_best_model_in_a_file_that_loads(suffix, tmp_path):
    model, recorder, path = make_vae(), Recorder(), tmp_path / f"best{suffix}"
    save = keras.callbacks.ModelCheckpoint(path, save_best_only=True, save_weights_only=suffix != ".keras")
    spoil = rates_by_epoch(0.01, 0.01, 1.0)
    history = train(model, epochs=4, validation=X_TEST, callbacks=[spoil, save, recorder]).history
    best = int(np.argmin(history["val_loss"]))
    assert best < 3
    loaded = keras.models.load_model(path) if suffix == ".keras" else make_vae()
    if suffix != ".keras":
        loaded.load_weights(path)
    for a, b in zip(loaded.get_weights(), recorder.weights[best], strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_saved_model_goes_on_with_the_optimizer_it_was_saved_with(tmp_path):
    model, path = make_vae(), tmp_path / "model.keras"
    train(model)
    model.save(path)
    loaded = keras.models.load_model(path)
    assert int(loaded.optimizer.iterations) == 3 * STEPS
    for each in (model, loaded):
        train(each, optimizer=each.optimizer)
    assert_identical(model, loaded)


@pytest.mark.parametrize("make", [make_vae, make_dropout_vae], ids=["sampling noise", "sampling noise and dropout"])
@pytest.mark.parametrize("when", [{"begin": 3}, {"end": 2}], ids=["after a backup", "before a backup"])
def test_a_run_that_was_interrupted_and_restored_ends_like_one_that_was_not(make, when, tmp_path):
    whole, broken, fresh = twins(make, 3)
    uninterrupted = train(whole, epochs=5).history
    backup = functools.partial(keras.callbacks.BackupAndRestore, str(tmp_path / "backup"))
    with pytest.raises(RuntimeError, match="power"):
        train(broken, epochs=5, callbacks=[Raise(RuntimeError("power cut"), **when), backup()])
    fresh.set_weights([np.zeros_like(w) for w in fresh.get_weights()])  # all must come from the backup
    restored = train(fresh, epochs=5, callbacks=[backup()])
    first = when.get("begin", when.get("end"))
    assert restored.epoch == list(range(first, 5))
    assert restored.history["objective"] == uninterrupted["objective"][first:]
    assert_identical(whole, fresh)
    for a, b in zip(whole.optimizer.variables, fresh.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_run_killed_in_one_process_goes_on_in_another(tmp_path):
    script = f"""
        import os, sys
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        import test_training as t
        class Kill(t.keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                if epoch == 2:
                    os._exit(9)
        backup = t.keras.callbacks.BackupAndRestore({str(tmp_path)!r})
        t.train(t.twins(count=1)[0], epochs=4, callbacks=[backup, Kill()])
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, check=False)
    assert killed.returncode == 9, killed.stderr.decode()
    whole, resumed = twins()
    train(whole, epochs=4)
    history = train(resumed, epochs=4, callbacks=[keras.callbacks.BackupAndRestore(str(tmp_path))])
    assert history.epoch == [2, 3]
    assert_identical(whole, resumed)


def test_tensorboard_writes_its_logs(tmp_path):
    pytest.importorskip("tensorboard", reason="keras.callbacks.TensorBoard needs the package tensorboard")
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    board = keras.callbacks.TensorBoard(tmp_path, histogram_freq=1)
    history = train(make_vae(), validation=X_TEST, callbacks=board).history
    for folder, name, logged in (("train", "epoch_objective", "objective"), ("validation", "epoch_loss", "val_loss")):
        (file,) = (tmp_path / folder).iterdir()
        events = [v for event in EventFileLoader(str(file)).Load() for v in event.summary.value]
        written = [tf.make_ndarray(v.tensor) for v in events if v.tag == name]
        np.testing.assert_allclose(written, history[logged], rtol=1e-6)


def test_the_rate_of_a_learning_rate_scheduler_reaches_the_compiled_step():
    fitted, looped = twins()
    optimizer, rates = adam(), [0.03, 0.003, 0.1]
    history = train(fitted, callbacks=[rates_by_epoch(*rates)]).history
    reference(looped, optimizer=optimizer, before_epoch=lambda epoch: setattr(optimizer, "learning_rate", rates[epoch]))
    assert_same(fitted, looped)
    np.testing.assert_allclose(history["learning_rate"], rates, rtol=1e-6)


def test_the_rate_of_reduce_on_plateau_reaches_the_compiled_step():
    fitted, looped = twins()
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=1, min_delta=1e9)
    optimizer, rates = adam(), [RATE, RATE, RATE / 10, RATE / 100]
    history = train(fitted, epochs=4, callbacks=[plateau]).history
    reference(
        looped, epochs=4, optimizer=optimizer, before_epoch=lambda e: setattr(optimizer, "learning_rate", rates[e])
    )
    assert_same(fitted, looped)
    np.testing.assert_allclose(history["learning_rate"], rates, rtol=1e-6)


def test_swap_ema_weights_validates_the_average_and_fit_ends_with_it():
    class Averages(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append([keras.ops.convert_to_numpy(v) for v in self.model.optimizer._model_variables_moving_average])

    fitted, looped = twins(lambda: Autoencoder(mlp(2, [], 1), mlp(1, [], 2)))
    callbacks, seen = [keras.callbacks.SwapEMAWeights(), Averages()], []
    optimizer = keras.optimizers.Adam(RATE, use_ema=True, ema_momentum=0.9)
    history = train(fitted, reconstruction, 2, optimizer=optimizer, validation=X_TEST, callbacks=callbacks).history
    for epoch, average in enumerate(seen):
        looped.set_weights(average)
        expected = float(np.mean(reconstruction(looped, X_TEST)))
        assert history["val_objective"][epoch] == pytest.approx(expected, rel=1e-5)
    assert_same(fitted, looped)


def test_a_callback_that_sets_weights_is_heard():
    class Reset(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.set_weights(start)
            for variable in self.model.optimizer.variables[2:]:
                variable.assign(np.zeros(variable.shape))

    model, still = twins()
    start = still.get_weights()
    one, many = Recorder(), Recorder()
    train(still, epochs=1, callbacks=[one])
    train(model, epochs=2, callbacks=[Reset(), many])
    for a, b in zip(one.weights[0], many.weights[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.any(many.weights[1][0] != many.weights[0][0])  # other batches
    assert np.max(np.abs(many.weights[1][0] - start[0])) < 2 * STEPS * RATE  # but from the same place


@pytest.mark.parametrize("callbacks", [None, (), Recorder(), [[Recorder()]]], ids=["None", "none", "one", "nested"])
def test_callbacks_come_in_every_form_keras_takes(callbacks):
    assert len(train(make_vae(), callbacks=callbacks).epoch) == 3


# ---- optimizers from one fit to the next


def test_passing_the_models_optimizer_goes_on_exactly_where_it_was():
    twice, once = twins()
    train(twice, epochs=2)
    train(twice, epochs=3, optimizer=twice.optimizer)
    train(once, epochs=5)
    assert_identical(twice, once)
    assert int(twice.optimizer.iterations) == 5 * STEPS


def test_an_optimizer_may_be_given_by_name_and_is_adam_by_default():
    by_name, by_default, explicit = twins(count=3)
    train(by_name, optimizer="adam")
    train(by_default, optimizer=None)
    train(explicit, optimizer=keras.optimizers.Adam(1e-3))
    assert_identical(by_name, explicit)
    assert_identical(by_default, explicit)
    train(by_name, optimizer="sgd", epochs=0)
    assert isinstance(by_name.optimizer, keras.optimizers.SGD)


# ---- one compilation for models of one make


def compiled(model, objective=elbo, preprocess=None, batch_size=BATCH, optimizer=None):
    model.compile(optimizer=training._build_optimizer(optimizer, model))
    return training._compiled(model, objective, preprocess, batch_size)


def is_shared(model, **kwargs):
    return compiled(model, **kwargs).model is not model


def test_models_of_one_make_compile_once_and_train_as_if_alone(traces):
    first, second, alone = twins(count=3)
    train(first)
    train(second, optimizer=adam(0.05), seed=8)
    train(first, optimizer=first.optimizer, seed=8)
    assert len(traces) == 1
    train(alone, own_elbo, optimizer=adam(0.05), seed=8)
    assert len(traces) == 2
    assert_same(second, alone, 1e-6)


def functional_net():
    inputs = keras.Input((2,))
    hidden = keras.layers.Dense(3)(inputs)
    return keras.Model(inputs, keras.layers.Concatenate()([hidden, keras.layers.Dense(1)(hidden)]))


@pytest.mark.parametrize(
    "make",
    [
        make_vae,
        make_dropout_vae,
        lambda: make_vae(FixedNormal(2.0)),
        lambda: make_vae(Bernoulli),
        lambda: make_vae(prior=Normal([1.0], [0.5])),
        lambda: VAE(functional_net(), mlp(2, [], 2), FixedNormal(1.0)),
    ],
    ids=["VAE", "dropout", "fixed variance", "Bernoulli", "another prior", "functional encoder"],
)
def test_what_the_library_and_keras_are_made_of_shares(make, cold):
    a, b = make(), make()
    assert is_shared(a) and compiled(a) is compiled(b)


def test_a_loaded_model_shares_with_the_one_that_was_saved(tmp_path, cold):
    model = make_vae()
    model.save(tmp_path / "m.keras")
    assert compiled(keras.models.load_model(tmp_path / "m.keras")) is compiled(model)


def relu(x):  # the name of one of Keras's own, which its configs cannot tell from this
    return -x


class Mine(keras.layers.Layer):
    def call(self, x):
        return FixedNormal(1.0)(x)


class MyNormal(Normal):
    def __init__(self, mean):
        super().__init__(mean, [0.0])


class MyPenalty(keras.regularizers.Regularizer):
    def __call__(self, x):
        return tf.reduce_sum(x)

    def get_config(self):
        return {}


def encoder_with(**kwargs):
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, **kwargs)])


def tied():
    layer = keras.layers.Dense(2)
    nets = [keras.Sequential([keras.Input((2,)), layer]) for _ in range(2)]
    return Autoencoder(*nets)


def patched():
    model = make_vae()
    model.decode = types.MethodType(lambda self, z: VAE.decode(self, 2 * z), model)
    return model


@pytest.mark.parametrize(
    "make",
    [
        lambda: make_vae(Mine()),
        lambda: make_vae(lambda mean: Normal(mean, [0.0])),
        lambda: make_vae(MyNormal),
        lambda: make_vae(prior=lambda: standard_normal(1)),
        lambda: make_vae(prior=MyNormal([0.0])),
        lambda: make_vae(encoder=encoder_with(activation=lambda x: 2 * x)),
        lambda: make_vae(encoder=encoder_with(activation=relu)),
        lambda: make_vae(encoder=encoder_with(kernel_regularizer=MyPenalty())),
        tied,
        patched,
    ],
    ids=[
        "layer",
        "likelihood function",
        "likelihood class",
        "prior function",
        "prior class",
        "lambda activation",
        "activation named as one of Keras's",
        "regularizer",
        "tied weights",
        "a method of its own",
    ],
)
def test_what_a_reader_defined_or_the_copy_would_not_have_is_compiled_on_its_own(make, cold):
    assert not is_shared(make())


@pytest.mark.parametrize("objective", [own_elbo, lambda m, x: elbo(m, x), functools.partial(elbo)])
def test_an_objective_that_may_change_unseen_is_compiled_on_its_own(objective, cold):
    assert not is_shared(make_vae(), objective=objective)


def test_what_differs_does_not_share(cold):
    objectives = [elbo, elbo_mc(1), elbo_mc(2), iwae(2), beta_elbo(0.5), beta_elbo(2.0), beta_elbo(tf.Variable(1.0))]
    kinds = [compiled(make_vae(), objective) for objective in objectives]
    kinds += [compiled(make_vae(likelihood)) for likelihood in (FixedNormal(0.2), FixedNormal(0.3), Bernoulli)]
    kinds += [compiled(make_vae(prior=Normal([mean], [0.0]))) for mean in (0.0, 1.0)]
    kinds += [compiled(make_vae(), optimizer=keras.optimizers.Adam(beta_1=b)) for b in (0.8, 0.9)][:1]
    kinds += [compiled(make_vae(), batch_size=9), compiled(make_vae(), preprocess=binarize)]
    assert len({id(kind) for kind in kinds}) == len(kinds)


def test_the_cache_is_bounded(cold, monkeypatch):
    monkeypatch.setattr(training, "_KEEP", 2)
    first, *_ = [compiled(make_vae(), batch_size=size) for size in (1, 2, 1, 3)]
    assert len(training._kept) == 2
    assert compiled(make_vae(), batch_size=1) is first  # the least recently used went


def test_a_variable_in_an_objective_takes_effect_without_compiling_anew(traces):
    beta = tf.Variable(0.0)
    fitted, looped = twins()
    compiled(make_vae(), beta_elbo(2.0))
    warm_up = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: beta.assign(epoch))
    train(fitted, beta_elbo(beta), callbacks=[warm_up])
    assert len(traces) == 1
    reference(looped, beta_elbo(beta), before_epoch=lambda epoch: beta.assign(epoch))
    assert_same(fitted, looped)


def test_a_changed_global_or_a_redefined_layer_is_compiled_anew():
    factor = 1.0

    def scaled(model, x):
        return factor * first_output(model, x)

    ends = []
    for factor in (1.0, 3.0):

        @keras.saving.register_keras_serializable("notebook")
        class Scale(keras.layers.Layer):
            by = factor

            def call(self, x):
                return self.by * x

        for objective, layers in ((scaled, []), (first_output, [Scale()])):
            dense = keras.layers.Dense(1, kernel_initializer="zeros")
            model = keras.Sequential([keras.Input((2,)), dense, *layers])
            train(model, objective, 1, optimizer=keras.optimizers.SGD(1.0))
            ends.append(model.get_weights()[0])
    np.testing.assert_allclose(ends[2:], 3 * np.array(ends[:2]), rtol=1e-5)


@pytest.mark.parametrize("objective", [elbo, own_elbo], ids=["shared", "not shared"])
def test_a_warm_cache_changes_no_random_number(objective, cold):
    def draws():
        history = train(twins(make_dropout_vae, 1)[0], objective).history
        after = [random.random(), np.random.random(), *keras.random.uniform((2,)), *tf.random.uniform((2,))]
        return history, [float(v) for v in (*after, randomness.normal(()), *make_vae().get_weights()[0].ravel())]

    assert draws() == draws()


# ---- when training fails or is stopped


@pytest.mark.parametrize("objective", [elbo, own_elbo], ids=["shared compilation", "its own compilation"])
@pytest.mark.parametrize("watched", [True, False], ids=["epoch by epoch", "many epochs in one call"])
def test_an_objective_that_stops_being_finite_stops_training_and_leaves_the_last_finite_weights(objective, watched):
    model, good = twins()
    train(good, epochs=2)
    jump = keras.optimizers.schedules.PiecewiseConstantDecay([2 * STEPS - 1], [RATE, 1e30])
    how = {"callbacks": [rates_by_epoch(RATE, RATE, 1e30)]} if watched else {"optimizer": adam(jump)}
    with pytest.raises(FloatingPointError, match=r"in epoch 3, at step \d of 5;.*before that epoch.*learning rate"):
        train(model, objective, epochs=50, **how)
    assert_same(model, good, 1e-6)
    assert int(model.optimizer.iterations) == 2 * STEPS
    assert len(model.history.history["loss"]) == 2


def test_a_gradient_that_is_not_finite_at_the_last_step_is_noticed():
    def finite_with_nan_gradient(model, x):
        return first_output(model, x) + tf.sqrt(0.0 * model.weights[0][0, 0])

    model = make_linear()
    with pytest.raises(FloatingPointError, match=r"gradient .* in epoch 1, at step 1 of 1;"):
        train(model, finite_with_nan_gradient, 1, batch_size=N)
    assert np.all(np.isfinite(model.get_weights()[0]))


@pytest.mark.parametrize("how", ["a callback", "nobody watching"])
def test_an_interruption_keeps_what_was_learned(how, monkeypatch):
    model, whole = twins()
    recorder = Recorder()
    train(whole, callbacks=[recorder])
    with pytest.raises(KeyboardInterrupt):
        if how == "a callback":
            train(model, callbacks=[Raise(KeyboardInterrupt(), begin=2)])
        else:
            monkeypatch.setattr(keras.callbacks.History, "on_epoch_end", Raise(KeyboardInterrupt(), end=1).on_epoch_end)
            train(model)
    learned = recorder.weights[1 if how == "a callback" else 2]  # unwatched, one call did all three epochs
    for a, b in zip(model.get_weights(), learned, strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_an_earlier_callback_changed_survives_the_error_of_a_later_one():
    model = make_vae()
    with pytest.raises(RuntimeError):
        train(model, callbacks=[rates_by_epoch(0.5), Raise(RuntimeError(), begin=1)])
    assert float(model.optimizer.learning_rate) == 0.5


# ---- bad input

NAN = np.where(np.arange(N)[:, None] == 5, np.nan, X)


class Batchwise(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


def unbuilt():
    return keras.Sequential([keras.layers.Dense(1)])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": NAN}, ValueError, r"x must be finite; got 2 NaN or infinite .* index \(5, 0\)"),
        ({"x": np.where(X > 2, np.inf, X)}, ValueError, "x must be finite"),
        ({"x": np.array([["a", "b"]])}, TypeError, "x must be an array of numbers; got dtype string"),
        ({"x": "moons"}, TypeError, "x must be an array of numbers"),
        ({"x": None}, TypeError, "x must be an array of numbers; got NoneType"),
        ({"x": np.zeros((0, 2))}, ValueError, r"x must not be empty; got shape \(0, 2\)"),
        ({"x": ()}, ValueError, r"x must hold arrays .* got shapes \[\]"),
        ({"x": 3.0}, ValueError, "x must hold arrays with one leading size"),
        ({"x": (X, X[:5])}, ValueError, "x must hold arrays with one leading size"),
        ({"x": np.zeros((N, 3))}, ValueError, r"x must have shape \[n, 2\].*got \(43, 3\)"),
        ({"x": np.zeros((N, 2, 2))}, ValueError, r"x must have shape \[n, 2\].*got \(43, 2, 2\)"),
        ({"validation": NAN}, ValueError, "validation must be finite"),
        ({"validation": np.zeros((9, 3))}, ValueError, r"validation must be made like x.*\(2,\).*got \(3,\)"),
        ({"validation": (X, X)}, ValueError, "validation must be made like x"),
        ({"model": "vae"}, TypeError, "model must be a built Keras model.*got str"),
        ({"model": unbuilt()}, TypeError, "model must be a built Keras model"),
        ({"model": make_vae(Bernoulli), "x": X}, ValueError, r"x must lie in \[0, 1\].*Bernoulli.*got values from -"),
        (
            {"model": make_vae(Bernoulli), "x": X, "preprocess": lambda x: x + 1},
            ValueError,
            r"preprocess\(x\) must lie in \[0, 1\]",
        ),
        (
            {"model": make_vae(Bernoulli), "x": 255 * np.abs(X), "preprocess": binarize},
            ValueError,
            r"binarize: x must hold probabilities, in \[0, 1\]",
        ),
        ({"preprocess": 3}, TypeError, "preprocess must be a function; got 3"),
        ({"preprocess": lambda x: x / 0}, ValueError, r"preprocess\(x\) must be finite"),
        ({"batch_size": 0}, ValueError, "batch_size must be an integer, at least 1; got 0"),
        ({"batch_size": 2.5}, ValueError, "batch_size must be an integer, at least 1; got 2.5"),
        ({"batch_size": True}, ValueError, "batch_size must be an integer"),
        ({"batch_size": N + 1}, ValueError, "batch_size must not exceed the 43 examples in x.*got 44"),
        ({"epochs": -1}, ValueError, "epochs must be an integer, at least 0; got -1"),
        ({"epochs": "3"}, ValueError, "epochs must be an integer, at least 0; got '3'"),
        ({"verbose": 3}, ValueError, 'verbose must be "auto", 0, 1 or 2; got 3'),
        ({"objective": "elbo"}, TypeError, "objective must be a function; got 'elbo'"),
        ({"objective": lambda m, x: tf.reduce_mean(elbo(m, x))}, ValueError, r"one value per example.*shape \(\)"),
        ({"objective": lambda m, x: m.log_weights(x, 3)}, ValueError, r"one value per example.*shape \(3, 8\)"),
        ({"objective": lambda m, x: None}, ValueError, r"for this batch .* shape \(8,\); <lambda> returned None"),
        ({"objective": lambda m, x: [1.0] * 8}, ValueError, r"<lambda> returned \[1.0"),
        (
            {"model": make_vae(encoder=keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, dtype="float64")]))},
            ValueError,
            "model must compute in float32, .*got {'dense.*': 'float64'}",
        ),
        ({"objective": lambda m, x: tf.argmax(x, 1)}, ValueError, "one value per example.*int64"),
        ({"objective": reconstruction}, TypeError, "reconstruction needs model to be an? Autoencoder; got VAE"),
        (
            {"model": Autoencoder(mlp(2, [], 1), mlp(1, [], 2))},
            TypeError,
            "^elbo needs model to be a VAE; got Autoencoder",
        ),
        ({"optimizer": "adamant"}, ValueError, "optimizer must be a Keras optimizer or its name.*'adamant'"),
        (
            {"optimizer": keras.optimizers.Adam},
            TypeError,
            "optimizer must be a Keras optimizer or its name; got <class",
        ),
        ({"callbacks": ["EarlyStopping"]}, TypeError, "callbacks must be Keras callbacks; got 'EarlyStopping'"),
        ({"callbacks": [Batchwise()]}, ValueError, "Batchwise asks for batches: on_train_batch_end"),
        (
            {"callbacks": [keras.callbacks.LambdaCallback(on_train_batch_begin=print)]},
            ValueError,
            "LambdaCallback asks for batches: on_train_batch_begin",
        ),
        (
            {"callbacks": [keras.callbacks.ModelCheckpoint("m.keras", save_freq=10)]},
            ValueError,
            "ModelCheckpoint asks for batches: save_freq",
        ),
        ({"callbacks": [keras.callbacks.TensorBoard(update_freq=5)]}, ValueError, "TensorBoard asks for batches"),
    ],
)
def test_bad_input_is_named(change, error, message):
    model, x, objective = make_vae(), X, elbo
    arguments = {"model": model, "x": x, "objective": objective, "epochs": 1, "batch_size": BATCH, **change}
    with pytest.raises(error, match="(?s)" + message):
        fit(arguments.pop("model"), arguments.pop("x"), arguments.pop("objective"), **arguments)


def test_the_optimizer_of_another_model_is_refused():
    first, second = twins()
    train(first, epochs=1)
    with pytest.raises(ValueError, match="optimizer was built for other weights"):
        train(second, optimizer=first.optimizer)
    first.encoder.trainable = False
    with pytest.raises(ValueError, match=r"a new one after a change of layer\.trainable"):
        train(first, optimizer=first.optimizer)


def test_a_model_with_nothing_to_train_is_refused():
    model = make_vae()
    model.trainable = False
    with pytest.raises(ValueError, match="model must have weights to train; all of this VAE's are frozen"):
        train(model)


@pytest.mark.parametrize("change", [{"batch_size": np.int64(BATCH), "epochs": np.int32(1)}, {"x": X.astype(float)}])
def test_numbers_may_be_numpys(change):
    assert len(train(make_vae(), **{"epochs": 1, **change}).epoch) == 1


# ---- what is printed


def test_nothing_is_printed_where_nobody_watches(capfd):
    warned = []
    handler = logging.Handler()
    handler.emit = warned.append
    tf.get_logger().addHandler(handler)
    try:
        for _ in range(5):  # TensorFlow warns of functions that are compiled again and again
            train(make_linear(), lambda m, x: first_output(m, x), 1, optimizer="sgd")
    finally:
        tf.get_logger().removeHandler(handler)
    assert not warned
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("verbose", [1, "auto"])
def test_a_bar_runs_where_somebody_watches(verbose, capfd, monkeypatch):
    monkeypatch.setattr(training, "_somebody_watches", lambda: True)
    train(make_vae(), verbose=verbose)
    out, err = capfd.readouterr()
    assert out == ""
    assert "3/3" in err and "objective=" in err


def test_verbose_2_prints_a_line_an_epoch(capfd):
    train(make_vae(), verbose=2, validation=X_TEST)
    lines = capfd.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("Epoch")] == ["Epoch 1/3", "Epoch 2/3", "Epoch 3/3"]
    assert sum("val_objective:" in line for line in lines) == 3
