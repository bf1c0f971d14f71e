"""From instances to explanations: chunks are read, explained by an engine, and stored as they are finished."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from limelight.batch._arguments import BatchArguments
from limelight.batch._checkpoint import Checkpoint
from limelight.batch._engines import Engine
from limelight.batch._fingerprint import take_fingerprint
from limelight.batch._handout import Handout
from limelight.batch._instances import Chunk, Instances, split_into_chunks
from limelight.batch._job import Job, Pipeline
from limelight.batch._workers import FinishedChunks
from limelight.collection.arrow import arrow
from limelight.collection.explanations import Explanations
from limelight.exceptions import EngineError, Interrupted, require

if TYPE_CHECKING:
    import pyarrow as pa

    from limelight._options import Request

__all__ = ["run"]


def run(
    pipeline: Pipeline,
    model: Any,
    request: Request,
    instances: Any,
    arguments: BatchArguments,
    *,
    ids: Any,
    columns: Sequence[str] | None,
    explainer: object,
    explains_in_turn: Callable[[Any], bool] | None,
) -> Explanations:
    """Explain all instances.

    Parameters
    ----------
    pipeline : callable
        The explainer's.
    model : object
        The model, in a form that can be asked.
    request : Request
        What is asked for each instance.
    instances : object
        The instances, in any form that ``explain_many`` takes.
    arguments : BatchArguments
        How they are explained.
    ids : object
        What identifies them, in any form that ``explain_many`` takes.
    columns : sequence of str or None
        The columns of an instance, where it is a row.
    explainer : object
        Whose pipeline it is. A checkpoint belongs to all that it holds.
    explains_in_turn : callable or None
        Whether instances like one are explained in turn; without it, all are explained side by side.

    Raises
    ------
    EngineError
        If the engine breaks down, or gives back other tables than it should.
    Interrupted
        If the user stops it; the error has the finished explanations.
    """
    arrow()  # said now, and not when the first chunk is finished
    job = Job(pipeline, model, request, arguments.keeps_errors, arguments.timeout, explains_in_turn)
    store: Checkpoint | _Memory = _Memory()
    try:
        iterator, total, id_iterator = Instances.of(instances, columns, ids)
        if arguments.checkpoint is not None:
            first = list(islice(iterator, 1))
            iterator = chain(first, iterator)
            if first:  # where there are no instances, no folder is needed
                fingerprint = take_fingerprint(job, explainer, first[0], arguments.chunk_size)
                store = Checkpoint(arguments.checkpoint, job, fingerprint, keeps_errors=arguments.keeps_errors)
        with _progress_bar(total, arguments.verbose) as bar:
            chunks = split_into_chunks(iterator, id_iterator, arguments.chunk_size)
            handout = Handout(_unfinished_chunks(chunks, store, bar))
            with closing(_run_engine(arguments.engine, job, handout, arguments.n_jobs)) as results:
                for number, table in handout.checked(results):
                    store.add(number, table)
                    bar.update(table.num_rows)
            handout.check_complete()
        return store.all_explanations()
    except KeyboardInterrupt:
        finished = store.finished_explanations()
        message = f"{len(finished)} instances have been explained; they are in this error's .explanations"
        raise Interrupted(message, finished) from None
    finally:
        store.close()


class _Memory:
    """Finished chunks in memory, with the methods of a `Checkpoint`."""

    last_finished = -1

    def __init__(self) -> None:
        self._tables: dict[int, pa.Table] = {}

    def is_finished(self, chunk: Chunk) -> bool:  # noqa: ARG002 - nothing is there from an earlier call
        return False

    def add(self, number: int, table: pa.Table) -> None:
        self._tables[number] = table

    def all_explanations(self) -> Explanations:
        return Explanations.of_tables([self._tables[number] for number in sorted(self._tables)])

    finished_explanations = all_explanations

    def close(self) -> None:
        pass


def _run_engine(engine: Engine, job: Job, chunks: Iterable[Chunk], n_jobs: int) -> FinishedChunks:
    """Give on what an engine gives. Closing this generator closes the engine's own, where it has one."""
    results: Any = engine(job, chunks, n_jobs)
    if not isinstance(results, Iterable):
        raise EngineError(f"the engine must yield pairs of a chunk's number and its table; it gave {type(results).__name__}.")
    yield from results


def _unfinished_chunks(chunks: Iterable[Chunk], store: Checkpoint | _Memory, bar: Any) -> Iterator[Chunk]:
    """Chunks to be explained; none before all finished ones have been read, because these may be another job's."""
    last_finished = store.last_finished
    held_back: list[Chunk] = []  # few, as a rule: those between finished ones
    for chunk in chunks:
        if store.is_finished(chunk):
            bar.update(len(chunk.instances))
            continue
        held_back.append(chunk)
        if chunk.number > last_finished:
            yield from held_back
            held_back.clear()
    yield from held_back


def _progress_bar(total: int | None, verbose: bool) -> Any:
    tqdm = require("tqdm.auto", extra="batch", purpose="explain_many")
    return tqdm.tqdm(total=total, unit=" instances", disable=None if verbose else True)
