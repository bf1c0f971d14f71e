"""Real tables, raw: scikit-learn's pipelines on frames of pandas and polars, and on the same table coded by hand."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from limelight import TabularExplainer


def load_adult(folder):
    names = "age workclass fnlwgt education education-num marital-status occupation relationship race sex capital-gain "
    names += "capital-loss hours-per-week native-country income"
    table = pd.read_csv(folder / "adult.csv.gz", names=names.split(), skipinitialspace=True, na_values="?").iloc[:2000]
    return table.drop(columns="income"), table["income"]


def load_titanic(folder):
    table = pd.read_csv(folder / "titanic.csv").drop(columns="alive")
    return table.drop(columns="survived"), table["survived"]


def load_diamonds(folder):
    table = pd.read_csv(folder / "diamonds.csv.gz").sample(1500, random_state=0).reset_index(drop=True)
    grades = {"cut": ["Fair", "Good", "Very Good", "Premium", "Ideal"], "color": [*"JIHGFED"]}
    grades["clarity"] = ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"]
    for name, levels in grades.items():
        table[name] = pd.Categorical(table[name], categories=levels, ordered=True)
    return table.drop(columns="price"), table["price"]


def load_mushroom(folder):
    table = pd.read_csv(folder / "mushroom_data.csv.gz", header=None, na_values="?").sample(1000, random_state=0)
    table = table.reset_index(drop=True).rename(columns="feature{}".format)
    return table.drop(columns="feature0"), table["feature0"]


def load_german(folder):
    table = pd.read_csv(folder / "german_processed.csv.gz")
    return table.drop(columns="GoodCustomer"), table["GoodCustomer"]


def to_polars(table):
    ordered = {
        name: pl.Enum([*kind.categories]) for name, kind in table.dtypes.items() if isinstance(kind, pd.CategoricalDtype)
    }
    return pl.from_arrow(pa.Table.from_pandas(table, preserve_index=False)).cast(ordered)


def fitted(table, target, *, ordinal):
    """A pipeline that picks columns by name."""
    choices = make_column_selector(dtype_exclude="number")(table if isinstance(table, pd.DataFrame) else table.to_pandas())
    if ordinal:
        levels = [table[name].dtype.categories for name in choices]
        encoder = OrdinalEncoder(categories=[[*known] for known in levels])
        model = RandomForestRegressor(20, max_depth=8, random_state=0)
    else:
        encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore", max_categories=8)
        model = RandomForestClassifier(20, max_depth=8, random_state=0)
    others = [name for name in table.columns if name not in choices]
    return make_pipeline(make_column_transformer((encoder, choices), ("passthrough", others)), model).fit(table, target)


def by_hand(table):
    """A table as codes, options that name them, and the way back."""
    coded, names = np.empty(table.shape), {}
    for number, (name, column) in enumerate(table.items()):
        if pd.api.types.is_numeric_dtype(column) and column.dtype != bool:
            coded[:, number] = column
        else:
            names[name] = sorted(column.dropna().unique())
            coded[:, number] = column.map({value: place for place, value in enumerate(names[name])}).astype(float)

    def decode(rows):
        columns = {}
        for name, column in zip(table.columns, rows.T, strict=True):
            if name in names:
                places = np.where(np.isnan(column), len(names[name]), column).astype(int)
                columns[name] = np.array([*names[name], np.nan], dtype=object)[places]
            else:
                columns[name] = np.rint(column) if table[name].dtype.kind == "i" else column
        return pd.DataFrame(columns).astype(table.dtypes)

    options = {"feature_names": table.columns, "categorical_features": names}
    return coded, decode, options | {"categorical_names": {name: [*map(str, known)] for name, known in names.items()}}


def assert_agree(one, other):
    """The weights of the components that both report lie within twice the sum of their intervals; one's may have no width."""
    found = {name: (weight, weight - low) for name, weight, low in zip(*heaviest(other), strict=True)}
    shared = 0
    for name, weight, low in zip(*heaviest(one), strict=True):
        if name in found:
            shared += 1
            assert abs(weight - found[name][0]) <= 2 * (weight - low + found[name][1]) + 1e-12
    assert shared >= 4


def heaviest(explanation):
    surrogate = explanation.surrogate()
    return [explanation.names[number] for number in surrogate.components], surrogate.weights, surrogate.lows


@pytest.mark.parametrize("load", [load_adult, load_titanic, load_diamonds, load_mushroom, load_german])
def test_pandas_polars_and_codes_by_hand_agree(data_folder, load):
    table, target = load(data_folder / "tabular")
    ordinal = load is load_diamonds
    model = fitted(table, target, ordinal=ordinal)
    ask = model.predict if ordinal else model.predict_proba
    explainer = TabularExplainer(table)
    other = to_polars(table)
    other_explainer, other_model = TabularExplainer(other), fitted(other, target, ordinal=ordinal)
    coded, decode, options = by_hand(table)
    for number, samples in ((0, 1000), (17, "auto")):
        arguments = {"num_features": 6, "num_samples": samples}
        ours = explainer.explain_instance(table.iloc[number], model, **arguments)
        assert ours == other_explainer.explain_instance(other[number], other_model, **arguments)
        hand = TabularExplainer(coded, **options, class_names=ours.output_names).explain_instance(
            coded[number], lambda rows: ask(decode(rows)), **arguments
        )
        assert (ours.names, ours.view, ours.predictions) == (hand.names, hand.view, hand.predictions)
        assert any(abs(weight) > 1e-6 for weight in ours.surrogate().weights)
        assert_agree(ours, hand)
