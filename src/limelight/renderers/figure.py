"""An explanation drawn into matplotlib's axes: bars with whiskers, an image's overlay, a series, a drawing."""

from __future__ import annotations

from typing import Any

from limelight.exceptions import require
from limelight.renderers._bars import Bar
from limelight.renderers._cells import fit
from limelight.renderers._plot_shapes import ShapePlotter
from limelight.renderers._summary import LabelSummary, summarise
from limelight.renderers._views import choose_view
from limelight.results.explanation import Explanation
from limelight.results.image_view import AGAINST, FOR
from limelight.results.views import DrawingView, ImageView, SeriesView

__all__ = ["draw"]

_FOR_ON_DARK = "#58a6ff"
_AGAINST_ON_DARK = "#f0963c"
_MOST_NAME_CELLS = 40


def draw(explanation: Explanation, label: int | None, ax: Any) -> Any:
    """Draw one label's weights.

    Parameters
    ----------
    explanation : Explanation
        Any explanation.
    label : int or None
        An explained label; None for the default one.
    ax : matplotlib.axes.Axes or None
        The axes to draw into; None for those of a new figure.

    Returns
    -------
    ax : matplotlib.axes.Axes

    Raises
    ------
    LabelError
        If the label was not explained.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> from limelight.renderers.figure import draw
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> from matplotlib.figure import Figure
    >>> draw(explanation, None, Figure().subplots()).get_title()
    'What raises and lowers output\\nmodel 1.00, fidelity 1.00'
    """
    surrogate = explanation.surrogate(label)
    summary = summarise(explanation).labels[explanation.surrogates.index(surrogate)]
    view = choose_view(explanation).view
    if ax is None:
        pyplot = require("matplotlib.pyplot", extra="plot", purpose="a plot")
        is_list = not isinstance(view, (DrawingView, ImageView, SeriesView))
        size = (6.4, max(2.0, 1.2 + 0.3 * len(summary.bars))) if is_list else None
        ax = pyplot.subplots(layout="constrained", figsize=size)[1]
    if isinstance(view, ImageView):
        ax.imshow(view.overlay([(bar.component, bar.weight) for bar in summary.bars]))
        ax.set_axis_off()
    elif isinstance(view, SeriesView):
        _draw_series(view, summary, ax)
    elif isinstance(view, DrawingView):
        ShapePlotter(ax, _read_ink(ax), lambda bar: _choose_hue(ax, bar), _escape).draw(view, summary)
    else:
        _draw_bars(summary, ax)
    ax.set_title(
        _escape(f"{summary.heading} {_shorten(summary.name)}\nmodel {summary.prediction}, fidelity {summary.fidelity}"),
        fontsize="medium",
    )
    return ax


def _draw_bars(label: LabelSummary, ax: Any) -> None:
    """Draw a list with the heaviest on top."""
    places = range(len(label.bars), 0, -1)
    ax.barh(
        list(places),
        [bar.weight for bar in label.bars],
        color=[_choose_hue(ax, bar) for bar in label.bars],
        # Never colour alone: weights against the label are hatched, too.
        hatch=["//" if bar.weight < 0 else "" for bar in label.bars],
    )
    for place, bar in zip(places, label.bars, strict=True):
        if bar.low is not None and bar.high is not None:
            ax.errorbar(bar.weight, place, xerr=bar.high - bar.weight, color=_read_ink(ax), capsize=3, linewidth=1)
    ax.set_yticks(list(places), [_escape(_shorten(bar.name)) for bar in label.bars])
    ax.set_ylim(0.25, len(label.bars) + 0.75)
    ax.axvline(0, color=_read_ink(ax), linewidth=0.8)
    ax.set_xlabel("weight")


def _draw_series(view: SeriesView, label: LabelSummary, ax: Any) -> None:
    """Draw one channel in its own unit, or several one below the other, each from its lowest to its highest value."""
    bars = label.visible_by_component
    count = len(view.channels)
    for number, channel in enumerate(view.channels):
        base, values = count - 1 - number, list(channel)
        if count > 1:
            low, spread = min(values), max(values) - min(values)
            values = [base + 0.1 + 0.8 * ((value - low) / spread if spread > 0 else 0.5) for value in values]
        ax.plot(range(len(values)), values, color=_read_ink(ax), linewidth=1)
        for segment in view.segments:
            bar = bars.get(segment.component)
            if bar is not None and number in segment.channels:
                ax.axvspan(
                    segment.start - 0.5,
                    segment.stop - 0.5,
                    base / count,
                    (base + 1) / count,
                    color=_choose_hue(ax, bar),
                    alpha=0.1 + 0.5 * abs(bar.weight) / label.heaviest,
                    linewidth=0,
                    hatch="//" if bar.weight < 0 else "",
                )
    if count > 1:
        ax.set_ylim(0, count)
        names = [_escape(_shorten(name)) for name in view.channel_names]
        ax.set_yticks([count - 0.5 - number for number in range(count)], names)
    ax.set_xlabel("step")


def _choose_hue(ax: Any, bar: Bar) -> str:
    """The pages' colour for or against, in the shade that suits the background of the user's style."""
    from matplotlib.colors import to_rgb

    is_dark = sum(to_rgb(ax.get_facecolor())) < 1.5
    if bar.weight < 0:
        return _AGAINST_ON_DARK if is_dark else AGAINST
    return _FOR_ON_DARK if is_dark else FOR


def _read_ink(ax: Any) -> Any:
    """The colour of text in the user's style."""
    return ax.xaxis.label.get_color()


def _shorten(name: str) -> str:
    """A name on one line, short enough to leave room for the bars."""
    return fit(" ".join(name.split()), _MOST_NAME_CELLS)


def _escape(text: str) -> str:
    """Text in which matplotlib sees no formula."""
    return text.replace("$", r"\$")
