"""Lists of bars in matplotlib's axes, with colours and texts that suit the user's style."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from limelight.exceptions import require
from limelight.renderers._bars import Bar
from limelight.renderers._fonts import choose_families
from limelight.renderers._names import drop_isolates, shorten_names
from limelight.results.image_view import AGAINST, FOR

__all__ = ["choose_hue", "draw_bars", "escape", "make_axes", "read_ink", "write_names"]

_FOR_ON_DARK = "#58a6ff"
_AGAINST_ON_DARK = "#f0963c"
_MOST_NAME_CELLS = 40  # they leave room for the bars


def make_axes(num_bars: int | None) -> Any:
    """Make axes in a new figure, high enough for this many bars; None for a figure of matplotlib's own size.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    pyplot = require("matplotlib.pyplot", extra="plot", purpose="a plot")
    size = None if num_bars is None else (6.4, max(2.0, 1.2 + 0.3 * num_bars))
    return pyplot.subplots(layout="constrained", figsize=size)[1]


def draw_bars(ax: Any, bars: Sequence[Bar], **look: Any) -> None:
    """Draw a list of bars with their intervals, the first on top; `look` is for matplotlib's ``barh``."""
    places, ink = range(len(bars), 0, -1), read_ink(ax)
    ax.barh(list(places), [bar.weight for bar in bars], **look)
    for place, bar in zip(places, bars, strict=True):
        if bar.low is not None and bar.high is not None:
            # Of a file that somebody changed, a weight may lie outside its interval.
            lengths = [[max(bar.weight - bar.low, 0.0)], [max(bar.high - bar.weight, 0.0)]]
            ax.errorbar(bar.weight, place, xerr=lengths, color=ink, capsize=3, linewidth=1)
    names = write_names([bar.name for bar in bars])
    ax.set_yticks(list(places), names, fontfamily=choose_families("".join(names)))
    ax.set_ylim(0.25, len(bars) + 0.75)
    ax.axvline(0, color=ink, linewidth=0.8)


def choose_hue(ax: Any, bar: Bar) -> str:
    """The pages' colour for or against, in the shade that suits the background of the user's style."""
    from matplotlib.colors import to_rgb

    is_dark = sum(to_rgb(ax.get_facecolor())) < 1.5
    if bar.weight < 0:
        return _AGAINST_ON_DARK if is_dark else AGAINST
    return _FOR_ON_DARK if is_dark else FOR


def read_ink(ax: Any) -> Any:
    """The colour of text in the user's style, which can be seen on its background."""
    return ax.xaxis.label.get_color()


def write_names(names: Sequence[str]) -> list[str]:
    """Shown names, shortened so that they differ, in which matplotlib sees no formula."""
    from matplotlib import ft2font

    short = shorten_names(names, _MOST_NAME_CELLS)
    # Until version 3.11 matplotlib wrote everything from left to right, and drew isolates as boxes.
    knows_directions = hasattr(ft2font, "__libraqm_version__")
    return [escape(short[name] if knows_directions else drop_isolates(short[name])) for name in names]


def escape(text: str) -> str:
    """Text in which matplotlib sees no formula."""
    return text.replace("$", r"\$")
