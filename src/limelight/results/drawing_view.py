"""A view that every renderer can draw: an instance of any kind as a drawing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from limelight._checks import check_names
from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.results._packing import check_unpacked_size
from limelight.results._view import View
from limelight.results.drawing import Drawing, Mark, Shape, as_marks, as_shapes
from limelight.results.shape import count_level_bytes

__all__ = ["DrawingView"]


@dataclass(frozen=True, repr=False)
class DrawingView(Drawing, View):
    """The instance as a drawing in which components are marked: a waveform, a spectrogram, a graph.

    On pages and in pictures the marks of a component that raises the output, or speaks for it, are tinted blue. Marks of one
    that lowers it, or speaks against it, are orange and dashed. The heavier the weight, the stronger the tint. Terminals and
    Markdown list the components.

    Parameters
    ----------
    width, height : float
        The size of the drawing in its units, above 0; y runs downwards.
    background : tuple of Shape
        Drawn first, in neutral ink.
    marks : tuple of Mark
        Drawn over it, in their order. A component can have several marks, or none.
    descriptions : tuple of str
        What the instance has at each component, as short texts.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If a size, a shape or a component's number is not allowed.

    Examples
    --------
    >>> from limelight.extend import DrawingView, Shape
    >>> wave = Shape.line([(0, 5), (10, 1), (20, 9)])
    >>> spans = [Shape.rectangle(0, 0, 10, 10), Shape.rectangle(10, 0, 20, 10)]
    >>> DrawingView.of(20, 10, background=[wave], marks=enumerate(spans), descriptions=["0 to 1 s", "1 to 2 s"])
    DrawingView(20 x 10, 2 marks, 1 shape behind them)
    """

    kind: ClassVar[str] = "drawing"
    descriptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.descriptions, tuple) or not all(isinstance(text, str) for text in self.descriptions):
            raise ArgumentTypeError(f"descriptions must be a tuple of texts; got {self.descriptions!r:.80}.")
        highest = max((mark.component for mark in self.marks), default=-1)
        if highest >= len(self.descriptions):
            raise ArgumentError(
                f"descriptions must have a text for each component; got {len(self.descriptions)} texts and a mark of component "
                f"{highest}, the first being 0."
            )

    @classmethod
    def of(
        cls,
        width: float,
        height: float,
        *,
        marks: Iterable[tuple[int, Shape]],
        background: Iterable[Shape] = (),
        descriptions: Iterable[object] = (),
    ) -> DrawingView:
        """Make a view of any sequences.

        Parameters
        ----------
        width, height : float
            The size of the drawing in its units, above 0.
        marks : iterable of (int, Shape)
            Components' numbers and their shapes.
        background : iterable of Shape
            Drawn first, in neutral ink.
        descriptions : iterable of object
            What the instance has at each component; each is shown as ``str`` gives it.
        """
        return cls(width, height, as_shapes(background), as_marks(marks), check_names("descriptions", descriptions))

    def values(self) -> dict[int, str]:
        """For each component, its description."""
        return dict(enumerate(self.descriptions))

    def drawing(self) -> DrawingView:
        """The view itself."""
        return self

    def to_dict(self) -> dict[str, Any]:
        """JSON types; `view_from_dict` is the inverse."""
        return {
            "kind": self.kind,
            "width": self.width,
            "height": self.height,
            "background": [shape.to_list() for shape in self.background],
            "marks": [[mark.component, mark.shape.to_list()] for mark in self.marks],
            "descriptions": list(self.descriptions),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DrawingView:
        """Rebuild a view from what `to_dict` gave."""
        background, marks = list(data["background"]), _pairs(data["marks"])
        shapes = _read_shapes([*background, *(shape for _, shape in marks)])
        return cls(
            data["width"],
            data["height"],
            tuple(shapes[: len(background)]),
            tuple(Mark(component, shape) for (component, _), shape in zip(marks, shapes[len(background) :], strict=True)),
            tuple(data["descriptions"]),
        )


def _read_shapes(stored: Iterable[Any]) -> list[Shape]:
    """Rebuild shapes from what `Shape.to_list` gave, as long as all their rasters together do not take too much memory."""
    shapes: list[Shape] = []
    size = packed_size = 0
    for data in stored:
        shape = Shape.from_list(data)
        if shape.levels:
            size += count_level_bytes(len(shape.levels), len(shape.levels[0]))
            packed_size += len(data[-1])
            check_unpacked_size(size, packed_size, "a drawing's rasters")
        shapes.append(shape)
    return shapes


def _pairs(marks: Iterable[Any]) -> list[tuple[int, Any]]:
    try:
        return [(component, shape) for component, shape in marks]
    except ValueError as error:
        raise ArgumentError(f"a stored mark is a pair of a component's number and a shape: {error}.") from error
