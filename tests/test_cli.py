"""The command line on files of many explanations: explain, show, pick."""

import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from helpers.batches import COLUMNS, REVIEWS, ROWS, of_frame, of_texts, one_by_one, plain, same
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from skops.io import dump

from limelight import Explanations, Failure, OnnxModel, TabularExplainer, TextExplainer
from limelight.cli.main import _commands
from limelight.exceptions import ArgumentError, Interrupted

FRAME = pd.DataFrame(COLUMNS)
NUMBERS = pd.DataFrame(ROWS, columns=list("abcde"))
KINDS = np.where(ROWS[:, 0] + ROWS[:, 1] > 0, "hot", "cold")
FEW = {"num_samples": 64}


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder with training data, rows and texts, where the command is given."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])  # the command adds the current folder
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    FRAME.to_parquet("train.parquet")
    FRAME[:9].to_csv("rows.csv", index=False)
    NUMBERS.assign(price=plain(ROWS)).to_parquet("numbers.parquet")
    NUMBERS[:9].to_parquet("some.parquet")
    pd.DataFrame({"id": range(6), "review": REVIEWS[:6]}).to_csv("texts.csv", index=False)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(_commands(), [str(argument) for argument in arguments])


def explain(model, *arguments, train="train.parquet", data="rows.csv", out="out.parquet"):
    given = () if train is None else ("--train", train)
    return run("explain", "--model", model, *given, "--data", data, "--out", out, "--num-samples", "64", *arguments)


def assert_quiet(result):
    assert result.output == ""
    assert result.exit_code == 0


def assert_fails(result, message, code=1):
    assert re.search(message, re.sub(r"\s+", " ", result.output)), result.output
    assert result.exit_code == code
    assert "Traceback" not in result.output
    assert result.stdout == ""


# --- what is explained ---------------------------------------------------------------------------------------------------


def test_a_table_and_a_function():
    assert_quiet(explain("helpers.batches:of_frame", "--num-features", "2", "--class-names", "price"))
    explanations = Explanations.load("out.parquet")
    explainer = TabularExplainer(FRAME, class_names=["price"])
    assert same(explanations, one_by_one(explainer, FRAME[:9], of_frame, num_features=2, **FEW))


def test_a_report_beside(place):
    assert_quiet(explain("helpers.batches:of_frame", "--report", "report.html"))
    page = Explanations.load("out.parquet").to_html()
    assert (place / "report.html").read_text(encoding="utf-8") == page


def test_a_report_beside_reads_the_target(place):
    dump(DecisionTreeClassifier(max_depth=1).fit(ROWS, KINDS), "tree.skops")
    files = {"train": "kinds.parquet", "data": "kinds.csv"}
    NUMBERS.assign(kind=KINDS).to_parquet("kinds.parquet")
    report = ("--trust", "sklearn.tree._tree.Tree", "--target", "kind", "--report", "report.html")
    for labels, message in ((KINDS[:9], ""), (None, ""), (["soup"] * 9, "does not say what is misclassified")):
        frame = NUMBERS[:9] if labels is None else NUMBERS[:9].assign(kind=labels)
        frame.to_csv("kinds.csv", index=False)
        result = explain("tree.skops", *report, **files)
        assert result.exit_code == 0
        assert message in result.stderr if message else result.output == ""
        page = Explanations.load("out.parquet").to_html(labels=None if message else labels)
        assert (place / "report.html").read_text(encoding="utf-8") == page


def test_a_report_is_written_without_a_target_that_cannot_be_read_any_more(place, monkeypatch):
    def changed(*_):
        raise ArgumentError("instances cannot be read")

    monkeypatch.setattr("limelight.batch.files.TableFile.read_column", changed)
    FRAME.assign(price=1.0).to_parquet("priced.parquet")
    result = explain("helpers.batches:of_frame", "--target", "price", "--report", "report.html", train="priced.parquet")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "does not say what is misclassified: instances cannot be read" in result.stderr
    assert (place / "report.html").read_text(encoding="utf-8") == Explanations.load("out.parquet").to_html()


def test_the_target_is_no_column_of_the_model_s():
    model = LogisticRegression().fit(NUMBERS[["a", "b"]], KINDS)
    dump(model, "model.skops")
    files = {"train": "numbers.parquet", "data": "some.parquet"}
    assert_fails(explain("model.skops", "--target", "a", **files), "--target must be a column that the model does not get.*'a'")


def test_texts_have_targets_too(place):
    pd.DataFrame({"review": REVIEWS[:6], "stars": range(6)}).to_csv("starred.csv", index=False)
    asked = ("--text", "review", "--target", "stars", "--report", "report.html", "--timeout", "9", "--engine", "processes")
    result = explain("helpers.batches:of_texts", *asked, train=None, data="starred.csv")
    assert result.exit_code == 0
    assert (place / "report.html").read_text(encoding="utf-8") == Explanations.load("out.parquet").to_html(labels=range(6))


def test_functions_of_the_current_folder(place):
    (place / "mine.py").write_text("class Models:\n    def of(frame):\n        return frame['real'] * 3\n")
    assert_quiet(explain("mine:Models.of"))
    (name, weight), *_ = Explanations.load("out.parquet")[0].as_list()
    assert "real" in name
    assert weight != 0


def test_texts():
    assert_quiet(explain("helpers.batches:of_texts", "--text", "review", train=None, data="texts.csv"))
    assert same(Explanations.load("out.parquet"), one_by_one(TextExplainer(), REVIEWS[:6], of_texts, **FEW))


def test_estimators_that_know_columns_get_frames_with_these():
    columns = make_column_transformer((OneHotEncoder(), ["city", "flag"]), remainder="passthrough")
    model = make_pipeline(columns, HistGradientBoostingClassifier(max_iter=5)).fit(
        FRAME[["flag", "real", "city"]], COLUMNS["flag"]
    )
    dump(model, "model.skops")
    kinds = re.search(r"give (--trust .*)\.", explain("model.skops").output.replace("\n", " "))[1].split()
    assert_quiet(explain("model.skops", *kinds))
    explainer = TabularExplainer(FRAME[["flag", "real", "city"]])
    assert same(Explanations.load("out.parquet"), one_by_one(explainer, FRAME[:9][["flag", "real", "city"]], model, **FEW))


def test_estimators_that_know_none_get_arrays():
    model = DecisionTreeRegressor(max_depth=3).fit(ROWS, plain(ROWS))
    dump(model, "tree.skops")
    tree = ("--trust", "sklearn.tree._tree.Tree")
    files = {"train": "numbers.parquet", "data": "some.parquet"}
    assert_fails(explain("tree.skops", *tree, **files), r"the model takes 5 columns, and --train has 6; .* --target\.")
    assert_quiet(explain("tree.skops", *tree, "--target", "price", **files))
    explainer = TabularExplainer(ROWS, feature_names=list("abcde"))
    assert same(Explanations.load("out.parquet"), one_by_one(explainer, ROWS[:9], model, **FEW))


def test_onnx_files(onnx_file):
    assert_quiet(explain(onnx_file, "--target", "price", train="numbers.parquet", data="some.parquet"))
    explainer = TabularExplainer(ROWS, feature_names=list("abcde"))
    explanations = Explanations.load("out.parquet")
    for entry, alone in zip(explanations, one_by_one(explainer, ROWS[:9], OnnxModel(onnx_file), **FEW), strict=True):
        assert dict(entry.as_list()) == pytest.approx(dict(alone.as_list()), rel=1e-5)


@pytest.fixture
def onnx_with_labels():
    """Takes the columns "c" and "a" as two inputs, and gives a label before two scores."""
    from onnx import TensorProto, helper, save

    nodes = [
        helper.make_node("Concat", ["c", "a"], ["scores"], axis=1),
        helper.make_node("Neg", ["a"], ["other"]),
        helper.make_node("ArgMax", ["scores"], ["label"], axis=1, keepdims=0),
    ]
    given = [(name, TensorProto.FLOAT, ["n", 1]) for name in ("c", "a")]
    gives = [
        ("label", TensorProto.INT64, ["n"]),
        ("scores", TensorProto.FLOAT, ["n", 2]),
        ("other", TensorProto.FLOAT, ["n", 1]),
    ]
    inputs, outputs = ([helper.make_tensor_value_info(*tensor) for tensor in tensors] for tensors in (given, gives))
    graph = helper.make_graph(nodes, "labels", inputs, outputs)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "labels.onnx")
    return "labels.onnx"


def test_kind_j_onnx_files_with_labels_and_an_input_for_each_column(onnx_with_labels):
    frame = NUMBERS[["c", "a"]]
    explainer = TabularExplainer(frame)
    for output, arguments in (("scores", ()), ("other", ("--output", "other")), ("label", ("--output", "label"))):
        assert_quiet(explain(onnx_with_labels, *arguments, train="numbers.parquet", data="some.parquet"))
        explanations = Explanations.load("out.parquet")
        expected = one_by_one(explainer, frame[:9], OnnxModel(onnx_with_labels, output=output), **FEW)
        assert [entry.as_map() for entry in explanations] == [entry.as_map() for entry in expected]


def test_outputs_are_named_of_onnx_files_only(onnx_with_labels):
    result = explain(onnx_with_labels, "--output", "sums", train="numbers.parquet", data="some.parquet")
    assert_fails(result, "output must be one of 'label', 'scores'")
    assert_fails(explain("helpers.batches:of_frame", "--output", "sums"), "--output names an output of an .onnx file", code=2)


@pytest.fixture
def onnx_file():
    """Adds up a row's columns."""
    from onnx import TensorProto, helper, save

    given = helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["n", 5])
    gives = helper.make_tensor_value_info("sums", TensorProto.FLOAT, ["n"])
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    node = helper.make_node("ReduceSum", ["rows", "axes"], ["sums"], keepdims=0)
    graph = helper.make_graph([node], "sums", [given], [gives], [axes])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "sums.onnx")
    return "sums.onnx"


def test_text_pipelines_and_labels():
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(REVIEWS, [i % 3 for i in range(60)])
    dump(model, "texts.skops")
    assert_quiet(explain("texts.skops", "--text", "review", "--label", "2", "--label", "0", train=None, data="texts.csv"))
    assert [surrogate.label for surrogate in Explanations.load("out.parquet")[0].surrogates] == [2, 0]


def test_processes_and_checkpoints(place):
    once = explain("helpers.batches:of_frame", "--n-jobs", "2", "--checkpoint", "kept")
    assert_quiet(once)
    whole = (place / "out.parquet").read_bytes()
    (place / "out.parquet").unlink()
    assert_quiet(explain("helpers.batches:of_frame", "--checkpoint", "kept"))
    assert (place / "out.parquet").read_bytes() == whole
    assert_fails(
        explain("helpers.batches:of_frame", "--checkpoint", "kept", "--num-features", "2"),
        "checkpoint='kept' belongs to a job with other arguments: num_features was 'None' and is '2'",
    )


# --- what cannot be explained --------------------------------------------------------------------------------------------


def test_failures_are_counted_and_kept():
    pd.DataFrame({"real": [0.1, "none", 0.3], "count": 1, "city": "Rome", "flag": True}).to_csv("rows.csv", index=False)
    result = explain("helpers.batches:of_frame")
    assert result.exit_code == 1  # the column holds texts: nothing can be explained
    assert "Error: 3 of 3 instances cannot be explained; number 0: InstanceError: column 'real' holds numbers" in result.stderr
    assert len(Explanations.load("out.parquet").failures) == 3
    pd.DataFrame({"review": ["fine", None, "so so"]}).to_parquet("texts.parquet")
    result = explain("helpers.batches:of_texts", "--text", "review", train=None, data="texts.parquet")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr == (
        "1 of 3 instances cannot be explained; number 1: ArgumentTypeError: a text to explain must be a str; got NoneType.\n"
    )
    assert isinstance(Explanations.load("out.parquet")[1], Failure)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "m.skops"], "Missing option '--data'"),
        (["--model", "a:b", "--data", "none.csv", "--out", "o"], "Path 'none.csv' does not exist"),
        (["--model", "a:b", "--data", "rows.csv", "--out", "o"], "Give either --train, to explain rows, or --text"),
        (
            ["--model", "a:b", "--data", "rows.csv", "--out", "o", "--train", "rows.csv", "--text", "a"],
            "Give either --train, to explain rows, or --text",
        ),
        (
            ["--model", "a:b", "--data", "texts.csv", "--out", "o", "--text", "review", "--target", "stars"],
            "--target must be a column of --data; got 'stars', and it has id, review",
        ),
        (
            ["--model", "helpers.batches:of_texts", "--data", "texts.csv", "--out", "o", "--text", "opinion"],
            "--text must be a column of --data; got 'opinion', and it has id, review",
        ),
        (["--model", "a:b", "--data", "rows.csv", "--out", "no/o", "--train", "rows.csv"], "--out cannot be written"),
        (
            ["--model", "a:b", "--data", "rows.csv", "--out", "o", "--train", "rows.csv", "--report", "no/r"],
            "--report cannot be written: there is no writable folder 'no'",
        ),
        (
            ["--model", "a:b", "--data", "rows.csv", "--out", "rows.csv", "--train", "train.parquet"],
            "--out must be a file of its own; 'rows.csv' is",
        ),
        (
            ["--model", "a:b", "--data", "rows.csv", "--out", "./o", "--train", "rows.csv", "--report", "o"],
            "a file of its own",
        ),
        (["--model", "a:b", "--data", "rows.csv", "--out", "a.py", "--train", "rows.csv"], "--out must be a file of its own"),
        (
            ["--model", "a:b", "--data", ".", "--out", "o.parquet", "--train", "rows.csv"],
            "--out must be a file of its own; 'o.parquet' is",
        ),
        (["--model", "a.skops", "--data", "rows.csv", "--out", "a.skops", "--train", "rows.csv"], "--out must be a file of"),
        (["--model", "a:b", "--data", "rows.csv", "--out", os.devnull, "--train", "rows.csv"], "--out (must be a file|cannot)"),
        (["--model", "a", "--data", "rows.csv", "--out", "o", "--train", "rows.csv"], "or module:name; got 'a'"),
        (
            ["--model", "a:b", "--data", "rows.csv", "--out", "o", "--train", "rows.csv", "--num-samples", "many"],
            "'many' is neither a number nor 'auto'",
        ),
    ],
)
def test_wrong_use_is_reported(arguments, message):
    assert_fails(run("explain", *arguments), message, code=2)


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        ("none:model", [], "--model 'none:model' cannot be imported: ModuleNotFoundError: No module named 'none'"),
        ("helpers.batches:nobody", [], "'helpers.batches:nobody' cannot be imported: AttributeError: .*nobody"),
        ("helpers.batches:COLUMNS", [], "model must be a callable"),
        ("none.skops", [], "--model 'none.skops' cannot be read: FileNotFoundError"),
        ("rows.csv.skops", [], "--model 'rows.csv.skops' cannot be read: BadZipFile"),
        ("none.onnx", [], "none.onnx"),
        (
            "helpers.batches:of_frame",
            ["--target", "price"],
            "--target must be a column of --train; got 'price', and it has real, count",
        ),
        ("helpers.batches:of_frame", ["--target", "city"], "KeyError|city"),
        (
            "helpers.batches:of_frame",
            ["--timeout", "1", "--engine", "serial"],
            "timeout needs an engine whose work can be stopped",
        ),
        ("helpers.batches:of_frame", ["--chunk-size", "0"], "chunk_size must be an integer of at least 1"),
        ("helpers.batches:of_frame", ["--engine", "cluster"], "engine must be one of 'serial'"),
        ("helpers.batches:of_frame", ["--num-features", "0"], "num_features must be an integer of at least 1"),
        ("helpers.batches:of_frame", ["--label", "4"], "label 4 cannot be explained: the model has a single output, 0"),
        ("helpers.batches:of_frame", ["--checkpoint", "full"], "checkpoint='full' holds other files"),
    ],
)
def test_what_is_wrong_is_reported(model, arguments, message, place):
    (place / "rows.csv.skops").write_text("no zip file")
    (place / "full").mkdir()
    (place / "full" / "thesis.tex").touch()
    assert_fails(explain(model, *arguments), message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--label", "1"], "Error: label 1 cannot be explained: the model has a single output, 0"),
        (["--class-names", "a,b,c"], "Error: class_names must have a name"),
    ],
)
def test_what_is_wrong_for_all_instances_is_reported_before_them(arguments, message, place, monkeypatch):
    monkeypatch.setattr(TabularExplainer, "explain_many", None)
    assert_fails(explain("helpers.batches:of_frame", *arguments), message)
    pd.DataFrame({"id": range(6), "review": REVIEWS[:6]}).to_csv("texts.csv", index=False)
    monkeypatch.setattr(TextExplainer, "explain_many", None)
    assert_fails(
        explain("helpers.batches:of_texts", "--text", "review", "--label", "4", train=None, data="texts.csv"), "Error: label 4"
    )
    assert not (place / "out.parquet").exists()


def test_columns_that_lack_are_reported(place):
    model = DecisionTreeRegressor(max_depth=2).fit(NUMBERS, plain(ROWS))
    dump(model, "tree.skops")
    assert_fails(explain("tree.skops", "--trust", "sklearn.tree._tree.Tree"), r"it lacks a, b, c, d, e\.")
    NUMBERS[["a", "b"]].to_parquet("few.parquet")
    result = explain("tree.skops", "--trust", "sklearn.tree._tree.Tree", train="numbers.parquet", data="few.parquet")
    assert_fails(result, "must have the training data's columns; they lack 'c', 'd', 'e'")
    assert not (place / "out.parquet").exists()


def test_types_that_are_not_trusted_are_named_with_what_to_give(place):
    dump(DecisionTreeRegressor().fit(NUMBERS, plain(ROWS)), "tree.skops")
    result = explain("tree.skops", train="numbers.parquet", data="some.parquet")
    assert_fails(
        result, r"holds types that can do harm: sklearn\.tree\._tree\.Tree\. .* give --trust sklearn\.tree\._tree\.Tree\."
    )
    assert not (place / "out.parquet").exists()


@pytest.mark.parametrize(("module", "message"), [("skops", "a .skops file needs skops"), ("pandas", "--train needs pandas")])
def test_packages_that_are_not_installed_are_reported(module, message, monkeypatch, place):
    (place / "mine.py").write_text("def model(rows):\n    return rows\n")
    monkeypatch.setitem(sys.modules, module, None)
    assert_fails(explain("model.skops" if module == "skops" else "mine:model"), message)


# --- pipes, terminals, Ctrl-C --------------------------------------------------------------------------------------------

COMMAND = [sys.executable, "-W", "error", "-m", "limelight"]
# A shell's foreground job; one that runs in the background ignores Ctrl-C, and so do its children.
INTERRUPTIBLE = [
    *COMMAND[:3],
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from limelight.cli.main import main; main()",
]
REAL = [
    "explain",
    "--model",
    "slow:model",
    "--train",
    "train.parquet",
    "--data",
    "rows.csv",
    "--out",
    "out.parquet",
    "--num-samples",
    "64",
]


def slow(place, seconds):
    """A model that takes its time, and leaves a mark when it has been asked thirty times."""
    (place / "slow.py").write_text(
        f"""
import pathlib, time
calls = []
def model(frame):
    time.sleep({seconds})
    calls.append(len(frame))
    if len(calls) == 30:
        pathlib.Path("mark").touch()
    return frame["real"].to_numpy()
"""
    )


def test_a_real_process_is_quiet_in_a_pipe(place):
    slow(place, 0)
    done = subprocess.run([*COMMAND, *REAL, "--n-jobs", "2"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(Explanations.load("out.parquet")) == 9
    screen = subprocess.run([*COMMAND, "show", "out.parquet", "--item", "8"], capture_output=True, text=True, check=False)
    assert screen.stdout == f"{Explanations.load('out.parquet')[8]}\n"


@pytest.mark.parametrize("command", [["show", "saved.parquet", "--item", "1"], ["pick", "saved.parquet"]])
@pytest.mark.usefixtures("saved")
def test_pipes_that_have_few_characters_or_are_closed(command):
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run([*COMMAND, *command], capture_output=True, env=environment, check=False)
    assert done.returncode == 0
    assert done.stdout.decode("cp1252") == run(*command).output.encode("cp1252", "replace").decode("cp1252")
    assert done.stderr == b""
    with subprocess.Popen([*COMMAND, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as closed:
        closed.stdout.close()
        assert closed.stderr.read() == b""


def test_a_terminal_shows_progress(place):
    slow(place, 0)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    done = subprocess.run([*COMMAND, *REAL], stdout=subprocess.PIPE, stderr=theirs, check=False)
    os.close(theirs)
    screen = b""
    while chunk := read_some(ours):
        screen += chunk
    os.close(ours)
    assert done.returncode == 0
    assert done.stdout == b""
    assert b"9/9" in screen


def read_some(terminal):
    try:
        return os.read(terminal, 10_000)
    except OSError:  # its other end is closed
        return b""


@pytest.mark.parametrize("checkpoint", [[], ["--checkpoint", "kept"]])
def test_ctrl_c_keeps_what_is_done(checkpoint, place):
    slow(place, 0.05)
    pd.concat([FRAME] * 20).to_csv("rows.csv", index=False)  # 4000 rows are 16 chunks of some calls each
    process = subprocess.Popen([*INTERRUPTIBLE, *REAL, *checkpoint], stderr=subprocess.PIPE, text=True)
    while not (place / "mark").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    message = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    count, where = re.fullmatch(r"Interrupted; (\d+) explanations are in '(.*?)'\. .*\n", message).groups()
    kept = Explanations.load(where)
    assert 0 < len(kept) == int(count) < 4000
    assert int(count) % 256 == 0
    assert not (place / "out.parquet").exists()
    assert ("The same command continues from there." in message) == bool(checkpoint)


def test_what_cannot_be_kept_is_reported(monkeypatch):
    def interrupted(*_, **__):
        raise Interrupted("stopped", Explanations.of([Failure("ModelError", "no luck")]))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(TabularExplainer, "explain_many", interrupted)
    monkeypatch.setattr(Explanations, "save", full)
    assert_fails(explain("helpers.batches:of_frame"), "interrupted, and the finished explanations cannot be saved: .* No space")


# --- what is in a file ---------------------------------------------------------------------------------------------------


@pytest.fixture
def saved():
    explanations = Explanations.of([*one_by_one(TextExplainer(), REVIEWS[:4], of_texts), Failure("ModelError", "no luck")])
    explanations.save("saved.parquet")
    return explanations


def test_show_prints_one_of_many(saved, place):
    result = run("show", "saved.parquet", "--item", "2")
    assert result.output == f"{saved[2]}\n"
    assert_quiet(run("show", "saved.parquet", "--item", "2", "--html", "page.html"))
    assert (place / "page.html").read_text(encoding="utf-8") == saved[2].as_html()
    saved[[3, 1]].save("two.parquet")
    assert run("show", "two.parquet", "--item", "3").output == f"{saved[3]}\n"


def test_show_says_what_is_not_there(saved, place):
    assert_fails(run("show", "saved.parquet"), "give --item, the number of one of its 5 instances, 0 to 4; got None")
    assert_fails(run("show", "saved.parquet", "--item", "5"), "0 to 4; got 5")
    assert_fails(run("show", "saved.parquet", "--item", "4"), "item 4 has no explanation. ModelError: no luck")
    Explanations.concat([saved, saved]).save("twice.parquet")
    assert_fails(run("show", "twice.parquet", "--item", "0"), "it has 2 instances of number 0, from several jobs")
    (place / "one.json").write_text(saved[0].to_json(), encoding="utf-8")
    assert_fails(run("show", "one.json", "--item", "0"), "holds one explanation; leave out --item")
    Explanations.of([]).save("none.parquet")
    assert_fails(run("show", "none.parquet", "--item", "0"), "0 instances, none")
    assert_fails(run("show", "train.parquet", "--item", "0"), "'train.parquet': .* holds no explanations that limelight saved")


def test_what_files_hold_does_not_move_the_cursor():
    Explanations.of([Failure("Model\x1b[31mError", "bad \x1b]0;title\x07\nand \u202e more")]).save("hostile.parquet")
    result = run("show", "hostile.parquet", "--item", "0")
    assert_fails(result, r"Model\\x1b\[31mError: bad \\x1b\]0;title\\x07 and \\u202e more")
    pd.DataFrame({"review": ["fine"]}).to_parquet("texts.parquet")
    with open("mine.py", "w") as file:
        file.write("def model(texts):\n    raise ValueError('\\x1b[2J')\n")
    result = explain("mine:model", "--text", "review", train=None, data="texts.parquet")
    assert_fails(result, r"number 0: ModelError: .*\\x1b\[2J")


def test_pick_prints_the_picks(saved):
    result = run("pick", "saved.parquet", "--num-picks", "2")
    picks = saved.pick(2)
    assert result.exit_code == 0
    assert result.output.startswith(f"{picks}\n\nitem {picks.positions[0]}\n{picks.explanations[0]}\n")
    assert result.output.endswith(f"\nitem {picks.positions[1]}\n{picks.explanations[1]}\n")
    assert_fails(run("pick", "saved.parquet", "--num-picks", "0"), "num_picks must be an integer of at least 1")
    assert_fails(run("pick", "train.parquet"), "holds no explanations that limelight saved")


def test_report_writes_a_page(saved, place):
    assert_quiet(run("report", "saved.parquet", "-o", "report.html", "--title", "Soups & reviews", "--num-picks", "2"))
    page = saved.to_html(title="Soups & reviews", num_picks=2)
    assert (place / "report.html").read_text(encoding="utf-8") == page
    assert_fails(run("report", "train.parquet", "-o", "page.html"), "holds no explanations that limelight saved")
    assert_fails(run("report", "saved.parquet"), "Missing option '-o'", code=2)
    whole = (place / "saved.parquet").read_bytes()
    assert_fails(run("report", "saved.parquet", "-o", "./saved.parquet"), "--out must be a file of its own", code=2)
    assert_fails(run("report", "saved.parquet", "-o", "no/report.html"), "--out cannot be written: there is no", code=2)
    assert (place / "saved.parquet").read_bytes() == whole


def test_reports_say_what_is_misclassified(place):
    explanations = TabularExplainer(ROWS).explain_many(ROWS[:9], DecisionTreeClassifier(max_depth=1).fit(ROWS, KINDS), **FEW)
    explanations[3:].save("some-explained.parquet")
    NUMBERS[:9].assign(kind=KINDS[:9]).to_csv("labelled.csv", index=False)
    labels = ("--data", "labelled.csv", "--target")
    assert_quiet(run("report", "some-explained.parquet", "-o", "report.html", *labels, "kind"))
    assert (place / "report.html").read_text(encoding="utf-8") == explanations[3:].to_html(labels=KINDS[3:9])
    assert_fails(run("report", "some-explained.parquet", "-o", "r.html", *labels, "kin"), "got 'kin'", code=2)
    assert_fails(run("report", "some-explained.parquet", "-o", "r.html", *labels[:2]), "give both", code=2)
    assert_fails(run("report", "some-explained.parquet", "-o", "r.html", *labels, "a"), "must be the names or the numbers")
    Explanations.concat([explanations, explanations]).save("twice.parquet")
    assert_fails(run("report", "twice.parquet", "-o", "r.html", *labels, "kind"), "from several jobs, .* give labels")
    NUMBERS[:5].assign(kind=KINDS[:5]).to_csv("labelled.csv", index=False)
    assert_fails(run("report", "some-explained.parquet", "-o", "r.html", *labels, "kind"), "has 5 rows, and no instance 8")
