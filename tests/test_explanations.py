"""Many explanations in one sequence: in memory, in files, in frames; what comes back is what was put in."""

import dataclasses
import math
import os
import pickle
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import HARD, SAMPLES, explain, image, parts, table, text
from scipy import stats

from limelight import Explanation, Explanations, Failure
from limelight._errors import ArgumentError, ArgumentTypeError, LabelError, MissingDependencyError
from limelight._explanation import Notice, Surrogate
from limelight._parquet import Part
from limelight._storage import schema, table_of
from limelight._views import Cell, ImageView, MixedView, PartsView, Passage, Segment, SeriesView, Span, TableView, TextView

FAILURE = Failure("ModelError", "no such column")
TEXTS = st.text(st.characters(exclude_categories=()), max_size=8)  # lone surrogates and NUL among them
DOUBLES = st.floats().map(lambda value: math.nan if value != value else value)


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
        values = st.lists(st.floats(allow_nan=False), min_size=count, max_size=count).map(tuple)
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
        weights, lows, highs = (tuple(draw(DOUBLES) for _ in components) for _ in range(3))
        return Surrogate(label, components, weights, lows, highs, draw(DOUBLES), draw(DOUBLES), draw(DOUBLES))

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
        kernel_width=draw(DOUBLES),
        alpha=draw(DOUBLES),
        random_state=draw(st.integers(0, 2**130)),
        warnings=tuple(Notice(draw(TEXTS), draw(TEXTS)) for _ in range(draw(st.integers(0, 2)))),
    )


ENTRIES = st.lists(explanations() | st.builds(Failure, TEXTS, TEXTS), max_size=5)


def bits(entry):
    """Everything that an entry holds; unlike ==, it tells 0.0 from -0.0 and finds NaN equal to NaN."""
    return repr([getattr(entry, field.name) for field in dataclasses.fields(entry)])


def same(collection, entries):
    return [bits(entry) for entry in collection] == [bits(entry) for entry in entries]


def few(count=7):
    """Explained rows that differ, with a failure among them."""
    entries = [table(weights={1: (0.1 * i, -0.2, 0.3)}) for i in range(count)]
    entries[2] = FAILURE
    return entries


@pytest.fixture(params=["memory", "pieces", "file", "folder", "joined"])
def stored(request, tmp_path):
    """The entries of `few`, kept in each of the ways there are."""
    entries = few()
    whole = Explanations.of(entries)
    if request.param == "memory":
        return whole
    (stored_table,) = whole.tables()
    if request.param == "pieces":
        return Explanations.of_tables([stored_table[i : i + 2] for i in range(0, 7, 2)])
    if request.param == "file":
        with pq.ParquetWriter(tmp_path / "all.parquet", schema()) as writer:
            writer.write_table(stored_table, row_group_size=3)
        return Explanations.load(tmp_path / "all.parquet")
    for i, part in enumerate((whole[:3], whole[3:4], whole[4:])):
        part.save(tmp_path / f"part-{i}.parquet")
    if request.param == "folder":
        (tmp_path / "notes.txt").write_text("nothing to see here")
        return Explanations.load(tmp_path)
    return Explanations.concat([whole[:3], Explanations.load(tmp_path / "part-1.parquet"), whole[:0], whole[4:]])


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
        assert kept == {field.name for field in dataclasses.fields(Surrogate)} - {"components", "lows", "highs"}

    def test_unusual_texts_are_told_apart(self):
        names = ("\ud800", "\0d800", "\0", "\\ud800", "é", "")
        (entry,) = Explanations.of([parts(names, weights={1: (0.1,) * 6})])
        assert entry.names == names
        assert len(set(Explanations.of([entry]).importance().features)) == 6

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

    def test_only_entries(self):
        with pytest.raises(ArgumentTypeError, match="explanations or failures; entry 1 is str"):
            Explanations.of([FAILURE, "explanation"])
        with pytest.raises(ArgumentTypeError, match="one for each instance; got int"):
            Explanations.of(3)
        with pytest.raises(ArgumentError, match="table 0 holds no explanations that limelight saved"):
            Explanations.of_tables([pa.table({"item": [1]})])


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

    def test_mistakes(self, stored):
        for index in (7, -8, np.int64(7)):
            with pytest.raises(IndexError):
                stored[index]
        with pytest.raises(IndexError, match="there are 7 explanations; positions 0 to 7 were asked for"):
            stored[[0, 7]]
        with pytest.raises(ArgumentError, match="one entry for each of the 7 explanations; got 2"):
            stored[[True, False]]
        for index in ("x", 1.5, [1.0], [[1]], None, True):
            with pytest.raises(ArgumentTypeError, match="chosen by a position, a slice, a mask or positions; got"):
                stored[index]
        with pytest.raises(ArgumentError, match=r"columns must be among .*; got \['weights'\]"):
            next(stored.tables(["weights"]))

    def test_failures(self, stored):
        assert stored.failures == {2: FAILURE}
        assert stored[::-1].failures == {2: FAILURE}
        assert stored[3:].failures == {}
        assert repr(stored) == "Explanations(7 instances, 1 failed, 6 converged)"
        assert repr(stored[2:3]) == "Explanations(1 instances, 1 failed, 0 converged)"

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


class TestSaving:
    def test_row_groups(self, tmp_path, monkeypatch):
        monkeypatch.setattr("limelight._parquet.GROUP_ROWS", 4)
        parts_of_three = Explanations.of_tables(table_of(few()[:3], range(3)) for _ in range(3))
        parts_of_three.save(tmp_path / "all.parquet")
        metadata = pq.read_metadata(tmp_path / "all.parquet")
        groups = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        assert max(groups) <= 4
        assert list(Explanations.load(tmp_path / "all.parquet")) == few()[:3] * 3

    def test_large_entries_get_groups_of_their_own(self, tmp_path, monkeypatch):
        monkeypatch.setattr("limelight._parquet.GROUP_BYTES", 3_000)
        Explanations.of([image(), *few(), image()]).save(tmp_path / "all.parquet")
        groups = list(Explanations.load(tmp_path / "all.parquet").tables())
        assert len(groups) > 3
        assert all(group.nbytes < 4_000 or group.num_rows == 1 for group in groups)
        assert list(Explanations.load(tmp_path / "all.parquet")) == [image(), *few(), image()]

    @pytest.mark.parametrize("fault", ["write", "replace", "fsync", "entries"])
    def test_a_full_disk(self, fault, tmp_path, monkeypatch):
        path = tmp_path / "all.parquet"
        Explanations.of(few()).save(path)
        before = path.read_bytes()

        def full(*_):
            raise OSError(28, "No space left on device")

        if fault == "write":

            class Full:
                def __init__(self, file):
                    self._file, self._room = file, 1000

                def write(self, contents):
                    self._room -= len(contents)
                    return self._file.write(contents) if self._room > 0 else full()

                def __getattr__(self, name):
                    return getattr(self._file, name)

                def __enter__(self):
                    return self

                def __exit__(self, *_):
                    self._file.close()

            opened = Path.open
            monkeypatch.setattr(Path, "open", lambda *arguments: Full(opened(*arguments)))
        elif fault != "entries":
            monkeypatch.setattr(os, fault, full)
        entries = Explanations.of(few() * 100)
        if fault == "entries":
            monkeypatch.setattr(Explanations, "tables", lambda _: (full() for _ in range(1)))
        with pytest.raises(OSError, match="No space left on device"):
            entries.save(path)
        monkeypatch.undo()
        assert path.read_bytes() == before
        assert os.listdir(tmp_path) == ["all.parquet"]

    def test_over_its_own_file(self, tmp_path):
        path = tmp_path / "all.parquet"
        Explanations.of(few()).save(path)
        loaded = Explanations.load(path)
        loaded[::-2].save(path)
        assert list(loaded) == few()
        assert list(Explanations.load(path)) == few()[::-2]

    def test_rights_are_those_of_any_new_file(self, tmp_path):
        Explanations.of([FAILURE]).save(tmp_path / "all.parquet")
        (tmp_path / "other").write_text("")
        assert (tmp_path / "all.parquet").stat().st_mode == (tmp_path / "other").stat().st_mode


def rewritten(path, **columns):
    """The file with some of its columns replaced."""
    found = pq.read_table(path)
    for name, values in columns.items():
        place = found.schema.get_field_index(name)
        kind = found.schema.field(name)
        found = found.set_column(place, kind, pa.array(values, kind.type))
    pq.write_table(found.replace_schema_metadata(schema().metadata), path)
    return Explanations.load(path)


class TestBadFiles:
    @pytest.fixture
    def path(self, tmp_path):
        Explanations.of([entry for entry in few() if entry != FAILURE]).save(tmp_path / "all.parquet")
        return tmp_path / "all.parquet"

    def test_none_there(self, tmp_path):
        with pytest.raises(ArgumentError, match=r"there is no file or folder '.*no\.parquet'"):
            Explanations.load(tmp_path / "no.parquet")
        with pytest.raises(ArgumentError, match=r"the folder '.*' has no \.parquet files"):
            Explanations.load(tmp_path)

    @pytest.mark.parametrize("contents", [b"", b"PAR1", b"PAR1" * 100, pickle.dumps([1, 2, 3]), b"\0" * 1000])
    def test_no_parquet(self, contents, path):
        path.write_bytes(contents)
        with pytest.raises(ArgumentError, match="is no Parquet file that can be read"):
            Explanations.load(path)

    def test_other_tables(self, path):
        pq.write_table(pa.table({"item": [1, 2]}), path)
        with pytest.raises(ArgumentError, match=r"all\.parquet' holds no explanations that limelight saved"):
            Explanations.load(path)

    @pytest.mark.parametrize("version", [b"2", b"0", b"\xff" * 100])
    def test_other_versions(self, version, path):
        metadata = {b"limelight": b"explanations", b"limelight.schema": version}
        pq.write_table(pq.read_table(path).replace_schema_metadata(metadata), path)
        with pytest.raises(ArgumentError, match="this version of limelight reads schema 1"):
            Explanations.load(path)

    def test_other_columns(self, path):
        whole = pq.read_table(path)
        for wrong, message in (
            (whole.drop_columns(["view"]), r"lacks columns \['view'\] and has unknown ones \[\]"),
            (whole.append_column("more", whole["item"]), r"lacks columns \[\] and has unknown ones \['more'\]"),
            (whole.append_column("item", whole["item"]), "lacks columns"),
            (whole.set_column(0, "item", whole["item"].cast(pa.int32())), r"columns of other types .*: \['item'\]"),
        ):
            pq.write_table(wrong, path)
            with pytest.raises(ArgumentError, match=message):
                Explanations.load(path)

    def test_a_foreign_part_in_a_folder(self, path):
        pq.write_table(pa.table({"item": [1, 2]}), path.with_name("other.parquet"))
        with pytest.raises(ArgumentError, match=r"other\.parquet' holds no explanations"):
            Explanations.load(path.parent)

    def test_cut_off(self, path):
        contents = path.read_bytes()
        for length in range(0, len(contents), 97):
            path.write_bytes(contents[:length])
            with pytest.raises(ArgumentError, match="is no Parquet file that can be read"):
                Explanations.load(path)

    def test_damaged_anywhere(self, path):
        entries, contents = list(Explanations.load(path)), path.read_bytes()
        draw = np.random.default_rng(0)
        found = 0
        for place in draw.permutation(len(contents))[:400]:
            damaged = bytearray(contents)
            damaged[place] ^= 1 << int(draw.integers(8))
            path.write_bytes(damaged)
            try:
                # What is never read (statistics, the names of writers) may be anything.
                assert list(Explanations.load(path)) == entries
            except ArgumentError:
                found += 1
        assert found > 100

    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            ({"default_label": [7]}, "do not fit together"),
            ({"default_label": [None]}, "1 of 1 values are missing"),
            ({"output_names": [["one"]]}, "do not fit together"),
            ({"predictions": [[]]}, "do not fit together"),
            ({"names": [["only one"]]}, "do not fit together"),
            ({"random_state": ["9" * 5000]}, "Exceeds the limit"),
            ({"random_state": ["os.system('true')"]}, "invalid literal for int"),
            ({"view": ["{"]}, "Expecting property name"),
            ({"view": ["[" * 100_000]}, "recursion"),
            ({"view": ["null"]}, "not subscriptable"),
            ({"view": ['{"kind": "pickle"}']}, "a view's kind must be one of"),
            ({"view": ['{"kind": "table", "cells": [[1, 2, 3]]}']}, "which is int"),
            ({"view": ['{"kind": "table", "cells": []}']}, "do not fit together"),
        ],
    )
    def test_not_whole(self, columns, message, path):
        Explanations.load(path)[:1].save(path)
        collection = rewritten(path, **columns)
        for read in (lambda: list(collection), lambda: collection[0]):
            with pytest.raises(ArgumentError, match=f"not whole explanations: .*{message}"):
                read()

    @pytest.mark.parametrize("part", ["label", "weights", "component", "name", "weight"])
    def test_gaps(self, part, path):
        Explanations.load(path)[:1].save(path)
        (surrogates,) = pq.read_table(path)["surrogates"].to_pylist()
        inner = surrogates[0] if part in surrogates[0] else surrogates[0]["weights"][1]
        inner[part] = None
        collection = rewritten(path, surrogates=[surrogates])
        for read in (lambda: list(collection), collection.to_frame):
            with pytest.raises(ArgumentError, match="is damaged: there are gaps in column 'surrogates'"):
                read()

    def test_items_that_are_missing(self, path):
        collection = rewritten(path, item=[0, 1, None, 3, 4, 5])
        for read in (lambda: list(collection), lambda: collection.items, collection.to_frame):
            with pytest.raises(ArgumentError, match="is damaged: there are gaps in column 'item'"):
                read()

    def test_hostile_surrogates(self, path):
        Explanations.load(path)[:1].save(path)
        (surrogates,) = pq.read_table(path)["surrogates"].to_pylist()
        surrogates[0]["weights"][1]["component"] = surrogates[0]["weights"][0]["component"]
        with pytest.raises(ArgumentError, match="every component once"):
            list(rewritten(path, surrogates=[surrogates]))
        surrogates[0]["label"] = -1
        collection = rewritten(path, surrogates=[surrogates])
        looks = (lambda: collection.to_wide_frame("all"), lambda: collection.importance(5))
        for read in (lambda: list(collection), collection.to_frame, *looks):
            with pytest.raises(ArgumentError, match="not whole explanations"):
                read()

    def test_texts_that_are_none(self, path):
        Explanations.load(path)[:1].save(path)
        found = pq.read_table(path)
        place = found.schema.get_field_index("output_kind")
        bad = pa.Array.from_buffers(
            pa.string(), 1, [None, pa.array([0, 2], pa.int32()).buffers()[1], pa.py_buffer(b"\xff\xfe")]
        )
        pq.write_table(found.set_column(place, found.schema.field(place), bad), path)
        with pytest.raises(ArgumentError, match=r"is damaged: .*UTF8"):
            list(Explanations.load(path))


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
        with pytest.raises(ArgumentError, match="is another file than when these explanations were pickled"):
            pickle.loads(pickled)
        path.unlink()
        with pytest.raises(ArgumentError, match="is no Parquet file that can be read"):
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


class TestFrames:
    def test_long(self, stored):
        frame = stored.to_frame()
        assert list(frame.columns) == [
            *("item", "label", "output", "component", "feature", "name", "value", "weight", "low", "high")
        ]
        expected = pd.concat([entry.to_frame().assign(item=i) for i, entry in enumerate(few()) if entry != FAILURE])
        own = expected.reset_index(drop=True)[["item", "label", "component", "name", "value", "weight", "low", "high"]]
        pd.testing.assert_frame_equal(frame[own.columns], own)
        assert set(frame["output"]) == {"stargazers"}
        assert set(frame["feature"]) == {"bmi", "blood pressure", "age"}

    def test_backends(self, stored):
        frame = stored.to_frame()
        assert isinstance(stored.to_frame("polars"), pl.DataFrame)
        assert isinstance(stored.to_frame("pyarrow"), pa.Table)
        assert stored.to_frame("polars").rows() == list(frame.itertuples(index=False, name=None))
        assert stored.to_frame("pyarrow").to_pydict() == frame.to_dict("list")
        for look in (stored.to_frame, lambda backend: stored.to_wide_frame(backend=backend), stored.importance().to_frame):
            with pytest.raises(ArgumentError, match="backend must be one of 'pandas', 'polars', 'pyarrow'; got 'dask'"):
                look(backend="dask")

    def test_backend_that_is_missing(self, monkeypatch):
        def missing(*_, **__):
            raise ModuleNotFoundError("no polars")

        monkeypatch.setattr("narwhals.stable.v2.from_arrow", missing)
        with pytest.raises(MissingDependencyError, match="a frame of polars needs it: pip install polars"):
            Explanations.of(few()).to_frame("polars")

    def test_all_labels(self):
        entries = [HARD["text, three labels"], HARD["parts, three labels"]]
        frame = Explanations.of(entries).to_frame()
        assert len(frame) == sum(len(surrogate.components) for entry in entries for surrogate in entry.surrogates)
        assert frame["output"].unique().tolist() == ["beekeepers", "gardeners", "stargazers"]
        assert frame[["label", "output"]].drop_duplicates()["label"].tolist() == [2, 0, 1]
        assert (frame["feature"] == frame["name"]).all()

    def test_wide(self, stored):
        frame = stored.to_wide_frame()
        entries = [entry for entry in few() if entry != FAILURE]
        fixed = ["item", "label", "output", "prediction", "local_prediction", "fidelity", "converged"]
        assert list(frame.columns) == [*fixed, "bmi", "age", "blood pressure"]
        assert frame["item"].tolist() == [0, 1, 3, 4, 5, 6]
        assert frame["prediction"].tolist() == [0.5] * 6
        assert frame["local_prediction"].tolist() == [0.65] * 6
        assert frame["fidelity"].tolist() == [0.875] * 6
        assert frame["converged"].all()
        assert frame["bmi"].tolist() == [entry.surrogate().weights[0] for entry in entries]

    def test_wide_of_labels(self):
        entries = [HARD["table, three labels"], HARD["text, three labels"], FAILURE]
        collection = Explanations.of(entries)
        every = collection.to_wide_frame("all", by="name")
        assert every[["item", "label"]].to_numpy().tolist() == [[0, 2], [0, 0], [0, 1], [1, 2], [1, 0], [1, 1]]
        for label, name in ((1, "stargazers"), (0, "gardeners")):
            one = collection.to_wide_frame(name, by="name")
            assert one.equals(collection.to_wide_frame(label, by="name"))
            assert one["label"].tolist() == [label, label]
            for row, entry in zip(one.to_dict("records"), entries, strict=False):
                expected = dict(entry.as_list(label))
                assert {name: weight for name, weight in row.items() if weight and name in entry.names} == expected
        absent = collection.to_wide_frame(1, by="name", num_features=2)
        assert len(absent.columns) == 9
        assert (absent.iloc[:, 7:] == 0).any(axis=None)

    def test_wide_columns_that_are_called_alike(self):
        columns = ("item", "feature item", "prediction", "a")
        frame = Explanations.of([table(columns, weights={1: (0.4, 0.3, 0.2, 0.1)})]).to_wide_frame(backend="polars")
        assert frame.columns[7:] == ["feature item", "feature feature item", "feature prediction", "a"]

    def test_features_of_several_components(self):
        view = MixedView(
            TableView((Cell("age", "39", 0),)), (Passage("note", TextView("a b", (Span(0, 1, 1), Span(2, 3, 2)))),)
        )
        collection = Explanations.of([explain(view, ("age", "a", "b"), {1: (0.1, 0.5, -0.25)})])
        assert collection.to_wide_frame()["note"].tolist() == [0.25]
        assert collection.importance().as_list() == [("note", 0.75), ("age", 0.1)]
        assert collection.importance(by="name").as_list() == [("a", 0.5), ("b", 0.25), ("age", 0.1)]

    def test_too_wide(self, monkeypatch):
        monkeypatch.setattr("limelight._frames.MOST_CELLS", 10)
        with pytest.raises(
            ArgumentError, match="6 rows and 3 features would have more than 10 weights; give a smaller num_feat"
        ):
            Explanations.of(few()).to_wide_frame()
        assert len(Explanations.of(few()).to_wide_frame(num_features=1)) == 6

    def test_texts_that_no_frame_can_hold(self):
        collection = Explanations.of([parts(("\ud800", "b"), weights={1: (0.2, 0.1)})])
        assert collection.to_frame("polars")["name"].to_list() == ["\0d800", "b"]
        assert collection.to_wide_frame("all", backend="polars").columns[7:] == ["\0d800", "b"]

    def test_mistakes(self, stored):
        with pytest.raises(ArgumentError, match="num_features must be an integer of at least 1; got 0"):
            stored.to_wide_frame(num_features=0)
        with pytest.raises(ArgumentError, match="by must be one of 'feature', 'name'; got 'value'"):
            stored.to_wide_frame(by="value")


def plain_weights(entries, label, by):
    """W of the paper as a frame, written as simply as can be; NaN where a label was not explained."""
    rows = []
    for entry in entries:
        own = [] if isinstance(entry, Failure) else [*entry.surrogates]
        wanted = entry.default_label if label is None and own else label
        own = [surrogate for surrogate in own if wanted == "all" or surrogate.label == wanted]
        row = {}
        for surrogate in own:
            for component, weight in zip(surrogate.components, surrogate.weights, strict=True):
                name = entry.names[component]
                key = entry.view.columns().get(component, name) if by == "feature" else name
                row[key] = row.get(key, 0) + abs(weight)
        if own:
            rows.append(row)
    return pd.DataFrame(rows).fillna(0.0)


@st.composite
def weighted(draw):
    """Explanations of few components with few different weights and labels."""
    entries = []
    for _ in range(draw(st.integers(1, 6))):
        labels = draw(st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True))
        weight = st.sampled_from((0.5, -0.25, 0.125, 1.0, 0.0))
        weights = {label: draw(st.lists(weight, max_size=4)) for label in labels}
        columns = draw(st.lists(st.sampled_from("abcd"), min_size=4, max_size=4))
        entries.append(draw(st.just(table(columns, weights=weights, classes=("u", "v", "w"))) | st.just(FAILURE)))
    return entries


class TestImportance:
    @given(weighted(), st.sampled_from([None, "all", 0, 1]), st.sampled_from(["feature", "name"]))
    def test_as_the_paper_says(self, entries, label, by):
        plain = plain_weights(entries, label, by)
        collection = Explanations.of(entries)
        if not len(plain):
            with pytest.raises(LabelError):
                collection.importance(label, by=by)
            return
        importance = collection.importance(label, by=by)
        assert importance.count == len(plain)
        assert dict(importance.as_list()) == pytest.approx(plain.mean().to_dict())
        assert dict(zip(importance.features, importance.reported, strict=True)).keys() == plain.mean().to_dict().keys()
        root = collection.importance(label, by=by, kind="sqrt")
        assert dict(root.as_list()) == pytest.approx(np.sqrt(plain.sum()).to_dict())
        assert root.features == importance.features
        assert list(importance.values) == sorted(importance.values, reverse=True)

    def test_of_each_storage(self, stored):
        assert stored.importance() == Explanations.of(few()).importance()
        assert stored[[0, 4, 3]].importance() == Explanations.of([few()[i] for i in (0, 4, 3)]).importance()

    def test_intervals(self):
        draw = np.random.default_rng(0)
        weights = draw.normal(size=(30, 3))
        collection = Explanations.of([table(weights={1: tuple(row)}) for row in weights])
        importance = collection.importance()
        for name, low, high in zip(importance.features, importance.lows, importance.highs, strict=True):
            own = np.abs(weights[:, ("bmi", "blood pressure", "age").index(name)])
            assert (low, high) == pytest.approx(stats.t.interval(0.95, 29, own.mean(), stats.sem(own)))
        root = collection.importance(kind="sqrt")
        assert root.lows == pytest.approx(np.sqrt(30 * np.array(importance.lows)))

    def test_of_one(self):
        importance = Explanations.of([table()]).importance()
        assert importance.reported == (1,) * 4
        assert np.isnan(importance.lows).all()
        assert np.isnan(importance.highs).all()

    def test_huge_weights(self):
        importance = Explanations.of([table(weights={1: (1e300, 2.0)}), table(weights={1: (-1e300, 0.0)})]).importance()
        assert importance.values == (1e300, 1.0)
        assert importance.lows[0] == importance.highs[0] == 1e300

    def test_nothing_reported(self):
        importance = Explanations.of([HARD["table, nothing reported"]]).importance()
        assert importance.as_list() == []
        assert importance.count == 1

    def test_by_class_and_by_slice(self):
        entries = [text(weights=weights) for weights in ({0: (0.5,), 1: (-0.5, 0.25)}, {1: (0.75,)}, {0: (0.125,)})]
        collection = Explanations.of(entries)
        assert collection.importance("stargazers") == collection.importance(1)
        assert collection.importance(1).as_list() == [("Last", 0.625), ("hour", 0.125)]
        assert collection.importance(0).count == 2
        assert collection[[False, True, True]].importance("gardeners").as_list() == [("Last", 0.125)]

    def test_names_that_two_outputs_share(self):
        entry = replace(table(weights={1: (0.5,), 0: (0.25,)}), output_names=("same", "same"))
        assert Explanations.of([entry]).importance("same").values == (0.25,)

    def test_frame_and_repr(self, stored):
        importance = stored.importance()
        frame = importance.to_frame()
        assert list(frame.columns) == ["feature", "importance", "low", "high", "reported"]
        assert list(frame.itertuples(index=False, name=None)) == [
            *zip(*(getattr(importance, name) for name in ("features", "values", "lows", "highs", "reported")), strict=True)
        ]
        assert importance.to_frame("polars").columns[0] == "feature"
        assert stored.importance(by="name").to_frame("pyarrow").column_names[0] == "name"
        assert repr(importance).splitlines()[:2] == ["Importance (mean_abs) in 6 explanations:", "    0.3167  'bmi'"]
        assert repr(Explanations.of([HARD["table, thirty columns"]]).importance()).endswith("... and 20 more")
        assert "\x1b" not in repr(Explanations.of([parts(("\x1b[31m", "b"))]).importance())

    def test_mistakes(self, stored):
        with pytest.raises(LabelError, match=r"label 'ham' was not explained for any instance; explained: 1 \(stargazers\)\."):
            stored.importance("ham")
        with pytest.raises(LabelError, match="label 0 was not explained"):
            stored.importance(0)
        with pytest.raises(LabelError, match="there is no explanation"):
            stored[2:3].importance()
        for label in (1.0, True, ["ham"]):
            with pytest.raises(ArgumentTypeError, match="label must be an output's number or name, 'all' or None; got"):
                stored.importance(label)
        with pytest.raises(ArgumentError, match="kind must be one of 'mean_abs', 'sqrt'; got 'max'"):
            stored.importance(kind="max")
        with pytest.raises(ArgumentError, match="by must be one of 'feature', 'name'; got None"):
            stored.importance(by=None)


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
            with pytest.raises(MissingDependencyError, match=r"need pyarrow: pip install 'limelight\[batch\]'"):
                make()
