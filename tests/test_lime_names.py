"""Names of lime's that limelight lacks: the error says what they are called here."""

import copy
import pickle

import numpy as np
import pytest

import limelight
from limelight import (
    ComponentsExplainer,
    Explainer,
    Explanations,
    ImageExplainer,
    TabularExplainer,
    TextExplainer,
    TimeSeriesExplainer,
    submodular_pick,
)
from limelight.exceptions import LIME_ARGUMENTS, LIME_ATTRIBUTES, ArgumentTypeError, LimelightError, RenamedError

ROWS = np.eye(20)


def model(texts):
    return ["b" in text for text in texts]


@pytest.fixture(scope="module")
def explanation():
    return TextExplainer().explain_instance("a b c", model)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: TabularExplainer(ROWS).explain_instance(data_row=ROWS[0], predict_fn=len),
            "explain_instance has no argument data_row: .* first argument, instance; predict_fn: .* second argument, model",
        ),
        (
            lambda: TabularExplainer(ROWS).explain_instance(ROWS[0], predict_fn=len),
            "no argument predict_fn: .* second argument",
        ),
        (lambda: TextExplainer().explain_instance(text_instance="a b", classifier_fn=model), "no argument text_instance"),
        (
            lambda: TextExplainer().explain_instance("a b", classifier_fn=model),
            "classifier_fn: it is the second argument, model",
        ),
        (lambda: ImageExplainer().explain_instance(np.eye(8), len, hide_color=0), r"hide_color: give ImageExplainer\(fill="),
        (lambda: ImageExplainer().explain_instance(np.eye(8), len, segmentation_fn=len), r"give ImageExplainer\(segmentation="),
        (lambda: ImageExplainer().explain_instance(image=np.eye(8)), "no argument image"),
        (lambda: TabularExplainer(ROWS).explain_many(ROWS, predict_fn=len), "explain_many has no argument predict_fn"),
        (
            lambda: TabularExplainer(ROWS, verbose=True),
            r"TabularExplainer has no argument verbose: explain_many\(verbose=True\)",
        ),
        (lambda: TextExplainer(verbose=False), "TextExplainer has no argument verbose"),
        (lambda: ImageExplainer(verbose=False), "ImageExplainer has no argument verbose"),
        (lambda: TimeSeriesExplainer(verbose=False), "TimeSeriesExplainer has no argument verbose"),
        (lambda: ComponentsExplainer(verbose=False), "no argument verbose"),
        (lambda: submodular_pick([], num_exps_desired=5), "submodular_pick has no argument num_exps_desired: .* num_picks"),
    ],
)
def test_kind_h_lime_s_arguments_are_named(call, message):
    with pytest.raises(ArgumentTypeError, match=message):
        call()


@pytest.mark.parametrize("method", ["as_html", "show_in_notebook"])
@pytest.mark.parametrize("argument", ["predict_proba", "show_predicted_value", "text", "show_table"])
def test_arguments_of_renderings(explanation, method, argument):
    with pytest.raises(ArgumentTypeError, match=f"{method} has no argument {argument}: the page always shows it; leave it out"):
        getattr(explanation, method)(**{argument: True})


def test_sizes(explanation):
    with pytest.raises(
        ArgumentTypeError, match=r"as_pyplot_figure has no argument figsize: give explanation\.plot\(ax=\.\.\.\)"
    ):
        explanation.as_pyplot_figure(figsize=(4, 4))


def test_other_unknown_arguments_raise_as_always(explanation):
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'") as caught:
        explanation.as_list(nonsense=1)
    assert not isinstance(caught.value, LimelightError)
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
        TextExplainer(nonsense=1)


@pytest.mark.parametrize(
    ("name", "new_name"),
    [
        ("local_exp", r"as_map\(\)"),
        ("score", r"surrogate\(label\)\.fidelity"),
        ("available_labels", "labels"),
        ("intercept", r"surrogate\(label\)\.intercept"),
        ("local_pred", r"surrogate\(label\)\.local_prediction"),
        ("top_labels", "labels"),
        ("predict_proba", "predictions"),
        ("class_names", "output_names"),
        ("get_image_and_mask", r"view\.get_image_and_mask"),
        ("domain_mapper", "names and view"),
    ],
)
def test_kind_h_lime_s_attributes_of_explanations_are_named(explanation, name, new_name):
    with pytest.raises(RenamedError, match=f"Explanation has no attribute '{name}'; here it is {new_name}"):
        getattr(explanation, name)
    assert not hasattr(explanation, name)
    assert getattr(explanation, name, "default") == "default"


@pytest.mark.parametrize("name", ["class_names", "mode", "feature_selection", "random_state", "feature_values", "discretizer"])
def test_attributes_of_explainers(name):
    with pytest.raises(AttributeError, match=f"TabularExplainer has no attribute '{name}'; here it is (options|statistics)"):
        getattr(TabularExplainer(ROWS), name)


def test_attributes_of_picks_and_of_the_package(explanation):
    pick = Explanations.of([explanation]).pick(1)
    with pytest.raises(RenamedError, match="Pick has no attribute 'sp_explanations'; here it is explanations"):
        _ = pick.sp_explanations
    with pytest.raises(AttributeError, match="no attribute 'LimeTextExplainer'; here it is TextExplainer"):
        _ = limelight.LimeTextExplainer
    assert not hasattr(limelight, "SubmodularPick")


def test_the_new_names_exist():
    image = ImageExplainer("grid").explain_instance(np.eye(16), lambda images: images[:, :2, 0])
    for new_name in LIME_ATTRIBUTES["Explanation"].values():
        for part in new_name.split(",")[0].split(" and "):
            names = {"explanation": image, "label": image.default_label, "as_map": image.as_map}
            assert eval(f"explanation.{part}", names) is not None
    explainer = TabularExplainer(ROWS)
    for new_name in LIME_ATTRIBUTES["Explainer"].values():
        eval(f"explainer.{new_name}", {"explainer": explainer})
    for new_name in LIME_ATTRIBUTES["limelight"].values():
        assert hasattr(limelight, new_name.split(",")[0])


def test_no_name_is_both_old_and_new(explanation):
    assert not {*LIME_ATTRIBUTES["Explanation"]} & {*dir(explanation)}
    for explainer in (TextExplainer(), TabularExplainer(ROWS), ImageExplainer(), TimeSeriesExplainer()):
        assert not {*LIME_ATTRIBUTES["Explainer"]} & {*dir(explainer)}
    assert LIME_ARGUMENTS


def test_copies_pickles_and_other_attributes(explanation):
    for value in (explanation, TextExplainer(), Explanations.of([explanation]).pick(1)):
        assert repr(copy.copy(value)) == repr(pickle.loads(pickle.dumps(value))) == repr(copy.deepcopy(value)) == repr(value)
        with pytest.raises(AttributeError, match=f"'{type(value).__name__}' object has no attribute 'nothing'"):
            _ = value.nothing


def test_a_modality_from_outside_may_use_the_names():
    class Letters(TextExplainer):
        feature_names = "letters"

        def __init__(self, verbose):
            super().__init__(char_level=True)
            self.verbose = verbose

    explainer = Letters(verbose=True)
    assert explainer.verbose
    assert explainer.feature_names == "letters"
    assert isinstance(explainer, Explainer)
