"""Provenance: an explanation says how it was made, and can be kept and read back."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Lasso

import limelight
from limelight import (
    ComponentsExplainer,
    Explanation,
    Explanations,
    ImageExplainer,
    Provenance,
    TabularExplainer,
    TextExplainer,
)
from limelight.exceptions import ArgumentError
from limelight.segmentation import Grid

ROWS = np.random.default_rng(3).normal(size=(300, 4))
TEXT = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"


def text_model(texts):
    return [[0.6 - 0.2 * ("two" in text), 0.4 + 0.2 * ("two" in text)] for text in texts]


def flat_kernel(distances, width):
    return np.exp(-distances / width)


def explain_text(explainer=None, **arguments):
    return (explainer or TextExplainer()).explain_instance(TEXT, text_model, **arguments)


def test_kind_h_an_explanation_says_how_it_was_made():
    explainer = TextExplainer(
        kernel=flat_kernel, kernel_width=17, feature_selection="lasso_path", alpha=0.5, tolerance=0.2, random_state=4, bow=False
    )
    made = explain_text(explainer, link="logit", distance_metric="cosine", num_samples=64).provenance
    assert made == Provenance(
        explainer="TextExplainer",
        settings="unit='word', bow=False, mask='UNKWORDZ', blanks='keep'",
        design="complements",
        kernel="flat_kernel",
        kernel_width=17.0,
        distance="cosine",
        link="logit",
        feature_selection="lasso_path",
        regressor="ridge",
        alpha=0.5,
        tolerance=0.2,
        random_state=4,
        version=limelight.__version__,
        nominal_draws=64,
        content=made.content,
        locality="",
        kernel_share=made.kernel_share,
    )
    assert int(made.content, 16) > 0


@pytest.mark.parametrize(
    ("options", "arguments", "expected"),
    [
        (
            {},
            {},
            {"kernel": "exponential_kernel", "distance": "hundredfold_cosine", "link": "identity", "design": "complements"},
        ),
        ({"design": "iid"}, {}, {"design": "iid"}),
        ({}, {"model_regressor": Lasso(alpha=0.01)}, {"regressor": "Lasso"}),
        ({}, {"num_samples": 2**14}, {"design": "enumeration"}),
    ],
)
def test_texts(options, arguments, expected):
    made = explain_text(TextExplainer(**options), **{"num_samples": 64, **arguments}).provenance
    assert {name: getattr(made, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({}, "columns=4, sampler='marginals', discretizer='quartile'"),
        ({"sampler": "training_rows", "discretizer": "decile"}, "columns=4, sampler='training_rows', discretizer='decile'"),
        ({"sample_around_instance": True, "discretize_continuous": False}, "columns=4, sampler='around', discretizer=None"),
        ({"groups": {"pair": [0, 1]}}, "columns=4, sampler='marginals', discretizer='quartile', groups=['pair']"),
    ],
)
def test_tables(options, settings):
    made = TabularExplainer(ROWS, **options).explain_instance(ROWS[0], lambda x: x[:, 0], num_samples=64).provenance
    assert (made.explainer, made.settings, made.distance) == ("TabularExplainer", settings, "euclidean")


def test_images_and_components_of_the_user_s_own():
    image = np.arange(256.0).reshape(16, 16)
    made = ImageExplainer(Grid(4), fill="blur").explain_instance(image, lambda x: x.mean((1, 2)), num_samples=64).provenance
    assert "fill='blur'" in made.settings
    assert "Grid" in made.settings

    class Fill:
        def __call__(self, image, _segments):
            return np.zeros_like(image)

    def settings_of():
        explainer = ImageExplainer(np.arange(256).reshape(16, 16) // 64, fill=Fill())
        return explainer.explain_instance(image, lambda x: x.mean((1, 2)), num_samples=64).provenance.settings

    assert settings_of() == settings_of()  # no address in memory
    assert "0x" not in settings_of()

    class Pair:
        names = ("a", "b")

        def compose(self, masks):
            return masks

    assert ComponentsExplainer().explain_instance(Pair(), lambda x: x[:, 0] * 1.0).provenance.settings == ""


def test_the_same_for_one_and_for_many():
    explainer = TabularExplainer(ROWS)
    (many,) = explainer.explain_many(ROWS[:1], lambda x: x[:, 0], num_samples=64)
    assert many.provenance == explainer.explain_instance(ROWS[0], lambda x: x[:, 0], num_samples=64).provenance


def test_it_is_kept_and_shown_but_does_not_count_when_explanations_are_compared(tmp_path):
    explanation = explain_text(TextExplainer(random_state=2**100, tolerance=0.125))
    assert Explanation.from_json(explanation.to_json()).provenance == explanation.provenance
    Explanations.of([explanation]).save(tmp_path / "all.parquet")
    (stored,) = Explanations.load(tmp_path / "all.parquet")
    assert stored.provenance == explanation.provenance
    assert (explanation.kernel_width, explanation.alpha, explanation.random_state) == (25.0, 1.0, 2**100)
    page = explanation.as_html()
    assert "<summary>How it was made</summary>" in page
    for shown in ("hundredfold_cosine", "0.125", str(2**100), limelight.__version__):
        assert f"<b>{shown}</b>" in page
        assert shown not in repr(explanation)
    loose, strict = (explain_text(TextExplainer(tolerance=tolerance), num_samples=64) for tolerance in (0.5, 0.25))
    assert loose == strict
    assert loose.provenance != strict.provenance


class TestOneFile:
    @pytest.fixture
    def explanation(self):
        return explain_text(num_samples=64, id="letter 7")

    @pytest.mark.parametrize("name", ["why.json", "WHY.JSON", "a b ü.json"])
    def test_there_and_back(self, explanation, name, tmp_path):
        for path in (tmp_path / name, str(tmp_path / name)):
            explanation.save(path)
            again = Explanation.load(path)
            assert again == explanation
            assert again.to_json() == explanation.to_json()
            assert json.loads((tmp_path / name).read_text(encoding="utf-8"))["schema"] == 2

    @pytest.mark.parametrize("name", ["why.csv", "why.html", "why.parquet", "why", "why.pkl"])
    def test_other_endings(self, explanation, name, tmp_path):
        with pytest.raises(
            ArgumentError, match=r"explanation go to a file that ends in \.json; got .* save_to_file writes pages"
        ):
            explanation.save(tmp_path / name)
        with pytest.raises(ArgumentError, match=r"ends in \.json; got .* Explanations\.load reads Parquet files"):
            Explanation.load(tmp_path / name)
        assert not list(tmp_path.iterdir())

    def test_json_is_no_picture(self, explanation, tmp_path):
        with pytest.raises(ArgumentError, match=r"ends in .*\.svg, .*; got .*why\.json'\. save\(\) writes JSON"):
            explanation.save_to_file(tmp_path / "why.json")

    def test_what_is_not_there(self, tmp_path):
        with pytest.raises(ArgumentError, match=r"there is no file .*none\.json"):
            Explanation.load(tmp_path / "none.json")
        (tmp_path / "bad.json").write_text("{")
        with pytest.raises(ArgumentError, match="this is not JSON"):
            Explanation.load(tmp_path / "bad.json")

    def test_a_file_stays_whole_when_it_cannot_be_written(self, explanation, tmp_path, monkeypatch):
        explanation.save(tmp_path / "why.json")
        monkeypatch.setattr(Explanation, "to_json", lambda _: "\ud800")
        with pytest.raises(UnicodeEncodeError):
            explanation.save(tmp_path / "why.json")
        monkeypatch.undo()
        assert Explanation.load(tmp_path / "why.json") == explanation
        assert len(list(tmp_path.iterdir())) == 1


class TestManyInOneFile:
    @pytest.fixture
    def explanations(self):
        return Explanations.of([explain_text(num_samples=64)])

    @pytest.mark.parametrize("name", ["all.csv", "all.json", "all.xlsx", "all.html", "all.parquet.gz", "all.feather"])
    def test_kind_h_other_formats_are_refused(self, explanations, name, tmp_path):
        with pytest.raises(
            ArgumentError, match=r"ends in \.parquet; got .*to_frame\(\)\.to_csv\(\.\.\.\); for a page, call save_"
        ):
            explanations.save(tmp_path / name)
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("name", ["all.parquet", "all.PQ", "all"])
    def test_names_that_promise_nothing_else(self, explanations, name, tmp_path):
        explanations.save(tmp_path / name)
        assert list(Explanations.load(tmp_path / name)) == list(explanations)

    def test_what_is_advised_works(self, explanations, tmp_path):
        explanations.to_frame().to_csv(tmp_path / "all.csv", index=False)
        assert pd.read_csv(tmp_path / "all.csv")["name"].iloc[0] == "two"

    def test_reports(self, explanations, tmp_path):
        for name in ("all.html", "all.htm", "all"):
            explanations.save_report(tmp_path / name)
        with pytest.raises(ArgumentError, match=r"reports go to a file that ends in \.html; got .*all\.pdf"):
            explanations.save_report(tmp_path / "all.pdf")
