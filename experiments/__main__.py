"""The command line: ``python -m experiments [EXPERIMENT ...] [--data FOLDER]``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

# One module each, and what it asks. A module has `tables(reviews, plan) -> Iterator[Table]`.
EXPERIMENTS = {
    "faithfulness": "are the words listed that the model uses (5.2)",
    "trust": "can users tell which predictions to trust (5.3)",
    "choosing": "can users choose the better of two models (5.4)",
    "improving": "can users make a model better by removing words (6.3)",
}
DATA = Path(os.environ.get("LIMELIGHT_DATA") or Path(__file__).parents[2] / "shared" / "data") / "sentiment_books"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen experiments, print their tables and the missed targets, and draw their figures on request."""
    options = _read(arguments)
    _use_one_thread()
    # Only now: numpy reads the number of threads when it is first imported.
    from experiments._data import DataError, read_reviews
    from experiments._figures import draw
    from experiments._plan import FULL, QUICK
    from experiments._tables import print_table, summarise, versions

    plan = replace(FULL if options.full else QUICK, seed=options.seed, num_samples=options.num_samples)
    sizes = {name: getattr(options, name) for name in ("documents", "pairs", "pool") if getattr(options, name) is not None}
    plan = replace(plan, **sizes)
    try:
        reviews = read_reviews(options.data, options.seed)
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    num_samples = "each one's default number of" if plan.num_samples is None else plan.num_samples
    print(f"{versions()}\n{options.data}, seed {plan.seed}, {num_samples} perturbations")
    tables = []
    for experiment in options.experiments:
        for table in import_module(f"experiments.{experiment}").tables(reviews, plan):
            print_table(table)
            tables.append(table)
    if options.figures:
        for path in draw(tables, options.figures):
            print(f"Wrote {path}")
    print(f"\n{summarise(tables)}")
    return 0


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m experiments",
        description="The experiments of LIME's paper with limelight, lime 0.2.0.1 and the paper's baselines. "
        "Without an experiment: all of them, some minutes.",
        epilog="experiments: " + "; ".join(f"{name} ({what})" for name, what in EXPERIMENTS.items()),
    )
    parser.add_argument("experiments", nargs="*", default=list(EXPERIMENTS), metavar="EXPERIMENT", help="which ones to run")
    parser.add_argument(
        "--data", type=Path, default=DATA, metavar="FOLDER", help="has negative.review and positive.review, or these with .gz"
    )
    parser.add_argument("--full", action="store_true", help="the paper's sizes, which take many hours")
    parser.add_argument(
        "--num-samples",
        type=_count,
        metavar="N",
        help="perturbations of a text (15000 in the paper); else the defaults",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="makes all random numbers (default 0)")
    parser.add_argument("--documents", type=_count, metavar="N", help="test texts to explain for faithfulness and trust")
    parser.add_argument("--pairs", type=_count, metavar="N", help="pairs of models to choose between")
    parser.add_argument("--pool", type=_count, metavar="N", help="texts that are explained for each model to pick from")
    parser.add_argument("--figures", type=Path, metavar="FOLDER", help="draw the figures as PNG into this folder")
    options = parser.parse_args(arguments)
    # Not argparse's `choices`, which refuses the default of an optional list of positional arguments.
    unknown = [name for name in options.experiments if name not in EXPERIMENTS]
    if unknown:
        parser.error(f"no experiment {unknown[0]!r}; there are: {', '.join(EXPERIMENTS)}")
    if options.seed < 0:
        parser.error(f"--seed must be 0 or more, got {options.seed}")
    return options


def _count(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 2:
        raise argparse.ArgumentTypeError(f"must be a whole number from 2 on, got {text!r}")
    return number


def _use_one_thread() -> None:
    """Small products are slower with more threads, and their rounding would depend on the number of cores."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


if __name__ == "__main__":
    sys.exit(main())
