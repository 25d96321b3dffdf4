"""The energy distance and its null distribution, against loops, closed forms and the laws they must obey."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import kstest, norm

from vae_lib import energy_distance, energy_null, evaluation

FUNCTIONS = {"energy_distance": energy_distance, "energy_null": energy_null}


def by_loops(x, y):
    """The U-statistic, pair by pair."""

    def mean(a, b, same):
        pairs = [(i, j) for i in range(len(a)) for j in range(len(b)) if not (same and i == j)]
        return sum(sum((a[i] - b[j]) ** 2) ** 0.5 for i, j in pairs) / len(pairs)

    return 2 * mean(x, y, False) - mean(x, x, True) - mean(y, y, True)


def mean_distance(mean, variance):
    """E|D| of D ~ N(mean, variance)."""
    s = np.sqrt(variance)
    return 2 * s * norm.pdf(mean / s) + mean * (1 - 2 * norm.cdf(-mean / s))


def of_gaussians(m, s, mean, stddev):
    """The energy distance of N(m, s²) and N(mean, stddev²) on the line."""
    return 2 * mean_distance(m - mean, s**2 + stddev**2) - mean_distance(0, 2 * s**2) - mean_distance(0, 2 * stddev**2)


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.mark.parametrize(("n", "m", "d"), [(2, 2, 1), (7, 4, 3), (2, 9, 5), (12, 12, 2)])
def test_it_is_the_statistic_of_loops_over_pairs(rng, n, m, d):
    x, y = rng.normal(size=(n, d)), 1 + 2 * rng.normal(size=(m, d))
    assert isinstance(energy_distance(x, y), float)
    assert energy_distance(x, y) == pytest.approx(by_loops(x, y), rel=1e-10)
    assert energy_distance(y, x) == pytest.approx(energy_distance(x, y), rel=1e-10)


def test_it_keeps_the_precision_of_its_data(rng):
    x, y = rng.normal(size=(9, 2)), rng.normal(size=(8, 2))
    far = np.array([1e6, -1e6])  # in float32 nothing would be left of differences of 1e-3
    assert energy_distance(far + 1e-3 * x, far + 1e-3 * y) == pytest.approx(1e-3 * energy_distance(x, y), rel=1e-5)


def test_arrays_lists_integers_and_tensors_are_the_same_points():
    x, y = [[0, 1], [2, 5], [3, 3]], [[4, 4], [1, 0]]
    expected = by_loops(np.array(x, float), np.array(y, float))
    for kind in (list, np.array, np.float32, tf.constant, lambda points: tf.constant(points, tf.float32)):
        assert energy_distance(kind(x), kind(y)) == pytest.approx(expected, rel=1e-6)


def test_moving_turning_and_scaling_change_what_they_should(rng):
    x, y = rng.normal(size=(30, 3)), rng.uniform(size=(20, 3))
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    assert energy_distance(x @ turn + 5, y @ turn + 5) == pytest.approx(energy_distance(x, y), rel=1e-9)
    assert energy_distance(-7 * x, -7 * y) == pytest.approx(7 * energy_distance(x, y), rel=1e-9)


@pytest.mark.parametrize("blocks", ["one", "several"])
def test_on_the_line_it_is_twice_the_integrated_square_of_the_distribution_functions(rng, monkeypatch, blocks):
    # With every point also paired with itself (the V-statistic) the identity is exact for samples.
    n, m = 40, 25
    if blocks == "several":
        monkeypatch.setattr(evaluation, "_FLOATS", 7 * (n + m))
    x, y = rng.normal(size=n), rng.gamma(2, size=m)
    steps = np.sort(np.concatenate([x, y]))
    difference = np.mean(x[:, None] <= steps, axis=0) - np.mean(y[:, None] <= steps, axis=0)
    v_statistic = 2 * np.sum(difference[:-1] ** 2 * np.diff(steps))
    within = [np.abs(a[:, None] - a).sum() / len(a) ** 2 for a in (x, y)]
    diagonals = within[0] / (n - 1) + within[1] / (m - 1)  # the unbiased means within are larger by these
    assert energy_distance(x[:, None], y[:, None]) == pytest.approx(v_statistic - diagonals, rel=1e-10)


@pytest.mark.parametrize(("mean", "stddev"), [(0.0, 1.0), (0.7, 1.0), (0.0, 2.5), (-3.0, 0.2)])
def test_its_mean_is_the_closed_form_for_gaussians(rng, mean, stddev):
    grid = np.linspace(-15, 15, 60001)
    area = 2 * np.trapezoid((norm.cdf(grid) - norm.cdf(grid, mean, stddev)) ** 2, grid)
    truth = of_gaussians(0, 1, mean, stddev)
    assert truth == pytest.approx(area, abs=1e-6)
    values = [energy_distance(rng.normal(size=(12, 1)), rng.normal(mean, stddev, (9, 1))) for _ in range(3000)]
    error = np.std(values) / 3000**0.5
    assert error < 0.02
    assert abs(np.mean(values) - truth) < 5 * error


def test_memory_is_bounded(monkeypatch, rng):
    asked = []
    real = evaluation.cdist
    monkeypatch.setattr(evaluation, "cdist", lambda a, b: asked.append(len(a) * len(b)) or real(a, b))
    monkeypatch.setattr(evaluation, "_FLOATS", 100)
    x, y = rng.normal(size=(17, 2)), rng.normal(size=(14, 2))
    assert energy_distance(x, y) == pytest.approx(by_loops(x, y), rel=1e-10)
    assert max(asked) <= 100
    asked.clear()
    energy_null(x, y, draws=50)
    assert max(asked) <= 100
    assert sum(asked) == 31**2  # each distance once, however many draws


def test_the_null_holds_the_statistic_of_every_re_split(rng):
    x, y = rng.normal(size=(3, 2)), rng.normal(size=(2, 2)) + 1
    pool = np.concatenate([x, y])
    splits = [[i, j] for i in range(5) for j in range(i)]
    possible = np.array([by_loops(np.delete(pool, pair, axis=0), pool[pair]) for pair in splits])
    null = energy_null(x, y, draws=4000)
    assert null.shape == (4000,)
    assert null.dtype == np.float64
    matches = np.abs(null[:, None] - possible) < 1e-9
    assert (matches.sum(axis=1) == 1).all()
    assert (np.abs(matches.mean(axis=0) - 0.1) < 5 * np.sqrt(0.09 / 4000)).all()  # ten splits, equally often


def test_the_mean_over_all_re_splits_is_zero(rng):
    null = energy_null(rng.normal(size=(20, 2)), rng.normal(size=(30, 2)) + 2, draws=4000)
    assert abs(null.mean()) < 5 * null.std() / 4000**0.5


def test_the_null_repeats_with_its_seed_alone(rng):
    x, y = rng.normal(size=(6, 2)), rng.normal(size=(5, 2))
    np.testing.assert_array_equal(energy_null(x, y), energy_null(x, y, draws=1000, seed=0))
    assert (energy_null(x, y, seed=1) != energy_null(x, y, seed=2)).any()
    np.testing.assert_array_equal(
        energy_null(x, y, seed=np.random.default_rng(4)), energy_null(x, y, seed=np.random.default_rng(4))
    )


def p_values(make_x, make_y, rng, repeats, draws=199):
    for _ in range(repeats):
        x, y = make_x(rng), make_y(rng)
        yield (1 + np.sum(energy_null(x, y, draws, seed=rng) >= energy_distance(x, y))) / (1 + draws)


def test_p_values_are_uniform_where_the_sources_are_equal(rng):
    def make(size):
        return lambda rng: rng.standard_t(3, size=(size, 2))

    p = np.array(list(p_values(make(15), make(25), rng, repeats=1500)))
    assert p.min() >= 1 / 200
    spread = p - rng.uniform(0, 1 / 200, p.size)  # uniform on 1/200 … 1 becomes uniform on the interval
    assert kstest(spread, "uniform").pvalue > 1e-4


@pytest.mark.parametrize(
    "make_y",
    [lambda rng: rng.normal(0.8, 1, (60, 2)), lambda rng: rng.normal(0, 2, (60, 2))],
    ids=["a shift", "a spread"],
)
def test_p_values_are_small_where_the_sources_differ(rng, make_y):
    p = list(p_values(lambda rng: rng.normal(size=(60, 2)), make_y, rng, repeats=100))
    assert np.median(p) < 0.01
    assert np.max(p) < 0.2


WRONG = {
    "text": (["a", "b"], TypeError, "{} must be an array of numbers; got dtype string"),
    "ragged": ([[1.0, 2.0], [3.0]], TypeError, "{} must be an array of numbers"),
    "nothing": (None, TypeError, "{} must be an array of numbers"),
    "one number": (1.0, ValueError, "{} must have shape .n, d. with at least two points; got .."),
    "one axis": ([1.0, 2.0], ValueError, "{} must have shape .n, d. with at least two points; got .2,."),
    "three axes": (np.zeros((4, 3, 2)), ValueError, "{} must have shape .n, d.*; got .4, 3, 2."),
    "one point": ([[1.0, 2.0]], ValueError, "{} must have .* at least two points; got .1, 2."),
    "no point": (np.zeros((0, 2)), ValueError, "{} must not be empty"),
    "NaN": ([[1.0, np.nan], [0.0, 0.0]], ValueError, "{} must be finite; got 1 NaN or infinite .* index .0, 1."),
    "infinity": ([[1.0, 2.0], [np.inf, 0.0]], ValueError, "{} must be finite"),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize("place", ["x", "y"])
@pytest.mark.parametrize(("value", "error", "words"), WRONG.values(), ids=WRONG)
def test_bad_samples_are_refused_by_name(function, place, value, error, words):
    samples = {"x": np.zeros((3, 2)), "y": np.ones((3, 2)), place: value}
    with pytest.raises(error, match=words.format(place)):
        function(**samples)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_different_widths_are_refused(function):
    with pytest.raises(ValueError, match=r"y must have the width of x, 2; got shapes .3, 2. and .4, 3."):
        function(np.zeros((3, 2)), np.zeros((4, 3)))


@pytest.mark.parametrize("draws", [0, -1, 2.5, True, None, "9"])
def test_draws_must_be_a_positive_integer(draws):
    with pytest.raises(ValueError, match=f"energy_null: draws must be an integer, at least 1; got {draws!r}"):
        energy_null(np.zeros((3, 2)), np.ones((3, 2)), draws=draws)
