"""The entry of an instance that could not be explained."""

from __future__ import annotations

from dataclasses import dataclass, field

from limelight.exceptions import name_class, read_message, timeout_in

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

    @property
    def timeout(self) -> float | None:
        """The seconds after which ``timeout=`` stopped the explanation; None where it was not stopped.

        Examples
        --------
        >>> from limelight import Failure
        >>> Failure("ModelError", "the explanation took longer than timeout=2.5 seconds.").timeout
        2.5
        """
        return timeout_in(self.message)

    def __repr__(self) -> str:
        identity = "" if self.id is None else f", id={self.id!r}"
        return f"Failure(error={self.error!r}, message={self.message!r}{identity})"


Failure.__module__ = "limelight"  # where users import it from
