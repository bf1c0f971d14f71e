"""The command line: ``python -m benchmarks [SECTION ...] [--json FILE]``."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

# One module each, and what it measures. A module has `tables() -> Iterator[Table]`.
SECTIONS = {
    "tables": "rows of a table: time outside the model",
    "frames": "rows of a frame with texts: time outside the model, memory",
    "text": "texts: time of the whole call with a pipeline, outside the model with any callable",
    "transformers": "classifiers of transformers: the whole call beside the module's forward pass, padding",
    "language": "prompts of a language model: the whole call, beside captum and shap",
    "images": "images: putting perturbations together, the whole call, memory",
    "compat": "programs written for lime: the same calls through limelight.compat",
    "gpu": "images on a GPU: one and many beside the network's own speed and lime; without one, a rehearsal on the CPU",
    "series": "time series: finding the window that a model reads",
    "wide": "thousands of words or columns: the whole call, memory",
    "accuracy": "error of the weights at equal numbers of model inputs",
    "few": "texts: heaviest words found with 128 inputs, inputs of sentences with a sentence model",
    "exact": "trees and forests, exactly: time and errors beside sampling, time beside shap, memory",
    "trust": "lists: whether intervals hold, certainties are right, other seeds give the same list",
    "photographs": "error of images' weights at equal numbers of model inputs",
    "batch": "many rows and texts: the whole job",
    "growth": "up to a million rows: time and memory as they grow; half an hour, on request only",
    "clusters": "Dask workers and Spark cores, two beside one: the whole job",
    "remote": "a web service that takes 50 ms for an answer: time beside a loop, calls with failures and at a limit",
    "pick": "many explanations: keeping them, picking the few that show most; time, memory",
    "pages": "an explanation's HTML, and a report of many: time and size",
    "imports": "time of the import",
}
ON_REQUEST = ("growth",)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the chosen sections, print their tables and the missed targets, and write them as JSON on request."""
    options = _read(arguments)
    _use_one_thread()
    # Only now: numpy reads the number of threads when it is first imported.
    from benchmarks._report import as_json, missed_targets, print_table, versions

    print(", ".join(f"{name} {version}" for name, version in versions().items()))
    tables = []
    for section in options.sections:
        for table in import_module(f"benchmarks.{section}").tables():
            print_table(table)
            tables.append(table)
    missed = missed_targets(tables)
    print("\nMissed targets:\n  " + "\n  ".join(missed) if missed else "\nEvery target is reached.")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(as_json(tables), indent=2) + "\n", encoding="utf-8")


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures limelight beside lime 0.2.0.1. Without a section: all of them, some minutes.",
        epilog="sections: " + "; ".join(f"{name} ({what})" for name, what in SECTIONS.items()),
    )
    parser.add_argument(
        "sections",
        nargs="*",
        default=[section for section in SECTIONS if section not in ON_REQUEST],
        metavar="SECTION",
        help="which sections to run",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as well")
    options = parser.parse_args(arguments)
    # Not argparse's `choices`, which refuses the default of an optional list of positional arguments.
    unknown = [section for section in options.sections if section not in SECTIONS]
    if unknown:
        parser.error(f"no section {unknown[0]!r}; there are: {', '.join(SECTIONS)}")
    return options


def _use_one_thread() -> None:
    """CPU time counts every thread, so threads that wait for each other would be counted as work."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ["TQDM_DISABLE"] = "1"  # lime's progress bars


if __name__ == "__main__":
    main()
