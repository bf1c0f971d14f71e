"""The package as its users meet it: its names, its documentation, what an import costs, what is installed."""

import ast
import inspect
import subprocess
import sys
from importlib.metadata import entry_points, version
from importlib.resources import files
from itertools import pairwise

import pytest

import limelight

PUBLIC_NAMES = [getattr(limelight, name) for name in limelight.__all__ if name != "__version__"]


def documented_callables():
    """Every public class and function, and every public method that is limelight's own."""
    for owner in PUBLIC_NAMES:
        yield owner.__name__, owner
        for name, member in inspect.getmembers(owner):
            function = member.fget if isinstance(member, property) else member
            written = inspect.isfunction(function) or inspect.ismethod(function)
            if written and not name.startswith("_") and function.__module__.startswith("limelight"):
                yield f"{owner.__name__}.{name}", function


PUBLIC = dict(documented_callables())


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
    assert {"__version__", *seen} == set(limelight.__all__)


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


def test_types_are_shipped():
    assert files("limelight").joinpath("py.typed").is_file()


def test_console_script_can_be_called():
    (script,) = entry_points(group="console_scripts", name="limelight")
    assert callable(script.load())


@pytest.mark.parametrize("name", PUBLIC)
def test_public_object_has_a_docstring(name):
    owner, _, member = name.partition(".")
    bases = getattr(getattr(limelight, owner), "__mro__", ())  # a function has none
    attributes = set().union(*(described(inspect.cleandoc(base.__doc__ or "")) for base in bases))
    # `inspect.getdoc` would find the base class's docstring for a class without one.
    assert (PUBLIC[name].__doc__ or "").strip() or member in attributes


# An exception takes a message, as every exception does.
WITH_PARAMETERS = [name for name, public in PUBLIC.items() if not (inspect.isclass(public) and issubclass(public, Exception))]


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_parameters_are_described(name):
    parameters = [parameter for parameter in inspect.signature(PUBLIC[name]).parameters if parameter not in ("self", "cls")]
    if "." in name and len(parameters) < 2:
        return  # one argument, and the first sentence says what it is
    assert set(parameters) - described(inspect.getdoc(PUBLIC[name]) or "") == set()


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
