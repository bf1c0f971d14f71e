"""The commands: ``demo``, ``explain``, ``show``, ``pick`` and ``report``."""

from __future__ import annotations

from pathlib import Path

import click

import limelight  # its names are loaded when they are used
from limelight.cli._checks import FilePath, check_column, check_outputs
from limelight.cli._explain import FOLDER, INPUT, OUTPUT, explain
from limelight.cli._labels import read_labels
from limelight.cli._messages import PrintableGroup, errors_as_messages
from limelight.exceptions import ArgumentError

__all__ = ["commands"]

_INPUT_FILE = FilePath(exists=True, dir_okay=False, path_type=Path)


@click.group(name="limelight", cls=PrintableGroup)
@click.version_option(limelight.__version__, prog_name="limelight")
def commands() -> None:
    """Explain single predictions of any classifier or regressor."""


@commands.command()
@click.option("--out", type=FOLDER, default=Path("demo"), show_default=True, help="Where the pages are written.")
def demo(out: Path) -> None:
    """Train models on real data, explain a few of their predictions, and write each as a page."""
    from limelight.demo.run import run

    run(out)


@commands.command()
@click.argument("file", type=_INPUT_FILE)
@click.option("--item", type=int, help="The number of the instance, for a Parquet file of many explanations.")
@click.option("--id", "identity", help="The id of the instance instead of its number.")
@click.option("--html", type=OUTPUT, help="Write the explanation as a page to this file instead.")
def show(file: Path | str, item: int | None, identity: str | None, html: Path | str | None) -> None:
    """Print an explanation: the one in FILE if it is JSON, or one of those in FILE if it is Parquet."""
    with errors_as_messages(f"{str(file)!r}: "):
        explanation = _read_explanation(file, item, identity)
        if html is not None:
            explanation.save_to_file(html)
            return
        text = str(explanation)
    click.echo(text)


@commands.command()
@click.argument("file", type=_INPUT_FILE)
@click.option("--num-picks", type=int, default=5, show_default=True, help="How many explanations.")
def pick(file: Path | str, num_picks: int) -> None:
    """Print the few explanations in FILE, a Parquet file, that together show most of what the model goes by."""
    with errors_as_messages(f"{str(file)!r}: "):
        picks = limelight.Explanations.load(file).pick(num_picks)
        items = zip(picks.explanations.items, picks.explanations, strict=True)  # an explanation shows its id itself
        text = "\n".join([f"{picks}", *(f"\nitem {item}\n{explanation}" for item, explanation in items)])
    click.echo(text)


@commands.command()
@click.argument("file", type=_INPUT_FILE)
@click.option("-o", "--out", type=OUTPUT, required=True, help="Where the page is written.")
@click.option("--title", help="The page's heading.")
@click.option("--num-picks", type=int, default=10, show_default=True, help="How many explanations are shown first.")
@click.option("--data", type=INPUT, help="The explained instances with their true labels.")
@click.option("--target", metavar="COLUMN", help="The column of --data with the true labels: classes or numbers.")
def report(
    file: Path | str, out: Path | str, title: str | None, num_picks: int, data: Path | str | None, target: str | None
) -> None:
    """Write a page about all explanations in FILE, a Parquet file."""
    check_outputs({"--out": out}, [file, data])
    if (data is None) is not (target is None):
        raise click.UsageError("--target is a column of --data; give both.")
    with errors_as_messages(f"{str(file)!r}: "):
        explanations = limelight.Explanations.load(file)
        labels = None
        if data is not None and target is not None:
            check_column("--target", data, target)
            labels = read_labels(explanations, data, target)
        explanations.save_report(out, title=title, labels=labels, num_picks=num_picks)


commands.add_command(explain)


def _read_explanation(file: Path | str, item: int | None, identity: str | None) -> limelight.Explanation:
    """Read the explanation in a JSON file, or that of one instance in a Parquet file.

    Raises
    ------
    ArgumentError
        If there is no such explanation.
    """
    if item is not None and identity is not None:
        raise click.UsageError("Give either --item or --id.")
    if not _is_parquet(file):
        if item is not None or identity is not None:
            raise ArgumentError("it is not a Parquet file and holds one explanation; leave out --item and --id.")
        if isinstance(file, str):
            return limelight.Explanation.load(file)
        return limelight.Explanation.from_json(file.read_text(encoding="utf-8"))
    explanations = limelight.Explanations.load(file)
    if identity is not None:
        return _check_explained(explanations[identity], f"the instance {identity!r}")
    items = explanations.items.tolist()
    if item not in items:
        numbers = f"{min(items)} to {max(items)}" if items else "none"
        raise ArgumentError(f"give --item, the number of one of its {len(items)} instances, {numbers}; got {item}.")
    if items.count(item) > 1:
        raise ArgumentError(f"it has {items.count(item)} instances of number {item}, from several jobs; choose one in Python.")
    return _check_explained(explanations[items.index(item)], f"item {item}")


def _check_explained(entry: limelight.Explanation | limelight.Failure, instance: str) -> limelight.Explanation:
    if isinstance(entry, limelight.Explanation):
        return entry
    raise ArgumentError(f"{instance} has no explanation. {entry.error}: {entry.message}")


def _is_parquet(file: Path | str) -> bool:
    if isinstance(file, str):  # an address
        return not file.lower().endswith(".json")
    with file.open("rb") as opened:
        return opened.read(4) == b"PAR1"
