"""Files at addresses such as s3://bucket/name, through pyarrow's file systems."""

import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.fs
import pytest
from click.testing import CliRunner

from limelight import Explanation, Explanations, TabularExplainer, TextExplainer
from limelight.batch.files import TableFile
from limelight.cli._commands import commands
from limelight.exceptions import ArgumentError
from limelight.results.files import locate

ROWS = pd.DataFrame(np.random.default_rng(8).normal(size=(60, 3)), columns=["a", "b", "c"])
EXPLAINER = TabularExplainer(ROWS)


def model(frame):
    return frame["a"].to_numpy() - frame["c"].to_numpy()


@pytest.fixture
def cloud(tmp_path, monkeypatch):
    """A file system in a folder, at addresses that start with ``cloud://bucket``."""
    folder = tmp_path / "cloud"
    (folder / "sub").mkdir(parents=True)
    file_system = pa.fs.SubTreeFileSystem(str(folder), pa.fs.LocalFileSystem())
    monkeypatch.setattr(
        "limelight.results.files._open_file_system", lambda address: (file_system, address.removeprefix("cloud://bucket/"))
    )
    return folder


@pytest.fixture(scope="module")
def explanations():
    return EXPLAINER.explain_many(ROWS[5:12], model, num_samples=64)


class TestAddresses:
    @pytest.mark.parametrize("name", ["here.parquet", "a b/ü.parquet", "C:/rows.csv", "c:\\rows.csv", "", "odd:name", "a//b"])
    def test_paths_stay_paths(self, name):
        place = locate(name)
        assert (place.path, place.file_system, place.name) == (name, None, name)

    def test_file_is_of_this_machine(self, tmp_path):
        place = locate((tmp_path / "a b.csv").as_uri())
        assert (place.path, place.file_system) == (str(tmp_path / "a b.csv"), None)

    @pytest.mark.parametrize("address", ["nowhere://bucket/name", "http://example.org/a.parquet", "s3://white space/a"])
    def test_unknown_ones(self, address):
        with pytest.raises(ArgumentError, match=f"'{address}' is no address that pyarrow opens, like s3://bucket/name"):
            locate(address)

    def test_kind_m_an_address_that_a_path_has_spoilt(self, explanations, tmp_path):
        path = tmp_path.__class__("s3://bucket/all.parquet")
        for use in (
            explanations.save,
            Explanations.load,
            Explanation.load,
            explanations.save_report,
            explanations[0].save_to_file,
        ):
            with pytest.raises(ArgumentError, match=r"'s3:/bucket/all\.parquet' has lost a slash.*; give the address as a str"):
                use(path)
        with pytest.raises(ArgumentError, match="has lost a slash"):
            EXPLAINER.explain_many(path, model)


class TestExplanations:
    @pytest.mark.parametrize("address", ["cloud://bucket/all.parquet", "cloud://bucket/sub/all.pq"])
    def test_kind_m_there_and_back(self, cloud, explanations, address):
        explanations.save(address)
        assert (cloud / address.removeprefix("cloud://bucket/")).read_bytes()[:4] == b"PAR1"
        again = Explanations.load(address)
        assert list(again) == list(explanations)
        assert again.ids == explanations.ids
        assert again[::-2].importance().values == explanations[::-2].importance().values
        assert list(pickle.loads(pickle.dumps(again))) == list(explanations)

    def test_folders(self, cloud, explanations):
        for number, part in enumerate((explanations[:3], explanations[3:])):
            part.save(f"cloud://bucket/sub/part-{number}.parquet")
        (cloud / "sub" / ".hidden.parquet").write_text("")
        (cloud / "sub" / "notes.txt").write_text("")
        for address in ("cloud://bucket/sub", "cloud://bucket/sub/"):
            assert list(Explanations.load(address)) == list(explanations)
        (cloud / "empty").mkdir()
        with pytest.raises(ArgumentError, match=r"the folder 'cloud://bucket/empty' has no \.parquet files"):
            Explanations.load("cloud://bucket/empty")

    def test_what_is_not_there_or_damaged(self, cloud, explanations):
        with pytest.raises(ArgumentError, match=r"there is no file or folder 'cloud://bucket/none\.parquet'"):
            Explanations.load("cloud://bucket/none.parquet")
        (cloud / "bad.parquet").write_bytes(b"PAR1")
        with pytest.raises(ArgumentError, match=r"'cloud://bucket/bad\.parquet' cannot be read as a Parquet file"):
            Explanations.load("cloud://bucket/bad.parquet")
        explanations.save("cloud://bucket/all.parquet")
        opened = Explanations.load("cloud://bucket/all.parquet")
        explanations[:2].save("cloud://bucket/all.parquet")
        with pytest.raises(ArgumentError, match="is damaged: it has changed since it was opened"):
            list(opened)

    def test_a_failed_save_leaves_nothing(self, cloud, explanations, monkeypatch):
        def fail(*_, **__):
            raise OSError("the disk is full")

        monkeypatch.setattr("pyarrow.parquet.ParquetWriter.write_table", fail)
        with pytest.raises(OSError, match="the disk is full"):
            explanations.save("cloud://bucket/all.parquet")
        assert not (cloud / "all.parquet").exists()

    def test_endings(self, cloud, explanations):
        with pytest.raises(ArgumentError, match=r"ends in \.parquet; got 'cloud://bucket/all\.csv'"):
            explanations.save("cloud://bucket/all.csv")
        assert not (cloud / "all.csv").exists()

    def test_one_explanation_pages_and_reports(self, cloud, explanations):
        explanation = explanations[0]
        explanation.save("cloud://bucket/why.json")
        assert Explanation.load("cloud://bucket/why.json") == explanation
        explanation.save_to_file("cloud://bucket/why.html")
        assert (cloud / "why.html").read_text(encoding="utf-8") == explanation.as_html()
        explanations.save_report("cloud://bucket/report.html")
        assert (cloud / "report.html").read_text(encoding="utf-8") == explanations.to_html()
        with pytest.raises(ArgumentError, match=r"there is no file 'cloud://bucket/none\.json'"):
            Explanation.load("cloud://bucket/none.json")

    def test_file_addresses(self, explanations, tmp_path):
        explanations.save((tmp_path / "all.parquet").as_uri())
        assert list(Explanations.load((tmp_path / "all.parquet").as_uri())) == list(explanations)
        explanations[0].save((tmp_path / "why.json").as_uri())
        assert Explanation.load(tmp_path / "why.json") == explanations[0]

    def test_a_file_system_of_fsspec(self, explanations):
        pytest.importorskip("pyarrow", minversion="21")  # earlier ones do not know such addresses
        memory = pytest.importorskip("fsspec").filesystem("memory")
        explanations.save("fsspec+memory://limelight-tests/all.parquet")
        try:
            assert list(Explanations.load("fsspec+memory://limelight-tests/all.parquet")) == list(explanations)
        finally:
            memory.rm("/limelight-tests", recursive=True)


class TestInstances:
    @pytest.mark.parametrize("ending", ["csv", "parquet"])
    def test_kind_m_files(self, cloud, explanations, ending):
        rows = ROWS[5:12].assign(key=list("stuvwxy"))
        rows.to_csv(cloud / "rows.csv", index=False) if ending == "csv" else rows.to_parquet(cloud / "rows.parquet")
        many = EXPLAINER.explain_many(f"cloud://bucket/rows.{ending}", model, ids="key", num_samples=64)
        assert list(many) == list(explanations)
        assert many.ids == tuple("stuvwxy")
        assert TableFile(f"cloud://bucket/rows.{ending}").column_names() == ["a", "b", "c", "key"]

    def test_folders(self, cloud, explanations):
        ROWS[5:8].to_parquet(cloud / "sub" / "1.parquet")
        ROWS[8:12].to_parquet(cloud / "sub" / "2.parquet")
        assert list(EXPLAINER.explain_many("cloud://bucket/sub", model, num_samples=64)) == list(explanations)
        ROWS[:2].to_csv(cloud / "sub" / "3.csv", index=False)
        with pytest.raises(ArgumentError, match="got 'cloud://bucket/sub', which holds files of several formats: csv, parquet"):
            EXPLAINER.explain_many("cloud://bucket/sub", model)

    def test_what_is_not_there(self, cloud):
        with pytest.raises(ArgumentError, match=r"got 'cloud://bucket/none\.csv', which does not exist"):
            EXPLAINER.explain_many("cloud://bucket/none.csv", model)
        (cloud / "rows.txt").write_text("a")
        with pytest.raises(ArgumentError, match=r"got 'cloud://bucket/rows\.txt', which has another ending"):
            EXPLAINER.explain_many("cloud://bucket/rows.txt", model)

    @pytest.mark.parametrize("checkpoint", ["s3://bucket/job", "file:///tmp/job"])
    def test_checkpoints_stay_here(self, checkpoint):
        with pytest.raises(ArgumentError, match=f"checkpoint must be a folder on this machine.*; got '{checkpoint}'"):
            EXPLAINER.explain_many(ROWS, model, checkpoint=checkpoint)


def test_the_command_line(cloud, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "differences.py").write_text("def say(frame):\n    return frame['a'].to_numpy() - frame['c'].to_numpy()\n")
    ROWS.to_csv(cloud / "train.csv", index=False)
    ROWS[:3].to_csv(cloud / "rows.csv", index=False)
    bucket = "cloud://bucket"

    def run(*arguments):
        return CliRunner().invoke(commands, arguments)

    common = ("explain", "--model", "differences:say", "--train", f"{bucket}/train.csv", "--data", f"{bucket}/rows.csv")
    result = run(*common, "--num-samples", "64", "--out", f"{bucket}/out.parquet", "--report", f"{bucket}/report.html")
    assert result.exit_code == 0, result.output
    assert (cloud / "report.html").exists()
    assert len(Explanations.load(f"{bucket}/out.parquet")) == 3
    assert "surrogate" in run("show", f"{bucket}/out.parquet", "--item", "1").output
    assert "Pick of 2" in run("pick", f"{bucket}/out.parquet", "--num-picks", "2").output
    assert run("report", f"{bucket}/out.parquet", "-o", f"{bucket}/again.html").exit_code == 0
    assert (cloud / "again.html").exists()
    TextExplainer().explain_instance("a b", lambda texts: [0.5 for _ in texts]).save(f"{bucket}/why.json")
    assert "surrogate" in run("show", f"{bucket}/why.json").output
    assert "--out must be a file of its own" in run(*common, "--out", f"{bucket}/rows.csv").output
    for ending in ("csv", "json"):
        assert "--out is a Parquet file" in run(*common, "--out", f"out.{ending}").output
