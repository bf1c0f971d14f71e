"""The published JSON Schema: explanations of every kind are valid, and what is none of them is not."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from helpers.samples import SAMPLES
from jsonschema import Draft202012Validator

import limelight
from limelight import ComponentsExplainer, ImageExplainer, TabularExplainer, TextExplainer, TimeSeriesExplainer
from limelight.extend import Shape, View, register

PUBLISHED = Path(__file__).parents[1] / "docs" / "explanation.schema.json"
SCHEMA = limelight.json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def faults(made):
    return [error.message[:200] for error in VALIDATOR.iter_errors(json.loads(made.to_json()))]


def halves(batch):
    first = np.asarray(batch, dtype=float).reshape(len(batch), -1)[:, 0]
    return np.column_stack([1 - first, first])


def made_by_explainers():
    rows = np.random.default_rng(0).random((60, 3))
    yield TextExplainer().explain_instance("a good film", lambda texts: ["good" in text for text in texts])
    yield TabularExplainer(rows).explain_instance(rows[0], halves, num_samples=100)
    yield TabularExplainer(rows).explain_instance(rows[0], lambda batch: np.ones(len(batch)), num_samples=5)
    yield ImageExplainer("grid").explain_instance(rows[:32, :].repeat(12, axis=1)[:, :32], halves, num_samples=50)
    yield TimeSeriesExplainer().explain_instance(rows.ravel(), halves, num_samples=50)

    class Pair:
        names = ("left", "right")

        def compose(self, masks):
            return masks.sum(axis=1)

    yield ComponentsExplainer().explain_instance(Pair(), np.asarray, num_samples=8)


def test_kind_m_the_published_schema_is_that_of_the_code():
    """After a change of what an explanation holds: json.dumps(limelight.json_schema(), indent=2), and a new line."""
    assert PUBLISHED.read_text(encoding="utf-8") == json.dumps(SCHEMA, indent=2) + "\n"
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_kind_of_explanation_is_valid(name):
    assert faults(SAMPLES[name]) == []


def test_what_explainers_make_is_valid():
    assert [faults(made) for made in made_by_explainers()] == [[]] * 6


@pytest.mark.usefixtures("registry")
def test_a_view_from_outside_is_valid():
    @dataclass(frozen=True)
    class Chord(View):
        kind: ClassVar[str] = "chord"
        notes: tuple[str, ...]

        def values(self):
            return dict(enumerate(self.notes))

        def to_dict(self):
            return {"kind": self.kind, "notes": list(self.notes)}

        @classmethod
        def from_dict(cls, data):
            return cls(tuple(data["notes"]))

    register("view", "chord", Chord)
    data = {**SAMPLES["parts"].to_dict(), "view": Chord(("c", "e", "g")).to_dict()}
    assert VALIDATOR.is_valid(data)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("schema", 0),
        ("names", "good"),
        ("output_kind", "margins"),
        ("predictions", ["0.5"]),
        ("converged", 1),
        ("num_samples", 1.5),
        ("notices", [{"code": "a", "message": "b", "level": "warning"}]),
        ("notices", [{"code": "a"}]),
        ("surrogates", [{"label": 0}]),
        ("view", {"kind": "table", "cells": [["age", "54"]]}),
        ("view", {"kind": "text", "text": "a"}),
        ("view", {"kind": "drawing", "width": 1, "height": 1, "background": [["star", [1]]], "marks": [], "descriptions": []}),
        ("view", {}),
        ("more", 1),
    ],
)
def test_what_is_no_explanation_is_invalid(part, value):
    data = SAMPLES["table"].to_dict()
    assert VALIDATOR.is_valid(data)
    assert not VALIDATOR.is_valid({**data, part: value})
    if part != "more":
        assert not VALIDATOR.is_valid({name: held for name, held in data.items() if name != part})


def test_every_shape_is_valid():
    shapes = [
        *(Shape.line([(0, 0), (1, 1)]), Shape.polygon([(0, 0), (1, 1), (1, 0)]), Shape.rectangle(0, 0, 1, 1)),
        *(Shape.circle(0, 0, 1), Shape.text(0, 0, "x"), Shape.raster(0, 0, 1, 1, [[0.0, 1.0]])),
    ]
    data = SAMPLES["drawing"].to_dict()
    data["view"]["background"] = [shape.to_list() for shape in shapes]
    assert VALIDATOR.is_valid(data)
    data["view"]["background"][0].append(1)
    assert not VALIDATOR.is_valid(data)
