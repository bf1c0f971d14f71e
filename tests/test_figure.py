"""Plots with matplotlib, and explanations shown from the command line."""

import sys

import matplotlib as mpl
import matplotlib.style
import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure

from limelight import ImageExplainer, TabularExplainer, TextExplainer, TimeSeriesExplainer
from limelight.cli.main import _commands
from limelight.exceptions import LabelError, MissingDependencyError
from limelight.segmentation import Grid, Uniform

mpl.use("Agg")


def halves(batch):
    first = np.asarray(batch, dtype=float).reshape(len(batch), -1)[:, 0]
    return np.column_stack([1 - first, first])


def spam(texts):
    share = np.array([0.4 * ("pills" in text) - 0.2 * ("for" in text) + 0.3 for text in texts])
    return np.column_stack([1 - share, share])


TEXT = TextExplainer(class_names=["ham", "$spam$"]).explain_instance(
    "cheap $\\frac{1}$ <b>pills</b> for you " + "long" * 30, spam, labels=[1, 0]
)
ROW = TabularExplainer(np.random.default_rng(0).random((200, 4))).explain_instance(np.full(4, 0.9), halves)
IMAGE = ImageExplainer(Grid(4), fill=0).explain_instance(np.full((8, 8), 0.5), halves)
SERIES = TimeSeriesExplainer(Uniform(4), fill=0).explain_instance(np.full(20, 0.5), halves)
CHANNELS = TimeSeriesExplainer(Uniform(4, per_channel=True), fill=0, channel_names=["speed", "heat"]).explain_instance(
    np.random.default_rng(0).random((2, 20)), halves
)
ALL = {"text": TEXT, "row": ROW, "image": IMAGE, "series": SERIES, "channels": CHANNELS}


@pytest.mark.parametrize("name", ALL)
def test_every_modality_is_drawn(name):
    figure = Figure()
    ax = figure.subplots()
    assert ALL[name].plot(ax=ax) is ax
    figure.canvas.draw()
    assert ax.get_title().startswith("For and against")


@pytest.mark.parametrize("name", ["text", "row"])
def test_bars_are_the_weights_heaviest_on_top(name):
    explanation = ALL[name]
    ax = explanation.plot(ax=Figure().subplots())
    bars = sorted(ax.patches, key=lambda bar: -bar.get_y())
    assert [bar.get_width() for bar in bars] == pytest.approx([weight for _, weight in explanation.as_list()])
    assert [bool(bar.get_hatch()) for bar in bars] == [weight < 0 for _, weight in explanation.as_list()]
    assert len({bar.get_facecolor() for bar in bars}) == len({weight < 0 for _, weight in explanation.as_list()})


def test_image_is_its_overlay():
    ax = IMAGE.plot(ax=Figure().subplots())
    assert np.array_equal(ax.images[0].get_array(), IMAGE.view.overlay(IMAGE.as_map()[1]))


def test_series_has_its_line_and_the_weighted_segment():
    ax = SERIES.plot(ax=Figure().subplots())
    assert ax.lines[0].get_ydata() == pytest.approx(np.full(20, 0.5))
    (span,) = ax.patches
    bounds = span.get_window_extent().transformed(ax.transData.inverted())
    assert (bounds.x0, bounds.x1) == pytest.approx((-0.5, 4.5))
    assert [tick.get_text() for tick in CHANNELS.plot(ax=Figure().subplots()).get_yticklabels()] == ["speed", "heat"]


def test_a_figure_of_its_own_and_the_users_style():
    from matplotlib import pyplot

    with mpl.rc_context({"axes.facecolor": "yellow"}):
        figure = TEXT.as_pyplot_figure(0)
        assert figure.axes[0].get_facecolor()[:3] == (1, 1, 0)
        assert "ham" in figure.axes[0].get_title()
    pyplot.close(figure)


def test_lines_can_be_seen_in_a_dark_style():
    with mpl.rc_context({"axes.labelcolor": "white"}):
        assert SERIES.plot(ax=Figure().subplots()).lines[0].get_color() == "white"


def test_bad_label_and_no_matplotlib(monkeypatch):
    with pytest.raises(LabelError, match="label 7 was not explained"):
        TEXT.plot(7)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingDependencyError, match=r"a plot needs matplotlib: pip install 'limelight\[plot\]'"):
        TEXT.plot()


def test_show_prints_a_saved_explanation_or_writes_its_page(tmp_path):
    (tmp_path / "text.json").write_text(TEXT.to_json(), encoding="utf-8")
    result = CliRunner().invoke(_commands(), ["show", str(tmp_path / "text.json")])
    assert result.output == f"{TEXT}\n"
    page = tmp_path / "text.html"
    result = CliRunner().invoke(_commands(), ["show", str(tmp_path / "text.json"), "--html", str(page)])
    assert result.output == ""
    assert page.read_text(encoding="utf-8") == TEXT.as_html()


@pytest.mark.parametrize("contents", [b"not json", b"[]", b"\xff\xfe", b"{}"])
def test_show_says_what_is_wrong_with_a_file(contents, tmp_path):
    (tmp_path / "broken.json").write_bytes(contents)
    result = CliRunner().invoke(_commands(), ["show", str(tmp_path / "broken.json")])
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert "broken.json" in result.output
    assert "Traceback" not in result.output


def test_colours_and_long_names_can_be_told_apart_on_any_ground():
    names = [f"a very long name of measurement number {i} of the cell" for i in range(5)]
    rows = np.random.default_rng(0).normal(size=(100, 5))
    explanation = TabularExplainer(rows, feature_names=names).explain_instance(
        rows[0], lambda batch: batch[:, 0], num_samples=100
    )
    colours = {}
    for style in ("default", "dark_background"):
        with mpl.style.context(style):
            ax = explanation.plot()
            colours[style] = ax.patches[0].get_facecolor()
            assert len({tick.get_text() for tick in ax.get_yticklabels()}) == 5
    assert sum(colours["dark_background"][:3]) > sum(colours["default"][:3])
