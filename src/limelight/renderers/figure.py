"""An explanation drawn into matplotlib's axes: bars with whiskers, an image's overlay, a series, a drawing."""

from __future__ import annotations

from typing import Any

from limelight.renderers._axes import choose_hue, draw_bars, make_axes, read_ink, write_names
from limelight.renderers._names import show_names
from limelight.renderers._plot_shapes import ShapePlotter
from limelight.renderers._summary import LabelSummary, summarise
from limelight.renderers._views import choose_view
from limelight.results.explanation import Explanation
from limelight.results.views import DrawingView, ImageView, SeriesView

__all__ = ["draw"]


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
    labels, place = summarise(explanation).labels, explanation.surrogates.index(surrogate)
    summary, name = labels[place], write_names([label.name for label in labels])[place]
    view = choose_view(explanation).view
    if ax is None:
        is_list = not isinstance(view, (DrawingView, ImageView, SeriesView))
        ax = make_axes(len(summary.bars) if is_list else None)
    if isinstance(view, ImageView):
        ax.imshow(view.overlay([(bar.component, bar.weight) for bar in summary.bars]))
        ax.set_axis_off()
    elif isinstance(view, SeriesView):
        _draw_series(view, summary, ax)
    elif isinstance(view, DrawingView):
        ShapePlotter(ax).draw(view, summary)
    else:
        # Never colour alone: weights against the label are hatched, too.
        hatches = ["//" if bar.weight < 0 else "" for bar in summary.bars]
        draw_bars(ax, summary.bars, color=[choose_hue(ax, bar) for bar in summary.bars], hatch=hatches)
        ax.set_xlabel("weight")
    title = f"{summary.heading} {name}\nmodel {summary.prediction}, fidelity {summary.fidelity}"
    ax.set_title(title, fontsize="medium")
    return ax


def _draw_series(view: SeriesView, label: LabelSummary, ax: Any) -> None:
    """Draw one channel in its own unit, or several one below the other, each from its lowest to its highest value."""
    bars = label.visible_by_component
    count = len(view.channels)
    for number, channel in enumerate(view.channels):
        base, values = count - 1 - number, list(channel)
        if count > 1:
            low, spread = min(values), max(values) - min(values)
            values = [base + 0.1 + 0.8 * ((value - low) / spread if spread > 0 else 0.5) for value in values]
        ax.plot(range(len(values)), values, color=read_ink(ax), linewidth=1)
        for segment in view.segments:
            bar = bars.get(segment.component)
            if bar is not None and number in segment.channels:
                ax.axvspan(
                    segment.start - 0.5,
                    segment.stop - 0.5,
                    base / count,
                    (base + 1) / count,
                    color=choose_hue(ax, bar),
                    alpha=0.1 + 0.5 * abs(bar.weight) / label.heaviest,
                    linewidth=0,
                    hatch="//" if bar.weight < 0 else "",
                )
    if count > 1:
        ax.set_ylim(0, count)
        names = write_names(show_names(view.channel_names))
        ax.set_yticks([count - 0.5 - number for number in range(count)], names)
    ax.set_xlabel("step")
