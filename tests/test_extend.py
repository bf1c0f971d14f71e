"""Extensions from outside: every program in docs/extend.md runs, in a folder of its own, as a user's package would."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from limelight import Explanation, TextExplainer, _registry, extend
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError, LimelightError, PredictionError

PAGE = Path(__file__).parents[1] / "docs" / "extend.md"
SOURCE = Path(__file__).parents[1] / "src"


def programs() -> dict[str, str]:
    """The files that the page builds, each put together from its blocks."""
    files: dict[str, str] = {}
    for name, block in re.findall(r"^```python (\S+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        files[name] = files.get(name, "") + block + "\n\n"
    return files


PROGRAMS = programs()


def run(program: str, folder: Path) -> str:
    """What a program prints, in a process that knows limelight and the folder, and takes warnings for errors."""
    environment = os.environ | {"PYTHONPATH": f"{SOURCE}{os.pathsep}{folder}"}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c" if "\n" in program else program, *([program] if "\n" in program else [])],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def write_programs(folder: Path) -> Path:
    for name, text in PROGRAMS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def graphs(tmp_path_factory):
    """A folder in which the page's program about graphs has run."""
    folder = write_programs(tmp_path_factory.mktemp("graphs"))
    run("try_graphs.py", folder)
    return folder


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name.startswith("try_")])
def test_program_of_the_page_runs(name, tmp_path):
    run(name, write_programs(tmp_path))


def test_every_block_of_python_is_run():
    text = PAGE.read_text(encoding="utf-8")
    assert len(re.findall("^```python", text, re.MULTILINE)) == len(re.findall(r"^```python \S+\.py$", text, re.MULTILINE))


def test_every_renderer_draws_a_view_from_outside(graphs):
    program = """
from pathlib import Path
import graphs
from limelight import Explanation, Explanations
explanation = Explanations.load("graphs.parquet")[0]
assert type(explanation.view) is graphs.GraphView
for ending in ("html", "svg", "png"):
    explanation.save_to_file(f"again.{ending}")
page = Path("again.html").read_text()
assert page.count("<svg") >= 1 and "A to B" in page
assert Path("again.png").read_bytes().startswith(b"\\x89PNG")
import matplotlib
matplotlib.use("agg")
explanation.plot()
assert "A-B" in str(explanation) and "A-B" in explanation.to_markdown()
assert explanation.to_frame()["value"][0] in explanation.view.values().values()
import warnings
with warnings.catch_warnings():  # those that importing shap raises
    warnings.simplefilter("ignore")
    explanation.to_shap()
assert Explanation.from_json(explanation.to_json()) == explanation
print("drawn")
"""
    assert run(program, graphs) == "drawn\n"


def test_stored_view_needs_its_class(graphs):
    program = """
from limelight import Explanations
from limelight.exceptions import ArgumentError
try:
    Explanations.load("graphs.parquet")[0]
except ArgumentError as error:
    print(error)
"""
    assert "no view of kind 'graph' is registered: import the module that registers it" in run(program, graphs)


def test_entry_points_are_found(graphs, tmp_path):
    installed = shutil.copytree(graphs, tmp_path / "installed")
    declared = installed / "graphs-1.0.dist-info"
    declared.mkdir()
    (declared / "METADATA").write_text("Metadata-Version: 2.1\nName: graphs\nVersion: 1.0\n", encoding="utf-8")
    (declared / "entry_points.txt").write_text("[limelight.view]\ngraph = graphs:GraphView\n", encoding="utf-8")
    program = """
from limelight import Explanations
print(type(Explanations.load("graphs.parquet")[0].view).__name__)
"""
    assert run(program, installed) == "GraphView\n"


@pytest.mark.usefixtures("registry")
class TestRegister:
    def test_unknown_kind(self):
        with pytest.raises(ArgumentError, match=r"kind must be one of 'adapter', .*'view'; got 'views'"):
            extend.register("views", "graph", object)

    @pytest.mark.parametrize("name", ["", None, 3])
    def test_bad_name(self, name):
        with pytest.raises(ArgumentTypeError, match="name must be a non-empty str"):
            extend.register("kernel", name, np.exp)

    def test_bad_implementation(self):
        with pytest.raises(ArgumentTypeError, match=r'implementation must be .*"module:attribute"; got \'numpy\''):
            extend.register("kernel", "own", "numpy")

    @pytest.mark.parametrize("kind", _registry.KINDS)
    def test_own_names_are_known_before_they_are_used(self, kind, tmp_path):
        own = {
            "adapter": "torch",
            "engine": "threads",
            "kernel": "exponential",
            "model": "onnx",
            "renderer": "htm",
            "view": "text",
        }
        program = f"""
from limelight.extend import register
try:
    register({kind!r}, {own[kind]!r}, "math:sqrt")
except ValueError as error:
    print(error)
"""
        assert f"{own[kind]!r} is limelight's own" in run(program, tmp_path)

    def test_place_is_imported_when_it_is_first_used(self):
        extend.register("kernel", "later", "a_module_that_is_missing:kernel")
        with pytest.raises(ArgumentError, match=r"the kernel 'later' cannot be imported .*a_module_that_is_missing"):
            TextExplainer(kernel="later")

    def test_names_from_outside_are_listed(self):
        extend.register("kernel", "box", lambda distances, width: distances <= width)
        with pytest.raises(ArgumentError, match="kernel must be one of 'box', 'exponential'; got 'bok'"):
            TextExplainer(kernel="bok")

    def test_kernel_by_name_is_the_kernel(self):
        def box(distances, width):
            return (distances <= width).astype(float)

        def model(texts):
            return [len(text) for text in texts]

        extend.register("kernel", "box", box)
        text = "some words of a text"
        assert TextExplainer(kernel="box").explain_instance(text, model) == TextExplainer(kernel=box).explain_instance(
            text, model
        )

    def test_default_kernel_has_a_name(self):
        def model(texts):
            return [len(text) for text in texts]

        text = "some words of a text"
        named = TextExplainer(kernel="exponential").explain_instance(text, model)
        assert named == TextExplainer().explain_instance(text, model)


@dataclass(frozen=True)
class Plain(extend.View):
    """A view with nothing in it."""

    def values(self):
        return {0: "a", 1: "b"}

    def to_dict(self):
        return {"kind": self.kind}

    @classmethod
    def from_dict(cls, data):
        assert data == {"kind": cls.kind}
        return cls()


class Pair(extend.Parts):
    """Two parts, and a view."""

    names = ("a", "b")
    content = 7
    law = extend.fair_coins(2)

    def __init__(self, view):
        self.view = view

    def realise(self, masks):
        return masks


class PairExplainer(extend.Explainer):
    """Explains a view, by two parts."""

    default_design = "orthogonal"
    default_kernel_width = 0.25
    distances = staticmethod(extend.cosine_of_masks)

    def components(self, instance):
        return Pair(instance)


def never_asked(masks):
    raise AssertionError(f"the model is asked about {len(masks)} masks")


@pytest.mark.usefixtures("registry")
class TestView:
    def test_view_that_is_not_registered_is_refused_before_the_model_is_asked(self):
        @dataclass(frozen=True)
        class Own(Plain):
            kind = "own"

        with pytest.raises(ArgumentTypeError, match=r'call limelight\.extend\.register\("view", \'own\', Own\) first'):
            PairExplainer().explain_instance(Own(), never_asked)
        extend.register("view", "own", Own)
        explanation = PairExplainer().explain_instance(Own(), lambda masks: masks[:, 0])
        assert explanation.as_list()[0][0] == "a"

    def test_another_class_under_the_kind(self):
        class Impostor(Plain):
            kind = "text"

        with pytest.raises(ArgumentTypeError, match="Impostor is not registered as the view of kind 'text'"):
            PairExplainer().explain_instance(Impostor(), never_asked)

    def test_view_without_a_drawing_is_a_list(self, tmp_path):
        @dataclass(frozen=True)
        class Own(Plain):
            kind = "own"

        extend.register("view", "own", Own)
        explanation = PairExplainer().explain_instance(Own(), lambda masks: masks[:, 0])
        explanation.save_to_file(tmp_path / "own.html")
        assert "own.html" in [path.name for path in tmp_path.iterdir()]
        assert "a" in explanation.to_markdown()
        explanation.plot()
        explanation.save_to_file(tmp_path / "own.svg")
        # As bars: matplotlib keeps each text that it draws as a comment.
        assert {"a", "b"} <= set(re.findall(r"<!-- (.*?) -->", (tmp_path / "own.svg").read_text(encoding="utf-8")))


def components_of(**changes):
    """A pair of parts that differs from what is right in some attributes."""
    pair = Pair(extend.DrawingView.of(2, 1, marks=[], descriptions=["left", "right"]))
    for name, value in changes.items():
        setattr(pair, name, value)
    return pair


class MadeExplainer(PairExplainer):
    """Explains components that are the instance themselves."""

    def components(self, instance):
        return instance() if callable(instance) else instance


class TestContract:
    """What a modality from outside may do wrong is said before the model is asked, and never ends in a wrong explanation."""

    def test_sound_components(self):
        explanation = MadeExplainer(alpha=0).explain_instance(components_of(), lambda masks: masks @ [1.0, -2.0])
        assert dict(explanation.as_list()) == pytest.approx({"a": 1.0, "b": -2.0})
        assert Explanation.from_json(explanation.to_json()) == explanation

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"names": ["a", "b"]}, r"names must be a tuple of str; got \['a', 'b'\]"),
            ({"names": ("a", 2)}, "names must be a tuple of str"),
            ({"names": ()}, "no components to explain"),
            ({"names": ("a", "b", "c")}, r"law must have 4 probabilities.*got 3"),
            ({"law": extend.fair_coins(1)}, r"law must have 3 probabilities.*got 2"),
            ({"law": np.ones(3)}, "law must hold probabilities that sum to 1"),
            ({"law": np.array([0.5, np.nan, 0.5])}, "law must hold probabilities that sum to 1"),
            ({"law": np.array([-0.5, 1.0, 0.5])}, "law must hold probabilities that sum to 1"),
            ({"content": "seven"}, "content must be an int of at least 0"),
            ({"content": -1}, "content must be an int of at least 0"),
            ({"notes": "clipped"}, "notes must be a tuple of limelight.Notice"),
            ({"notes": ("clipped",)}, "notes must be a tuple of limelight.Notice"),
            ({"batch_size": 0}, "batch_size of components must be an integer of at least 1; got 0"),
            ({"kernel_width": -1.0}, "kernel_width of components must be a finite number above 0"),
            ({"view": None}, r"view derived from limelight\.extend\.View; got NoneType"),
            (
                {"view": extend.TextView("a b", (extend.Span(0, 1, 0),))},
                r"TextView\.values\(\) must have a text for each of the 2",
            ),
            (
                {"view": extend.DrawingView.of(2, 1, marks=[], descriptions=["left"])},
                r"DrawingView\.values\(\) must have a text for each of the 2 components",
            ),
        ],
    )
    def test_broken_components(self, changes, message):
        with pytest.raises(LimelightError, match=message):
            MadeExplainer().explain_instance(components_of(**changes), never_asked)

    def test_what_is_no_components(self):
        with pytest.raises(ArgumentTypeError, match=r"MadeExplainer\.components must give Parts or Values.*got int"):
            MadeExplainer().explain_instance(5, never_asked)

    def test_missing_attributes(self):
        class Empty(extend.Parts):
            def realise(self, masks):
                return masks

        with pytest.raises(ArgumentTypeError, match="Empty must have the attribute names"):
            MadeExplainer().explain_instance(Empty(), never_asked)

    def test_errors_of_its_own_are_of_the_instance(self):
        def broken():
            raise KeyError("boom")

        with pytest.raises(InstanceError, match=r"MadeExplainer\.components raised KeyError: 'boom'") as raised:
            MadeExplainer().explain_instance(broken, never_asked)
        assert isinstance(raised.value.__cause__, KeyError)
        sums = MadeExplainer().explain_many([components_of(), broken], lambda masks: masks.sum(axis=1), on_error="keep")
        assert [type(entry).__name__ for entry in sums] == ["Explanation", "Failure"]

    def test_perturbations_that_cannot_be_made(self):
        def realise(masks):
            return masks / None

        broken = components_of(realise=realise)
        with pytest.raises(InstanceError, match="the perturbations cannot be made: TypeError for 4 inputs"):
            MadeExplainer().explain_instance(broken, never_asked)

    def test_perturbations_without_room(self):
        def realise(masks):
            raise MemoryError(f"no room for {len(masks)} sounds")

        entries = [components_of(), components_of(realise=realise)]
        sums = MadeExplainer().explain_many(entries, lambda masks: masks.sum(axis=1), on_error="keep")
        assert [type(entry).__name__ for entry in sums] == ["Explanation", "Failure"]
        assert "no room for 4 sounds" in sums[1].message

    @pytest.mark.parametrize(("batch", "given"), [(None, "None"), ([1.0], "1"), (np.zeros((5, 2)), "5")])
    def test_perturbations_that_are_not_as_many_as_masks(self, batch, given):
        broken = components_of(realise=lambda _: batch)
        with pytest.raises(PredictionError, match=rf"Pair\.realise must give one input for each of 4 masks; it gave {given}"):
            MadeExplainer().explain_instance(broken, never_asked)

    @pytest.mark.parametrize("distance", [np.nan, -1.0])
    def test_distances_that_are_none(self, distance):
        class Nowhere(MadeExplainer):
            distances = staticmethod(lambda masks: np.full(len(masks), distance))

        with pytest.raises(ArgumentError, match=r"distances must give a number of at least 0 for each of \d+ rows"):
            Nowhere().explain_instance(components_of(), lambda masks: masks.sum(axis=1))

    @pytest.mark.parametrize(
        ("attribute", "value", "message"),
        [
            ("cap", 0, "cap must be an integer of at least 2; got 0"),
            ("default_design", "sobol", "gave Parts, which need default_design = 'orthogonal' or 'complements'; got 'sobol'"),
            ("default_design", "even", "default_design must be one of 'complements', 'orthogonal', 'sobol'; got 'even'"),
        ],
    )
    def test_class_attributes(self, attribute, value, message):
        changed = type("Changed", (MadeExplainer,), {attribute: value})
        with pytest.raises(LimelightError, match=message):
            changed().explain_instance(components_of(), never_asked)

    def test_constructor_that_does_not_call_the_other(self):
        class Forgetful(MadeExplainer):
            def __init__(self):
                self.rate = 7

        with pytest.raises(ArgumentTypeError, match=r"its __init__ must call super\(\)\.__init__"):
            Forgetful().explain_instance(components_of(), never_asked)

    @pytest.mark.parametrize("content", [np.array(["ab", "c"], dtype=object), [1, 2], 3])
    def test_what_has_no_fingerprint(self, content):
        with pytest.raises(ArgumentTypeError, match="a fingerprint is made from texts, bytes and arrays of numbers"):
            extend.fingerprint(content)

    def test_class_without_a_width(self):
        class Narrow(extend.Explainer):
            default_design = "orthogonal"
            distances = staticmethod(extend.cosine_of_masks)

            def components(self, instance):
                return instance

        with pytest.raises(ArgumentTypeError, match="Narrow must set default_kernel_width"):
            Narrow()
        assert Narrow(kernel_width=2).options.kernel_width == 2

    def test_distances_that_would_be_a_method(self):
        class Bound(PairExplainer):
            distances = extend.cosine_of_masks

        with pytest.raises(
            ArgumentTypeError, match=r"Bound\.distances is called without the explainer: wrap it in staticmethod"
        ):
            Bound()


@pytest.mark.usefixtures("registry")
class TestAdapters:
    def explain(self):
        return MadeExplainer().explain_instance(components_of(), lambda masks: masks.sum(axis=1))

    def test_no_path(self):
        extend.register("adapter", "own", lambda *_: 5)
        with pytest.raises(ArgumentTypeError, match="the model adapter 'own' must give a ModelPath or None; got int"):
            self.explain()

    def test_broken(self):
        extend.register("adapter", "own", lambda method, _: method.missing)
        with pytest.raises(ArgumentError, match="the model adapter 'own' raised AttributeError"):
            self.explain()

    @pytest.mark.parametrize("size", [-4, 0, 2.5, "a"])
    def test_batch_size(self, size):
        def adapt(method, components):
            return extend.ModelPath(
                lambda neighbourhood, rows: neighbourhood.representation[rows], method, id(components), size
            )

        extend.register("adapter", "own", adapt)
        with pytest.raises(LimelightError, match="batch_size of the model adapter 'own' must be an integer of at least 1"):
            self.explain()

    def test_broken_reader(self):
        extend.register("model", "own", lambda model: model.missing)
        with pytest.raises(ArgumentError, match="the reader of models 'own' raised AttributeError"):
            self.explain()


class Coded(InstanceError):
    """An error whose constructor is its own."""

    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")


def raise_coded():
    raise Coded(7, "no sound")


@pytest.mark.parametrize("engine", ["serial", "threads"])
def test_errors_stay_what_they_are_in_this_process(engine):
    with pytest.raises(Coded, match="7: no sound"):
        MadeExplainer().explain_many([raise_coded], never_asked, engine=engine)


def test_errors_with_constructors_of_their_own_come_back_from_workers():
    with pytest.raises(InstanceError, match="Coded: 7: no sound") as raised:
        MadeExplainer().explain_many([raise_coded, raise_coded], never_asked, n_jobs=2, chunk_size=1)
    assert "This was instance" in raised.value.__notes__[0]


class Taken:
    def __init__(self, rows):
        self.rows = rows

    def take(self, numbers):
        return self.rows[numbers]


def neighbourhood_of(rows, masks):
    return extend.Neighbourhood(masks, Taken(rows), np.ones(len(rows) - 1), np.array([0, len(rows) - 1]), None)


class Switches(extend.Values):
    """Numbers that are drawn as 0 or 1."""

    content = 7

    def __init__(self, values, changes):
        self.values = np.array(values, dtype=float)
        self.names = tuple(f"switch {number}" for number in range(len(values)))
        self.view = extend.DrawingView.of(2, 1, marks=[], descriptions=[*self.names])
        self.changes = changes

    def neighbourhood(self, design, stretch):
        drawn = design.points(len(self.names), stretch)
        rows = np.vstack([self.values, np.floor(2 * drawn.values)])
        masks = (rows == self.values).astype(np.uint8)
        return extend.Neighbourhood(masks, Taken(rows), drawn.law_weights, drawn.replicates, None)

    def without(self, removed, design, most):  # noqa: ARG002 - there is one such row
        masks = np.ones((2, len(self.names)), dtype=np.uint8)
        masks[1, list(removed)] = 0
        rows = np.where(masks == 1, self.values, 1 - self.values)
        made = extend.Without(neighbourhood_of(rows, masks), np.ones(1), np.zeros(1))
        return self.changes["without"](made) if "without" in self.changes else made

    def composed(self, masks, design, most):
        drawn = np.floor(2 * design.points(len(self.names), extend.Stretch(1, 0, most)).values)
        of_mask, of_draw = (numbers.reshape(-1) for numbers in np.indices((len(masks), most)))
        rows = np.where(masks[of_mask] == 1, self.values, drawn[of_draw])
        rows = np.vstack([self.values, rows])
        made = extend.Composed(
            neighbourhood_of(rows, np.vstack([np.ones_like(masks[:1]), masks[of_mask]])), of_mask, of_draw, most
        )
        return self.changes["composed"](made) if "composed" in self.changes else made

    def nearby(self, radius, count, seed):  # noqa: ARG002 - nothing is drawn
        made = [self.values + radius * np.eye(len(self.names))[0] for _ in range(count)]
        return self.changes["nearby"](made) if "nearby" in self.changes else made


class SwitchesExplainer(extend.Explainer):
    default_design = "sobol"
    default_kernel_width = 1.5
    distances = staticmethod(extend.euclidean)

    def __init__(self, **changes):
        super().__init__(alpha=0)
        self.changes = changes

    def components(self, instance):
        return Switches(instance, self.changes)


def giving(value):
    return lambda _: value


def broken(made):
    raise RuntimeError(f"nothing but {type(made).__name__}")


class TestMeasures:
    """What values from outside say of themselves without some of them is used as it is, or refused with a reason."""

    INSTANCE = (1.0, 0.0, 1.0)

    @staticmethod
    def model(rows):
        return rows @ [1.0, -2.0, 4.0] + rows[:, 0] * rows[:, 2]

    def explained(self, **changes):
        explainer = SwitchesExplainer(**changes)
        return explainer, explainer.explain_instance(self.INSTANCE, self.model)

    def test_sound_methods(self):
        explainer, made = self.explained()
        removal = explainer.ask_without(self.INSTANCE, self.model, made, 0, 1)
        assert (removal.answer, removal.answer_error) == (0 - 2 + 4, 0)
        faithfulness = explainer.measure_faithfulness(self.INSTANCE, self.model, made, num_rows=256)
        # All drawn anew: half of 1 - 2 + 4, and a quarter of the product.
        assert faithfulness.deletion.predictions[-1] == pytest.approx(1.75, abs=0.02)
        assert faithfulness.num_rows == 256
        stability = explainer.measure_stability(self.INSTANCE, self.model, num_seeds=2, radius=0.5)
        # At 1.5 the first is never drawn as it is: its weight is 0, where it was 1 + the product's mean.
        assert stability.sensitivity.largest > 1
        assert stability.sensitivity.num_changes == 10

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (giving(None), r"Switches\.without must give a Without of limelight\.extend; got NoneType"),
            (broken, r"Switches\.without raised RuntimeError: nothing but Without"),
            (lambda made: made._replace(shares=np.ones(2)), r"must give 1 shares and squares.* shapes \(2,\) and \(1,\)"),
            (lambda made: made._replace(shares=np.full(1, 0.5)), "shares of Switches.without must be at least 0 and sum to 1"),
            (lambda made: made._replace(squares=np.full(1, -1.0)), "squares of Switches.without must be at least 0"),
            (lambda made: made._replace(neighbourhood=None), "must give a Neighbourhood of limelight.extend; got NoneType"),
            (
                lambda made: made._replace(neighbourhood=neighbourhood_of(np.ones((2, 3)), np.ones((2, 3)))),
                "the removed components alone must be 0, and all others 1",
            ),
            (
                lambda made: made._replace(neighbourhood=neighbourhood_of(np.ones((1, 3)), np.ones((1, 3)))),
                r"one or more drawn rows, and 3 columns; got shape \(1, 3\)",
            ),
        ],
    )
    def test_broken_without(self, change, message):
        explainer, made = self.explained(without=change)
        with pytest.raises(LimelightError, match=message):
            explainer.ask_without(self.INSTANCE, never_asked, made, 0)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (giving(5), r"Switches\.composed must give a Composed of limelight\.extend, or a str .*; got int"),
            (broken, r"Switches\.composed raised RuntimeError: nothing but Composed"),
            (lambda made: made._replace(masks=made.masks + 1), r"masks of Switches\.composed must be \d+ integers from 0 to"),
            (
                lambda made: made._replace(draws=made.draws[1:]),
                r"draws of Switches\.composed must be \d+ integers from 0 to",
            ),
            (lambda made: made._replace(draws=made.draws * 1.0), r"draws of Switches\.composed must be \d+ integers"),
            (lambda made: made._replace(draws=made.draws * 0), "must give one row for a mask and a draw"),
            (
                lambda made: made._replace(num_draws=0),
                r"num_draws of Switches\.composed must be an integer of at least 1",
            ),
            (lambda made: made._replace(masks=made.masks[::-1]), "must have the representation of its mask"),
        ],
    )
    def test_broken_composed(self, change, message):
        explainer, made = self.explained(composed=change)
        with pytest.raises(LimelightError, match=message):
            explainer.measure_faithfulness(self.INSTANCE, self.model, made)

    def test_a_reason_in_place_of_rows(self):
        explainer, made = self.explained(composed=giving("not available today."), nearby=giving("not today."))
        assert explainer.measure_faithfulness(self.INSTANCE, self.model, made).reason == "not available today."
        assert explainer.measure_stability(self.INSTANCE, self.model, num_seeds=2).sensitivity.reason == "not today."

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (giving(None), r"Switches\.nearby must give a sequence of instances, or a str .*; got None"),
            (giving([]), r"Switches\.nearby must give a sequence of instances, or a str .*; got \[\]"),
            (broken, r"Switches\.nearby raised RuntimeError: nothing but list"),
            (lambda made: [one[:2] for one in made], r"must give instances with the same components; one has 2, and the .* 3"),
        ],
    )
    def test_broken_nearby(self, change, message):
        explainer, _ = self.explained(nearby=change)
        with pytest.raises(LimelightError, match=message):
            explainer.measure_stability(self.INSTANCE, lambda rows: rows[:, 0], num_seeds=2)
