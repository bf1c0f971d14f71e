"""Pictures of any explanation as files: PNG, SVG and PDF, on disk and in buffers."""

import io
import logging
import re
import sys
import tempfile
import threading
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from helpers.hostile import PAYLOADS
from helpers.samples import LONG, MODALITIES, SAMPLES, falling, parts, table, text
from PIL import Image

from limelight.exceptions import ArgumentError, ArgumentTypeError, MissingDependencyError
from limelight.renderers._fonts import choose_families, find_unreadable
from limelight.renderers._passages import break_into_lines, is_right_to_left

MAGIC = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}


def render(made, file_format):
    contents = made.render(file_format)
    return contents.encode("utf-8") if isinstance(contents, str) else contents


def elements(svg):
    return {element.tag for element in ElementTree.fromstring(svg).iter()}


def words_in(svg):
    """What matplotlib writes beside the letters' outlines."""
    return [comment.strip() for comment in re.findall(r"<!--(.*?)-->", svg, re.DOTALL)]


def test_kind_f_a_picture_of_every_modality_in_every_format(tmp_path):
    for name, made in MODALITIES.items():
        for file_format, magic in MAGIC.items():
            path = tmp_path / f"{name}.{file_format}"
            made.save_to_file(path)
            contents = path.read_bytes()
            assert contents.startswith(magic) or (file_format == "svg" and contents.startswith(b"<svg")), path
            assert contents == render(made, file_format), "the same explanation gives the same bytes"
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert min(picture.size) > 100
        ElementTree.parse(tmp_path / f"{name}.svg")


def test_a_text_has_its_bars_and_its_words_tinted():
    made = text("Bees dance, bees sing", {1: (0.5, -0.25)})
    svg = made.render("svg")
    assert {"Bees", "dance", "For and against stargazers"} <= set(words_in(svg))
    assert any("bees sing" in words for words in words_in(svg))
    blue = np.asarray(Image.open(io.BytesIO(made.render("png"))).convert("RGB")).reshape(-1, 3)
    hues = {tuple(map(int, pixel)) for pixel in np.unique(blue, axis=0)}
    assert (0, 0x62, 0xB2) in hues
    assert (0xC4, 0x5C, 0) in hues
    under_the_heaviest_word = np.array([127.5, 176.5, 216.5])  # half of the blue
    assert np.abs(np.array(sorted(hues)) - under_the_heaviest_word).max(axis=1).min() < 2


@pytest.mark.parametrize("name", [name for name in SAMPLES if "three labels" in name])
def test_all_labels_or_the_ones_that_are_asked_for(name):
    made = SAMPLES[name]
    whole, one = io.BytesIO(), io.BytesIO()
    made.save_to_file(whole, format="png")
    made.save_to_file(one, labels=[made.labels[-1]], format="png")
    sizes = [np.prod(Image.open(file).size) for file in (whole, one)]
    assert sizes[0] > 1.4 * sizes[1]


def test_long_lists_say_how_much_is_left_out():
    names = [f"part {i}" for i in range(70)]
    svg = parts(names, weights={1: falling(70)}).render("svg")
    assert "and 10 lighter components" in words_in(svg)
    assert "part 59" in words_in(svg)
    assert "part 60" not in words_in(svg)
    classes = [f"class {i}" for i in range(30)]
    svg = text("one two", dict.fromkeys(range(30), (0.5, -0.25)), classes=classes).render("svg")
    assert "and 6 more labels; labels= chooses which are drawn" in words_in(svg)
    assert "and more: the text goes on" in words_in(text("many words " * 2000, {1: (0.5, 0.25)}).render("svg"))


def test_a_warning_is_in_the_picture():
    svg = text(notices=["Read this <b>first</b>."]).render("svg")
    assert any("Read this &lt;b&gt;first&lt;/b&gt;." in words for words in words_in(svg))


@pytest.mark.parametrize("file_format", MAGIC)
@pytest.mark.parametrize("start", range(4))
def test_hostile_names_stay_text(start, file_format, caplog):
    """No formula, no markup, no exception, and no complaint about letters that a font lacks."""
    chosen = PAYLOADS[start::4][:12]
    plain = render(text("one two", {1: (0.5, -0.25)}, notices=["three"]), file_format)
    made = [text("one two", {1: (0.5, -0.25)}, classes=[string, string], notices=[string]) for string in chosen[:3]] + [
        parts([*chosen, "$\\frac{1}{0}$", "a_b^c", "100 %", "$$", LONG], weights={1: falling(len(chosen) + 5)})
    ]
    with caplog.at_level(logging.WARNING):
        for each in made:
            contents = render(each, file_format)
            if file_format == "svg":
                assert elements(contents) <= elements(plain)
    assert caplog.records == []


def test_dollars_and_control_characters_are_shown_literally():
    svg = parts(["$x^2$ costs $5", "tab\tand\x00nul", "\x1b[31mred"], weights={1: (0.5, -0.25, 0.1)}).render("svg")
    assert {"$x^2$ costs $5", r"tab\tand\x00nul", r"\x1b[31mred"} <= set(words_in(svg))


def test_letters_that_no_font_has_become_escapes_so_that_names_stay_different():
    lone = ["\U0010fffd", "\ue000 private", "plain"]
    svg = parts(lone, weights={1: (0.5, -0.25, 0.1)}).render("svg")
    names = [words for words in words_in(svg) if words.startswith("\\") or words == "plain"]
    assert len(set(names)) == len(names) == 3


def test_other_scripts_get_fonts_of_the_machine_where_there_are_any():
    families = choose_families("plain")
    assert families == list(mpl.rcParams["font.family"])
    for letters in ("דג", "سمك", "魚", "मछली"):
        found = choose_families(letters)
        assert found[: len(families)] == families
        assert not find_unreadable(letters, found) or len(found) == len(families), letters


@pytest.mark.parametrize("style", ["dark_background", {"text.usetex": True}, {"font.family": "monospace"}])
def test_the_users_style_is_kept_and_none_of_it_breaks(style):
    before = dict(mpl.rcParams)
    with mpl.style.context(style):
        picture = Image.open(io.BytesIO(text("a_b 100% $c$", {1: (0.5, -0.25, 0.1)}).render("png"))).convert("L")
    assert (np.asarray(picture)[0, 0] < 50) == (style == "dark_background")
    assert dict(mpl.rcParams) == before


def test_threads_do_not_disturb_each_other():
    made = [SAMPLES[name] for name in ("text", "table", "parts")]
    alone = [each.render("svg") for each in made]
    together: dict[int, str] = {}
    threads = [
        threading.Thread(target=lambda i=i: together.__setitem__(i, made[i % 3].render("svg"))) for i in range(6)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[i] for i in range(6)] == alone * 2


@pytest.mark.parametrize("file_format", MAGIC)
def test_without_matplotlib_the_error_names_the_extra_and_no_file_is_left(file_format, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match=rf"a {file_format.upper()} .* needs matplotlib: .*'limelight\[plot\]'"):
        table().save_to_file(tmp_path / f"row.{file_format}")
    assert list(tmp_path.iterdir()) == []


# --- buffers ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", ["html", "htm", *MAGIC])
def test_a_buffer_gets_what_a_file_gets(file_format, tmp_path):
    made = table()
    made.save_to_file(tmp_path / f"row.{file_format}")
    buffer = io.BytesIO()
    made.save_to_file(buffer, format=file_format)
    assert buffer.getvalue() == (tmp_path / f"row.{file_format}").read_bytes()


def test_text_goes_into_a_buffer_of_text_and_bytes_do_not(tmp_path):
    made, buffer = table(), io.StringIO()
    made.save_to_file(buffer, format="HTML")
    assert buffer.getvalue() == made.as_html()
    with tempfile.TemporaryFile("w", encoding="utf-8", dir=tmp_path) as file:
        made.save_to_file(file, format="svg")
        with pytest.raises(ArgumentTypeError, match=r"a pdf file consists of bytes; give a buffer of bytes"):
            made.save_to_file(file, format="pdf")


def test_a_format_goes_before_no_ending_and_against_none(tmp_path):
    made = table()
    made.save_to_file(tmp_path / "row", format="png")
    assert (tmp_path / "row").read_bytes().startswith(MAGIC["png"])
    made.save_to_file(tmp_path / "row.2024", format="svg")
    made.save_to_file(tmp_path / "row.htm", format="html")
    with pytest.raises(ArgumentError, match=r"ending and format='png' must agree; got '.*row\.svg'"):
        made.save_to_file(tmp_path / "row.svg", format="png")
    assert not (tmp_path / "row.svg").exists()


def test_what_cannot_be_written_to_is_refused():
    with pytest.raises(ArgumentError, match=r"a buffer has no ending .*: give format=, one of html, htm, png, svg, pdf"):
        table().save_to_file(io.BytesIO())
    with pytest.raises(ArgumentError, match=r"format must be one of 'html', 'htm', 'png', 'svg', 'pdf'.*; got 'gif'"):
        table().save_to_file(io.BytesIO(), format="gif")
    with pytest.raises(ArgumentTypeError, match=r"path must be a path, or a buffer such as io.BytesIO\(\); got 7"):
        table().save_to_file(7)


# --- lines --------------------------------------------------------------------------------------------------------------------


def lines_of(words, room=10):
    return ["".join(run.text for run in line) for line in break_into_lines(words, room, len)]


def test_lines_break_between_words_and_keep_every_letter():
    assert lines_of([("one two three\n\nfour", None)]) == ["one two ", "three", "", "four"]
    assert lines_of([("interminable", 0), (" word", None)]) == ["interminab", "le word"]
    assert lines_of([("東京都庁舎展望台から見た富士山", None)], 4) == ["東京都庁", "舎展望台", "から見た", "富士山"]
    (line,) = break_into_lines([("ab", 0), (" cd ", None), ("ef", 1)], 10, len)
    assert [(run.start, run.text, run.component) for run in line] == [
        *((0, "ab", 0), (2, " ", None), (3, "cd ", None), (6, "ef", 1)),
    ]


def test_the_first_letter_says_where_a_text_begins():
    assert [is_right_to_left(words) for words in ("12 שלום abc", "a שלום", "", "سلام")] == [True, False, False, True]
