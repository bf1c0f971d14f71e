"""The package as its users meet it: its names, its documentation, what an import costs, what is installed."""

import ast
import doctest
import inspect
import pydoc
import re
import subprocess
import sys
import typing
from importlib import import_module
from importlib.metadata import entry_points, version
from importlib.resources import files
from itertools import pairwise
from types import ModuleType

import pytest

import limelight

MODULES = ("limelight", "limelight.datasets", "limelight.exceptions", "limelight.extend", "limelight.segmentation")


def documented_objects():
    """Every public class and function, by the names that users import them by."""
    for module in map(import_module, MODULES):
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                yield f"{module.__name__}.{name}", value


OBJECTS = dict(documented_objects())


def documented_callables():
    """Every public class and function, and every public method that is limelight's own."""
    for owner_name, owner in OBJECTS.items():
        yield owner_name, owner
        for name, member in inspect.getmembers(owner) if inspect.isclass(owner) else ():
            function = member.fget if isinstance(member, property) else member
            is_written = inspect.isfunction(function) or inspect.ismethod(function)
            if is_written and not name.startswith("_") and function.__module__.startswith("limelight"):
                yield f"{owner_name}:{name}", function


PUBLIC = dict(documented_callables())


# What a modality is made of; the guide to extensions shows these at work.
BUILDING_BLOCKS = {
    f"limelight.extend.{name}"
    for name in (
        *("Components", "Composed", "Design", "Drawn", "ModelPath", "Neighbourhood", "Parts", "Stretch", "Values", "Without"),
        *("cosine_of_masks", "euclidean", "fair_coins", "fingerprint"),
    )
}
# Parts of views are in the examples of their views, and forms of models need files, which the tests of adapters make.
SHOWN_ELSEWHERE = BUILDING_BLOCKS | {
    *("limelight.extend.Cell", "limelight.extend.Passage", "limelight.extend.Segment", "limelight.extend.Span"),
    *("limelight.LanguageModel", "limelight.OnnxModel", "limelight.TorchModel", "limelight.TransformersModel"),
}


def described(docstring: str) -> set[str]:
    """The names that a numpydoc docstring describes under Parameters and Attributes."""
    names, section = set(), ""
    for line, following in pairwise([*docstring.splitlines(), ""]):
        if following and set(following) == {"-"}:
            section = line
        elif section in ("Parameters", "Attributes") and line and not line.startswith((" ", "-")):
            names |= {name.strip().lstrip("*") for name in line.partition(":")[0].split(",")}
    return names


def test_all_is_sorted_and_is_what_dir_shows():
    assert limelight.__all__ == sorted(set(limelight.__all__))
    assert dir(limelight) == limelight.__all__


def test_every_public_name_can_be_imported():
    names: dict[str, object] = {}
    exec("from limelight import *", names)
    assert set(limelight.__all__) <= set(names)


def test_type_checkers_see_the_same_names():
    tree = ast.parse(inspect.getsource(limelight))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert {"__version__", "install_as_lime", *seen} == set(limelight.__all__)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'limelight' has no attribute 'LimeExplainer'"):
        limelight.LimeExplainer  # noqa: B018


def test_version_is_the_installed_one():
    assert version("limelight") == limelight.__version__


@pytest.mark.parametrize("statement", ["import limelight", "from limelight import TabularExplainer, TextExplainer"])
def test_import_is_light(statement):
    heavy = {"jinja2", "joblib", "matplotlib", "narwhals", "pandas", "polars", "scipy", "sklearn"}
    code = f"import sys\n{statement}\nprint(*sorted(sys.modules.keys() & {heavy}))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []


def test_bare_import_does_not_load_numpy():
    code = "import sys, limelight; print('numpy' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def in_a_fresh_process(code: str) -> str:
    """What a program prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    "explanation",
    [
        "limelight.TabularExplainer(rows).explain_instance(rows[0], mean_of)",
        "limelight.TabularExplainer(rows, discretize_continuous=False).explain_instance(rows[0], mean_of)",
        "limelight.TabularExplainer(rows, sampler='around').explain_instance(rows[0], mean_of)",
        "limelight.TextExplainer().explain_instance('a good film, and not too long for all that happens', len_of)",
        "limelight.TimeSeriesExplainer().explain_instance(rows[:, 0], mean_of)",
    ],
)
def test_a_first_explanation_does_not_load_scipy_stats(explanation):
    program = f"""
import sys
import limelight, numpy

def mean_of(arrays):
    return numpy.asarray(arrays).reshape(len(arrays), -1).mean(axis=1)

def len_of(texts):
    return [len(text) for text in texts]

rows = numpy.random.default_rng(0).normal(size=(300, 20))
{explanation}
print(*sys.modules.keys() & {{"scipy.stats", "sklearn"}})
"""
    assert in_a_fresh_process(program) == ""


@pytest.mark.parametrize("name", [name for name in limelight.__all__ if isinstance(getattr(limelight, name), ModuleType)])
def test_modules_are_there_after_importing_the_package_alone(name):
    assert in_a_fresh_process(f"import limelight; print(limelight.{name}.__name__)") == f"limelight.{name}"


def test_public_modules_list_what_they_hand_out():
    for module in map(import_module, MODULES):
        assert len(set(module.__all__)) == len(module.__all__)


def test_exceptions_are_all_of_them():
    errors = {
        name
        for name, value in vars(import_module("limelight.exceptions")).items()
        if inspect.isclass(value) and issubclass(value, BaseException) and not name.startswith("_")
    }
    assert set(limelight.exceptions.__all__) == errors
    tree = inspect.getdoc(limelight.exceptions) or ""
    for name in errors:
        assert re.search(rf"\b{name}\b", tree), f"the tree of errors lacks {name}"


def test_help_begins_with_the_public_names():
    text = pydoc.plain(pydoc.render_doc(limelight))
    description = text[: text.index("PACKAGE CONTENTS")]
    for name in limelight.__all__:
        # LimelightError is in the tree of limelight.exceptions.
        assert name in ("__version__", "LimelightError") or re.search(rf"\b{name}\b", description), name


@pytest.mark.parametrize("name", limelight.__all__)
def test_objects_say_where_users_import_them_from(name):
    value = getattr(limelight, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert value.__module__ == ("limelight.exceptions" if name == "LimelightError" else "limelight")


# cloudpickle, which joblib and Dask use, looks a class up in sys.modules, and pickles the class itself if its module is not
# there yet. A worker would then have a second class of the name.
@pytest.mark.parametrize(
    "code",
    [
        "limelight.Failure('ModelError', 'no luck')",
        "limelight.ImageExplainer()",
        "limelight.TimeSeriesExplainer()",
        "limelight.TextExplainer().explain_instance('good film', len_of)",
        "limelight.ImageExplainer('grid').explain_instance(numpy.eye(16), mean_of)",
        "limelight.TimeSeriesExplainer().explain_instance(numpy.arange(40.0), mean_of)",
        "limelight.TabularExplainer(numpy.eye(9)).explain_instance(numpy.eye(9)[0], mean_of)",
        "limelight.submodular_pick",
        "limelight.Prompt('{a}', {'a': 'good film'})",
    ],
)
def test_workers_get_the_same_classes(code):
    program = f"""
import cloudpickle, limelight, numpy, pickle, pickletools
def len_of(texts): return [float(len(text)) for text in texts]
def mean_of(batch): return numpy.asarray(batch, dtype=float).reshape(len(batch), -1).mean(axis=1)
value = {code}
data = cloudpickle.dumps(value)
names = {{argument for _, argument, _ in pickletools.genops(data) if isinstance(argument, str)}}
print("_make_skeleton_class" in names, type(pickle.loads(data)) is type(value))
"""
    assert in_a_fresh_process(program) == "False True"


class Documentation:
    """The examples in the docstrings of an object and, of a class, of its own and its bases' methods."""

    def __init__(self, value: object) -> None:
        owners = (
            [base for base in value.__mro__ if base.__module__.startswith("limelight")] if inspect.isclass(value) else [value]
        )
        # Without a module, the finder does not compare an object's `__module__` with a module's name.
        finder = doctest.DocTestFinder(recurse=True, exclude_empty=True)
        self.tests = {
            test.name: test for owner in owners for test in finder.find(owner, owner.__name__, module=False, globs={})
        }
        self.texts = [(inspect.getdoc(owner) or "") for owner in owners]
        for owner in filter(inspect.isclass, owners):
            for member in vars(owner).values():
                function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
                if inspect.isfunction(function):
                    self.texts.append(inspect.getdoc(function) or "")


# pytest collects the examples of a module's own objects, and takes an object whose `__module__` is another for a stranger.
@pytest.mark.parametrize("name", OBJECTS)
def test_examples_do_what_they_say(name, tmp_path, monkeypatch):
    value = OBJECTS[name]
    documentation = Documentation(value)
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner(verbose=False)
    report = []
    attempted = 0
    for test in documentation.tests.values():
        result = runner.run(test, out=report.append)
        attempted += result.attempted
        assert result.failed == 0, "".join(report)
    written = sum(len(doctest.DocTestParser().get_examples(text)) for text in documentation.texts)
    assert attempted == written
    if name not in SHOWN_ELSEWHERE and not (inspect.isclass(value) and issubclass(value, BaseException)):
        assert attempted, f"{name} has no example"


def test_types_are_shipped():
    assert files("limelight").joinpath("py.typed").is_file()


def test_console_script_can_be_called():
    (script,) = entry_points(group="console_scripts", name="limelight")
    assert callable(script.load())


@pytest.mark.parametrize("name", [name for name in PUBLIC if name.partition(":")[0] not in BUILDING_BLOCKS])
def test_public_object_has_a_docstring(name):
    owner, _, member = name.partition(":")
    bases = getattr(OBJECTS[owner], "__mro__", ())  # a function has none
    attributes = set().union(*(described(inspect.cleandoc(base.__doc__ or "")) for base in bases))
    # `inspect.getdoc` would find the base class's docstring for a class without one.
    assert (PUBLIC[name].__doc__ or "").strip() or member in attributes


# An exception takes a message, as every exception does.
WITH_PARAMETERS = [
    name
    for name, public in PUBLIC.items()
    if name.partition(":")[0] not in BUILDING_BLOCKS
    and not (inspect.isclass(public) and (issubclass(public, BaseException) or getattr(public, "_is_protocol", False)))
]


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_parameters_are_described(name):
    parameters = [parameter for parameter in inspect.signature(PUBLIC[name]).parameters if parameter not in ("self", "cls")]
    if ":" in name and len(parameters) < 2:
        return  # one argument, and the first sentence says what it is
    assert set(parameters) - described(inspect.getdoc(PUBLIC[name]) or "") == set()


EXPLAINERS = [name for name in limelight.__all__ if name.endswith("Explainer") and name != "Explainer"]
COMMON_OPTIONS = (
    "class_names",
    "kernel",
    "feature_selection",
    "alpha",
    "tolerance",
    "mode",
    "design",
    "random_state",
)


@pytest.mark.parametrize("option", COMMON_OPTIONS)
@pytest.mark.parametrize("name", EXPLAINERS)
def test_explainers_have_the_same_options_with_the_same_defaults_and_types(name, option):
    explainer, common = getattr(limelight, name).__init__, limelight.Explainer.__init__
    given, expected = inspect.signature(explainer).parameters[option], inspect.signature(common).parameters[option]
    assert (given.default, given.kind) == (expected.default, expected.kind)
    assert typing.get_type_hints(explainer)[option] == typing.get_type_hints(common)[option]


@pytest.mark.parametrize(
    ("option", "choices"),
    [
        ("feature_selection", ("auto", "forward_selection", "highest_weights", "lasso_path", "none")),
        ("mode", ("classification", "regression")),
        ("design", ("auto", "iid")),
    ],
)
def test_choices_are_in_the_annotations(option, choices):
    hint = typing.get_type_hints(limelight.Explainer.__init__)[option]
    literals = [hint] if typing.get_origin(hint) is typing.Literal else typing.get_args(hint)
    assert next(typing.get_args(literal) for literal in literals if typing.get_origin(literal) is typing.Literal) == choices


# These annotations name types that `import limelight` must not load, so that they can be read by type checkers only.
HEAVY_TYPES = {
    "explain_many": "Engine",  # an engine's module, and Dask's and Spark's classes
    "frame_function": "FrameFunction",  # loaded with the first frame function
    "as_pyplot_figure": "Figure",  # matplotlib
    "plot": "Axes",  # matplotlib
    "to_shap": "shap",
    "of_tables": "pa",  # pyarrow
    "tables": "pa",  # pyarrow
    "each": "pandas",
    "meta": "pandas",
}


@pytest.mark.parametrize("name", PUBLIC)
def test_type_hints_can_be_read_while_the_program_runs(name):
    function = PUBLIC[name].__init__ if inspect.isclass(PUBLIC[name]) else PUBLIC[name]
    missing = HEAVY_TYPES.get(name.partition(":")[2])
    if missing is None:
        typing.get_type_hints(function)
    else:
        with pytest.raises(NameError, match=f"name '{missing}' is not defined"):
            typing.get_type_hints(function)


def test_described_reads_numpydoc():
    docstring = """Do it.

    Parameters
    ----------
    rows : ndarray
        Not this: one.
    low, high : float
        The ends.

    Returns
    -------
    frame : DataFrame
    """
    assert described(inspect.cleandoc(docstring)) == {"rows", "low", "high"}
