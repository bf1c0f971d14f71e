"""The heaviest features of many explanations, laid out like an explanation's weights."""

from __future__ import annotations

from typing import NamedTuple

from limelight.collection.importance import Importance
from limelight.renderers._bars import BarChart, Bars, lay_out_bars, make_bar
from limelight.renderers._names import show_names
from limelight.renderers._numbers import choose_decimals

__all__ = ["ImportanceLayout", "lay_out_importance"]


class ImportanceLayout(NamedTuple):
    """The heaviest features.

    Attributes
    ----------
    label : Bars
        A bar for each, as for an explained label.
    chart : BarChart
        The bars on their axis.
    reported : dict of int to str
        How often each was reported, by the bar's number.
    more : int
        How many features are left out.
    """

    label: Bars
    chart: BarChart
    reported: dict[int, str]
    more: int


def lay_out_importance(importance: Importance, num_features: int) -> ImportanceLayout:
    """Lay out the heaviest features, at most this many."""
    decimals = choose_decimals(max(importance.values, default=0.0))
    features = show_names(importance.features[:num_features])
    columns = (features, importance.values[:num_features], importance.lows[:num_features], importance.highs[:num_features])
    rows = enumerate(zip(*columns, strict=True))
    bars = Bars(tuple(make_bar(i, name, value, low, high, decimals, is_signed=False) for i, (name, value, low, high) in rows))
    reported = {i: str(times) for i, times in enumerate(importance.reported[:num_features])}
    return ImportanceLayout(bars, lay_out_bars(bars), reported, len(importance.features) - len(bars.bars))
