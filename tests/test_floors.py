"""The house rules that a reader of the sources can rely on, checked on the syntax trees.

Every check is a function from a source tree to a list of faults, so that it can be shown a tree with a fault in it.
"""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest
from helpers import house
from helpers.house import SOURCE, handed_out, imports, looked_up, room, sources

GROUND, RESULTS, STAGES, SIDES, BATCH, PIPELINE, MODALITIES, DOORS, PROGRAMS = range(9)
FLOORS = {
    "exceptions": GROUND,
    "_registry": GROUND,
    "_checks": GROUND,
    "_seeds": GROUND,
    "_blas": GROUND,
    "results": RESULTS,
    "stages": STAGES,
    "collection": STAGES,
    "models": SIDES,
    "renderers": SIDES,
    "_options": SIDES,
    "_lockstep": SIDES,
    "batch": BATCH,
    "_explainer": PIPELINE,
    "modalities": MODALITIES,
    "": DOORS,
    "demo": DOORS,
    "datasets": DOORS,
    "cli": PROGRAMS,
    "compat": PROGRAMS,
}
# Of units on one floor, those in one of these lists import from the ones before them, and others not from each other.
ORDERED = [
    ("exceptions", "_registry", "_checks", "_seeds", "_blas"),
    ("datasets", "", "demo"),
]
# A name that is looked up in a registry is an import as well. These go up, inside a method: an explanation calls its renderer
# by name, and many of them their pick and their report.
LOOKS_UP = {("results", "renderers"), ("collection", "collection"), ("collection", "renderers")}
# The registry knows where the tables of all kinds are.
LOOKS_UP |= {("_registry", name) for name in ("batch", "models", "results", "stages")}


# In these folders files stand side by side: one uses private files of its folder and no other public one.
SIDE_BY_SIDE = ("models", "modalities", "renderers")
# What a folder is for is said by the names that it hands out.
HANDED_OUT = {"batch": {"FrameFunction", "BatchMixin", "TableFile"}, "modalities.tables": {"TabularExplainer"}}


def may_import(importer: str, target: str) -> bool:
    """Whether the floors allow the import of one module in another."""
    folder, _, file = target.rpartition(".")
    if folder != "limelight" and file.startswith("_") and not f"{importer}.".startswith(f"{folder}."):
        return False
    upper, lower = room(importer), room(target)
    if FLOORS[lower] != FLOORS[upper]:
        return FLOORS[lower] < FLOORS[upper] and {upper, lower} != {"renderers", "stages"}
    if upper != lower:
        return any({upper, lower} <= set(order) and order.index(lower) < order.index(upper) for order in ORDERED)
    of_the_folder_itself = importer.count(".") == 1
    return upper not in SIDE_BY_SIDE or of_the_folder_itself or not _is_public(folder, file)


def _is_public(folder: str, file: str) -> bool:
    """Whether a file stands side by side with others in its folder."""
    return folder.count(".") == 1 and not file.startswith("_")


def floor_faults(root: Path) -> list[str]:
    """Files without a floor, and imports that do not go down."""
    trees = sources(root)
    faults = [f"{module} has no floor" for module in trees if room(module) not in FLOORS]
    for module, targets in imports(root).items():
        looks = {entry.partition(":")[0] for entry in looked_up(trees[module])} - {module}
        looks = {target for target in looks if (room(module), room(target)) not in LOOKS_UP}
        for target in sorted(targets | looks):
            known = room(module) in FLOORS and room(target) in FLOORS
            if not known or not may_import(module, target):
                faults.append(f"{module} must not import {target}")
    return faults


def order_faults(root: Path) -> list[str]:
    """Stages that the folder's docstring does not list, and imports of a later stage in an earlier one."""
    stages = {name: tree for name, tree in sources(root).items() if name.startswith("limelight.stages")}
    text = ast.get_docstring(stages["limelight.stages"]) or ""
    order = [f"limelight.stages.{name}" for name in re.findall(r"^ *(\w+)  ", text, re.MULTILINE)]
    files = set(stages) - {"limelight.stages"}
    faults = [f"the list of stages lacks {module}" for module in sorted(files - set(order))]
    faults += [f"{module} is no stage" for module in sorted(set(order) - files)]
    graph = imports(root)
    for module in files & set(order):
        later = graph[module] & set(order[order.index(module) :])
        faults += [f"{module} must not import {target}, which comes later" for target in sorted(later)]
    return faults


def circles(root: Path) -> list[str]:
    """A circle of imports, between files or between rooms."""
    return house.circles(imports(root)) or house.circles(house.rooms_of(root))


def handing_faults(root: Path) -> list[str]:
    """Names that outsiders import from a folder although the table lacks them, and names in the table that none imports."""
    faults = []
    for folder, names in HANDED_OUT.items():
        users_of = handed_out(root, folder)
        for name, users in sorted(users_of.items()):
            if name not in names:
                faults.append(f"{', '.join(sorted(users))} must not import {name} of {folder}")
        faults += [f"no outsider imports {name} of {folder}" for name in sorted(names - set(users_of))]
    return faults


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
        is_limes = module == "limelight.compat.utils"  # lime's name, not ours
        if module.rpartition(".")[2].strip("_") in ("util", "utils", "helpers", "misc", "common") and not is_limes:
            faults.append(f"{module} is named for no job")
        if tree.body and not ast.get_docstring(tree):
            faults.append(f"{module} does not say what it is for")
        banned = {"print"} if room(module) not in ("cli", "compat", "demo") else set()
        if room(module) not in ("", "exceptions", "_registry"):
            banned |= {"import_module", "importlib.import_module", "__import__"}
        calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
        faults += [f"{module} line {call.lineno}: {dotted(call.func)}" for call in calls if dotted(call.func) in banned]
    return faults


def plant(root: Path, **files: str) -> Path:
    """A small sound package under `root`, with some of its files replaced or added."""
    house = {
        "limelight/__init__": "from limelight.modalities.tables.explainer import TabularExplainer",
        "limelight/exceptions": "",
        "limelight/results/__init__": "",
        "limelight/results/_json": "",
        "limelight/results/views": "from limelight.exceptions import LimelightError\nimport limelight.results._json",
        "limelight/results/explanation": (
            "from limelight.results.views import View\nR = {'html': 'limelight.renderers.html:render_page'}"
        ),
        "limelight/models/__init__": "def adapt():\n    from limelight.models.generic import adapt_any",
        "limelight/models/generic": "",
        "limelight/models/sklearn": "from limelight.stages import components",
        "limelight/renderers/__init__": "",
        "limelight/renderers/_summary": "from limelight.results.explanation import Explanation",
        "limelight/renderers/html": "from limelight.renderers._summary import summary",
        "limelight/_explainer": (
            "from limelight.batch.mixin import BatchMixin\nfrom limelight.stages.perturbation import Design"
        ),
        "limelight/batch/__init__": "",
        "limelight/batch/mixin": "from limelight._lockstep import Run",
        "limelight/batch/files": "",
        "limelight/batch/frame_function": "",
        "limelight/_lockstep": "",
        "limelight/cli/__init__": "",
        "limelight/cli/main": (
            "from limelight.batch.files import TableFile\nfrom limelight.batch.frame_function import FrameFunction"
        ),
        "limelight/modalities/__init__": "",
        "limelight/modalities/text": "from limelight._explainer import Explainer",
        "limelight/modalities/tables/__init__": "",
        "limelight/modalities/tables/_columns": "",
        "limelight/modalities/tables/explainer": "import limelight.modalities.tables._columns",
        "limelight/__main__": "from limelight import TabularExplainer",
    }
    stages = {
        "limelight/stages/components": "from limelight.results.views import View",
        "limelight/stages/perturbation": "from limelight.stages.components import Parts",
    }
    for name, text in (house | stages | files).items():
        file = root / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'"""What it is for."""\n{text}\n', encoding="utf-8")
    (root / "limelight/stages/__init__.py").write_text('"""In order:\n\n    components  one\n    perturbation  two\n"""\n')
    return root


CHECKS = [floor_faults, order_faults, circles, handing_faults, randomness_faults, habit_faults]


@pytest.mark.parametrize("check", CHECKS)
def test_house_is_sound(check):
    assert check(SOURCE) == []


def test_layout_is_no_more_tangled_than_the_design_says():
    graph = house.rooms_of(SOURCE)
    assert len(graph) <= 24
    assert max(house.levels(graph).values()) <= 11
    assert sum(map(len, graph.values())) <= 87
    assert len(handed_out(SOURCE, "modalities.tables")) == 1
    assert len(handed_out(SOURCE, "batch")) <= 3
    assert len(handed_out(SOURCE, "collection")) <= 27
    assert len(handed_out(SOURCE, "collection")) <= 27
    assert len(handed_out(SOURCE, "results")) <= 48
    assert len(handed_out(SOURCE, "stages")) <= 72


@pytest.mark.parametrize("check", CHECKS)
def test_sound_example_has_no_fault(check, tmp_path):
    assert check(plant(tmp_path)) == []


@pytest.mark.parametrize(
    ("file", "line", "target"),
    [
        ("exceptions", "from limelight.results.views import View", "results.views"),
        ("exceptions", "import limelight", ""),
        (
            "results/views",
            "if TYPE_CHECKING:\n    import limelight.modalities.text",
            "modalities.text",
        ),
        ("models/sklearn", "from limelight.renderers import html", "renderers.html"),
        ("models/sklearn", "from limelight.models import generic", "models.generic"),
        ("renderers/html", "import limelight.models.sklearn", "models.sklearn"),
        ("renderers/html", "import limelight.stages.components", "stages.components"),
        ("renderers/html", "import limelight.results._json", "results._json"),
        ("_explainer", "from limelight.modalities import text", "modalities.text"),
        ("_explainer", "T = {'text': 'limelight.modalities.text:T'}", "modalities.text"),
        ("modalities/image", "import limelight.modalities.text", "modalities.text"),
        ("modalities/image", "import limelight.modalities.tables._columns", "modalities.tables._columns"),
        ("__main__", "import limelight.compat.lime_text", "compat.lime_text"),
    ],
)
def test_forbidden_import_is_reported(file, line, target, tmp_path):
    importer = f"limelight/{file}".replace("/", ".")
    fault = f"{importer} must not import {f'limelight.{target}'.rstrip('.')}"
    assert floor_faults(plant(tmp_path, **{f"limelight/{file}": line})) == [fault]


def test_name_handed_out_is_reported_if_the_table_lacks_it_or_none_imports_it(tmp_path):
    files = {
        "limelight/cli/main": "from limelight.batch.files import TableFile, read_files",
        "limelight/__init__": "",
    }
    assert handing_faults(plant(tmp_path, **files)) == [
        "limelight.cli.main must not import read_files of batch",
        "no outsider imports FrameFunction of batch",
        "no outsider imports TabularExplainer of modalities.tables",
    ]


def test_file_without_a_floor_is_reported(tmp_path):
    assert floor_faults(plant(tmp_path, **{"limelight/_new": ""})) == ["limelight._new has no floor"]


def test_stages_in_the_wrong_order_are_reported(tmp_path):
    files = {"limelight/stages/components": "import limelight.stages.perturbation", "limelight/stages/extra": ""}
    assert order_faults(plant(tmp_path, **files)) == [
        "the list of stages lacks limelight.stages.extra",
        "limelight.stages.components must not import limelight.stages.perturbation, which comes later",
    ]


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
    (fault,) = randomness_faults(plant(tmp_path, **{"limelight/_explainer": line}))
    assert fault.startswith("limelight._explainer line")


def test_seeded_randomness_is_not_reported(tmp_path):
    line = "import numpy as np\nrng = np.random.default_rng(7)\nold = isinstance(rng, np.random.RandomState)"
    assert randomness_faults(plant(tmp_path, **{"limelight/_explainer": line})) == []


def test_bad_habits_are_reported(tmp_path):
    lines = {"results/views": "print(1)", "__main__": "print(1)", "_explainer": "__import__('limelight.cli')", "_utils": ""}
    root = plant(tmp_path, **{f"limelight/{file}": line for file, line in lines.items()})
    (root / "limelight/exceptions.py").write_text("x = 1\n", encoding="utf-8")
    assert habit_faults(root) == [
        "limelight._explainer line 2: __import__",
        "limelight._utils is named for no job",
        "limelight.exceptions does not say what it is for",
        "limelight.results.views line 2: print",
    ]


ENTRIES = sorted({entry for tree in sources(SOURCE).values() for entry in looked_up(tree) if ":" in entry})


@pytest.mark.parametrize("entry", ENTRIES)
def test_registry_entry_exists(entry):
    module, _, attribute = entry.partition(":")
    assert hasattr(import_module(module), attribute), f"a registry names {entry}, which does not exist"


def test_registries_are_found():
    assert any(entry.startswith("limelight.renderers.") for entry in ENTRIES)
