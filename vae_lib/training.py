"""How a model gets to its maximum: ``fit``, a whole epoch at a time in one XLA-compiled function.

The compiled epoch works on a *stand-in*: a copy of the model and of the optimizer whose variables it fills at the
start and reads at the end. So one compilation serves every model of the same make, and an epoch that ends in NaN
leaves no trace in the model.
"""

import collections
import contextlib
import functools
import json
import os
import random
import sys
import types
import warnings
import zlib

import keras
import tensorflow as tf

from vae_lib import checks, randomness


def binarize(x):
    """For ``fit(preprocess=…)``: a fresh draw of 0 or 1 with probability ``x`` in [0, 1] at every access.

    Dynamic binarisation, as for the MNIST figures of Burda, Grosse and Salakhutdinov (2016).
    """
    x = tf.cast(x, tf.float32)
    if tf.executing_eagerly():  # fit calls once so, before it compiles
        low, high = float(tf.reduce_min(x)), float(tf.reduce_max(x))
        if not 0 <= low <= high <= 1:
            raise ValueError(f"binarize: x must hold probabilities, in [0, 1]; got values from {low:g} to {high:g}")
    return tf.cast(randomness.uniform(tf.shape(x)) < x, tf.float32)


def fit(
    model,
    x,
    objective,
    *,
    epochs,
    batch_size=100,
    optimizer=None,
    preprocess=None,
    validation=None,
    callbacks=(),
    verbose="auto",
):
    """Maximise the mean of ``objective(model, batch)`` over ``x``; returns a ``keras.callbacks.History``.

    Args:
        model: an ``Autoencoder``, a ``VAE``, or any built Keras model the objective understands.
        x: an array [n, d], or a nest (tuple, dict) of arrays with one leading size.
        objective: ``objective(model, batch) -> [batch]``, one value per example, to maximise.
        epochs: how often to pass over ``x``. Each pass is shuffled anew and drops its last, partial batch; the next
            shuffle decides afresh which examples those are.
        batch_size: examples a step.
        optimizer: a Keras optimizer, its name, or None for Adam(1e-3). The model keeps it as ``model.optimizer``;
            pass that again to go on with its state.
        preprocess: ``preprocess(batch) -> batch``, run inside the compiled step, such as ``binarize``.
        validation: held-out data like ``x``; all of it counts, after every epoch, with the same noise each time.
        callbacks: Keras callbacks. They hear of epochs, not of batches: an epoch is one compiled call.
        verbose: 0 silent, 1 a bar, 2 a line an epoch, "auto" a bar where someone is watching.

    Logs ``objective`` and ``loss`` = −objective + the layers' own penalties (regularisers), with ``val_`` before
    both for the validation data, so that callbacks that watch ``val_loss`` do what they should.

    Repeatable after ``keras.utils.set_random_seed``: shuffling and noise depend on a seed drawn once per call and on
    ``optimizer.iterations``, which every backup holds. Dropout and BatchNormalization run in training mode here and
    in inference mode elsewhere.

    Raises ``TypeError`` or ``ValueError`` for input that cannot be used, and ``FloatingPointError`` when the
    objective stops being finite: the model then keeps the weights from the end of the last finite epoch.
    """
    for name, function in (("objective", objective), ("preprocess", preprocess)):
        if not callable(function) and (name, function) != ("preprocess", None):
            raise TypeError(f"{name} must be a function; got {function!r:.80}")
    n, data = _check_data(model, x, preprocess, "x")
    held_out = None if validation is None else _check_data(model, validation, preprocess, "validation", like=data)[1]
    epochs = checks.integer("epochs", epochs, least=0)
    batch_size = checks.integer("batch_size", batch_size, least=1)
    if batch_size > n:
        raise ValueError(f"batch_size must not exceed the {n} examples in x: no batch would be whole; got {batch_size}")
    replicas = model.distribute_strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise ValueError(f"batch_size must be a multiple of the {replicas} replicas that share it; got {batch_size}")
    if replicas > 1 and _seed_states(model):
        raise ValueError(
            "model must have no Dropout where several replicas share a batch: its noise is not theirs to share"
        )
    if replicas > 1 and any(_knows_its_part_alone(layer) for layer in model._flatten_layers()):
        raise ValueError(
            "model must have no BatchNormalization but with synchronized=True where several replicas share a batch: "
            "each would normalise with the mean and variance of its own part"
        )
    if replicas > 1 and getattr(objective, "whole_batch", False):
        raise ValueError(
            "objective must be a value of each example for itself where several replicas share a batch; "
            f"{_name(objective)} takes means over the batch, and each replica would take those of its own part"
        )
    if verbose not in ("auto", 0, 1, 2):
        raise ValueError(f'verbose must be "auto", 0, 1 or 2; got {verbose!r}')
    callbacks = [] if callbacks is None else keras.tree.flatten(callbacks)
    _check_callbacks(callbacks)
    with model.distribute_strategy.scope():
        model.compile(optimizer=_build_optimizer(optimizer, model))
    if replicas > 1 and (clips := _clips(model.optimizer)):
        raise ValueError(
            "optimizer must not clip where several replicas share a batch: each would clip the gradient of its own "
            f"part, before they are added; got {clips}"
        )

    watched = bool(callbacks)  # only then does anybody look at the model, or change it, between epochs
    verbose = int(_somebody_watches()) if verbose == "auto" else verbose
    if verbose == 1:
        callbacks.append(_progress_bar())
    steps = n // batch_size
    told = {"epochs": epochs, "steps": steps, "verbose": verbose}
    callbacks = keras.callbacks.CallbackList(callbacks, add_history=True, add_progbar=verbose == 2, model=model, **told)
    run_seed = _told_by_all(model, int(keras.random.randint((), 0, 2**31 - 1)))[0]  # the first worker's counts
    if replicas > 1:
        _check_agreement(model, (data, held_out), (batch_size, epochs))
    compiled = _compiled(model, objective, preprocess, batch_size)
    state = variables(model, model.optimizer)
    model.stop_training = False
    model._initial_epoch, model._run_seed = None, run_seed  # a backup writes here what is behind it
    model._made_from = lambda: [_name(objective), *_checksums(data)]  # and asks this
    callbacks.on_train_begin()
    model._made_from = None
    if replicas > 1:
        _check_start(model, state)
    run_seed = tf.constant(model._run_seed, tf.int64)
    values, computed = _read(state), []
    logs = {}
    try:
        for epoch in range(model._initial_epoch or 0, epochs):
            callbacks.on_epoch_begin(epoch)
            if watched:
                values = _read(state)
            if not computed:
                alone = watched or held_out is not None
                count = 1 if alone else min(epochs - epoch, max(1, _STEPS_A_CALL // steps))
                with _answered(model, f"in epoch {epoch + 1}"):
                    before, after, means, done, bad_step = compiled.epochs(values, data, run_seed, tf.constant(count))
                values = after if bad_step < 0 else before
                computed = means.numpy()[:done].tolist()
            objective_mean, loss = computed.pop(0)
            if watched:
                _assign(state, values)
            if bad_step >= 0 and not computed:
                raise FloatingPointError(
                    f"the objective or its gradient became NaN or infinite in epoch {epoch + 1}, at step "
                    f"{int(bad_step) + 1} of {steps}; the model keeps the weights it had before that epoch. Look at "
                    "the learning rate (try a tenth), the scale of the data, and log-variances that run away"
                )
            logs = {"objective": objective_mean, "loss": loss}
            if held_out is not None:
                callbacks.on_test_begin()
                objective_mean, loss = compiled.evaluate(_read(state) if watched else values, held_out, run_seed)
                held_out_logs = {"objective": float(objective_mean), "loss": float(loss)}
                callbacks.on_test_end(held_out_logs)
                logs |= {f"val_{name}": value for name, value in held_out_logs.items()}
            callbacks.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
    finally:  # also when a person interrupts: what was learned so far is not lost
        if not watched:
            _assign(state, values)
    if epochs:
        model.optimizer.finalize_variable_values(model.trainable_variables)
    callbacks.on_train_end(logs)
    return model.history


class _Objective(keras.layers.Layer):
    """The objective as a layer, so that Keras itself passes ``training`` on to Dropout and BatchNormalization."""

    def __init__(self, objective, model):
        super().__init__(name="objective", dtype="float32")
        self.objective, self.model = objective, model
        self.built = True

    def call(self, batch, training=None):
        try:
            return self._values(batch)
        except Exception as error:
            error._keras_call_info_injected = True  # else Keras buries the message under this call's arguments
            raise

    def _values(self, batch):
        values = self.objective(self.model, batch)
        size = tf.nest.flatten(batch)[0].shape[0]
        if not tf.is_tensor(values) or not values.dtype.is_floating or not values.shape.is_compatible_with([size]):
            got = f"{values.dtype.name} of shape {values.shape}" if tf.is_tensor(values) else repr(values)
            raise ValueError(
                f"objective must return one value per example, for this batch a tensor of floats of shape ({size},); "
                f"{_name(self.objective)} returned {got:.200}"
            )
        return tf.cast(values, tf.float32)


class _Compiled:
    """Training epochs, and one pass over held-out data, as XLA-compiled functions from values to values."""

    def __init__(self, model, optimizer, objective, preprocess, batch_size):
        self.model, self.optimizer, self.batch_size = model, optimizer, batch_size
        self.preprocess = preprocess or (lambda batch: batch)
        self.objective = _Objective(objective, model)
        self.variables = variables(model, optimizer)
        self.seeds = _seed_states(model)
        self.epochs, self.evaluate = self._compile(self._epochs), self._compile(self._evaluate)

    @staticmethod
    def _compile(function):
        compiled = tf.function(function, jit_compile=True, autograph=False)
        compiled._omit_frequent_tracing_warning = True  # a notebook may well fit ten models of its own
        return compiled

    def _epochs(self, values, data, run_seed, count):
        """``count`` epochs, or up to the first that is not finite; the values before and after the last one."""
        _assign(self.variables, values)

        def epoch(done, before, means, bad_step):
            before = _read(self.variables)
            objective, loss, bad_step = self._epoch(data, run_seed)
            return done + 1, before, tf.tensor_scatter_nd_update(means, [[done]], [[objective, loss]]), bad_step

        def going_on(done, before, means, bad_step):
            return (done < count) & (bad_step < 0)

        start = (tf.constant(0), values, tf.zeros([_STEPS_A_CALL, 2]), tf.constant(-1))
        done, before, means, bad_step = tf.while_loop(going_on, epoch, start)
        return before, _read(self.variables), means, done, bad_step

    def _epoch(self, data, run_seed):
        n = tf.nest.flatten(data)[0].shape[0]
        steps = n // self.batch_size
        with randomness.keyed(run_seed, -1 - _steps_taken(self.optimizer)):
            order = randomness.permutation(n)
        batches = tf.reshape(order[: steps * self.batch_size], [steps, self.batch_size])

        def step(index, objective_sum, loss_sum, bad_step):
            objective, loss = self._step(data, batches[index], run_seed)
            bad_step = tf.where((bad_step < 0) & ~tf.math.is_finite(loss), index, bad_step)
            return index + 1, objective_sum + objective, loss_sum + loss, bad_step

        start = (tf.constant(0), tf.zeros(()), tf.zeros(()), tf.constant(-1))
        _, objective, loss, bad_step = tf.while_loop(lambda index, *_: index < steps, step, start)
        # the last step's gradient shows in no objective yet
        weights = [tf.reshape(tf.cast(w, tf.float32), [-1]) for w in self.model.trainable_variables]
        finite = tf.math.is_finite(tf.concat(weights, axis=0))  # one test of all compiles faster than one of each
        bad_step = tf.where((bad_step < 0) & ~tf.reduce_all(finite), steps - 1, bad_step)
        return objective / steps, loss / steps, bad_step

    def _step(self, data, rows, run_seed, share=1.0):
        """One step on these rows, which are a ``share`` of the batch: the objective's and the loss's share."""
        batch = tf.nest.map_structure(lambda array: tf.gather(array, rows), data)
        with randomness.keyed(run_seed, _steps_taken(self.optimizer)):
            for state in self.seeds:  # Dropout's noise follows the same key as ours
                state.assign(randomness.integers(state.shape, state.dtype))
            batch = self.preprocess(batch)
            with tf.GradientTape() as tape:
                objective = share * tf.reduce_mean(self.objective(batch, training=True))
                loss = share * sum(self.objective.losses) - objective
                scaled = self.optimizer.scale_loss(loss)  # what it divides the gradients by, if anything
        weights = self.model.trainable_variables
        gradients = _together(tape.gradient(scaled, [w.value for w in weights]))
        self.optimizer.apply(gradients, weights)
        return objective, loss

    def _evaluate(self, values, data, run_seed):
        _assign(self.variables, values)
        n = tf.nest.flatten(data)[0].shape[0]
        whole = n // self.batch_size

        def batch_sums(index, sums):
            rows = index * self.batch_size + tf.range(self.batch_size)
            batch = tf.nest.map_structure(lambda array: tf.gather(array, rows), data)
            return index + 1, sums + self._sums(batch, index, run_seed)

        sums = tf.while_loop(lambda index, _: index < whole, batch_sums, (tf.constant(0), tf.zeros([2])))[1]
        if n % self.batch_size:
            rest = tf.nest.map_structure(lambda array: array[whole * self.batch_size :], data)
            sums += self._sums(rest, whole, run_seed)
        return sums[0] / n, sums[1] / n

    def _sums(self, batch, index, run_seed):
        """The objective and the loss summed over a batch; the same noise after every epoch, none that training saw."""
        with randomness.keyed(-1 - run_seed, index):
            values = self.objective(self.preprocess(batch), training=False)
        objective, penalties = tf.reduce_sum(values), sum(self.objective.losses)
        return tf.stack([objective, tf.cast(tf.size(values), tf.float32) * penalties - objective])


def _together(gradients):
    """The same gradients, none of which is known before all are.

    So no weight changes while the backward pass may still read it, which spares XLA copies: steps of a small net are
    3 to 8 % shorter, measured side by side, those of a large one the same within the noise.
    """
    if not all(isinstance(gradient, tf.Tensor) for gradient in gradients):  # None, or a few rows of an embedding
        return gradients
    told = tf.add_n([tf.cast(tf.reshape(gradient, [-1])[0], tf.float32) for gradient in gradients])
    nothing = 0.0 * tf.cast(told > 0, tf.float32)  # nought, even where a gradient is infinite: an optimizer may clip it
    return [gradient + tf.cast(nothing, gradient.dtype) for gradient in gradients]


def _told_by_all(model, number):
    """The number that each replica has, in the replicas' order: the same list on all workers."""
    strategy = model.distribute_strategy
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return [number]

    def tell():
        here = tf.distribute.get_replica_context()
        place = tf.one_hot(here.replica_id_in_sync_group, replicas, dtype=tf.int64)
        return here.all_reduce(tf.distribute.ReduceOp.SUM, place * number)

    with _answered(model, "before the first epoch"):
        told = tf.function(lambda: strategy.run(tell), autograph=False)()
    return strategy.experimental_local_results(told)[0].numpy().tolist()


def _check_agreement(model, data, settings):
    """Refuse workers with other data or settings: nothing else would tell, and each would learn from its own."""
    others = _others(model, (settings, _checksums(data)))
    if others:
        raise ValueError(
            "x, validation, batch_size and epochs must be the same on every worker, for each picks its own part of "
            f"every batch; replicas {others} have others than the first"
        )


def _checksums(data):
    """One line for each array of a nest, by which another one is told from it."""
    leaves = [leaf.numpy() for leaf in tf.nest.flatten(data) if leaf is not None]
    return [f"{leaf.dtype} {list(leaf.shape)} with checksum {zlib.crc32(leaf.tobytes()):08x}" for leaf in leaves]


def _check_start(model, state):
    """Refuse workers of which some found a backup and others did not, or other weights: their sum would be garbage."""
    sums = [zlib.crc32(value.numpy().tobytes()) for value in _read(state)]
    others = _others(model, (model._initial_epoch, model._run_seed, sums))
    if others:
        raise ValueError(
            "all workers must start from the same epoch and weights; is the folder of Backup one that all of them see? "
            f"Replicas {others} start elsewhere than the first, which starts from epoch {model._initial_epoch or 0}"
        )


def _others(model, told):
    """The replicas whose ``told`` is not the first's."""
    sums = _told_by_all(model, zlib.crc32(repr(told).encode()))
    return [replica for replica, checksum in enumerate(sums) if checksum != sums[0]]


_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,  # it died, and was started again too soon
)


@contextlib.contextmanager
def _answered(model, when):
    """Around what needs the answers of all replicas: a lost worker becomes an error that a script can act upon."""
    try:
        yield
    except _LOST as error:
        if model.distribute_strategy.num_replicas_in_sync == 1:
            raise
        raise ConnectionError(
            f"another worker stopped answering {when}; start all of them again, and with "
            f"callbacks=[vae_lib.Backup(folder)] they go on from their last backup ({error.message:.200})"
        ) from None


class _Distributed(_Compiled):
    """The same epochs on every replica of a ``tf.distribute`` strategy, which each take a part of every batch.

    Without XLA, which hangs under MirroredStrategy, and on the model itself. Every worker holds all the data.
    """

    def __init__(self, strategy, model, *rest):
        self.strategy = strategy
        super().__init__(model, *rest)

    @staticmethod
    def _compile(function):
        return tf.function(function, autograph=False)

    def _step(self, data, rows, run_seed):
        replicas = self.strategy.num_replicas_in_sync
        part = self.batch_size // replicas

        def replica():
            here = tf.distribute.get_replica_context()
            index = here.replica_id_in_sync_group
            with randomness.sharded(index, replicas):
                mine = tf.slice(rows, [index * part], [part])
                # Keras's optimizers add up the gradients of all replicas
                totals = super(_Distributed, self)._step(data, mine, run_seed, 1 / replicas)
            return here.all_reduce(tf.distribute.ReduceOp.SUM, list(totals))

        return [self.strategy.experimental_local_results(total)[0] for total in self.strategy.run(replica)]


_STEPS_A_CALL = 200  # several short epochs go into one call: each call costs as much as some twenty small steps
_kept = collections.OrderedDict()  # compiled epochs by what they are made of, the latest used last
_KEEP = 16


def _compiled(model, objective, preprocess, batch_size):
    """A compiled epoch for this model: one from before if everything it was made of is the same."""
    strategy = model.distribute_strategy
    if strategy.num_replicas_in_sync > 1:
        return _Distributed(strategy, model, model.optimizer, objective, preprocess, batch_size)
    try:
        key = (*_model_key(model, model.optimizer), _function_key(objective), _function_key(preprocess), batch_size)
        if key not in _kept:
            stand_in, optimizer = _stand_in(model, model.optimizer)
            if _model_key(stand_in, optimizer) != key[:-3]:
                raise _Unknown
            _kept[key] = _Compiled(stand_in, optimizer, objective, preprocess, batch_size)
    except _Unknown:
        return _Compiled(model, model.optimizer, objective, preprocess, batch_size)
    _kept.move_to_end(key)
    while len(_kept) > _KEEP:
        _kept.popitem(last=False)
    return _kept[key]


class _Unknown(Exception):
    """Something is not the library's or Keras's own: it may have changed since it was compiled, so compile anew."""


def _stand_in(model, optimizer):
    """Copies of a model and its optimizer, made without drawing from the caller's random numbers."""
    state = random.getstate()  # the copy's initial weights, which nobody uses, are seeded from here
    try:
        stand_in = type(model).from_config(model.get_config())
        optimizer = type(optimizer).from_config(optimizer.get_config())
        optimizer.build(stand_in.trainable_variables)
    except Exception:  # whatever a part that cannot be copied raises
        raise _Unknown from None
    finally:
        random.setstate(state)
    return stand_in, optimizer


def _model_key(model, optimizer):
    """All that decides what an epoch of this model and optimizer compiles to; ``_Unknown`` if that cannot be told."""
    for layer in model._flatten_layers():
        for part in (type(layer), *vars(layer).values()):
            functions = type | types.FunctionType | types.MethodType | functools.partial
            if isinstance(part, functions) and not _is_ours(getattr(part, "__module__", None)):
                raise _Unknown
    if any(vars(optimizer).get(f"_exclude_from_weight_decay{rest}") for rest in ("", "_pattern")):
        raise _Unknown  # no config tells of it
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of lambdas: nothing is saved here
            configs = model.get_config(), keras.saving.serialize_keras_object(optimizer)
    except Exception:  # whatever a part that cannot be described raises
        raise _Unknown from None
    if isinstance(configs[1]["config"].get("learning_rate"), float):
        del configs[1]["config"]["learning_rate"]  # a variable, not a constant of the compiled code
    names = {}
    text = json.dumps(_canonical(configs, names), default=_raise_unknown)
    shapes = [
        ([names.get(part) for part in v.path.split("/")[-2:]], tuple(v.shape), v.dtype, v.trainable)
        for v in variables(model, optimizer)
    ]
    return type(model), text, repr(shapes)


def _canonical(config, names, key=None):
    """A config with the names that Keras numbers replaced by the order in which they come."""
    if isinstance(config, dict):
        kind = config.get("class_name")
        if kind in ("function", "__lambda__") or (kind and not _is_ours(config.get("module", "keras"))):
            raise _Unknown
        if kind == "DTypePolicy":  # its name says what it does
            return config
        return {key: _canonical(value, names, key) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [_canonical(value, names, key) for value in config]
    if isinstance(config, str) and key in ("name", "keras_history", "input_layers", "output_layers"):
        return names.setdefault(config, len(names))
    return config


def _raise_unknown(_):
    raise _Unknown


def _function_key(function):
    if function is None:
        return None
    if not isinstance(function, types.FunctionType) or not _is_ours(function.__module__):
        raise _Unknown
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return function.__code__, tuple(_cell_key(value) for value in cells)  # the code: modules may be reloaded


def _cell_key(value):
    if value is None or isinstance(value, int | float | str):
        return value
    if isinstance(value, tf.Variable | keras.Variable):
        return id(value)  # read afresh at each step; the compiled code keeps it alive, so nothing else gets its id
    return _function_key(value)


def _is_ours(module):
    return str(module).split(".")[0] in ("keras", "vae_lib")


def _knows_its_part_alone(layer):
    return isinstance(layer, keras.layers.BatchNormalization) and not layer.synchronized


def _name(function):
    return getattr(function, "__name__", type(function).__name__)


def _clips(optimizer):
    """How an optimizer clips gradients: {setting: value}."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    found = {name: getattr(optimizer, name, None) for name in ("clipnorm", "global_clipnorm", "clipvalue")}
    return {name: value for name, value in found.items() if value is not None}


def _not_float32(layer):
    return getattr(layer, "compute_dtype", "float32") != "float32"


def _seed_states(model):
    weights = {id(w) for w in model.weights}
    return [v for v in model.variables if "seed_generator_state" in v.path and id(v) not in weights]


def _steps_taken(optimizer):
    """Counts every step; ``optimizer.iterations`` only updates, where gradients are accumulated over several steps."""
    return tf.cast(getattr(optimizer, "inner_optimizer", optimizer)._iterations, tf.int64)


def variables(model, optimizer):
    """Every variable an epoch reads or writes, in an order that copies of a model share."""
    return [*model.weights, *_seed_states(model), *optimizer.variables]


def _read(variables):
    return [tf.convert_to_tensor(v) for v in variables]


def _assign(variables, values):
    for variable, value in zip(variables, values, strict=True):
        variable.value.assign(value, read_value=False)


def _build_optimizer(optimizer, model):
    if optimizer is None:
        optimizer = keras.optimizers.Adam(1e-3)
    elif isinstance(optimizer, str):
        try:
            optimizer = keras.optimizers.get(optimizer)
        except ValueError:
            raise ValueError(
                f'optimizer must be a Keras optimizer or its name, such as "adam"; got {optimizer!r}'
            ) from None
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise TypeError(f"optimizer must be a Keras optimizer or its name; got {optimizer!r:.80}")
    if optimizer._distribution_strategy is not model.distribute_strategy:
        raise ValueError("optimizer and model must be made under the same strategy.scope()")
    weights = model.trainable_variables
    if not weights:
        raise ValueError(f"model must have weights to train; all of this {type(model).__name__}'s are frozen")
    if not optimizer.built:
        optimizer.build(weights)
    elif [id(v) for v in optimizer._trainable_variables] != [id(v) for v in weights]:
        raise ValueError(
            "optimizer was built for other weights than the model's trainable ones now; give each model its own, "
            "and a new one after a change of layer.trainable"
        )
    return optimizer


def _check_data(model, x, preprocess, name, like=None):
    """The number of examples, and ``x`` as tensors; whatever is wrong with it is said here, before compiling."""
    if not isinstance(model, keras.Model) or not model.built:
        raise TypeError(f"model must be a built Keras model, such as a VAE; got {type(model).__name__}")
    if other := {layer.name: layer.compute_dtype for layer in model._flatten_layers() if _not_float32(layer)}:
        raise ValueError(f"model must compute in float32, as all objectives here do; got {other!s:.200}")
    if isinstance(x, list):  # rows typed by hand: one array, not a nest of numbers
        x = checks.numeric(x, name)
    leaves = [checks.numeric(leaf, name) for leaf in tf.nest.flatten(x)]
    data = tf.nest.pack_sequence_as(x, leaves)
    sizes = [leaf.shape[0] if leaf.shape.rank else None for leaf in leaves]
    if not leaves or None in sizes or len(set(sizes)) > 1:
        raise ValueError(
            f"{name} must hold arrays with one leading size, the examples; got shapes {[leaf.shape for leaf in leaves]}"
        )
    if like is not None:
        shapes = [tf.nest.map_structure(lambda leaf: tuple(leaf.shape[1:]), d) for d in (data, like)]
        if shapes[0] != shapes[1]:
            raise ValueError(f"{name} must be made like x, with examples of shape {shapes[1]}; got {shapes[0]}")
    n = sizes[0]
    chunk = n if preprocess is None else 1000
    for start in range(0, n, chunk):
        batch = tf.nest.map_structure(lambda leaf: leaf[start : start + chunk], data)  # noqa: B023
        if preprocess is not None:
            with randomness.keyed(0):
                batch = preprocess(batch)
        if tf.is_tensor(batch) and hasattr(model, "check_data"):
            model.check_data(batch, name if preprocess is None else f"preprocess({name})")
    return n, data


def _check_callbacks(callbacks):
    batch_hooks = [f"on_{kind}batch_{when}" for kind in ("", "train_", "test_") for when in ("begin", "end")]
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(f"callbacks must be Keras callbacks; got {callback!r:.80}")
        own = [
            vars(c) for c in type(callback).__mro__ if c.__module__.split(".")[0] not in ("keras", "tqdm", "builtins")
        ]
        heard = [hook for hook in batch_hooks if any(hook in defined for defined in (vars(callback), *own))]
        frequency = {getattr(callback, name, "epoch") for name in ("save_freq", "update_freq")}
        if heard or frequency != {"epoch"}:
            what = ", ".join(heard) or "save_freq and update_freq other than 'epoch'"
            raise ValueError(
                f"callbacks hear of epochs only, because fit runs a whole epoch in one compiled call; "
                f"{type(callback).__name__} asks for batches: {what}"
            )


def _progress_bar():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a text bar must do where ipywidgets is not installed
        from tqdm.keras import TqdmCallback

    return TqdmCallback(verbose=0)


def _somebody_watches():
    """In a terminal, or in a notebook that Jupyter opened for a person (one that is merely executed is not)."""
    return sys.stderr.isatty() or ("ipykernel" in sys.modules and "JPY_SESSION_NAME" in os.environ)
