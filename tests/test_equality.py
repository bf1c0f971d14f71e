"""Equality and hashes: what says the same is equal, after every round trip, also where figures are NaN or arrays."""

import copy
import inspect
import pickle
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

import limelight
from limelight import (
    ComponentsExplainer,
    Explanation,
    Explanations,
    Failure,
    FrameFunction,
    ImageExplainer,
    Importance,
    Notice,
    Pick,
    Prior,
    Prompt,
    Provenance,
    Surrogate,
    TabularExplainer,
    TextExplainer,
    TimeSeriesExplainer,
    extend,
    segmentation,
)
from limelight.exceptions import ArgumentTypeError

ROWS = np.random.default_rng(0).normal(size=(60, 3))
SERIES = np.concatenate([np.arange(20.0), [np.nan], np.arange(9.0)])
IMAGE = (np.arange(24 * 24 * 3) % 251).astype(np.uint8).reshape(24, 24, 3)


def constant(inputs):
    return np.ones(len(inputs))


class Bicycle:
    names = ("wheel", "wheel", "seat")

    def compose(self, masks):
        return masks


CONSTANT = {
    "text": TextExplainer().explain_instance("good film, good plot", constant),
    "row": TabularExplainer(ROWS).explain_instance(ROWS[0], constant, num_samples=64),
    "unbinned row": TabularExplainer(ROWS, discretize_continuous=False).explain_instance(ROWS[0], constant, num_samples=64),
    "series": TimeSeriesExplainer().explain_instance(SERIES, constant, num_samples=64),
    "image": ImageExplainer("grid").explain_instance(IMAGE, constant, num_samples=64),
    "volume": ImageExplainer("grid", spatial_dims=3).explain_instance(np.stack([IMAGE] * 8), constant, num_samples=64),
    "components": ComponentsExplainer().explain_instance(Bicycle(), constant),
    # Two perturbations are too few for intervals.
    "few": TextExplainer().explain_instance("good film", lambda texts: [len(text) for text in texts], num_samples=2),
}


def through_parquet(explanation, folder):
    Explanations.of([explanation]).save(folder / "one.parquet")
    return Explanations.load(folder / "one.parquet")[0]


WAYS = {
    "JSON": lambda explanation, _: Explanation.from_json(explanation.to_json()),
    "pickle": lambda explanation, _: pickle.loads(pickle.dumps(explanation)),
    "deep copy": lambda explanation, _: copy.deepcopy(explanation),
    "Arrow": lambda explanation, _: Explanations.of([explanation])[0],
    "Parquet": through_parquet,
}


def test_explanations_of_a_constant_have_figures_that_are_not_known():
    assert all(np.isnan(explanation.surrogate().fidelity) for explanation in CONSTANT.values())
    assert np.isnan(CONSTANT["few"].surrogate().lows).all()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", CONSTANT)
def test_explanations_of_a_constant_are_equal_after_a_round_trip(kind, way, tmp_path):
    explanation = CONSTANT[kind]
    again = WAYS[way](explanation, tmp_path)
    assert again is not explanation
    for first, second in [(explanation, again), (explanation.surrogate(), again.surrogate()), (explanation.view, again.view)]:
        assert first == second
        assert second == first
        assert hash(first) == hash(second)
    assert explanation.provenance == again.provenance
    assert {explanation, again} == {explanation}


def test_what_is_explained_again_is_equal():
    again = TextExplainer().explain_instance("good film, good plot", constant)
    assert again == CONSTANT["text"]
    assert again != TextExplainer().explain_instance("good film, good plots", constant)
    assert again != TextExplainer().explain_instance("good film, good plot", lambda texts: 2 * constant(texts))


# --- every public class of plain data ---------------------------------------------------------------------------------------


SURROGATE = Surrogate(
    0, (1, 0), (0.5, -0.25), (0.25, -0.5), (0.75, 0.0), (1.0, 0.9), (1.0, 0.75), (1.0, 1.0), (1.0, 3.0), 0.125, 0.375, 0.5, 0.25
)
PROVENANCE = Provenance("E", "", "iid", "k", 0.75, "d", "identity", "auto", "ridge", 1.0, 0.05, 0, "0.2.0")
ARRAYS = (np.array([[0.5, np.nan]]), np.array([1.0, np.nan]), np.array([0, 1]))
PICK = Explanations.of([CONSTANT["few"]]).pick(1)
SHAPE = extend.Shape.line([(0, 0), (1.5, 2)])
SAMPLES = [
    SURROGATE,
    PROVENANCE,
    CONSTANT["text"],
    Notice("code", "message"),
    Failure("ValueError", "no words", "17"),
    FrameFunction(b"job", ("age", "height"), None),
    Importance("mean_abs", "feature", 3, ("a", "b"), (0.5, 0.25), (0.25, 0.0), (0.75, 0.5), (3, 2)),
    PICK,
    SHAPE,
    extend.Drawing(5.0, 5.0, (SHAPE,), (extend.Mark(0, SHAPE),)),
    extend.DrawingView(5.0, 5.0, (SHAPE,), (extend.Mark(0, SHAPE),), ("one",)),
    extend.TextView("good film", (extend.Span(0, 4, 0),)),
    extend.TableView((extend.Cell("age", "54", 0),)),
    extend.MixedView(extend.TableView(()), (extend.Passage("note", extend.TextView("a", ())),)),
    extend.PartsView(("wheel", "seat")),
    extend.SeriesView(("speed",), ((1.0, None),), ((0.0, 0.5),), (extend.Segment((0,), 0, 2, 0),)),
    extend.ImageView.of(IMAGE, np.zeros(IMAGE.shape[:2], dtype=int)),
    extend.VolumeView.of(IMAGE[None], np.zeros((1, *IMAGE.shape[:2]), dtype=int)),
    extend.Drawn(*ARRAYS),
    extend.Stretch(8, 0, 16),
    segmentation.ChangePoints(4),
    segmentation.Felzenszwalb(2.0),
    segmentation.Grid(4),
    segmentation.Pixels(),
    segmentation.Quickshift(),
    segmentation.Refined(CONSTANT["image"]),
    segmentation.Slic(4),
    segmentation.Uniform(4),
    segmentation.Watershed(np.array([[0.5, 1.0]]), 2),
    CONSTANT["text"].verdict(),
    CONSTANT["text"].convergence(),
    Prior({"film": 0.5}, 10),
    Prompt("{text} {year}", {"text": "a film", "year": 1990, "score": np.nan}),
    TextExplainer().measure_stability("good film, good plot", constant, num_seeds=2),
    TextExplainer().measure_faithfulness("good film, good plot", constant, CONSTANT["text"]),
    CONSTANT["text"].without("film"),
    limelight.compare(CONSTANT["text"], CONSTANT["text"]),
    limelight.compare(Explanations.of([CONSTANT["text"]]), Explanations.of([CONSTANT["text"]])),
]
COMPARED_BY_IDENTITY = {extend.Neighbourhood}  # its inputs may be anything


def test_prompts_compare_their_values():
    template, values = "{text} {mark}", {"text": "a film", "mark": float("nan"), "image": np.array([0.5, np.nan])}
    prompt = Prompt(template, values)
    again = pickle.loads(pickle.dumps(prompt))
    assert again == prompt
    assert hash(again) == hash(prompt)
    others = ({**values, "mark": 1.0}, {**values, "image": np.zeros(2)}, {"text": "a film", "mark": float("nan")})
    for other in others:
        assert Prompt(template, other) != prompt
    assert Prompt("{mark} {text}", values) != prompt


def public_dataclasses():
    for module in (limelight, extend, segmentation):
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) and is_dataclass(value):
                yield value


def test_every_public_dataclass_has_a_sample():
    assert {type(sample) for sample in SAMPLES} | COMPARED_BY_IDENTITY == set(public_dataclasses())


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type(sample).__name__)
def test_copies_are_equal_and_have_the_same_hash(sample):
    again = copy.deepcopy(sample)
    assert again == sample
    assert hash(again) == hash(sample)
    assert sample != "another"
    assert sample != object()


def without_values(value):
    """A value in which each float is NaN, each time another one."""
    if isinstance(value, tuple):
        return tuple(map(without_values, value))
    if isinstance(value, np.ndarray):
        return np.full(value.shape, np.nan)
    return float("nan") if isinstance(value, float) else value


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type(sample).__name__)
def test_nan_is_equal_to_nan_in_every_field(sample):
    for field in fields(sample):
        try:
            first, second = (replace(sample, **{field.name: without_values(getattr(sample, field.name))}) for _ in range(2))
        except limelight.LimelightError:
            continue  # this figure cannot be NaN
        assert first == second, field.name
        assert hash(first) == hash(second), field.name


def changed(value):
    """Another value of the same type, or None where there is none."""
    if isinstance(value, tuple):
        items = [changed(item) for item in value[:1]]
        return (*items, *value[1:]) if items and items[0] is not None else None
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, np.ndarray):
        return np.where(np.arange(value.size).reshape(value.shape) == 0, 7, value)
    return f"{value}!" if isinstance(value, str) else None


@pytest.mark.parametrize("sample", [SURROGATE, PROVENANCE, CONSTANT["text"], PICK, SAMPLES[6], extend.Drawn(*ARRAYS)])
def test_what_differs_in_one_field_is_not_equal(sample):
    differing = {field.name: changed(getattr(sample, field.name)) for field in fields(sample)}
    differing = {name: value for name, value in differing.items() if value is not None}
    assert len(differing) > len(fields(sample)) / 2
    for name, value in differing.items():
        is_compared = name not in ("id", "explanations", "provenance")
        assert (replace(sample, **{name: value}) != sample) == is_compared, name


def test_nan_is_not_equal_to_a_number():
    for fidelity in (0.0, 1.0, float("inf")):
        assert replace(SURROGATE, fidelity=float("nan")) != replace(SURROGATE, fidelity=fidelity)
    first, second = (extend.Drawn(np.array([value]), *ARRAYS[1:]) for value in (0.0, np.nan))
    assert first != second
    assert first != extend.Drawn(np.array([[0.0]]), *ARRAYS[1:])


def test_classes_are_not_mixed():
    class Weighted(Surrogate):
        pass

    values = [getattr(SURROGATE, field.name) for field in fields(SURROGATE)]
    assert Weighted(*values) != SURROGATE
    assert Weighted(*values) == Weighted(*values)
    assert extend.TableView(()) != extend.PartsView(())


def test_neighbourhoods_are_compared_by_identity():
    neighbourhoods = [extend.Neighbourhood(ARRAYS[0], [], ARRAYS[1], ARRAYS[2], None) for _ in range(2)]
    assert neighbourhoods[0] == neighbourhoods[0]
    assert len(set(neighbourhoods)) == 2


# --- collections ------------------------------------------------------------------------------------------------------------


def test_collections_are_equal_if_their_entries_are(tmp_path):
    entries = [*CONSTANT.values(), Failure("ValueError", "no words")]
    explanations = Explanations.of(entries)
    explanations.save(tmp_path / "all.parquet")
    for again in (
        Explanations.load(tmp_path / "all.parquet"),
        pickle.loads(pickle.dumps(explanations)),
        Explanations.of(entry.with_id(7) if isinstance(entry, Explanation) else entry for entry in entries),
        Explanations.concat([explanations[:2], explanations[2:]]),
    ):
        assert again == explanations
        assert hash(again) == hash(explanations)
    assert list(explanations) == entries


@pytest.mark.parametrize("positions", [[], [0], [1, 0], [0, 1, 1]])
def test_other_collections_are_not_equal(positions):
    explanations = Explanations.of([CONSTANT["text"], CONSTANT["row"]])
    assert explanations[positions] != explanations
    assert explanations[:0] == explanations[[]]
    assert explanations != list(explanations)
    assert len({explanations, explanations[positions]}) == 2


def test_importance_and_picks_of_equal_collections_are_equal(tmp_path):
    explanations = Explanations.of([CONSTANT["few"]])
    explanations.save(tmp_path / "one.parquet")
    again = Explanations.load(tmp_path / "one.parquet")
    assert np.isnan(again.importance().lows).all()
    assert again.importance() == explanations.importance()
    assert hash(again.importance()) == hash(explanations.importance())
    assert isinstance(PICK, Pick)
    assert again.pick(1) == PICK
    assert hash(again.pick(1)) == hash(PICK)


# --- views from outside -----------------------------------------------------------------------------------------------------


class Measured(extend.View):
    kind: ClassVar[str] = "measured"

    def values(self):
        return {number: str(level) for number, level in enumerate(self.levels)}

    def to_dict(self):
        return {"kind": self.kind, "levels": [None if np.isnan(level) else float(level) for level in self.levels]}


@dataclass(frozen=True, eq=False)
class MeasuredTuple(Measured):
    levels: tuple[float, ...]

    @classmethod
    def from_dict(cls, data):
        return cls(tuple(float("nan" if level is None else level) for level in data["levels"]))


@dataclass(frozen=True, eq=False)
class MeasuredArray(Measured):
    levels: np.ndarray

    @classmethod
    def from_dict(cls, data):
        return cls(np.array([np.nan if level is None else level for level in data["levels"]]))


@dataclass(frozen=True)
class ComparedTuple(MeasuredTuple):
    """Written without the advice in `View`, as the next one."""


@dataclass(frozen=True)
class ComparedArray(MeasuredArray):
    pass


class MeasureExplainer(ComponentsExplainer):
    def components(self, instance):
        parts = super().components(instance)
        parts.view = self.view
        return parts


def explain_with(view):
    extend.register("view", view.kind, type(view))
    explainer = MeasureExplainer()
    explainer.view = view
    return explainer.explain_instance(Bicycle(), constant)


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("levels", [(0.5, 1.5, 2.5), (0.5, np.nan, np.nan)])
@pytest.mark.parametrize("kind", [MeasuredTuple, MeasuredArray])
def test_views_from_outside_may_leave_the_comparison_to_their_base(kind, levels, tmp_path):
    explanation = explain_with(kind(levels if kind is MeasuredTuple else np.array(levels)))
    assert kind(levels) != kind((0.5, 1.5, 7.0))
    for way in WAYS.values():
        again = way(explanation, tmp_path)
        assert again == explanation
        assert hash(again) == hash(explanation)


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(
    ("view", "message"),
    [
        (ComparedTuple((0.5, np.nan, 1.0)), r"must equal the view, .* if fields hold NaN or arrays, with eq=False"),
        (ComparedArray(np.ones(3)), r"ComparedArray\.__eq__ raised ValueError: The truth value .* ambiguous"),
    ],
)
def test_views_that_are_not_equal_to_themselves_are_refused(view, message):
    with pytest.raises(ArgumentTypeError, match=message):
        explain_with(view)
