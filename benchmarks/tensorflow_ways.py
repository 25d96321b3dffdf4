"""What is measured in TensorFlow: ``vae_lib``, what a good Keras user would write, and the products alone.

Each way is a function of a case that returns ``run(count)``: ``count`` epochs of training, or ``count`` evaluations.
"""

import vae_lib  # first: it imports TensorFlow without its start-up messages

import keras  # isort: skip
import numpy as np
import tensorflow as tf

from benchmarks import workers

CHUNK = 1000  # rows a product of the evaluation's limit works on: about what a cache holds; more are slower


def model(case):
    likelihood = vae_lib.Bernoulli if case.bernoulli else vae_lib.FixedNormal(0.1)
    encoder = vae_lib.mlp(case.data, case.hidden, 2 * case.latent, case.activation)
    decoder = vae_lib.mlp(case.latent, case.hidden[::-1], case.data, case.activation)
    made = vae_lib.VAE(encoder, decoder, likelihood)
    if made.count_params() != case.parameters:
        raise AssertionError(f"{made.count_params()} parameters; the case has {case.parameters}")
    return made


def objective(case):
    return vae_lib.elbo if case.samples is None else vae_lib.iwae(case.samples)


def fit(case):
    made, x = model(case), case.draw()
    made.compile(optimizer=keras.optimizers.Adam(1e-3))

    def run(epochs):  # one optimizer for all runs, as the other ways have
        options = {"batch_size": case.batch, "optimizer": made.optimizer, "verbose": 0}
        vae_lib.fit(made, x, objective(case), epochs=epochs, **options)

    return run


class TrainStep(keras.Model):
    """The same VAE as Keras users write one: a subclass whose ``compute_loss`` returns minus the mean bound."""

    def __init__(self, vae, objective):
        super().__init__()
        self.vae, self.objective = vae, objective
        self.built = True

    def call(self, x):
        return x

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return -tf.reduce_mean(self.objective(self.vae, x))


def keras_fit(case, **compile_arguments):
    """``Model.fit`` at its best: a prefetched dataset held in memory, and several steps a call where that helps."""
    made, x = TrainStep(model(case), objective(case)), case.draw()
    made.compile(optimizer=keras.optimizers.Adam(1e-3), **compile_arguments)
    data = tf.data.Dataset.from_tensor_slices(x).shuffle(len(x)).batch(case.batch, drop_remainder=True).prefetch(2)
    return lambda epochs: made.fit(data, epochs=epochs, verbose=0, shuffle=False)  # the data set shuffles


def loop(case, compiled=True):
    """A step called from a Python loop, the shuffled batches cut from an array."""
    made, x, optimizer = model(case), case.draw(), keras.optimizers.Adam(1e-3)
    optimizer.build(made.trainable_variables)
    bound = objective(case)

    def step(batch):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(bound(made, batch))
        weights = made.trainable_variables
        optimizer.apply(tape.gradient(loss, [w.value for w in weights]), weights)
        return loss

    step = tf.function(step, jit_compile=True) if compiled else step
    rng = np.random.default_rng(0)

    def run(epochs):
        for _ in range(epochs):
            order = rng.permutation(len(x))
            for start in range(0, len(x) - case.batch + 1, case.batch):
                loss = step(tf.constant(x[order[start : start + case.batch]]))
        float(loss)

    return run


def training_products(case):
    """The products of a step, of exactly these layers and in their order, and nothing else: a floor for the time."""
    kernels = [tf.random.normal(shape, stddev=shape[0] ** -0.5) for shape in case.encoder + case.decoder]
    data = tf.reshape(case.draw()[: case.steps * case.batch], [case.steps, case.batch, case.data])
    code, k = len(case.encoder), case.samples or 1

    def products(x, kernels):
        below, a = [], x
        for index, kernel in enumerate(kernels):
            if index == code:  # from the two halves of the code to k codes
                a = tf.tile(a[:, : case.latent] + a[:, case.latent :], [k, 1])
            below.append(a)
            a = a @ kernel
        gradients = []
        for index in reversed(range(len(kernels))):
            gradients.append(tf.matmul(below[index], a, transpose_a=True))
            if index:  # no gradient with respect to the data
                a = tf.matmul(a, kernels[index], transpose_b=True)
            if index == code:
                a = tf.reduce_mean(tf.reshape(a, [k, case.batch, case.latent]), axis=0)
                a = tf.concat([a, a], axis=1)
        return gradients[::-1]

    @tf.function(jit_compile=True)
    def train(kernels, data, steps):
        def step(index, *_):
            return index + 1, *products(data[index % case.steps], kernels)

        start = (tf.constant(0), *[tf.zeros_like(kernel) for kernel in kernels])
        return tf.while_loop(lambda index, *_: index < steps, step, start)[1:]

    return lambda epochs: train(kernels, data, tf.constant(epochs * case.steps))[0].numpy()


def evaluate(case):
    """``count`` times the examples in one call, as a user has them: each call compiles once."""
    made, x = model(case), np.round(case.draw())
    return lambda count: vae_lib.log_likelihood(made, np.tile(x, (count, 1)), samples=case.samples)


def evaluation_products(case):
    """The decoder's products for all the samples of all the examples, in chunks that a cache holds."""
    kernels = [tf.random.normal(shape, stddev=shape[0] ** -0.5) for shape in case.decoder]
    chunks = case.examples * case.samples // CHUNK

    @tf.function(jit_compile=True)
    def decode(z, kernels, chunks):
        def chunk(index, out):
            a = z + 1e-20 * out[:, : case.latent]  # each chunk's operands differ, or the work would be done once
            for kernel in kernels:
                a = a @ kernel
            return index + 1, a

        start = (tf.constant(0), tf.zeros([CHUNK, case.data]))
        return tf.while_loop(lambda index, _: index < chunks, chunk, start)[1]

    z = tf.random.normal([CHUNK, case.latent])
    return lambda count: decode(z, kernels, tf.constant(count * chunks)).numpy()


WAYS = {
    "`vae_lib.fit`": fit,
    "Keras `Model.fit`": keras_fit,
    "Keras `Model.fit`, `jit_compile=True`, `steps_per_execution=20`": lambda case: keras_fit(
        case, jit_compile=True, steps_per_execution=20
    ),
    "`tf.function(jit_compile=True)` step in a loop": loop,
    "eager `GradientTape`": lambda case: loop(case, compiled=False),
    "matrix products alone, XLA": training_products,
    "`log_likelihood`": evaluate,
    "decoder's products alone, XLA": evaluation_products,
}

if __name__ == "__main__":
    tf.get_logger().setLevel("ERROR")  # of one function a case, traced anew for each: that is meant here
    workers.serve(WAYS, {"TensorFlow": tf.__version__, "Keras": keras.__version__, "NumPy": np.__version__})
