"""Extensions from outside: every program in docs/extend.md runs, in a folder of its own, as a user's package would."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from limelight import TextExplainer, _registry, extend
from limelight.exceptions import ArgumentError, ArgumentTypeError

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


@pytest.fixture
def package(tmp_path):
    for name, text in PROGRAMS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def registry(monkeypatch):
    """A registry from which all that a test registers is gone after it."""
    monkeypatch.setattr(_registry, "_registered", {kind: {} for kind in _registry.KINDS})
    _registry._entry_points.cache_clear()
    yield
    _registry._entry_points.cache_clear()


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name.startswith("try_")])
def test_program_of_the_page_runs(name, package):
    run(name, package)


def test_every_block_of_python_is_run():
    text = PAGE.read_text(encoding="utf-8")
    assert len(re.findall("^```python", text, re.MULTILINE)) == len(re.findall(r"^```python \S+\.py$", text, re.MULTILINE))


def test_every_renderer_draws_a_view_from_outside(package):
    run("try_graphs.py", package)
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
    assert run(program, package) == "drawn\n"


def test_stored_view_needs_its_class(package):
    run("try_graphs.py", package)
    program = """
from limelight import Explanations
from limelight.exceptions import ArgumentError
try:
    Explanations.load("graphs.parquet")[0]
except ArgumentError as error:
    print(error)
"""
    assert "view must be one of" in run(program, package)


def test_entry_points_are_found(package):
    run("try_graphs.py", package)
    declared = package / "graphs-1.0.dist-info"
    declared.mkdir()
    (declared / "METADATA").write_text("Metadata-Version: 2.1\nName: graphs\nVersion: 1.0\n", encoding="utf-8")
    (declared / "entry_points.txt").write_text("[limelight.view]\ngraph = graphs:GraphView\n", encoding="utf-8")
    program = """
from limelight import Explanations
print(type(Explanations.load("graphs.parquet")[0].view).__name__)
"""
    assert run(program, package) == "GraphView\n"


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

    def test_own_names_are_not_replaced(self):
        with pytest.raises(ArgumentError, match="the kernel 'exponential' is limelight's own"):
            extend.register("kernel", "exponential", np.exp)

    def test_own_names_are_not_replaced_where_the_registry_comes_later(self, monkeypatch):
        monkeypatch.setitem(_registry._own_names, "kernel", set())
        extend.register("kernel", "early", np.exp)
        with pytest.raises(ArgumentError, match="the kernel 'early' is limelight's own"):
            _registry.Registry("kernel", {"early": "math:exp"})

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
    def test_no_view(self):
        with pytest.raises(ArgumentTypeError, match=r"view derived from limelight\.extend\.View; got str"):
            PairExplainer().explain_instance("a picture", never_asked)

    def test_view_that_is_not_registered_is_refused_before_the_model_is_asked(self):
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
        class Own(Plain):
            kind = "own"

        extend.register("view", "own", Own)
        explanation = PairExplainer().explain_instance(Own(), lambda masks: masks[:, 0])
        explanation.save_to_file(tmp_path / "own.html")
        assert "own.html" in [path.name for path in tmp_path.iterdir()]
        assert "a" in explanation.to_markdown()
        explanation.plot()
        with pytest.raises(ArgumentError, match="an SVG can be drawn"):
            explanation.save_to_file(tmp_path / "own.svg")
