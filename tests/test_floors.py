"""The house rules that a reader of the sources can rely on, checked on the syntax trees.

Every check is a function from a source tree to a list of faults, so that it can be shown a tree with a fault in it.
"""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"

GROUND, RESULTS, STAGES, SIDES, BATCH, PIPELINE, MODALITIES, DOORS, PROGRAMS = range(9)
FLOORS = {
    "_errors": GROUND,
    "_registry": GROUND,
    "_checks": GROUND,
    "_seeds": GROUND,
    "_blas": GROUND,
    "_plain": RESULTS,
    "_surrogate": RESULTS,
    "_raster": RESULTS,
    "_views": RESULTS,
    "_explanation": RESULTS,
    "stages": STAGES,
    "_failure": STAGES,
    "_storage": STAGES,
    "_parquet": STAGES,
    "_chunks": STAGES,
    "_weights": STAGES,
    "_importance": STAGES,
    "_frames": STAGES,
    "_explanations": STAGES,
    "_pick": STAGES,
    "models": SIDES,
    "renderers": SIDES,
    "_notices": SIDES,
    "_options": SIDES,
    "_together": SIDES,
    "_files": BATCH,
    "_instances": BATCH,
    "_workers": BATCH,
    "_dask": BATCH,
    "_spark": BATCH,
    "_frame_function": BATCH,
    "_engines": BATCH,
    "_checkpoint": BATCH,
    "_batch": BATCH,
    "_many": BATCH,
    "_explainer": PIPELINE,
    "modalities": MODALITIES,
    "segmentation": DOORS,
    "": DOORS,
    "_demo": DOORS,
    "_demo_corpus": DOORS,
    "_demo_signals": DOORS,
    "_cli": PROGRAMS,
    "_cli_explain": PROGRAMS,
    "__main__": PROGRAMS,
}
# Of units on one floor, those in one of these lists import from the ones before them, and others not from each other.
ORDERED = [
    ("_errors", "_registry", "_checks", "_seeds", "_blas"),
    ("_plain", "_surrogate", "_raster", "_views", "_explanation"),
    ("_failure", "_storage", "_parquet", "_chunks", "_weights", "_importance", "_frames", "_explanations", "_pick"),
    (
        *("_files", "_instances", "_workers", "_dask", "_spark", "_frame_function"),
        *("_engines", "_checkpoint", "_batch", "_many"),
    ),
    ("segmentation", "", "_demo_corpus", "_demo_signals", "_demo"),
    ("_cli_explain", "_cli", "__main__"),
]
# A name that is looked up in a registry is an import as well. These go up, inside a method: an explanation calls its renderer
# by name, and many of them their pick and their report.
LOOKS_UP = {("_explanation", "renderers"), ("_explanations", "_pick"), ("_explanations", "renderers")}


def sources(root: Path) -> dict[str, ast.Module]:
    """The syntax tree of every module under `root`, by the module's dotted name."""
    trees = {}
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        trees[name] = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
    return trees


def imported(tree: ast.Module, modules: set[str]) -> Iterator[str]:
    """Every limelight module that is imported anywhere in the tree: at the top, in a function, or for type checkers only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "limelight")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "limelight":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in modules else str(node.module)


def looked_up(tree: ast.Module) -> Iterator[str]:
    """Every ``"limelight.module:attribute"`` in a tree's tables."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for value in node.values:
                if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value.startswith("limelight."):
                    yield value.value


def unit(module: str) -> str:
    """What has a floor: a folder, or a file outside the folders."""
    return module.removeprefix("limelight").removeprefix(".").partition(".")[0]


def may_import(importer: str, target: str) -> bool:
    """Whether the floors allow the import of one module in another."""
    upper, lower = unit(importer), unit(target)
    if upper == "renderers" and lower == "stages":
        return False
    if FLOORS[lower] != FLOORS[upper]:
        return FLOORS[lower] < FLOORS[upper]
    if upper != lower:
        return any({upper, lower} <= set(order) and order.index(lower) < order.index(upper) for order in ORDERED)
    if upper == "stages":  # they run in the order of their names
        return target < importer
    of_the_folder_itself = importer.count(".") == 1
    return of_the_folder_itself or target.rpartition(".")[2].startswith("_")


def imports(root: Path) -> dict[str, set[str]]:
    """For every module the modules that it imports."""
    trees = sources(root)
    return {module: set(imported(tree, set(trees))) for module, tree in trees.items()}


def floor_faults(root: Path) -> list[str]:
    """Files without a floor, and imports that do not go down."""
    trees = sources(root)
    faults = [f"{module} has no floor" for module in trees if unit(module) not in FLOORS]
    for module, targets in imports(root).items():
        looks = {entry.partition(":")[0] for entry in looked_up(trees[module])} - {module}
        looks = {target for target in looks if (unit(module), unit(target)) not in LOOKS_UP}
        for target in sorted(targets | looks):
            known = unit(module) in FLOORS and unit(target) in FLOORS
            if not known or not may_import(module, target):
                faults.append(f"{module} must not import {target}")
    return faults


def circles(root: Path) -> list[str]:
    """A circle of imports, where there is one."""
    try:
        TopologicalSorter(imports(root)).prepare()
    except CycleError as error:
        return [" <- ".join(error.args[1])]
    return []


def dotted(node: ast.AST) -> str:
    """``a.b.c`` for an attribute of an attribute of a name; an empty string for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


def randomness_faults(root: Path) -> list[str]:
    """Random numbers that come from a state which all callers share, or from nowhere."""
    makers = {"default_rng", "Generator", "PCG64", "RandomState", "SeedSequence"}
    faults = []
    for module, tree in sources(root).items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                bad = [alias.name for alias in node.names if alias.name in ("random", "numpy.random")]
            elif isinstance(node, ast.ImportFrom) and node.module in ("random", "numpy.random"):
                bad = [alias.name for alias in node.names if node.module == "random" or alias.name not in makers]
            elif isinstance(node, ast.ImportFrom) and node.module == "numpy":
                bad = [alias.name for alias in node.names if alias.name == "random"]
            elif isinstance(node, ast.Attribute) and dotted(node.value) in ("np.random", "numpy.random"):
                bad = [dotted(node)] if node.attr not in makers else []
            elif (
                isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in makers and not node.args + node.keywords
            ):
                # Fresh entropy is what random_state=None asks for; it is taken in this one place.
                fresh = module == "limelight._seeds" and dotted(node.func) == "np.random.SeedSequence"
                bad = [] if fresh else [f"{dotted(node.func)}()"]
            else:
                continue
            faults += [f"{module} line {node.lineno}: {name}" for name in bad]
    return faults


def habit_faults(root: Path) -> list[str]:
    """Prints outside the command line, imports that no other check can see, modules named for no job or without a word."""
    faults = []
    for module, tree in sources(root).items():
        if module.rpartition(".")[2].strip("_") in ("util", "utils", "helpers", "misc", "common"):
            faults.append(f"{module} is named for no job")
        if tree.body and not ast.get_docstring(tree):
            faults.append(f"{module} does not say what it is for")
        banned = {"print"} if unit(module) not in ("_cli", "_demo") else set()
        if unit(module) not in ("", "_registry"):
            banned |= {"import_module", "importlib.import_module", "__import__"}
        calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
        faults += [f"{module} line {call.lineno}: {dotted(call.func)}" for call in calls if dotted(call.func) in banned]
    return faults


def plant(root: Path, **files: str) -> Path:
    """A small sound package under `root`, with some of its files replaced or added."""
    house = {
        "limelight/__init__": "from limelight._explanation import Explanation",
        "limelight/_errors": "",
        "limelight/_views": "from limelight._errors import LimelightError",
        "limelight/_explanation": "from limelight._views import View\nR = {'html': 'limelight.renderers.html:render_page'}",
        "limelight/stages/__init__": "",
        "limelight/stages/components": "from limelight._views import View",
        "limelight/stages/perturbation": "from limelight.stages.components import Parts",
        "limelight/models/__init__": "def adapt():\n    from limelight.models.generic import adapt_any",
        "limelight/models/generic": "",
        "limelight/models/sklearn": "from limelight.stages import components",
        "limelight/renderers/__init__": "",
        "limelight/renderers/_summary": "from limelight._explanation import Explanation",
        "limelight/renderers/html": "from limelight.renderers._summary import summary",
        "limelight/_explainer": "from limelight.stages.perturbation import Design",
        "limelight/modalities/__init__": "",
        "limelight/modalities/text": "from limelight._explainer import Explainer",
        "limelight/_cli": "from limelight import Explanation",
    }
    for name, text in (house | files).items():
        file = root / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'"""What it is for."""\n{text}\n', encoding="utf-8")
    return root


@pytest.mark.parametrize("check", [floor_faults, circles, randomness_faults, habit_faults])
def test_house_is_sound(check):
    assert check(SOURCE) == []


@pytest.mark.parametrize("check", [floor_faults, circles, randomness_faults, habit_faults])
def test_sound_example_has_no_fault(check, tmp_path):
    assert check(plant(tmp_path)) == []


@pytest.mark.parametrize(
    ("file", "line", "fault"),
    [
        ("_errors", "from limelight._views import View", "limelight._errors must not import limelight._views"),
        ("_errors", "import limelight", "limelight._errors must not import limelight"),
        ("_views", "def view():\n    import limelight._explanation", "limelight._views must not import limelight._explanation"),
        (
            "_views",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from limelight.modalities.text import TextExplainer",
            "limelight._views must not import limelight.modalities.text",
        ),
        (
            "stages/components",
            "from limelight.stages.perturbation import Design",
            "limelight.stages.components must not import limelight.stages.perturbation",
        ),
        (
            "models/sklearn",
            "from limelight.renderers import html",
            "limelight.models.sklearn must not import limelight.renderers.html",
        ),
        ("models/sklearn", "from limelight.models import torch", "limelight.models.sklearn must not import limelight.models"),
        (
            "renderers/html",
            "import limelight.models.sklearn",
            "limelight.renderers.html must not import limelight.models.sklearn",
        ),
        (
            "renderers/html",
            "import limelight.stages.components",
            "limelight.renderers.html must not import limelight.stages.components",
        ),
        (
            "_explainer",
            "from limelight.modalities import text",
            "limelight._explainer must not import limelight.modalities.text",
        ),
        (
            "_explainer",
            "T = {'text': 'limelight.modalities.text:T'}",
            "limelight._explainer must not import limelight.modalities.text",
        ),
        (
            "modalities/image",
            "import limelight.modalities.text",
            "limelight.modalities.image must not import limelight.modalities.text",
        ),
        ("_cli", "import limelight.compat.lime_text", "limelight._cli must not import limelight.compat.lime_text"),
        ("_new", "", "limelight._new has no floor"),
    ],
)
def test_forbidden_import_is_reported(file, line, fault, tmp_path):
    assert floor_faults(plant(tmp_path, **{f"limelight/{file}": line})) == [fault]


def test_circle_is_reported(tmp_path):
    circle = {
        "limelight/renderers/_one": "from limelight.renderers._two import two",
        "limelight/renderers/_two": "from limelight.renderers._one import one",
    }
    assert floor_faults(plant(tmp_path, **circle)) == []
    (fault,) = circles(tmp_path)
    assert "limelight.renderers._one <- limelight.renderers._two" in fault


@pytest.mark.parametrize(
    "line",
    [
        "import random",
        "from random import shuffle",
        "from numpy.random import rand",
        "import numpy.random as npr",
        "from numpy import random",
        "import numpy as np\nnp.random.seed(0)",
        "import numpy as np\ndef draw():\n    return np.random.normal(size=3)",
        "import numpy as np\nrng = np.random.default_rng()",
        "from numpy.random import RandomState\nrng = RandomState()",
        "import numpy as np\nseeds = np.random.SeedSequence()",
    ],
)
def test_shared_randomness_is_reported(line, tmp_path):
    (fault,) = randomness_faults(plant(tmp_path, **{"limelight/_views": line}))
    assert fault.startswith("limelight._views line")


def test_seeded_randomness_is_not_reported(tmp_path):
    line = "import numpy as np\nrng = np.random.default_rng(7)\nold = isinstance(rng, np.random.RandomState)"
    assert randomness_faults(plant(tmp_path, **{"limelight/_views": line})) == []


def test_bad_habits_are_reported(tmp_path):
    lines = {"_views": "print(1)", "_cli": "print(1)", "_explainer": "__import__('limelight._cli')", "_utils": ""}
    root = plant(tmp_path, **{f"limelight/{file}": line for file, line in lines.items()})
    (root / "limelight/_errors.py").write_text("x = 1\n", encoding="utf-8")
    assert habit_faults(root) == [
        "limelight._errors does not say what it is for",
        "limelight._explainer line 2: __import__",
        "limelight._utils is named for no job",
        "limelight._views line 2: print",
    ]


ENTRIES = sorted({entry for tree in sources(SOURCE).values() for entry in looked_up(tree) if ":" in entry})


@pytest.mark.parametrize("entry", ENTRIES)
def test_registry_entry_exists(entry):
    module, _, attribute = entry.partition(":")
    assert hasattr(import_module(module), attribute), f"a registry names {entry}, which does not exist"


def test_registries_are_found():
    assert any(entry.startswith("limelight.renderers.") for entry in ENTRIES)
