"""Drawings as views: what can be stored and read again, what is refused, and how each renderer draws them."""

import io
import json
import pickle
import re
import sys
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from zlib import compress

import matplotlib as mpl
import matplotlib.style
import numpy as np
import pytest
from helpers.samples import explain, falling, graph, spectrogram
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from limelight import Explanation, Explanations
from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.extend import (
    Drawing,
    DrawingView,
    Explainer,
    Mark,
    Parts,
    Shape,
    View,
    cosine_of_masks,
    fair_coins,
    register,
)
from limelight.renderers import _drawing
from limelight.renderers._drawing import lay_out_drawing, prepare_canvas
from limelight.renderers._summary import summarise
from limelight.renderers._svg import make_svg
from limelight.renderers.index import Entry, render_index
from limelight.results.view_registry import view_from_dict

mpl.use("Agg")

LEVELS = np.linspace(0, 1, 12).reshape(3, 4)
SHAPES = {
    "line": Shape.line([(10, 10), (60, 40), (90, 10)], 2.5),
    "polygon": Shape.polygon([(10, 10), (90, 10), (50, 45)]),
    "rectangle": Shape.rectangle(10, 10, 90, 40),
    "circle": Shape.circle(50, 25, 20),
    "text": Shape.text(50, 25, "<b>&amp; $x$", "start"),
    "raster": Shape.raster(10, 10, 90, 40, LEVELS),
}
TAGS = {"rectangle": "rect", "raster": "image", "line": "polyline"}
BLUE, ORANGE = (0, 98, 178), (196, 92, 0)


def view_of(*marks, background=(), count=3):
    return DrawingView.of(100, 50, marks=marks, background=background, descriptions=[f"thing {i}" for i in range(count)])


def explained(*marks, background=(), weights=(0.5, -0.4)):
    """An explanation of three components of which the last one is not reported."""
    return explain(view_of(*marks, background=background), ["first", "second", "third"], {1: weights})


# --- data ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SHAPES)
def test_every_shape_comes_back(kind):
    view = view_of((2, SHAPES[kind]), (0, SHAPES[kind]), background=[SHAPES[kind]])
    again = view_from_dict(json.loads(json.dumps(view.to_dict(), allow_nan=False)))
    assert again == view == pickle.loads(pickle.dumps(view))
    assert hash(again) == hash(view)
    made = explain(view, ["first", "second", "third"], {1: (0.5, -0.4)})
    assert Explanation.from_json(made.to_json()) == made


def test_parquet_keeps_drawings(tmp_path):
    made = [spectrogram(), graph(), explained((0, SHAPES["text"]))]
    Explanations.of(made).save(tmp_path / "drawings.parquet")
    assert list(Explanations.load(tmp_path / "drawings.parquet")) == made


coordinates = st.floats(-100, 200) | st.integers(-100, 200)


@given(st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=20), st.text(max_size=20))
def test_any_points_and_texts_come_back(points, text):
    shapes = [Shape.line(points), Shape.polygon(np.array(points)), Shape.text(*points[0], text)]
    view = DrawingView.of(100, 100, marks=enumerate(shapes), descriptions=[text] * 3)
    assert view_from_dict(view.to_dict()) == view
    explain(view, ["a", "b", "c"], {1: falling(2)}).as_html().encode("utf-8")


def test_any_sequences_will_do():
    points = np.array([[0, 0], [3, 4]])
    view = DrawingView.of(
        np.float32(8),
        4,
        marks=[[np.int64(1), Shape.line(iter(points))]],
        descriptions=np.array(["a", "b"]),
        background=iter([]),
    )
    assert view.marks == (Mark(1, Shape.line([(0, 0), (3.0, 4.0)])),)
    assert type(view.marks[0].component) is int
    assert [type(side) for side in (view.width, view.height)] == [float, float]
    assert view.values() == {0: "a", 1: "b"}
    assert view.drawing() is view


def test_levels_are_kept_in_bytes():
    assert SHAPES["raster"].levels == tuple(np.rint(255 * LEVELS).astype(np.uint8)[i].tobytes() for i in range(3))
    large = Shape.raster(0, 0, 1, 1, np.zeros((500, 500)))
    assert len(json.dumps(large.to_list())) < 2000


def test_reprs_are_short_lines():
    view = spectrogram().view
    assert repr(view) == "DrawingView(480 x 200, 8 marks, 4 shapes behind them)"
    assert repr(Drawing(2.5, 1.0, (), (Mark(0, Shape.circle(1, 1, 1)),))) == "Drawing(2.5 x 1, 1 mark, 0 shapes behind them)"
    assert [repr(shape) for shape in SHAPES.values()] == [
        *("<line of 3 points>", "<polygon of 3 points>", "<rectangle>", "<circle>"),
        *("<text '<b>&amp; $x$'>", "<raster of 3 x 4 levels>"),
    ]
    assert len(repr(Shape.text(0, 0, "long" * 999))) < 60


# --- bad data -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Shape.line([(0, 0)]), ArgumentError, "a line has x and y of 2 points or more; got 2 numbers"),
        (
            lambda: Shape.line([(0, 0, 0)] * 2),
            ArgumentError,
            r"points must be pairs of x and y; got an array of shape \(2, 3\)",
        ),
        (lambda: Shape.line(5), ArgumentTypeError, "points must be pairs of x and y"),
        (lambda: Shape.line([("a", "b")]), ArgumentTypeError, "points must hold numbers only"),
        (lambda: Shape.line([(0, 0), (1, np.nan)]), ArgumentError, "a line must have finite numbers"),
        (lambda: Shape.line([(0, 0), (1, 1)], 0), ArgumentError, "width must be a finite number above 0; got 0"),
        (lambda: Shape.polygon([(0, 0), (1, 1)]), ArgumentError, "a polygon has x and y of 3 points or more"),
        (lambda: Shape.rectangle(2, 0, 1, 1), ArgumentError, "a rectangle's left must be less than its right"),
        (lambda: Shape.rectangle(0, 0, 1, None), ArgumentTypeError, "places and sizes must be numbers; got None"),
        (lambda: Shape.rectangle(0, 0, 1, True), ArgumentTypeError, "places and sizes must be numbers; got True"),
        (lambda: Shape.rectangle(0, 0, 1, 10**400), ArgumentError, "finite; got an integer that no float holds"),
        (lambda: Shape.circle(0, 0, 0), ArgumentError, "a circle's radius must be above 0; got 0"),
        (lambda: Shape.circle(0, np.inf, 1), ArgumentError, "a circle must have finite numbers"),
        (lambda: Shape.text(0, 0, 5), ArgumentTypeError, "text must be a string; got 5"),
        (lambda: Shape.text(0, 0, "x", "left"), ArgumentError, "anchor must be one of 'start', 'middle', 'end'; got 'left'"),
        (lambda: Shape.raster(0, 0, 1, 1, [0.5]), ArgumentError, "levels must have 2 dimensions"),
        (lambda: Shape.raster(0, 0, 1, 1, [[]]), ArgumentError, r"from 0 to 1; got an array of shape \(1, 0\)\."),
        (lambda: Shape.raster(0, 0, 1, 1, [[0, 1.5]]), ArgumentError, r"levels must be .*, from 0 to 1.5\."),
        (lambda: Shape.raster(0, 0, 1, 1, [[np.nan]]), ArgumentError, "levels must be numbers from 0 to 1"),
        (lambda: Shape("star", (0.0, 0.0)), ArgumentError, "kind must be one of 'line', .*; got 'star'"),
        (lambda: Shape("circle", (0.0, 0.0)), ArgumentError, "a circle has 3 numbers; got 2"),
        (lambda: Shape("circle", [0.0, 0.0, 1.0]), ArgumentTypeError, "must be a tuple of floats"),
        (lambda: Shape("circle", (0, 0, 1)), ArgumentTypeError, "must be a tuple of floats"),
        (lambda: replace(SHAPES["circle"], levels=(b"x",)), ArgumentError, "no other shape has any; got 1 rows for a circle"),
        (lambda: replace(SHAPES["raster"], levels=(b"x", b"xx")), ArgumentError, "the same number of columns"),
        (lambda: replace(SHAPES["raster"], levels=b"x"), ArgumentTypeError, "levels must be a tuple of bytes"),
        (lambda: replace(SHAPES["line"], width=None), ArgumentTypeError, "a line's width must be a finite number above 0"),
        (lambda: Shape.circle(50, 25, 76), ArgumentError, "y from -50 to 100; got a circle from -51 to 101"),
        (lambda: Shape.rectangle(0, 0, 201, 9), ArgumentError, "x from -100 to 200; got a rectangle from 0 to 201"),
        (lambda: "a circle", ArgumentTypeError, "a mark must have a Shape; got 'a circle'"),
    ],
)
def test_shapes_that_cannot_be_drawn_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        view_of((0, make()))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"width": 0}, ArgumentError, "width must be a finite number above 0; got 0"),
        ({"height": np.nan}, ArgumentError, "height must be a finite number above 0; got nan"),
        ({"height": "5"}, ArgumentTypeError, "height must be a finite number above 0; got '5'"),
        ({"marks": [(0,)]}, ArgumentTypeError, "marks must be pairs of a component's number and a Shape"),
        ({"marks": 5}, ArgumentTypeError, "marks must be pairs"),
        ({"marks": [("a", SHAPES["line"])]}, ArgumentTypeError, "marks must be pairs"),
        ({"marks": [(-1, SHAPES["line"])]}, ArgumentError, "component must be an integer of at least 0; got -1"),
        ({"marks": [(1, SHAPES["line"])]}, ArgumentError, "got 1 texts and a mark of component 1, the first being 0"),
        ({"background": [5]}, ArgumentTypeError, r"background must be a tuple of Shape; got \(5,\)"),
        ({"background": 5}, ArgumentTypeError, "background must be a sequence of Shape"),
        ({"descriptions": "abc"}, ArgumentTypeError, "descriptions must be a sequence of names"),
    ],
)
def test_drawings_that_cannot_be_drawn_are_refused(changes, error, message):
    with pytest.raises(error, match=message):
        DrawingView.of(**{"width": 100, "height": 50, "marks": [], "descriptions": ["a"]} | changes)


def test_the_constructor_takes_plain_data_only():
    with pytest.raises(ArgumentTypeError, match="marks must be a tuple of Mark"):
        DrawingView(10.0, 10.0, (), [Mark(0, SHAPES["text"])], ("a",))
    with pytest.raises(ArgumentTypeError, match="descriptions must be a tuple of texts"):
        DrawingView(10.0, 10.0, (), (), ["a"])


MARKED = view_of((0, SHAPES["line"]), background=[SHAPES["raster"], SHAPES["text"]]).to_dict()
STORED_LINE = MARKED["marks"][0][1]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *((("width",), value) for value in (0, -1, None, "1", [], True)),
        *((("background",), value) for value in (5, None, [5], ["line"], [["line"]], [[]], [{}], "line")),
        *((("marks",), value) for value in (5, [5], [[0]], [[0, 5]], [["0", STORED_LINE]], [[True, STORED_LINE]])),
        *((("descriptions",), value) for value in (5, [5], [], None)),
        *((("background", 0, 0), value) for value in ("line", "rectangle", "star", 5, None, ["line"])),
        *((("background", 0, 1), value) for value in ([], [0, 0, 1], [0, 0, 1, None], [0, 0, 1, 10**400], [0] * 4, "abcd", 5)),
        *((("background", 0, 2), value) for value in (0, 10**30, -1, "3", 3.5, None, 4)),
        *((("background", 0, 4), value) for value in ("", "AAAA", "%%%%", 5, None, "\ud800")),
        *((("background", 1, 2), value) for value in (5, None)),
        *((("background", 1, 3), value) for value in (5, "left", None, [])),
        *((("marks", 0, 0), value) for value in (-1, 3, 10**30, 0.5, "0", None)),
        *((("marks", 0, 1, 2), value) for value in (0, -1, "1", None, True)),
    ],
)  # fmt: skip
def test_what_was_stored_is_not_trusted(place, value):
    made = explain(view_of((0, SHAPES["line"])), ["first", "second", "third"], {1: (0.5, -0.4)}).to_dict()
    made["view"] = json.loads(json.dumps(MARKED))
    holder: Any = made["view"]
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value
    with pytest.raises((ArgumentError, ArgumentTypeError)):
        Explanation.from_dict(made)


def test_a_level_bomb_is_not_unpacked():
    data = json.loads(json.dumps(MARKED))
    data["background"][0][2:4] = 1, 1
    data["background"][0][4] = Shape.raster(0, 0, 1, 1, np.zeros((3000, 3000))).to_list()[4]
    with pytest.raises(ArgumentError, match="a raster of 1 x 1 levels was expected; got 2 bytes"):
        view_from_dict(data)


# --- pages --------------------------------------------------------------------------------------------------------------------


def groups(html):
    """Class, component and contents of each shape on a page."""
    svg = re.search(r'<svg class="shapes".*?</svg>', html, re.DOTALL)[0]
    return re.findall(r'<g class="(\w+)"(?: data-c="(\d+)")?(?: style="[^"]*")?>(.*?)</g>', svg, re.DOTALL)


@pytest.mark.parametrize("kind", SHAPES)
def test_pages_draw_every_shape(kind):
    shape = SHAPES[kind]
    page = explained((0, shape), (1, shape), (2, shape), background=[shape]).as_html()
    drawn = groups(page)
    assert [(side, component) for side, component, _ in drawn] == [
        ("ground", ""),
        ("pos", "0"),
        ("neg", "1"),
        ("unweighted", "2"),
    ]
    assert all(f"<{TAGS.get(kind, kind)} " in content for _, _, content in drawn)
    titles = [re.findall("^<title>(.*?)</title>", content) for _, _, content in drawn]
    assert titles == [[], ["first: +0.500 (thing 0)"], ["second: \N{MINUS SIGN}0.400 (thing 1)"], ["thing 2"]]
    assert 'aria-label="the drawing, its weighted components tinted"' in page
    if kind == "raster":
        assert ["<rect" in content for _, _, content in drawn] == [False, True, True, False]
    if kind == "text":
        assert page.count("&lt;b&gt;&amp;amp; $x$</text>") == 4


def test_rasters_on_pages_are_pictures_that_can_be_read():
    page = explained(background=[SHAPES["raster"]]).as_html()
    (address,) = re.findall(r'<image [^>]*href="data:image/png;base64,([^"]*)"', page)
    picture = Image.open(io.BytesIO(b64decode(address)))
    assert np.array_equal(np.asarray(picture), np.rint(255 * LEVELS).astype(np.uint8))


def test_a_background_is_placed_and_packed_once_a_page(monkeypatch):
    packed = []
    monkeypatch.setattr(_drawing, "compress", lambda data: packed.append(data) or compress(data))
    page = spectrogram(weights={1: falling(3), 0: falling(2)}).as_html()
    assert page.count("<image ") == 2
    assert len(packed) == 1


def test_pages_need_no_pillow(monkeypatch):
    for module in ("PIL.Image", "PIL.ImageDraw", "PIL.ImageFont"):
        monkeypatch.setitem(sys.modules, module, None)
    assert "<image " in explained(background=[SHAPES["raster"]]).as_html()


@pytest.mark.parametrize("size", [(480, 100), (1, 1), (3, 1000), (1e-310, 1e-310), (1e300, 1e290)])
def test_a_drawing_of_any_size_is_a_picture(size):
    width, height = size
    view = DrawingView.of(width, height, marks=[(0, Shape.rectangle(0, 0, width, height))], descriptions=["all"], background=[])
    made = explain(view, ["all"], {1: (0.5,)})
    sheet = lay_out_drawing(prepare_canvas(view), summarise(made).labels[0])
    assert max(sheet.width, sheet.height) == 480
    assert min(sheet.width, sheet.height) >= 1
    ((left, top), (right, bottom)) = sheet.pieces[0].points
    assert (left, top, max(right, bottom)) == (0, 0, pytest.approx(480))
    for written in (made.as_html(), make_svg(view.kind, view, summarise(made).labels)):
        assert not re.search(r'="(nan|inf|-inf)', written)


def test_a_long_line_has_no_more_points_than_can_be_seen():
    steps = np.arange(100_000)
    wave = np.sin(steps / 50) + (steps == 77_777)
    view = DrawingView.of(100_000, 4, marks=[], background=[Shape.line(np.column_stack([steps, 2 - wave]))])
    (piece,) = lay_out_drawing(prepare_canvas(view), summarise(explain(view, ["x"], {1: ()})).labels[0]).pieces
    assert len(piece.points) < 5000
    heights = [y for _, y in piece.points]
    scale = 480 / 100_000
    assert (min(heights), max(heights)) == (pytest.approx((2 - wave.max()) * scale), pytest.approx((2 - wave.min()) * scale))
    assert piece.points[0] == pytest.approx((0, 2 * scale))
    assert piece.points[-1][0] == pytest.approx(99_999 * scale)


def test_a_few_points_are_all_kept():
    points = [(0, 0), (100, 40), (0, 40), (0.01, 3)]
    view = view_of(background=[Shape.line(points)])
    (piece,) = lay_out_drawing(prepare_canvas(view), summarise(explained()).labels[0]).pieces
    assert piece.points == tuple((pytest.approx(4.8 * x), pytest.approx(4.8 * y)) for x, y in points)


def test_all_components_are_listed_below():
    page = explained().as_html()
    assert re.findall(r"<li><bdi>(.*?)</bdi></li>", page) == ["thing 0", "thing 1", "thing 2"]
    assert "All 3 components" in page


def test_marks_are_followed_and_light_ones_lose_their_tint(open_page):
    made = explained((0, SHAPES["circle"]), (1, SHAPES["text"]), (2, SHAPES["rectangle"]), weights=(0.5, -0.1))
    page = open_page(made.as_html())
    page.locator(".weights tbody tr").first.hover()
    assert page.locator(".shapes .lit").count() == 1
    fill = "circle => getComputedStyle(circle).fill"
    before = page.locator(".shapes circle").evaluate(fill)
    page.get_by_label("Hide weights below").fill("50")
    assert page.locator(".shapes .too-light").get_attribute("data-c") == "1"
    assert page.locator(".shapes .too-light").is_visible()
    page.locator(".shapes rect").hover(position={"x": 5, "y": 5})
    assert page.locator(".shapes .lit").get_attribute("data-c") == "2"
    page.get_by_label("Hide weights below").fill("100")
    assert page.locator(".shapes circle").evaluate(fill) == before


# --- files, plots, lists ------------------------------------------------------------------------------------------------------


def test_an_svg_has_a_drawing_for_each_label(tmp_path, open_page):
    graph(weights={1: falling(3), 0: falling(2)}).save_to_file(tmp_path / "graph.svg")
    page = open_page(tmp_path / "graph.svg")
    assert page.locator("svg.shapes").count() == 2
    assert page.locator("text.heading").all_text_contents() == [
        "For and against stargazers (0.500)",
        "fair, fidelity 0.88 ± 0.02",
        "For and against gardeners (0.500)",
        "fair, fidelity 0.88 ± 0.02",
    ]
    assert page.locator("svg.shapes >> nth=0").locator(".pos").count() > 0


@pytest.mark.parametrize("kind", SHAPES)
def test_a_png_shows_every_shape(kind, tmp_path):
    def pixels(*marks, background=()):
        explained(*marks, background=background).save_to_file(tmp_path / "drawing.png")
        return np.asarray(Image.open(tmp_path / "drawing.png")).astype(int)

    def reddest(picture):
        return (picture[..., 0] - picture[..., 2]).max()

    empty, shape = pixels(), SHAPES[kind]
    assert np.any(pixels(background=[shape]) != empty)
    assert np.any(pixels((2, shape)) != empty)
    assert reddest(-pixels((0, shape))) > 40 > reddest(pixels((0, shape)))
    assert reddest(pixels((1, shape))) > 40


def test_a_raster_in_a_png_is_where_it_belongs(tmp_path):
    levels = [[0.0, 0.2], [0.4, 0.6]]
    explained(background=[Shape.raster(-50, 0, 50, 100, levels)]).save_to_file(tmp_path / "drawing.png")
    panel = np.asarray(Image.open(tmp_path / "drawing.png"))[54:294, 12:492]
    assert panel[10, 10].tolist() == [51] * 3
    assert panel[230, 230].tolist() == [51] * 3
    assert panel[10, 250].tolist() == [255] * 3


def test_a_png_has_a_panel_for_each_label(tmp_path):
    graph(weights={1: falling(3), 0: falling(2)}).save_to_file(tmp_path / "graph.png")
    with Image.open(tmp_path / "graph.png") as sheet:
        width, height = sheet.size
    assert 2 * 480 < width < 2 * 480 + 60
    assert 480 < height < 560


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_a_plot_shows_every_shape(kind, style):
    shape = SHAPES[kind]
    with mpl.style.context(style):
        figure = Figure()
        ax = explained((0, shape), (1, shape), (2, shape), background=[shape]).plot(ax=figure.subplots())
        figure.savefig(io.BytesIO(), format="png")
    artists = {"line": ax.lines, "text": ax.texts, "raster": ax.images}.get(kind, ax.patches)
    assert len(artists) >= 4
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 100), (50, 0))
    assert ax.get_title().startswith("For and against stargazers")


def test_what_is_drawn_later_lies_on_top_in_a_plot():
    ax = explained((0, SHAPES["circle"]), (0, SHAPES["text"]), background=[SHAPES["line"]]).plot(ax=Figure().subplots())
    assert ax.lines[0].zorder < ax.patches[0].zorder < ax.texts[0].zorder


def test_lists_and_frames_have_names_and_descriptions():
    made = explained((0, SHAPES["circle"]))
    assert "first" in repr(made)
    assert "| first |" in made.to_markdown()
    assert made.to_frame()["value"].tolist() == ["thing 0", "thing 1"]
    assert made.to_shap().data.tolist() == ["thing 0", "thing 1", "thing 2"]


def test_the_index_draws(open_page):
    entries = [Entry(title, "", f"{title}.html", made) for title, made in (("sound", spectrogram()), ("molecule", graph()))]
    html = render_index("Drawings", "", entries)
    assert html.count(".limelight .shapes .lit {") == 1
    page = open_page(html)
    assert page.locator(".entry svg.shapes").count() == 2
    assert page.locator(".shapes polyline").first.evaluate("line => getComputedStyle(line).fill") == "none"


def test_the_report_draws(open_page):
    page = open_page(Explanations.of([spectrogram(), graph()]).to_html())
    assert page.locator("#picks svg.shapes").count() > 0
    page.locator(".entries > li summary").first.click()
    picture = page.locator(".label-picture img").first
    picture.wait_for()
    assert picture.evaluate("picture => picture.decode().then(() => [picture.naturalWidth, picture.naturalHeight])") == [
        480,
        200,
    ]


# --- views of a user's own ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Notes(View):
    """Notes of a tune: a view that keeps its own data, and may have a drawing."""

    kind: ClassVar[str] = "notes"
    pitches: tuple[int, ...]
    is_drawn: bool = True

    def values(self) -> dict[int, str]:
        return {i: f"pitch {pitch}" for i, pitch in enumerate(self.pitches)}

    def drawing(self) -> Drawing | None:
        if not self.is_drawn:
            return None
        marks = [(i, Shape.circle(i + 1, 10 - pitch, 0.4)) for i, pitch in enumerate(self.pitches)]
        return Drawing.of(len(self.pitches) + 1, 10, marks=marks)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "pitches": list(self.pitches), "is_drawn": self.is_drawn}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Notes":
        return cls(tuple(data["pitches"]), data["is_drawn"])


register("view", "notes", Notes)


def tune(is_drawn=True):
    return explain(Notes((1, 5, 3), is_drawn), ["do", "sol", "mi"], {1: (0.5, -0.4)})


def test_a_users_view_keeps_its_data_and_is_drawn(tmp_path):
    made = tune()
    assert Explanation.from_json(made.to_json()) == made
    assert [(side, component) for side, component, _ in groups(made.as_html())] == [
        ("pos", "0"),
        ("neg", "1"),
        ("unweighted", "2"),
    ]
    assert "<title>pitch 3</title>" in made.as_html()
    for ending in ("svg", "png"):
        made.save_to_file(tmp_path / f"tune.{ending}")
    assert len(made.plot(ax=Figure().subplots()).patches) >= 3
    assert "data:image/svg+xml" in Explanations.of([made]).to_html()


def test_a_view_without_a_drawing_is_a_list_everywhere(tmp_path):
    made = tune(is_drawn=False)
    page = made.as_html()
    assert re.findall(r"<li><bdi>(.*?)</bdi></li>", page) == ["pitch 1", "pitch 5", "pitch 3"]
    assert page.count('<tr data-c="') == 2
    assert "<div" in made._repr_html_()
    assert "do" in repr(made)
    assert "do" in made.to_markdown()
    assert made.to_frame()["value"].tolist() == ["pitch 1", "pitch 5"]
    assert made.to_shap().data.tolist() == ["pitch 1", "pitch 5", "pitch 3"]
    assert len(made.plot(ax=Figure().subplots()).patches) == 2
    assert '"do"' in Explanations.of([made, made]).to_html()
    for ending in ("svg", "png"):
        made.save_to_file(tmp_path / f"tune.{ending}")
        assert (tmp_path / f"tune.{ending}").stat().st_size > 1000


def test_a_view_whose_drawing_is_none_of_ours_is_refused(monkeypatch):
    monkeypatch.setattr(Notes, "drawing", lambda _: "a drawing")
    with pytest.raises(ArgumentTypeError, match=r"Notes\.drawing\(\) must give a Drawing or None; got str"):
        tune().as_html()
    monkeypatch.setattr(Notes, "drawing", lambda _: Drawing.of(1, 1, marks=[(3, Shape.circle(0, 0, 1))]))
    with pytest.raises(ArgumentError, match="descriptions must have a text for each component; got 3 texts"):
        tune().as_html()


def test_a_class_derived_from_an_own_view_is_drawn_like_it():
    class Other(DrawingView):
        kind = "other drawing"

    view = view_of((0, SHAPES["circle"]))
    other = Other(view.width, view.height, view.background, view.marks, view.descriptions)
    made = explained((0, SHAPES["circle"]))
    assert replace(made, view=other).as_html() == made.as_html()


class Sound(Parts):
    """Two halves that can be silent."""

    names = ("early", "late")
    content = 2
    law = fair_coins(2)
    view = DrawingView.of(
        2, 1, marks=[(0, Shape.rectangle(0, 0, 1, 1)), (1, Shape.rectangle(1, 0, 2, 1))], descriptions=["0 s", "1 s"]
    )

    def realise(self, masks):
        return masks


class SoundExplainer(Explainer):
    """Explains any sound by its halves."""

    default_design = "orthogonal"
    default_kernel_width = 0.25
    distances = staticmethod(cosine_of_masks)

    def components(self, instance):  # noqa: ARG002
        return Sound()


def test_a_drawing_view_can_be_explained():
    made = SoundExplainer().explain_instance("a sound", lambda masks: masks @ np.array([0.5, -0.25]))
    assert made.view == Sound.view
    assert Explanation.from_json(made.to_json()) == made
    assert [side for side, _, _ in groups(made.as_html())] == ["pos", "neg"]
