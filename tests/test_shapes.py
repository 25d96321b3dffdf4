"""The pictures of bars: what is drawn follows the factors."""

import numpy as np
import pytest

from vae_lib import datasets

MIDDLE = (np.arange(16) + 0.5) / 8 - 1
PLACES = np.stack(np.meshgrid(MIDDLE, MIDDLE[::-1]), axis=-1).reshape(-1, 2)  # rows from the top, so upwards falls


def centre(x):
    return x @ PLACES / x.sum(axis=1, keepdims=True)


def second_moments(x):
    """The covariance of where the brightness is: [n, 2, 2]."""
    shift = PLACES - centre(x)[:, np.newaxis]
    return np.einsum("np,npi,npj->nij", x, shift, shift) / x.sum(axis=1)[:, np.newaxis, np.newaxis]


def draw(right=0.0, above=0.0, scale=0.4, angle=0.0):
    return datasets._bars(np.array([[right, above, scale, angle]]))


def test_form_range_and_kind():
    split = datasets.shapes(500, seed=1)
    assert split.x.shape == (500, 256) and split.x.dtype == np.float32
    assert split.y.shape == (500, 4) and split.y.dtype == np.float32
    assert split.x.min() == 0 and split.x.max() == 1
    low, high = [-0.35, -0.35, 0.25, 0], [0.35, 0.35, 0.55, np.pi / 2]
    assert (split.y >= np.float32(low)).all() and (split.y <= np.float32(high)).all()
    assert (np.ptp(split.y, axis=0) > 0.97 * np.subtract(high, low)).all()  # and they fill their ranges


def test_the_factors_are_independent():
    y = datasets.shapes(5000, seed=2).y
    assert np.abs(np.corrcoef(y.T) - np.eye(4)).max() < 5 / np.sqrt(5000)


def test_the_bar_is_never_cut_off():
    extreme = np.array([[a, b, 0.55, angle] for a in (-0.35, 0.35) for b in (-0.35, 0.35) for angle in (0.3, 0.38, 1)])
    area = datasets._bars(extreme).sum(axis=1)
    np.testing.assert_allclose(area, 64 * 1.1 * 0.44, rtol=0.02)


def test_the_centre_of_mass_follows_the_position():
    split = datasets.shapes(300, seed=3)
    assert np.abs(centre(split.x) - split.y[:, :2]).max() < 0.125 / 5  # a fifth of a pixel


def test_right_is_right_and_up_is_up():
    assert draw(right=0.3).reshape(16, 16)[:, 8:].sum() > 2 * draw(right=0.3).reshape(16, 16)[:, :8].sum()
    assert draw(above=0.3).reshape(16, 16)[:8].sum() > 2 * draw(above=0.3).reshape(16, 16)[8:].sum()


def test_the_brightness_is_the_area():
    split = datasets.shapes(300, seed=4)
    area = 2 * split.y[:, 2] * 0.8 * split.y[:, 2] * 64  # 64 pixels to a unit of area
    np.testing.assert_allclose(split.x.sum(axis=1), area, rtol=0.08)


@pytest.mark.parametrize("angle", [0, 0.4, np.pi / 4, 1.2, np.pi / 2])
def test_the_long_axis_is_at_the_angle(angle):
    axis = np.linalg.eigh(second_moments(draw(scale=0.5, angle=angle))[0])[1][:, -1]
    found = np.arctan2(*axis[::-1]) % np.pi
    assert min(abs(found - angle), np.pi - abs(found - angle)) < 0.02


def test_known_pictures():
    flat = draw().reshape(16, 16)
    np.testing.assert_allclose(flat, flat[::-1, ::-1], atol=1e-6)
    np.testing.assert_allclose(draw(angle=np.pi / 2).reshape(16, 16), flat.T, atol=1e-6)
    # half length 3.2 pixels, half width 1.28: middles are half a pixel off the centre
    np.testing.assert_allclose(flat[7, 8:13], [1, 1, 1, 0.2, 0], atol=1e-6)
    np.testing.assert_allclose(flat[7:4:-1, 8], [1, 0.28, 0], atol=1e-6)


def test_the_same_seed_the_same_pictures():
    first, again, other = (datasets.shapes(20, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.x, again.x)
    np.testing.assert_array_equal(first.y, again.y)
    assert np.any(first.x != other.x)
    rng = np.random.default_rng(5)
    np.testing.assert_array_equal(datasets.shapes(20, seed=rng).y, first.y)


def test_no_density_is_known():
    with pytest.raises(AttributeError, match="unknown"):
        datasets.shapes(2).log_prob(np.zeros((1, 2)))


@pytest.mark.parametrize(
    ("n", "kind"), [(0, ValueError), (-3, ValueError), (2.5, TypeError), (True, TypeError), ("5", TypeError)]
)
def test_a_bad_n_is_named(n, kind):
    with pytest.raises(kind, match=r"^n is "):
        datasets.shapes(n)


def test_a_bad_seed_raises():
    with pytest.raises((TypeError, ValueError)):
        datasets.shapes(3, seed="five")
