"""A model's raw answer, in whatever form it comes, as numbers with names."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Coroutine, Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from limelight._checks import as_array, holds_complex, list_names
from limelight.exceptions import PredictionError, is_interruption, read_message
from limelight.results.explanation import Notice
from limelight.stages.answer_advice import advise_wrapper

__all__ = ["Answer", "join_answers", "make_output_count_error", "read_answer"]

_LARGEST_OUTPUT = 1e150  # a sum of 1e8 squares of it is still a double
_PROBABILITY_TOLERANCE = 1e-3  # of the sum of probabilities in low precision
# A column of one of these names beside probabilities holds the predicted class: H2O and skl2onnx give such frames.
_LABEL_COLUMNS = ("label", "output_label", "predict", "predicted", "prediction", "prediction_label")


class Answer(NamedTuple):
    """What a model says about some inputs.

    Attributes
    ----------
    values : ndarray of shape (m, k)
        A row for each input.
    names : tuple of str or None
        The names of the k outputs, if the model gives them with its answer.
    notices : tuple of Notice
        What a reader should know about how the answer was read.
    """

    values: np.ndarray
    names: tuple[str, ...] | None = None
    notices: tuple[Notice, ...] = ()

    @classmethod
    def read(cls, raw: Any, count: int, description: str) -> Answer:
        """Read a model's answer for `count` inputs, which the description names in messages; see `read_answer`."""
        return read_answer(raw, count, description, 0)

    def in_order_of(self, names: tuple[str, ...] | None) -> np.ndarray:
        """The values, with the outputs in the order of these names.

        Raises
        ------
        PredictionError
            If the names of the outputs are others.
        """
        if names is None or self.names is None or self.names == names:
            return self.values
        if set(self.names) != set(names):
            raise PredictionError(
                f"the model must give the same outputs for every input; it gave {list_names(names)} at first, and "
                f"{list_names(self.names)} later."
            )
        return self.values[:, [self.names.index(name) for name in names]]


def join_answers(answers: Sequence[Answer]) -> Answer:
    """The answers to the parts of a question as one.

    Raises
    ------
    PredictionError
        If their outputs differ.
    """
    first = answers[0]
    if len(answers) == 1:
        return first
    notices = dict.fromkeys(notice for answer in answers for notice in answer.notices)
    return Answer(np.concatenate([answer.in_order_of(first.names) for answer in answers]), first.names, tuple(notices))


def make_output_count_error(first: str, later: str) -> PredictionError:
    """Make the error for a model whose answers have different numbers of outputs: these, and for which inputs."""
    return PredictionError(f"the model must give the same number of outputs for every input; it gave {first}, and {later}.")


def read_answer(raw: Any, count: int, description: str, first_number: int, inputs: Sequence[Any] = ()) -> Answer:
    """Read a model's answer for `count` inputs.

    It may be an array or whatever numpy reads, a frame, a mapping from an output's name to its column, or a list with a mapping
    from names to numbers for each input.

    Parameters
    ----------
    raw : object
        What the model returned.
    count : int
        The number of inputs.
    description : str
        Which inputs they are, for messages.
    first_number : int
        The number of the first one, for messages.
    inputs : sequence of object
        The inputs, for messages, in one batch or more.

    Raises
    ------
    PredictionError
        If it is not a row of finite numbers for each input.
    """
    if isinstance(raw, Awaitable):
        if isinstance(raw, Coroutine):
            raw.close()  # otherwise Python warns that it was never awaited
        raise PredictionError(
            f"the model must give numbers; for {description} it gave {type(raw).__name__}, which has to be awaited. Give "
            "limelight.RemoteModel(model), whose function gets one input, or with batch_size=... a list."
        )
    try:
        if np.ma.is_masked(raw):
            raise TypeError("it masks some of them. Give numbers for all inputs")
        named = _read_named_outputs(raw, count)
        given = as_array(_take_only_output(raw, count, description) if named is None else named.values)
        text = _find_text(given)
        if text is not None:  # numbers in texts, too, are names of classes
            raise TypeError(
                f"it has texts, such as {text!r}. If they are classes, give a function that returns their probabilities, "
                f"such as the model's predict_proba"
            )
        if given.dtype.names:
            raise TypeError(f"it has fields. Return the numbers of one, as model(inputs)[{given.dtype.names[0]!r}]")
        if given.dtype.kind in "mM":
            raise TypeError("times are no numbers")
        if holds_complex(given):
            raise TypeError("complex numbers cannot be ordered")
        values = given.astype(np.float64)  # a copy: the model may write its next answer over this one
    except PredictionError:
        raise
    except BaseException as error:  # an answer of any class may fail to be read in its own way
        if is_interruption(error):
            raise
        given_as = f"for {description} it gave {type(raw).__name__}: {read_message(error).removesuffix('.')}"
        raise PredictionError(f"the model must give numbers; {given_as}. {_advise(raw, count)}".rstrip()) from error
    shape = values.shape
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or len(values) != count or values.shape[1] == 0:
        given_as = "None" if raw is None else f"shape {shape}"
        raise PredictionError(
            f"the model must give an array of shape (n,) or (n, k), a row for each input; "
            f"for {description} it gave {given_as}. {_advise(raw, count)}".rstrip()
        )
    if not np.isfinite(values).all():
        is_finite = np.isfinite(values).all(axis=1)
        gave, hint = "NaN or infinity", _hint_at_missing(inputs)
        if isinstance(raw, (list, tuple)) and any(answer is None for answer in raw):
            gave, hint = "None", " Does the function return its answer?"
        raise PredictionError(
            f"the model gave {gave} for {np.count_nonzero(~is_finite)} of {description}; the first is number "
            f"{first_number + int(np.argmin(is_finite))}. Explanations need finite predictions.{hint}"
        )
    largest = np.abs(values).max()
    if largest > _LARGEST_OUTPUT:
        raise PredictionError(
            f"the model must give numbers up to {_LARGEST_OUTPUT:g}, since they are squared; the largest for {description} is "
            f"{largest:.3g} in absolute value. Scale the outputs, or take their logarithm."
        )
    return Answer(values) if named is None else named._replace(values=values)


def _advise(raw: Any, count: int) -> str:
    """What `advise_wrapper` says; nothing of an answer that cannot even be looked at."""
    try:
        return advise_wrapper(raw, count)
    except BaseException as error:
        if is_interruption(error):
            raise
        return ""


def _hint_at_missing(inputs: Sequence[Any]) -> str:
    """What to do about a model that does not take the NaN in its inputs; empty if there is none."""
    arrays = [as_array(batch) for batch in inputs if isinstance(batch, np.ndarray) or hasattr(batch, "detach")]
    if not any(array.dtype.kind == "f" and np.isnan(array).any() for array in arrays):
        return ""
    return " Its inputs have NaN, as the instance has: if it does not take them, fill the instance's missing numbers first."


def _take_only_output(raw: Any, count: int, description: str) -> Any:
    """The only array of a list of arrays of shape (count, columns), as networks may answer; other answers as they are.

    Raises
    ------
    PredictionError
        If there are several.
    """
    if not isinstance(raw, (list, tuple)) or not raw or not all(hasattr(output, "shape") for output in raw):
        return raw
    shapes = [tuple(output.shape) for output in raw]
    if any(len(shape) != 2 or shape[0] != count for shape in shapes):
        return raw
    if len(raw) > 1:
        raise PredictionError(
            f"the model must give one array; for {description} it gave {len(raw)}, of shapes "
            f"{', '.join(map(str, shapes[:5]))}. To explain all columns give lambda batch: numpy.concatenate(model(batch), "
            f"axis=1); for those of one array, lambda batch: model(batch)[0]."
        )
    return raw[0]


def _find_text(answer: np.ndarray) -> str | bytes | None:
    """The first text of an answer that holds any."""
    if answer.dtype.kind not in "USO":
        return None
    values = answer.reshape(-1)[: None if answer.dtype.kind == "O" else 1]
    return next((value for value in values.tolist() if isinstance(value, (str, bytes))), None)


def _read_named_outputs(raw: Any, count: int) -> Answer | None:
    """An answer that comes with the names of its outputs; None for any other.

    Raises
    ------
    TypeError, ValueError
        If it holds no numbers.
    """
    if isinstance(raw, Mapping):
        return _choose_columns({str(name): np.asarray(as_array(column)) for name, column in raw.items()}, count)
    if isinstance(raw, np.ndarray):
        return _read_rows(raw.tolist()) if raw.dtype == object and raw.ndim == 1 else None
    if isinstance(raw, (list, tuple)):
        return _read_rows(raw)
    if hasattr(raw, "toarray"):
        raise TypeError("it is sparse. Return model(inputs).toarray()")
    if hasattr(raw, "collect"):
        raise TypeError("a lazy frame has no numbers yet. Return model(inputs).collect()")
    return _read_frame(raw, count) if hasattr(raw, "columns") else None


def _read_frame(raw: Any, count: int) -> Answer | None:
    """The numbers in a frame of pandas, polars or pyarrow; None for whatever else has columns."""
    import narwhals.stable.v2 as nw

    try:
        frame = nw.from_native(raw, eager_only=True, pass_through=True)
    except ValueError:  # for example, two columns have the same name: its values are read without names
        return None
    if not isinstance(frame, nw.DataFrame):
        return None
    columns = {}
    for series in frame.iter_columns():
        is_number = series.dtype.is_numeric() or series.dtype == nw.Boolean
        column = series.cast(nw.Float64).to_numpy() if is_number else np.array(series.to_list(), dtype=object)
        columns[str(series.name)] = column
    answer = _choose_columns(columns, count)
    has_names = [str(number) for number in range(len(columns))] != list(columns)
    return answer if has_names else answer._replace(names=None)


def _choose_columns(columns: Mapping[str, np.ndarray], count: int) -> Answer:
    """The columns that hold numbers, beside any that hold the names or numbers of predicted classes."""
    numbers = {name: column for name, column in columns.items() if _holds_numbers(column)}
    if not columns:
        raise ValueError("it is empty. Return probabilities, or scores")
    if not numbers:
        raise ValueError(f"{list_names(columns)} hold no numbers. Return probabilities, or scores")
    if len(numbers) == len(columns) == 1:
        (name, column), *_ = numbers.items()
        return Answer(column, (name,) if column.size == count else None)
    for name, column in numbers.items():
        if column.shape not in ((count,), (count, 1)):
            raise ValueError(f"{name!r} has shape {column.shape}, and a column must have a number for each of {count} inputs")
    table = np.stack([column.reshape(count).astype(np.float64) for column in numbers.values()], axis=1)
    names = tuple(numbers)
    is_label = np.array([name.lower() in _LABEL_COLUMNS for name in names])
    if is_label.any() and np.count_nonzero(~is_label) > 1 and _are_probabilities(table[:, ~is_label]):
        names, table = tuple(name for name in names if name.lower() not in _LABEL_COLUMNS), table[:, ~is_label]
    left_out = [name for name in columns if name not in names]
    if not left_out:
        return Answer(table, names)
    text = (
        f"The model's answer has columns beside its outputs {list_names(names)}, which were left out: {list_names(left_out)}."
    )
    return Answer(table, names, (Notice("columns_left_out", text, "information"),))


def _holds_numbers(column: np.ndarray) -> bool:
    """Whether a column holds numbers or truth values; digits in a text are no numbers."""
    if column.dtype == object:
        return all(isinstance(value, (Real, np.number, np.bool_)) for value in column.flat)
    return column.dtype.kind in "biuf"


def _are_probabilities(table: np.ndarray) -> bool:
    return bool(np.isfinite(table).all() and table.min() >= 0 and np.abs(table.sum(axis=1) - 1).max() <= _PROBABILITY_TOLERANCE)


def _read_rows(rows: Sequence[Any]) -> Answer | None:
    """An answer with a mapping from names to numbers for each input; None if its first row is none.

    A row of a Hugging Face pipeline is a list of mappings, from "label" to a name and from "score" to a number.
    """
    if len(rows) == 0:
        return None
    first = rows[0]
    is_list_of_scores = isinstance(first, (list, tuple)) and bool(first) and all(_is_label_and_score(entry) for entry in first)
    if not is_list_of_scores and not isinstance(first, Mapping):
        return None
    if _is_label_and_score(first):
        raise ValueError("it gives the best label only. Return the scores of all labels (a pipeline does so with top_k=None)")
    by_name = [_scores_by_label(row) if is_list_of_scores else {str(name): row[name] for name in row} for row in rows]
    names = tuple(by_name[0])
    for row in by_name:
        if row.keys() != by_name[0].keys():
            raise ValueError(f"the outputs of one input are {list_names(names)}, and of another {list_names(row)}")
        if not all(isinstance(value, (Real, np.number)) for value in row.values()):
            raise ValueError(f"an input's outputs must be numbers; got {row!r:.80}. Return a score for each class, say")
    if is_list_of_scores or any(tuple(row) != names for row in by_name):  # they come in another order for each input
        names = tuple(sorted(names, key=_by_number))
    return Answer(np.array([[row[name] for name in names] for row in by_name], dtype=np.float64), names)


def _is_label_and_score(entry: object) -> bool:
    return isinstance(entry, Mapping) and entry.keys() == {"label", "score"} and isinstance(entry["label"], str)


def _scores_by_label(row: Any) -> dict[str, Any]:
    if not isinstance(row, (list, tuple)) or not all(_is_label_and_score(entry) for entry in row):
        raise ValueError(f"every input must have a list of labels with their scores; got {row!r:.80}")
    return {entry["label"]: entry["score"] for entry in row}


def _by_number(name: str) -> list[tuple[bool, int, str]]:
    """A key that sorts LABEL_2 before LABEL_10."""
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", name) if part]
