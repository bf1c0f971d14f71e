"""The entry of an instance that could not be explained."""

from __future__ import annotations

from dataclasses import dataclass, field

from limelight.exceptions import name_class, read_message

__all__ = ["Failure"]


@dataclass(frozen=True, repr=False)
class Failure:
    """Why one of many instances has no explanation.

    Attributes
    ----------
    error : str
        The name of the exception's class.
    message : str
        What the exception said.
    id : str or None
        What identifies the instance, as in `Explanation.id`; equal failures may have different ids.

    Examples
    --------
    >>> from limelight import Failure
    >>> Failure.of(ValueError("no words"))
    Failure(error='ValueError', message='no words')
    """

    error: str
    message: str
    id: str | None = field(default=None, compare=False)

    @classmethod
    def of(cls, exception: BaseException, id: str | None = None) -> Failure:
        """Make a failure of an exception.

        Parameters
        ----------
        exception : exception
            What the instance caused.
        id : str, optional
            What identifies the instance.
        """
        return cls(name_class(exception), read_message(exception), id)

    def __repr__(self) -> str:
        identity = "" if self.id is None else f", id={self.id!r}"
        return f"Failure(error={self.error!r}, message={self.message!r}{identity})"


Failure.__module__ = "limelight"  # where users import it from
