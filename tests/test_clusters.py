"""Many instances on Dask and Spark: the same bits as in one process, whatever dies; and frames explained where they are."""

import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.batches import CASES, OUTSIDE, REVIEWS, ROWS, bits, of_texts, plain, same
from helpers.raising import RAISED, RaisesEach

from limelight import Explanation, Explanations, TabularExplainer, TextExplainer
from limelight.exceptions import (
    ArgumentError,
    ArgumentTypeError,
    EngineError,
    Interrupted,
    MissingDependencyError,
    ModelError,
)

pytestmark = pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")

EXPLAINER = TabularExplainer(ROWS)
FEW = {"num_samples": 100}
ENGINES = ("dask", "spark")
# Other processes find these tests' models, and limelight where this process found it.
PYTHONPATH = os.pathsep.join(filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")]))
missing = pytest.fail if "CI" in os.environ else pytest.skip


@pytest.fixture(scope="module")
def dask():
    """A client of two worker processes with one thread each."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        missing("no Dask: pip install distributed")
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="localhost:0") as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def spark():
    """A session with two cores, where what fails is tried four times."""
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        missing("no Spark: pip install pyspark")
    if not (shutil.which("java") or "JAVA_HOME" in os.environ):
        missing("no Java, which Spark needs: apt-get install default-jre-headless")
    handler = signal.getsignal(signal.SIGINT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYTHONPATH", PYTHONPATH)
        settings = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}
        session = SparkSession.builder.master("local[2,4]").config(map=settings).getOrCreate()
        yield session
        session.stop()
        signal.signal(signal.SIGINT, handler)  # Spark has one of its own


@pytest.fixture(params=ENGINES)
def cluster(request):
    """A user's own client or session."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def alone():
    """What one process says of the rows."""
    return list(EXPLAINER.explain_many(OUTSIDE, plain, **FEW))


class Deadly:
    """A model that kills the processes that ask it, so many of them, and answers in the end."""

    def __init__(self, folder, deaths):
        self.folder, self.deaths, self.home = folder, deaths, os.getpid()

    def __call__(self, rows):
        if os.getpid() != self.home:
            for number in range(self.deaths):
                try:
                    (self.folder / str(number)).touch(exist_ok=False)
                except FileExistsError:
                    continue
                os.kill(os.getpid(), signal.SIGKILL)
        return plain(rows)


# --- the same explanations -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["arrays", "pandas", "texts", "text pipeline", "images"])
def test_clusters_change_nothing(cluster, case):
    explainer, instances, model, arguments = CASES[case]()
    expected = explainer.explain_many(instances, model, **arguments)
    for size in (2, 1000):
        assert same(explainer.explain_many(instances, model, engine=cluster, chunk_size=size, **arguments), expected)


def test_functions_of_scripts_go_along(cluster, alone):
    assert same(EXPLAINER.explain_many(OUTSIDE, lambda rows: plain(rows), engine=cluster, **FEW), alone)


def test_instances_without_end_are_taken_as_they_are_needed(cluster):
    taken = 0

    def rows():
        nonlocal taken
        for row in np.tile(ROWS, (10, 1)):
            taken += 1
            if taken > 12:
                raise OSError("the source is broken")
            yield row

    with pytest.raises(OSError, match="the source is broken"):
        EXPLAINER.explain_many(rows(), plain, engine=cluster, chunk_size=1, **FEW)
    assert taken == 13


# --- what dies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deaths", [1, 2])
def test_workers_that_die_change_nothing(cluster, deaths, tmp_path, alone):
    explanations = EXPLAINER.explain_many(OUTSIDE, Deadly(tmp_path, deaths), engine=cluster, chunk_size=2, **FEW)
    assert same(explanations, alone)
    assert len(list(tmp_path.iterdir())) == deaths


def test_dask_gives_up_where_workers_die_again_and_again(tmp_path):
    pytest.importorskip("distributed")  # which sets dask's defaults when it is imported; within `set` they would be undone
    dask = pytest.importorskip("dask")
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), pytest.raises(EngineError, match="KilledWorker"):
        EXPLAINER.explain_many(OUTSIDE, Deadly(tmp_path, 10), engine="dask", **FEW)


def test_spark_gives_up_where_workers_die_again_and_again(spark, tmp_path):
    with pytest.raises(EngineError, match=r"(?s)instances 0 to 7: .*crashed.*local\[2,4\]"):
        EXPLAINER.explain_many(OUTSIDE, Deadly(tmp_path, 10), engine=spark, **FEW)


def test_a_client_that_is_killed_leaves_a_job_to_go_on_with(dask, script):
    process, folder = script
    workers = psutil_children(process)
    process.kill()
    process.wait()
    parts = {path: path.stat().st_mtime_ns for path in folder.glob("*.parquet")}
    explanations = EXPLAINER.explain_many(ROWS, plain, engine=dask, chunk_size=2, checkpoint=folder, **FEW)
    assert same(explanations, EXPLAINER.explain_many(ROWS, plain, **FEW))
    assert parts
    assert parts.items() <= {path: path.stat().st_mtime_ns for path in folder.glob("*.parquet")}.items()
    assert ended(workers)


def test_ctrl_c_reaches_workers_and_keeps_what_is_done(script):
    process, folder = script
    workers = psutil_children(process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    try:
        output, _ = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:  # Python loses a Ctrl-C that comes while an object is deleted, here a future of Dask's
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert int(output) == 2 * len(list(folder.glob("*.parquet"))) > 0
    assert ended(workers)


@pytest.fixture
def script(tmp_path):
    """A program of its own on two Dask workers, after its first chunk; and the folder of its checkpoint."""
    pytest.importorskip("distributed")
    file, folder = tmp_path / "script.py", tmp_path / "chunks"
    file.write_text(SCRIPT, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": PYTHONPATH}
    command = [sys.executable, str(file), str(folder)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            waited = time.monotonic()
            while not list(folder.glob("*.parquet")):
                assert process.poll() is None
                assert time.monotonic() < waited + 60
                time.sleep(0.05)
            yield process, folder
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


SCRIPT = """
import sys, time
from helpers.batches import ROWS, plain
from limelight import TabularExplainer
from limelight.exceptions import Interrupted

def model(rows):
    time.sleep(0.02)
    return plain(rows)

if __name__ == "__main__":
    asked = {"num_samples": 100, "chunk_size": 2, "checkpoint": sys.argv[1]}
    try:
        TabularExplainer(ROWS).explain_many(ROWS, model, engine="dask", n_jobs=2, **asked)
    except Interrupted as stopped:
        print(len(stopped.explanations))
"""


def psutil_children(process):
    psutil = pytest.importorskip("psutil")
    return psutil.Process(process.pid).children(recursive=True)


def ended(processes):
    psutil = pytest.importorskip("psutil")
    _, alive = psutil.wait_procs(processes, timeout=20)
    return not alive


# --- errors --------------------------------------------------------------------------------------------------------------


def raises_above(rows):
    if np.any(rows[:, 0] > 5):
        raise ValueError("too large")
    return plain(rows)


def test_failures_are_data(cluster):
    expected = EXPLAINER.explain_many(OUTSIDE, raises_above, on_error="keep", **FEW)
    explanations = EXPLAINER.explain_many(OUTSIDE, raises_above, on_error="keep", engine=cluster, chunk_size=2, **FEW)
    assert same(explanations, expected)
    assert [failure.error for failure in explanations.failures.values()] == ["ModelError"] * 2


def test_errors_arrive_as_they_are(cluster):
    with pytest.raises(ModelError, match=r"the model raised ValueError .*: too large") as caught:
        EXPLAINER.explain_many(OUTSIDE, raises_above, engine=cluster, chunk_size=2, **FEW)
    assert caught.value.__notes__[0] in ("This was instance 3.", "This was instance 4.")


def test_errors_of_every_kind_are_data_or_arrive(cluster):
    """A panic of polars is no exception, and Dask would wait for ever."""
    rows = np.vstack([ROWS[:1], ROWS[:1] + 9 * np.arange(1, 1 + len(RAISED))[:, None], ROWS[1:2]])
    model = RaisesEach(dict(zip(rows[1:-1, 0].tolist(), RAISED, strict=True)))
    kept = EXPLAINER.explain_many(rows, model, on_error="keep", engine=cluster, chunk_size=16, **FEW)
    assert [*kept.failures] == list(range(1, 1 + len(RAISED)))
    assert same(kept[[0, -1]], [EXPLAINER.explain_instance(row, plain, **FEW) for row in ROWS[:2]])
    with pytest.raises(ModelError, match="the model raised PanicException"):
        EXPLAINER.explain_many(rows[:2], model, engine=cluster, **FEW)


@pytest.mark.parametrize(("raised", "error"), [(KeyboardInterrupt, Interrupted), (GeneratorExit, EngineError)])
def test_what_would_end_a_worker_ends_the_job(cluster, raised, error):
    def model(rows):
        if len(rows) > 1:
            raise raised("stop")
        return plain(rows)

    with pytest.raises(error):
        EXPLAINER.explain_many(OUTSIDE[:1], model, on_error="keep", engine=cluster, **FEW)


def test_the_user_can_stop_it(cluster, alone):
    def rows():
        for number, row in enumerate(np.tile(OUTSIDE, (20, 1))):
            if number == 25:
                os.kill(os.getpid(), signal.SIGINT)
            yield row

    with pytest.raises(Interrupted) as caught:
        EXPLAINER.explain_many(rows(), plain, engine=cluster, chunk_size=1, **FEW)
    finished = list(caught.value.explanations)
    assert 10 < len(finished) <= 25
    assert {bits(entry) for entry in finished} == {bits(entry) for entry in alone}
    assert same(EXPLAINER.explain_many(OUTSIDE, plain, engine=cluster, **FEW), alone)


def sleeps_above(rows):
    if np.any(rows[:, 0] > 5):
        time.sleep(600)
    return plain(rows)


def test_spark_stops_what_takes_too_long(spark, alone):
    explanations = EXPLAINER.explain_many(OUTSIDE, sleeps_above, on_error="keep", timeout=2, engine=spark, chunk_size=4, **FEW)
    assert list(explanations.failures) == [3, 4]
    assert "longer than timeout=2" in explanations.failures[3].message
    assert bits(explanations[5]) == bits(alone[5])


def test_workers_on_this_machine_run_this_python(tmp_path):
    """Although a virtual environment that is not activated is not on the path, where Spark and others look for python3."""
    pytest.importorskip("pyspark")
    pytest.importorskip("distributed")
    java = shutil.which("java") or missing("no Java, which Spark needs: apt-get install default-jre-headless")
    other = tmp_path / "bin" / "python3"
    other.parent.mkdir()
    other.write_text(f'#!/bin/sh\nexec {sys._base_executable} -S "$@"\n')  # without this environment's packages
    other.chmod(0o755)
    (tmp_path / "script.py").write_text(OTHER_PYTHON, encoding="utf-8")
    path = os.pathsep.join([str(other.parent), "/usr/bin", "/bin", str(Path(java).parent)])
    environment = {name: value for name, value in os.environ.items() if name not in ("PYSPARK_PYTHON", "VIRTUAL_ENV")}
    command = [sys.executable, str(tmp_path / "script.py")]
    environment |= {"PATH": path, "PYTHONPATH": PYTHONPATH}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert run.stdout.split() == ["processes", "dask", "user", "spark", "variable", "setting"], run.stderr


OTHER_PYTHON = """
import os, sys
from helpers.batches import OUTSIDE, bits, plain
from limelight import TabularExplainer
from limelight.exceptions import EngineError

def explain(engine):
    asked = {"num_samples": 100}
    return list(map(bits, TabularExplainer(OUTSIDE).explain_many(OUTSIDE[:2], plain, engine=engine, **asked)))

def refused(engine, *parts):
    try:
        explain(engine)
    except EngineError as error:
        return all(part in str(error) for part in parts) or print(error)
    finally:
        SparkSession.getActiveSession().stop()

if __name__ == "__main__":
    alone = explain("serial")
    for engine in ("processes", "dask"):
        assert explain(engine) == alone
        print(engine)
    from pyspark.sql import SparkSession
    settings = {"spark.ui.enabled": "false", "spark.log.level": "OFF"}
    session = SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
    this = f"PYSPARK_PYTHON to the right one, here {sys.executable!r}"
    assert refused(session, "No module named", "Its workers run 'python3'", this, "start a new session")
    print("user")
    assert explain("spark") == alone
    assert "PYSPARK_PYTHON" not in os.environ
    session = SparkSession.getActiveSession()
    assert session.sparkContext.pythonExec == sys.executable
    set_property = session._jvm.java.lang.System.setProperty
    session.stop()
    print("spark")
    os.environ["PYSPARK_PYTHON"] = "none-of-this-name"
    assert refused("spark", "Its workers run 'none-of-this-name'", this)
    print("variable")
    del os.environ["PYSPARK_PYTHON"]
    set_property("spark.pyspark.python", "none-of-that-name")
    assert refused("spark", "Its workers run 'none-of-that-name'", this)
    print("setting")
"""


def test_wrong_engines_are_reported(dask):
    with pytest.raises(ArgumentError, match='timeout needs an engine whose work can be stopped: engine="processes", "spark"'):
        EXPLAINER.explain_many(OUTSIDE, plain, engine=dask, timeout=1)
    with pytest.raises(ArgumentTypeError, match=r"engine must be a name, a function, .*; got \[\] \(list\)"):
        EXPLAINER.explain_many(OUTSIDE, plain, engine=[])
    of_connect = type("SparkSession", (), {"__module__": "pyspark.sql.connect.session"})
    with pytest.raises(ArgumentError, match=r"got one of Spark Connect.*frame_function"):
        EXPLAINER.explain_many(OUTSIDE, plain, engine=of_connect())
    with pytest.raises(ArgumentTypeError, match="cannot be sent to other processes"):
        EXPLAINER.explain_many(OUTSIDE, threading.Lock().__enter__, engine=dask)


def test_a_scheduler_has_an_address(dask, alone):
    explanations = EXPLAINER.explain_many(OUTSIDE, plain, engine=dask.scheduler.address, **FEW)
    assert list(map(bits, explanations)) == list(map(bits, alone))
    with pytest.raises(EngineError, match=r"no Dask scheduler answers at 'tcp://127\.0\.0\.1:1'"):
        EXPLAINER.explain_many(OUTSIDE, plain, engine="tcp://127.0.0.1:1")


def test_a_script_that_its_workers_would_run_again_is_reported(tmp_path):
    pytest.importorskip("distributed")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.replace('if __name__ == "__main__":', "if True:"), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": PYTHONPATH}
    command = [sys.executable, str(script), str(tmp_path / "chunks")]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1].endswith('must stand under if __name__ == "__main__".')


@pytest.mark.parametrize(
    ("engine", "package", "extra"),
    [("dask", "distributed", "dask"), ("tcp://127.0.0.1:1", "distributed", "dask"), ("spark", "pyspark.sql", "spark")],
)
def test_what_is_missing_is_reported(engine, package, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=rf"pip install 'limelight\[{extra}\]'"):
        EXPLAINER.explain_many(OUTSIDE, plain, engine=engine)


# --- frames where they are -----------------------------------------------------------------------------------------------

FRAME = pd.DataFrame(ROWS, columns=[f"x{i}" for i in range(5)]).assign(name=[f"row {i}" for i in range(200)])[:20]


def explained(frame):
    """The explanations in a frame function's answer, by name."""
    assert frame["error"].isna().all()
    return {name: bits(Explanation.from_json(text)) for name, text in zip(frame["item"], frame["explanation"], strict=True)}


@pytest.fixture(scope="module")
def function():
    return EXPLAINER.frame_function(plain, item="name", **FEW)


def test_frames_are_explained_as_their_rows_are(function):
    expected = EXPLAINER.explain_many(ROWS[:20], plain, **FEW)
    answer = pickle.loads(pickle.dumps(function))(FRAME[5:])
    assert explained(answer) == {f"row {i}": bits(expected[i]) for i in range(5, 20)}
    assert list(answer.index) == list(range(5, 20))
    assert list(answer.dtypes) == list(function.meta.dtypes)


def test_frames_of_spark(function, spark):
    rows = spark.createDataFrame(FRAME).repartition(3)
    answer = rows.mapInPandas(function.each, function.schema).collect()
    assert explained(pd.DataFrame(answer, columns=["item", "error", "explanation"])) == explained(function(FRAME))


def test_frames_of_dask(function, dask):
    frames = pytest.importorskip("dask.dataframe")
    with dask.as_current():
        answer = frames.from_pandas(FRAME, npartitions=3).map_partitions(function, meta=function.meta).compute()
    assert explained(answer) == explained(function(FRAME))


def test_other_frames_are_reported(function):
    with pytest.raises(ArgumentTypeError, match=r"frame must be a pandas frame, .*; got dict"):
        function({"real": [1.0]})


def test_frames_of_texts():
    frame = pd.DataFrame({"text": [*REVIEWS[:2], None], "id": [7, 8, None]})
    answer = TextExplainer().frame_function(of_texts, item="id")(frame)
    assert answer["item"].tolist() == ["7", "8", None]
    assert answer["error"].tolist()[:2] == [None, None]
    assert answer["error"][2].startswith("ArgumentTypeError: a text to explain must be a str")
    assert answer["explanation"][2] is None
    assert same(map(Explanation.from_json, answer["explanation"][:2]), TextExplainer().explain_many(REVIEWS[:2], of_texts))


def test_frames_without_rows_or_items(function):
    assert list(function(FRAME[:0]).columns) == ["item", "error", "explanation"]
    answer = EXPLAINER.frame_function(plain, **FEW)(FRAME[:2])
    assert answer["item"].tolist() == [None, None]
    assert len(Explanations.of(map(Explanation.from_json, answer["explanation"]))) == 2
    with pytest.raises(ArgumentError, match="item must be a column of the frame; got 'name', and the frame has 'x0', 'x1'"):
        function(FRAME.drop(columns="name"))


@pytest.mark.usefixtures("spark")
def test_examples_of_the_page_run(dask, tmp_path, monkeypatch):
    page = (Path(__file__).parents[1] / "docs" / "many.md").read_text(encoding="utf-8")
    section = page.partition("\n## On a cluster\n")[2].partition("\n## ")[0]
    monkeypatch.chdir(tmp_path)
    FRAME.assign(id=range(20)).drop(columns="name").to_parquet("rows.parquet")
    names = {"explainer": EXPLAINER, "model": plain}
    for code in re.findall(r"```py\n(.*?)```", section, flags=re.DOTALL):
        code = code.replace("tcp://scheduler:8786", dask.scheduler.address).replace(
            "rows.parquet", str(tmp_path / "rows.parquet")
        )
        exec(compile(code, "docs/many.md", "exec"), names)
        if "explanations" in names:
            assert same(names.pop("explanations"), EXPLAINER.explain_many(ROWS[:20], plain))
    by_spark = pd.DataFrame(names["by_spark"].collect(), columns=["item", "error", "explanation"])
    with dask.as_current():
        assert explained(names["by_dask"].compute()) == explained(by_spark)
