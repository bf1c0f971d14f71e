"""Answers that are no arrays of numbers: the error has a line of code that makes one of them, and the line works."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch

from limelight import ImageExplainer, TabularExplainer, TextExplainer
from limelight.exceptions import PredictionError

IMAGE = np.random.default_rng(1).random((24, 24, 3))
ROWS = np.random.default_rng(2).normal(size=(150, 3))
TEXT = "what a dull play it was"


@dataclass
class Step:
    """A step function of time, as survival models predict."""

    x: np.ndarray
    rate: float

    def __call__(self, time):
        return np.exp(-self.rate * time)


@dataclass
class Output:
    """What networks of some libraries give."""

    logits: np.ndarray


def shares(texts):
    return np.array([0.9 if "dull" in text else 0.2 for text in texts])


def likeliest(texts):
    """As a pipeline of texts answers that gives one class."""
    return [{"label": "NEG", "score": p} if p > 0.5 else {"label": "POS", "score": 1 - p} for p in shares(texts)]


def together(texts):
    return {"attentions": None, "logits": np.c_[1 - shares(texts), shares(texts)]}


def with_logits(texts):
    return Output(np.c_[1 - shares(texts), shares(texts)])


def one_by_one(texts):
    return (p for p in shares(texts))


def columns_for_inputs(texts):
    return np.array([shares(texts), 1 - shares(texts), np.zeros(len(texts))])


def one_at_a_time(texts):
    text = texts if isinstance(texts, str) else texts[0]
    return np.array([[0.1, 0.9] if "dull" in text else [0.8, 0.2]])


def boxes(images):
    brightness = images[:, :12, :12].mean(axis=(1, 2, 3))
    return [
        {"boxes": [[0, 0, 12, 12]], "labels": np.array([17]), "scores": [b]}
        if b > 0.4
        else {"boxes": [], "labels": [], "scores": []}
        for b in brightness
    ]


def tensors(images):
    return [
        {"boxes": torch.zeros(1, 4), "labels": torch.tensor([3]), "scores": torch.tensor([float(image.mean())])}
        for image in images
    ]


def masks(images):
    return images[..., 0] > 0.5


def class_maps(images):
    return np.moveaxis(images, -1, 1)


def thin(images):
    return images.mean(axis=(1, 2, 3))[:, None, None]


def steps(rows):
    return np.array([Step(np.array([0.5, 1.5, 4.0]), np.exp(row[0])) for row in rows], dtype=object)


def survival_at_times(rows):
    """A column for each subject, as lifelines gives it."""
    return pd.DataFrame([np.exp(-np.exp(rows[:, 0])), np.exp(-2 * np.exp(rows[:, 0]))], index=[1.0, 2.0])


def explain(model):
    texts = {likeliest, together, with_logits, one_by_one, columns_for_inputs, one_at_a_time}
    if model in texts or getattr(model, "of_texts", False):
        return TextExplainer().explain_instance(TEXT, model)
    images = {boxes, tensors, masks, class_maps, thin}
    if model in images or getattr(model, "of_images", False):
        return ImageExplainer("grid", fill=0).explain_instance(IMAGE, model)
    return TabularExplainer(ROWS).explain_instance(ROWS[3], model)


@pytest.mark.parametrize(
    ("model", "heaviest"),
    [
        (likeliest, "dull"),
        (together, "dull"),
        (with_logits, "dull"),
        (one_by_one, "dull"),
        (columns_for_inputs, "dull"),
        (one_at_a_time, "dull"),
        (boxes, None),
        (tensors, None),
        (masks, None),
        (class_maps, None),
        (thin, None),
        (steps, "x0"),
        (survival_at_times, "x0"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_kind_e_the_error_has_a_line_that_works(model, heaviest):
    with pytest.raises(PredictionError) as caught:
        explain(model)
    line = re.search(r"lambda (inputs|batch): .*?(?=\.$|, and class_names)", str(caught.value))[0]
    wrapper = eval(line, {"model": model, "numpy": np})
    wrapper.of_texts, wrapper.of_images = heaviest == "dull", heaviest is None
    explanation = explain(wrapper)
    assert heaviest is None or heaviest in explanation.as_list()[0][0]
    assert abs(explanation.as_list()[0][1]) > 0


def test_kind_e_a_function_that_returns_nothing():
    with pytest.raises(PredictionError, match=r"it gave None\. Its function has no return\."):
        TextExplainer().explain_instance(TEXT, lambda _: None)


def test_what_is_not_known_is_said_as_it_is():
    with pytest.raises(PredictionError, match="it gave list: ") as caught:
        TextExplainer().explain_instance(TEXT, lambda texts: [{"tokens": [1, 2]} for _ in texts])
    assert "lambda" not in str(caught.value)
