"""The model that the user names, and the explainer that fits it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import click

import limelight  # its names are loaded when they are used
from limelight.batch.files import TableFile
from limelight.exceptions import ArgumentError, describe_error, is_interruption, missing_dependency, require

__all__ = ["load_model", "make_tabular_explainer"]


def load_model(name: str, trusted: Sequence[str], output: str | None = None) -> Any:
    """Load a model by its name.

    Parameters
    ----------
    name : str
        The path of a .skops or .onnx file, or ``module:name``.
    trusted : sequence of str
        The types that a .skops file may load, besides those that are known to be safe.
    output : str, optional
        The output of an ONNX model that holds the predictions.

    Raises
    ------
    ArgumentError
        If it cannot be loaded.
    UsageError
        If the name has none of these forms, or an output is named and it is no ONNX file.
    """
    if name.endswith(".onnx"):
        return limelight.OnnxModel(name, output=output)
    if output is not None:
        raise click.UsageError(f"--output names an output of an .onnx file; --model is {name!r}.")
    if name.endswith(".skops"):
        return _load_skops(name, trusted)
    if ":" not in name:
        raise click.UsageError(f"--model must be a .skops or .onnx file, or module:name; got {name!r}.")
    sys.path.insert(0, os.getcwd())
    try:
        return resolve_name(name)
    except BaseException as error:  # the user's module may fail in any way
        if is_interruption(error):
            raise
        raise ArgumentError(f"--model {name!r} cannot be imported: {describe_error(error)}") from error


def _load_skops(path: str, trusted: Sequence[str]) -> Any:
    """Load a .skops file, which may hold only types that are known to be safe, and trusted ones."""
    io = require("skops.io", extra="cli", purpose="a .skops file")
    try:
        untrusted = [kind for kind in io.get_untrusted_types(file=path) if kind not in trusted]
        if not untrusted:
            return io.load(path, trusted=list(trusted))
    except BaseException as error:  # zip files, JSON and the model's own types fail in their own ways
        if is_interruption(error):
            raise
        raise ArgumentError(f"--model {path!r} cannot be read: {describe_error(error)}") from error
    raise ArgumentError(
        f"--model {path!r} holds types that can do harm: {', '.join(untrusted)}. If you know and trust who made the file, "
        f"give {' '.join(f'--trust {kind}' for kind in untrusted)}."
    )


def make_tabular_explainer(
    train: Path | str, target: str | None, model: Any, class_names: Sequence[str] | None
) -> limelight.TabularExplainer:
    """Make an explainer whose rows have the columns and the form that the model takes.

    Estimators that were trained without column names, and ONNX files with one input, take arrays; other models take frames.

    Parameters
    ----------
    train : Path
        Rows like the training data, in a file or folder.
    target : str or None
        The column of `train` that the model does not get.
    model : object
        From `load_model`.
    class_names : sequence of str or None
        The names of the model's outputs.

    Raises
    ------
    ArgumentError
        If the columns do not fit the model.
    """
    frame = _read_frame(train)
    columns = list(frame.columns)
    if target is not None and target not in columns:
        raise ArgumentError(f"--target must be a column of --train; got {target!r}, and it has {', '.join(columns)}.")
    is_onnx = isinstance(model, limelight.OnnxModel)
    trained_on = model.find_columns(columns) if is_onnx else getattr(model, "feature_names_in_", None)
    if trained_on is not None and target in list(trained_on):
        raise ArgumentError(f"--target must be a column that the model does not get; it was trained on {target!r}.")
    features = [name for name in columns if name != target] if trained_on is None else list(trained_on)
    lacking = [name for name in features if name not in columns]
    if lacking:
        raise ArgumentError(f"--train must have the columns that the model was trained on; it lacks {', '.join(lacking)}.")
    count = getattr(model, "n_features_in_", len(features))
    if count != len(features):
        raise ArgumentError(
            f"the model takes {count} columns, and --train has {len(features)}; give the column that the model does not get as "
            "--target."
        )
    frame = frame[features]
    takes_arrays = trained_on is None and (is_onnx or hasattr(model, "predict"))
    if takes_arrays and all(dtype.kind in "biuf" for dtype in frame.dtypes):
        return limelight.TabularExplainer(frame.to_numpy(dtype=float), feature_names=features, class_names=class_names)
    return limelight.TabularExplainer(frame, class_names=class_names)


def _read_frame(path: Path | str) -> Any:
    """Read a table as a pandas frame in which dates and times are of pandas' own types."""
    table = TableFile(path).read()
    try:
        return table.to_pandas(date_as_object=False)
    except ImportError as error:
        raise missing_dependency("--train", "pandas", extra=None) from error
