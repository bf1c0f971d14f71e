"""Which seed an explanation's perturbations come from: the state of lime's random numbers decides, as in lime.

A row's first explanation uses the explainer's own seed, so that rows share what is drawn. The same row again draws afresh, and
a state that the program has set again gives the same explanations again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from limelight._seeds import fingerprint

__all__ = ["Draws"]


class Draws:
    """The seeds of one explainer's explanations.

    Between two calls the program may have set, or used, the random numbers that the explainer was given. Then their state
    is not what the last call left, and a new round begins with the seed that this state gives. Otherwise the round goes on.
    """

    def __init__(self) -> None:
        self._left: int | None = None
        self._seed = 0
        self._counts: Counter[int] = Counter()

    def seed_for(self, owners: Sequence[Any], instance: int) -> tuple[int, bool]:
        """The seed for an instance with this fingerprint, and whether it is the round's own.

        `owners` are the objects whose ``random_state`` counts.
        """
        state = _fingerprint_states(owners)
        if state != self._left:
            self._seed = state
            self._counts.clear()
        count = self._counts[instance]
        self._counts[instance] += 1
        return (self._seed, True) if count == 0 else (fingerprint(f"{self._seed} {count}"), False)

    def advance(self, owners: Sequence[Any]) -> None:
        """Use one random number of the first of them, as a trace that something was drawn."""
        owners[0].random_state.randint(2**31)
        self._left = _fingerprint_states(owners)


def _fingerprint_states(owners: Sequence[Any]) -> int:
    """The states of all distinct generators."""
    generators = {id(owner.random_state): owner.random_state for owner in owners}
    return fingerprint(*(part for generator in generators.values() for part in _list_parts(generator)))


def _list_parts(generator: Any) -> Iterator[str | np.ndarray]:
    state = generator.get_state(legacy=False)
    if "key" in state["state"]:
        yield state["state"].pop("key")
    yield repr(state)
