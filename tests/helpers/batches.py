"""Explainers of every kind with instances and models for them; for tests of many explanations.

The models' outputs for an input do not depend on what else is in its batch, not even in the last bits.
"""

import dataclasses

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from limelight import ComponentsExplainer, ImageExplainer, TabularExplainer, TextExplainer, TimeSeriesExplainer

RNG = np.random.default_rng(3)
ROWS = RNG.normal(size=(200, 5))
GAPPY = np.where(RNG.random(ROWS.shape) < 0.1, np.nan, ROWS)
OUTSIDE = np.vstack([ROWS[:3], ROWS[:2] + 9, np.where(np.eye(5)[:3], np.nan, ROWS[5:8])])
COLUMNS = {
    "real": ROWS[:, 0].tolist(),
    "count": [None if i % 7 == 0 else i % 5 for i in range(200)],
    "city": [None if i % 9 == 0 else ("Lima", "Oslo", "Rome")[i % 3] for i in range(200)],
    "flag": [i % 4 == 0 for i in range(200)],
}
REVIEWS = [f"The {'fine' if i % 2 else 'cold'} soup, and the {'view' if i % 3 else 'bread'} of day {i % 7}." for i in range(60)]
LABELS = (ROWS[:, 0] > 0).astype(int) + (ROWS[:, 1] > 0.5)
IMAGES = RNG.integers(0, 256, size=(6, 12, 12, 3), dtype=np.uint8)


def bits(entry):
    """Everything that an entry says and its provenance; unlike ==, this tells 0.0 from -0.0 and finds NaN equal to NaN."""
    return repr([getattr(entry, field.name) for field in dataclasses.fields(entry) if field.name != "id"])


def same(collection, entries):
    return [bits(entry) for entry in collection] == [bits(entry) for entry in entries]


def plain(rows):
    """Column 0, and a product of two others."""
    filled = np.nan_to_num(rows, nan=-2.0)
    return 2 * filled[:, 0] - filled[:, 1] * filled[:, 2]


def of_frame(frame):
    columns = nw.from_native(frame, eager_only=True)
    real, counts, cities, flags = (columns[name].to_list() for name in COLUMNS)
    gaps = [count is None or count != count for count in counts]
    return np.array(real) + 2.0 * np.array(gaps) + 0.5 * np.array([city == "Rome" for city in cities]) - np.array(flags)


def of_texts(texts):
    return np.array([2.0 * ("fine" in text) - ("soup" in text) * len(text.split()) / 9 for text in texts])


def of_mixed(frame):
    return of_texts(frame["review"].tolist()) + frame["real"].to_numpy()


def of_sparse(rows):
    return np.asarray(rows[:, [3]].todense()).ravel() + 2 * np.asarray(rows[:, [11]].todense()).ravel()


def of_steps(sequences):
    return sequences[:, -1, 0] - sequences[:, 0, 1] * sequences[:, 1, 1]


def of_images(images):
    return images[:, 3, 3, 0] / 255.0 + 2.0 * (images[:, 9, 8, 1] > 100)


def of_series(series):
    return series[:, 5] + series[:, 20] * series[:, 30]


class Blocks:
    """Components of a user's own: three numbers that can be left out."""

    def __init__(self, numbers):
        self.names = [f"block {i}" for i in range(3)]
        self.numbers = numbers

    def compose(self, masks):
        return masks * self.numbers


def tree(**settings):
    return DecisionTreeClassifier(max_depth=4, random_state=0, **settings)


def text_pipeline():
    model = make_pipeline(TfidfVectorizer(), RandomForestClassifier(5, random_state=0))
    return model.fit(REVIEWS, [i % 2 for i in range(60)])


def frames(build):
    frame = build(COLUMNS)
    new = build({"real": [0.1, 99.0, 0.2], "count": [2, 3, None], "city": ["Rome", "Kyiv", None], "flag": [True, False, True]})
    together = [frame[:9] if build is not pa.table else frame.slice(0, 9), new]
    joined = {pd.DataFrame: pd.concat, pl.DataFrame: pl.concat, pa.table: pa.concat_tables}[build](together)
    return TabularExplainer(frame), joined, of_frame, {}


def sparse_rows():
    rows = sparse.random_array((50, 20), density=0.3, rng=np.random.default_rng(0), format="csr")
    return TabularExplainer(rows), rows[:6], of_sparse, {}


def mixed():
    frame = pd.DataFrame({"real": ROWS[:60, 0], "review": REVIEWS})
    return TabularExplainer(frame, kinds={"review": "text"}), frame[:6], of_mixed, {}


def repaired(rows):
    return np.abs(rows)


# Each gives an explainer, instances, a model, and arguments.
CASES = {
    "arrays": lambda: (TabularExplainer(ROWS), ROWS[:8], plain, {}),
    "missing values": lambda: (TabularExplainer(GAPPY), GAPPY[:8], plain, {}),
    "outside": lambda: (TabularExplainer(ROWS), OUTSIDE, plain, {}),
    "no bins": lambda: (TabularExplainer(ROWS, discretize_continuous=False), OUTSIDE[:5], plain, {}),
    "around": lambda: (TabularExplainer(ROWS, sampler="around"), ROWS[:4], plain, {}),
    "training rows": lambda: (TabularExplainer(ROWS, sampler="training_rows"), OUTSIDE, plain, {}),
    "groups": lambda: (TabularExplainer(ROWS, groups={"pair": [1, 2]}, constraint=repaired), OUTSIDE[:5], plain, {}),
    "lasso": lambda: (TabularExplainer(ROWS, feature_selection="lasso_path"), ROWS[:4], plain, {"num_features": 2}),
    "pandas": lambda: frames(pd.DataFrame),
    "polars": lambda: frames(pl.DataFrame),
    "pyarrow": lambda: frames(pa.table),
    "sparse": sparse_rows,
    "sequences": lambda: (TabularExplainer(ROWS.reshape(-1, 2, 5)), ROWS[:10].reshape(-1, 2, 5), of_steps, {}),
    "columns of text": mixed,
    "texts": lambda: (TextExplainer(), [*REVIEWS[:6], "fine", "no word of it, and then some more of the same"], of_texts, {}),
    "text pipeline": lambda: (TextExplainer(), REVIEWS[:6], text_pipeline(), {}),
    "images": lambda: (ImageExplainer(segmentation="grid"), IMAGES, of_images, {}),
    "series": lambda: (TimeSeriesExplainer(), ROWS.reshape(-1, 40)[:4], of_series, {}),
    "own components": lambda: (ComponentsExplainer(), [Blocks(row[:3]) for row in ROWS[:4]], plain, {}),
    "three classes": lambda: (TabularExplainer(ROWS), OUTSIDE, tree().fit(ROWS, LABELS), {"top_labels": 2}),
    "several outputs": lambda: (
        TabularExplainer(ROWS),
        ROWS[:5],
        tree().fit(ROWS, np.column_stack([LABELS, ROWS[:, 3] > 0])),
        {"labels": [0, 3]},
    ),
}


def one_by_one(explainer, instances, model, **arguments):
    """What `explain_instance` says of each."""
    if isinstance(instances, (pd.DataFrame, pl.DataFrame, pa.Table)):
        rows = nw.from_native(instances).iter_rows(named=True)
    elif sparse.issparse(instances):
        rows = (instances[[i]] for i in range(instances.shape[0]))
    else:
        rows = instances
    return [explainer.explain_instance(row, model, **arguments) for row in rows]


class Counter:
    """A model that keeps how many inputs each call had."""

    def __init__(self, model):
        self.model = model
        self.sizes = []

    def __call__(self, inputs):
        self.sizes.append(len(inputs) if isinstance(inputs, list) else inputs.shape[0])
        return self.model(inputs)
