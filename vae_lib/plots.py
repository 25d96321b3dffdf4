"""The book's figures in one style: an opaque light ground (so they read on dark pages too), colours that colour-blind
readers can tell apart (Okabe and Ito 2008), and labels on every axis. Importing this module sets the style."""

import cycler
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PINK, YELLOW, GREY = "#56B4E9", "#CC79A7", "#F0E442", "#6B6B6B"
COLOURS = [BLUE, ORANGE, GREEN, RED, SKY, PINK, GREY]
DENSITY = "cividis"  # the colour map of densities and heights

mpl.rcParams.update(
    {
        "axes.edgecolor": "#444444",
        "axes.grid": True,
        "axes.prop_cycle": cycler.cycler(color=COLOURS),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlesize": 11,
        "figure.constrained_layout.use": True,
        "figure.dpi": 144,
        "figure.facecolor": "white",
        "font.size": 10.5,
        "grid.color": "#DDDDDD",
        "grid.linewidth": 0.6,
        "image.cmap": DENSITY,
        "legend.frameon": False,
        "lines.linewidth": 1.8,
        "savefig.facecolor": "white",
        "scatter.marker": "o",
    }
)


def figure(rows=1, columns=1, width=6.8, height=None, **options):
    """A figure and its axes (one, or an array), as wide as the page's column; ``options`` as in ``plt.subplots``."""
    height = height or (3.6 if columns == 1 else 0.95 * width / columns) * rows
    return plt.subplots(rows, columns, figsize=(width, height), **options)


def label(ax, x="", y="", title=""):
    """Label both axes and, if there is one, write the title on the left, where reading starts."""
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    if title:
        ax.set_title(title, loc="left")
    return ax


def points(ax, x, values=None, label=None, **options):
    """Points ``x`` [n, 2] of the plane with equal scales; ``values`` [n] colours them by DENSITY or by class."""
    options = {"s": 8, "alpha": 0.6, "linewidths": 0, "label": label, **options}
    if values is not None:
        options = {"c": values, "cmap": DENSITY, **options}
    ax.set_aspect("equal", adjustable="datalim")
    return ax.scatter(*np.asarray(x).T, **options)


def plane(bounds, nodes=200):
    """A regular grid over ``bounds`` (x_low, x_high, y_low, y_high): the points [nodes², 2] and the two axes."""
    first, second = np.linspace(*bounds[:2], nodes), np.linspace(*bounds[2:], nodes)
    return np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2).astype(np.float32), first, second


def heights(ax, function, bounds, nodes=200, levels=12, **options):
    """Filled contours of ``function`` ([m, 2] → [m]) over ``bounds``; returns what ``fig.colorbar`` wants."""
    where, first, second = plane(bounds, nodes)
    values = np.asarray(function(where)).reshape(nodes, nodes)
    ax.grid(False)
    return ax.contourf(first, second, values, levels=levels, **options)


def pictures(ax, images, columns=10, limits=(0, 1)):
    """Pictures [n, side²] in rows of ``columns``, black on white, without axes."""
    images = np.asarray(images)
    side = round(images.shape[-1] ** 0.5)
    rows = -(-len(images) // columns)
    sheet = np.full((rows * (side + 1) - 1, columns * (side + 1) - 1), np.nan)
    for i, image in enumerate(images.reshape(-1, side, side)):
        top, left = (i // columns) * (side + 1), (i % columns) * (side + 1)
        sheet[top : top + side, left : left + side] = image
    ax.set_axis_off()
    return ax.imshow(sheet, cmap="gray_r", vmin=limits[0], vmax=limits[1], interpolation="nearest")
