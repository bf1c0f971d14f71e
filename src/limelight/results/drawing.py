"""Drawings: shapes in the units of the drawing, some of which belong to components."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from limelight._checks import check_count, check_number, write_count
from limelight.exceptions import ArgumentError, ArgumentTypeError, read_message
from limelight.results.shape import Shape

__all__ = ["Drawing", "Mark", "Shape", "as_marks", "as_shapes"]


class Mark(NamedTuple):
    """A shape that belongs to a component, and is tinted by its weight.

    Attributes
    ----------
    component : int
        The component's number.
    shape : Shape
        What is drawn.

    Examples
    --------
    >>> from limelight.extend import Mark, Shape
    >>> Mark(0, Shape.circle(5, 5, 2))
    Mark(component=0, shape=<circle>)
    """

    component: int
    shape: Shape


@dataclass(frozen=True, repr=False)
class Drawing:
    """A picture that every renderer can draw: shapes in neutral ink, and shapes that belong to components.

    The picture is in proportion, with the longer side 480 pixels long on a page. Parts of shapes outside the drawing are not
    shown; a shape may reach outside by the drawing's size at most.

    Parameters
    ----------
    width, height : float
        The size of the drawing in its units, above 0; y runs downwards.
    background : tuple of Shape
        Drawn first, in neutral ink.
    marks : tuple of Mark
        Drawn over it, in their order. A component can have several marks, or none.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If a size, a shape or a component's number is not allowed.

    Examples
    --------
    >>> from limelight.extend import Drawing, Mark, Shape
    >>> wave = Shape.line([(0, 5), (10, 1), (20, 9)])
    >>> Drawing(20.0, 10.0, (wave,), (Mark(0, Shape.rectangle(0, 0, 10, 10)), Mark(1, Shape.rectangle(10, 0, 20, 10))))
    Drawing(20 x 10, 2 marks, 1 shape behind them)
    """

    width: float
    height: float
    background: tuple[Shape, ...] = ()
    marks: tuple[Mark, ...] = ()

    def __post_init__(self) -> None:
        for side in ("width", "height"):
            object.__setattr__(self, side, check_number(side, getattr(self, side), 0, inclusive=False))
        for name, kind in (("background", Shape), ("marks", Mark)):
            items = getattr(self, name)
            if not isinstance(items, tuple) or not all(isinstance(item, kind) for item in items):
                raise ArgumentTypeError(f"{name} must be a tuple of {kind.__name__}; got {items!r:.80}.")
        for component, shape in self.marks:
            check_count("a mark's component", component, 0)
            if not isinstance(shape, Shape):
                raise ArgumentTypeError(f"a mark must have a Shape; got {shape!r:.80}.")
        for shape in (*self.background, *(mark.shape for mark in self.marks)):
            self._check_reach(shape)

    @classmethod
    def of(
        cls,
        width: float,
        height: float,
        *,
        marks: Iterable[tuple[int, Shape]],
        background: Iterable[Shape] = (),
    ) -> Drawing:
        """Make a drawing from any sequences.

        Parameters
        ----------
        width, height : float
            The size of the drawing in its units, above 0.
        marks : iterable of (int, Shape)
            Components' numbers and their shapes.
        background : iterable of Shape
            Drawn first, in neutral ink.
        """
        return cls(width, height, as_shapes(background), as_marks(marks))

    def _check_reach(self, shape: Shape) -> None:
        """Refuse a shape that reaches too far outside, so that no number is too large for a picture."""
        x, y = np.array(shape.numbers[::2]), np.array(shape.numbers[1::2])
        if shape.kind == "circle":
            (middle, radius), y_middle = shape.numbers[::2], shape.numbers[1]
            x, y = np.array([middle - radius, middle + radius]), np.array([y_middle - radius, y_middle + radius])
        for values, size, axis in ((x, self.width, "x"), (y, self.height, "y")):
            if values.min() < -size or values.max() > 2 * size:
                raise ArgumentError(
                    f"a shape may reach outside by no more than the drawing's size, {axis} from {-size:g} to {2 * size:g}; "
                    f"got a {shape.kind} from {values.min():g} to {values.max():g}."
                )

    def __repr__(self) -> str:
        counts = (write_count(len(self.marks), "mark"), write_count(len(self.background), "shape"))
        return f"{type(self).__name__}({self.width:g} x {self.height:g}, {counts[0]}, {counts[1]} behind them)"


def as_shapes(shapes: Iterable[Shape]) -> tuple[Shape, ...]:
    """Make a background from any sequence."""
    try:
        return tuple(shapes)
    except TypeError as error:
        raise ArgumentTypeError(f"background must be a sequence of Shape: {read_message(error)}.") from error


def as_marks(marks: Iterable[tuple[int, Shape]]) -> tuple[Mark, ...]:
    """Make marks from any sequence of pairs."""
    try:
        return tuple(Mark(int(component), shape) for component, shape in marks)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"marks must be pairs of a component's number and a Shape: {read_message(error)}.") from error
