"""The list of a report: the entries that a page has room for, as data for its script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from limelight.collection.explanations import Explanations
from limelight.collection.failure import Failure
from limelight.renderers._templates import ScriptData
from limelight.renderers.reports._answers import Answer
from limelight.renderers.reports._blanks import make_blank
from limelight.renderers.reports._entries import Data, EntryWriter
from limelight.results.explanation import Explanation

__all__ = ["EntryList", "list_entries"]

_MOST_LEFT_OUT = 10  # stop after this many entries that did not fit; a smaller one may still fit after a large one
_ENTRIES_AT_ONCE = 2_000


@dataclass(frozen=True)
class EntryList:
    """The list: its data, blank explanations for the script to fill in, and the number of entries."""

    data: ScriptData
    blanks: tuple[Data, ...]
    count: int


def list_entries(
    explanations: Explanations, answers: Sequence[Answer | None], truths: Sequence[str | None], picked: Iterable[int]
) -> EntryList:
    """Write the entries that fit on the page; those that were picked, have failed or are misclassified take precedence.

    Parameters
    ----------
    explanations : Explanations
        The whole set; objects are made only for the list, and for a few entries that do not fit.
    answers : sequence of Answer or None
        The model's answers.
    truths : sequence of str or None
        The true labels.
    picked : iterable of int
        The positions of the picks.
    """
    urgent = {i for i, (answer, truth) in enumerate(zip(answers, truths, strict=True)) if not answer or answer.is_wrong(truth)}
    urgent |= set(picked)
    order = [*sorted(urgent), *(i for i in range(len(answers)) if i not in urgent)]
    items, writer = explanations.items, EntryWriter()
    listed: dict[int, Data] = {}
    left_out = 0
    for i, entry in _read_entries(explanations, order):
        data = writer.write(int(items[i]), entry, answers[i], truths[i])
        if data is not None:
            listed[i] = data
            continue
        left_out += 1
        if left_out == _MOST_LEFT_OUT:
            break
    script_data = ScriptData({"words": list(writer.words), "entries": [listed[i] for i in sorted(listed)]})
    return EntryList(script_data, tuple(make_blank(*kinds) for kinds in writer.blanks), len(listed))


def _read_entries(explanations: Explanations, order: Sequence[int]) -> Iterator[tuple[int, Explanation | Failure]]:
    for start in range(0, len(order), _ENTRIES_AT_ONCE):
        positions = order[start : start + _ENTRIES_AT_ONCE]
        yield from zip(positions, explanations[positions], strict=True)
