"""Kind D: what is shown keeps what tells it apart, in every list and renderer."""

import io
import re
import unicodedata
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from helpers.samples import explain, graph
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import ft2font
from matplotlib.figure import Figure
from PIL import Image

from limelight import ComponentsExplainer, Explanations, TabularExplainer, TextExplainer, TimeSeriesExplainer, submodular_pick
from limelight.exceptions import ArgumentError
from limelight.renderers._cells import count_cells
from limelight.renderers._names import drop_isolates, shorten_names, show_names
from limelight.results.views import PartsView

RNG = np.random.default_rng(5)
LONG = [
    f"mean time between two visits of the {which} branch in the last quarter, minutes" for which in ("northern", "southern")
]
DNA = "ACCAGT"
LOOK_ALIKE = ["caf\u00e9", "cafe\u0301", "a b", "a  b", "a\u00a0b", "a\u200db", "ab", " ", "\n"]


class Table(HTMLParser):
    """The texts of a page's ``bdi`` elements in the heads of rows."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.names, self._is_inside = [], 0
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        is_head = tag == "th" and ("scope", "row") in attributes
        if is_head:
            self.names.append("")
        self._is_inside = self._is_inside + 1 if is_head or (self._is_inside and tag == "bdi") else self._is_inside

    def handle_endtag(self, tag):
        self._is_inside = max(0, self._is_inside - 1) if tag in ("th", "bdi") else self._is_inside

    def handle_data(self, data):
        if self._is_inside:
            self.names[-1] += data


def in_terminal(explanation):
    lines = [line for line in repr(explanation).splitlines() if line.startswith("  ") and "│" in line]
    return [re.split(r"\s{2,}[+\N{MINUS SIGN}]?\d", line[2:])[0] for line in lines]


def in_plot(explanation):
    return [tick.get_text() for tick in explanation.plot(ax=Figure().subplots()).get_yticklabels()]


def in_markdown(explanation):
    rows = [line for line in explanation.to_markdown().splitlines() if line.startswith("| ") and "| component" not in line]
    return [unescape(row.split(" | ")[0][2:]) for row in rows]


def in_page(explanation):
    names = Table(explanation.as_html()).names
    return names[len(explanation.predictions) :][: len(explanation.as_list())]


def in_notebook(explanation):
    return Table(explanation._repr_html_()).names[len(explanation.predictions) :][: len(explanation.as_list())]


def in_list(explanation):
    return [name for name, _ in explanation.as_list()]


def in_frame(explanation):
    return explanation.to_frame("polars")["name"].to_list()


def in_frame_of_many(explanation):
    return Explanations.of([explanation]).to_frame("polars")["name"].to_list()


def in_importance(explanation):
    return list(Explanations.of([explanation]).importance(by="name").features)


def in_importance_plot(explanation):
    axes = Explanations.of([explanation]).importance(by="name").plot(Figure().subplots())
    return [tick.get_text() for tick in axes.get_yticklabels()]


def in_importance_table(explanation):
    return Table(Explanations.of([explanation]).importance(by="name")._repr_html_()).names


def in_pick(explanation):
    return [name for name, _ in submodular_pick([explanation], 1).reasons[0]]


SHOWN_IN = (
    in_terminal,
    in_plot,
    in_markdown,
    in_page,
    in_notebook,
    in_list,
    in_frame,
    in_frame_of_many,
    in_importance,
    in_importance_plot,
    in_importance_table,
    in_pick,
)


def collapse(name):
    """A name as a browser or an eye sees it."""
    return " ".join("".join(c for c in unicodedata.normalize("NFC", name) if unicodedata.category(c) != "Cf").split())


def explain_parts(names, weights=None):
    class Parts:
        pass

    parts = Parts()
    parts.names, parts.compose = names, lambda masks: masks
    weights = np.arange(1.0, len(names) + 1) if weights is None else weights
    explainer = ComponentsExplainer(feature_selection="none")
    return explainer.explain_instance(parts, lambda masks: masks @ weights)


def explain_long_columns():
    frame = pd.DataFrame(RNG.normal(size=(200, 2)), columns=LONG)
    return TabularExplainer(frame).explain_instance(frame.iloc[3], lambda rows: 3 * rows[LONG[0]] - rows[LONG[1]])


def explain_characters():
    def model(texts):
        return [1.0 * text.startswith("AC") + 0.5 * text.count("C") for text in texts]

    return TextExplainer(char_level=True, bow=False, feature_selection="none").explain_instance(DNA, model)


CASES = {
    "long columns": (explain_long_columns, 2),
    "characters": (explain_characters, len(DNA)),
    "repeated parts": (lambda: explain_parts(["unit", "unit", "stop", "unit"]), 4),
    "look-alikes": (lambda: explain_parts(LOOK_ALIKE), len(LOOK_ALIKE)),
}


@pytest.fixture(scope="module")
def explanations():
    return {case: build() for case, (build, _) in CASES.items()}


@pytest.mark.parametrize("shown_in", SHOWN_IN)
@pytest.mark.parametrize("case", CASES)
def test_kind_d_names_are_distinct_wherever_they_are_shown(explanations, case, shown_in):
    names = shown_in(explanations[case])
    is_data = shown_in in (in_list, in_frame, in_frame_of_many, in_importance, in_pick)  # which are not there for the eye
    assert len(names) == CASES[case][1]
    assert len({name if is_data else collapse(name) for name in names}) == len(names)
    assert all(name.strip() for name in names if not is_data)


@pytest.mark.parametrize("shown_in", [in_terminal, in_plot, in_importance_plot])
def test_a_cut_leaves_what_distinguishes_the_columns_and_their_bounds(explanations, shown_in):
    names = shown_in(explanations["long columns"])
    assert {"north" in name for name in names} == {True, False}
    for name in names:
        assert re.search(r"<=? -?\d\.\d\d$|> -?\d\.\d\d$|^-?\d\.\d\d <", name)
        assert count_cells(name) <= 40


@pytest.mark.parametrize("render", ["png", "svg"])
def test_pictures_tell_labels_apart(render):
    first, second = (f"probability that the {which} sample was contaminated" for which in ("control", "treated"))
    made = graph(weights={0: (0.4,), 1: (0.3,)}, classes=(first, second))
    picture = made.render(render)
    if render == "svg":
        assert first in picture
        assert second in picture
        return
    image = Image.open(io.BytesIO(picture))
    halves = [np.asarray(image)[:24, start : start + image.width // 2 - 8] for start in (8, image.width // 2 + 2)]
    assert not np.array_equal(*halves)


class TestPositions:
    def test_repeated_characters_and_words_say_where_they_are(self):
        assert {name for name, _ in explain_characters().as_list()} == {"A [0]", "C [1]", "C [2]", "A [3]", "G", "T"}
        words = TextExplainer(bow=False).explain_instance("not bad, not at all", lambda texts: [len(t) for t in texts])
        assert set(words.names) == {"not [0]", "bad", "not [9]", "at", "all"}

    def test_lists_with_positions_are_those_of_lime(self):
        lime_text = pytest.importorskip("lime.lime_text")
        text = "so so good"

        def model(texts):
            return np.array([[1 - 0.5 * ("good" in text), 0.5 * ("good" in text)] for text in texts])

        for bow in (True, False):
            ours = TextExplainer(bow=bow).explain_instance(text, model).as_list(positions=True)
            theirs = lime_text.LimeTextExplainer(bow=bow, random_state=0).explain_instance(text, model).as_list(positions=True)
            assert {name for name, _ in ours} == {name for name, _ in theirs}

    @pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
    def test_frames_of_texts_have_the_positions(self, backend):
        frame = explain_characters().to_frame(backend)
        names, positions = (
            list(map(str, frame[column].to_numpy() if backend == "pyarrow" else frame[column]))
            for column in ("value", "position")
        )
        assert all(DNA[int(position)] == name for name, position in zip(names, positions, strict=True))

    def test_rows_with_free_text_have_positions_of_their_words_only(self):
        frame = pd.DataFrame({"age": RNG.normal(size=50), "note": ["well fed and well"] * 50})
        explainer = TabularExplainer(frame, kinds={"note": "text"})
        made = explainer.explain_instance(frame.iloc[0], lambda rows: rows["age"].to_numpy())
        assert {name for name, _ in made.as_list(positions=True)} >= {"note: well_0-13", "note: fed_5"}
        table = made.to_frame("polars")
        assert dict(table.select("value", "position").iter_rows())["fed"] == 5
        assert table["position"].null_count() == 1
        assert made.to_frame()["position"].isna().sum() == 1
        assert made.to_frame("pyarrow")["position"].null_count == 1

    def test_what_has_no_positions_says_so(self):
        with pytest.raises(ArgumentError, match=r"positions=True is for words of a text; this explains a parts\. Leave it out"):
            explain_parts(["a", "b"]).as_list(positions=True)

    def test_words_count_together_over_many_texts_wherever_they_stand(self):
        explainer = TextExplainer(bow=False)
        made = [
            explainer.explain_instance(text, lambda texts: [t.count("so") for t in texts]) for text in ("so so", "so it is")
        ]
        assert set(Explanations.of(made).importance().features) == {"so", "it", "is"}

    def test_channels_of_the_same_name_are_told_apart(self):
        def model(batch):
            return batch.mean(axis=(1, 2))

        label_map = np.array([[0, 0, 0, 0], [1, 1, 1, 1]])
        made = TimeSeriesExplainer(label_map, channel_names=["lead", "lead"]).explain_instance(RNG.normal(size=(2, 4)), model)
        assert made.names == ("lead: steps 0-3 [0]", "lead: steps 0-3 [1]")


def name_of(frame, row, **options):
    explainer = TabularExplainer(frame, **options)
    return explainer.explain_instance(row, lambda rows: np.zeros(len(rows)), num_samples=20).names


class TestValues:
    @pytest.mark.parametrize("dtype", [np.int64, np.float64, "Int64"])
    def test_a_bin_that_holds_one_value_is_called_by_it(self, dtype):
        frame = pd.DataFrame({"rooms": pd.Series([1, 2, 2, 3, 3, 3, 4, 4, 7, 9] * 20, dtype=dtype)})
        shown = {value: name_of(frame, [value])[0] for value in (1, 2, 3, 4, 7, 9)}
        assert shown == {
            1: "rooms <= 2",
            2: "rooms <= 2",
            3: "rooms=3",
            4: "rooms=4",
            7: "rooms > 4",
            9: "rooms > 4",
        }

    def test_a_value_beside_the_only_one_of_its_bin_is_called_by_itself(self):
        frame = pd.DataFrame({"gain": [0.0] * 80 + [3.5, 4.5] * 10})
        assert [name_of(frame, [value])[0] for value in (0.0, -2.0, 4.5)] == ["gain=0", "gain=-2", "gain > 0"]

    def test_bounds_stay_where_values_are_drawn_around_the_row(self):
        frame = pd.DataFrame({"gain": [0.0] * 80 + [3.5, 4.5] * 10})
        assert name_of(frame, [0.0], sample_around_instance=True) == ("gain <= 0",)

    def test_a_fraction_among_whole_numbers_has_the_exact_bounds(self):
        rows = np.arange(100.0)[:, None]
        assert name_of(rows, [24.5]) == ("x0 <= 24.75",)
        assert name_of(rows, [25.0]) == ("24 < x0 <= 49",)

    def test_booleans_are_true_or_false(self):
        frame = pd.DataFrame({"paid": [True, False, False, False] * 10, "flag": [1, 0, 0, 0] * 10})
        assert name_of(frame, frame.iloc[0]) == ("paid=True", "flag=1")
        assert name_of(frame, frame.iloc[1]) == ("paid=False", "flag=0")

    @pytest.mark.parametrize("dtype", [int, float, bool])
    def test_one_hot_groups_are_called_by_their_state(self, dtype):
        kinds = pd.Series(["oak", "elm", "ash tree"] * 30)
        frame = pd.get_dummies(kinds, prefix="tree", dtype=dtype).assign(height=RNG.normal(size=90))
        columns = [column for column in frame if column.startswith("tree")]
        options = {"groups": {"tree": columns}}
        assert [name_of(frame, frame.iloc[i], **options)[0] for i in range(3)] == ["tree=oak", "tree=elm", "tree=ash tree"]
        none = frame.iloc[0].copy()
        none[columns] = dtype(0)
        assert name_of(frame, none, **options)[0] == "tree=none"

    def test_groups_of_several_flags_name_all_that_are_set(self):
        frame = pd.DataFrame({"has wifi": [1, 0, 1] * 20, "has pool": [1, 0, 0] * 20, "price": RNG.normal(size=60)})
        options = {"groups": {"extras": ["has wifi", "has pool"]}}
        assert [name_of(frame, frame.iloc[i], **options)[0] for i in range(3)] == [
            "extras=wifi, pool",
            "extras=none",
            "extras=wifi",
        ]

    def test_other_groups_name_their_columns_with_bounds(self):
        frame = pd.DataFrame({"lat": np.arange(40.0), "lon": np.arange(40.0)[::-1]})
        assert name_of(frame, frame.iloc[0], groups={"place": ["lat", "lon"]}) == ("place: lat <= 9, lon > 29",)

    def test_values_that_look_alike_are_quoted(self):
        frame = pd.DataFrame({"x": np.array([1, "1", "a", "a ", "b", "", "missing", None], dtype=object)})
        shown = [name_of(frame, frame.iloc[i])[0] for i in range(8)]
        assert shown == ["x=1", "x='1'", "x='a'", "x='a '", "x=b", "x=''", "x='missing'", "x is missing"]

    def test_codes_of_many_digits_are_written_in_full(self):
        rows = np.array([[12345678.0], [12345679.0], [0.1234567], [0.1234568]] * 5)
        names = [name_of(rows, row, categorical_features=[0])[0] for row in rows[:4]]
        assert names == ["x0=12345678", "x0=12345679", "x0=0.1234567", "x0=0.1234568"]

    def test_a_value_is_written_so_that_it_lies_in_its_bin(self):
        rows = np.linspace(7654321.1, 7654321.9, 81)[:, None]
        made = TabularExplainer(rows).explain_instance(rows[25], lambda rows: rows[:, 0])
        low, high = map(float, re.fullmatch(r"(\S+) < x0 <= (\S+)", made.names[0]).groups())
        assert low < float(made.view.values()[0]) <= high

    @given(st.lists(st.floats(-1e12, 1e12), min_size=2, max_size=5, unique=True))
    def test_bounds_never_look_the_same(self, edges):
        rows = np.array([[edge] for edge in sorted(edges)] * 2)
        texts = [name_of(rows, row, discretizer={0: edges})[0] for row in rows[: len(edges)]]
        bounds = set(re.findall(r"[^ <>=]+(?= < )|(?<=<= )[^ ]+|(?<=> )[^ ]+|(?<==)[^ ]+", " ".join(texts)))
        assert len(set(texts)) == len(edges)
        assert len(bounds) >= len(edges) - 1


class TestTimes:
    @pytest.mark.parametrize(
        ("unit", "expected"),
        [
            ("D", r"\d{4}-\d\d-\d\d"),
            ("h", r"\d{4}-\d\d-\d\d( \d\d:00)?"),
            ("min", r"\d{4}-\d\d-\d\d( \d\d:\d\d)?"),
            ("s", r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?"),
        ],
    )
    def test_bounds_are_no_finer_than_the_training_data(self, unit, expected):
        moments = pd.Timestamp("2022-03-05") + pd.to_timedelta(RNG.integers(0, 500, 101), unit=unit)
        frame = pd.DataFrame({"start": moments.astype("datetime64[ns]")})
        for i in range(12):
            bound = rf"(?:{expected})"
            assert re.fullmatch(
                rf"{bound} < start <= {bound}|start <= {bound}|start > {bound}|start={bound}", name_of(frame, frame.iloc[i])[0]
            )

    @pytest.mark.parametrize("shown_in", [in_terminal, in_plot])
    def test_a_cut_keeps_the_column_and_shortens_the_bounds(self, shown_in):
        columns = ["first seen", "last seen at the gate", "moment of the departure of the last train from the station"]
        steps = pd.to_timedelta(RNG.integers(0, 10**14, (3, 100)).ravel(), unit="us").to_numpy().reshape(3, 100)
        frame = pd.DataFrame({name: pd.Timestamp("2022-01-01") + step for name, step in zip(columns, steps, strict=True)})
        middle = [frame[name].sort_values().iloc[40] for name in columns]
        made = TabularExplainer(frame).explain_instance(middle, lambda rows: rows["first seen"].astype("int64") / 1e18)
        names = shown_in(made)
        assert {re.search("first seen|last s|moment", name)[0] for name in names} == {"first seen", "last s", "moment"}
        for name in names:
            low, high = re.fullmatch(r"(\S+) < .* <= (\S+)", name).groups()
            assert low != high
            assert count_cells(name) <= 40


HEBREW, ARABIC = "\u05d2\u05d9\u05dc", "\u0627\u0644\u0639\u0645\u0631"


class TestDirections:
    @pytest.mark.parametrize("shown_in", [in_terminal, in_plot, in_markdown, in_page, in_notebook])
    @pytest.mark.parametrize("column", [HEBREW, ARABIC])
    def test_right_to_left_columns_are_isolated_from_their_bounds(self, column, shown_in):
        frame = pd.DataFrame({column: np.arange(40.0), "plain": RNG.normal(size=40)})
        made = TabularExplainer(frame).explain_instance(frame.iloc[15], lambda rows: rows[column].to_numpy())
        assert made.names[0] == f"9 < {column} <= 19"
        if shown_in is in_plot and not hasattr(ft2font, "__libraqm_version__"):
            pytest.skip("this matplotlib writes everything from left to right")
        assert f"\u200e9 < \u2068{column}\u2069 <= 19" in shown_in(made)

    def test_values_are_isolated_as_well(self):
        frame = pd.DataFrame({HEBREW: [ARABIC, HEBREW] * 10})
        made = TabularExplainer(frame).explain_instance(frame.iloc[0], lambda rows: rows[HEBREW] == ARABIC)
        assert in_terminal(made) == [f"\u200e\u2068{HEBREW}\u2069=\u2068{ARABIC}\u2069"]

    def test_words_are_isolated_from_their_weights_in_a_terminal(self):
        made = TextExplainer(bow=False).explain_instance(f"{HEBREW} x {HEBREW}", lambda texts: [len(t) for t in texts])
        assert set(in_terminal(made)) == {f"\u2068{HEBREW}\u2069 [0]", "x", f"\u2068{HEBREW}\u2069 [6]"}

    def test_lists_and_frames_hold_the_plain_names(self):
        frame = pd.DataFrame({HEBREW: np.arange(40.0)})
        made = TabularExplainer(frame).explain_instance(frame.iloc[0], lambda rows: rows[HEBREW].to_numpy())
        assert in_list(made) == in_frame(made) == [f"{HEBREW} <= 9"]


class TestShortNames:
    @given(st.lists(st.text(max_size=90), min_size=1, max_size=6, unique=True), st.integers(12, 50))
    def test_any_names_stay_distinct_and_narrow(self, names, cells):
        shown = show_names(names)
        short = shorten_names(shown, cells)
        assert len(set(shown)) == len(names)
        assert len({collapse(name) for name in shown}) == len(names)
        assert len(set(short.values())) == len(names)
        assert all(count_cells(name) <= cells for name in short.values())

    @given(st.text("abc ", min_size=60, max_size=80), st.integers(0, 59), st.data())
    def test_names_that_differ_in_one_place_show_it(self, text, place, data):
        other = data.draw(st.sampled_from("xyz"))
        names = [text[:place] + letter + text[place + 1 :] for letter in ("q", other)]
        short = list(shorten_names(names, 30).values())
        assert "q" in short[0]
        assert other in short[1]

    def test_wide_characters_are_cut_by_their_width(self):
        names = ["\u6771\u4eac" + "\u90fd" * 20 + which + "\u533a" * 20 for which in "\u5317\u5357"]
        short = list(shorten_names(names, 21).values())
        assert ["\u5317" in name for name in short] == [True, False]
        assert all(count_cells(name) <= 21 for name in short)

    def test_numbers_lose_digits_before_names_lose_letters(self):
        (short,) = shorten_names(["1.23456789e-05 < exposure of the lower lung to dust"], 40).values()
        assert short == "1.2e-05 < exposure of the lower lung to…" or "exposure" in short
        assert short.startswith("1.2")

    def test_names_of_the_users_own_isolates_are_escaped(self):
        assert list(shorten_names(["a\u2068b\u2069"], 30).values()) == [r"a\u2068b\u2069"]
        assert drop_isolates("\u2068a\u2069") == "a"


def test_stored_explanations_of_equal_names_are_told_apart_too():
    made = explain(PartsView(("x", "x")), ("x", "x"), {1: (0.5, -0.2)})
    assert in_terminal(made) == ["x [0]", "x [1]"]


def test_a_short_column_between_long_times_keeps_its_name():
    names = ["2021-01-19 15:00+01:00 < dt <= 2021-07-31 00:00+02:00", "2020-01-30 02:00+01:00 < on <= 2020-02-28 04:00+01:00"]
    assert list(shorten_names(names, 41).values()) == [
        "2021-01-19 15:0… < dt <= 2021-07-31 00:0…",
        "2020-01-30 02:0… < on <= 2020-02-28 04:0…",
    ]
