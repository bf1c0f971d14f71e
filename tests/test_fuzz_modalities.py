"""Texts, images and series of every kind: each is explained rightly, or ends in limelight's own error; see test_fuzz_tables."""

import re
import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers import fuzz_models as models
from helpers import fuzz_tables as tables
from helpers.fuzz_checks import check_answers, check_outputs, fuzzed
from hypothesis import given
from hypothesis import strategies as st

from limelight import ImageExplainer, TextExplainer, TimeSeriesExplainer
from limelight.exceptions import KernelError, LimelightError

PIECES = [
    *("good", "bad", "", "\ud800", "🙂", "né", "a\u0300", "<b>", "&", "\0", "\n", "...", "!!", "日本語", "ไทย", "العربية"),
    *("x" * 3000, "1", "1.0", "don't", "e\u200dx", "\u2028", "\ufeff", "İ", "ß"),
]
TEXTS = st.builds(
    lambda pieces, gap: gap.join(pieces), st.lists(st.sampled_from(PIECES), max_size=30), st.sampled_from([" ", "\n", ", "])
)
TEXT_OPTIONS = [
    {},
    {"bow": False},
    {"char_level": True},
    {"mask_string": "UNK"},
    {"split_expression": r"\s+"},
    {"split_expression": str.split},
    {"split_expression": "("},
    {"split_expression": r"x*"},
    {"split_expression": lambda text: None},  # noqa: ARG005
    {"kernel_width": 1e-3},
    {"kernel_width": 2.0},
    {"kernel_width": 1e9},
    {"alpha": 0},
    {"design": "iid"},
    {"kernel": lambda distances, width: np.ones_like(distances)},  # noqa: ARG005
    {"kernel": lambda distances, width: distances * np.nan},  # noqa: ARG005
]
IMAGE_OPTIONS = [
    {"segmentation": "grid"},
    {"segmentation": "grid", "fill": "blur"},
    {"segmentation": "grid", "fill": "noise"},
    {"segmentation": "grid", "fill": 0},
    {"segmentation": "grid", "fill": 1e300},
    {"segmentation": "grid", "fill": [1, 2, 3]},
    {"segmentation": "grid", "fill": lambda image, mask: image * np.nan},  # noqa: ARG005
    {"segmentation": "slic"},
    {"segmentation": "felzenszwalb"},
    {"segmentation": "quickshift"},
    {"segmentation": lambda image: np.zeros(image.shape[:2], dtype=int)},
    {"segmentation": lambda image: None},  # noqa: ARG005
    {"segmentation": "grid", "channel_axis": 0},
    {"segmentation": "grid", "kernel_width": 1e-4},
]
SERIES_OPTIONS = [
    {},
    {"fill": "noise"},
    {"fill": "linear"},
    {"fill": 0},
    {"fill": 1e300},
    {"segmentation": "change_points"},
    {"segmentation": lambda series: np.arange(len(series)) // 3},
    {"segmentation": lambda series: "x"},  # noqa: ARG005
    {"channel_axis": 0},
    {"background": np.zeros((5, 24))},
]
CALLS = [
    *({}, {}, {"batch_size": 3}, {"top_labels": 2}, {"link": "logit"}, {"num_features": 2}),
    *({"distance_metric": "euclidean"}, {"distance_metric": "jaccard"}),
]
IMAGE_SHAPES = [(12, 12), (12, 12, 3), (8, 16, 1), (9, 9, 4), (3, 12, 12), (1, 1), (0, 4), (12,), (4, 4, 4, 3), (16, 16, 7), ()]
SERIES_SHAPES = [(24,), (24,), (24, 2), (2, 24), (1,), (2,), (0,), (60, 3), (3, 4, 5), (), (200,)]
USUAL_TYPES = st.sampled_from(["uint8", "float32", "float64", "float16", "int64", "bool", "int16", "uint64"])
ODD_TYPES = st.sampled_from(["complex128", "object", "longdouble", "datetime64[s]", "U", ">f8"])
ANSWERS = models.SOUND | models.CONSTANT | models.BAD


@st.composite
def arrays(draw, shapes: list[tuple[int, ...]]) -> Any:
    """An array of any type and layout."""
    shape, rng = draw(st.sampled_from(shapes)), np.random.default_rng(draw(st.integers(0, 2**32)))
    kind, flavour = draw(USUAL_TYPES | USUAL_TYPES | ODD_TYPES), draw(st.sampled_from([0, 0, 0, 1, 2, 3, 4]))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tables.numpy_table(kind, shape, flavour, draw(st.sampled_from(ARRAY_LAYOUTS)), rng)


ARRAY_LAYOUTS = ["C", "C", "C", "F", "read-only", "masked", "list", "object", "matrix"]


def explain(explainer_class: Any, options: dict[str, Any], instance: Any, data: st.DataObject) -> None:
    """Explain it by any model, and check what comes of it."""
    name, call = data.draw(st.sampled_from(sorted(ANSWERS))), dict(data.draw(st.sampled_from(CALLS)))
    call["num_samples"] = data.draw(st.sampled_from([64, 64, 2, 5, 150]))
    model = models.Model(ANSWERS[name])
    with np.errstate(all="raise"):
        try:
            explainer = explainer_class(**options)
            explanation = explainer.explain_instance(instance, model, **call)
        except LimelightError:
            return
        check_answers(explanation, model, name)
        if name not in models.BAD and data.draw(st.booleans()):
            check_outputs(explanation)
            both = explainer.explain_many([instance, instance], models.Model(ANSWERS[name]), **call)
            assert repr(both[0]) == repr(both[1]) == repr(explanation)
            both.to_frame("pyarrow")


@fuzzed(120)
@given(text=TEXTS | st.text(max_size=40), options=st.sampled_from(TEXT_OPTIONS), data=st.data())
def test_any_text(text, options, data):
    explain(TextExplainer, options, text, data)


@fuzzed(90)
@given(image=arrays(IMAGE_SHAPES), options=st.sampled_from(IMAGE_OPTIONS), data=st.data())
def test_any_image(image, options, data):
    explain(ImageExplainer, options, image, data)


@fuzzed(120)
@given(series=arrays(SERIES_SHAPES), options=st.sampled_from(SERIES_OPTIONS), data=st.data())
def test_any_series(series, options, data):
    if getattr(series, "ndim", 0) == 1 and data.draw(st.integers(0, 4)) == 0:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                series = data.draw(st.sampled_from([pd.Series, pl.Series]))(series)
            except Exception:  # neither library takes all types
                return
    explain(TimeSeriesExplainer, options, series, data)


class TestWhatWasFound:
    @pytest.mark.parametrize("metric", ["jaccard", "euclidean"])
    @pytest.mark.parametrize("width", [1e-3, 0.1])
    def test_a_kernel_that_leaves_the_whole_text_alone(self, metric, width):
        """Among all masks is the one of the text itself, which the law never draws: it had all weight, and weights were NaN."""
        explainer = TextExplainer(kernel_width=width)
        expected = re.compile(r"the kernel is too narrow: .* nearest at distance [1-9].* have weight 0")
        with pytest.raises(KernelError, match=expected):
            explainer.explain_instance("a good film", lambda texts: list(map(len, texts)), distance_metric=metric)

    def test_a_kernel_whose_squares_vanish(self):
        def explain(weight):
            kernel = lambda distances, width: np.full(len(distances), weight)  # noqa: ARG005, E731
            return TextExplainer(kernel=kernel, alpha=0).explain_instance("a good film", lambda texts: list(map(len, texts)))

        explanation = explain(1e-200)
        assert dict(explanation.as_list()) == pytest.approx({"a": 1, "good": 4, "film": 4})
        assert explanation.effective_sample_size == pytest.approx(8)
        with pytest.raises(KernelError, match=r"have weight \de-295 or less"):
            explain(1e-295)

    @pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
    def test_frames_of_texts_with_lone_surrogates(self, backend):
        explanation = TextExplainer(char_level=True).explain_instance(
            "a\ud800\0", lambda texts: ["a" in text for text in texts]
        )
        frame = pl.DataFrame(explanation.to_frame(backend))
        assert {"a", r"\ud800", "\0"} == set(frame["name"])
