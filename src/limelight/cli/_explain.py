"""``limelight explain``: explain what a model says about the instances in a file, and write the explanations to a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import click

import limelight  # its names are loaded when they are used
from limelight.batch.files import TableFile
from limelight.cli._checks import FilePath, check_column, check_outputs
from limelight.cli._labels import read_labels
from limelight.cli._messages import errors_as_messages, make_printable
from limelight.cli._model import load_model, make_tabular_explainer
from limelight.exceptions import ArgumentError, Interrupted, LabelError, LimelightError, read_message

__all__ = ["explain"]

_TRIAL_PERTURBATIONS = 16  # of the first instance; enough to show whether the model has the labels
_INTERRUPTED_STATUS = 130  # 128 and the signal's number, as in shells
INPUT = FilePath(exists=True, path_type=Path)
OUTPUT = FilePath(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


def _count_or_auto(_context: click.Context, _parameter: click.Parameter, value: str) -> int | Literal["auto"]:
    try:
        return "auto" if value == "auto" else int(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither a number nor 'auto'.") from None


def _read_labels(_context: click.Context, _parameter: click.Parameter, values: Iterable[str]) -> tuple[int | str, ...]:
    return tuple(int(value) if value.lstrip("+-").isdecimal() else value for value in values)


@click.command()
@click.option("--model", "name", required=True, help="A .skops or .onnx file, or module:name of a callable or estimator.")
@click.option("--data", type=INPUT, required=True, help="Instances: a Parquet, CSV or Arrow file, or a folder of them.")
@click.option("--out", type=OUTPUT, required=True, help="The Parquet file to write.")
@click.option("--report", type=OUTPUT, help="Also write a page about all explanations.")
@click.option("--train", type=INPUT, help="Rows like the training data, in a file like --data.")
@click.option("--target", metavar="COLUMN", help="True labels, which the model does not get; --report says where it is wrong.")
@click.option("--text", metavar="COLUMN", help="Explain the texts in this column of --data instead of its rows.")
@click.option("--id", "identity", metavar="COLUMN", help="The column of --data that identifies the instances.")
@click.option("--output", metavar="NAME", help="The output of an .onnx file; by default probabilities before labels.")
@click.option("--num-features", type=int, help="The most components to report; by default 10.")
@click.option(
    "--num-samples",
    callback=_count_or_auto,
    default="auto",
    show_default=True,
    metavar="N|auto",
    help="Perturbations per instance.",
)
@click.option("--max-samples", type=int, help="The most perturbations per instance where their number is auto.")
@click.option(
    "--label",
    "labels",
    callback=_read_labels,
    multiple=True,
    help="An output's number or name; repeatable.",
)
@click.option("--class-names", metavar="A,B,...", help="The outputs' names, in order.")
@click.option("--n-jobs", type=int, default=1, show_default=True, help="Processes or threads; -1 for all cores.")
@click.option("--engine", help="serial, processes, threads, dask, spark, or a Dask scheduler's address.")
@click.option(
    "--checkpoint", type=FOLDER, metavar="DIR", help="A folder for finished instances; the same command continues from it."
)
@click.option("--chunk-size", type=int, default=256, show_default=True, help="Instances that are stored at a time.")
@click.option(
    "--timeout",
    type=float,
    metavar="SECONDS",
    help="An instance that takes longer counts as failed. It takes --engine processes, the default then, or spark.",
)
@click.option("--trust", "trusted", metavar="TYPE", multiple=True, help="A type that a .skops file may load; repeatable.")
@click.pass_context
def explain(
    context: click.Context,
    name: str,
    data: Path | str,
    out: Path | str,
    report: Path | str | None,
    train: Path | str | None,
    target: str | None,
    text: str | None,
    identity: str | None,
    output: str | None,
    num_features: int | None,
    num_samples: int | Literal["auto"],
    max_samples: int | None,
    labels: tuple[int | str, ...],
    class_names: str | None,
    n_jobs: int,
    engine: str | None,
    checkpoint: Path | None,
    chunk_size: int,
    timeout: float | None,
    trusted: tuple[str, ...],
) -> None:
    """Explain what a model says about every row, or every text, of a file.

    An instance that cannot be explained is stored with its error, and counted on stderr. If no instance can be explained, the
    command fails.
    """
    if (train is None) is (text is None):
        raise click.UsageError("Give either --train, to explain rows, or --text, to explain texts.")
    module = Path(f"{name.partition(':')[0].replace('.', '/')}.py")
    check_outputs({"--out": out, "--report": report}, [data, train, checkpoint, Path(name), module])
    if Path(out).suffix.lower() not in (".parquet", ".pq", ""):
        raise click.UsageError(f"--out is a Parquet file, whose name ends in .parquet; got {str(out)!r}.")
    classes = None if class_names is None else class_names.split(",")
    try:
        with errors_as_messages():
            if target is not None and text is not None:
                check_column("--target", data, target)
            for option, column in {"--text": text, "--id": identity}.items():
                if column is not None:
                    check_column(option, data, column)
            model = load_model(name, trusted, output)
            explainer: Any = (
                make_tabular_explainer(train, target, model, classes) if train else limelight.TextExplainer(class_names=classes)
            )
            if timeout is not None and engine is None:
                engine = "processes"
            instances = _read_rows(data, explainer.columns) if text is None else _Column(data, text)
            _try_first_instance(explainer, model, instances, labels, n_jobs=n_jobs, engine=engine, timeout=timeout)
            explanations = explainer.explain_many(
                data if text is None else _Column(data, text),
                model,
                ids=_Column(data, identity) if identity and text else identity,
                labels=labels or None,
                num_features=num_features,
                num_samples=num_samples,
                max_samples=max_samples,
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
            _report_failures(explanations)
    except KeyboardInterrupt as stop:
        if isinstance(stop, Interrupted):
            _save_finished(stop.explanations, out, checkpoint)
        context.exit(_INTERRUPTED_STATUS)


class _Column:
    """The values in one column of a file, to be read once."""

    def __init__(self, path: Path | str, column: str) -> None:
        self._rows, self._total = TableFile(path).rows([column])

    def __len__(self) -> int:
        return self._total

    def __iter__(self) -> Iterator[Any]:
        return (value for (value,) in self._rows)


def _try_first_instance(
    explainer: Any,
    model: Any,
    instances: Iterable[Any],
    labels: Sequence[int | str],
    *,
    n_jobs: int,
    engine: str | None,
    timeout: float | None,
) -> None:
    """Explain the first instance roughly, so that labels and class names that the model lacks are refused at once."""
    asked = {"labels": labels or None, "num_samples": _TRIAL_PERTURBATIONS}
    for first in islice(instances, 1):
        try:
            if timeout is None:
                explainer.explain_instance(first, model, **asked)
            else:  # it may hang, and only another process can be stopped
                explainer.explain_many([first], model, n_jobs=n_jobs, engine=engine, timeout=timeout, **asked)
        except (ArgumentError, LabelError):
            raise
        except LimelightError:  # stored with the instance later
            return


def _read_rows(path: Path | str, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """The rows of a file with all these columns; none of another file, which ``explain_many`` refuses."""
    file = TableFile(path)
    if set(columns) <= set(file.column_names()):
        yield from (dict(zip(columns, row, strict=True)) for row in file.rows(columns)[0])


def _save_report(explanations: limelight.Explanations, path: Path | str, data: Path | str, target: str | None) -> None:
    """Write the page; it says what is misclassified if the target names the model's classes."""
    try:
        labels = None if target is None else read_labels(explanations, data, target)
        explanations.save_report(path, labels=labels)
    except ArgumentError as error:
        if target is None:
            raise
        explanations.save_report(path)
        click.echo(make_printable(f"The report does not say what is misclassified: {error}"), err=True)


def _save_finished(finished: Any, out: Path | str, checkpoint: Path | None) -> None:
    """After an interrupt: save the finished explanations, unless a checkpoint has them, and say where they are."""
    place: Path | str | None = checkpoint
    if checkpoint is None:
        ending = Path(out).suffix
        partial = f"{str(out).removesuffix(ending)}.partial{ending}"
        place = partial if isinstance(out, str) else Path(partial)
        try:
            finished.save(place)
        except (LimelightError, OSError) as error:
            raise click.ClickException(
                f"interrupted, and the finished explanations cannot be saved: {read_message(error)}"
            ) from error
    advice = (
        "The same command continues from there." if checkpoint else "With --checkpoint DIR the same command could continue."
    )
    click.echo(f"Interrupted; {len(finished)} explanations are in {str(place)!r}. {advice}", err=True)


def _report_failures(explanations: limelight.Explanations) -> None:
    """Say how many instances could not be explained, and why the first one could not.

    Raises
    ------
    ArgumentError
        If none could be explained.
    """
    failures = explanations.failures
    if not failures:
        return
    number, failure = next(iter(failures.items()))
    identity = "" if failure.id is None else f" ({failure.id})"
    message = f"{len(failures)} of {len(explanations)} instances cannot be explained; number {number}{identity}: "
    message += f"{failure.error}: {failure.message}"
    if len(failures) == len(explanations):
        raise ArgumentError(message)
    click.echo(make_printable(message), err=True)
