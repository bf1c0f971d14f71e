"""Explanations of every kind, made by hand: plain ones, and those that are hard to lay out. For tests that look at pages."""

import math
import re

import numpy as np

from limelight.results.explanation import Explanation, Notice, Provenance, Surrogate
from limelight.results.image_view import ImageView
from limelight.results.views import (
    Cell,
    DrawingView,
    MixedView,
    PartsView,
    Passage,
    Segment,
    SeriesView,
    Shape,
    Span,
    TableView,
    TextView,
    VolumeView,
)

CLASSES = ("gardeners", "stargazers", "beekeepers")
WORDS = "Last hour the telescope saw Jupiter rise over the allotments, and nobody spoke of tomatoes or of bees."
HEBREW = "אתמול בלילה ראינו את צדק עולה מעל הגינות, ואיש לא דיבר על עגבניות."
ARABIC = "رأينا المشتري ليلة أمس يرتفع فوق الحدائق ولم يتحدث أحد عن الطماطم."
EMOJI = "👩🏽‍🚀 saw 🪐 rise 🌅 over 🏡 and 🍅 and 👨‍👩‍👧‍👦 cheered 🎉🎉🎉 twice 🇪🇺"
CJK = "昨夜 望遠鏡で 木星が 昇るのを 見た 토마토 이야기는 아무도 하지 않았다 番茄"
LONG = "interminable_" * 18 + "name"
COMBINING = "Za" + "\N{COMBINING GRAVE ACCENT}" * 40 + "lgo"


PROVENANCE = Provenance(
    version="0.0.1",
    explainer="SampleExplainer",
    settings="bow=True, sampler='around'",
    design="sobol",
    kernel="exponential_kernel",
    kernel_width=25.0,
    distance="euclidean",
    link="identity",
    feature_selection="auto",
    regressor="ridge",
    alpha=1.0,
    tolerance=0.05,
    random_state=0,
)


def explain(view, names, weights, *, classes=CLASSES[:2], predictions=None, kind="probabilities", notices=(), half=0.02):
    """An explanation with these weights, by label; the first label is the default, and `half` the intervals' half-width."""
    predictions = predictions or [1 / len(classes)] * len(classes)
    surrogates = tuple(
        Surrogate(
            label=label,
            components=tuple(range(len(own))),
            weights=tuple(own),
            lows=tuple(weight - half for weight in own),
            highs=tuple(weight + half for weight in own),
            sign_probabilities=(0.99,) * len(own),
            top_probabilities=(0.9,) * len(own),
            best_ranks=tuple(float(1 + place) for place in range(len(own))),
            worst_ranks=tuple(float(2 + place) for place in range(len(own))),
            intercept=0.1,
            local_prediction=0.65,
            fidelity=0.875,
            fidelity_error=0.02,
        )
        for label, own in weights.items()
    )
    return Explanation(
        surrogates=surrogates,
        names=tuple(names),
        view=view,
        predictions=tuple(predictions),
        output_names=tuple(classes),
        output_kind=kind,
        default_label=next(iter(weights)),
        num_samples=1024,
        num_inputs=1000,
        effective_sample_size=612.4,
        confidence=0.95,
        converged=True,
        provenance=PROVENANCE,
        notices=tuple(Notice("note", notice) for notice in notices),
    )


def falling(count, first=0.42):
    """Weights of both signs, heaviest first."""
    return tuple(first * 0.8**i * (-1 if i % 3 == 1 else 1) for i in range(count))


def text(words=WORDS, weights=None, **changes):
    """An explained text; its components are its words."""
    found = list(re.finditer(r"[^\s,.]+", words))
    names = list(dict.fromkeys(match.group() for match in found))
    spans = tuple(Span(match.start(), match.end(), names.index(match.group())) for match in found)
    return explain(TextView(words, spans), names, weights or {1: falling(min(6, len(names)))}, **changes)


def table(columns=None, values=None, weights=None, **changes):
    """An explained row; its components are its columns."""
    columns = columns or ("bmi", "blood pressure", "age", "sex", "serum 5", "serum 6")
    values = values or [f"{3.7 * (i + 1):.2f}" for i in range(len(columns))]
    cells = tuple(Cell(column, value, i) for i, (column, value) in enumerate(zip(columns, values, strict=True)))
    names = [f"{value} < {column} <= 99" for column, value in zip(columns, values, strict=True)]
    return explain(TableView(cells), names, weights or {1: falling(4)}, **changes)


def mixed(weights=None, **changes):
    """An explained row with free text: three columns, then the words of a note and of a remark."""
    cells = tuple(Cell(column, value, i) for i, (column, value) in enumerate({"bmi": "23.1", "age": "54", "sex": "f"}.items()))
    names, passages = ["bmi <= 25", "50 < age <= 60", "sex=f"], []
    for column, whole in (("note", WORDS), ("remark", "Nothing to add, but rain.")):
        spans = []
        for match in re.finditer(r"[^\s,.]+", whole):
            spans.append(Span(match.start(), match.end(), len(names)))
            names.append(f"{column}: {match.group()}")
        passages.append(Passage(column, TextView(whole, tuple(spans))))
    return explain(MixedView(TableView(cells), tuple(passages)), names, weights or {1: falling(9)}, **changes)


def parts(names=("0 to 250 Hz", "250 to 500 Hz", "500 to 1000 Hz", "1000 to 2000 Hz", "2000 to 4000 Hz"), **changes):
    """Explained components of the user's own."""
    return explain(PartsView(tuple(names)), names, changes.pop("weights", {1: falling(min(3, len(names)))}), **changes)


def image(weights=None, height=96, width=128, **changes):
    """An explained photograph of a sunset, in three times four superpixels."""
    rows, columns = np.mgrid[:height, :width]
    sun = np.hypot(rows - 0.6 * height, columns - 0.4 * width) < 0.2 * height
    picture = np.stack([120 + rows, 40 + rows + 80 * sun, 200 - rows], axis=-1).clip(0, 255)
    segments = 4 * (3 * rows // height) + (4 * columns // width)
    names = [f"superpixel {i}" for i in range(12)]
    return explain(ImageView.of(picture, segments), names, weights or {1: falling(7)}, **changes)


def volume(weights=None, depth=10, height=48, width=64, **changes):
    """An explained volume: a ball, in two times two times three boxes."""
    places = np.mgrid[:depth, :height, :width]
    ball = (
        sum(((place / size - 0.5) ** 2 for place, size in zip(places, (depth, height, width), strict=True)), np.zeros(1)) < 0.1
    )
    picture = np.repeat((60 + 2 * places[1] + 90 * ball).clip(0, 255)[..., None], 3, axis=-1)
    slices, rows, columns = places
    segments = 6 * (2 * slices // depth) + 3 * (2 * rows // height) + 3 * columns // width
    names = [f"supervoxel {i}" for i in range(12)]
    return explain(VolumeView.of(picture, segments), names, weights or {1: falling(7)}, **changes)


def series(channels=("temperature", "pressure"), weights=None, **changes):
    """An explained series: a wave in each channel, in eight segments for all channels at once."""
    steps = np.arange(96)
    waves = tuple(tuple(((i + 1) * np.sin(steps / (5 + 3 * i))).tolist()) for i in range(len(channels)))
    segments = tuple(Segment(tuple(range(len(channels))), 12 * i, 12 * i + 12, i) for i in range(8))
    view = SeriesView(tuple(channels), waves, tuple((0.0,) * 96 for _ in channels), segments)
    names = [f"steps {12 * i}-{12 * i + 11}" for i in range(8)]
    return explain(view, names, weights or {1: falling(5)}, **changes)


def spectrogram(spans=8, weights=None, words=("0 s", "2 s"), **changes):
    """An explained sound: its spectrogram and its wave behind spans of time, each over the whole height."""
    rows, columns = np.mgrid[:24, :96]
    levels = 0.5 + 0.4 * np.sin(columns / 7 + rows / 3) * np.exp(-rows / 12)
    wave = [(5 * i, 150 + 30 * math.sin(i / 3) * math.sin(i / 20)) for i in range(97)]
    axis = (Shape.text(4, 190, words[0], "start"), Shape.text(476, 190, words[1], "end"))
    view = DrawingView.of(
        480,
        200,
        background=[Shape.raster(0, 0, 480, 110, levels), Shape.line(wave), *axis],
        marks=[(i, Shape.rectangle(480 * i / spans, 0, 480 * (i + 1) / spans, 180)) for i in range(spans)],
        descriptions=[f"{2 * i / spans:.2f} to {2 * (i + 1) / spans:.2f} s" for i in range(spans)],
    )
    return explain(view, [f"span {i}" for i in range(spans)], weights or {1: falling(min(5, spans))}, **changes)


def graph(names=tuple("CNOCCS"), weights=None, **changes):
    """An explained molecule: its atoms are components, and one of its bonds; the last atom is drawn as a triangle."""
    angles = [2 * math.pi * i / len(names) for i in range(len(names))]
    places = [(15 + 12 * math.cos(angle), 15 + 12 * math.sin(angle)) for angle in angles]
    bonds = [Shape.line([places[i - 1], places[i]], 2) for i in range(len(names))]
    atoms = [(i, Shape.circle(*place, 2.2)) for i, place in enumerate(places)]
    x, y = places[-1]
    atoms[-1] = len(names) - 1, Shape.polygon([(x, y - 2.5), (x + 2.5, y + 2), (x - 2.5, y + 2)])
    letters = [(i, Shape.text(*place, name)) for i, (place, name) in enumerate(zip(places, names, strict=True))]
    descriptions = [*(f"atom of {name}" for name in names), "a bond"]
    marks = [(len(names), bonds[0]), *atoms, *letters]
    view = DrawingView.of(30, 30, background=bonds[1:], marks=marks, descriptions=descriptions)
    components = [*(f"{name} {i}" for i, name in enumerate(names)), "bond"]
    return explain(view, components, weights or {1: falling(len(components))}, **changes)


THREE = {2: falling(6), 0: tuple(-weight for weight in falling(6)), 1: falling(3, 0.05)}
MODALITIES = {"text": text(), "table": table(), "mixed": mixed(), "parts": parts(), "image": image(), "series": series()}
MODALITIES |= {"drawing": spectrogram(), "volume": volume()}
# The cases that are hard for a page: much, long, wide, right to left, or nothing at all.
HARD = {
    "text, three labels": text(weights=THREE, classes=CLASSES, notices=("Read with care.", "And slowly.")),
    "table, three labels": table(weights=THREE, classes=CLASSES),
    "mixed, three labels": mixed(weights=THREE, classes=CLASSES),
    "parts, three labels": parts((*CLASSES, *"abcdef"), weights=THREE, classes=CLASSES),
    "image, three labels": image(THREE, classes=CLASSES),
    "series, three labels": series(weights=THREE, classes=CLASSES),
    "drawing, three labels": graph(weights=THREE, classes=CLASSES),
    "text, scores": text(classes=("price",), predictions=(184250.2,), kind="scores", weights={0: falling(5, 1e5)}, half=2e3),
    "table, scores": table(
        classes=("up", "down", "still"), predictions=(-2.5, 7.25, 1e-9), kind="scores", weights={1: falling(6, 12)}
    ),
    "table, huge and tiny weights": table(weights={1: (-1.5e300, 2.5e12, 1e-9, 0.0)}),
    "text, no interval": text(half=math.nan),
    "table, nothing reported": table(weights={1: ()}),
    "table, one sign": table(weights={1: (-0.3, -0.2, -0.1)}),
    "table, thirty columns": table([f"column {i}" for i in range(30)], weights={1: falling(30)}),
    "parts, thirty": parts([f"part {i} of thirty" for i in range(30)], weights={1: falling(3)}),
    "table, twenty classes": table(classes=[f"class number {i}" for i in range(20)], weights={1: falling(3)}),
    "text, hebrew": text(f"{HEBREW}\n{HEBREW}", classes=("גננים", "צופי כוכבים"), notices=(HEBREW,)),
    "text, arabic": text(ARABIC, classes=("بستانيون", "راصدو النجوم"), notices=(ARABIC,)),
    "table, arabic": table(ARABIC.split()[:9], HEBREW.split()[:9], classes=("بستانيون", "راصدو النجوم")),
    "parts, hebrew": parts(HEBREW.split(), classes=("גננים", "צופי כוכבים")),
    "series, arabic": series(("درجة الحرارة", "לחץ"), classes=("بستانيون", "راصدو النجوم")),
    "text, emoji": text(EMOJI, classes=("🏡", "🔭🪐")),
    "table, emoji": table(EMOJI.split(), EMOJI.split(), classes=("🏡" * 30, "🔭🪐")),
    "text, cjk": text(CJK, classes=("園芸家", "천문가")),
    "table, cjk": table(CJK.split(), [CJK * 3] * len(CJK.split()), classes=("園芸家", "천문가")),
    "text, one long word": text(f"{LONG} {LONG}?{LONG}", classes=(LONG, f"not_{LONG}"), notices=(LONG,)),
    "table, long names": table([f"{i} {LONG}" for i in range(6)], [LONG] * 6, classes=(LONG, "short")),
    "parts, long names": parts([f"{i} {LONG}" for i in range(6)], classes=(LONG, "short")),
    "image, long names": image(classes=(LONG, f"not_{LONG}")),
    "series, long names": series((LONG, WORDS), classes=(LONG, "short")),
    "table, marks in piles": table([f"{i} {COMBINING}" for i in range(6)]),
    "image, wide": image(height=80, width=400),
    "image, tall": image(height=400, width=80),
    "series, six channels": series([f"channel {i}" for i in range(6)]),
    "drawing, graph": graph(),
    "drawing, long names": spectrogram(words=(f"0 {LONG}", ""), classes=(LONG, "short")),
    "drawing, hebrew": graph(HEBREW.split()[:5], classes=("גננים", "צופי כוכבים")),
    "series, one channel": series(("pressure",)),
}
SAMPLES = MODALITIES | HARD
