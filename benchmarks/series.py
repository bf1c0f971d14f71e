"""Time series: a model that reads one window only, and how well the heaviest segments are that window."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import numpy as np

from benchmarks._data import DATA
from benchmarks._report import Row, Table, at_least
from limelight import TimeSeriesExplainer

__all__ = ["tables"]

DATA_SETS = ("GunPoint", "ItalyPowerDemand")
INSTANCES = 50
LEAST = 0.6


def tables() -> Iterator[Table]:
    """Windows of three to six segments' length, beginning anywhere; the model answers how near the instance it is there."""
    folder = DATA / "timeseries"
    if not folder.is_dir():
        print(f"\nNo {folder}: the windows of series are not looked for.")
        return
    rows = [
        _row(name, segmentation, fill)
        for name in DATA_SETS
        for segmentation in ("uniform", "change_points")
        for fill in ("mean", "linear")
    ]
    yield Table(
        name="windows of series",
        title=f"A window that the model reads, {INSTANCES} series each: its intersection over union with the heaviest segments",
        ratio_of="mean",
        rows=rows,
        notes=[
            "best: of the segments that the window covers by more than half, which no explanation of segments can beat by much."
        ],
    )


def _row(name: str, segmentation: str, fill: str) -> Row:
    explainer = TimeSeriesExplainer(segmentation, fill)
    draw = np.random.default_rng(0)
    found, best = [], []
    for instance in _series(name)[:INSTANCES]:
        parts = explainer.components(instance)
        labels, count = parts.labels, len(parts.names)
        length = round(int(draw.integers(3, 7)) * len(instance) / count)
        start = int(draw.integers(0, len(instance) - length + 1))
        steps = np.arange(len(instance))
        inside = (steps >= start) & (steps < start + length)

        def model(batch: np.ndarray, inside: np.ndarray = inside, instance: np.ndarray = instance) -> np.ndarray:
            return -np.abs(batch[:, inside] - instance[inside]).mean(axis=1)

        covered = np.flatnonzero(np.bincount(labels, weights=inside) > 0.5 * np.bincount(labels))
        explanation = explainer.explain_instance(instance, model, num_features=max(1, len(covered)))
        heaviest = [component for component, _ in explanation.as_map()[0]]
        found.append(_overlap(inside, np.isin(labels, heaviest)))
        best.append(_overlap(inside, np.isin(labels, covered)))
    figures = {"best": float(np.mean(best)), "median": float(np.median(found))}
    return Row(f"{name}, {segmentation}, {fill}", figures, float(np.mean(found)), at_least(LEAST))


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def _series(name: str) -> list[np.ndarray]:
    """The single channel of each test series of a file in sktime's format."""
    with gzip.open(DATA / "timeseries" / f"{name}_TEST.ts.gz", "rt") as text:
        lines = text.read().splitlines()
    rows = lines[lines.index("@data") + 1 :]
    return [np.array(row.split(":")[0].split(","), dtype=float) for row in rows if row]
