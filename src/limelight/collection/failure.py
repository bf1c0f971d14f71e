"""The entry of an instance that could not be explained."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Failure"]


@dataclass(frozen=True)
class Failure:
    """Why one of many instances has no explanation.

    Attributes
    ----------
    error : str
        The name of the exception's class.
    message : str
        What the exception said.

    Examples
    --------
    >>> from limelight import Failure
    >>> Failure.of(ValueError("no words"))
    Failure(error='ValueError', message='no words')
    """

    error: str
    message: str

    @classmethod
    def of(cls, exception: BaseException) -> Failure:
        """Make a failure of an exception."""
        return cls(type(exception).__name__, str(exception))


Failure.__module__ = "limelight"  # where users import it from
