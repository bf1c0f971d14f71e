"""docs/migrating.md: every old call runs through limelight.compat, and every new one gives the same weights."""

import re
import sys
from pathlib import Path

import pytest

from limelight.compat import _installation

PAGE = (Path(__file__).parents[1] / "docs" / "migrating.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+)\n((?:(?!^## ).*\n)+)", PAGE, flags=re.MULTILINE))
BLOCK = re.compile(r"(?:^(lime|limelight)\b.*\n\n)?```python\n((?s:.*?))```", flags=re.MULTILINE)


@pytest.fixture(autouse=True)
def under_limes_name(monkeypatch):
    """`lime` is limelight.compat while a block runs, and afterwards what it was."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "lime"]:
        monkeypatch.delitem(sys.modules, name)
    _installation.install()
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "lime"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def shared():
    """What the page's blocks define; later sections use what earlier ones imported and trained."""
    return {}


def test_old_and_new_calls_give_the_same_weights(shared):
    """One test, since the page is one program from top to bottom."""
    compared = []
    for title, text in SECTIONS.items():
        found = {}
        for door, code in BLOCK.findall(text):
            exec(compile(code, f"docs/migrating.md, {title}", "exec"), shared)
            if door:
                found[door] = shared.pop("weights")
                if door == "lime":
                    assert shared["explanation" if title != "Picks" else "picks"].__class__.__module__.startswith(
                        "limelight.compat"
                    )
        if found:
            compared.append(title)
            largest = max(map(abs, found["lime"].values()))
            assert found["limelight"] == pytest.approx(found["lime"], abs=0.08 * largest), title
    assert len(compared) == 10
    assert set(shared["places"]) <= set(range(15))
    assert shared["value"] == pytest.approx(shared["progression"].predict(shared["diabetes"].data[7:8])[0])
    assert shared["marked"].shape == (128, 128, 3)
    assert shared["heat"].shape == (128, 128)
    assert shared["overlay"].shape == (128, 128, 3)


def test_the_line_that_has_it_classic_does():
    import numpy as np

    from limelight.compat.lime_base import LimeBase
    from limelight.compat.lime_tabular import LimeTabularExplainer

    (line,) = re.findall(r"`(explainer\.base = .*)`\.", PAGE)
    rows = np.random.default_rng(0).normal(size=(200, 3))
    explainer = LimeTabularExplainer(rows, random_state=0)
    exec(line, {"explainer": explainer, "LimeBase": LimeBase})
    found = explainer.explain_instance(rows[0], lambda rows: np.column_stack([rows[:, 0] * 0 + 0.5] * 2))
    assert found.limelight_explanation is None


def test_clients_are_those_that_the_script_runs():
    sys.path.insert(0, str(Path(__file__).parents[1]))
    try:
        from compat_clients.clients import CLIENTS
    finally:
        sys.path.pop(0)
    rows = re.findall(r"^\| ([\w-]+) \| ([\d.]+) \| \w+", SECTIONS["Clients"], flags=re.MULTILINE)
    assert {name for name, _ in rows} == set(CLIENTS)
    assert {f"{name}=={version}" for name, version in rows if name != "shap"} == {
        client.packages[0] for client in CLIENTS.values() if client.packages
    }
