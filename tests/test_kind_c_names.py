"""Names whose order is not certain are refused; numbered names are read by number."""

import numpy as np
import pandas as pd
import pytest

import limelight
from limelight import ComponentsExplainer, Explanations, TabularExplainer, TextExplainer, TimeSeriesExplainer
from limelight.exceptions import ArgumentError, ArgumentTypeError

ROWS = np.random.default_rng(3).normal(size=(120, 3))


def shares(rows):
    return np.column_stack([rows[:, 0] < 0, rows[:, 0] >= 0]).astype(float)


@pytest.mark.parametrize(
    ("names", "kind"),
    [({"cat", "dog"}, "set"), (frozenset({"cat", "dog"}), "frozenset"), ({"cat": 1, "dog": 2}.keys() & {"cat", "dog"}, "set")],
)
def test_kind_c_names_from_a_set_are_refused(names, kind):
    message = rf"must have a certain order, which a {kind} lacks: give a list"
    with pytest.raises(ArgumentTypeError, match=f"class_names {message}"):
        TextExplainer(class_names=names)
    with pytest.raises(ArgumentTypeError, match=f"feature_names {message}"):
        TabularExplainer(ROWS[:, :2], feature_names=names)
    with pytest.raises(ArgumentTypeError, match=f"channel_names {message}"):
        TimeSeriesExplainer(channel_names=names)
    with pytest.raises(ArgumentTypeError, match=rf"categorical_names\[0\] {message}"):
        TabularExplainer(ROWS > 0, categorical_features=[0], categorical_names={0: names})
    with pytest.raises(ArgumentTypeError, match=f"instances {message}"):
        TextExplainer().explain_many(names, lambda texts: [len(text) for text in texts])
    with pytest.raises(ArgumentTypeError, match=f"entries {message}"):
        Explanations.of(names)


def test_components_named_by_a_set_are_refused():
    class Parts:
        names = frozenset(["door", "roof"])

        def compose(self, masks):
            return masks

    with pytest.raises(ArgumentTypeError, match="names of Parts must have a certain order"):
        ComponentsExplainer().explain_instance(Parts(), lambda masks: masks[:, 0])


def test_labels_from_a_set_are_refused():
    explainer = TabularExplainer(ROWS)
    with pytest.raises(ArgumentTypeError, match="labels must have a certain order"):
        explainer.explain_instance(ROWS[0], shares, labels={0, 1})
    explanation = explainer.explain_instance(ROWS[0], shares, labels=(1, 0))
    with pytest.raises(ArgumentTypeError, match="labels must have a certain order"):
        explanation.as_html(labels={0, 1})


@pytest.mark.parametrize(
    "names",
    [
        {2: "deer", 0: "cat", 1: "dog"},
        {"1": "dog", "2": "deer", "0": "cat"},
        {np.int64(1): "dog", np.int64(0): "cat", np.int64(2): "deer"},
    ],
)
def test_numbered_names_are_read_by_number(names):
    explainer = TabularExplainer(ROWS, class_names=names, feature_names=names)
    assert explainer.options.class_names == ("cat", "dog", "deer")
    assert explainer.columns == ("cat", "dog", "deer")


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        ({"cat": 0, "dog": 1}, "'cat', 'dog'"),
        ({1: "cat", 2: "dog"}, "1, 2"),
        ({0: "cat", 2: "dog"}, "0, 2"),
        ({0: "cat", "0": "dog"}, "0, '0'"),
        ({-1: "cat", 1: "dog"}, "-1, 1"),
    ],
)
def test_other_mappings_are_refused(names, keys):
    with pytest.raises(ArgumentError, match=f"mapping from the numbers 0 to 1 to names; got one from {keys}. Give a list"):
        TextExplainer(class_names=names)


@pytest.mark.parametrize("names", ["ham", b"ham", 3, np.array([["ham", "spam"]]), np.array("ham")])
def test_what_is_no_sequence_of_names_is_refused(names):
    with pytest.raises(ArgumentTypeError, match="class_names must be a sequence of names"):
        TextExplainer(class_names=names)


@pytest.mark.parametrize(
    "names",
    [
        (name for name in ["ham", "spam"]),
        {"ham": 7, "spam": 9}.keys(),
        {"a": "ham", "b": "spam"}.values(),
        pd.Index(["ham", "spam"]),
        np.array(["ham", "spam"]),
    ],
)
def test_whatever_has_an_order_gives_names(names):
    assert TextExplainer(class_names=names).options.class_names == ("ham", "spam")


def test_columns_may_be_a_set_where_their_order_does_not_matter():
    data = np.column_stack([ROWS[:, 0] > 0, ROWS[:, 1] > 0, ROWS[:, 2]]).astype(float)
    first, second = (
        TabularExplainer(data, categorical_features=columns, groups={"both": columns}).explain_instance(
            data[0], lambda rows: rows @ [1.0, 2.0, 3.0]
        )
        for columns in ({0, 1}, [1, 0])
    )
    assert first == second


def test_every_public_module_is_an_attribute():
    for name in ("datasets", "exceptions", "extend", "segmentation"):
        assert getattr(limelight, name).__name__ == f"limelight.{name}"
