"""Functions and services for tests of remote models: they answer, fail, hang and are counted."""

import asyncio
import math
import threading
import time

TEXT = "a good old film that is not bad at all though long and slow in its middle part and loud at the end of it"
TEXTS = [f"text {number}" for number in range(60)]
FILMS = ["good old film", "a bad and slow film", "good and loud"]


def measure(text):
    """A model that bends, of one text."""
    words = text.split()
    return 1 / (1 + math.exp(-(0.8 * ("good" in words) - 0.5 * ("bad" in words) + 0.3 * ("not" in words) * ("long" in words))))


def slow(function):
    """A model that is asked as a remote one is."""
    function.is_slow = True
    return function


@slow
def measure_all(texts):
    """The same of many texts."""
    return [measure(text) for text in texts]


class Refused(Exception):
    """An error as an HTTP client raises it."""

    def __init__(self, status, **headers):
        super().__init__(f"status {status}")
        self.response = type("Response", (), {"status_code": status, "headers": headers})()


class Service:
    """A model that fails, or hangs, the first few times that it is asked about some inputs; calls are counted."""

    def __init__(self, faults=None, seconds=0.0):
        self.faults, self.seconds = dict(faults or {}), seconds
        self.asked, self.at_a_time, self.most_at_a_time, self.moments = [], 0, 0, []
        self._lock = threading.Lock()

    def __call__(self, text):
        with self._lock:
            self.asked.append(text)
            self.moments.append(time.monotonic())
            self.at_a_time += 1
            self.most_at_a_time = max(self.most_at_a_time, self.at_a_time)
            fault = self.faults.get(text, []).pop(0) if self.faults.get(text) else None
        try:
            time.sleep(self.seconds)
            if isinstance(fault, BaseException):
                raise fault
            if fault is not None:
                time.sleep(fault)
            return measure(text)
        finally:
            with self._lock:
                self.at_a_time -= 1


async def wait_and_measure(text):
    await asyncio.sleep(0.001)
    return measure(text)


class Client:
    async def __call__(self, text):
        return measure(text)


class Point:
    def __init__(self, real):
        self.real = real


def same(one, other):
    """Whether two explanations agree to the bit, in all that they say."""
    return one == other and one.to_json() == other.to_json()
