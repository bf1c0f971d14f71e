"""The command ``limelight``."""

import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["main"]


def main() -> None:
    """Run the command line; without click, say how to get it."""
    try:
        commands = _commands()
    except ImportError:
        print("The command line needs click: pip install 'limelight[cli]'", file=sys.stderr)
        sys.exit(1)
    commands()


def _commands() -> Callable[[], None]:
    import click

    from limelight import __version__

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
        from limelight._demo import run

        run(out)

    @limelight.command()
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write its page to this file instead.")
    def show(file: Path, html: Path | None) -> None:
        """Print the explanation that FILE holds as JSON."""
        from limelight import Explanation, LimelightError

        try:
            explanation = Explanation.from_json(file.read_text(encoding="utf-8"))
            if html is None:
                click.echo(str(explanation))
            else:
                explanation.save_to_file(html)
        except (LimelightError, UnicodeDecodeError, OSError) as error:
            raise click.ClickException(f"{str(file)!r}: {error}") from error

    return limelight
