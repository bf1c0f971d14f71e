"""``limelight explain``: what a model says about the instances in a file, explained into a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Literal

import click

import limelight  # whose names are loaded when they are used
from limelight._errors import ArgumentError, Interrupted, LabelError, LimelightError, missing_dependency, require
from limelight.batch.files import TableFile
from limelight.renderers.terminal import make_visible

__all__ = ["as_told", "check_places", "explain", "true_labels"]

FEW = 16  # perturbations of the first instance that show whether the model has such labels
INTERRUPTED = 130  # 128 and the number of the signal, as shells count
INPUT = click.Path(exists=True, path_type=Path)
OUTPUT = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


def _count_or_auto(_context: click.Context, _parameter: click.Parameter, value: str) -> int | Literal["auto"]:
    try:
        return "auto" if value == "auto" else int(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither a number nor 'auto'.") from None


@click.command()
@click.option("--model", "name", required=True, help="A .skops or .onnx file, or module:name of a callable or estimator.")
@click.option("--data", type=INPUT, required=True, help="Instances: a Parquet, CSV or Arrow file, or a folder of them.")
@click.option("--out", type=OUTPUT, required=True, help="The Parquet file to write.")
@click.option("--report", type=OUTPUT, help="Write a page about all of them as well.")
@click.option("--train", type=INPUT, help="Rows like those that the model was trained on, in such a file.")
@click.option("--target", metavar="COLUMN", help="A column that the model does not get: --report holds its answers against it.")
@click.option("--text", metavar="COLUMN", help="Explain the texts in this column of --data instead of rows.")
@click.option("--num-features", type=int, help="How many components to report at most; by default 10.")
@click.option(
    "--num-samples",
    callback=_count_or_auto,
    default="auto",
    show_default=True,
    metavar="N|auto",
    help="Perturbations an instance.",
)
@click.option("--label", "labels", type=int, multiple=True, help="An output's number; may be given more than once.")
@click.option("--class-names", metavar="A,B,...", help="The outputs' names, in their order.")
@click.option("--n-jobs", type=int, default=1, show_default=True, help="Processes or threads; -1 for all cores.")
@click.option("--engine", help="serial, processes, threads, dask, spark, or a Dask scheduler's address.")
@click.option(
    "--checkpoint", type=FOLDER, metavar="DIR", help="A folder for what is finished; the same command goes on from it."
)
@click.option("--chunk-size", type=int, default=256, show_default=True, help="Instances that are kept as finished at a time.")
@click.option("--timeout", type=float, metavar="SECONDS", help="An instance that takes longer counts as failed.")
@click.option("--trust", "trusted", metavar="TYPE", multiple=True, help="A type that a .skops file may load; repeatable.")
@click.pass_context
def explain(
    context: click.Context,
    name: str,
    data: Path,
    out: Path,
    report: Path | None,
    train: Path | None,
    target: str | None,
    text: str | None,
    num_features: int | None,
    num_samples: int | Literal["auto"],
    labels: tuple[int, ...],
    class_names: str | None,
    n_jobs: int,
    engine: str | None,
    checkpoint: Path | None,
    chunk_size: int,
    timeout: float | None,
    trusted: tuple[str, ...],
) -> None:
    """Explain what a model says about every row, or every text, of a file.

    An instance that cannot be explained is kept with its error, and counted on stderr; if none can be, the command fails.
    """
    if (train is None) is (text is None):
        raise click.UsageError("Give either --train, to explain rows, or --text, to explain texts.")
    module = Path(f"{name.partition(':')[0].replace('.', '/')}.py")
    check_places({"--out": out, "--report": report}, [data, train, checkpoint, Path(name), module])
    classes = None if class_names is None else class_names.split(",")
    try:
        if target is not None and text is not None:
            check_column("--target", data, target)
        model = _load(name, trusted)
        explainer = _tabular(train, target, model, classes) if train else limelight.TextExplainer(class_names=classes)
        _check_first(explainer, model, data, text, labels)
        explanations = explainer.explain_many(
            data if text is None else _Texts(data, text),
            model,
            labels=labels or None,
            num_features=num_features,
            num_samples=num_samples,
            n_jobs=n_jobs,
            engine=engine,
            checkpoint=checkpoint,
            chunk_size=chunk_size,
            timeout=timeout,
            on_error="keep",
            verbose=True,
        )
        explanations.save(out)
        if report is not None:
            _save_report(explanations, report, data, target)
        _tell_failures(explanations)
    except KeyboardInterrupt as stop:
        if isinstance(stop, Interrupted):
            _keep(stop.explanations, out, checkpoint)
        context.exit(INTERRUPTED)
    except (LimelightError, OSError) as error:
        raise click.ClickException(as_told(str(error))) from error


def as_told(message: str) -> str:
    """What an error says, with what files and models may have put into it, in characters that cannot move the cursor."""
    return "\n".join(map(make_visible, message.split("\n")))


def _check_first(explainer: Any, model: Any, data: Path, text: str | None, labels: Sequence[int]) -> None:
    """Say now, and not of each instance after hours, that labels or classes' names are not the model's."""
    for first in islice(_rows(data, explainer.columns) if text is None else _Texts(data, text), 1):
        try:
            explainer.explain_instance(first, model, labels=labels or None, num_samples=FEW)
        except (ArgumentError, LabelError):
            raise
        except LimelightError:  # it is kept, as that of any other instance
            return


def _rows(path: Path, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """The rows of a file that has these columns; of another there are none."""
    file = TableFile(path)
    if set(columns) <= set(file.column_names()):
        yield from (dict(zip(columns, row, strict=True)) for row in file.rows(columns)[0])


def check_places(outputs: Mapping[str, Path | None], inputs: Iterable[Path | None]) -> None:
    """Say now, and not after hours, what cannot be written, or would take the place of what is read."""
    used = {path.resolve() for path in inputs if path is not None}
    for option, path in outputs.items():
        if path is None:
            continue
        place = path.resolve()
        if not os.access(place.parent, os.W_OK):
            raise click.UsageError(f"{option} cannot be written: no folder {str(path.parent)!r} may be written in.")
        if place in used or place.parent in used or (place.exists() and not place.is_file()):
            raise click.UsageError(f"{option} must be a file of its own; got {str(path)!r}, which is read, written, or none.")
        used.add(place)


def true_labels(explanations: limelight.Explanations, data: Path, target: str) -> list[Any] | None:
    """What would have been true of each instance, as a column of the data says; None if there is no such column.

    Raises
    ------
    ArgumentError
        If these are not the data.
    """
    values = TableFile(data).read_column(target)
    if values is None:
        return None
    items = explanations.items.tolist()
    if len(set(items)) < len(items):
        raise ArgumentError("the explanations are of several jobs, or of instances more than once: give labels to save_report.")
    if max(items, default=-1) >= len(values):
        raise ArgumentError(f"{str(data)!r} has {len(values)} rows, and no instance {max(items)}.")
    return [values[item] for item in items]


def _save_report(explanations: limelight.Explanations, path: Path, data: Path, target: str | None) -> None:
    """Write a page that also says what is misclassified, where the data have the target, and it names the model's classes."""
    try:
        labels = None if target is None else true_labels(explanations, data, target)
        explanations.save_report(path, labels=labels)
    except ArgumentError as error:
        if target is None:
            raise
        explanations.save_report(path)
        click.echo(f"The report does not say what is misclassified: {as_told(str(error))}", err=True)


def check_column(option: str, data: Path, column: str) -> None:
    """Say that the data have no such column."""
    names = TableFile(data).column_names()
    if column not in names:
        raise click.UsageError(f"{option} must be a column of --data; got {column!r}, and it has {', '.join(names)}.")


class _Texts:
    """The texts in one column of a file, to be read once."""

    def __init__(self, path: Path, column: str) -> None:
        check_column("--text", path, column)
        self._rows, self._total = TableFile(path).rows([column])

    def __len__(self) -> int:
        return self._total

    def __iter__(self) -> Iterator[Any]:
        return (text for (text,) in self._rows)


def _load(name: str, trusted: Sequence[str]) -> Any:
    """A model by what the user calls it."""
    if name.endswith(".onnx"):
        return name
    if name.endswith(".skops"):
        return _from_skops(name, trusted)
    if ":" not in name:
        raise click.UsageError(f"--model must be a .skops or .onnx file, or module:name; got {name!r}.")
    sys.path.insert(0, os.getcwd())
    try:
        return resolve_name(name)
    except Exception as error:  # the module is the user's own, and may fail in any way
        raise ArgumentError(f"--model {name!r} cannot be imported: {type(error).__name__}: {error}") from error


def _from_skops(path: str, trusted: Sequence[str]) -> Any:
    """A model from a file that may hold nothing but what scikit-learn's own models are known to need, and trusted types."""
    io = require("skops.io", extra="cli", purpose="a .skops file")
    try:
        unknown = [kind for kind in io.get_untrusted_types(file=path) if kind not in trusted]
        if not unknown:
            return io.load(path, trusted=list(trusted))
    except Exception as error:  # of zip files, JSON, and of all that the model is made of
        raise ArgumentError(f"--model {path!r} cannot be read: {type(error).__name__}: {error}") from error
    raise ArgumentError(
        f"--model {path!r} holds types that can do harm: {', '.join(unknown)}. If you know who made the file, and trust them, "
        f"give {' '.join(f'--trust {kind}' for kind in unknown)}."
    )


def _tabular(train: Path, target: str | None, model: Any, class_names: Sequence[str] | None) -> limelight.TabularExplainer:
    """An explainer of rows as the model wants them: estimators that know no columns' names, and ONNX files, take arrays."""
    frame = _frame(train)
    columns = list(frame.columns)
    if target is not None and target not in columns:
        raise ArgumentError(f"--target must be a column of --train; got {target!r}, and it has {', '.join(columns)}.")
    known = getattr(model, "feature_names_in_", None)
    if known is not None and target in list(known):
        raise ArgumentError(f"--target must be a column that the model does not get; it was trained on {target!r}.")
    wanted = [name for name in columns if name != target] if known is None else list(known)
    lacking = [name for name in wanted if name not in columns]
    if lacking:
        raise ArgumentError(f"--train must have the columns that the model was trained on; it lacks {', '.join(lacking)}.")
    count = getattr(model, "n_features_in_", len(wanted))
    if count != len(wanted):
        raise ArgumentError(f"the model takes {count} columns, --train has {len(wanted)}; what is the model's --target?")
    frame = frame[wanted]
    takes_arrays = known is None and (isinstance(model, str) or hasattr(model, "predict"))
    if takes_arrays and all(kind.kind in "biuf" for kind in frame.dtypes):
        return limelight.TabularExplainer(frame.to_numpy(dtype=float), feature_names=wanted, class_names=class_names)
    return limelight.TabularExplainer(frame, class_names=class_names)


def _frame(path: Path) -> Any:
    """A table as pandas has it; times stay times."""
    table = TableFile(path).read()
    try:
        return table.to_pandas(date_as_object=False)
    except ImportError as error:
        raise missing_dependency("--train", "pandas", extra=None) from error


def _keep(finished: Any, out: Path, checkpoint: Path | None) -> None:
    """Save what is finished, and say where."""
    where = checkpoint
    if checkpoint is None:
        where = out.with_name(f"{out.stem}.partial{out.suffix}")
        try:
            finished.save(where)
        except (LimelightError, OSError) as error:
            raise click.ClickException(f"interrupted, and what is finished cannot be kept: {error}") from error
    click.echo(
        f"Interrupted; {len(finished)} explanations are in {str(where)!r}. "
        + ("The same command goes on from there." if checkpoint else "With --checkpoint DIR the same command could go on."),
        err=True,
    )


def _tell_failures(explanations: limelight.Explanations) -> None:
    failures = explanations.failures
    if not failures:
        return
    number, failure = next(iter(failures.items()))
    said = f"{len(failures)} of {len(explanations)} instances cannot be explained; number {number}: "
    said += f"{failure.error}: {failure.message}"
    if len(failures) == len(explanations):
        raise ArgumentError(said)
    click.echo(as_told(said), err=True)
