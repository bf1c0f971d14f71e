"""Many explanations in one sequence, in memory and in files: what comes back is what was put in, and no more is read."""

import dataclasses
import math
import os
import pickle
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.many import FAILURE, WAYS, few, keep
from helpers.samples import HARD, SAMPLES, parts, text
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight import Explanation, Explanations, Failure
from limelight.collection.arrow import schema
from limelight.collection.parquet import Part
from limelight.exceptions import ArgumentError, ArgumentTypeError, LabelError, MissingDependencyError
from limelight.results.explanation import Notice, Provenance, Surrogate
from limelight.results.views import (
    Cell,
    ImageView,
    MixedView,
    PartsView,
    Passage,
    Segment,
    SeriesView,
    Span,
    TableView,
    TextView,
)

LEVELS = st.sampled_from(["alert", "caution", "information"])
TEXTS = st.text(st.characters(exclude_categories=()), max_size=8)  # lone surrogates and NUL among them
DOUBLES = st.floats().map(lambda value: math.nan if value != value else value)
SINGLES = st.floats(allow_nan=False, width=32)


@st.composite
def views(draw, count):
    """A view of any kind with so many components."""
    kind = draw(st.sampled_from(["text", "table", "mixed", "parts", "series", "image"]))
    components = st.permutations(range(count))

    def text(own):
        words = draw(TEXTS)
        ends = st.integers(0, len(words))
        return TextView(words, tuple(Span(draw(ends), draw(ends), component) for component in own))

    def cells(own):
        own = [*own, *draw(st.lists(st.sampled_from(own), max_size=2))]
        return TableView(tuple(Cell(draw(TEXTS), draw(TEXTS), component) for component in own))

    if kind == "text":
        return text(draw(components))
    if kind == "table":
        return cells(draw(components))
    if kind == "mixed":
        own = draw(components)
        return MixedView(cells(own[:1]), (Passage(draw(TEXTS), text(own[1:])),))
    if kind == "parts":
        return PartsView(tuple(draw(TEXTS) for _ in range(count)))
    if kind == "series":
        values = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=count, max_size=count).map(tuple)
        segments = tuple(Segment((0,), i, i + 1, component) for i, component in enumerate(draw(components)))
        return SeriesView((draw(TEXTS),), (draw(values),), (draw(values),), segments)
    pixels = draw(st.binary(min_size=3 * count, max_size=3 * count))
    return ImageView.of(np.frombuffer(pixels, dtype=np.uint8), np.array([draw(components)]))


@st.composite
def explanations(draw):
    """Any sound explanation."""
    count, outputs = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    labels = draw(st.lists(st.integers(0, outputs - 1), min_size=1, max_size=outputs, unique=True))

    def surrogate(label):
        components = tuple(draw(st.lists(st.integers(0, count - 1), unique=True)))
        of_components = (tuple(draw(DOUBLES) for _ in components) for _ in Surrogate.OF_COMPONENTS)
        left_out = tuple(tuple(draw(SINGLES) for _ in range(1 + len(components))) for _ in range(draw(st.integers(0, 2))))
        return Surrogate(label, components, *of_components, *(draw(DOUBLES) for _ in range(4)), left_out)

    return Explanation(
        surrogates=tuple(map(surrogate, labels)),
        names=tuple(draw(TEXTS) for _ in range(count)),
        view=draw(views(count)),
        predictions=tuple(draw(DOUBLES) for _ in range(outputs)),
        output_names=tuple(draw(TEXTS) for _ in range(outputs)),
        output_kind=draw(st.sampled_from(["probabilities", "scores"])),
        default_label=draw(st.sampled_from(labels)),
        num_samples=draw(st.integers(1, 2**40)),
        num_inputs=draw(st.integers(1, 2**40)),
        effective_sample_size=draw(DOUBLES),
        confidence=draw(DOUBLES),
        converged=draw(st.booleans()),
        provenance=Provenance(
            *(draw(TEXTS) for _ in range(4)),
            draw(DOUBLES),
            *(draw(TEXTS) for _ in range(4)),
            draw(DOUBLES),
            draw(DOUBLES),
            draw(st.integers(0, 2**130)),
            draw(TEXTS),
            draw(st.integers(0, 2**70)),
            draw(DOUBLES),
            draw(TEXTS),
        ),
        notices=tuple(Notice(draw(TEXTS), draw(TEXTS), draw(LEVELS)) for _ in range(draw(st.integers(0, 2)))),
        id=draw(st.none() | TEXTS),
    )


ENTRIES = st.lists(explanations() | st.builds(Failure, TEXTS, TEXTS, st.none() | TEXTS), max_size=5)


def bits(entry):
    """Everything that an entry holds; unlike ==, it tells 0.0 from -0.0 and finds NaN equal to NaN."""
    fields = [getattr(entry, field.name) for field in dataclasses.fields(entry)]
    return repr([*fields, entry.view.to_dict() if isinstance(entry, Explanation) else None])


def same(collection, entries):
    return [bits(entry) for entry in collection] == [bits(entry) for entry in entries]


@pytest.fixture(params=WAYS)
def stored(request, tmp_path):
    return keep(request.param, tmp_path)


class TestRoundTrip:
    @given(ENTRIES)
    def test_in_memory(self, entries):
        collection = Explanations.of(entries)
        assert same(collection, entries)
        assert [bits(collection[i]) for i in range(len(collection))] == list(map(bits, entries))

    @settings(max_examples=30)
    @given(ENTRIES)
    def test_through_a_file(self, entries):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "explanations.parquet"
            Explanations.of(entries).save(path)
            loaded = Explanations.load(path)
            assert len(loaded) == len(entries)
            assert same(loaded, entries)
            assert os.listdir(folder) == [path.name]

    def test_hard_ones(self, tmp_path):
        entries = list(HARD.values())
        Explanations.of(entries).save(tmp_path / "all.parquet")
        assert same(Explanations.load(tmp_path / "all.parquet"), entries)

    @pytest.mark.parametrize("kind", [kind for kind in SAMPLES if kind != "text, no interval"])
    def test_equal(self, kind):
        (entry,) = Explanations.of([SAMPLES[kind]])
        assert entry == SAMPLES[kind]
        assert hash(entry) == hash(SAMPLES[kind])
        assert entry.to_json() == SAMPLES[kind].to_json()

    def test_nan_is_one_nan(self):
        (one,), (other,) = (Explanations.of([SAMPLES["text, no interval"]]) for _ in range(2))
        assert math.isnan(one.surrogate().lows[0])
        assert one == other

    def test_everything_is_stored(self):
        assert {field.name for field in dataclasses.fields(Explanation)} <= set(schema().names)
        kept = {field.name for field in schema().field("surrogates").type.value_type}
        apart = {"components", *Surrogate.OF_COMPONENTS}
        assert kept == {field.name for field in dataclasses.fields(Surrogate)} - apart | {"weights"}

    def test_unusual_texts_are_told_apart(self):
        names = ("\ud800", "\0d800", "\0", "\\ud800", "é", "")
        (entry,) = Explanations.of([parts(names, weights={1: (0.1,) * 6})])
        assert entry.names == names
        assert len(set(Explanations.of([entry]).importance().features)) == 6

    def test_surrogates_that_make_a_pair_stay_two(self, tmp_path):
        words = "\ud83d\ude00 saw \0 and \U0001f600"
        Explanations.of([text(words)]).save(tmp_path / "all.parquet")
        (entry,) = Explanations.load(tmp_path / "all.parquet")
        assert entry.view.text == words
        assert entry == text(words)

    def test_none_at_all(self, tmp_path):
        empty = Explanations.of([])
        empty.save(tmp_path / "none.parquet")
        for collection in (empty, Explanations.load(tmp_path / "none.parquet"), Explanations.concat([])):
            assert len(collection) == 0
            assert list(collection) == []
            assert collection.failures == {}
            assert collection.items.tolist() == []
            assert len(collection.to_frame()) == 0
            assert repr(collection) == "Explanations(0 instances, 0 converged)"
            with pytest.raises(LabelError, match="there is no explanation, so no label was explained"):
                collection.importance()

    def test_more_texts_than_arrow_has_room_for(self, monkeypatch):
        class Full:
            """Arrow, as if all texts were of 2^31 bytes."""

            def __getattr__(self, name):
                return getattr(pa, name)

            def array(self, values, kind):
                return pa.chunked_array([pa.array(values, kind)])

        monkeypatch.setattr("limelight.collection.arrow.arrow", Full)
        with pytest.raises(ArgumentError, match=r"hold more than 2\^31 bytes of names or values; store fewer at a time"):
            Explanations.of([text()])

    def test_only_entries(self):
        with pytest.raises(ArgumentTypeError, match="explanations or failures; entry 1 is str"):
            Explanations.of([FAILURE, "explanation"])
        with pytest.raises(ArgumentTypeError, match="explanations or failures; got int"):
            Explanations.of(3)
        with pytest.raises(ArgumentError, match="table 0 holds no explanations that limelight saved"):
            Explanations.of_tables([pa.table({"item": [1]})])
        whole = Explanations.of([FAILURE])
        with pytest.raises(ArgumentTypeError, match=r"call Explanations\.of\(\.\.\.\) instead; got list"):
            Explanations([FAILURE])
        with pytest.raises(ArgumentTypeError, match="tables must be a sequence of Table; got Table"):
            Explanations.of_tables(next(whole.tables()))
        for parts_, said in ((whole, "entry 0 is Failure"), ([whole, [FAILURE]], "entry 1 is list"), (3, "got int")):
            with pytest.raises(ArgumentTypeError, match=f"parts must be a sequence of Explanations; {said}"):
                Explanations.concat(parts_)


class TestSequence:
    def test_entries(self, stored):
        entries = few()
        assert len(stored) == 7
        assert list(stored) == entries
        assert [stored[i] for i in range(7)] == entries
        assert [stored[np.int64(-i)] for i in range(1, 8)] == entries[::-1]
        assert list(reversed(stored)) == entries[::-1]
        assert entries[4] in stored
        assert stored.index(entries[5]) == 5

    @settings(max_examples=200)
    @given(st.data())
    def test_chosen_as_from_a_list(self, data):
        entries = few()
        (stored_table,) = Explanations.of(entries).tables()
        collection = Explanations.of_tables([stored_table[:3], stored_table[3:4], stored_table[4:]])
        numbers = list(range(7))
        for _ in range(data.draw(st.integers(1, 3))):
            ends = st.none() | st.integers(-9, 9)
            step = st.none() | st.integers(-3, 3).filter(bool)
            kind = data.draw(st.sampled_from(["slice", "mask", "positions"]))
            count = len(numbers)
            if kind == "slice":
                index = slice(data.draw(ends), data.draw(ends), data.draw(step))
                numbers = numbers[index]
            elif kind == "mask":
                mask = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
                index = data.draw(st.sampled_from([mask, np.array(mask, dtype=bool), pd.Series(mask, dtype=bool)]))
                numbers = [number for number, own in zip(numbers, mask, strict=True) if own]
            else:
                index = data.draw(st.lists(st.integers(-count, count - 1), max_size=9)) if count else []
                numbers = [numbers[i] for i in index]
                index = data.draw(st.sampled_from([index, np.array(index, dtype=np.int32), tuple(index)]))
            collection = collection[index]
        assert collection.items.tolist() == numbers
        assert list(collection) == [entries[number] for number in numbers]

    def test_some_of_each(self, stored):
        entries = few()
        for index in (slice(None), slice(1, 6, 2), slice(None, None, -1)):
            assert list(stored[index]) == entries[index]
        jumping = [6, 0, 3, 3, -4, 1]
        assert list(stored[jumping]) == [entries[i] for i in jumping]
        assert stored[jumping].items.tolist() == [6, 0, 3, 3, 3, 1]
        assert stored[jumping][2:][[True, False, False, True]].items.tolist() == [3, 1]

    def test_chosen_by_columns_of_all_kinds(self, stored):
        mask = [True, False, False, True, True, False, False]
        for kind in (pa.array, lambda own: pa.chunked_array([own[:2], own[2:]]), pl.Series, iter):
            assert stored[kind(mask)].items.tolist() == [0, 3, 4]
            assert stored[kind([3, 0])].items.tolist() == [3, 0]
        assert stored[pd.Series(mask, dtype="boolean")].items.tolist() == [0, 3, 4]

    def test_mistakes(self, stored):
        for index in (7, -8, np.int64(7)):
            with pytest.raises(IndexError):
                stored[index]
        with pytest.raises(IndexError, match="there are 7 explanations; got positions 0 to 7"):
            stored[[0, 7]]
        with pytest.raises(ArgumentError, match="one entry for each of the 7 explanations; got 2"):
            stored[[True, False]]
        for index in (1.5, b"x", [1.0], [[1]], [[1], [1, 2]], None, True, pd.Series([True, None, *[False] * 5])):
            with pytest.raises(ArgumentTypeError, match="selected by a position, a slice, a mask or positions; got"):
                stored[index]
        for index in ("x", "", ["x", "y"]):
            with pytest.raises(ArgumentError, match=r"no explanation with the id '.?'; they have no ids: give ids to"):
                stored[index]
        with pytest.raises(ArgumentError, match=r"columns must be among .*; got \['weights'\]"):
            next(stored.tables(["weights"]))

    def test_failures(self, stored):
        assert stored.failures == {2: FAILURE}
        assert stored[::-1].failures == {2: FAILURE}
        assert stored[3:].failures == {}
        assert repr(stored) == "Explanations(7 instances, 1 failed, 6 converged, 6 fair)"
        assert repr(stored[2:3]) == "Explanations(1 instance, 1 failed, 0 converged)"

    def test_many_in_steps(self):
        some = Explanations.of([*few(), *few()] * 150)
        assert len(some) == 2100
        order = np.random.default_rng(0).permutation(2100)
        assert some[order].items.tolist() == order.tolist()
        assert list(some[order[:50]]) == [few()[i % 7] for i in order[:50]]

    def test_failure_of_an_exception(self):
        assert Failure.of(KeyError("age")) == Failure("KeyError", "'age'")


class TestLaziness:
    @pytest.fixture
    def reads(self, monkeypatch):
        """What is read from files: (row group, columns)."""
        seen = []
        read = Part.read

        def watch(part, group, columns):
            seen.append((group, columns))
            return read(part, group, columns)

        monkeypatch.setattr(Part, "read", watch)
        return seen

    @pytest.fixture
    def loaded(self, tmp_path):
        (stored_table,) = Explanations.of(few()).tables()
        pq.write_table(stored_table, tmp_path / "all.parquet", row_group_size=2)
        return Explanations.load(tmp_path / "all.parquet")

    def test_nothing_for_the_length(self, loaded, reads):
        assert len(loaded[1:][[0, 2]]) == 2
        assert reads == []

    def test_one_row_group_for_one(self, loaded, reads):
        assert [loaded[5], loaded[4]] == few()[5:3:-1]
        assert reads == [(2, None)]

    def test_once_each_in_order(self, loaded, reads):
        list(loaded[1:6])
        assert reads == [(0, None), (1, None), (2, None)]
        reads.clear()
        list(loaded[[6, 0, 5, 1]])
        assert reads == [(0, None), (2, None), (3, None)]

    def test_some_columns_for_the_rest(self, loaded, reads):
        loaded.importance()
        loaded.pick(2)
        repr(loaded), loaded.items, loaded.failures
        assert {group for group, _ in reads} == {0, 1, 2, 3}
        assert all(columns is not None and "view" not in columns for _, columns in reads)
        assert not any("value" in column for _, columns in reads for column in columns)


class TestTravelling:
    @pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
    def test_pickle(self, stored, protocol):
        for collection, entries in ((stored, few()), (stored[[6, 0, 3]], [few()[i] for i in (6, 0, 3)])):
            again = pickle.loads(pickle.dumps(collection, protocol))
            assert list(again) == entries
            assert again.items.tolist() == collection.items.tolist()

    def test_small_pickles(self, tmp_path):
        many = Explanations.of(few() * 300)
        assert len(pickle.dumps(many[:3])) < len(pickle.dumps(many)) / 100
        many.save(tmp_path / "all.parquet")
        assert len(pickle.dumps(Explanations.load(tmp_path / "all.parquet"))) < 2000

    def test_a_file_that_has_changed(self, tmp_path):
        path = tmp_path / "all.parquet"
        Explanations.of(few()).save(path)
        pickled = pickle.dumps(Explanations.load(path))
        Explanations.of(few()[:3]).save(path)
        with pytest.raises(ArgumentError, match="has changed since these explanations were pickled"):
            pickle.loads(pickled)
        path.unlink()
        with pytest.raises(ArgumentError, match="cannot be read as a Parquet file"):
            pickle.loads(pickled)

    def test_from_another_folder(self, tmp_path, monkeypatch):
        Explanations.of(few()).save(tmp_path / "all.parquet")
        monkeypatch.chdir(tmp_path)
        pickled = pickle.dumps(Explanations.load("all.parquet"))
        monkeypatch.chdir("/")
        assert list(pickle.loads(pickled)) == few()

    def test_threads(self, stored):
        entries, importance = few(), stored.importance()

        def look(i):
            return stored[i % 7] == entries[i % 7] and stored.importance() == importance and list(stored) == entries

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(look, range(100)))


class TestLightness:
    def test_nothing_heavy_before_it_is_needed(self):
        code = "import sys\nfrom limelight import Explanations, Failure, random_pick, submodular_pick\n"
        code += "print(*sorted({'pyarrow', 'scipy', 'pandas', 'polars', 'narwhals', 'sklearn'} & sys.modules.keys()))"
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert found.stdout.split() == []

    def test_without_pyarrow(self, monkeypatch, tmp_path):
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        schema.cache_clear()
        (tmp_path / "all.parquet").write_bytes(b"PAR1")
        for make in (lambda: Explanations.of([FAILURE]), lambda: Explanations.load(tmp_path)):
            with pytest.raises(MissingDependencyError, match=r"needs pyarrow: pip install 'limelight\[batch\]'"):
                make()
