"""Checks of users' arguments: each returns the value in one plain form, or raises and says what is allowed and what came."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Reversible, Sequence, Set
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

import numpy as np

from limelight.exceptions import (
    ArgumentError,
    ArgumentTypeError,
    LabelError,
    LimelightError,
    describe_error,
    is_interruption,
    read_message,
    unknown_name,
)

__all__ = [
    "LOG_ODDS",
    "LOG_PROBABILITY",
    "UNITS",
    "Label",
    "as_array",
    "check_choice",
    "check_count",
    "check_flag",
    "check_id",
    "check_label",
    "check_labels",
    "check_names",
    "check_number",
    "check_numbers",
    "check_ordered",
    "check_row_order",
    "find_output",
    "holds_complex",
    "join_levels",
    "label_names",
    "list_names",
    "list_outputs",
    "named_errors",
    "own_arithmetic",
    "row_values",
    "user_function",
    "users_arithmetic",
    "wrap_frame",
    "write_count",
]

Label = int | str
"""The number of an output, or its name: an int is always a number, a str always a name."""

LOG_ODDS = "log-odds of "
"""What stands before an output's name where its log-odds are explained."""

LOG_PROBABILITY = "log-probability of "
"""What stands before an output's name where the logarithm of its probability is explained."""

UNITS = (LOG_ODDS, LOG_PROBABILITY)
"""What may stand before the name that a user knows."""

_users_errors: ContextVar[dict[str, Any] | None] = ContextVar("users_errors", default=None)
"""What NumPy does about floating-point errors in the user's program; None where limelight is not computing."""

_MOST_AXES = 64  # that an array of NumPy can have
_MOST_LISTED = 20  # outputs in an error
_MOST_NAMES = 5  # in an error


def check_count(parameter: str, value: object, minimum: int) -> int:
    """Check that a value is an integer of at least `minimum`.

    Examples
    --------
    >>> from limelight._checks import check_count
    >>> check_count("num_features", 3, 1)
    3
    >>> check_count("num_features", 0, 1)
    Traceback (most recent call last):
        ...
    limelight.exceptions.ArgumentError: num_features must be an integer of at least 1; got 0.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ArgumentTypeError(f"{parameter} must be an integer of at least {minimum}; got {value!r}.")
    if value < minimum:
        raise ArgumentError(f"{parameter} must be an integer of at least {minimum}; got {value}.")
    return int(value)


def check_number(parameter: str, value: object, minimum: float, *, inclusive: bool = True) -> float:
    """Check that a value is a finite number of at least `minimum`, or above it where it is not `inclusive`."""
    requirement = f"{parameter} must be a finite number {'of at least' if inclusive else 'above'} {minimum:g}"
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ArgumentTypeError(f"{requirement}; got {value!r}.")
    if not math.isfinite(value) or value < minimum or (value == minimum and not inclusive):
        raise ArgumentError(f"{requirement}; got {value}.")
    return float(value)


def check_choice(parameter: str, value: object, allowed: Iterable[str]) -> str:
    """Check that a value is one of the allowed names."""
    allowed = tuple(allowed)
    if not isinstance(value, str) or value not in allowed:
        raise unknown_name(parameter, value, allowed)
    return value


def check_flag(parameter: str, value: object) -> bool:
    """Check that a value is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ArgumentTypeError(f"{parameter} must be True or False; got {value!r}.")
    return bool(value)


def check_label(parameter: str, label: object) -> Label:
    """Check that a label is a number or a name, and make it an int or a str.

    Raises
    ------
    ArgumentTypeError
        If it is neither.
    """
    if isinstance(label, str):
        return str(label)
    if isinstance(label, bool) or not isinstance(label, (int, np.integer)):
        raise ArgumentTypeError(f"{parameter} must be an output's number or name, an int or a str; got {label!r:.80}.")
    return int(label)


def check_labels(labels: object) -> tuple[Label, ...]:
    """Check one label or a sequence of them; equal ones count once.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If one of them is neither a number nor a name, there is none, or they have no order.
    """
    check_ordered("labels", labels)
    several = labels if isinstance(labels, Iterable) and not isinstance(labels, str) else (labels,)
    checked = tuple(dict.fromkeys(check_label("each of labels", label) for label in several))
    for label in checked:
        if isinstance(label, int) and label < 0:
            raise ArgumentError(f"each of labels must be an integer of at least 0, or an output's name; got {label}.")
    if not checked:
        raise ArgumentError("labels must name at least one output; got none. Leave it out for the default.")
    return checked


def find_output(label: Label, names: Sequence[str]) -> int | None:
    """The number of the output that a label means; None if no output has that name.

    A number is handed on as it is. A name is looked for among the names and, where log-odds or the logarithms of probabilities
    are explained, among the names of the outputs themselves.

    Raises
    ------
    LabelError
        If several outputs have the name.

    Examples
    --------
    >>> from limelight._checks import find_output
    >>> find_output("spam", ["ham", "spam"]), find_output("1", ["ham", "spam"]), find_output(1, ["ham", "spam"])
    (1, None, 1)
    """
    if not isinstance(label, str):
        return label
    numbers = [number for number, name in enumerate(names) if name == label] or [
        number for number, name in enumerate(names) if name in [unit + label for unit in UNITS]
    ]
    if len(numbers) > 1:
        raise LabelError(f"label {label!r} is the name of several outputs, {', '.join(map(str, numbers))}: give a number.")
    return numbers[0] if numbers else None


def write_count(count: int, noun: str) -> str:
    """How many of something there are; a noun whose plural ends in s.

    Examples
    --------
    >>> from limelight._checks import write_count
    >>> write_count(1, "seed"), write_count(10, "seed"), write_count(0, "seed")
    ('1 seed', '10 seeds', '0 seeds')
    """
    return f"{count} {noun}{'s' * (count != 1)}"


def list_outputs(names: Iterable[tuple[int, str]]) -> str:
    """Outputs with their numbers and names, for an error."""
    listed = [f"{number} ({name})" for number, name in names]
    return ", ".join([*listed[:_MOST_LISTED], *["..."] * (len(listed) > _MOST_LISTED)])


def list_names(names: Iterable[object]) -> str:
    """Names as Python writes them, the first few of them, for an error."""
    listed = list(map(repr, names))
    return ", ".join([*listed[:_MOST_NAMES], *["..."] * (len(listed) > _MOST_NAMES)])


def check_id(value: object) -> str | None:
    """The text that identifies an instance; None where a value is missing.

    Whole floats are written without a point, because a column of whole numbers with gaps holds floats. A tuple, such as the
    label of a row with several levels, has slashes between its parts.

    Raises
    ------
    ArgumentTypeError
        If the value is a collection, which identifies nothing.

    Examples
    --------
    >>> from limelight._checks import check_id
    >>> check_id("A17"), check_id(17.0), check_id(("north", 17)), check_id(float("nan"))
    ('A17', '17', 'north / 17', None)
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, tuple):
        return " / ".join(str(check_id(part)) for part in value)
    if value is None or str(value) in ("nan", "NaT", "<NA>"):
        return None
    if isinstance(value, (Mapping, Set, Sequence, np.ndarray)):
        raise ArgumentTypeError(f"an id must be a text or a number; got {value!r:.80} ({type(value).__name__}).")
    return str(int(value)) if isinstance(value, (float, np.floating)) and value == value // 1 else str(value)


def check_names(parameter: str, value: Iterable[object], length: int | None = None) -> tuple[str, ...]:
    """Check names in a certain order, of this number if one is given, and turn each into a str.

    A mapping from the numbers 0 to k - 1 to names, as a model's ``id2label``, gives the names in the order of the numbers. So
    does a Series of pandas with these numbers for labels.

    Examples
    --------
    >>> from limelight._checks import check_names
    >>> check_names("class_names", {1: "spam", 0: "ham"})
    ('ham', 'spam')
    >>> check_names("class_names", {"ham", "spam"})
    Traceback (most recent call last):
        ...
    limelight.exceptions.ArgumentTypeError: class_names must have a certain order, which a set lacks: give a list.
    """
    is_scalar = isinstance(value, (str, bytes)) or not isinstance(value, (np.ndarray, Iterable))
    if is_scalar or (isinstance(value, np.ndarray) and value.ndim != 1):
        raise ArgumentTypeError(f"{parameter} must be a sequence of names; got {value!r:.200}.")
    check_ordered(parameter, value)
    labels: Any = getattr(value, "index", None)
    if hasattr(labels, "get_indexer") and {*labels} == {*range(len(labels))}:  # a Series of pandas that numbers its names
        value = dict(zip(labels, value, strict=True))
    names = tuple(str(name) for name in (_in_order(parameter, value) if isinstance(value, Mapping) else value))
    if length is not None and len(names) != length:
        raise ArgumentError(f"{parameter} must have {length} names; got {len(names)}.")
    return names


def check_ordered(parameter: str, value: object) -> None:
    """Refuse a set, whose order may be another one the next time."""
    if isinstance(value, Set) and not isinstance(value, Reversible):  # a dict's keys are a Set, too, but in order
        raise ArgumentTypeError(f"{parameter} must have a certain order, which a {type(value).__name__} lacks: give a list.")


def check_row_order(parameter: str, values: object, row_labels: Any, rows: str) -> None:
    """Refuse a Series of pandas with a value for each row, if it has the rows' labels in another order than the rows.

    Values are taken by place. Usually they are in the order of the rows, whatever their labels are.

    Parameters
    ----------
    parameter : str
        The argument's name, for messages.
    values : object
        What the user gives; anything but a Series passes.
    row_labels : sequence or None
        The labels of the rows, or the ids made from these; None if they have none.
    rows : str
        What the rows are, for messages.

    Raises
    ------
    ArgumentError
        If the labels are the same, each once, in another order.

    Examples
    --------
    >>> import pandas
    >>> from limelight._checks import check_row_order
    >>> rows = pandas.DataFrame({"age": [20, 30]}, index=["a", "b"])
    >>> check_row_order("training_labels", pandas.Series([0, 1], index=["x", "y"]), rows.index, "training_data")
    >>> labels = pandas.Series([1, 0], index=["b", "a"])
    >>> check_row_order("training_labels", labels, rows.index, "training_data")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    limelight.exceptions.ArgumentError: training_labels has the row labels of training_data in another order: ...
    """
    labels: Any = getattr(values, "index", None)
    is_labelled = hasattr(labels, "get_indexer") and hasattr(row_labels, "__len__")
    if not is_labelled or len(labels) != len(row_labels) or labels.equals(row_labels):
        return
    own, others = list(map(check_id, labels)), list(map(check_id, row_labels))
    if own != others and len({*own}) == len(own) and {*own} == {*others}:
        place = next(place for place, label in enumerate(own) if label != others[place])
        at = "the first" if place == 0 else f"number {place}"
        raise ArgumentError(
            f"{parameter} has the row labels of {rows} in another order: {at} is {own[place]!r} instead of {others[place]!r}. "
            "Values are taken by place. Bring them into the rows' order, as with .loc[], or give them without labels, as with "
            ".to_numpy(), if they are in that order."
        )


def _in_order(parameter: str, names: Mapping[Any, object]) -> list[object]:
    """The names of a mapping from the numbers 0 to k - 1, as integers or as texts.

    Raises
    ------
    ArgumentError
        If its keys are others.
    """
    name_of = {str(int(key)) if isinstance(key, (bool, np.bool_, int, np.integer)) else key: names[key] for key in names}
    expected = [str(number) for number in range(len(names))]
    if name_of.keys() != {*expected}:
        keys = ", ".join(map(repr, list(names)[:5])) + ", ..." * (len(names) > 5)
        raise ArgumentError(
            f"{parameter} must be a sequence of names, or a mapping from the numbers 0 to {len(names) - 1} to names; got one "
            f"from {keys}. Give a list, in the right order."
        )
    return [name_of[number] for number in expected]


def check_numbers(parameter: str, value: Any, dimensions: int | None) -> np.ndarray:
    """Check numbers, and turn them into an array of doubles; masked entries become NaN.

    Parameters
    ----------
    parameter : str
        The argument's name, for messages.
    value : array-like
        The numbers.
    dimensions : int or None
        The number of dimensions that the array must have; None for any.
    """
    try:
        if isinstance(value, np.ma.MaskedArray):
            value = np.ma.filled(value.astype(np.float64), np.nan)
        kind = getattr(getattr(value, "dtype", None), "kind", "O")
        if kind in ("c", "m", "M"):
            raise TypeError(f"got {value.dtype}")
        if kind == "O" and holds_complex(np.asarray(value, dtype=object)):
            raise TypeError("got complex numbers")
        array = np.asarray(value, dtype=np.float64)
    except BaseException as error:  # what is no array may raise anything when it is read as one
        if is_interruption(error):
            raise
        raise ArgumentTypeError(f"{parameter} must hold numbers only: {read_message(error)}.") from error
    if dimensions is not None and array.ndim != dimensions:
        raise ArgumentError(f"{parameter} must have {dimensions} dimension{'s' * (dimensions > 1)}; got shape {array.shape}.")
    return array


@contextmanager
def own_arithmetic() -> Iterator[None]:
    """A context for limelight's own arithmetic: no floating-point error raises or warns there, whatever ``numpy.seterr`` says.

    Results that are not finite are looked for where they matter. `users_arithmetic` brings back the user's handling of errors.
    A generator must not yield inside of it, since its caller would go on there.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight._checks import own_arithmetic, users_arithmetic
    >>> with np.errstate(over="raise"), own_arithmetic():
    ...     print(np.float64(1e300) * 1e300)
    ...     with users_arithmetic():
    ...         print(np.geterr()["over"])
    inf
    raise
    """
    if _users_errors.get() is not None:
        yield
        return
    token = _users_errors.set(dict(np.geterr()))
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        _users_errors.reset(token)


@contextmanager
def users_arithmetic() -> Iterator[None]:
    """A context inside of `own_arithmetic` for what is the user's, with the handling of errors of the user's program."""
    users_errors = _users_errors.get()
    if users_errors is None:
        yield
        return
    token = _users_errors.set(None)
    try:
        with np.errstate(**users_errors):
            yield
    finally:
        _users_errors.reset(token)


@contextmanager
def user_function(
    name: str, kind: type[LimelightError] = ArgumentError, about: str = "", *, function: object = None
) -> Iterator[None]:
    """A context for a call of a user's function: `named_errors`, and the user's handling of floating-point errors.

    Where `function` is limelight's own, such as a default that stands in for a user's, it keeps limelight's handling.
    """
    own_module = str(getattr(function, "__module__", "")).startswith("limelight.")
    with named_errors(name, kind, about), nullcontext() if own_module else users_arithmetic():
        yield


@contextmanager
def named_errors(name: str, kind: type[LimelightError] = ArgumentError, about: str = "") -> Iterator[None]:
    """A context for a call of a user's function or of an extension, which turns its errors into limelight's.

    Errors of memory stay what they are.

    Parameters
    ----------
    name : str
        What the user calls the function, for the message.
    kind : type, default ArgumentError
        The class of the error.
    about : str, optional
        What the function was asked about, for the message.

    Raises
    ------
    LimelightError
        If the function raises; its error is the cause.
    """
    try:
        yield
    except (LimelightError, MemoryError):
        raise
    except BaseException as error:
        if is_interruption(error):
            raise
        raise kind(f"{name} raised {describe_error(error, about)}") from error


def as_array(value: Any) -> np.ndarray:
    """An array of a torch tensor, of lists of them, or of anything that numpy reads.

    Tensors may be on any device and may require gradients. Floating-point types that numpy lacks, bfloat16 and those of a byte,
    become float32.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if str(value.dtype).startswith(("torch.bfloat16", "torch.float8")) else value
    elif _holds_tensors(value):
        value = [as_array(item) for item in value]
    return np.asarray(value)


def holds_complex(array: np.ndarray) -> bool:
    """Whether an array has complex numbers, if only as objects, whose imaginary parts NumPy would drop."""
    if array.dtype.kind == "O":
        return any(isinstance(value, (complex, np.complexfloating)) for value in array.flat)
    return array.dtype.kind == "c"


def _holds_tensors(value: Any) -> bool:
    """Whether the first of the innermost items of lists is a torch tensor."""
    if not isinstance(value, (list, tuple)):
        return False
    for _ in range(_MOST_AXES):  # a list may be its own first item
        if isinstance(value, (list, tuple)) and len(value):
            value = value[0]
    return hasattr(value, "detach")


def wrap_frame(value: Any, *, allow_series: bool = False) -> Any:
    """A frame in memory as narwhals' own, whose columns have a name each: see `label_names`. Anything else as it came.

    Raises
    ------
    ValueError
        If it is no sound frame: for example, two columns have the same name.
    """
    import narwhals.stable.v2 as nw

    # Only frames of pandas' kind are asked: a lazy frame of polars would have to find out what its columns are.
    if hasattr(value, "set_axis") and getattr(getattr(value, "columns", None), "nlevels", 1) > 1:
        value = value.set_axis(label_names(value.columns), axis=1)
    return nw.from_native(value, eager_only=True, allow_series=allow_series, pass_through=True)


def label_names(labels: Iterable[Any]) -> list[Any]:
    """The labels of a frame's columns; those of several levels, a MultiIndex of pandas, as texts that tell them apart.

    Examples
    --------
    >>> import pandas
    >>> from limelight._checks import label_names
    >>> label_names(pandas.MultiIndex.from_tuples([("salary", 5), ("salary", 6), ("firm", "")]))
    ['salary / 5', 'salary / 6', 'firm']
    >>> label_names(pandas.MultiIndex.from_tuples([("a", 1), ("a", "1")]))
    ["('a', 1)", "('a', '1')"]
    """
    return list(labels) if getattr(labels, "nlevels", 1) == 1 else join_levels(labels)


def join_levels(labels: Iterable[Any]) -> list[str]:
    """Labels of several levels, tuples, as texts that tell them apart; labels that are no tuples as texts."""
    plain = [(label,) if not isinstance(label, tuple) else label for label in labels]
    tuples = [tuple(part.item() if isinstance(part, np.generic) else part for part in label) for label in plain]
    names = [" / ".join(str(part) for part in label if part != "") for label in tuples]
    is_distinct = max(Counter(names).values(), default=1) == 1
    return names if is_distinct else list(map(str, tuples))


def row_values(frame: Any) -> Iterator[Sequence[Any]]:
    """The values of each row of a narwhals frame, with durations of nanoseconds as numpy's: Python's have no such parts."""
    import narwhals.stable.v2 as nw

    fine = [isinstance(dtype, nw.Duration) and dtype.time_unit == "ns" for dtype in frame.schema.values()]
    if not any(fine):
        rows: Iterator[Sequence[Any]] = frame.iter_rows()
        return rows
    columns = zip(frame.iter_columns(), fine, strict=True)
    return zip(*(series.to_numpy() if is_fine else series.to_list() for series, is_fine in columns), strict=True)
