"""The weights of many explanations: in frames, and added up to importance."""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from bs4 import BeautifulSoup  # comes with nbconvert
from helpers.many import FAILURE, WAYS, few, keep
from helpers.samples import HARD, explain, parts, table, text
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from scipy import stats

from limelight import Explanations, Failure, TabularExplainer
from limelight.exceptions import ArgumentError, ArgumentTypeError, LabelError, MissingDependencyError
from limelight.results.views import Cell, MixedView, Passage, Span, TableView, TextView


@pytest.fixture(params=WAYS)
def stored(request, tmp_path):
    return keep(request.param, tmp_path)


CERTAINTY = ("sign_probability", "top_probability", "best_rank", "worst_rank")


class TestFrames:
    def test_long(self, stored):
        frame = stored.to_frame()
        assert list(frame.columns) == [
            *("item", "id", "label", "output", "component", "feature", "name", "value", "weight", "low", "high"),
            *CERTAINTY,
        ]
        expected = pd.concat([entry.to_frame().assign(item=i) for i, entry in enumerate(few()) if entry != FAILURE])
        own = expected.reset_index(drop=True)[
            ["item", "label", "component", "name", "value", "weight", "low", "high", *CERTAINTY]
        ]
        pd.testing.assert_frame_equal(frame[own.columns], own)
        assert set(frame["output"]) == {"stargazers"}
        assert set(frame["feature"]) == {"bmi", "blood pressure", "age"}

    def test_backends(self, stored):
        frame = stored.to_frame()
        assert isinstance(stored.to_frame("polars"), pl.DataFrame)
        assert isinstance(stored.to_frame("pyarrow"), pa.Table)
        assert frame.pop("id").isna().all()
        assert stored.to_frame("polars").drop("id").rows() == list(frame.itertuples(index=False, name=None))
        assert stored.to_frame("pyarrow").drop("id").to_pydict() == frame.to_dict("list")
        for look in (stored.to_frame, lambda backend: stored.to_wide_frame(backend=backend), stored.importance().to_frame):
            with pytest.raises(ArgumentError, match="backend must be one of 'pandas', 'polars', 'pyarrow'; got 'dask'"):
                look(backend="dask")

    def test_backend_that_is_missing(self, monkeypatch):
        def missing(*_, **__):
            raise ModuleNotFoundError("no polars")

        monkeypatch.setattr("narwhals.stable.v2.from_arrow", missing)
        with pytest.raises(MissingDependencyError, match="a frame of polars needs polars: pip install polars"):
            Explanations.of(few()).to_frame("polars")

    def test_all_labels(self):
        entries = [HARD["text, three labels"], HARD["parts, three labels"]]
        frame = Explanations.of(entries).to_frame()
        assert len(frame) == sum(len(surrogate.components) for entry in entries for surrogate in entry.surrogates)
        assert frame["output"].unique().tolist() == ["beekeepers", "gardeners", "stargazers"]
        assert frame[["label", "output"]].drop_duplicates()["label"].tolist() == [2, 0, 1]
        assert (frame["feature"] == frame["name"]).all()

    def test_wide(self, stored):
        frame = stored.to_wide_frame()
        entries = [entry for entry in few() if entry != FAILURE]
        fixed = ["item", "id", "label", "output", "prediction", "local_prediction", "fidelity", "fidelity_error", "converged"]
        assert list(frame.columns) == [*fixed, "bmi", "age", "blood pressure"]
        assert frame["item"].tolist() == [0, 1, 3, 4, 5, 6]
        assert frame["prediction"].tolist() == [0.5] * 6
        assert frame["local_prediction"].tolist() == [0.65] * 6
        assert frame["fidelity"].tolist() == [0.875] * 6
        assert frame["fidelity_error"].tolist() == [0.02] * 6
        assert frame["converged"].all()
        assert frame["bmi"].tolist() == [entry.surrogate().weights[0] for entry in entries]

    def test_wide_of_labels(self):
        entries = [HARD["table, three labels"], HARD["text, three labels"], FAILURE]
        collection = Explanations.of(entries)
        every = collection.to_wide_frame("all", by="name")
        assert every[["item", "label"]].to_numpy().tolist() == [[0, 2], [0, 0], [0, 1], [1, 2], [1, 0], [1, 1]]
        for label, name in ((1, "stargazers"), (0, "gardeners")):
            one = collection.to_wide_frame(name, by="name")
            assert one.equals(collection.to_wide_frame(label, by="name"))
            assert one["label"].tolist() == [label, label]
            for row, entry in zip(one.to_dict("records"), entries, strict=False):
                expected = dict(entry.as_list(label))
                assert {name: weight for name, weight in row.items() if weight and name in entry.names} == expected
        absent = collection.to_wide_frame(1, by="name", num_features=2)
        assert len(absent.columns) == 11
        assert (absent.iloc[:, 9:] == 0).any(axis=None)

    def test_wide_columns_that_are_called_alike(self):
        columns = ("item", "feature item", "prediction", "a")
        frame = Explanations.of([table(columns, weights={1: (0.4, 0.3, 0.2, 0.1)})]).to_wide_frame(backend="polars")
        assert frame.columns[9:] == ["feature item", "feature feature item", "feature prediction", "a"]

    def test_features_of_several_components(self):
        view = MixedView(
            TableView((Cell("age", "39", 0),)), (Passage("note", TextView("a b", (Span(0, 1, 1), Span(2, 3, 2)))),)
        )
        collection = Explanations.of([explain(view, ("age", "a", "b"), {1: (0.1, 0.5, -0.25)})])
        assert collection.to_wide_frame()["note"].tolist() == [0.25]
        assert collection.importance().as_list() == [("note", 0.75), ("age", 0.1)]
        assert collection.importance(by="name").as_list() == [("a", 0.5), ("b", 0.25), ("age", 0.1)]

    def test_too_wide(self, monkeypatch):
        monkeypatch.setattr("limelight.collection._frames._MOST_CELLS", 10)
        with pytest.raises(
            ArgumentError, match="6 rows and 3 features would have more than 10 weights; give a smaller num_feat"
        ):
            Explanations.of(few()).to_wide_frame()
        assert len(Explanations.of(few()).to_wide_frame(num_features=1)) == 6

    def test_texts_that_no_frame_can_hold(self):
        collection = Explanations.of([parts(("\ud800", "b"), weights={1: (0.2, 0.1)})])
        assert collection.to_frame("polars")["name"].to_list() == ["\0d800", "b"]
        assert collection.to_wide_frame("all", backend="polars").columns[9:] == ["\0d800", "b"]

    def test_mistakes(self, stored):
        with pytest.raises(ArgumentError, match="num_features must be an integer of at least 1; got 0"):
            stored.to_wide_frame(num_features=0)
        with pytest.raises(ArgumentError, match="by must be one of 'feature', 'name'; got 'value'"):
            stored.to_wide_frame(by="value")


def plain_weights(entries, label, by):
    """W of the paper as a frame, written as simply as can be; NaN where a label was not explained."""
    rows = []
    for entry in entries:
        own = [] if isinstance(entry, Failure) else [*entry.surrogates]
        wanted = entry.default_label if label is None and own else label
        own = [surrogate for surrogate in own if wanted == "all" or surrogate.label == wanted]
        row = {}
        for surrogate in own:
            for component, weight in zip(surrogate.components, surrogate.weights, strict=True):
                name = entry.names[component]
                key = entry.view.columns().get(component, name) if by == "feature" else name
                row[key] = row.get(key, 0) + abs(weight)
        if own:
            rows.append(row)
    return pd.DataFrame(rows).fillna(0.0)


@st.composite
def weighted(draw):
    """Explanations of few components with few different weights and labels."""
    entries = []
    for _ in range(draw(st.integers(1, 6))):
        labels = draw(st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True))
        weight = st.sampled_from((0.5, -0.25, 0.125, 1.0, 0.0))
        weights = {label: draw(st.lists(weight, max_size=4)) for label in labels}
        columns = draw(st.lists(st.sampled_from("abcd"), min_size=4, max_size=4))
        entries.append(draw(st.just(table(columns, weights=weights, classes=("u", "v", "w"))) | st.just(FAILURE)))
    return entries


class TestImportance:
    @given(weighted(), st.sampled_from([None, "all", 0, 1]), st.sampled_from(["feature", "name"]))
    def test_as_the_paper_says(self, entries, label, by):
        plain = plain_weights(entries, label, by)
        collection = Explanations.of(entries)
        if not len(plain):
            with pytest.raises(LabelError):
                collection.importance(label, by=by)
            return
        importance = collection.importance(label, by=by)
        assert importance.count == len(plain)
        assert dict(importance.as_list()) == pytest.approx(plain.mean().to_dict())
        assert dict(zip(importance.features, importance.reported, strict=True)).keys() == plain.mean().to_dict().keys()
        root = collection.importance(label, by=by, kind="sqrt")
        assert dict(root.as_list()) == pytest.approx(np.sqrt(plain.sum()).to_dict())
        assert root.features == importance.features
        assert list(importance.values) == sorted(importance.values, reverse=True)

    def test_of_each_storage(self, stored):
        assert stored.importance() == Explanations.of(few()).importance()
        assert stored[[0, 4, 3]].importance() == Explanations.of([few()[i] for i in (0, 4, 3)]).importance()

    def test_intervals(self):
        draw = np.random.default_rng(0)
        weights = draw.normal(size=(30, 3))
        collection = Explanations.of([table(weights={1: tuple(row)}) for row in weights])
        importance = collection.importance()
        frame = collection.to_frame()
        for name, low, high in zip(importance.features, importance.lows, importance.highs, strict=True):
            own = np.abs(weights[:, ("bmi", "blood pressure", "age").index(name)])
            among = stats.t.ppf(0.975, 29) * stats.sem(own)
            common = (frame.high - frame.weight)[frame.feature == name].mean()
            half = np.hypot(among, common)
            assert (low, high) == pytest.approx((max(0, own.mean() - half), own.mean() + half))
        root = collection.importance(kind="sqrt")
        assert root.lows == pytest.approx(np.sqrt(30 * np.array(importance.lows)))

    def test_intervals_hold_what_explanations_of_a_batch_have_in_common(self):
        rows = np.random.default_rng(0).normal(size=(300, 3))

        def importances(seed, some):
            explainer = TabularExplainer(rows, random_state=seed)
            return explainer.explain_many(
                some, lambda x: np.tanh(2 * x[:, 0] + x[:, 1] * x[:, 2]), num_samples=200
            ).importance()

        wanted = np.mean([dict(importances(seed, rows).as_list())["x0"] for seed in range(20)])
        draw = np.random.default_rng(1)
        covered = []
        for seed in range(100, 160):
            one = importances(seed, rows[draw.choice(300, 100)])
            place = one.features.index("x0")
            covered.append(one.lows[place] <= wanted <= one.highs[place])
        assert np.mean(covered) >= 0.9

    def test_of_one(self):
        importance = Explanations.of([table()]).importance()
        assert importance.reported == (1,) * 4
        assert np.isnan(importance.lows).all()
        assert np.isnan(importance.highs).all()

    def test_huge_weights(self):
        importance = Explanations.of([table(weights={1: (1e300, 2.0)}), table(weights={1: (-1e300, 0.0)})]).importance()
        assert importance.values == (1e300, 1.0)
        assert importance.lows[0] == importance.highs[0] == 1e300

    @pytest.mark.parametrize("weight", [np.nan, np.inf, -np.inf])
    def test_what_is_not_finite_spoils_nothing_else(self, weight):
        entries = [parts(("a", "b"), weights={1: own}) for own in ((0.5, 0.25), (0.25, 0.5), (0.5, weight))]
        importance = Explanations.of(entries).importance()
        plain = Explanations.of([entries[0], entries[1], parts(("a",), weights={1: (0.5,)})]).importance()
        own = importance.features.index("a")
        for column in ("values", "lows", "highs", "reported"):
            assert getattr(importance, column)[own] == pytest.approx(getattr(plain, column)[plain.features.index("a")])
        np.testing.assert_equal(importance.values[1 - own], abs(weight))

    def test_nothing_reported(self):
        importance = Explanations.of([HARD["table, nothing reported"]]).importance()
        assert importance.as_list() == []
        assert importance.count == 1
        full = Explanations.of([table()]).importance()
        assert importance.to_frame("pyarrow").schema == full.to_frame("pyarrow").schema

    def test_by_class_and_by_slice(self):
        entries = [text(weights=weights) for weights in ({0: (0.5,), 1: (-0.5, 0.25)}, {1: (0.75,)}, {0: (0.125,)})]
        collection = Explanations.of(entries)
        assert collection.importance("stargazers") == collection.importance(1)
        assert collection.importance(1).as_list() == [("Last", 0.625), ("hour", 0.125)]
        assert collection.importance(0).count == 2
        assert collection[[False, True, True]].importance("gardeners").as_list() == [("Last", 0.125)]

    def test_texts_that_no_frame_can_hold(self):
        collection = Explanations.of([parts(("\ud800", "b"), weights={1: (0.2, 0.1)}, classes=("\0", "\udfff"))])
        importance = collection.importance("\udfff")
        assert importance.features == ("\ud800", "b")
        assert importance.to_frame("polars")["feature"].to_list() == ["\0d800", "b"]
        with pytest.raises(LabelError, match=r"explained: 1 \(\udfff\)"):
            collection.importance("\0")

    def test_names_that_two_outputs_share(self):
        entry = replace(table(weights={1: (0.5,), 0: (0.25,)}), output_names=("same", "same"))
        with pytest.raises(LabelError, match="label 'same' is the name of several outputs of an explanation: give a number"):
            Explanations.of([entry]).importance("same")
        assert Explanations.of([entry]).importance(0).values == (0.25,)

    def test_frame_and_repr(self, stored):
        importance = stored.importance()
        frame = importance.to_frame()
        assert list(frame.columns) == ["feature", "importance", "low", "high", "reported"]
        assert list(frame.itertuples(index=False, name=None)) == [
            *zip(*(getattr(importance, name) for name in ("features", "values", "lows", "highs", "reported")), strict=True)
        ]
        assert importance.to_frame("polars").columns[0] == "feature"
        assert stored.importance(by="name").to_frame("pyarrow").column_names[0] == "name"
        assert repr(importance).splitlines()[:2] == ["Importance (mean_abs) in 6 explanations:", "    0.3167  'bmi'"]
        assert repr(Explanations.of([HARD["table, thirty columns"]]).importance()).endswith("... and 20 more")
        assert "\x1b" not in repr(Explanations.of([parts(("\x1b[31m", "b"))]).importance())

    def test_mistakes(self, stored):
        with pytest.raises(LabelError, match=r"label 'ham' was not explained for any instance; explained: 1 \(stargazers\)\."):
            stored.importance("ham")
        with pytest.raises(LabelError, match="label 0 was not explained"):
            stored.importance(0)
        with pytest.raises(LabelError, match="there is no explanation"):
            stored[2:3].importance()
        for label in (1.0, True, ["ham"]):
            with pytest.raises(ArgumentTypeError, match="label must be an output's number or name, 'all' or None; got"):
                stored.importance(label)
        with pytest.raises(ArgumentError, match="kind must be one of 'mean_abs', 'sqrt'; got 'max'"):
            stored.importance(kind="max")
        with pytest.raises(ArgumentError, match="by must be one of 'feature', 'name'; got None"):
            stored.importance(by=None)


class TestPlot:
    @pytest.fixture
    def importance(self):
        entries = [parts(("a $x$", "b\n" + "long " * 20, "c"), weights={1: own}) for own in ((0.5, 0.25, 0.1), (0.3, 0.2, 0.1))]
        return Explanations.of(entries).importance()

    def test_bars_and_intervals(self, importance):
        figure = Figure()
        ax = figure.subplots()
        assert importance.plot(ax) is ax
        figure.canvas.draw()
        bars = sorted(ax.patches, key=lambda bar: -bar.get_y())
        assert [bar.get_width() for bar in bars] == pytest.approx(importance.values)
        first, second, third = (tick.get_text() for tick in ax.get_yticklabels())
        assert (first, third) == (r"a \$x\$", "c")
        assert second.startswith(r"b\nlong long")
        assert len(second) <= 40
        ends = sorted(float(x) for line in ax.collections for segment in line.get_segments() for x in segment[:, 0])
        assert ends == pytest.approx(sorted((*importance.lows, *importance.highs)))
        assert ax.get_xlabel() == "mean |weight|"
        assert ax.get_title() == "Importance in 2 explanations"

    def test_as_many_as_asked_for(self, importance):
        ax = importance.plot(Figure().subplots(), num_features=2)
        assert len(ax.patches) == 2
        assert ax.get_title().endswith("; 1 lighter feature not shown")
        with pytest.raises(ArgumentError, match="num_features must be an integer of at least 1; got 0"):
            importance.plot(num_features=0)

    def test_without_intervals_and_without_features(self):
        single = Explanations.of([table()]).importance(kind="sqrt")
        ax = single.plot(Figure().subplots())
        assert not list(ax.collections)
        assert ax.get_xlabel() == "root of the sum of |weight|"
        nothing = Explanations.of([HARD["table, nothing reported"]]).importance()
        assert list(nothing.plot(Figure().subplots()).patches) == []

    def test_a_figure_of_its_own(self, importance):
        from matplotlib import pyplot

        ax = importance.plot()
        assert len(ax.patches) == 3
        pyplot.close(ax.figure)

    def test_without_matplotlib(self, importance, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        with pytest.raises(MissingDependencyError, match=r"a plot needs matplotlib: pip install 'limelight\[plot\]'"):
            importance.plot()


class TestNotebook:
    def test_explanations(self, stored):
        page = BeautifulSoup(stored._repr_html_(), "html.parser")
        assert page.h2.text == "Explanations of 7 instances"
        assert page.select_one(".remark").text == "6 converged, 1 failed; 6 fair"
        rows = [[cell.text for cell in row.select("th, td")] for row in page.select("tbody tr")]
        assert [(name, times) for name, times, *_ in rows] == [("bmi", "6"), ("age", "6"), ("blood pressure", "6")]
        assert all(row.select_one("i.pos") and row.select_one("i.ci") for row in page.select("tbody tr"))
        assert page.script is None

    def test_no_explanation(self):
        for collection in (Explanations.of([]), Explanations.of([FAILURE])):
            page = BeautifulSoup(collection._repr_html_(), "html.parser")
            assert page.table is None
            assert f"{len(collection)} failed" in page.text

    def test_importance(self):
        wide = Explanations.of([HARD["table, thirty columns"]]).importance()
        page = BeautifulSoup(wide._repr_html_(), "html.parser")
        assert page.h2.text == "Importance in 1 explanation"
        assert [cell.text for cell in page.select("tbody th")] == list(wide.features[:10])
        assert page.select("p")[-1].text == "and 20 more"
        assert page.select_one("i.ci") is None
        nothing = Explanations.of([HARD["table, nothing reported"]]).importance()._repr_html_()
        assert "No component was reported." in nothing

    def test_so_many_that_it_would_take_long(self, stored, monkeypatch):
        monkeypatch.setattr("limelight.renderers.collection_tables._MOST_SUMMARISED", len(stored) - 1)
        page = BeautifulSoup(stored._repr_html_(), "html.parser")
        assert page.find("table") is None
        assert "call importance()" in page.text

    def test_pick(self):
        pick = Explanations.of([parts(tuple("abcdef"), weights={1: (0.5,) * 6}), parts(("g",), weights={1: (0.5,)})]).pick(2)
        page = BeautifulSoup(pick._repr_html_(), "html.parser")
        first, second = page.select("tbody tr")
        assert first.th.text == "a, b, c, d and 2 more"
        assert second.th.text == "g"
        assert [cell.text for cell in second.select(".num")] == ["1", "100.0%"]
        many = Explanations.of([parts((f"part {i}",), weights={1: (0.5,)}) for i in range(30)]).pick(30)
        assert "and 10 more" in many._repr_html_()
