"""Files of explanations: whole or not there, and refused where they are damaged or hold something else."""

import os
import pickle
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.many import FAILURE, few
from helpers.samples import PROVENANCE, image

from limelight import Explanations
from limelight.collection.arrow import schema, table_of
from limelight.exceptions import ArgumentError


class TestSaving:
    def test_row_groups(self, tmp_path, monkeypatch):
        monkeypatch.setattr("limelight.collection.parquet._MOST_GROUP_ROWS", 4)
        parts_of_three = Explanations.of_tables(table_of(few()[:3], range(3)) for _ in range(3))
        parts_of_three.save(tmp_path / "all.parquet")
        metadata = pq.read_metadata(tmp_path / "all.parquet")
        groups = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        assert max(groups) <= 4
        assert list(Explanations.load(tmp_path / "all.parquet")) == few()[:3] * 3

    def test_large_entries_get_groups_of_their_own(self, tmp_path, monkeypatch):
        monkeypatch.setattr("limelight.collection.parquet._MOST_GROUP_BYTES", 3_500)
        Explanations.of([image(), *few(), image()]).save(tmp_path / "all.parquet")
        groups = list(Explanations.load(tmp_path / "all.parquet").tables())
        assert len(groups) > 3
        assert all(group.nbytes < 4_700 or group.num_rows == 1 for group in groups)
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

    def test_through_a_link(self, tmp_path):
        (tmp_path / "kept").mkdir()
        link = tmp_path / "all.parquet"
        for _ in ("a file that is not there yet", "and one that is"):
            link.unlink(missing_ok=True)
            link.symlink_to(tmp_path / "kept" / "real.parquet")
            Explanations.of(few()).save(link)
            assert link.is_symlink()
            assert list(Explanations.load(tmp_path / "kept" / "real.parquet")) == few()
            assert os.listdir(tmp_path / "kept") == ["real.parquet"]

    @pytest.mark.parametrize("name", ["pipe", "link to a pipe", "folder", ""])
    def test_nothing_but_a_file_is_replaced(self, name, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "link to a pipe").symlink_to(tmp_path / "pipe")
        (tmp_path / "folder").mkdir()
        for save in (Explanations.save, Explanations.save_report):
            with pytest.raises(ArgumentError, match="cannot be written: it is not a regular file"):
                save(Explanations.of(few()), tmp_path / name)
        assert (tmp_path / "pipe").is_fifo()
        assert (tmp_path / "link to a pipe").is_symlink()

    def test_in_no_folder(self, tmp_path):
        with pytest.raises(ArgumentError, match=r"all.parquet' cannot be written: there is no folder '.*/none'"):
            Explanations.of(few()).save(tmp_path / "none" / "all.parquet")

    def test_rights_are_those_of_any_new_file(self, tmp_path):
        Explanations.of([FAILURE]).save(tmp_path / "all.parquet")
        (tmp_path / "other").write_text("")
        assert (tmp_path / "all.parquet").stat().st_mode == (tmp_path / "other").stat().st_mode


RECORD = {**asdict(PROVENANCE), "nominal_draws": "5000"}


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
        with pytest.raises(ArgumentError, match="cannot be read as a Parquet file"):
            Explanations.load(path)

    def test_other_tables(self, path):
        pq.write_table(pa.table({"item": [1, 2]}), path)
        with pytest.raises(ArgumentError, match=r"all\.parquet' holds no explanations that limelight saved"):
            Explanations.load(path)

    @pytest.mark.parametrize("version", [b"1", b"3", b"0", b"\xff" * 100])
    def test_other_versions(self, version, path):
        metadata = {b"limelight": b"explanations", b"limelight.schema": version}
        pq.write_table(pq.read_table(path).replace_schema_metadata(metadata), path)
        with pytest.raises(ArgumentError, match="this version of limelight reads schema 2"):
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
            with pytest.raises(ArgumentError, match="cannot be read as a Parquet file"):
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
            ({"default_label": [7]}, "do not match"),
            ({"default_label": [None]}, "1 of 1 values are missing"),
            ({"output_names": [["one"]]}, "do not match"),
            ({"predictions": [[]]}, "do not match"),
            ({"names": [["only one"]]}, "do not match"),
            ({"provenance": [{**RECORD, "random_state": "9" * 5000}]}, "Exceeds the limit"),
            ({"provenance": [{**RECORD, "random_state": "os.system('true')"}]}, "invalid literal for int"),
            ({"view": ["{"]}, "Expecting property name"),
            ({"view": ["[" * 100_000]}, "recursion"),
            ({"view": ["null"]}, "not subscriptable"),
            ({"view": ['{"kind": "pickle"}']}, "no view of kind 'pickle' is registered"),
            ({"view": ['{"kind": "table", "cells": [[1, 2, 3]]}']}, "which is int"),
            ({"view": ['{"kind": "table", "cells": []}']}, "do not match"),
        ],
    )
    def test_not_whole(self, columns, message, path):
        Explanations.load(path)[:1].save(path)
        collection = rewritten(path, **columns)
        for read in (lambda: list(collection), lambda: collection[0]):
            with pytest.raises(ArgumentError, match=f"the stored explanations are incomplete or invalid: .*{message}"):
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
        with pytest.raises(ArgumentError, match="a component only once"):
            list(rewritten(path, surrogates=[surrogates]))
        surrogates[0]["label"] = -1
        collection = rewritten(path, surrogates=[surrogates])
        looks = (lambda: collection.to_wide_frame("all"), lambda: collection.importance(5))
        for read in (lambda: list(collection), collection.to_frame, *looks):
            with pytest.raises(ArgumentError, match="the stored explanations are incomplete"):
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
