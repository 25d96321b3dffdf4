"""Models: their shapes and halves against NumPy, saving and loading, and what is said of bad input."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import draws_from, forward, log_likelihood_of, small_autoencoder, small_vae
from scipy import stats

import vae_lib
from vae_lib import VAE, Autoencoder, Bernoulli, FixedNormal, LearnedNormal, Normal, mlp, standard_normal

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras, when it saves
X = np.random.default_rng(0).uniform(size=(5, 3)).astype(np.float32)
Z = np.random.default_rng(1).normal(size=(4, 5, 2)).astype(np.float32)


@keras.saving.register_keras_serializable("tests")
class LearnedPrior(keras.layers.Layer):
    """A prior with a weight, as the docstring of ``VAE`` asks for it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.mean = self.add_weight(shape=(2,), name="mean")
        self.built = True

    def call(self):
        return Normal(tf.convert_to_tensor(self.mean), tf.zeros([2]))


@keras.saving.register_keras_serializable("tests")
def half_variance(output):
    return Normal(output, tf.math.log([0.5]))


class Unregistered:
    def __init__(self, output):
        self.output = output


PARTS = {
    "Bernoulli": {},
    "FixedNormal": {"likelihood": FixedNormal(0.3)},
    "LearnedNormal": {"likelihood": LearnedNormal(0.5)},
    "a function": {"likelihood": half_variance},
    "Normal prior": {"prior": Normal([1.0, 2.0], [0.5])},
    "learned prior": {"likelihood": LearnedNormal(), "prior": LearnedPrior()},
}


def vae_of(likelihood=Bernoulli, prior=None):
    return VAE(mlp(3, [4], 4), mlp(2, [4], 3), likelihood, prior)


def trip(model, tmp_path):
    model.save(tmp_path / "m.keras")
    return keras.models.load_model(tmp_path / "m.keras")


def assert_same(model, again):
    np.testing.assert_array_equal(model.log_joint(X, Z), again.log_joint(X, Z))
    np.testing.assert_array_equal(model(X), again(X))
    assert type(again.likelihood) is type(model.likelihood)


@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
def test_a_vae_comes_back_from_its_file(parts, tmp_path):
    model = vae_of(**parts)
    for variable in model.trainable_variables:
        variable.assign(variable + 0.1)
    assert_same(model, trip(model, tmp_path))


def test_a_fitted_vae_comes_back_and_can_be_trained_on(tmp_path):
    model = vae_of(likelihood=LearnedNormal())
    vae_lib.fit(model, X, vae_lib.elbo, epochs=2, batch_size=5, verbose=0)
    again = trip(model, tmp_path)
    assert_same(model, again)
    for each in (model, again):
        keras.utils.set_random_seed(0)
        vae_lib.fit(each, X, vae_lib.elbo, epochs=1, batch_size=5, optimizer=each.optimizer, verbose=0)
    assert int(again.optimizer.iterations) == 3
    np.testing.assert_allclose(model.log_joint(X, Z), again.log_joint(X, Z), rtol=1e-5)


def test_an_autoencoder_comes_back_from_its_file(tmp_path):
    model = small_autoencoder()
    np.testing.assert_array_equal(model(X[:, :2]), trip(model, tmp_path)(X[:, :2]))


def test_weights_of_likelihood_and_prior_are_trained():
    model = vae_of(**PARTS["learned prior"])
    paths = [weight.path for weight in model.trainable_weights]
    assert [path.split("/")[-1] for path in paths[-2:]] == ["log_variance", "mean"]
    with tf.GradientTape() as tape:
        bound = vae_lib.elbo(model, X)
    assert all(g is not None for g in tape.gradient(bound, [w.value for w in model.trainable_weights]))


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
@pytest.mark.parametrize(
    ("likelihood", "message"),
    [
        (lambda output: Normal(output, [0.0]), "lambda"),
        (Unregistered, "'Unregistered' is not known here.*register_keras_serializable"),
    ],
)
def test_a_likelihood_that_cannot_be_stored_is_named_at_loading(likelihood, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        trip(vae_of(likelihood), tmp_path)


def test_an_unregistered_class_loads_with_custom_objects(tmp_path):
    vae_of(Unregistered).save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras", custom_objects={"Unregistered": Unregistered})
    assert again.likelihood is Unregistered


@pytest.mark.parametrize("likelihood", [Bernoulli, FixedNormal(0.2), LearnedNormal(0.2)])
@pytest.mark.parametrize("latent_dim", [1, 2])
def test_the_log_joint_is_likelihood_plus_prior(likelihood, latent_dim):
    model = small_vae(latent_dim, 3, likelihood)
    z = np.random.default_rng(0).normal(size=(4, 5, latent_dim))
    truth = log_likelihood_of(model, forward(model.decoder, z), X) + stats.norm.logpdf(z).sum(-1)
    np.testing.assert_allclose(model.log_joint(X, z), truth, rtol=1e-4, atol=1e-4)


def test_the_encoder_emits_mean_and_log_variance_side_by_side():
    model = small_vae(2, 3)
    q, truth = model.posterior(X), forward(model.encoder, X)
    np.testing.assert_allclose(q.mean, truth[:, :2], rtol=1e-5)
    np.testing.assert_allclose(q.log_variance, truth[:, 2:], rtol=1e-5)


def test_inference_returns_draws_of_q_and_their_log_density():
    model = small_vae(2, 3)
    z, log_q = model.infer(X, 2000)
    q = model.posterior(X)
    truth = stats.norm.logpdf(z, q.mean, q.stddev).sum(-1)
    np.testing.assert_allclose(log_q, truth, rtol=1e-4, atol=1e-4)
    z = z.numpy().astype(np.float64)
    standardised = (z - q.mean.numpy()) / q.stddev.numpy()
    assert np.abs(standardised.mean(axis=0)).max() < 5 / 2000**0.5
    assert np.abs(standardised.var(axis=0) - 1).max() < 5 * (2 / 2000) ** 0.5


def test_log_weights_are_the_joint_minus_q_on_the_same_draws():
    model = small_vae(2, 3)
    with vae_lib.keyed(0):
        weights = model.log_weights(X, 6)
    with vae_lib.keyed(0):
        z, log_q = model.infer(X, 6)
    assert weights.shape == (6, 5)
    np.testing.assert_allclose(weights, model.log_joint(X, z) - log_q, atol=1e-5)


def test_stopping_the_gradient_of_q_leaves_the_value_and_drops_the_score():
    model = small_vae(1, 3)
    gradients, values = [], []
    for stop in (False, True):
        with vae_lib.keyed(0), tf.GradientTape() as tape:
            value = model.log_weights(X, 4000, stop_q_gradient=stop)
            mean = tf.reduce_mean(value)
        values.append(value.numpy())
        gradients.append(np.concatenate([np.ravel(g) for g in tape.gradient(mean, model.encoder.trainable_weights)]))
    np.testing.assert_array_equal(*values)
    assert (gradients[0] != gradients[1]).any()
    np.testing.assert_allclose(*gradients, atol=0.05 * np.abs(gradients[0]).max())  # the score's mean is zero


def test_shapes_of_what_a_vae_gives():
    model = small_vae(2, 3)
    assert model.posterior(X).mean.shape == (5, 2)
    assert model.decode(Z).mean.shape == (4, 5, 3)
    assert model.decode(Z[0]).mean.shape == (5, 3)
    assert model.decode(Z[None]).mean.shape == (1, 4, 5, 3)
    assert model.generate(7).shape == model.generate(7, sample=True).shape == (7, 3)
    assert model.reconstruct(X).shape == model.reconstruct(X, sample=True).shape == (5, 3)
    assert model.prior.mean.shape == (2,)


def test_an_autoencoder_goes_through_its_code():
    model = small_autoencoder()
    x = X[:, :2]
    np.testing.assert_allclose(model.encode(x), forward(model.encoder, x), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        model.reconstruct(x), forward(model.decoder, forward(model.encoder, x)), rtol=1e-4, atol=1e-6
    )
    assert model.decode(np.zeros((4, 5, 1))).shape == (4, 5, 2)


def test_generation_draws_from_prior_and_likelihood():
    model = VAE(mlp(1, [], 2), mlp(1, [], 1), FixedNormal(0.5), prior=Normal([2.0], [0.0]))
    model.decoder.set_weights([np.array([[3.0]]), np.array([1.0])])
    x = draws_from(model, 20_000)
    assert abs(x.mean() - 7) < 5 * (9.5 / 20_000) ** 0.5
    assert abs(x.var() - 9.5) < 5 * 9.5 * (2 / 20_000) ** 0.5


def test_a_model_is_a_keras_model():
    model = vae_of(**PARTS["learned prior"])
    lines = []
    model.summary(print_fn=lambda line: lines.append(line))
    assert str(model.count_params()) in "".join(lines).replace(",", "")
    np.testing.assert_array_equal(model(X), model.reconstruct(X))


@pytest.mark.parametrize(
    "convert", [np.asarray, np.float64, lambda x: x.tolist(), tf.constant, lambda x: x > 0.5, np.uint8]
)
def test_data_of_other_types_are_taken(convert):
    model, x = vae_of(), convert(X)
    truth = model.posterior(np.asarray(x, np.float32)).mean
    np.testing.assert_array_equal(model.posterior(x).mean, truth)
    assert model.check_data(x).shape == (5, 3)
    assert model.log_weights(x, 2).shape == (2, 5)


def test_an_mlp_has_the_layers_asked_for():
    net = mlp(np.int64(3), (5, 4), 2, "tanh")
    assert [w.shape for w in net.weights] == [(3, 5), (5,), (5, 4), (4,), (4, 2), (2,)]
    x = X.astype(np.float64)
    np.testing.assert_allclose(net(x), forward(net, x), rtol=1e-4, atol=1e-6)
    assert len(mlp(3, [], 2).weights) == 2


UNBUILT = keras.Sequential([keras.layers.Dense(3)])
PICTURES = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Dense(4)])
BAD_MODELS = {
    "an unbuilt encoder": (lambda: VAE(UNBUILT, mlp(2, [], 3)), ValueError, "encoder must be built.*keras.Input"),
    "an unbuilt decoder": (lambda: VAE(mlp(3, [], 4), UNBUILT), ValueError, "decoder must be built.*keras.Input"),
    "an encoder of pictures": (
        lambda: VAE(PICTURES, mlp(2, [], 3)),
        ValueError,
        r"encoder.* flat data.*\(None, 4, 4, 1\)",
    ),
    "not a net": (lambda: VAE(np.tanh, mlp(2, [], 3)), TypeError, "encoder must be a Keras net.*got <ufunc 'tanh'>"),
    "an odd code": (
        lambda: VAE(mlp(3, [], 3), mlp(2, [], 3)),
        ValueError,
        "encoder must emit.*2 latent .*4 num.*ends in 3",
    ),
    "no log-variances": (lambda: VAE(mlp(3, [], 2), mlp(2, [], 3)), ValueError, "4 numbers; .*ends in 2"),
    "a code for a VAE": (lambda: Autoencoder(mlp(3, [], 4), mlp(2, [], 3)), ValueError, "2 numbers; .*ends in 4"),
    "a narrow decoder": (
        lambda: Autoencoder(mlp(3, [], 2), mlp(2, [], 1)),
        ValueError,
        "decoder must emit.* 3; .*in 1",
    ),
    "a number for likelihood": (lambda: vae_of(0.1), TypeError, "likelihood must turn decoder output.*got 0.1"),
    "the class of a layer": (lambda: vae_of(FixedNormal), TypeError, r"likelihood must be a layer.*FixedNormal\("),
    "a number for prior": (lambda: vae_of(prior=1), TypeError, "prior must be None, a distribution.*got 1"),
    "no variance": (lambda: FixedNormal(0), ValueError, "FixedNormal: variance must be positive and finite; got 0"),
    "a NaN variance": (lambda: LearnedNormal(np.nan), ValueError, "initial_variance must be positive.*got nan"),
    "a text variance": (lambda: FixedNormal("0.5"), TypeError, "variance must be a number; got '0.5'"),
    "a true variance": (lambda: FixedNormal(True), TypeError, "variance must be a number; got True"),
    "a width of 0": (
        lambda: mlp(2, [3, 0], 1),
        ValueError,
        r"mlp: hidden\[1\] must be an integer, at least 1; got 0",
    ),
    "half a width": (lambda: mlp(2.5, [3], 1), ValueError, "inputs must be an integer, at least 1; got 2.5"),
    "a True width": (lambda: mlp(2, [3], True), ValueError, "outputs must be an integer, at least 1; got True"),
    "one hidden width": (lambda: mlp(2, 3, 1), TypeError, "hidden must be a list of widths.*got 3"),
}


@pytest.mark.parametrize(("make", "error", "message"), BAD_MODELS.values(), ids=BAD_MODELS)
def test_a_model_that_cannot_be_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


BAD_DATA = {
    "NaN": (
        X * [1, np.nan, 1],
        ValueError,
        r"x must be finite; got 5 NaN or infinite values, the first at index \(0, 1\)",
    ),
    "infinity": (X * [1, 1, np.inf], ValueError, r"x must be finite; got 5 .*index \(0, 2\)"),
    "text": (np.array([["a", "b", "c"]]), TypeError, "x must be an array of numbers; got"),
    "words": ("abc", TypeError, "x must be an array of numbers; got"),
    "objects": (np.array([[None, 1, 2]]), TypeError, "x must be an array of numbers; got"),
    "ragged rows": ([[1.0], [1.0, 2.0, 3.0]], TypeError, "x must be an array of numbers; got list"),
    "complex": (X + 1j, TypeError, "x must be an array of numbers; got dtype complex"),
    "nothing": (X[:0], ValueError, r"x must not be empty; got shape \(0, 3\)"),
    "wrong width": (X[:, :2], ValueError, r"x must have shape \[n, 3\].*got \(5, 2\)"),
    "one row alone": (X[0], ValueError, r"x must have shape \[n, 3\].*got \(3,\)"),
    "rank three": (X[None], ValueError, r"x must have shape \[n, 3\].*got \(1, 5, 3\)"),
    "too large": (X * 2, ValueError, r"x must lie in \[0, 1\].*Bernoulli likelihood; got values from .* to 1\.8"),
    "negative": (-X, ValueError, r"x must lie in \[0, 1\].*Bernoulli"),
    "grey levels": (np.full((2, 3), 255, np.uint8), ValueError, r"x must lie in \[0, 1\].*to 255"),
}
ENTRANCES = {
    "check_data": lambda x: vae_of().check_data(x),
    "log_likelihood": lambda x: vae_lib.log_likelihood(vae_of(), x),
    "rate_distortion": lambda x: vae_lib.rate_distortion(vae_of(), x),
    "active_units": lambda x: vae_lib.active_units(vae_of(), x),
    "log_marginal": lambda x: vae_lib.exact.log_marginal(vae_of(), x),
    "exact.elbo": lambda x: vae_lib.exact.elbo(vae_of(), x),
    "exact.posterior": lambda x: vae_lib.exact.posterior(vae_of(), x),
}


@pytest.mark.parametrize("entrance", ENTRANCES.values(), ids=ENTRANCES)
@pytest.mark.parametrize(("x", "error", "message"), BAD_DATA.values(), ids=BAD_DATA)
def test_data_that_cannot_be_used_are_refused_everywhere(entrance, x, error, message):
    with pytest.raises(error, match=message):
        entrance(x)


BAD_CALLS = {
    "x too wide": (lambda m: m.posterior(np.zeros((2, 4))), ValueError, r"x must have shape \[n, 3\].*got \(2, 4\)"),
    "x of text": (lambda m: m.posterior(["a"]), TypeError, "x must be an array of numbers"),
    "z too wide": (lambda m: m.decode(np.zeros((2, 3))), ValueError, r"z must have shape \[..., n, 2\].*got \(2, 3\)"),
    "one z alone": (lambda m: m.decode(np.zeros(2)), ValueError, r"z must have shape \[..., n, 2\].*got \(2,\)"),
    "z of text": (lambda m: m.decode("a"), TypeError, "z must be an array of numbers"),
    "no number of samples": (lambda m: m.log_weights(X, 2.5), ValueError, "n must be .* integer.*got 2.5"),
    "half a picture": (lambda m: m.generate(0.5), ValueError, "n must be .* integer.*got 0.5"),
}


@pytest.mark.parametrize(("call", "error", "message"), BAD_CALLS.values(), ids=BAD_CALLS)
def test_a_call_that_cannot_be_answered_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(vae_of())


def test_a_decoder_of_another_width_is_noticed_instead_of_broadcast():
    with pytest.raises(ValueError, match=r"x must have 1 components.*got shape \(5, 3\)"):
        VAE(mlp(3, [], 4), mlp(2, [], 1)).log_joint(X, Z)
    with pytest.raises(ValueError, match="x must have 1 components"):
        vae_of(prior=standard_normal(1)).log_joint(X, Z)
