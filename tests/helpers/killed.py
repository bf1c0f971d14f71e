"""A job that is killed again and again, and begun again each time; run by a test as a program of its own.

Everything is imported once, and each attempt is a child of this process: so many starts of Python would take too long.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from helpers.batches import ROWS, bits
from limelight import TabularExplainer

CHUNKS, SIZE = 100, 2
PAUSE = 0.02  # seconds that the model takes for a batch at least, so that all kills together come before the end
INSTANCES = ROWS[np.arange(CHUNKS * SIZE) % len(ROWS)]


class Model:
    """A slow one, that writes down which instances it was asked about: no drawn row is any of them."""

    def __init__(self, log, pause):
        self.log = log
        self.pause = pause
        self.known = {value: number for number, value in enumerate(INSTANCES[:, 0].tolist())}

    def __call__(self, rows):
        asked = [self.known[value] for value in rows[:, 0].tolist() if value in self.known]
        with self.log.open("a") as file:
            file.write("".join(f"{number}\n" for number in asked))
        time.sleep(self.pause)
        return 2 * rows[:, 0] - rows[:, 1] * rows[:, 2]


def explain(folder, log, result, pause):
    explainer = TabularExplainer(ROWS)
    explanations = explainer.explain_many(INSTANCES, Model(log, pause), num_samples=64, chunk_size=SIZE, checkpoint=folder)
    result.write_text("\n".join(map(bits, explanations)))


def child(*arguments):
    """The number of a process that explains."""
    process = os.fork()
    if not process:
        try:
            explain(*arguments)
            os._exit(0)
        finally:
            os._exit(1)
    return process


def finished(folder):
    """The numbers of the instances in whole files."""
    chunks = [int(path.name.split("-")[1]) for path in folder.glob("part-*.parquet")]
    return {chunk * SIZE + i for chunk in chunks for i in range(SIZE)}


def main(place, moments):
    undisturbed = child(place / "whole", place / "whole.log", place / "whole.txt", 0)
    assert os.waitstatus_to_exitcode(os.waitpid(undisturbed, 0)[1]) == 0
    folder, log, result = place / "parts", place / "parts.log", place / "parts.txt"
    ends, repeated, progress = [], set(), []
    for moment in [*moments, None]:
        done, known = finished(folder), log.read_text().count("\n") if log.exists() else 0
        process = child(folder, log, result, PAUSE)
        if moment is not None:
            time.sleep(moment)
            os.kill(process, signal.SIGKILL)
        ends.append(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
        asked = {int(line) for line in log.read_text().splitlines()[known:]} if log.exists() else set()
        repeated |= asked & done - {0}  # the first one is explained anew to know the model again
        progress.append(len(finished(folder)))
    same = result.read_text() == (place / "whole.txt").read_text()
    print(json.dumps({"ends": ends, "repeated": sorted(repeated), "progress": progress, "same": same}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
