"""Files that somebody has changed: they are read as explanations that can be used, or refused, and never fill the memory."""

import json
import random
import tracemalloc
from base64 import b64encode
from contextlib import suppress
from zlib import compress

import numpy as np
import pyarrow as pa
import pytest
from helpers.mutations import mutate
from helpers.samples import graph, image, mixed, parts, series, spectrogram, table, text, volume

from limelight import Explanation, Explanations
from limelight.collection.arrow import table_of
from limelight.collection.parquet import write
from limelight.exceptions import ArgumentError, LimelightError
from limelight.extend import DrawingView, ImageView, Shape, VolumeView
from limelight.results import _packing
from limelight.results.view_registry import view_from_dict

KINDS = {make.__name__: make().to_dict() for make in (text, table, image, volume, series, parts, mixed, graph, spectrogram)}


USES = {
    "repr": repr,
    "str": str,
    "page": Explanation.as_html,
    "Markdown": Explanation.to_markdown,
    "list": lambda explanation: [explanation.as_list(label) for label in explanation.labels],
    "frame": lambda explanation: explanation.to_frame("pyarrow"),
    "JSON": lambda explanation: Explanation.from_json(explanation.to_json()),
    "Parquet": lambda explanation: Explanations.of([explanation])[0],
}


def use(explanation):
    """Do all that can be done with an explanation without a picture's package; limelight's own errors are allowed."""
    for call in USES.values():
        with suppress(LimelightError):
            call(explanation)


def read_json(contents):
    """The explanation, or None where it is refused. Anything else that is raised fails the test."""
    try:
        return Explanation.from_json(contents)
    except LimelightError:
        return None


@pytest.mark.parametrize("kind", KINDS)
def test_changed_json_is_refused_or_can_be_used(kind, seed):
    chance = random.Random(f"{seed} {kind}")
    read = 0
    for _ in range(100):
        contents = mutate(KINDS[kind], chance)
        explanation = read_json(contents)
        if explanation is not None:
            read += 1
            try:
                use(explanation)
            except Exception as error:
                error.add_note(f"The JSON was {contents:.3000}")
                raise
    assert read  # some changes do no harm


@pytest.mark.parametrize("kind", KINDS)
def test_changed_views_in_parquet_are_refused_or_can_be_used(kind, seed, tmp_path):
    chance = random.Random(f"{seed} {kind}")
    whole = table_of([Explanation.from_dict(KINDS[kind])], [0])
    place = whole.column_names.index("view")
    for _ in range(30):
        view = mutate(KINDS[kind]["view"], chance).encode("utf-8", "replace").decode()
        write(
            tmp_path / "all.parquet", [whole.set_column(place, whole.schema.field("view"), pa.array([view], pa.large_string()))]
        )
        try:
            (explanation,) = Explanations.load(tmp_path / "all.parquet")
        except LimelightError:
            continue
        use(explanation)


DEEP = "[" * 100_000 + "]" * 100_000
BAD_JSON = [
    *(DEEP, '{"schema": ' + DEEP + "}", '{"schema": 2, "names": ' + "[" * 600 + "]" * 600 + "}"),
    *("9" * 5000, '{"schema": ' + "9" * 5000 + "}", '{"schema": 1e999}', "NaN", '{"schema": NaN}', "Infinity", "", "{", "\0"),
    *('{"schema": 2}', '{"schema": 2, "schema": 3}', '{"schema": "\\ud800"}', "[]", "null", "1", '"text"'),
]


@pytest.mark.parametrize("contents", BAD_JSON, ids=lambda contents: f"{contents:.20}")
def test_bad_json_is_refused(contents, tmp_path):
    with pytest.raises(ArgumentError):
        Explanation.from_json(contents)
    (tmp_path / "why.json").write_text(contents)
    with pytest.raises(ArgumentError):
        Explanation.load(tmp_path / "why.json")
    with pytest.raises(ArgumentError):
        Explanation.from_json(contents.encode("utf-16"))


@pytest.mark.parametrize("data", [None, [], "text", 5])
def test_data_that_are_no_mapping_are_refused(data):
    with pytest.raises(LimelightError, match="data must be a mapping"):
        Explanation.from_dict(data)


NUMBERS = ["1e999", "-1e999", "1" + "0" * 400, "9" * 4000, "Infinity", '"inf"', "9223372036854775808"]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: f"{number:.12}")
@pytest.mark.parametrize("place", ["weights", "num_samples", "effective_sample_size", "label", "components"])
def test_numbers_that_cannot_be(place, number):
    contents = json.dumps(KINDS["text"])
    begin = contents.index(f'"{place}": ') + len(f'"{place}": ')
    begin += contents[begin] == "["
    end = next(i for i in range(begin, len(contents)) if contents[i] in ",]}")
    with pytest.raises(ArgumentError):
        Explanation.from_json(contents[:begin] + number + contents[end:])


# --- bombs ---------------------------------------------------------------------------------------------------------------


def packed(count, fill=0):
    return b64encode(compress(bytes([fill]) * count, 9)).decode()


def image_of(height, width, labels=None):
    return {
        "kind": "image",
        "height": height,
        "width": width,
        "pixels": packed(min(3 * height * width, 10**7)),
        "labels": packed(min(4 * height * width, 10**7)) if labels is None else b64encode(compress(labels.tobytes())).decode(),
    }


def volume_of(depth, height, width):
    pixels, labels = packed(10**7), packed(10**7)
    sides = {"depth": depth, "height": height, "width": width, "axis": 0, "colours": 1}
    return {"kind": "volume", **sides, "pixels": pixels, "labels": labels}


def drawing_of(*rasters):
    shapes = [["raster", [0, 0, 1, 1], rows, columns, packed(rows * columns)] for rows, columns in rasters]
    return {"kind": "drawing", "width": 1, "height": 1, "background": shapes, "marks": [], "descriptions": []}


BOMBS = {
    "a large image": image_of(13_000, 13_000),
    "an image of any size": image_of(10**30, 10**30),
    "a large volume": volume_of(2000, 2000, 2000),
    "a volume of any size": volume_of(10**30, 1, 1),
    "superpixels with gaps": image_of(1000, 1000, np.arange(10**6, dtype="<i4").reshape(1000, 1000) // 999_999 * 999_999),
    "a raster of many empty rows": drawing_of((6_000_000, 1)),
    "many rasters": drawing_of(*[(4000, 4000)] * 17),
    "a raster of any size": {**drawing_of((1, 1)), "background": [["raster", [0, 0, 1, 1], 10**30, 10**30, packed(1)]]},
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_not_unpacked(bomb):
    data = json.loads(json.dumps(BOMBS[bomb]))
    tracemalloc.start()
    try:
        with pytest.raises(ArgumentError, match=r"may be unpacked to|numbered from 0 with few gaps"):
            view_from_dict(data)
        assert tracemalloc.get_traced_memory()[1] < 3e8
    finally:
        tracemalloc.stop()


def test_a_bomb_among_stored_explanations_is_not_unpacked(tmp_path):
    whole = table_of([image()], [0])
    view = pa.array([json.dumps(BOMBS["a large image"])], pa.large_string())
    place = whole.column_names.index("view")
    write(tmp_path / "all.parquet", [whole.set_column(place, whole.schema.field("view"), view)])
    with pytest.raises(ArgumentError, match=r"incomplete or invalid: an image of 13000 x 13000 pixels would take more than"):
        Explanations.load(tmp_path / "all.parquet")[0]


def test_large_pictures_that_are_no_bombs_are_read(monkeypatch):
    """A blank photograph of 24 megapixels; and a picture of noise, however large, because it is as large as it is stored."""
    blank = ImageView.of(np.zeros((4000, 6000, 3), np.uint8), np.zeros((4000, 6000), int))
    assert view_from_dict(blank.to_dict()) == blank
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    view = ImageView.of(noise, np.zeros((60, 60), int))
    monkeypatch.setattr(_packing, "_FREE_BYTES", 1000)
    assert view_from_dict(view.to_dict()) == view
    with pytest.raises(ArgumentError, match="may be unpacked to"):
        view_from_dict(blank.to_dict())


def test_a_few_gaps_are_no_fault():
    segments = np.array([[0, 5], [900, 5]])
    view = ImageView.of(np.zeros((2, 2, 3), np.uint8), segments)
    with pytest.raises(ArgumentError, match="numbered from 0 to at most 3"):
        view_from_dict(view.to_dict())
    view = VolumeView.of(np.zeros((1, 40, 40, 3), np.uint8), np.full((1, 40, 40), 900))
    assert view_from_dict(view.to_dict()) == view


def test_rasters_that_are_no_bombs_are_read():
    view = DrawingView.of(9, 9, background=[Shape.raster(0, 0, 9, 9, np.zeros((2000, 2000)))] * 3, marks=())
    assert view_from_dict(view.to_dict()) == view
