"""Arrays of all that columns can hold, and a model that remembers what it was asked; for tests of tables."""

import numpy as np

from limelight import TabularExplainer

RNG = np.random.default_rng(7)
ROWS = RNG.normal(size=(400, 3))
# Column 0 is numeric, 1 holds three codes in unequal shares, 2 is constant, 3 counts with a mode at its minimum.
MIXED = np.column_stack(
    [RNG.normal(5, 2, 400), RNG.choice([0.0, 1.0, 3.0], 400, p=[0.6, 0.3, 0.1]), np.full(400, 7.0), RNG.poisson(0.3, 400) + 1.0]
)
COLOURS = {"colour": ["red", "green", "blue", "black"]}


class Recorder:
    """A model that remembers copies of what it was asked about: arrays of doubles, or frames."""

    def __init__(self, answer=lambda rows: rows @ np.arange(1.0, rows.shape[1] + 1)):
        self.answer = answer
        self.batches = []

    def __call__(self, rows):
        assert not isinstance(rows, np.ndarray) or type(rows) is np.ndarray
        self.batches.append(rows.copy() if isinstance(rows, np.ndarray) else rows)
        return self.answer(rows)

    @property
    def rows(self):
        return np.concatenate(self.batches)

    @property
    def drawn(self):
        """All rows but the instance, which comes first."""
        return self.rows[1:]


def mixed(**options):
    return TabularExplainer(
        MIXED,
        feature_names=["size", "colour", "fixed", "count"],
        categorical_features=["colour"],
        categorical_names=COLOURS,
        **options,
    )


def codes(explanation):
    return [notice.code for notice in explanation.notices]


def len_of(rows):
    return np.zeros(len(rows))
