"""The paper's figures, drawn from the tables: bars of recall, and the share of right choices against what users have seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from experiments._tables import Table

__all__ = ["draw"]


def draw(tables: Iterable[Table], folder: Path) -> Iterator[Path]:
    """Write a PNG for each table that has a figure in the paper; the folder is made where it is missing."""
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    for table in tables:
        if table.figure is None:
            continue
        figure = Figure(figsize=(10, 5.5), layout="constrained")
        axes = figure.add_subplot()
        columns = list(table.rows[0].found)
        for number, row in enumerate(table.rows):
            values = [row.found[column].value for column in columns]
            errors = [row.found[column].error for column in columns]
            if table.figure.has_bars:
                width = 0.8 / len(table.rows)
                places = [place + width * (number - (len(table.rows) - 1) / 2) for place in range(len(columns))]
                axes.bar(places, values, width, yerr=errors, capsize=2, label=row.case.strip())
            else:
                places = [float(column) for column in columns]
                axes.errorbar(places, values, yerr=errors, capsize=2, marker="o", label=row.case.strip())
        if table.figure.has_bars:
            axes.set_xticks(range(len(columns)), [column.replace(", ", ",\n") for column in columns])
        axes.set(xlabel=table.figure.across, ylabel=table.figure.up)
        axes.set_title(table.title, fontsize="medium")
        figure.legend(loc="outside lower center", ncols=4, fontsize="small")
        path = folder / f"{table.figure.name}.png"
        figure.savefig(path, dpi=120)
        yield path
