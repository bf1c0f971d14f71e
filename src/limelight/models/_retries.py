"""What is done after a call that failed: whether it is tried again, and when."""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import Any

__all__ = ["LONGEST_WAIT_SECONDS", "choose_wait", "is_final", "read_retry_after"]

LONGEST_WAIT_SECONDS = 600.0
"""A service that asks for a longer wait is not waited for."""

_FIRST_WAIT_SECONDS = 0.5  # after the first failure; twice as long after each further one
_MOST_WAIT_SECONDS = 30.0
_FINAL_STATUSES = range(400, 500)  # what was asked for is refused, and will be
_PASSING_STATUSES = (408, 409, 423, 425, 429)  # of these: a timeout, a conflict, a lock, too early, too many


def is_final(error: BaseException) -> bool:
    """Whether a call would fail in the same way again: the service refuses it, or the error is no `Exception`.

    The status is read from an error of any HTTP client: ``error.response.status_code``, ``status_code``, ``status`` or
    ``code``.
    """
    if not isinstance(error, Exception):
        return True
    places = [(_look_up(error, "response"), ("status_code", "status")), (error, ("status_code", "status", "code"))]
    statuses = [_look_up(holder, name) for holder, names in places for name in names]
    status = next((status for status in statuses if isinstance(status, int) and not isinstance(status, bool)), None)
    return status in _FINAL_STATUSES and status not in _PASSING_STATUSES


def read_retry_after(error: BaseException) -> float | None:
    """The seconds that a service asks to wait, from the header Retry-After of an error's response; None without one.

    It may be a number of seconds or a date (RFC 9110, section 10.2.3); some services give milliseconds in
    ``retry-after-ms``. An attribute ``retry_after`` of the error itself is seconds, too.

    Examples
    --------
    >>> from limelight.models._retries import read_retry_after
    >>> class TooMany(Exception):
    ...     headers = {"Retry-After": "2"}
    >>> read_retry_after(TooMany()), read_retry_after(ValueError())
    (2.0, None)
    """
    for holder in (_look_up(error, "response"), error):
        headers = _look_up(holder, "headers")
        by_name: dict[str, Any] = {}
        with suppress(Exception):  # whatever it is, it may be no mapping
            by_name = {str(name).lower(): value for name, value in headers.items()}
        milliseconds = _read_seconds(by_name.get("retry-after-ms"))
        if milliseconds is not None:
            return milliseconds / 1000
        seconds = _read_seconds(by_name.get("retry-after"))
        if seconds is not None:
            return seconds
    return _read_seconds(_look_up(error, "retry_after"))


def _look_up(holder: object, name: str) -> Any:
    """An attribute of an error of any class; None where there is none, or it cannot be read."""
    try:
        return getattr(holder, name, None)
    except Exception:
        return None


def _read_seconds(value: Any) -> float | None:
    """A header's value as seconds from now; None if it has none."""
    if value is None or isinstance(value, bool):
        return None
    with suppress(TypeError, ValueError):
        seconds = float(value)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    with suppress(TypeError, ValueError):
        moment = parsedate_to_datetime(value)
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    return None


def choose_wait(num_failures: int, key: bytes) -> float:
    """The seconds to wait after the latest of some failures: exponential, and spread by the input's key.

    Without a spread, all inputs that failed together would come back together. The key stands in for a random number.
    """
    digest = blake2b(key + b"%d" % num_failures, digest_size=4).digest()
    spread = 0.5 + 0.5 * int.from_bytes(digest, "little") / 2**32
    return spread * min(_MOST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2.0 ** min(num_failures - 1, 30))
