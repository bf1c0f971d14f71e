"""Draw docs/images/growth.png from what `python -m benchmarks growth --json FILE` measured: ``python docs/growth.py FILE``."""

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt

TARGET = Path(__file__).parent / "images" / "growth.png"


def draw(file: Path) -> None:
    """Seconds and megabytes against rows, both with axes of powers of ten."""
    tables = json.loads(file.read_text(encoding="utf-8"))["tables"]
    rows = next(table["rows"] for table in tables if table["name"] == "growth of files")
    counts = [int(row["case"].split()[0]) for row in rows]
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    seconds = [count * row["ms a row"] / 1e3 for count, row in zip(counts, rows, strict=True)]
    for axis, values, name in zip(axes, (seconds, [row["MB"] for row in rows]), ("seconds", "MB at the peak"), strict=True):
        axis.loglog(counts, values, "o-", color="#0062b2")
        axis.set_xlabel("rows of 20 columns")
        axis.set_ylabel(name)
        axis.grid(alpha=0.3)
    axes[1].set_ylim(10, 10_000)
    figure.savefig(TARGET, dpi=150)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
