"""Unmodified programs on limelight.compat: under lime's name, by its command line, pickled; and input that lime got wrong."""

import json
import pickle
import re
import subprocess
import sys
import warnings

import dill
import numpy as np
import pandas as pd
import pytest
from lime.lime_tabular import LimeTabularExplainer as TheirTabularExplainer
from lime.lime_text import LimeTextExplainer as TheirTextExplainer
from sklearn.ensemble import RandomForestClassifier

from limelight.compat import __version__ as promised
from limelight.compat.lime_image import LimeImageExplainer
from limelight.compat.lime_tabular import LimeTabularExplainer
from limelight.compat.lime_text import LimeTextExplainer
from limelight.compat.submodular_pick import SubmodularPick

ROWS = np.random.RandomState(0).normal(size=(300, 4))
CODES = np.column_stack([ROWS[:, :2], np.random.RandomState(1).randint(0, 3, 300)])
TEXT = "cheap pills for you and all of us"


def classify(rows):
    probability = 1 / (1 + np.exp(-np.asarray(rows)[:, :3] @ [1.0, -0.5, 0.8]))
    return np.column_stack([1 - probability, probability])


def classify_texts(texts):
    spam = np.array([0.1 + 0.5 * ("pills" in text) + 0.2 * ("cheap" in text) for text in texts])
    return np.column_stack([1 - spam, spam])


def run(*arguments, cwd=None):
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=cwd, timeout=120)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


# --- under lime's name ------------------------------------------------------------------------------------------------------

PROGRAM = """
import sys
import lime
import lime.lime_tabular
from lime.lime_text import LimeTextExplainer
from lime import lime_image, submodular_pick
from lime.wrappers.scikit_image import SegmentationAlgorithm
from lime.utils.generic_utils import has_arg
import importlib.util
print(LimeTextExplainer.__module__, lime.__version__, lime.lime_tabular.LimeTabularExplainer.__module__, __name__, sys.argv[1:])
print(importlib.util.find_spec("lime").name, importlib.util.find_spec("lime.lime_tabular") is not None)
print(lime.submodular_pick is submodular_pick, lime.wrappers.scikit_image.SegmentationAlgorithm is SegmentationAlgorithm)
"""
EXPECTED = "limelight.compat.lime_text 0.2.0.1 limelight.compat.lime_tabular {} ['--fast']\nlime True\nTrue True"


def test_installed_as_lime():
    program = f"import limelight, sys\nsys.argv = ['', '--fast']\nlimelight.install_as_lime()\n{PROGRAM}"
    assert run("-W", "error", "-c", program) == (0, EXPECTED.format("__main__"), "")


def test_installed_twice_is_installed():
    code, out, _ = run(
        "-W",
        "error",
        "-c",
        "import limelight as l; l.install_as_lime(); l.install_as_lime(); import lime; print(lime.__version__)",
    )
    assert (code, out) == (0, promised)


def test_the_package_has_a_file():
    code, out, _ = run(
        "-c", "import limelight; limelight.install_as_lime(); import lime, os; print(os.path.isfile(lime.__file__))"
    )
    assert (code, out) == (0, "True")


def test_lime_that_was_imported_before_is_named():
    program = "import lime.lime_base, limelight; limelight.install_as_lime(); import lime.lime_base as b; print(b.__name__)"
    code, out, err = run("-c", program)
    assert (code, out) == (0, "limelight.compat.lime_base")
    assert "lime has been imported already" in err


def test_an_installed_lime_is_not_shadowed_otherwise():
    code, out, _ = run("-c", "import limelight, limelight.compat.lime_text, lime.lime_text as t; print(t.__name__, t.__file__)")
    assert code == 0
    assert out.startswith("lime.lime_text ")


def test_the_public_door_does_not_load_it():
    program = "import sys, limelight; limelight.install_as_lime; print([m for m in sys.modules if 'limelight.' in m])"
    assert run("-c", program)[1] == "[]"


def test_a_program_is_run(tmp_path):
    (tmp_path / "beside.py").write_text("x = 1\n")
    (tmp_path / "program.py").write_text(f"import beside\n{PROGRAM}")
    assert run("-m", "limelight.compat", "program.py", "--fast", cwd=tmp_path) == (0, EXPECTED.format("__main__"), "")


def test_a_module_is_run(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    assert run("-m", "limelight.compat", "-m", "program", "--fast", cwd=tmp_path) == (0, EXPECTED.format("__main__"), "")


def test_a_programs_exit_is_its_own(tmp_path):
    (tmp_path / "program.py").write_text("import sys\nsys.exit(7)\n")
    assert run("-m", "limelight.compat", "program.py", cwd=tmp_path)[0] == 7
    code, _, err = run("-m", "limelight.compat")
    assert code == 1
    assert "usage: python -m limelight.compat program.py" in err


# --- pickles ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", [pickle, dill], ids=["pickle", "dill"])
def test_explainers_can_be_pickled(library):
    for make, instance, model in (
        (lambda: LimeTabularExplainer(ROWS, random_state=0), ROWS[0], classify),
        (lambda: LimeTextExplainer(random_state=0), TEXT, classify_texts),
    ):
        explainer = make()
        explainer.note = "mine"
        again = library.loads(library.dumps(explainer))
        assert again.note == "mine"
        assert again.explain_instance(instance, model).as_list() == make().explain_instance(instance, model).as_list()
        assert again.explain_instance(instance, model).limelight_explanation is not None
    assert library.loads(library.dumps(LimeImageExplainer())).base.kernel_fn(0.0) == 1


READ = """
import limelight, pickle, sys
limelight.install_as_lime()
found = pickle.load(open(sys.argv[1], "rb"))
print(type(found).__module__, found.as_list() == pickle.load(open(sys.argv[2], "rb")))
import html
page = html.unescape(found.as_html())
print(all(str(name)[:4] in page for name, _ in found.as_list()), "no intervals" in page)
"""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["table", "regression", "text"])
def test_explanations_that_lime_pickled_can_be_read(kind, tmp_path):
    if kind == "text":
        found = TheirTextExplainer(random_state=0).explain_instance(TEXT, classify_texts)
    elif kind == "table":
        found = TheirTabularExplainer(ROWS, random_state=0).explain_instance(ROWS[0], classify, labels=(0, 1))
    else:
        found = TheirTabularExplainer(ROWS, mode="regression").explain_instance(ROWS[0], lambda rows: classify(rows)[:, 1])
    found.random_state = None  # numpy's global state
    (tmp_path / "found").write_bytes(pickle.dumps(found))
    (tmp_path / "list").write_bytes(pickle.dumps([(str(name), weight) for name, weight in found.as_list()]))
    code, out, err = run("-c", READ, str(tmp_path / "found"), str(tmp_path / "list"))
    assert code == 0, err
    assert out == "limelight.compat.explanation True\nTrue True"


@pytest.mark.filterwarnings("ignore")
def test_explainers_that_lime_pickled_are_refused(tmp_path):
    (tmp_path / "explainer").write_bytes(dill.dumps(TheirTextExplainer(random_state=0)))
    program = "import limelight, dill, sys\nlimelight.install_as_lime()\ndill.load(open(sys.argv[1], 'rb'))"
    code, _, err = run("-c", program, str(tmp_path / "explainer"))
    assert code == 1
    assert "LimeError: this explainer was pickled by lime" in err


def test_explanations_are_jsons_types():
    found = LimeTabularExplainer(ROWS, random_state=0).explain_instance(ROWS[0], classify)
    assert json.loads(json.dumps({"map": found.as_map(), "list": found.as_list()}))["list"]


# --- what lime got wrong ----------------------------------------------------------------------------------------------------


def test_a_frame_is_a_table_and_its_rows_are_read_by_name():
    frame = pd.DataFrame(ROWS, columns=list("abcd"))
    explainer = LimeTabularExplainer(frame, random_state=0)
    assert explainer.feature_names == list("abcd")
    weights = [
        dict(LimeTabularExplainer(frame, random_state=0).explain_instance(row, classify).as_list())
        for row in (frame.iloc[0], frame.iloc[0][list("dcba")], frame.iloc[[0]], ROWS[0], ROWS[0].tolist())
    ]
    assert all(found == pytest.approx(weights[0], abs=1e-9) for found in weights)


def test_a_code_that_no_training_row_has_warns_once_and_weighs_what_it_changes():
    explainer = LimeTabularExplainer(CODES, categorical_features=[2], categorical_names={2: ["a", "b", "c"]}, random_state=0)
    row = np.array([0.0, 0.0, 9.0])

    def model(rows):
        return np.column_stack([1 - 0.5 * (rows[:, 2] == 9), 0.5 * (rows[:, 2] == 9)])

    with pytest.warns(UserWarning, match="2=9 lies outside the training data"):
        found = explainer.explain_instance(row, model)
    assert dict(found.as_list())["2=9"] == pytest.approx(0.5, abs=0.02)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explainer.explain_instance(row, model)


def test_a_missing_value_is_named_so():
    rows = ROWS.copy()
    rows[::3, 1] = np.nan
    explainer = LimeTabularExplainer(rows, random_state=0)

    def model(rows):
        is_missing = np.isnan(rows[:, 1])
        return np.column_stack([1 - 0.6 * is_missing, 0.6 * is_missing])

    assert explainer.explain_instance(rows[0], model).as_list()[0] == ("1=nan", pytest.approx(0.6, abs=0.02))


def test_a_single_value_in_a_bin_is_drawn_as_it_is():
    rows = np.column_stack([ROWS, np.full(300, 7.0)])
    asked = []

    def model(rows):
        asked.append(rows)
        return classify(rows)

    LimeTabularExplainer(rows, random_state=0).explain_instance(rows[0], model)
    explainer = LimeTabularExplainer(rows, random_state=0)
    classic = explainer._LimeTabularExplainer__data_inverse(rows[0], 100)[1]
    assert {7.0} == {value for rows in (*asked, classic) for value in rows[:, 4]}


def test_a_narrow_kernel_warns():
    for options, expected in (({}, "cannot be known"), ({"discretize_continuous": False}, "penalty takes about 100%")):
        explainer = LimeTabularExplainer(ROWS, kernel_width=1e-3, random_state=0, **options)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            explainer.explain_instance(ROWS[0], classify)
        assert any(expected in str(warning.message) for warning in caught)
    explainer = LimeTextExplainer(kernel=lambda d, kernel_width: np.exp(-1e9 * d))
    with pytest.warns(UserWarning, match="kernel is too narrow"):
        found = explainer.explain_instance(TEXT, classify_texts)
    assert [weight for _, weight in found.as_list()] == pytest.approx([0] * 8)


def test_superpixels_that_begin_at_one_or_have_gaps_are_all_perturbed():
    image = np.zeros((20, 20, 3))
    image[10:] = 1.0
    segments = np.repeat([[1], [5]], 10, axis=0).repeat(20, axis=1)

    def model(images):
        lower = images[:, 10:].mean(axis=(1, 2, 3))
        return np.column_stack([1 - lower, lower])

    found = LimeImageExplainer(random_state=0).explain_instance(
        image, model, segmentation_fn=lambda image: segments, hide_color=0
    )
    assert dict(found.local_exp[1])[5] > 0.4
    assert set(dict(found.local_exp[1])) == {1, 5}


def test_a_colour_that_the_images_type_cannot_hold_warns():
    image = np.full((20, 20, 3), 200, dtype=np.uint8)
    with pytest.warns(UserWarning, match=r"hide_color=0.5 becomes 0 in an image of uint8"):
        LimeImageExplainer(random_state=0).explain_instance(
            image,
            lambda images: np.column_stack([images[:, :10].mean(axis=(1, 2, 3)), images[:, 10:].mean(axis=(1, 2, 3))]),
            segmentation_fn=lambda image: np.arange(400).reshape(20, 20) // 100,
            hide_color=0.5,
        )


def test_the_score_of_every_label_can_be_read():
    found = LimeTabularExplainer(ROWS, random_state=0).explain_instance(ROWS[0], classify, labels=(0, 1))
    assert found.score == found.score[1] == found.score.get(1)
    assert found.score[0] == pytest.approx(found.score[1])
    assert list(found.score) == list(found.score.keys()) == [0, 1]
    assert dict(found.score.items()) == dict(zip([0, 1], found.score.values(), strict=True))


def test_the_score_of_a_constant_output_is_finite():
    found = LimeTabularExplainer(ROWS, random_state=0).explain_instance(ROWS[0], lambda rows: np.full((len(rows), 2), 0.5))
    assert found.score == 1
    assert {weight for _, weight in found.as_list()} == {0}
    with pytest.warns(UserWarning, match="effective sample"):
        found = LimeTabularExplainer(ROWS, random_state=0).explain_instance(ROWS[0], classify, num_samples=5)
    assert np.isfinite(found.score)


def test_picks_can_be_repeated_and_their_signs_do_not_cancel():
    def picks():
        explainer = LimeTabularExplainer(ROWS, random_state=0)
        return SubmodularPick(
            explainer, ROWS, classify, sample_size=6, num_exps_desired=2, num_features=2, num_samples=200, top_labels=2
        )

    first, second = picks(), picks()
    assert first.V == second.V
    assert np.array_equal(first.sample_indices, second.sample_indices)
    names = {name for found in first.sp_explanations for name, _ in found.as_list(first.sp_explanations[0].top_labels[0])}
    assert len(names) > 2


def test_rendering_draws_nothing():
    def second(shows):
        explainer = LimeTextExplainer(random_state=0)
        found = explainer.explain_instance(TEXT, classify_texts, num_samples=100)
        if shows:
            found.as_html()
        return explainer.explain_instance(TEXT, classify_texts, num_samples=100).as_list()

    assert second(shows=True) == second(shows=False)


def test_pages_show_what_a_program_has_set():
    found = LimeTabularExplainer(ROWS, feature_names=list("abcd"), random_state=0).explain_instance(ROWS[0], classify)
    assert "no intervals" not in found.as_html()
    found.local_exp[1] = [(0, 0.123456), (2, -0.2)]
    found.class_names = ["no", "<b>yes</b>"]
    page = found.as_html()
    assert "0.123" in page
    assert "no intervals" in page
    assert "<b>yes</b>" not in page
    assert "&lt;b&gt;yes&lt;/b&gt;" in page


def test_pages_keep_labels_apart_whose_weights_are_the_same():
    explainer = LimeTabularExplainer(ROWS, random_state=0)
    found = explainer.explain_instance(ROWS[0], lambda rows: np.tile([0.31, 0.69], (len(rows), 1)), labels=(0, 1))
    shown = re.findall(r"Model (\S+), surrogate (\S+),", found.as_html())
    assert shown == [("0.310", "0.310"), ("0.690", "0.690")]


def test_many_rows_share_what_is_drawn():
    asked = []

    def model(rows):
        asked.append(rows)
        return classify(rows)

    explainer = LimeTabularExplainer(ROWS, random_state=0)
    for row in ROWS[:2]:
        explainer.explain_instance(row, model, num_samples=500)
    first, second = (set(map(tuple, rows.tolist())) for rows in (asked[0], asked[len(asked) // 2]))
    assert len(first & second) > 400


def test_a_forest_reaches_limelight_through_pickles_and_settings():
    forest = RandomForestClassifier(10, max_depth=3, random_state=0).fit(ROWS, ROWS[:, 0] > 0)
    explainer = pickle.loads(pickle.dumps(LimeTabularExplainer(ROWS, random_state=0)))
    explainer.class_names = ["no", "yes"]
    found = explainer.explain_instance(ROWS[0], forest.predict_proba, num_features=2)
    assert found.limelight_explanation.is_exact
    assert found.class_names == ["no", "yes"]
