"""The noise: one stream of numbers in every mode, repeatable, fresh at each draw, and of the right distribution."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from vae_lib import Bernoulli, Normal, keyed, randomness

DRAWS = {"normal": randomness.normal, "uniform": randomness.uniform}
MODES = {
    "eager": lambda f: f,
    "graph": tf.function,
    "xla": lambda f: tf.function(f, jit_compile=True),
}
draws = pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
compiled = pytest.mark.parametrize("mode", [MODES["graph"], MODES["xla"]], ids=["graph", "xla"])
modes = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)


@draws
@compiled
@pytest.mark.parametrize("shape", [[7], [3, 5], [1, 1, 4]])
def test_a_key_gives_the_same_numbers_in_every_mode(draw, mode, shape):
    def twice(seed, step):
        with keyed(seed, step):
            return draw(shape), draw(shape)

    for ours, theirs in zip(twice(5, 7), mode(twice)(tf.constant(5), tf.constant(7)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@draws
@compiled
def test_the_global_seed_gives_the_same_numbers_in_every_mode(draw, mode):
    results = []
    for wrap in (MODES["eager"], mode):
        keras.utils.set_random_seed(11)
        function = wrap(lambda: draw([6]))
        results.append([function().numpy() for _ in range(3)])
    np.testing.assert_allclose(results[0], results[1], rtol=1e-5, atol=1e-6)


@modes
def test_noise_in_a_function_is_fresh_at_each_call(mode):
    function = mode(lambda: randomness.normal([4]))
    first, second, third = (function().numpy() for _ in range(3))
    assert not np.intersect1d(first, second).size
    assert not np.intersect1d(second, third).size


def test_two_draws_under_one_key_differ_and_the_key_repeats_them():
    with keyed(1, 2):
        first, second = randomness.normal([4]).numpy(), randomness.normal([4]).numpy()
    with keyed(1, 2):
        again = randomness.normal([4]).numpy()
    assert not np.intersect1d(first, second).size
    np.testing.assert_array_equal(first, again)


def test_keys_never_repeat_over_seeds_steps_and_draws():
    keys = []
    for seed in range(3):
        for step in (-2, -1, 0, 1, 2, 1000):
            with keyed(seed, step):
                keys += [tuple(randomness.next_key().numpy()) for _ in range(20)]
    assert len(set(keys)) == len(keys)


def test_an_inner_key_does_not_disturb_the_outer_one():
    with keyed(1):
        expected = [randomness.normal([2]).numpy() for _ in range(2)]
    with keyed(1):
        first = randomness.normal([2]).numpy()
        with keyed(9):
            randomness.normal([2])
        second = randomness.normal([2]).numpy()
    np.testing.assert_array_equal(expected, [first, second])


def test_a_key_is_closed_when_an_error_leaves_it():
    with pytest.raises(RuntimeError), keyed(1):
        raise RuntimeError
    assert not randomness._open.keys


@pytest.mark.parametrize(("draw", "truth"), [(randomness.normal, stats.norm), (randomness.uniform, stats.uniform)])
def test_the_draws_have_their_distribution(draw, truth):
    with keyed(0):
        sample = draw([400_000]).numpy().astype(np.float64)
    assert np.isfinite(sample).all()
    for power in (1, 2, 3, 4):
        error = np.sqrt(truth.moment(2 * power) - truth.moment(power) ** 2) / sample.size**0.5
        assert abs((sample**power).mean() - truth.moment(power)) < 5 * error
    distance = np.abs(np.sort(truth.cdf(sample)) - (np.arange(sample.size) + 0.5) / sample.size).max()
    assert distance < 2.5 / sample.size**0.5  # Kolmogorov: exceeded with probability 7e-6


def test_uniform_lies_in_its_half_open_interval():
    with keyed(3):
        sample = randomness.uniform([1_000_000]).numpy()
    assert sample.min() >= 0
    assert sample.max() < 1


@modes
def test_a_permutation_holds_each_index_once_and_moves_them_evenly(mode):
    def orders(step):
        with keyed(0, step):
            return randomness.permutation(10)

    function = mode(orders)
    found = np.array([function(tf.constant(step)).numpy() for step in range(400)])
    np.testing.assert_array_equal(np.sort(found), np.tile(np.arange(10), (400, 1)))
    assert np.abs(found.mean(axis=0) - 4.5).max() < 5 * np.sqrt(99 / 12 / 400)


def test_distributions_follow_the_seed_and_differ_from_draw_to_draw():
    for distribution in (Normal(tf.zeros([50]), tf.zeros([50])), Bernoulli(tf.zeros([50]))):
        keras.utils.set_random_seed(1)
        first, second = distribution.sample().numpy(), distribution.sample().numpy()
        keras.utils.set_random_seed(1)
        np.testing.assert_array_equal(first, distribution.sample())
        assert (first != second).any()
