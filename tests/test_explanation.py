"""The result: lists, frames and JSON that say the same, and the ways to look at it."""

import copy
import json
import math
import pickle
import sys
from dataclasses import dataclass, fields, replace
from typing import ClassVar, get_type_hints

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers.samples import HARD, PROVENANCE
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter

from limelight import (
    ComponentsExplainer,
    Explanation,
    Explanations,
    ImageExplainer,
    TabularExplainer,
    TextExplainer,
    _registry,
    extend,
)
from limelight.exceptions import ArgumentError, ArgumentTypeError, LabelError, MissingDependencyError
from limelight.results.explanation import Notice, Surrogate
from limelight.results.views import (
    Cell,
    ImageView,
    MixedView,
    PartsView,
    Passage,
    Segment,
    SeriesView,
    Span,
    TableView,
    TextView,
)

CERTAINTY = ["sign_probability", "top_probability", "best_rank", "worst_rank"]
COLUMNS = ["label", "component", "name", "value", "weight", "low", "high", *CERTAINTY, "position"]
ROWS = np.random.default_rng(0).normal(size=(100, 3))


def two_classes(texts):
    spam = np.array([0.1 + 0.6 * ("pills" in text) - 0.05 * ("you" in text) for text in texts])
    return np.column_stack([1 - spam, spam])


@pytest.fixture
def explanation():
    explainer = TextExplainer(class_names=["ham", "späm"])
    return explainer.explain_instance("cheap pills for you, you", two_classes, labels=(1, 0), num_features=3)


@pytest.fixture
def without_intervals():
    explanation = TabularExplainer(ROWS).explain_instance(ROWS[0], lambda rows: np.ones(len(rows)), num_samples=4)
    assert math.isnan(explanation.surrogate().lows[0])
    assert math.isnan(explanation.surrogate().fidelity)
    return explanation


class TestLists:
    def test_as_list(self, explanation):
        pairs = explanation.as_list()
        assert pairs == explanation.as_list(1) == explanation.as_list(label=1)
        assert pairs[0][0] == "pills"
        weights = [abs(weight) for _, weight in pairs]
        assert weights == sorted(weights, reverse=True)
        assert len(pairs) == 3
        assert {type(item) for pair in pairs for item in pair} == {str, float}

    def test_as_map(self, explanation):
        mapped = explanation.as_map()
        assert list(mapped) == [1, 0]
        for label, pairs in mapped.items():
            assert [(explanation.names[number], weight) for number, weight in pairs] == explanation.as_list(label)
        json.dumps(mapped)

    @pytest.mark.parametrize("label", [2, -1, "1", "Ham"])
    def test_labels_that_were_not_explained(self, explanation, label):
        with pytest.raises(LabelError, match=rf"label {label!r} was not explained; explained: 1 \(späm\), 0 \(ham\)"):
            explanation.as_list(label)

    def test_surrogate(self, explanation):
        assert explanation.surrogate() is explanation.surrogates[0]
        assert explanation.surrogate(0) is explanation.surrogates[1]
        assert explanation.labels == (1, 0)
        for surrogate in explanation.surrogates:
            assert surrogate.local_prediction == pytest.approx(surrogate.intercept + sum(surrogate.weights))


class TestFrames:
    @pytest.mark.parametrize(
        ("backend", "kind", "records"),
        [
            ("pandas", pd.DataFrame, lambda frame: frame.to_dict("list")),
            ("polars", pl.DataFrame, lambda frame: frame.to_dict(as_series=False)),
            ("pyarrow", pa.Table, lambda frame: frame.to_pydict()),
        ],
    )
    def test_backends(self, explanation, backend, kind, records):
        frame = explanation.to_frame(backend=backend)
        assert isinstance(frame, kind)
        data = records(frame)
        assert list(data) == COLUMNS
        assert data["label"] == [1, 1, 1, 0, 0, 0]
        assert list(zip(data["name"], data["weight"], strict=True)) == explanation.as_list(1) + explanation.as_list(0)
        assert data["component"] == [number for pairs in explanation.as_map().values() for number, _ in pairs]
        assert data["low"] == [low for surrogate in explanation.surrogates for low in surrogate.lows]
        assert data["high"] == [high for surrogate in explanation.surrogates for high in surrogate.highs]
        assert data["value"] == data["name"]
        attributes = ("sign_probabilities", "top_probabilities", "best_ranks", "worst_ranks")
        for column, attribute in zip(CERTAINTY, attributes, strict=True):
            assert data[column] == [own for surrogate in explanation.surrogates for own in getattr(surrogate, attribute)]

    def test_types(self, explanation):
        frame = explanation.to_frame()
        assert [str(frame[column].dtype) for column in ("label", "component", "weight", "low", "high")] == [
            *["int64"] * 2,
            *["float64"] * 3,
        ]

    def test_missing_intervals(self, without_intervals):
        assert without_intervals.to_frame()["low"].isna().all()
        assert without_intervals.to_frame("polars")["low"].is_nan().all()

    def test_values_of_rows(self, without_intervals):
        frame = without_intervals.to_frame()
        assert sorted(map(float, frame["value"])) == pytest.approx(sorted(ROWS[0]), rel=1e-5)

    @pytest.mark.parametrize("backend", ["dask", "", None, 3])
    def test_unknown_backends(self, explanation, backend):
        with pytest.raises(ArgumentError, match="backend must be one of 'pandas', 'polars', 'pyarrow'; got"):
            explanation.to_frame(backend=backend)


class TestViews:
    @pytest.mark.parametrize("entry", HARD.values(), ids=HARD)
    def test_repr_is_one_short_line(self, entry):
        text = repr(entry.view)
        assert text.startswith(f"{type(entry.view).__name__}(")
        assert text.isprintable()
        assert len(text) < 120

    def test_what_a_repr_says(self):
        segments = np.repeat(np.arange(58), 10).reshape(2, 290)
        assert repr(ImageView.of(np.zeros((2, 290, 3)), segments)) == "ImageView(height=2, width=290, components=58)"
        assert repr(TextView("good film", (Span(0, 4, 0),))) == "TextView(text='good film', components=1)"
        series = SeriesView(("a", "b"), ((0.0,) * 9,) * 2, ((0.0,) * 9,) * 2, (Segment((0, 1), 0, 9, 0),))
        assert repr(series) == "SeriesView(channels=2, steps=9, components=1)"
        cells = TableView((Cell("age", "54", 0), Cell("sex", "f", 0)))
        assert repr(cells) == "TableView(columns=2, components=1)"
        passage = Passage("note", TextView("good", (Span(0, 4, 1),)))
        assert repr(MixedView(cells, (passage,))) == "MixedView(columns=2, texts=1, components=2)"
        assert repr(PartsView(("wheel",))) == "PartsView(components=1)"


def strict(text):
    """JSON without the constants that the standard does not know."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


class TestJson:
    def test_round_trip(self, explanation):
        text = explanation.to_json()
        again = Explanation.from_json(text)
        assert again == explanation
        assert again.to_json() == text
        assert hash(again) == hash(explanation)
        assert Explanation.from_dict(explanation.to_dict()) == explanation
        assert strict(text) == explanation.to_dict()
        assert strict(text)["schema"] == 2

    def test_missing_numbers(self, without_intervals):
        text = without_intervals.to_json()
        assert strict(text)["surrogates"][0]["lows"] == [None] * 3
        again = Explanation.from_json(text)
        assert all(math.isnan(low) for low in again.surrogate().lows)
        assert math.isnan(again.surrogate().fidelity)
        assert again.to_dict() == without_intervals.to_dict()
        assert repr(again) == repr(without_intervals)
        assert again.notices == without_intervals.notices

    @given(
        weights=st.lists(st.floats(allow_infinity=False), min_size=1, max_size=4),
        words=st.lists(st.text(st.characters(exclude_categories=()), max_size=8), min_size=4, max_size=4),
        table=st.booleans(),
    )
    def test_any_content(self, weights, words, table):
        count = len(weights)
        view = TextView("".join(words), tuple(Span(i, i + 1, i) for i in range(count)))
        if table:
            view = TableView(tuple(Cell(word, word, i) for i, word in enumerate(words)))
        surrogate = Surrogate(
            0, tuple(range(count)), *[tuple(weights)] * len(Surrogate.OF_COMPONENTS), 0.0, 1.0, math.nan, math.nan
        )
        explanation = Explanation(
            (surrogate,),
            tuple(words),
            view,
            (0.5,),
            (words[0],),
            "scores",
            0,
            10,
            9,
            5.0,
            0.95,
            False,
            replace(PROVENANCE, random_state=2**127, settings=words[-1]),
            (Notice("code", words[1]),),
        )
        text = explanation.to_json()
        again = Explanation.from_json(text)
        assert again.to_json() == text
        assert again.view == view
        assert (again.names, again.notices, again.random_state) == (explanation.names, explanation.notices, 2**127)
        assert again.provenance == explanation.provenance
        np.testing.assert_array_equal(again.surrogate().weights, weights)
        strict(text)

    @pytest.mark.parametrize("schema", [0, 1, 3, "2", None])
    def test_other_schemas(self, explanation, schema):
        with pytest.raises(ArgumentError, match=f"reads explanations of schema 2; got schema {schema!r}"):
            Explanation.from_dict({**explanation.to_dict(), "schema": schema})

    def test_no_schema(self):
        with pytest.raises(ArgumentError, match="got schema None"):
            Explanation.from_dict({})

    @pytest.mark.parametrize("field", ["names", "view", "surrogates", "notices", "id", "provenance"])
    def test_missing_fields(self, explanation, field):
        data = explanation.to_dict()
        del data[field]
        with pytest.raises(ArgumentError, match=f"not a valid explanation of schema 2: .*{field}"):
            Explanation.from_dict(data)

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            (("names",), "word", "names holds 'word', which is str"),
            (("names", 0), 3, "names holds 3, which is int"),
            (("predictions", 0), "high", "predictions holds 'high', which is str"),
            (("converged",), 1, "converged holds 1, which is int"),
            (("num_samples",), True, "num_samples holds True, which is bool"),
            (("default_label",), 5, "labels, components and outputs do not match"),
            (("output_names",), ["one"], "labels, components and outputs do not match"),
            (("surrogates", 0, "label"), 9, "labels, components and outputs do not match"),
            (("surrogates", 0, "components", 0), 999, "labels, components and outputs do not match"),
            (("surrogates", 0, "weights", 0), "heavy", "weights holds 'heavy', which is str"),
            (("surrogates", 0, "weights"), [], "one weight, with all that is known of it, for each component"),
            (("surrogates", 0), None, "not a valid explanation"),
            (("notices",), [["low", "Read with care."]], "not a valid explanation"),
            (("view", "text"), 7, "text holds 7, which is int"),
            (("view", "spans", 0, 0), "0", "start holds '0', which is str"),
            (("view", "spans"), 4, "not a valid explanation"),
        ],
    )
    def test_values_of_another_kind(self, explanation, path, value, said):
        data = json.loads(explanation.to_json())
        place = data
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        with pytest.raises(ArgumentError, match=said):
            Explanation.from_dict(data)

    def test_fields_too_many(self, explanation):
        with pytest.raises(ArgumentError, match=r"not a valid explanation of schema 2: .*colour"):
            Explanation.from_dict({**explanation.to_dict(), "colour": "red"})

    def test_another_kind_of_view(self, explanation):
        with pytest.raises(ArgumentError, match=r"no view of kind 'sound' is registered.*'text'"):
            Explanation.from_dict({**explanation.to_dict(), "view": {"kind": "sound"}})

    @pytest.mark.parametrize("text", ["", "{", "nonsense", "[" * 100_000, "1" * 5000], ids=lambda text: text[:8])
    def test_no_json(self, text):
        with pytest.raises(ArgumentError, match="this is not JSON"):
            Explanation.from_json(text)

    @pytest.mark.parametrize(("text", "kind"), [("[]", "list"), ("3", "int"), ("null", "NoneType")])
    def test_another_json(self, text, kind):
        with pytest.raises(ArgumentError, match=f"an explanation's JSON must be an object; got {kind}"):
            Explanation.from_json(text)


class TestPictures:
    def test_html(self, explanation, tmp_path):
        page = explanation.as_html()
        assert page.startswith("<!")
        for word in ("pills", "späm", "Content-Security-Policy"):
            assert word in page
        explanation.save_to_file(tmp_path / "page.html")
        assert (tmp_path / "page.html").read_bytes().decode() == page
        explanation.save_to_file(str(tmp_path / "again.html"))
        assert (tmp_path / "again.html").read_text(encoding="utf-8") == page

    def test_notebook(self, explanation):
        fragment = explanation._repr_html_()
        assert "pills" in fragment
        assert "<html" not in fragment

    @pytest.mark.parametrize(
        ("asked", "given"),
        [
            ({}, {"text/html", "text/markdown", "text/plain"}),
            ({"include": None, "exclude": None}, {"text/html", "text/markdown", "text/plain"}),
            ({"include": ["text/plain", "image/png"]}, {"text/plain"}),
            ({"exclude": {"text/html"}}, {"text/markdown", "text/plain"}),
            ({"include": ["text/html", "text/plain"], "exclude": ["text/plain"]}, {"text/html"}),
            ({"include": ["image/png"]}, set()),
        ],
    )
    def test_mimebundle(self, explanation, asked, given):
        looks = {
            "text/html": explanation._repr_html_(),
            "text/markdown": explanation.to_markdown(),
            "text/plain": repr(explanation),
        }
        assert explanation._repr_mimebundle_(**asked) == {kind: looks[kind] for kind in given}
        assert DisplayFormatter().format(explanation, **asked) == ({kind: looks[kind] for kind in given}, {})

    def test_mimebundle_of_an_image_without_pillow_has_its_texts(self, monkeypatch):
        explanation = ImageExplainer("grid").explain_instance(np.eye(16), lambda images: images[:, 0, 0])
        monkeypatch.setitem(sys.modules, "PIL", None)
        assert explanation._repr_mimebundle_() == {"text/markdown": explanation.to_markdown(), "text/plain": repr(explanation)}

    def test_show_outside_notebooks_prints_the_table(self, explanation, capsys):
        explanation.show_in_notebook()
        assert capsys.readouterr().out == f"{explanation!r}\n"
        explanation.show_in_notebook(labels=[0])
        assert capsys.readouterr().out.startswith("ham: model")

    def test_show_without_ipython(self, explanation, monkeypatch):
        monkeypatch.setitem(sys.modules, "IPython.display", None)
        with pytest.raises(MissingDependencyError, match=r"needs IPython: pip install 'limelight\[notebook\]'"):
            explanation.show_in_notebook()

    def test_terminal(self, explanation):
        text = repr(explanation)
        assert text == str(explanation)
        for word in ("pills", "späm", "ham", "fidelity"):
            assert word in text

    def test_drawing_draws_nothing(self, explanation):
        looks = (explanation.as_html, explanation._repr_html_, explanation.__repr__)
        assert [look() for look in looks] == [look() for look in looks]
        assert explanation.to_json() == Explanation.from_json(explanation.to_json()).to_json()


@pytest.mark.usefixtures("registry")
class TestRenderers:
    def test_own(self, explanation):
        assert explanation.render("html") == explanation.as_html()
        assert explanation.render("html", [0]) == explanation.as_html([0])
        assert explanation.render("terminal") == repr(explanation)
        assert explanation.render("markdown") == explanation.to_markdown()

    def test_of_a_user(self, explanation, tmp_path):
        extend.register("renderer", "dot", lambda explanation: f"digraph {{{explanation.labels}}}")
        extend.register("renderer", "Bits", lambda explanation: bytes(explanation.labels))
        assert explanation.render("dot") == "digraph {(1, 0)}"
        assert explanation.render("dot", labels=[0]) == "digraph {(0,)}"
        for name, contents in {"why.dot": b"digraph {(1, 0)}", "WHY.DOT": b"digraph {(1, 0)}", "why.Bits": b"\1\0"}.items():
            explanation.save_to_file(tmp_path / name)
            assert (tmp_path / name).read_bytes() == contents
        explanation.save_to_file(tmp_path / "why.dot", labels=[0])
        assert (tmp_path / "why.dot").read_text() == "digraph {(0,)}"

    def test_of_something_that_is_no_file(self, explanation, tmp_path):
        extend.register("renderer", "graph", lambda _: [1, 2])
        assert explanation.render("graph") == [1, 2]
        with pytest.raises(ArgumentTypeError, match=r"must return str or bytes .*; got list\. explanation\.render\('graph'\)"):
            explanation.save_to_file(tmp_path / "why.graph")
        assert list(tmp_path.iterdir()) == []

    def test_unknown_ones(self, explanation, tmp_path):
        extend.register("renderer", "dot", str)
        with pytest.raises(ArgumentError, match=r"renderer must be one of 'dot', 'htm', 'html', .*, 'terminal'; got 'eps'"):
            explanation.render("eps")
        with pytest.raises(ArgumentError, match=r"file ends in \.html, \.htm, \.png, \.svg, \.pdf, \.dot; got '.*why\.eps'"):
            explanation.save_to_file(tmp_path / "why.eps")
        with pytest.raises(LabelError, match="label 7 was not explained"):
            explanation.render("html", [7])
        with pytest.raises(ArgumentError, match="the renderer 'html' is limelight's own"):
            extend.register("renderer", "html", str)


@dataclass(frozen=True)
class ChainView(extend.View):
    """A view from outside limelight: a chain of links."""

    kind: ClassVar[str] = "chain"
    links: tuple[str, ...]

    def values(self):
        return dict(enumerate(self.links))

    def to_dict(self):
        return {"kind": self.kind, "links": list(self.links)}

    @classmethod
    def from_dict(cls, data):
        return cls(tuple(data["links"]))


class Chain:
    """Three links; those that are absent are left out."""

    names = ("red", "green", "blue")

    def compose(self, masks):
        return [[name for name, present in zip(self.names, mask, strict=True) if present] for mask in masks]


class ChainExplainer(ComponentsExplainer):
    def components(self, instance):
        parts = super().components(instance)
        parts.view = ChainView(parts.names)
        return parts


@pytest.mark.usefixtures("registry")
class TestViewFromOutside:
    def test_refused_before_the_model_is_asked(self):
        def model(_):
            raise AssertionError("the model was asked")

        call = r'limelight\.extend\.register\("view", \'chain\', ChainView\)'
        with pytest.raises(ArgumentTypeError, match=f"ChainView is not registered as the view of kind 'chain'.*{call} first"):
            ChainExplainer().explain_instance(Chain(), model)

    def test_registered(self, tmp_path):
        extend.register("view", ChainView.kind, ChainView)
        explainer = ChainExplainer()

        def model(chains):
            return [float("red" in chain) for chain in chains]

        explanation = explainer.explain_instance(Chain(), model)
        assert explanation.view == ChainView(Chain.names)
        assert Explanation.from_json(explanation.to_json()) == explanation
        assert pickle.loads(pickle.dumps(explanation)) == explanation
        many = explainer.explain_many([Chain(), Chain()], model)
        assert list(many) == [explanation, explanation]
        many.save(tmp_path / "chains.parquet")
        assert list(Explanations.load(tmp_path / "chains.parquet")) == [explanation, explanation]
        assert many.to_frame()["value"].tolist()[:3] == [Chain.names[component] for component, _ in explanation.as_map()[0]]

    def test_unreadable_without_its_class(self, monkeypatch):
        extend.register("view", ChainView.kind, ChainView)
        text = ChainExplainer().explain_instance(Chain(), lambda chains: [float(len(chain)) for chain in chains]).to_json()
        monkeypatch.delitem(_registry._registered["view"], "chain")
        with pytest.raises(ArgumentError, match=r"no view of kind 'chain' is registered.*'text'"):
            Explanation.from_json(text)


class TestSomeLabels:
    """Explained are 1 (späm) and 0 (ham)."""

    @pytest.mark.parametrize(
        ("labels", "shown"),
        [
            ([1, 0], "späm, ham"),
            ((0, 1), "ham, späm"),
            ([0], "ham"),
            (np.array([0, 1]), "ham, späm"),
            ([1, 0, 1], "späm, ham"),
        ],
    )
    def test_only_these_in_this_order(self, explanation, labels, shown, tmp_path):
        page = explanation.as_html(labels)
        assert f"<title>Explanation: {shown}</title>" in page
        explanation.save_to_file(tmp_path / "page.html", labels=labels)
        assert (tmp_path / "page.html").read_bytes().decode() == page

    def test_all_of_them_is_the_whole_page(self, explanation):
        assert explanation.as_html([1, 0]) == explanation.as_html(None) == explanation.as_html()

    def test_pictures(self, tmp_path):
        explanation = ImageExplainer("grid").explain_instance(np.eye(16), lambda images: images[:, :2, 0], labels=[0, 1])
        for name, labels in {"both": None, "first": [0], "second": [1]}.items():
            explanation.save_to_file(tmp_path / f"{name}.png", labels)
        assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 3

    @pytest.mark.parametrize("look", ["as_html", "show_in_notebook"])
    def test_mistakes(self, explanation, look):
        with pytest.raises(LabelError, match=r"label 2 was not explained; explained: 1 \(späm\), 0 \(ham\)"):
            getattr(explanation, look)([1, 2])
        with pytest.raises(ArgumentTypeError, match=r"label must be an output's number or name, an int or a str; got 1\.0\."):
            getattr(explanation, look)(1.0)
        with pytest.raises(
            ArgumentError, match=r"labels must name at least one explained label; got none\. Leave it out for all"
        ):
            getattr(explanation, look)([])

    def test_default_label_is_one_of_them(self, explanation):
        assert explanation.default_label == 1
        assert [explanation._restricted_to(labels).default_label for labels in ([0], [0, 1], [1])] == [0, 1, 1]
        assert explanation._restricted_to([0]).as_list() == explanation.as_list(0)


class TestValues:
    def test_equality(self, explanation):
        same = TextExplainer(class_names=["ham", "späm"]).explain_instance(
            "cheap pills for you, you", two_classes, labels=(1, 0), num_features=3
        )
        assert same == explanation
        assert hash(same) == hash(explanation)
        other = TextExplainer().explain_instance("cheap pills for you, you", two_classes, labels=(1, 0), num_features=3)
        assert other != explanation
        assert explanation != "explanation"

    @pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
    def test_pickle(self, explanation, protocol):
        assert pickle.loads(pickle.dumps(explanation, protocol)) == explanation

    def test_changed_copies(self, explanation):
        changed = replace(explanation, num_inputs=2)
        assert changed.num_inputs == 2
        assert type(changed) is Explanation
        assert changed != explanation
        assert replace(changed, num_inputs=explanation.num_inputs) == explanation

    def test_annotations_can_be_read(self):
        for kind in (Explanation, Surrogate, Notice):
            assert get_type_hints(kind).keys() - {"OF_COMPONENTS"} == {field.name for field in fields(kind)}

    def test_copies(self, explanation):
        assert copy.copy(explanation) == copy.deepcopy(explanation) == explanation

    def test_plain_types_only(self, explanation):
        for explained in (explanation, TabularExplainer(ROWS).explain_instance(ROWS[0], lambda rows: rows[:, 0])):

            def walk(value):
                assert type(value) in {dict, list, str, int, float, bool, type(None)}
                for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
                    walk(item)

            walk(explained.to_dict())
