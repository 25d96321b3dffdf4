"""``fit`` under ``tf.distribute``: the same weights from one replica, two devices and two processes; a worker's death.

Each strategy needs a process of its own, since devices and clusters are set up before TensorFlow's first operation.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap

import numpy as np
import pytest

SCRIPT = """
    import json, os, signal, sys, time
    kind, index, ports, folder, die = sys.argv[1], int(sys.argv[2]), sys.argv[3].split(","), sys.argv[4], sys.argv[5]
    if kind == "workers":
        cluster = {"worker": [f"localhost:{port}" for port in ports]}
        os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
    import tensorflow as tf
    if kind == "workers":
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    elif kind == "devices":
        halves = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], halves)
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    else:
        strategy = tf.distribute.get_strategy()
    import vae_lib
    import functools
    import keras
    import numpy as np

    # smooth: where a ReLU's input is zero up to rounding, its slope is zero on one replica and one on two
    mlp = functools.partial(vae_lib.mlp, activation="tanh")

    class Die(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            if die == f"{index} at once":
                os.kill(os.getpid(), signal.SIGKILL)

        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2 and die.startswith(str(index)):
                # stopped, it keeps its connections and says no more, as if the machine were gone
                print(time.time(), flush=True)
                os.kill(os.getpid(), signal.SIGSTOP if die.endswith("stopped") else signal.SIGKILL)

    x = np.random.default_rng(0).random((203, 6)).astype(np.float32)
    objectives = {
        "elbo": (vae_lib.elbo, vae_lib.binarize),
        "iwae": (vae_lib.iwae(3), None),
        "dreg": (vae_lib.dreg(3), None),
        "beta_elbo": (vae_lib.beta_elbo(0.5), vae_lib.binarize),
        "denoising": (vae_lib.denoising(0.1), None),
        "normalised": (vae_lib.elbo, vae_lib.binarize),
    }
    found = {}
    for name, (objective, preprocess) in objectives.items():
        if die != "nobody" and name != "elbo":
            continue
        keras.utils.set_random_seed(1 + index)  # the first worker's seed counts
        with strategy.scope():
            if name == "denoising":
                # penalties, of which each replica adds its share
                hidden = keras.layers.Dense(8, "tanh", kernel_regularizer="l2", activity_regularizer="l1")
                encoder = keras.Sequential([keras.Input((6,)), hidden, keras.layers.Dense(2)])
                model = vae_lib.Autoencoder(encoder, mlp(2, [8], 6))
            elif name == "normalised":
                # no bias before it: its gradient is zero but for rounding, which Adam would make large
                normalise = keras.layers.BatchNormalization(synchronized=True)
                encoder = [keras.Input((6,)), keras.layers.Dense(16, use_bias=False), normalise, keras.layers.Dense(4)]
                model = vae_lib.VAE(keras.Sequential(encoder), mlp(2, [16], 6), vae_lib.LearnedNormal(0.1))
            else:
                model = vae_lib.VAE(mlp(6, [16], 4), mlp(2, [16], 6))
            # Adam would hide a loss that is some times too large
            optimizer = keras.optimizers.SGD(0.1) if name == "denoising" else keras.optimizers.Adam(0.01)
        backup = [vae_lib.Backup(folder), Die()] if die != "nobody" else []
        try:
            history = vae_lib.fit(
                model, x, objective, epochs=5, batch_size=20, optimizer=optimizer, preprocess=preprocess,
                validation=x[:30], callbacks=backup,
            )
        except ConnectionError as error:
            print(time.time(), error, flush=True)
            os._exit(7)  # the others of the cluster are not waited for
        found |= {f"{name} {i}": w for i, w in enumerate(model.get_weights())}
        found[f"{name} logs"] = [history.history[key] for key in ("objective", "loss", "val_objective", "val_loss")]
        found[f"{name} epochs"] = history.epoch
    if folder != "-":
        np.savez(os.path.join(folder, f"{kind}{index}.npz"), **found)
"""


def start(kind, folder, index=0, ports=(), die="nobody"):
    arguments = [kind, str(index), ",".join(map(str, ports)), str(folder), die]
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    )


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def finish(*processes, seconds=300):
    """Wait for all; what they said. Whatever happens, none is left behind."""
    try:
        said = [process.communicate(timeout=seconds) for process in processes]
    except subprocess.TimeoutExpired:
        for process in processes:
            process.kill()
        pytest.fail("\n".join(process.communicate()[1].decode()[-3000:] for process in processes))
    finally:
        for process in processes:
            process.kill()
    return [
        (process.returncode, out.decode(), err.decode()[-3000:])
        for process, (out, err) in zip(processes, said, strict=True)
    ]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """{kind: arrays} for one replica, for two logical devices, and for each of two workers."""
    folder = tmp_path_factory.mktemp("distributed")
    for code, _, err in finish(start("one", folder), start("devices", folder)):
        assert code == 0, err
    ports = free_ports(2)
    for code, _, err in finish(*(start("workers", folder, index, ports) for index in (0, 1))):
        assert code == 0, err
    return {file.stem: dict(np.load(file)) for file in folder.glob("*.npz")}


@pytest.mark.parametrize("kind", ["devices0", "workers0", "workers1"])
@pytest.mark.parametrize("objective", ["elbo", "iwae", "dreg", "beta_elbo", "denoising", "normalised"])
def test_the_same_batches_and_noise_give_the_same_weights(trained, kind, objective):
    names = [name for name in trained["one0"] if name.startswith(f"{objective} ")]
    assert len(names) > 8
    for name in names:
        np.testing.assert_allclose(trained[kind][name], trained["one0"][name], rtol=1e-5, atol=1e-6, err_msg=name)


def test_the_models_did_learn(trained):
    for objective in ("elbo", "iwae", "denoising"):
        values = trained["one0"][f"{objective} logs"][0]
        assert values[-1] > values[0]


@pytest.mark.parametrize("lost", ["0", "1", "1 stopped"])
def test_a_dead_worker_is_told_of_soon_and_all_go_on_from_the_backup(trained, tmp_path, lost):
    ports = free_ports(2)
    workers = [start("workers", tmp_path, index, ports, die=lost) for index in (0, 1)]
    dead, survivor = workers[int(lost[0])], workers[1 - int(lost[0])]
    ((code, out, err),) = finish(survivor)
    assert code == 7, err
    assert "another worker stopped answering in epoch 4" in out and "vae_lib.Backup" in out
    dead.kill()  # it may be stopped only
    ((code, died, err),) = finish(dead)
    assert code == -signal.SIGKILL, err
    assert 0 < float(out.split()[0]) - float(died) < 120  # most of it for a machine that is merely silent
    ports = free_ports(2)
    for code, _, err in finish(*(start("workers", tmp_path, index, ports, die="later") for index in (0, 1))):
        assert code == 0, err
    for index in (0, 1):
        resumed = dict(np.load(tmp_path / f"workers{index}.npz"))
        assert resumed["elbo epochs"].tolist() == [3, 4]
        for name in (name for name in resumed if name[5:].isdigit()):
            np.testing.assert_allclose(resumed[name], trained["one0"][name], rtol=1e-5, atol=1e-6, err_msg=name)


def test_a_worker_that_dies_before_the_first_epoch_is_told_of_too(tmp_path):
    ports = free_ports(2)
    (code, out, err), (dead, *_) = finish(
        *(start("workers", tmp_path, index, ports, die="1 at once") for index in (0, 1))
    )
    assert dead == -signal.SIGKILL
    assert code == 7, err
    assert "another worker stopped answering before the first epoch" in out


BAD = """
    import sys
    import tensorflow as tf
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], halves)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    import vae_lib, keras, json
    said = []
    def attempt(make, optimizer=lambda: None, batch_size=4, objective=vae_lib.elbo, inside=lambda: None):
        with strategy.scope():
            model, made = make(), inside()
        try:
            vae_lib.fit(
                model, tf.zeros([8, 2]), objective, epochs=1, batch_size=batch_size, optimizer=made or optimizer()
            )
        except ValueError as error:
            said.append(str(error))
    def make(*layers):
        encoder = keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(2)])
        return vae_lib.VAE(encoder, vae_lib.mlp(1, [], 2))
    attempt(make, batch_size=5)
    attempt(make, lambda: keras.optimizers.Adam())
    attempt(lambda: make(keras.layers.Dropout(0.5)))
    attempt(lambda: make(keras.layers.BatchNormalization()))
    attempt(make, objective=vae_lib.free_bits(0.1))
    attempt(make, inside=lambda: keras.optimizers.Adam(clipnorm=1.0))
    # an epoch that ends in NaN leaves no trace in the model
    with strategy.scope():
        model, sgd = make(), keras.optimizers.SGD(1e30)
    before = model.get_weights()
    try:
        vae_lib.fit(model, tf.ones([8, 2]), vae_lib.elbo, epochs=1, batch_size=4, optimizer=sgd)
    except FloatingPointError as error:
        said.append(str(error))
    said.append(all((a == b).all() for a, b in zip(before, model.get_weights())))
    print(json.dumps(said))
"""


def test_what_cannot_be_shared_is_named_and_what_becomes_infinite_leaves_no_trace():
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(BAD)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    ((code, out, err),) = finish(process)
    assert code == 0, err
    batch, optimizer, dropout, normalisation, objective, clipping, infinite, kept = json.loads(out.splitlines()[-1])
    assert batch == "batch_size must be a multiple of the 2 replicas that share it; got 5"
    assert optimizer == "optimizer and model must be made under the same strategy.scope()"
    assert dropout.startswith("model must have no Dropout where several replicas share a batch")
    assert normalisation.startswith("model must have no BatchNormalization but with synchronized=True")
    assert objective.startswith("objective must be a value of each example for itself") and "free_bits" in objective
    assert clipping.startswith("optimizer must not clip") and clipping.endswith("got {'clipnorm': 1.0}")
    assert infinite.startswith("the objective or its gradient became NaN or infinite in epoch 1") and kept


OTHER_DATA = """
    import json, os, sys
    index, ports, folder = int(sys.argv[1]), sys.argv[2].split(","), sys.argv[3]
    cluster = {"worker": [f"localhost:{port}" for port in ports]}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
    import tensorflow as tf
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    import vae_lib
    x = tf.random.stateless_normal([8, 2], [0, 0])
    mine = x + [0, 1e-6 * index]
    same = (x, 4, x, 1)
    others = (mine, 4, None, 1), (x, 4 + 4 * index, None, 1), (x, 4, mine, 1), (x, 4, None, 1 + index)
    for data, batch_size, validation, epochs in *others, same, same:
        with strategy.scope():
            model = vae_lib.VAE(vae_lib.mlp(2, [], 2), vae_lib.mlp(1, [], 2))
        try:
            options = {"epochs": epochs, "batch_size": batch_size, "validation": validation}
            options["callbacks"] = [vae_lib.Backup(os.path.join(folder, str(index)))]  # only the first worker writes
            vae_lib.fit(model, data, vae_lib.elbo, preprocess=tf.sigmoid, **options)
            print("trained")
        except ValueError as error:
            print(error)
"""


def test_workers_with_other_data_or_another_batch_size_or_start_are_refused_by_all(tmp_path):
    ports = ",".join(map(str, free_ports(2)))
    command = [sys.executable, "-c", textwrap.dedent(OTHER_DATA)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    workers = [subprocess.Popen([*command, str(index), ports, tmp_path], **pipes) for index in (0, 1)]
    for code, out, err in finish(*workers):
        assert code == 0, err
        *refused, trained, elsewhere = out.splitlines()
        assert trained == "trained" and len(refused) == 4
        assert elsewhere.startswith("all workers must start from the same epoch and weights; is the folder of Backup")
        assert "Replicas [1] start elsewhere" in elsewhere
        for line in refused:
            assert line.startswith("x, validation, batch_size and epochs must be the same on every worker")
            assert line.endswith("replicas [1] have others than the first")
