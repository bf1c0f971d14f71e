"""The command ``limelight``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limelight import Explanation

__all__ = ["main"]


def main() -> None:
    """Run the command line; without click, say how to get it."""
    if isinstance(sys.stdout, TextIOWrapper):  # a pipe may be of an encoding that lacks some of the characters
        sys.stdout.reconfigure(errors="replace")
    try:
        commands = _commands()
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        print("The command line needs click: pip install 'limelight[cli]'", file=sys.stderr)
        sys.exit(1)
    commands()


def _commands() -> Callable[[], None]:
    import click

    from limelight import __version__
    from limelight.cli._explain import check_column, check_places, explain, true_labels

    file_to_read = click.Path(exists=True, dir_okay=False, path_type=Path)
    table_to_read = click.Path(exists=True, path_type=Path)

    @click.group()
    @click.version_option(__version__, prog_name="limelight")
    def limelight() -> None:
        """Explain single predictions of any classifier or regressor."""

    @limelight.command()
    @click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("demo"),
        show_default=True,
        help="Where the pages are written.",
    )
    def demo(out: Path) -> None:
        """Train models on real data, explain a few of their predictions, and write each as a page."""
        from limelight.demo.run import run

        run(out)

    @limelight.command()
    @click.argument("file", type=file_to_read)
    @click.option("--item", type=int, help="Which one of a Parquet file's explanations: its instance's number.")
    @click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write its page to this file instead.")
    def show(file: Path, item: int | None, html: Path | None) -> None:
        """Print the explanation that FILE holds as JSON, or one of those that it holds as Parquet."""
        with _told(file):
            explanation = _explanation(file, item)
            if html is not None:
                explanation.save_to_file(html)
                return
            shown = str(explanation)
        click.echo(shown)

    @limelight.command()
    @click.argument("file", type=file_to_read)
    @click.option("--num-picks", type=int, default=5, show_default=True, help="How many.")
    def pick(file: Path, num_picks: int) -> None:
        """Print the few explanations of FILE, Parquet, that together show most of what the model goes by."""
        from limelight import Explanations

        with _told(file):
            picks = Explanations.load(file).pick(num_picks)
            items = zip(picks.explanations.items, picks.explanations, strict=True)
            shown = "\n".join([f"{picks}", *(f"\nitem {item}\n{explanation}" for item, explanation in items)])
        click.echo(shown)

    @limelight.command()
    @click.argument("file", type=file_to_read)
    @click.option(
        "-o", "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Where the page is written."
    )
    @click.option("--title", help="Its heading.")
    @click.option("--num-picks", type=int, default=10, show_default=True, help="How many explanations are shown first.")
    @click.option("--data", type=table_to_read, help="The instances that were explained, with what would have been true.")
    @click.option("--target", metavar="COLUMN", help="The column of --data that says it: a class, or a number.")
    def report(file: Path, out: Path, title: str | None, num_picks: int, data: Path | None, target: str | None) -> None:
        """Write a page about all explanations of FILE, Parquet."""
        from limelight import Explanations

        check_places({"--out": out}, [file, data])
        if (data is None) is not (target is None):
            raise click.UsageError("--target is a column of --data; give both.")
        with _told(file):
            explanations = Explanations.load(file)
            labels = None
            if data is not None and target is not None:
                check_column("--target", data, target)
                labels = true_labels(explanations, data, target)
            explanations.save_report(out, title=title, labels=labels, num_picks=num_picks)

    limelight.add_command(explain)
    return limelight


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """Errors in a file, as a message that names it."""
    import click

    from limelight import LimelightError
    from limelight.cli._explain import as_told

    try:
        yield
    except (LimelightError, UnicodeDecodeError, OSError) as error:
        raise click.ClickException(f"{str(file)!r}: {as_told(str(error))}") from error


def _explanation(file: Path, item: int | None) -> Explanation:
    """The explanation that a file holds, or the one of an instance."""
    from limelight import Explanation, Explanations
    from limelight._errors import ArgumentError

    if not _is_parquet(file):
        if item is not None:
            raise ArgumentError("it is no Parquet file, and holds one explanation; leave out --item.")
        return Explanation.from_json(file.read_text(encoding="utf-8"))
    explanations = Explanations.load(file)
    items = explanations.items.tolist()
    if item not in items:
        known = f"{min(items)} to {max(items)}" if items else "none"
        raise ArgumentError(f"give --item, the number of one of its {len(items)} instances, {known}; got {item}.")
    if items.count(item) > 1:
        raise ArgumentError(f"it has {items.count(item)} instances of number {item}, from several jobs; choose one in Python.")
    entry = explanations[items.index(item)]
    if isinstance(entry, Explanation):
        return entry
    raise ArgumentError(f"item {item} has no explanation. {entry.error}: {entry.message}")


def _is_parquet(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(4) == b"PAR1"
