"""A job's fingerprint: its checkpoint's folder keeps it, so that no other job continues there."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from limelight.batch._content_hash import NoContentError, hash_attributes, hash_content
from limelight.exceptions import ArgumentError, ArgumentTypeError

if TYPE_CHECKING:
    from limelight.batch._job import Job

__all__ = ["FORMAT", "Fingerprint", "hash_instances", "take_fingerprint"]

FORMAT = 2
"""The number of the folder's format; folders of the first had none."""

_CHANGE_NOTHING = ("batch_size", "pads_batches")  # of the arguments
_DIGEST_BYTES = 8
_REMEDY = "Give something that has, or a class whose __getstate__ returns what its results depend on; or leave checkpoint= out."


class Fingerprint(NamedTuple):
    """What the finished chunks of a job depend on, the model apart: its answers speak for it.

    Attributes
    ----------
    arguments : dict of str to list of str
        The arguments of the explainer and of the call that change results: each one's text for messages, and its hash.
    explainer : dict of str to str
        The hashes of the explainer's class and of all that it holds, training data included.
    first : str
        The hash of the first instance.
    """

    arguments: dict[str, list[str]]
    explainer: dict[str, str]
    first: str

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that name the job."""
        return blake2b(self.to_json().encode(), digest_size=_DIGEST_BYTES).hexdigest()

    def to_json(self) -> str:
        """All of it as a JSON object."""
        return json.dumps({"format": FORMAT, **self._asdict()}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Fingerprint:
        """Read what `to_json` wrote.

        Raises
        ------
        ArgumentError
            If another version of limelight wrote it.
        AttributeError, LookupError, RecursionError, TypeError, ValueError
            If the text is damaged.
        """
        data = json.loads(text)
        is_of_first_format = "format" not in data and {"arguments", "answers", "weights"} <= data.keys()
        number = 1 if is_of_first_format else data["format"]
        if isinstance(number, int) and number != FORMAT:
            age = "an earlier" if number < FORMAT else "a newer"
            raise ArgumentError(
                f"was made by {age} version of limelight (format {number}; this one has {FORMAT}). Give another folder, or use "
                "that version."
            )
        arguments = {name: [str(part) for part in (shown, digest)] for name, (shown, digest) in data["arguments"].items()}
        explainer = {name: str(digest) for name, digest in data["explainer"].items()}
        return cls(arguments, explainer, str(data["first"]))

    def check_same(self, stored: Fingerprint, folder: str) -> None:
        """Refuse a checkpoint's folder that belongs to another job.

        Parameters
        ----------
        stored : Fingerprint
            The folder's.
        folder : str
            The folder's name for the error.

        Raises
        ------
        ArgumentError
            If it belongs to another job.
        """
        problem = None
        if changed := _differing(stored.arguments, self.arguments):
            old, new = (
                {name: group.get(name, ["nothing", ""]) for name in changed} for group in (stored.arguments, self.arguments)
            )
            changes = "; ".join(
                f"{name} was {old[name][0]} and is {new[name][0]}"
                if old[name][0] != new[name][0]
                else f"{name} is {new[name][0]}, but with another content"
                for name in changed[:3]
            )
            problem = f"belongs to a job with other arguments: {changes}"
        elif changed := _differing(stored.explainer, self.explainer):
            names = ", ".join(name.lstrip("_") for name in changed[:5])
            problem = f"was made with another explainer or training data: its {names} differ"
        elif stored.first != self.first:
            problem = "was made for other instances: the first one differs"
        if problem:
            raise ArgumentError(f"checkpoint={folder!r} {problem}. Give another folder.")


def take_fingerprint(job: Job, explainer: object, first: Any, chunk_size: int) -> Fingerprint:
    """Take a job's fingerprint.

    Parameters
    ----------
    job : Job
        The job.
    explainer : object
        Who explains; its attribute `options` counts as arguments.
    first : object
        The first instance.
    chunk_size : int
        How many instances a chunk has.

    Raises
    ------
    ArgumentTypeError
        If the job was given something that has no content.
    """
    options: Any = getattr(explainer, "options")  # noqa: B009
    version = str(sys.modules["limelight"].__version__)
    given = {"limelight": version, **vars(options), **vars(job.request), "chunk_size": chunk_size}
    arguments: dict[str, list[str]] = {}
    for name, value in given.items():
        if name not in _CHANGE_NOTHING:
            try:
                arguments[name] = [_describe(value), hash_content(value)]
            except NoContentError as error:
                raise ArgumentTypeError(
                    f"{name} must have a content that a checkpoint can know: it {error}. {_REMEDY}"
                ) from error
    try:
        hashes = hash_attributes(explainer)
    except NoContentError as error:
        raise ArgumentTypeError(
            f"an explainer must have a content that a checkpoint can know: its {error}. {_REMEDY}"
        ) from error
    hashes.pop("options", None)
    return Fingerprint(arguments, hashes, hash_instances([first]))


def hash_instances(instances: Sequence[Any]) -> str:
    """The hash of the instances' contents: 16 hexadecimal digits. Rows given as mappings are equal in any order of columns.

    Raises
    ------
    ArgumentTypeError
        If an instance has no content.
    """
    try:
        return hash_content([_in_order(instance) for instance in instances])[: 2 * _DIGEST_BYTES]
    except NoContentError as error:
        raise ArgumentTypeError(f"instances must have contents to be kept in a checkpoint: one {error}. {_REMEDY}") from error


def _in_order(instance: Any) -> Any:
    return dict(sorted(instance.items(), key=lambda item: str(item[0]))) if type(instance) is dict else instance


def _describe(value: object) -> str:
    """An argument as a short text, without its address in memory."""
    return f"{re.sub(' at 0x[0-9a-fA-F]+', '', getattr(value, '__qualname__', repr(value)))!r:.60}"


def _differing(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    return [name for name in {**old, **new} if old.get(name) != new.get(name)]
