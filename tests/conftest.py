"""What many tests share: the folder with real data, and how hypothesis looks for counterexamples."""

import os
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings
from sklearn.datasets import fetch_20newsgroups
from sklearn.utils import Bunch

ROOT = Path(__file__).resolve().parents[1]

# A time limit for each example would fail on a busy machine; continuous integration always tries the same examples.
settings.register_profile("limelight", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("limelight")


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
