"""Random streams that depend on what is explained, never on what was explained before.

Every stream is seeded with the explainer's seed and a fingerprint of what it is drawn for. So the same instance gets the same
perturbations whatever the order of the calls, and no two calls share a generator.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from limelight.exceptions import ArgumentError, ArgumentTypeError

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = ["fingerprint", "read_random_state", "stream"]


def read_random_state(random_state: object) -> int:
    """Turn a user's ``random_state`` into one non-negative integer, once.

    Parameters
    ----------
    random_state : int, None, numpy.random.Generator or numpy.random.RandomState
        An int is used as it is. None takes fresh entropy from the operating system. From a generator, one number is drawn.

    Examples
    --------
    >>> from limelight._seeds import read_random_state
    >>> read_random_state(7)
    7
    """
    if random_state is None:
        entropy = np.random.SeedSequence().entropy
        assert isinstance(entropy, int)
        return entropy
    if isinstance(random_state, bool):
        raise ArgumentTypeError(f"random_state must be an int, None or a numpy Generator; got {random_state!r}.")
    if isinstance(random_state, (int, np.integer)):
        if random_state < 0:
            raise ArgumentError(f"random_state must be at least 0; got {random_state}.")
        return int(random_state)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**63))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    raise ArgumentTypeError(f"random_state must be an int, None or a numpy Generator; got {type(random_state).__name__}.")


def fingerprint(*contents: str | bytes | np.ndarray) -> int:
    """A 128-bit number that depends on the contents alone, not on the process or its hash seed.

    Examples
    --------
    >>> from limelight.extend import fingerprint
    >>> fingerprint("one text") == fingerprint("one text"), fingerprint("a", "bc") == fingerprint("ab", "c")
    (True, False)
    """
    digest = blake2b(digest_size=16)
    for content in contents:
        if isinstance(content, str):
            content = content.encode("utf-8", "surrogatepass")
        elif not isinstance(content, bytes):
            if not isinstance(content, np.ndarray) or content.dtype.hasobject:  # the bytes of objects are their addresses
                raise ArgumentTypeError(f"a fingerprint is made from texts, bytes and arrays of numbers; got {content!r:.60}.")
            digest.update(f"{content.dtype.str}{content.shape}".encode())
            content = np.ascontiguousarray(content).tobytes()
        digest.update(len(content).to_bytes(8, "little"))
        digest.update(content)
    return int.from_bytes(digest.digest(), "little")


def stream(*keys: int) -> Generator:
    """A new random generator, seeded with these non-negative integers.

    Examples
    --------
    >>> from limelight._seeds import stream
    >>> stream(0, 5).random() == stream(0, 5).random(), stream(0, 5).random() == stream(5, 0).random()
    (True, False)
    """
    # SeedSequence joins a list's integers end to end, so that [1, 0] would be [1]: the lengths make the keys distinct.
    words = [word for key in keys for word in (key.bit_length(), key)]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))
