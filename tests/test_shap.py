"""Explanations given to shap: the figures are the surrogate's, and shap's own plots take them."""

import math
import sys

import matplotlib as mpl
import numpy as np
import pytest

from limelight import ComponentsExplainer, ImageExplainer, TabularExplainer, TextExplainer, TimeSeriesExplainer
from limelight.exceptions import LabelError, MissingDependencyError
from limelight.segmentation import Grid, Uniform

mpl.use("Agg")
WORDS = {"cheap": 0.1, "pills": 0.3, "for": -0.2, "you": -0.1, "<b>": 0.05}


class Parts:
    names = ("low", "middle", "high", "noise")

    def compose(self, masks):
        return masks


def spam(texts):
    share = 0.4 + np.array([sum(weight for word, weight in WORDS.items() if word in text) for text in texts])
    return np.column_stack([1 - share, share])


def ups_and_downs(batch):
    flat = np.asarray(batch, dtype=float).reshape(len(batch), -1)
    return flat @ np.sin(np.arange(flat.shape[1]))


ROWS = np.random.default_rng(0).random((200, 4))
TEXT = TextExplainer(class_names=["ham", "spam"]).explain_instance("cheap <b> pills for you", spam, labels=[1, 0])
ROW = TabularExplainer(ROWS, class_names=["score"]).explain_instance(ROWS[0], ups_and_downs, num_features=3)
ALL = {
    "text": TEXT,
    "row": ROW,
    "slopes": TabularExplainer(ROWS, discretize_continuous=False).explain_instance(ROWS[0], ups_and_downs),
    "parts": ComponentsExplainer().explain_instance(Parts(), ups_and_downs),
    "image": ImageExplainer(Grid(16), fill=0).explain_instance(np.full((8, 8), 0.5), ups_and_downs),
    "series": TimeSeriesExplainer(Uniform(5), fill=0).explain_instance(np.full(20, 0.5), ups_and_downs),
    "without intervals": TabularExplainer(ROWS).explain_instance(ROWS[0], ups_and_downs, num_samples=4),
}


@pytest.mark.parametrize("name", ALL)
def test_figures_are_the_surrogates(name):
    explanation = ALL[name]
    for label in explanation.labels:
        surrogate, shown = explanation.surrogate(label), explanation.to_shap(label)
        weights, count = dict(explanation.as_map()[label]), len(explanation.names)
        assert shown.values.tolist() == [weights.get(component, 0.0) for component in range(count)]
        assert shown.base_values + shown.values.sum() == pytest.approx(surrogate.local_prediction)
        assert shown.feature_names == list(explanation.names)
        assert shown.output_names == explanation.output_names[label]
        assert shown.data.dtype == object
        assert shown.data.tolist() == [explanation.view.values()[component] for component in range(count)]


@pytest.mark.parametrize("name", ["text", "row", "parts", "image", "series"])
def test_base_is_the_intercept_where_components_are_present_or_absent(name):
    assert ALL[name].to_shap().base_values == pytest.approx(ALL[name].surrogate().intercept)


def test_unreported_components_have_weight_zero_and_no_interval():
    surrogate, shown = ROW.surrogate(), ROW.to_shap()
    (left_out,) = {0, 1, 2, 3} - set(surrogate.components)
    assert shown.values[left_out] == 0
    for bounds, ends in ((shown.lower_bounds, surrogate.lows), (shown.upper_bounds, surrogate.highs)):
        assert math.isnan(bounds[left_out])
        assert bounds[list(surrogate.components)].tolist() == list(ends)


def test_no_intervals_no_bounds():
    shown = ALL["without intervals"].to_shap()
    assert shown.lower_bounds is shown.upper_bounds is None


def test_default_label_and_others():
    assert TEXT.to_shap().output_names == "spam"
    assert TEXT.to_shap(0).output_names == "ham"
    assert TEXT.to_shap(0).values == pytest.approx(-TEXT.to_shap(1).values)
    with pytest.raises(LabelError, match="label 2 was not explained"):
        TEXT.to_shap(2)


@pytest.fixture
def pyplot():
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("plot", ["bar", "waterfall", "force", "decision"])
def test_shap_plots_take_it(plot, name, pyplot):
    import shap

    shown = ALL[name].to_shap()
    if plot == "bar":
        shap.plots.bar(shown, show=False)
    elif plot == "waterfall":
        shap.plots.waterfall(shown, show=False)
    elif plot == "force":
        shap.plots.force(shown, matplotlib=True, show=False)
    else:
        shap.plots.decision(shown.base_values, shown.values, shown.data, feature_names=shown.feature_names, show=False)
    pyplot.gcf().canvas.draw()
    texts = " ".join(text.get_text() for ax in pyplot.gcf().axes for text in [*ax.texts, *ax.get_yticklabels()])
    heaviest, _ = ALL[name].as_list()[0]
    assert heaviest.split("=")[-1] in texts


def test_shap_text_plot_takes_a_text():
    import shap

    page = shap.plots.text(TEXT.to_shap(), display=False)
    for word in ("cheap", "pills", "for", "you"):
        assert f">{word}</div>" in page


def test_missing_shap(monkeypatch):
    monkeypatch.setitem(sys.modules, "shap", None)
    with pytest.raises(MissingDependencyError, match=r"to_shap needs shap: pip install 'limelight\[shap\]'"):
        TEXT.to_shap()
