"""The book's figures: the style, the colours, and that each helper draws what it was given."""

import itertools

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
plots = pytest.importorskip("vae_lib.plots")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plots.plt.close("all")


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in mpl.colors.to_rgb(colour)]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


def test_the_ground_is_opaque_and_text_and_lines_stand_out_from_it():
    figure, ax = plots.figure()
    assert figure.get_facecolor() == (1, 1, 1, 1)
    assert mpl.rcParams["savefig.facecolor"] == "white"
    for colour in (ax.xaxis.label.get_color(), plots.BLUE, plots.RED, plots.GREEN, plots.GREY):
        assert 1.05 / (luminance(colour) + 0.05) > 3  # the contrast that WCAG asks of graphics


def test_the_colours_differ_also_for_those_who_see_two_of_them():
    # Viénot, Brettel and Mollon (1999): what remains of linear RGB without the red or the green cones
    without = {
        "red": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
        "green": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    }
    for matrix in without.values():
        seen = [
            np.clip(np.array(matrix) @ np.array(mpl.colors.to_rgb(c)) ** 2.2, 0, 1) ** (1 / 2.2) for c in plots.COLOURS
        ]
        assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 0.1


def test_the_style_cycles_through_the_colours():
    _, ax = plots.figure()
    lines = [ax.plot([0, 1])[0].get_color() for _ in plots.COLOURS]
    assert lines == plots.COLOURS


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 3), (2, 2)])
def test_a_figure_has_the_axes_asked_for_and_the_width_of_the_page(rows, columns):
    figure, axes = plots.figure(rows, columns)
    assert np.size(axes) == rows * columns
    assert figure.get_size_inches()[0] == pytest.approx(6.8)
    assert plots.figure(height=2)[0].get_size_inches()[1] == pytest.approx(2)


def test_labels_and_title_are_written():
    ax = plots.label(plots.figure()[1], "z", "log p", "A title")
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title(loc="left")) == ("z", "log p", "A title")


def test_points_lie_where_they_should_and_take_their_colours_from_the_values():
    x = np.random.default_rng(0).normal(size=(7, 2))
    _, ax = plots.figure()
    drawn = plots.points(ax, x, values=np.arange(7), label="points")
    np.testing.assert_allclose(drawn.get_offsets(), x)
    np.testing.assert_array_equal(drawn.get_array(), np.arange(7))
    assert ax.get_aspect() == 1
    assert [text.get_text() for text in ax.legend().get_texts()] == ["points"]


def test_a_plane_runs_row_by_row_over_its_bounds():
    where, first, second = plots.plane((0, 1, 2, 4), nodes=3)
    assert where.dtype == np.float32
    np.testing.assert_allclose(where[:4], [[0, 2], [0.5, 2], [1, 2], [0, 3]])
    np.testing.assert_allclose(where.reshape(3, 3, 2)[:, :, 0], np.tile(first, (3, 1)))
    np.testing.assert_allclose(where.reshape(3, 3, 2)[:, :, 1], np.tile(second, (3, 1)).T)


def test_heights_put_the_peak_where_it_is():
    _, ax = plots.figure()
    contours = plots.heights(ax, lambda x: -((x[:, 0] - 1) ** 2) - (x[:, 1] + 1) ** 2, (-3, 3, -3, 3), nodes=61)
    top = [path for path in contours.get_paths() if len(path.vertices)][-1]
    middle = (top.vertices.min(axis=0) + top.vertices.max(axis=0)) / 2
    np.testing.assert_allclose(middle, [1, -1], atol=0.05)


@pytest.mark.parametrize("n", [1, 5, 10, 13])
def test_pictures_stand_in_rows_and_ink_is_dark(n):
    images = np.arange(n)[:, None] * np.ones((n, 16))
    _, ax = plots.figure()
    drawn = plots.pictures(ax, images, columns=5, limits=(0, n))
    sheet = drawn.get_array().filled(np.nan)
    assert sheet.shape == (-(-n // 5) * 5 - 1, 24)
    for i in range(n):
        top, left = 5 * (i // 5), 5 * (i % 5)
        np.testing.assert_array_equal(sheet[top : top + 4, left : left + 4], np.full((4, 4), i))
    assert np.mean(drawn.cmap(1.0)[:3]) < np.mean(drawn.cmap(0.0)[:3])
    assert not ax.axison
