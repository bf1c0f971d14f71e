"""What many instances may come in: arrays, frames, series, iterables without end, files and folders of files."""

import datetime as dt
import sys
from collections import deque
from itertools import count

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from helpers.batches import COLUMNS, OUTSIDE, REVIEWS, ROWS, of_frame, of_texts, one_by_one, plain, same
from scipy import sparse

from limelight import Failure, TabularExplainer, TextExplainer
from limelight.batch._instances import Instances, split_into_chunks
from limelight.batch._pickling import serialize
from limelight.exceptions import ArgumentError, ArgumentTypeError, Interrupted, MissingDependencyError

FRAME = pd.DataFrame(COLUMNS)
EXPLAINER = TabularExplainer(FRAME)
FEW = {"num_samples": 64}


@pytest.fixture(scope="module")
def expected():
    return one_by_one(EXPLAINER, FRAME[:12], of_frame, **FEW)


def written(frame, path):
    """A frame, in a file of the kind that its name says."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if path.suffix.lower() in (".parquet", ".pq"):
        pq.write_table(table, path, row_group_size=5)
    elif path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        pyarrow.feather.write_feather(table, path)
    return path


def read(instances, columns=("a", "b")):
    return list(Instances.of(instances, columns).iterator)


# --- frames and iterables ------------------------------------------------------------------------------------------------


def test_frames_may_have_their_columns_in_another_order_and_more_of_them(expected):
    mixed = FRAME[:12].assign(note="n. n.", score=1.5)[["note", "flag", "city", "score", "count", "real"]]
    for frame in (mixed, pl.from_pandas(mixed), pa.Table.from_pandas(mixed)):
        assert same(EXPLAINER.explain_many(frame, of_frame, **FEW), expected)


def test_rows_in_any_form_an_instance_has(expected):
    rows = list(FRAME[:12].iterrows())
    for instances in (
        [row for _, row in rows],
        FRAME[:12].to_dict("records"),
        FRAME[:12].to_numpy(dtype=object),
        (FRAME.iloc[[i]] for i in range(12)),
        deque(tuple(row) for row in FRAME[:12].itertuples(index=False)),
    ):
        assert same(EXPLAINER.explain_many(instances, of_frame, **FEW), expected)


def test_series_and_frames_of_one_column_hold_texts():
    explainer = TextExplainer()
    expected = one_by_one(explainer, REVIEWS[:5], of_texts)
    for texts in (
        pd.Series(REVIEWS[:5], index=list("edcba")),
        pl.Series(REVIEWS[:5]),
        pa.chunked_array([REVIEWS[:2], REVIEWS[2:5]]),
        np.array(REVIEWS[:5]),
        pd.DataFrame({"review": REVIEWS[:5]}),
        tuple(REVIEWS[:5]),
        dict.fromkeys(REVIEWS[:5]).keys(),
    ):
        assert same(explainer.explain_many(texts, of_texts), expected)


def test_arrays_without_names_take_frames_by_name_or_by_place():
    explainer = TabularExplainer(ROWS)
    expected = one_by_one(explainer, OUTSIDE, plain, **FEW)
    turned = pd.DataFrame(OUTSIDE, columns=[f"x{i}" for i in range(5)]).iloc[:, ::-1]
    for frame in (pd.DataFrame(OUTSIDE), pd.DataFrame(OUTSIDE, columns=list("abcde")), turned):
        assert same(explainer.explain_many(frame, plain, **FEW), expected)


def test_columns_with_names_are_never_taken_by_place():
    explainer = TabularExplainer(ROWS, feature_names=list("abcde"))
    with pytest.raises(ArgumentError, match=r"must have the training data's columns; they lack 'a', 'b', 'c', 'd', 'e'\."):
        explainer.explain_many(pd.DataFrame(OUTSIDE), plain)


def test_sparse_tables_of_any_format():
    rows = sparse.random_array((50, 20), density=0.3, rng=np.random.default_rng(0), format="csr")
    explainer = TabularExplainer(rows)

    def model(batch):
        return np.asarray(batch[:, [3]].todense()).ravel()

    expected = one_by_one(explainer, rows[:4], model, **FEW)
    for some in (rows[:4].tocoo(), rows[:4].tocsc(), sparse.csr_matrix(rows[:4]), rows[:4].toarray()):
        assert same(explainer.explain_many(some, model, **FEW), expected)


def test_a_source_without_end_is_read_no_further_than_needed():
    taken = count()

    def endless():
        for number in taken:
            if number == 1000:
                raise KeyboardInterrupt
            yield ROWS[number % 200]

    with pytest.raises(Interrupted) as caught:
        TabularExplainer(ROWS).explain_many(endless(), plain, chunk_size=300, **FEW)
    assert len(caught.value.explanations) == 900
    asked = count()

    def stopping(rows):
        if next(asked) == 3:
            raise KeyboardInterrupt
        return plain(rows)

    taken = count()
    with pytest.raises(Interrupted):
        TabularExplainer(ROWS).explain_many((ROWS[i % 200] for i in taken), stopping, chunk_size=10, **FEW)
    assert next(taken) <= 40


@pytest.mark.parametrize(
    "instances", [5, None, 2.5, {"real": 1.0}, b"bytes", np.float64(3), np.array(3.0), lambda: 1, pl.LazyFrame(COLUMNS)]
)
def test_what_is_not_many_is_refused(instances):
    with pytest.raises(ArgumentTypeError, match="instances must be a frame in memory, a file's path, an array or another"):
        EXPLAINER.explain_many(instances, of_frame)


def test_frames_that_are_elsewhere_are_refused():
    """They are iterated by the names of their columns."""
    frames = pytest.importorskip("dask.dataframe")
    with pytest.raises(ArgumentTypeError, match="instances must be a frame in memory"):
        EXPLAINER.explain_many(frames.from_pandas(FRAME, npartitions=2), of_frame, on_error="keep")


def test_a_tensor_of_many_goes_to_other_processes_one_by_one():
    torch = pytest.importorskip("torch")
    tensor = torch.rand(100, 3, 8, 8)
    (first, *_) = split_into_chunks(*Instances.of(tensor, None)[::2], 10)
    assert torch.equal(torch.stack(first.instances), tensor[:10])
    assert len(serialize(first)) < 2 * tensor[:10].numpy().nbytes


def test_frames_that_will_not_do_are_refused():
    with pytest.raises(ArgumentError, match=r"must have the training data's columns; they lack 'city', 'flag'\."):
        EXPLAINER.explain_many(FRAME[["real", "count"]], of_frame)
    with pytest.raises(ArgumentError, match="instances must be a valid frame"):
        EXPLAINER.explain_many(pd.concat([FRAME, FRAME], axis=1), of_frame)
    with pytest.raises(ArgumentError, match=r"the only column of a frame or file; it has 'real', 'count', 'city', 'flag'\."):
        TextExplainer().explain_many(FRAME, of_texts)


# --- files ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rows.parquet", "rows.PQ", "rows.csv", "rows.arrow", "rows.feather"])
def test_files(name, tmp_path, expected):
    extra = FRAME[:12].assign(note="two\nlines, and a comma")[["note", "flag", "city", "count", "real"]]
    path = written(extra, tmp_path / name)
    for instances in (path, str(path)):
        assert same(EXPLAINER.explain_many(instances, of_frame, **FEW), expected)


def test_a_folder_of_files_is_read_in_the_order_of_their_names(tmp_path, expected):
    for start, name in ((8, "c.parquet"), (0, "a.parquet"), (3, "b.parquet")):
        stop = {0: 3, 3: 8, 8: 12}[start]
        written(FRAME[start:stop], tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a table")
    assert same(EXPLAINER.explain_many(tmp_path, of_frame, chunk_size=5, **FEW), expected)


def test_a_file_of_texts(tmp_path):
    texts = ["A fine soup.", 'She said "fine", and\nleft; soup was left.', "été 😀 fine"]
    path = written(pd.DataFrame({"review": texts}), tmp_path / "texts.csv")
    assert same(TextExplainer().explain_many(path, of_texts), one_by_one(TextExplainer(), texts, of_texts))


def test_texts_of_several_lines_may_lie_anywhere_in_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr("limelight.batch.files._CSV_BLOCK_BYTES", 2**12)
    texts = [f"line {i},\n" * (i % 40 + 1) for i in range(400)]
    path = written(pd.DataFrame({"review": texts}), tmp_path / "texts.csv")
    assert read(path, None) == texts


def test_only_the_columns_that_are_needed_are_read(tmp_path, monkeypatch):
    path = written(pd.DataFrame({f"c{i}": range(10) for i in range(50)}), tmp_path / "wide.parquet")
    seen = []
    to_batches = pyarrow.dataset.FileSystemDataset.to_batches
    monkeypatch.setattr(
        "limelight.batch.files._open_dataset",
        lambda path: Watched(pyarrow.dataset.dataset(path), to_batches, seen),
    )
    assert read(path, ("c3", "c7"))[1] == {"c3": 1, "c7": 1}
    assert seen == [["c3", "c7"]]


class Watched:
    """A dataset that keeps which columns were asked for."""

    def __init__(self, dataset, to_batches, seen):
        self.schema, self.format, self.count_rows = dataset.schema, dataset.format, dataset.count_rows
        self.get_fragments = dataset.get_fragments
        self.to_batches = lambda columns, **options: seen.append(columns) or to_batches(dataset, columns=columns, **options)


def test_what_a_csv_file_may_hold(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text('a,b,c,d\n1,,2024-02-03,true\n,x,2024-02-04,false\n3.5,"",2024-02-05,true\n', encoding="utf-8")
    day = dt.date(2024, 2, 3)
    assert read(path, ("a", "b", "c", "d")) == [
        {"a": 1.0, "b": None, "c": day, "d": True},
        {"a": None, "b": "x", "c": day + dt.timedelta(1), "d": False},
        {"a": 3.5, "b": None, "c": day + dt.timedelta(2), "d": True},
    ]


def test_many_rows_of_a_file_are_read_a_few_at_a_time(tmp_path):
    path = written(pd.DataFrame({"a": range(20_000), "b": 0.5}), tmp_path / "rows.parquet")
    instances = Instances.of(path, ("a", "b"))
    assert instances.total == 20_000
    assert [row["a"] for row in instances.iterator] == list(range(20_000))


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        ("rows.parquet", b"no Parquet"),
        ("rows.parquet", b""),
        ("rows.arrow", b"no Arrow"),
        ("rows.csv", b""),
        ("rows.csv", b"a,b\n1,2\n3\n"),
        ("rows.csv", b"a,b,b\n1,2,3\n"),
    ],
)
def test_damaged_files_are_reported(name, contents, tmp_path):
    (tmp_path / name).write_bytes(contents)
    with pytest.raises(ArgumentError, match=rf"instances cannot be read from '.*{name}'"):
        read(tmp_path / name)


def test_a_file_that_is_damaged_further_on_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr("limelight.batch.files._CSV_BLOCK_BYTES", 2**14)
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n" + "1,2\n" * 50_000 + "x,y\n", encoding="utf-8")
    instances = Instances.of(path, ("a", "b"))  # nothing is wrong with its beginning
    with pytest.raises(ArgumentError, match=r"cannot be read from .*invalid value 'x'"):
        deque(instances.iterator, maxlen=0)


def test_files_that_are_none_are_reported(tmp_path):
    written(FRAME, tmp_path / "a.parquet")
    written(FRAME, tmp_path / "b.csv")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("a\n1\n")
    for path, why in {
        tmp_path: "which holds files of several formats: csv, parquet",
        tmp_path / "empty": "which holds no such file",
        tmp_path / "notes.txt": "which has another ending",
        tmp_path / "none.parquet": "which does not exist",
        "a text, not a file": "which does not exist",
    }.items():
        with pytest.raises(ArgumentError, match=rf"must be a file ending in \.parquet, .*, or a folder.*; got .*, {why}\."):
            EXPLAINER.explain_many(path, of_frame)
    for text in (". A long text.\n" * 1000, "no\0 path"):
        with pytest.raises(ArgumentError, match=r"must be a file .* Give a single instance to explain_instance") as caught:
            TextExplainer().explain_many(text, of_texts)
        assert len(str(caught.value)) < 500
    written(FRAME[["real", "city"]], tmp_path / "few.parquet")
    with pytest.raises(ArgumentError, match=r"they lack 'count', 'flag'\."):
        EXPLAINER.explain_many(tmp_path / "few.parquet", of_frame)


def test_hidden_files_of_a_folder_are_left_alone(tmp_path):
    written(FRAME[:3], tmp_path / "rows.csv")
    (tmp_path / ".rows.csv").write_bytes(b"\0\1")
    assert len(read(tmp_path, tuple(COLUMNS))) == 3


def test_files_that_lack_what_the_first_one_has_are_reported(tmp_path):
    written(FRAME[:3], tmp_path / "0.parquet")
    written(FRAME[3:6].drop(columns="count"), tmp_path / "1.parquet")
    with pytest.raises(ArgumentError, match=r"1\.parquet' must have the columns of the folder's first file; it lacks 'count'"):
        EXPLAINER.explain_many(tmp_path, of_frame)


@pytest.mark.parametrize("where", ["header", "value"])
def test_files_of_other_encodings_are_reported(where, tmp_path):
    named = {"header": FRAME.rename(columns={"city": "größe"}), "value": FRAME.assign(city="Köln")}[where]
    named.to_csv(tmp_path / "rows.csv", index=False, encoding="latin-1")
    with pytest.raises(ArgumentError, match="not UTF-8"):
        EXPLAINER.explain_many(tmp_path / "rows.csv", of_frame)


def test_what_is_missing_in_csv_files_is_what_pandas_takes_for_it(tmp_path):
    path = tmp_path / "rows.csv"
    FRAME[:8].assign(city=["None", "<NA>", "N/A", "NA", "", "nan", "null", "Rome"]).to_csv(path, index=False)
    assert [row["city"] for row in read(path, tuple(COLUMNS))] == [None] * 7 + ["Rome"]


def test_files_without_pyarrow_say_how_to_get_it(tmp_path, monkeypatch):
    path = written(FRAME, tmp_path / "a.csv")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'limelight\[batch\]'"):
        read(path, tuple(COLUMNS))


def test_values_of_other_kinds_are_failures(tmp_path):
    path = written(FRAME[:3].assign(city=[1, 2, 3]), tmp_path / "rows.parquet")
    explanations = EXPLAINER.explain_many(path, of_frame, on_error="keep", **FEW)
    assert explanations[0] == Failure("InstanceError", "column 'city' holds values like 'Lima', 'Oslo', 'Rome'; got 1 (int).")
