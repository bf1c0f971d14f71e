"""Jobs and chunks as bytes, for workers in other processes and machines."""

from __future__ import annotations

import pickle
from functools import lru_cache
from typing import Any

from limelight.exceptions import ArgumentTypeError, describe_error, is_interruption

__all__ = ["deserialize", "deserialize_job", "serialize"]


def serialize(value: Any) -> bytes:
    """Turn a job or a chunk into bytes; functions of the user's script are included.

    Raises
    ------
    ArgumentTypeError
        If it cannot be sent to other processes.
    """
    import joblib

    try:
        return pickle.dumps(joblib.wrap_non_picklable_objects(value, keep_wrapper=False))
    except ArgumentTypeError:
        raise
    except BaseException as error:  # any class may fail to be pickled in its own way
        if is_interruption(error):
            raise
        raise ArgumentTypeError(
            f"the model, the explainer or an instance cannot be sent to other processes ({describe_error(error)}); "
            'use engine="threads" or "serial", which send nothing.'
        ) from error


def deserialize(data: bytes) -> Any:
    """Turn bytes from `serialize` back into the object; they come from the user's own process."""
    return pickle.loads(data)


@lru_cache(maxsize=1)
def deserialize_job(data: bytes) -> Any:
    """Turn bytes back into a job: the same object until this process is given another one's bytes."""
    return deserialize(data)
