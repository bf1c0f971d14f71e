"""What many tests share: seeds, the folder with real data, a browser, and how hypothesis looks for counterexamples."""

import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import hypothesis
import numpy as np
import pytest
from hypothesis import settings
from sklearn.datasets import fetch_20newsgroups
from sklearn.utils import Bunch

from limelight import _registry

ROOT = Path(__file__).resolve().parents[1]

# A time limit for each example would fail on a busy machine. Continuous integration always tries the same examples; elsewhere
# a failure prints the line that repeats it.
settings.register_profile("limelight", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.load_profile("limelight")

# Stands for whatever a test draws without a seed of its own. Worker processes inherit it from the environment.
SEED = int(os.environ.setdefault("LIMELIGHT_TEST_SEED", str(secrets.randbelow(2**32))))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", metavar="FOLDER", help="write pictures of the pages that are measured into this folder")


def pytest_report_header() -> list[str]:
    examples = "the same examples in every run" if settings().derandomize else "new examples in every run"
    return [
        f"limelight: LIMELIGHT_TEST_SEED={SEED} repeats this run's random numbers",
        f"limelight: numpy {np.__version__}; hypothesis {hypothesis.__version__}, {examples}",
    ]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Seed the generators of the whole process, from which models and libraries draw that were given no seed."""
    np.random.seed(SEED)  # noqa: NPY002
    if torch := sys.modules.get("torch"):
        torch.manual_seed(SEED)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    report = yield
    if report.failed:
        report.sections.append(("Seed", f"LIMELIGHT_TEST_SEED={SEED}"))
    return report


@pytest.fixture(scope="session")
def seed() -> int:
    """A seed for a test that should see other random numbers in every run; a failure prints it."""
    return SEED


class Newsgroups(NamedTuple):
    """Posts to alt.atheism (target 0) and soc.religion.christian (target 1): each has `data`, `target`, `target_names`."""

    train: Bunch
    test: Bunch


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with real data: LIMELIGHT_DATA, or ../shared/data seen from the project's root."""
    folder = Path(os.environ.get("LIMELIGHT_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no folder with real data at {folder}; set LIMELIGHT_DATA to where it is")
    return folder


@pytest.fixture(scope="session")
def newsgroups(data_folder: Path) -> Newsgroups:
    """The two newsgroups of the paper's examples, headers kept, in scikit-learn's order."""

    def load(subset: str) -> Bunch:
        return fetch_20newsgroups(
            data_home=data_folder / "scikit_learn_data",
            subset=subset,
            categories=["alt.atheism", "soc.religion.christian"],
            download_if_missing=False,
        )

    return Newsgroups(load("train"), load("test"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The machine's own Chromium, driven by Playwright; without them tests are skipped, in continuous integration they fail."""
    missing = pytest.fail if "CI" in os.environ else pytest.skip
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("no playwright: pip install playwright")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        missing("no chromium, chromium-browser or google-chrome on the path: apt-get install chromium")
    with sync_playwright() as playwright:
        # Its sandbox needs rights that containers do not give; it is shown nothing but the tests' own pages.
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        running = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens HTML, or a file, in a context of its own, and gives Playwright's page.

    The page may ask for nothing but its own file, and neither complain, nor open a dialog or a window: the test fails at its
    end if one did. What it does is in `page.happened`, for tests of pages that misbehave on purpose; they empty it.
    """
    happened: list[str] = []
    contexts = []

    def open_(html: str | Path, *, width: int = 1000, height: int = 800, script: bool = True, **settings: Any) -> Any:
        file = html if isinstance(html, Path) else tmp_path / f"page{len(contexts)}.html"
        if isinstance(html, str):
            file.write_text(html, encoding="utf-8")
        address = file.resolve().as_uri()

        def answer(route: Any) -> None:
            if unquote(route.request.url) == unquote(address):
                route.continue_()
            else:
                happened.append(f"request: {route.request.url[:200]}")
                route.abort()

        context = browser.new_context(
            viewport={"width": width, "height": height}, java_script_enabled=script, service_workers="block", **settings
        )
        contexts.append(context)
        context.route("**/*", answer)
        page = context.new_page()
        page.happened = happened
        page.on("console", lambda message: message.type in ("error", "warning") and happened.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: happened.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (happened.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("popup", lambda window: happened.append(f"window: {window.url}"))
        page.on("download", lambda download: happened.append(f"download: {download.url}"))
        page.on("websocket", lambda socket: happened.append(f"socket: {socket.url}"))
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        for page in context.pages:
            page.wait_for_timeout(1)  # what is on its way arrives
        context.close()
    assert not happened, "the page did what it may not: " + "; ".join(dict.fromkeys(happened))


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is registered before a test, and nothing of what it registers is left after it."""
    monkeypatch.setattr(_registry, "_registered", {kind: {} for kind in _registry.KINDS})
    _registry._entry_points.cache_clear()
    yield
    _registry._entry_points.cache_clear()
