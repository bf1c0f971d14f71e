"""An explanation of any instance as the contents of a picture file, through matplotlib: all labels, one below the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from io import BytesIO
from threading import Lock
from typing import Any, Literal, NamedTuple

from limelight.exceptions import require
from limelight.renderers._axes import choose_hue, escape, read_ink, write_names
from limelight.renderers._cells import replace_unprintable
from limelight.renderers._fonts import choose_families, find_unreadable
from limelight.renderers._names import drop_isolates
from limelight.renderers._page import cut_text
from limelight.renderers._passages import Run, break_into_lines, is_right_to_left
from limelight.renderers._pictures import INK, find_middle, read_numeral
from limelight.renderers._plot import PLOTTERS, draw_weights
from limelight.renderers._slices import choose_slices, draw_slices
from limelight.renderers._summary import LabelSummary, Summary, summarise
from limelight.renderers._views import choose_view
from limelight.results.explanation import Explanation
from limelight.results.views import DrawingView, ImageView, MixedView, SeriesView, TextView, View, VolumeView

__all__ = ["draw_file"]

_WIDTH = 576.0
_MARGIN = 18.0
_HEADING_LETTERS = 12.0
_LETTERS = 10.0
_LINE_HEIGHT = 1.5  # of the letters
_BAR_PITCH = 20.0
_AXIS_HEIGHT = 40.0  # the numbers below the bars, and what they are
_GAP = 14.0
_SERIES_HEIGHT = 170.0
_LEAST_PICTURE_HEIGHT, _MOST_PICTURE_HEIGHT = 120.0, 420.0
_MOST_TINT = 0.5
_MOST_LABELS = 24
_MOST_BARS = 60  # of a label
_MOST_LINES = 80  # of a text
_DOTS_PER_INCH = 150
_MOST_PIXELS = 30_000  # of a picture's height
_POINTS_PER_INCH = 72
_NUMERALS = "0123456789.,+\N{MINUS SIGN}%"

_lock = Lock()  # matplotlib's settings belong to the whole program

Format = Literal["pdf", "png", "svg"]
_METADATA: dict[str, dict[str, None]] = {
    "pdf": {"CreationDate": None},
    "png": {"Software": None},
    "svg": {"Date": None},
}  # so that the same explanation gives the same bytes


class _Block(NamedTuple):
    """A part of the picture: its height, how much of it is beside and below its axes, and what draws into these, in points."""

    height: float
    left: float
    below: float
    draw: Callable[[Any], None]


def draw_file(explanation: Explanation, file_format: Format) -> bytes:
    """Draw an explanation of any kind of instance.

    Parameters
    ----------
    explanation : Explanation
        Any explanation.
    file_format : {"pdf", "png", "svg"}
        What kind of file.

    Returns
    -------
    contents : bytes
        The same for the same explanation, with the same fonts and version of matplotlib.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    matplotlib = require("matplotlib", extra="plot", purpose=f"a {file_format.upper()} of this explanation")
    figures = require("matplotlib.figure", extra="plot", purpose=f"a {file_format.upper()} of this explanation")
    with _lock, matplotlib.rc_context({"svg.hashsalt": "limelight", "text.usetex": False}):
        sheet = _Sheet.of(explanation)
        blocks = sheet.list_blocks()
        height = sum(block.height + _GAP for block in blocks) + 2 * _MARGIN
        figure = figures.Figure(figsize=(_WIDTH / _POINTS_PER_INCH, height / _POINTS_PER_INCH))
        top = height - _MARGIN
        for block in blocks:
            bottom = top - block.height + block.below
            width, inner = _WIDTH - 2 * _MARGIN - block.left, block.height - block.below
            place = ((_MARGIN + block.left) / _WIDTH, bottom / height, width / _WIDTH, inner / height)
            block.draw(figure.add_axes(place))
            top -= block.height + _GAP
        for text in figure.findobj(lambda artist: hasattr(artist, "set_fontfamily")):
            text.set_fontfamily(sheet.families)
        file = BytesIO()
        dots = min(_DOTS_PER_INCH, _MOST_PIXELS * _POINTS_PER_INCH / height)
        figure.savefig(file, format=file_format, dpi=dots, metadata=_METADATA[file_format])
        return file.getvalue()


# The texts whose words are marked, with the names of their columns, by the kind of view.
_PASSAGES: dict[str, Callable[[Any], Sequence[tuple[str, TextView]]]] = {
    TextView.kind: lambda view: [("", view)],
    MixedView.kind: lambda view: view.texts,
}


@dataclass(frozen=True)
class _Sheet:
    """What is to be drawn, in fonts that have most of its letters."""

    summary: Summary
    kind: str
    view: View
    families: list[str]
    unreadable: set[str]

    @classmethod
    def of(cls, explanation: Explanation) -> _Sheet:
        summary, (kind, view) = summarise(explanation), choose_view(explanation)
        messages = [notice.message for notice in explanation.notices]
        texts = [*explanation.names, *explanation.output_names, *messages, _NUMERALS]
        for column, text in _PASSAGES[kind](view) if kind in _PASSAGES else ():
            texts += column, text.text
        letters = "".join(set("".join(texts)))
        families = choose_families(letters)
        return cls(summary, kind, view, families, find_unreadable(letters, families))

    def list_blocks(self) -> list[_Block]:
        blocks = [self._write(f"Alert: {alert}") for alert in self.summary.alerts]
        for label in self.summary.labels[:_MOST_LABELS]:
            blocks += self._list_label_blocks(label)
        more = len(self.summary.labels) - _MOST_LABELS
        if more > 0:
            blocks.append(self._write(f"and {more} more labels; labels= chooses which are drawn"))
        blocks += [self._write(f"Caution: {caution}") for caution in self.summary.cautions]
        blocks += [self._write(f"Note: {note}") for note in self.summary.notes]
        return blocks

    def _list_label_blocks(self, label: LabelSummary) -> Iterable[_Block]:
        yield self._write(f"{label.heading} {self._name(label.name)}", size=_HEADING_LETTERS)
        if label.verdict:
            yield self._write(label.verdict)
        yield self._write(
            f"model {label.prediction}, surrogate {label.local_prediction}, fidelity {label.fidelity}"
            + (f"; with {self.summary.level} intervals" if label.has_intervals else "")
        )
        if self.kind in PLOTTERS:
            yield _Block(
                _HEIGHTS[self.kind](self.view, label), _LEFT[self.kind], _BELOW[self.kind], partial(self._draw_view, label)
            )
        if not label.bars:
            yield self._write("no component was reported")
            return
        shown = replace(label, bars=tuple(bar._replace(name=self._name(bar.name)) for bar in label.bars[:_MOST_BARS]))
        names = write_names([bar.name for bar in shown.bars])
        left = max(self._measure(name, _LETTERS) for name in names) + _MARGIN / 2
        yield _Block(_BAR_PITCH * len(shown.bars) + _AXIS_HEIGHT, left, _AXIS_HEIGHT, partial(self._draw_bars, shown))
        if len(label.bars) > _MOST_BARS:
            yield self._write(f"and {len(label.bars) - _MOST_BARS} lighter components")
        for column, text in _PASSAGES[self.kind](self.view) if self.kind in _PASSAGES else ():
            yield from self._list_passage_blocks(label, column, text)

    def _list_passage_blocks(self, label: LabelSummary, column: str, view: TextView) -> Iterable[_Block]:
        if column:
            yield self._write(f"In {self._name(column)}:")
        pieces = [(self._make_readable(text), component) for text, component in cut_text(view, label.visible_by_component)]
        lines, more = self._break(pieces, _LETTERS)
        draw = partial(self._draw_lines, lines, _LETTERS, label=label)
        yield _Block(_LETTERS * _LINE_HEIGHT * len(lines), 0.0, 0.0, draw)
        if more:
            yield self._write("and more: the text goes on")

    def _break(self, pieces: Iterable[tuple[str, int | None]], size: float) -> tuple[list[list[Run]], bool]:
        """The first lines of a text, and whether there are more."""
        lines: list[list[Run]] = []
        for line in break_into_lines(pieces, _WIDTH - 2 * _MARGIN, partial(self._measure, size=size)):
            if len(lines) == _MOST_LINES:
                return lines, True
            lines.append(line)
        return lines, False

    def _write(self, text: str, *, size: float = _LETTERS) -> _Block:
        lines, _ = self._break([(self._make_readable(text), None)], size)
        return _Block(size * _LINE_HEIGHT * max(1, len(lines)), 0.0, 0.0, partial(self._draw_lines, lines, size))

    def _draw_view(self, label: LabelSummary, ax: Any) -> None:
        PLOTTERS[self.kind](ax, self.view, label)
        if isinstance(self.view, ImageView):
            _number_superpixels(ax, self.view, label)

    def _draw_bars(self, label: LabelSummary, ax: Any) -> None:
        draw_weights(ax, label)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        ax.tick_params(labelsize=_LETTERS)

    def _draw_lines(self, lines: Sequence[Sequence[Run]], size: float, ax: Any, *, label: LabelSummary | None = None) -> None:
        """Write lines into axes; words with a weight for the label are tinted, and underlined if they speak against it."""
        from matplotlib.colors import to_rgba
        from matplotlib.patches import Rectangle

        ax.set_axis_off()
        room, pitch = _WIDTH - 2 * _MARGIN, size * _LINE_HEIGHT
        ax.set_xlim(0, room)
        ax.set_ylim(pitch * max(1, len(lines)), 0)
        is_mirrored = is_right_to_left("".join(run.text for line in lines for run in line))
        bars = {} if label is None else label.visible_by_component
        for number, line in enumerate(lines):
            base = pitch * (number + 0.72)
            for run in line:
                left = room - run.start - run.width if is_mirrored else run.start
                if run.component in bars and label is not None:
                    bar = bars[run.component]
                    hue, share = choose_hue(ax, bar), abs(bar.weight) / label.heaviest
                    corner, height = (left, pitch * (number + 0.04)), pitch * 0.92
                    ax.add_patch(Rectangle(corner, run.width, height, facecolor=to_rgba(hue, _MOST_TINT * share), linewidth=0))
                    style = "--" if bar.weight < 0 else "-"  # never colour alone
                    place = [left, left + run.width], [pitch * (number + 0.92)] * 2
                    ax.plot(*place, color=to_rgba(hue, 0.4 + 0.6 * share), linewidth=1.5, linestyle=style)
                ax.text(left, base, escape(run.text), fontsize=size, color=read_ink(ax), verticalalignment="baseline")

    def _measure(self, text: str, size: float) -> float:
        return _measure_text(text, size, tuple(self.families))

    def _name(self, name: str) -> str:
        """A name whose letters without a font are written as escapes, so that names stay different."""
        return "".join(
            letter.encode("unicode_escape").decode("ascii") if letter in self.unreadable else letter
            for letter in drop_isolates(name)
        )

    def _make_readable(self, text: str) -> str:
        """A text whose letters without a font, and control characters, are replaced by a sign."""
        lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ").split("\n")
        signs = dict.fromkeys(map(ord, self.unreadable), "\N{REPLACEMENT CHARACTER}")
        return "\n".join(replace_unprintable(line).translate(signs) for line in lines)


@lru_cache(maxsize=4096)
def _measure_text(text: str, size: float, families: tuple[str, ...]) -> float:
    """The width of a text in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=list(families), size=size)
    width: float = text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]
    return width


def _number_superpixels(ax: Any, view: ImageView, label: LabelSummary) -> None:
    from matplotlib.patheffects import withStroke

    for bar in reversed(label.visible_bars):  # the heaviest last, on top
        inside = view.segments == bar.component
        if inside.any():
            look = {"color": "white", "fontsize": 8, "ha": "center", "va": "center"}
            outline = [withStroke(linewidth=2, foreground=INK)]
            ax.text(*find_middle(inside), escape(read_numeral(bar)), path_effects=outline, **look)


def _scale_height(view: ImageView | DrawingView, _: LabelSummary) -> float:
    return _limit_height(view.height / view.width)


def _scale_slices(view: VolumeView, label: LabelSummary) -> float:
    sheet = draw_slices(view, choose_slices(view, [label]))
    return _limit_height(sheet.height / sheet.width)


def _limit_height(ratio: float) -> float:
    """The height of a picture as wide as the page, of this ratio of height to width, within limits."""
    return min(max((_WIDTH - 2 * _MARGIN) * ratio, _LEAST_PICTURE_HEIGHT), _MOST_PICTURE_HEIGHT)


# The height of a picture of the instance, and how much of it is for what stands beside and below its axes.
_HEIGHTS: dict[str, Callable[[Any, LabelSummary], float]] = {
    DrawingView.kind: _scale_height,
    ImageView.kind: _scale_height,
    VolumeView.kind: _scale_slices,
    SeriesView.kind: lambda view, _: _SERIES_HEIGHT * min(4, max(1, len(view.channels) / 3)) + _AXIS_HEIGHT,
}
_LEFT = {DrawingView.kind: 0.0, ImageView.kind: 0.0, VolumeView.kind: 0.0, SeriesView.kind: 90.0}
_BELOW = {DrawingView.kind: 0.0, ImageView.kind: 0.0, VolumeView.kind: 0.0, SeriesView.kind: _AXIS_HEIGHT}
