"""Jobs that differ somewhere, for tests of checkpoints: explainers, models, instances and arguments of every modality."""

import functools
import re
from typing import NamedTuple

import numpy as np

from helpers.batches import ROWS, of_images, of_series, of_texts, plain
from limelight import ImageExplainer, TabularExplainer, TextExplainer, TimeSeriesExplainer

TEXTS = ["fine soup here", "cold soup, fine view", "no soup today", "a fine-grained view", "bread; soup", "the view is fine"]
TABLE = ROWS[:40]
IMAGES = np.zeros((4, 12, 12, 3), dtype=np.uint8)  # the first one is flat
IMAGES[1:] = np.random.default_rng(0).integers(0, 256, size=(3, 12, 12, 3))
SERIES = np.concatenate([np.zeros((1, 40)), ROWS[:120].ravel()[:160].reshape(4, 40)])
SCALE = 1.0


class Job(NamedTuple):
    """A call of ``explain_many``; `options` are the explainer's."""

    options: dict
    model: object
    instances: object
    arguments: dict

    def run(self, kind, **arguments):
        explainer = EXPLAINERS[kind](**self.options)
        few = {"num_samples": 24, "chunk_size": 2}
        return explainer.explain_many(self.instances, self.model, **{**few, **self.arguments, **arguments})


def tabular(training_data=TABLE, **options):
    return TabularExplainer(training_data, **options)


EXPLAINERS = {"text": TextExplainer, "table": tabular, "image": ImageExplainer, "series": TimeSeriesExplainer}


def exponent(power):
    return lambda distances, width: np.exp(-((distances / width) ** power))


def scaled(distances, width):
    return np.exp(-SCALE * distances / width)


class Splitter:
    """A tokenizer with a cache, which its state leaves out, and words to keep together."""

    def __init__(self, pattern, kept):
        self.pattern = re.compile(pattern)
        self.kept = kept

    @functools.cached_property
    def longest(self):
        return max(map(len, self.kept), default=0)

    def __call__(self, text):
        assert self.longest >= 0
        return [text] if text in self.kept else self.pattern.findall(text)


def tokens(separators):
    def split(text):
        return [word for word in re.split(f"[{separators}]+", text) if word]

    return split


def elsewhere(model, instance, step=0.5):
    """The same model, but for one instance."""

    def changed(inputs):
        answers = np.asarray(model(inputs), dtype=float)
        return answers + step * np.array([np.array_equal(one, instance) for one in inputs])

    return changed


def without(training, row):
    return np.delete(training, row, axis=0)


def nudged(array, place):
    array = array.copy()
    array[place] += 1
    return array


def rows_like(offset):
    return lambda count, generator: TABLE[generator.integers(0, len(TABLE), count)] + offset


def at_most(limit):
    return lambda rows: np.minimum(rows, limit)


def edges(shift):
    return lambda values, _: np.quantile(values, [0.3, 0.6]) + shift


def painted(colour):
    return lambda image, mask: np.where(mask[..., None], colour, image)


def halves(where):
    def segment(image):
        labels = np.zeros(image.shape[:2], dtype=int)
        labels[:, where:] = 1
        labels[where:] += 2
        return labels

    return segment


COMMON = [
    {},
    {"random_state": 1},
    {"kernel": exponent(2)},
    {"kernel": exponent(3)},
    {"kernel": scaled},
    {"kernel": functools.partial(exponent(1))},
    {"kernel_width": 20.0},
    {"class_names": ["one"]},
    {"class_names": ["other"]},
    {"feature_selection": "none"},
    {"alpha": 0.5},
    {"tolerance": 0.01},
    {"certainty": 0.9},
    {"design": "iid"},
    {"mode": "regression"},
]
CALLS = [
    {},
    {"num_features": 2},
    {"num_samples": 40},
    {"num_samples": "auto", "max_samples": 40},
    {"chunk_size": 3},
    {"labels": [0]},
    {"distance_metric": "euclidean"},
]
OPTIONS = {
    "text": [
        {"split_expression": r"\s+"},
        {"split_expression": r"[\W-]+"},
        {"split_expression": tokens(" ,")},
        {"split_expression": tokens(" ,;")},
        {"split_expression": tokens(" ,;-")},
        {"split_expression": Splitter(r"\w+", {"a", "b"})},
        {"split_expression": Splitter(r"\w+", {"a", TEXTS[-1]})},
        {"split_expression": Splitter(r"[\w-]+", {"a", "b"})},
        {"bow": False},
        {"bow": False, "mask_string": "soup"},
        {"bow": False, "mask_string": "stew"},
        {"char_level": True},
    ],
    "table": [
        {"training_data": without(TABLE, 7)},
        {"training_data": nudged(TABLE, (20, 3))},
        {"sampler": "around"},
        {"sampler": "training_rows"},
        {"sampler": rows_like(0.0)},
        {"sampler": rows_like(0.25)},
        {"constraint": at_most(2.5)},
        {"constraint": at_most(1.0)},
        {"discretizer": "decile"},
        {"discretizer": edges(0.0)},
        {"discretizer": edges(0.01)},
        {"discretize_continuous": False},
        {"groups": {"pair": [1, 2]}},
        {"groups": {"pair": [1, 3]}},
        {"feature_names": list("abcde")},
        {"feature_names": list("abcdf")},
    ],
    "image": [
        {"fill": 0},
        {"fill": 9},
        {"fill": "blur"},
        {"fill": "noise"},
        {"fill": painted(20)},
        {"fill": painted(30)},
        {"segmentation": halves(3)},
        {"segmentation": halves(4)},
        {"segmentation": np.arange(144).reshape(12, 12) // 36},
        {"segmentation": np.arange(144).reshape(12, 12) // 72},
    ],
    "series": [
        {"fill": 0},
        {"fill": 1.5},
        {"fill": "noise"},
        {"background": [SERIES[1], SERIES[2]]},
        {"background": [SERIES[1], SERIES[3]]},
        {"segmentation": np.arange(40) // 10},
        {"segmentation": np.arange(40) // 8},
        {"channel_names": ["pulse"]},
    ],
}
MODELS = {"text": of_texts, "table": plain, "image": of_images, "series": of_series}
DATA = {"text": TEXTS, "table": TABLE[:6], "image": IMAGES, "series": SERIES}


def other_instances(kind):
    """The instances, and some that differ in one place."""
    data = DATA[kind]
    if kind == "text":
        return [data, [*data[:-1], "another text"], [data[0], "another text", *data[2:]], data[:3], data[::-1]]
    return [data, *(nudged(data, (place, *[0] * (data.ndim - 1))) for place in (0, 2, -1)), data[:3], data[::-1]]


def all_jobs(kind):
    """Jobs of a kind that differ from the first one in one way each."""
    model, data = MODELS[kind], DATA[kind]
    models = [lambda inputs: np.asarray(model(inputs)) + 1, *(elsewhere(model, data[place]) for place in (0, 1, -1))]
    segments = {"segmentation": "grid"} if kind == "image" else {}
    return [
        *(Job({**segments, **options}, model, data, {}) for options in [*COMMON, *OPTIONS[kind]]),
        *(Job(segments, other, data, {}) for other in models),
        *(Job(segments, model, instances, {}) for instances in other_instances(kind)),
        *(Job(segments, model, data, arguments) for arguments in CALLS),
    ]
