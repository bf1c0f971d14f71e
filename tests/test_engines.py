"""Engines and other implementations from outside: found by name, sent to workers, and checked in what they give back."""

import importlib.metadata
import pickle
import threading
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from helpers.batches import OUTSIDE, ROWS, plain, same

from limelight import Explanation, TabularExplainer, _registry, extend
from limelight._registry import Registry, registrations, use_registrations
from limelight.batch._engines import ENGINES
from limelight.batch._pickling import deserialize, deserialize_job, serialize
from limelight.exceptions import ArgumentError, ArgumentTypeError, CheckpointError, EngineError
from limelight.extend import Explainer, Parts, View, cosine_of_masks, fair_coins, fingerprint
from limelight.models._statements import Statements
from limelight.models.generic import adapt_callable

EXPLAINER = TabularExplainer(ROWS)
FEW = {"num_samples": 64, "chunk_size": 2}  # four chunks of two instances


pytestmark = pytest.mark.usefixtures("registry")


@pytest.fixture(scope="module")
def expected():
    """The explanations of the engine "serial"."""
    return list(EXPLAINER.explain_many(OUTSIDE, plain, **FEW))


def explain(engine, **arguments):
    return EXPLAINER.explain_many(OUTSIDE, plain, engine=engine, **{**FEW, **arguments})


def reversing(job, chunks, _n_jobs):
    """Explains the last chunk first."""
    for chunk in reversed(list(chunks)):
        yield chunk.number, job.explain(chunk)


def listing(job, chunks, _n_jobs):
    """Gives a list instead of a generator, and what a JSON or a C library may make of pairs and numbers."""
    return [[np.int64(chunk.number), job.explain(chunk)] for chunk in chunks]


def pickling(job, chunks, _n_jobs):
    """Sends everything through bytes, as a cluster does."""
    for chunk in chunks:
        number, table = chunk.number, deserialize(serialize(job)).explain(pickle.loads(pickle.dumps(chunk)))
        yield number, pickle.loads(pickle.dumps(table))


class Pool:
    """An engine that is an object with settings of its own."""

    def __call__(self, job, chunks, n_jobs):
        return reversing(job, chunks, n_jobs)

    def run(self, job, chunks, n_jobs):
        return reversing(job, chunks, n_jobs)


# --- engines by name and as functions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [reversing, listing, pickling, Pool(), Pool().run], ids=lambda engine: type(engine).__name__)
def test_functions_give_the_same_bits(engine, expected):
    assert same(explain(engine), expected)


@pytest.mark.parametrize("implementation", [reversing, "test_engines:pickling", Pool()])
def test_registered_engines_give_the_same_bits(implementation, expected, tmp_path):
    extend.register("engine", "homemade", implementation)
    assert same(explain("homemade"), expected)
    assert same(explain("homemade", checkpoint=tmp_path / "chunks"), expected)
    assert same(explain("serial", checkpoint=tmp_path / "chunks"), expected)


def test_an_engine_gets_the_number_of_jobs(expected):
    given = []

    def engine(job, chunks, n_jobs):
        given.append(n_jobs)
        return reversing(job, chunks, n_jobs)

    assert same(explain(engine, n_jobs=3), expected)
    assert given == [3]


def test_names_of_functions_mean_nothing(expected):
    """A function called "dask" or "processes" is the user's, not limelight's engine."""

    def dask(job, chunks, n_jobs):
        return reversing(job, chunks, n_jobs)

    def processes(job, chunks, n_jobs):
        return reversing(job, chunks, n_jobs)

    assert same(explain(dask), expected)
    with pytest.raises(
        ArgumentError, match=r"timeout needs an engine whose work can be stopped: .*; got <function .*processes"
    ):
        explain(processes, timeout=5)


@pytest.mark.parametrize("engine", ["homemade", reversing, "threads", "serial"])
def test_timeout_needs_an_engine_that_can_be_stopped(engine):
    extend.register("engine", "homemade", reversing)
    with pytest.raises(ArgumentError, match='timeout needs an engine whose work can be stopped: engine="processes", "spark"'):
        explain(engine, timeout=5)


def test_unknown_names_list_all_engines():
    extend.register("engine", "homemade", reversing)
    names = "'homemade', 'serial', 'threads', 'processes', 'dask', 'spark'; got 'homemad'"
    with pytest.raises(ArgumentError, match=f"engine must be one of {names}"):
        explain("homemad")
    with pytest.raises(ArgumentError, match=f"engine must be one of {names}"):
        explain("homemad", timeout=5)


@pytest.mark.parametrize("engine", [5, [], Pool, {"serial"}])
def test_other_objects_are_no_engines(engine):
    with pytest.raises(ArgumentTypeError, match=r"engine must be a name, a function, a distributed.Client or a pyspark"):
        explain(engine)


def test_limelights_own_engines_cannot_be_replaced():
    with pytest.raises(ArgumentError, match="the engine 'serial' is limelight's own; register yours under another name"):
        extend.register("engine", "serial", reversing)


# --- entry points --------------------------------------------------------------------------------------------------------


def declare(monkeypatch, **entries):
    """Make it look as if an installed package declared these entry points, each a ``"module:attribute"``."""

    def entry_points(group):
        declared = {name: place for name, place in entries.items() if group == "limelight.engine"}
        return [importlib.metadata.EntryPoint(name, place, group) for name, place in declared.items()]

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    _registry._entry_points.cache_clear()


def test_entry_points_are_found(monkeypatch, expected):
    declare(monkeypatch, packaged="test_engines:reversing", serial="test_engines:broken")
    assert same(explain("packaged"), expected)
    assert same(explain("serial"), expected)  # limelight's own cannot be replaced
    assert next(iter(ENGINES)) == "packaged"
    assert "packaged" not in list(Registry("adapter", {}))
    extend.register("engine", "packaged", pickling)
    assert ENGINES.load("packaged") is pickling


@pytest.mark.parametrize("place", ["no_such_module:engine", "test_engines:no_such_engine"])
def test_what_cannot_be_imported_is_named(place, monkeypatch):
    declare(monkeypatch, packaged=place)
    extend.register("engine", "homemade", place)
    for name in ("packaged", "homemade"):
        with pytest.raises(ArgumentError, match=rf"the engine '{name}' cannot be imported \((ModuleNotFound|Attribute)Error: "):
            explain(name)


# --- what an engine gives back -------------------------------------------------------------------------------------------


def swapping(job, chunks, _n_jobs):
    """Gives each of two chunks the other's table."""
    first, second, *_ = chunks
    yield first.number, job.explain(second)
    yield second.number, job.explain(first)


def doubling(job, chunks, _n_jobs):
    for chunk in chunks:
        yield chunk.number, job.explain(chunk)
        yield chunk.number, job.explain(chunk)


def numbering(job, chunks, _n_jobs):
    """Counts from one."""
    for chunk in chunks:
        yield chunk.number + 1, job.explain(chunk)


def forgetting(job, chunks, _n_jobs):
    for chunk in chunks:
        if chunk.number != 2:
            yield chunk.number, job.explain(chunk)


def stopping(job, chunks, _n_jobs):
    for chunk in chunks:
        yield chunk.number, job.explain(chunk)
        if chunk.number == 1:
            return


def shortening(job, chunks, _n_jobs):
    for chunk in chunks:
        yield chunk.number, job.explain(chunk)[:-1]


def emptying(job, chunks, _n_jobs):
    for chunk in chunks:
        yield chunk.number, job.explain(chunk)[:0]


def renaming(job, chunks, _n_jobs):
    for chunk in chunks:
        table = job.explain(chunk)
        yield chunk.number, table.rename_columns([f"my_{name}" for name in table.column_names])


BROKEN = {
    swapping: "a table of other instances for chunk 0: it has 2 rows from instance 2 to 3, and the chunk 2 rows",
    doubling: "a result for chunk 0, which it was not given or has given back already; the chunks without results are none",
    numbering: "a result for chunk 1, which it was not given .* the chunks without results are 0",
    forgetting: "ended without results for chunks 2",
    stopping: "ended before it read chunk 2",
    shortening: "a table of other instances for chunk 0: it has 1 rows from instance 0 to 0, and the chunk 2 rows",
    emptying: "a table of other instances for chunk 0: it has no rows",
    renaming: "the table that the engine yielded for chunk 0 holds no explanations",
    lambda _job, chunks, _n_jobs: ((chunk.number, None) for chunk in chunks): "NoneType instead of a table for chunk 0",
    lambda job, chunks, _n_jobs: (job.explain(chunk) for chunk in chunks): "which is not a pair",
    lambda job, chunks, _n_jobs: ((str(chunk.number), job.explain(chunk)) for chunk in chunks): "a result for chunk '0', which",
    lambda job, chunks, _n_jobs: (([chunk.number], job.explain(chunk)) for chunk in chunks): r"a result for chunk \[0\], which",
    lambda _job, _chunks, _n_jobs: [(7, None)]: "a result for chunk 7, which it was not given",
    lambda _job, _chunks, _n_jobs: []: "ended before it read chunk 0",
    lambda _job, _chunks, _n_jobs: None: "must yield pairs of a chunk's number and its table; it gave NoneType",
}


@pytest.mark.parametrize("engine", BROKEN, ids=lambda engine: engine.__name__)
def test_wrong_results_never_become_explanations(engine, expected, tmp_path):
    with pytest.raises(EngineError, match=BROKEN[engine]):
        explain(engine)
    with pytest.raises(EngineError, match=BROKEN[engine]):
        explain(engine, checkpoint=tmp_path / "chunks")
    assert same(explain("serial", checkpoint=tmp_path / "chunks"), expected)


def test_an_engine_that_swallows_the_error_of_the_source_does_not_hide_it():
    def rows():
        yield from OUTSIDE[:3]
        raise ConnectionError("the line is dead")

    def engine(job, chunks, n_jobs):
        try:
            yield from reversing(job, chunks, n_jobs)
        except Exception:
            return

    with pytest.raises(ConnectionError, match="the line is dead"):
        EXPLAINER.explain_many(rows(), plain, engine=engine, **FEW)


def test_what_an_engine_raises_comes_as_it_is():
    def engine(job, chunks, n_jobs):
        yield from reversing(job, [next(iter(chunks))], n_jobs)
        raise ConnectionError("the cluster is gone")

    with pytest.raises(ConnectionError, match="the cluster is gone"):
        explain(engine)


def test_engines_are_closed_when_the_job_ends():
    ends = []

    def engine(job, chunks, n_jobs):
        try:
            yield from doubling(job, chunks, n_jobs)
        finally:
            ends.append("closed")

    with pytest.raises(EngineError):
        explain(engine)
    assert ends == ["closed"]


def test_parts_that_are_removed_meanwhile_are_an_error(tmp_path, expected):
    """Their rows must not be missing without a word."""
    folder = tmp_path / "chunks"

    def engine(job, chunks, n_jobs):
        yield from reversing(job, chunks, n_jobs)
        next(folder.glob("part-000000002-*")).unlink()

    with pytest.raises(CheckpointError, match=r"part-000000002-.* was removed while the job ran; the same call"):
        explain(engine, checkpoint=folder)
    assert same(explain("serial", checkpoint=folder), expected)


# --- what a program registered, in workers -------------------------------------------------------------------------------


@dataclass(frozen=True)
class LampsView(View):
    """A view of a user's own."""

    kind = "lamps"
    lamps: tuple[str, ...]

    def values(self):
        return dict.fromkeys(range(len(self.lamps)), "lit")

    def to_dict(self):
        return {"kind": self.kind, "lamps": list(self.lamps)}

    @classmethod
    def from_dict(cls, data):
        return cls(tuple(data["lamps"]))


class Lamps(Parts):
    """Lamps that can be switched off."""

    def __init__(self, names):
        self.names = tuple(names)
        self.view = LampsView(self.names)
        self.content = fingerprint(*names)
        self.law = fair_coins(len(names))
        self.notes = ()

    def realise(self, masks):
        return masks.astype(float)


class LampsExplainer(Explainer):
    """A modality of a user's own."""

    default_design = "orthogonal"
    default_kernel_width = 0.25
    distances = staticmethod(cosine_of_masks)

    def components(self, instance):
        return Lamps(instance)


ROOMS = [[f"lamp {i}" for i in range(count)] for count in (3, 4, 5, 6)]


def brightness(masks):
    return masks[:, 0] + 2 * masks[:, 1]


def halve(method, components):
    """An adapter that shows that it was asked: it gives half of what the model says about lamps."""
    if not isinstance(components, Lamps):
        return None
    path = adapt_callable(method, components, Statements.read(method))
    return path._replace(finish=lambda inputs: path.finish(inputs) / 2, form=id(components))


def read_bulb(model):
    """A form of model that limelight does not know."""
    return Bulb.shine if model == "bulb" else None


class Bulb:
    @staticmethod
    def shine(masks):
        return brightness(masks)


@pytest.mark.parametrize("engine", ["processes", pickling, "threads"])
def test_what_is_registered_travels_with_the_job(engine):
    extend.register("view", "lamps", LampsView)
    extend.register("adapter", "halving", halve)
    extend.register("model", "bulb", read_bulb)
    explainer = LampsExplainer()
    alone = [explainer.explain_instance(room, "bulb") for room in ROOMS]
    explanations = explainer.explain_many(ROOMS, "bulb", engine=engine, n_jobs=2, chunk_size=1)
    assert same(explanations, alone)
    assert [type(explanation.view) for explanation in explanations] == [LampsView] * 4
    assert dict(explanations[0].as_list())["lamp 1"] == pytest.approx(1, abs=0.05)


def test_processes_of_an_earlier_job_know_what_is_registered_now():
    """They are kept for a while; an adapter that was registered for one job holds for no other."""
    extend.register("view", "lamps", LampsView)
    explainer = LampsExplainer()
    for adapters, weight in (({}, 2), ({"halving": halve}, 1), ({}, 2)):
        _registry._registered["adapter"] = adapters
        explanations = explainer.explain_many(ROOMS, brightness, engine="processes", n_jobs=2, chunk_size=1)
        assert dict(explanations[0].as_list())["lamp 1"] == pytest.approx(weight, abs=0.1)


def test_classes_of_a_notebook_travel_as_well():
    """A class that no module has is sent whole."""

    class TorchesView(LampsView):
        kind = "torches"

    class Torches(Lamps):
        def __init__(self, names):
            Lamps.__init__(self, names)
            self.view = TorchesView(self.names)

    class TorchesExplainer(LampsExplainer):
        def components(self, instance):
            return Torches(instance)

    extend.register("view", "torches", TorchesView)
    explainer = TorchesExplainer()
    alone = [explainer.explain_instance(room, brightness) for room in ROOMS]
    explanations = explainer.explain_many(ROOMS, brightness, engine="processes", n_jobs=2, chunk_size=1)
    assert [explanation.as_list() for explanation in explanations] == [explanation.as_list() for explanation in alone]
    assert isinstance(explanations[0].view, TorchesView)


class Locked:
    """An adapter that cannot be pickled."""

    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, *_):
        return None


def test_what_cannot_be_sent_is_named(expected):
    extend.register("adapter", "locked", Locked())
    message = r"the adapter registered as 'locked' cannot be sent to other processes \(TypeError\(.*lock.*\)\); use engine="
    with pytest.raises(ArgumentTypeError, match=message):
        explain("processes", n_jobs=2)
    with pytest.raises(ArgumentTypeError, match=message):
        EXPLAINER.frame_function(plain)
    for engine in ("serial", "threads"):
        assert same(explain(engine, n_jobs=2), expected)


@pytest.mark.parametrize("kind", ["engine", "renderer", "kernel"])
def test_what_workers_do_not_need_stays_here(kind, expected):
    extend.register(kind, "locked", Locked())
    assert same(explain("processes", n_jobs=2), expected)


def test_a_frame_function_keeps_what_was_registered_when_it_was_made():
    extend.register("view", "lamps", LampsView)
    extend.register("adapter", "halving", halve)
    function = LampsExplainer().frame_function(brightness)
    extend.register("adapter", "halving", Locked())
    frame = pd.DataFrame({"room": ROOMS})
    for copy in (function, pickle.loads(pickle.dumps(function))):
        weights = dict(Explanation.from_json(copy(frame)["explanation"][0]).as_list())
        assert weights["lamp 1"] == pytest.approx(1, abs=0.05)
    assert isinstance(_registry._registered["adapter"]["halving"], Locked)  # what the user registered since stays


def test_frame_functions_need_nothing_registered_where_they_are_called(monkeypatch):
    extend.register("view", "lamps", LampsView)
    function = LampsExplainer().frame_function(brightness)
    frame = pd.DataFrame({"room": ROOMS})
    here = function(frame)
    monkeypatch.setattr(_registry, "_registered", {kind: {} for kind in _registry.KINDS})
    deserialize_job.cache_clear()
    assert function(frame).equals(here)


def test_registrations_hold_in_their_thread_and_block_only():
    kernels = Registry("kernel", {})
    extend.register("kernel", "near", np.exp)
    sent = registrations(["kernel"])
    extend.register("kernel", "near", np.log)
    extend.register("kernel", "later", np.log)
    others = []
    with use_registrations(sent):
        assert list(kernels) == ["near"]
        assert kernels.load("near") is np.exp
        thread = threading.Thread(target=lambda: others.extend(kernels))
        thread.start()
        thread.join()
    assert others == list(kernels) == ["near", "later"]
    assert kernels.load("near") is np.log


def test_public_classes_are_pickled_by_their_public_names():
    function = EXPLAINER.frame_function(plain)
    assert type(function).__module__ == "limelight"
    assert b"limelight.batch" not in pickle.dumps(function)[:60]
    assert pickle.loads(pickle.dumps(function)) == function
