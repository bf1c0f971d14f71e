"""Identity: what the user calls an instance goes wherever its explanation goes, and changes no number."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from click.testing import CliRunner
from helpers.batches import bits

from limelight import Explanation, Explanations, Failure, TabularExplainer, TextExplainer
from limelight.cli._commands import commands
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError

RNG = np.random.default_rng(5)
TRAINING = pd.DataFrame({"height": RNG.normal(size=200), "age": RNG.integers(1, 90, 200), "colour": list("rgby") * 50})
EXPLAINER = TabularExplainer(TRAINING)
ROWS = TRAINING.iloc[[3, 50, 7, 9]]
FEW = {"num_samples": 64}


def model(frame):
    return frame["height"].to_numpy() + (frame["age"].to_numpy() > 40) * 1.0


def fussy(frame):
    """Refuses rows of age 9, as the third of ROWS is set to."""
    if (frame["age"].to_numpy() == 1234).any():
        raise ValueError("too old")
    return model(frame)


def explain(rows=ROWS, ids=None, **arguments):
    return EXPLAINER.explain_many(rows, model, ids=ids, **FEW, **arguments)


@pytest.fixture(scope="module")
def explanations():
    return explain(ids=["Ann", "Bo", "Cy", "Di"])


def test_kind_h_ids_go_into_explanations_and_change_no_number(explanations):
    assert explanations.ids == ("Ann", "Bo", "Cy", "Di")
    assert [entry.id for entry in explanations] == ["Ann", "Bo", "Cy", "Di"]
    without = explain(ROWS.reset_index(drop=True))
    assert without.ids == (None,) * 4
    assert list(map(bits, explanations)) == list(map(bits, without))
    assert list(explanations) == list(without)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("A17", "A17"),
        (17, "17"),
        (np.int64(-3), "-3"),
        (17.0, "17"),
        (0.5, "0.5"),
        (None, None),
        (np.nan, None),
        (pd.NA, None),
        (pd.NaT, None),
        (pd.Timestamp("2024-05-01"), "2024-05-01 00:00:00"),
        (("north", 4), "north / 4"),
        ("", ""),
        ("\ud800 lone", "\ud800 lone"),
    ],
)
def test_one_instance(value, text):
    explanation = EXPLAINER.explain_instance(ROWS.iloc[0], model, id=value, **FEW)
    assert explanation.id == text
    assert explanation == EXPLAINER.explain_instance(ROWS.iloc[0], model, **FEW)
    assert Explanation.from_json(explanation.to_json()).id == text
    (stored,) = Explanations.of([explanation])
    assert stored.id == text


@pytest.mark.parametrize("value", [["A"], {"A"}, {"a": 1}, np.zeros(2), b"A17"])
def test_what_identifies_nothing(value):
    with pytest.raises(ArgumentTypeError, match="an id must be a text or a number; got"):
        EXPLAINER.explain_instance(ROWS.iloc[0], model, id=value, **FEW)


class TestWhereTheyComeFrom:
    @pytest.mark.parametrize(
        "ids",
        [
            ("a", "b", "c", "d"),
            np.array(["a", "b", "c", "d"]),
            pd.Series(["a", "b", "c", "d"]),
            pd.Index(["a", "b", "c", "d"]),
            pl.Series(["a", "b", "c", "d"]),
            iter("abcd"),
        ],
    )
    def test_sequences(self, ids):
        assert explain(ids=ids).ids == ("a", "b", "c", "d")

    def test_the_index_of_a_frame(self):
        assert explain(ROWS).ids == ("3", "50", "7", "9")
        assert explain(ROWS.set_index(pd.Index(["x", "y", "x", None]))).ids == ("x", "y", "x", None)
        levels = pd.MultiIndex.from_tuples([("n", 1), ("n", 2), ("s", 1), ("s", 2)])
        assert explain(ROWS.set_index(levels)).ids == ("n / 1", "n / 2", "s / 1", "s / 2")
        assert explain(TRAINING[4:6]).ids == ("4", "5")

    def test_an_index_that_only_counts(self):
        assert explain(TRAINING[:2]).ids == (None, None)
        assert explain(pl.from_pandas(ROWS)).ids == (None,) * 4

    def test_a_column_that_the_explainer_does_not_need(self):
        frame = ROWS.assign(patient=[11, 12, 13, 14])
        for many in (frame, pl.from_pandas(frame)):
            assert explain(many, ids="patient").ids == ("11", "12", "13", "14")

    def test_a_column_that_the_explainer_needs(self):
        assert explain(ids="age").ids == tuple(map(str, ROWS["age"]))

    def test_texts(self):
        frame = pd.DataFrame({"mail": ["a b", "b c"], "key": ["k1", "k2"]})
        explained = TextExplainer().explain_many(frame, lambda texts: ["b" in text for text in texts], ids="key")
        assert [(entry.id, entry.view.text) for entry in explained] == [("k1", "a b"), ("k2", "b c")]
        series = pd.Series(["a b", "b c"], index=["u", "v"])
        assert TextExplainer().explain_many(series, lambda texts: ["b" in text for text in texts]).ids == ("u", "v")

    @pytest.mark.parametrize("ending", ["csv", "parquet"])
    def test_files(self, ending, tmp_path):
        frame = ROWS.assign(patient=["p1", "p2", None, "p4"])
        path = tmp_path / f"rows.{ending}"
        frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path)
        for chunk_size in (1, 3, 256):
            explained = explain(path, ids="patient", chunk_size=chunk_size)
            assert explained.ids == ("p1", "p2", None, "p4")
            assert list(explained) == list(explain())

    def test_processes(self):
        assert explain(ids=list("abcd"), n_jobs=2, chunk_size=1, engine="threads").ids == tuple("abcd")

    def test_an_endless_iterator(self):
        assert explain(iter(ROWS.to_dict("records")), ids=(f"n{i}" for i in range(10**9))).ids == ("n0", "n1", "n2", "n3")

    @pytest.mark.parametrize(
        ("ids", "error", "message"),
        [
            (["a"], ArgumentError, "ids must have one id for each of the 4 instances; got 1"),
            (list("abcde"), ArgumentError, "ids must have one id for each of the 4 instances; got 5"),
            ("patient", ArgumentError, "ids must be a column of the instances; got 'patient', and they have 'height', 'age'"),
            ({"a", "b", "c", "d"}, ArgumentTypeError, "ids must be a sequence with an id for each instance"),
            (17, ArgumentTypeError, "ids must be a sequence with an id for each instance; got 17"),
            ([["a"]] * 4, ArgumentTypeError, "an id must be a text or a number"),
            (iter("ab"), ArgumentError, "ids must have an id for each instance; got 2 ids for more instances"),
        ],
    )
    def test_mistakes(self, ids, error, message):
        with pytest.raises(error, match=message):
            explain(ids=ids)

    def test_a_name_where_there_are_no_columns(self):
        with pytest.raises(ArgumentTypeError, match="got 'key', which names a column, which only frames and files have"):
            explain(ROWS.to_dict("records"), ids="key")


class TestLookUp:
    def test_one(self, explanations):
        assert explanations["Cy"].id == "Cy"
        assert explanations["Cy"] == explanations[2]
        assert "Cy" in explanations
        assert "cy" not in explanations

    @pytest.mark.parametrize("ids", [["Di", "Ann"], ("Di", "Ann"), np.array(["Di", "Ann"]), pd.Series(["Di", "Ann"])])
    def test_several(self, explanations, ids):
        assert explanations[ids].ids == ("Di", "Ann")

    def test_ids_that_are_not_there(self, explanations):
        with pytest.raises(ArgumentError, match="no explanation with the id 'Eve'; ids are 'Ann', 'Bo', 'Cy', 'Di'"):
            explanations["Eve"]

    def test_ids_that_several_instances_have(self, explanations):
        twice = Explanations.concat([explanations, explanations[:2]])
        assert twice["Di"].id == "Di"
        with pytest.raises(ArgumentError, match="the id 'Bo' has 2 explanations; select by position: 1, 5"):
            twice["Bo"]

    def test_a_number_is_a_position(self, explanations):
        assert explanations[1].id == "Bo"


class TestWhereTheyGo:
    def test_files(self, explanations, tmp_path):
        explanations.save(tmp_path / "all.parquet")
        assert Explanations.load(tmp_path / "all.parquet").ids == explanations.ids
        assert json.loads(explanations[0].to_json())["id"] == "Ann"

    def test_frames(self, explanations):
        frame = explanations.to_frame()
        assert list(frame.columns[:3]) == ["item", "id", "label"]
        assert frame.drop_duplicates("item")["id"].tolist() == ["Ann", "Bo", "Cy", "Di"]
        assert explanations.to_wide_frame(backend="polars")["id"].to_list() == ["Ann", "Bo", "Cy", "Di"]

    def test_failures(self):
        rows = ROWS.assign(age=[1, 2, 1234, 4], key=list("wxyz"))
        many = EXPLAINER.explain_many(rows, fussy, ids="key", on_error="keep", **FEW)
        assert many.ids == tuple("wxyz")
        assert many["y"].id == many.failures[2].id == "y"
        assert "id='y'" in repr(many["y"])
        with pytest.raises(Exception, match="too old") as caught:
            EXPLAINER.explain_many(rows, fussy, ids="key", **FEW)
        assert "This was instance 2, 'y'." in caught.value.__notes__

    def test_a_failure_without_an_id(self):
        assert repr(Failure("ValueError", "no")) == "Failure(error='ValueError', message='no')"
        assert Failure("ValueError", "no", "A") == Failure("ValueError", "no")

    def test_pages_and_texts(self, explanations):
        explanation = explanations[0].with_id("<b>Ann & Co</b>")
        assert repr(explanation).startswith("<b>Ann & Co</b>\n\n")
        page = explanation.as_html()
        assert "Instance <bdi>&lt;b&gt;Ann &amp; Co&lt;/b&gt;</bdi>" in page
        assert "<title>Explanation of &lt;b&gt;Ann" in page
        assert explanation.to_markdown().startswith("Instance &#60;b&#62;Ann &#38; Co")
        nameless = explanations[0].with_id(None)
        assert "Instance" not in nameless.as_html() + nameless.to_markdown()
        assert nameless.id is None

    def test_picks(self, explanations):
        pick = explanations.pick(2)
        first = pick.explanations.ids[0]
        assert f"{first!r}: " in repr(pick).splitlines()[2]
        assert f"<bdi>{first}</bdi>" in pick._repr_html_()
        assert "Instance" not in explain(TRAINING[:3]).pick(2)._repr_html_()

    def test_reports(self, explanations):
        page = explanations.to_html()
        data = json.loads(page.split('class="data">')[1].split("</script>")[0])
        assert [data["words"][entry["id"]] for entry in data["entries"]] == ["Ann", "Bo", "Cy", "Di"]
        assert f"(<bdi>{explanations.pick(1).explanations.ids[0]}</bdi>)" in page
        data = json.loads(explain(TRAINING[:2]).to_html().split('class="data">')[1].split("</script>")[0])
        assert all("id" not in entry for entry in data["entries"])

    def test_functions_of_frames(self):
        frame = ROWS.assign(key=["k1", "k2", None, "k4"])
        for given in ({"ids": "key"}, {"item": "key"}):
            result = EXPLAINER.frame_function(model, **given, **FEW)(frame)
            assert result["item"].tolist() == ["k1", "k2", None, "k4"]
            assert [Explanation.from_json(text).id for text in result["explanation"]] == ["k1", "k2", None, "k4"]
        without = EXPLAINER.frame_function(model, **FEW)(frame)  # the part of a larger frame, whose index means nothing here
        assert [Explanation.from_json(text).id for text in without["explanation"]] == [None] * 4
        with pytest.raises(ArgumentError, match="ids and item name the same column"):
            EXPLAINER.frame_function(model, ids="key", item="key")


class TestCheckpoints:
    def test_other_ids_take_the_place_of_the_old_ones(self, tmp_path):
        arguments = {"checkpoint": tmp_path / "job", "chunk_size": 2}
        calls = []

        def counted(frame):
            calls.append(len(frame))
            return model(frame)

        def run(ids):
            return EXPLAINER.explain_many(ROWS, counted, ids=ids, **arguments, **FEW)

        first = run(list("abcd"))
        asked = len(calls)
        again = run(list("wxyz"))
        assert len(calls) - asked < asked  # a trial, and nothing is explained anew
        assert (first.ids, again.ids) == (tuple("abcd"), tuple("wxyz"))
        assert list(first) == list(again)
        assert run([None] * 4).ids == (None,) * 4
        assert run(list("abcd")).ids == tuple("abcd")

    def test_a_job_that_was_stopped(self, tmp_path):
        arguments = {"checkpoint": tmp_path / "job", "chunk_size": 1, "engine": "serial"}

        def stopping():
            yield from ROWS.to_dict("records")[:2]
            raise InstanceError("stopped")

        with pytest.raises(InstanceError, match="stopped"):
            EXPLAINER.explain_many(stopping(), model, ids=iter("abcd"), **arguments, **FEW)
        finished = EXPLAINER.explain_many(ROWS.to_dict("records"), model, ids=list("stuv"), **arguments, **FEW)
        assert finished.ids == tuple("stuv")
        assert Explanations.load(tmp_path / "job").ids == tuple("stuv")


class TestCommandLine:
    @pytest.fixture
    def run(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "heights.py").write_text("def say(frame):\n    return frame['height'].to_numpy()\n")
        (tmp_path / "mails.py").write_text("def say(texts):\n    return [float('b' in text) for text in texts]\n")
        TRAINING.to_csv("train.csv", index=False)
        ROWS.assign(patient=["p1", "p2", "p3", "p4"]).to_csv("rows.csv", index=False)
        pd.DataFrame({"mail": ["a b", "b c"], "key": ["k1", "k2"]}).to_csv("mails.csv", index=False)
        return lambda *arguments: CliRunner().invoke(commands, arguments)

    def test_rows(self, run):
        common = ("explain", "--model", "heights:say", "--train", "train.csv", "--data", "rows.csv", "--num-samples", "64")
        result = run(*common, "--out", "out.parquet", "--id", "patient")
        assert result.exit_code == 0, result.output
        assert Explanations.load("out.parquet").ids == ("p1", "p2", "p3", "p4")
        shown = run("show", "out.parquet", "--id", "p3")
        assert shown.output.startswith("p3\n")
        assert shown.output == run("show", "out.parquet", "--item", "2").output
        assert "no explanation with the id 'p9'" in run("show", "out.parquet", "--id", "p9").output
        assert "Give either --item or --id" in run("show", "out.parquet", "--id", "p3", "--item", "2").output
        assert "\np" in run("pick", "out.parquet", "--num-picks", "1").output
        assert "--id must be a column of --data; got 'nobody'" in run(*common, "--out", "x.parquet", "--id", "nobody").output

    def test_texts(self, run):
        common = ("explain", "--model", "mails:say", "--text", "mail", "--data", "mails.csv", "--out", "out.parquet")
        result = run(*common, "--id", "key")
        assert result.exit_code == 0, result.output
        assert Explanations.load("out.parquet").ids == ("k1", "k2")


class TestSeriesInAnotherOrderThanTheRows:
    """Their values are taken by place; with the rows' own labels in another order they cannot be meant like that."""

    FRAME = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0] * 5, "y": range(20)}, index=[f"row {i}" for i in range(20)])
    CLASSES = pd.Series([0, 1] * 10, index=FRAME.index)

    def explain(self, instances, **options):
        explainer = TabularExplainer(self.FRAME)
        return explainer.explain_many(instances, lambda rows: rows["x"].to_numpy(), num_samples=16, **options)

    def test_training_labels(self):
        def edges(labels):
            return TabularExplainer(self.FRAME, training_labels=labels, discretizer="entropy")

        rows = {"x": 1.0, "y": 3}
        expected = edges(self.CLASSES.to_numpy()).components(rows).names
        for labels in (
            self.CLASSES,
            self.CLASSES.reset_index(drop=True),
            self.CLASSES.tolist(),
            self.CLASSES.set_axis([7] * 20),
        ):
            assert edges(labels).components(rows).names == expected
        for shuffled in (self.CLASSES.sort_index(ascending=False), self.CLASSES.sample(frac=1, random_state=0)):
            with pytest.raises(
                ArgumentError, match=r"training_labels has the row labels of training_data in another order.*\.loc"
            ):
                edges(shuffled)
            assert edges(shuffled.loc[self.FRAME.index]).components(rows).names == expected
        counted = self.FRAME.reset_index(drop=True)
        with pytest.raises(ArgumentError, match="number 1 is '2' instead of '1'"):
            TabularExplainer(counted, training_labels=pd.Series([0] * 20, index=[0, 2, 1, *range(3, 20)]))

    def test_ids(self):
        names = pd.Series([f"name {i}" for i in range(4)], index=self.FRAME.index[:4])
        assert self.explain(self.FRAME[:4], ids=names).ids == tuple(names)
        assert self.explain(self.FRAME["x"].to_frame().assign(y=1)[:4], ids=names.to_numpy()[::-1]).ids == tuple(names[::-1])
        assert self.explain(self.FRAME[:4], ids=names.reset_index(drop=True)).ids == tuple(names)
        with pytest.raises(ArgumentError, match="ids has the row labels of the instances in another order"):
            self.explain(self.FRAME[:4], ids=names[::-1])

    def test_labels_of_reports(self):
        explanations = self.explain(self.FRAME[:4])
        truths = pd.Series([1.0, 2.0, 3.0, 4.0], index=self.FRAME.index[:4])
        assert explanations.to_html(labels=truths) == explanations.to_html(labels=truths.tolist())
        with pytest.raises(ArgumentError, match="labels has the row labels of the explanations, their ids, in another order"):
            explanations.to_html(labels=truths[::-1])
        assert explanations.to_html(labels=truths[::-1].reset_index(drop=True))
