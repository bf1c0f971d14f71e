"""How much each feature weighs over many explanations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight._checks import check_choice
from limelight.collection.arrow import arrow, escape, in_backend
from limelight.collection.weights import Tables, read_weights

__all__ = ["Importance", "importance_of"]

CONFIDENCE = 0.95
SHOWN = 10  # in a repr


@dataclass(frozen=True, repr=False)
class Importance:
    """How much each feature weighs over many explanations, heaviest first.

    Attributes
    ----------
    kind : {"mean_abs", "sqrt"}
        What the values are: the mean of |weight|, or the root of its sum.
    by : {"feature", "name"}
        What they are of.
    count : int
        How many explanations they are from.
    features : tuple of str
        What was reported in at least one of them.
    values : tuple of float
        The importance of each.
    lows, highs : tuple of float
        The ends of its 95 % interval; NaN for a single explanation.
    reported : tuple of int
        How many explanations report it.
    """

    kind: str
    by: str
    count: int
    features: tuple[str, ...]
    values: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    reported: tuple[int, ...]

    def as_list(self) -> list[tuple[str, float]]:
        """Features and their importance, heaviest first."""
        return list(zip(self.features, self.values, strict=True))

    def to_frame(self, backend: str = "pandas") -> Any:
        """The same as a table of pandas, polars or pyarrow: columns feature (or name), importance, low, high, reported."""
        pa = arrow()
        numbers = {"importance": self.values, "low": self.lows, "high": self.highs}
        columns = {
            self.by: pa.array(map(escape, self.features), pa.string()),
            **{name: pa.array(values, pa.float64()) for name, values in numbers.items()},
            "reported": pa.array(self.reported, pa.int64()),
        }
        return in_backend(pa.table(columns), backend)

    def __repr__(self) -> str:
        rows = [f"{value:10.4g}  {feature!r}" for feature, value in self.as_list()[:SHOWN]]
        more = len(self.features) - SHOWN
        return "\n".join(
            [f"Importance ({self.kind}) in {self.count} explanations:", *rows, *[f"... and {more} more"] * (more > 0)]
        )


def importance_of(explanations: Tables, label: int | str | None, by: str, kind: str) -> Importance:
    """What `Explanations.importance` gives."""
    from scipy.special import stdtrit

    check_choice("kind", kind, ("mean_abs", "sqrt"))
    weights = read_weights(explanations, label, by)
    count = int(weights.explained.sum())
    sizes = np.abs(weights.weights)
    unit = sizes.max(initial=0, where=np.isfinite(sizes)) or 1.0  # squares of huge weights would overflow
    totals = weights.matrix(sizes / unit)

    def sums(values: np.ndarray | None) -> np.ndarray:
        return np.bincount(totals.indices, values, minlength=len(weights.features))

    means = sums(totals.data) / count
    with np.errstate(divide="ignore", invalid="ignore"):  # of a single explanation, and of what is not finite: no interval
        variances = np.maximum(sums(totals.data**2) - count * means**2, 0) / (count - 1)
        among = stdtrit(count - 1, (1 + CONFIDENCE) / 2) * np.sqrt(variances / count)
        # As if all weights of a feature erred alike, as they do where instances share their perturbations.
        own = sums(weights.matrix(weights.half_widths / unit).data) / count
        half = np.hypot(among, own)
        columns = [unit * column for column in (means, np.maximum(means - half, 0), means + half)]
    if kind == "sqrt":
        columns = [np.sqrt(count * column) for column in columns]
    order = np.argsort(-means, kind="stable")
    values, lows, highs = (tuple(column[order].tolist()) for column in columns)
    features, reported = tuple(weights.features[i] for i in order), tuple(sums(None)[order].tolist())
    return Importance(kind, by, count, features, values, lows, highs, reported)
