"""How far to trust an explanation, in a word and a sentence made from its figures."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from limelight.results._notice import Notice
from limelight.results._surrogate import Surrogate
from limelight.results.views import TextView, View

__all__ = ["Verdict", "judge"]

_GOOD_FIDELITY, _LEAST_FIDELITY = 0.7, 0.25
_MOST = 0.5  # of what the model does: a list that explains less explains "only" so much
_LEAST_WRITTEN = 0.005  # less is less than 1 %
_CONTRADICTED = "prior_contradicted"
_FAIR_FAULTS = {"fair_fidelity", "not_converged", "uncertain_list", _CONTRADICTED}
_NOUNS = {"table": "column", "image": "superpixel", "volume": "supervoxel", "series": "segment"}


@dataclass(frozen=True)
class Verdict:
    """How far to trust what an explanation says of one label.

    Attributes
    ----------
    level : {"good", "fair", "poor"}
        It is poor if there is an alert, if the fidelity is below .25 or not known, or if no weight has an interval. It is good
        if the fidelity is at least .7, the weights have converged, each reported component truly is among the heaviest with
        a probability of 95 % or more, and the model does not contradict a prior. Otherwise it is fair.
    text : str
        A sentence: how much of the model the list explains, how certain its order is, and whether the model contradicts a
        prior.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> explanation = TextExplainer().explain_instance("a good film", lambda texts: ["good" in text for text in texts])
    >>> explanation.verdict().level
    'good'
    """

    LEAST_CERTAINTY: ClassVar[float] = 0.95
    """The probability from which on a component belongs on the list."""
    EXACT_DESIGNS: ClassVar[tuple[str, ...]] = ("enumeration", "exact")
    """The designs whose weights need no intervals."""

    level: Literal["good", "fair", "poor"]
    text: str

    @staticmethod
    def find_faults(
        fidelity: float, *, notices: Iterable[tuple[str, str]], has_intervals: bool, converged: bool, is_certain: bool
    ) -> tuple[str, ...]:
        """What keeps a verdict from being good, from its figures; nothing where it is good.

        Parameters
        ----------
        fidelity : float
            The surrogate's; NaN where it is not known.
        notices : iterable of (str, str)
            The codes and levels of the explanation's notices.
        has_intervals : bool
            Whether a weight has an interval, or is exact.
        converged : bool
            Whether the weights have converged.
        is_certain : bool
            Whether each reported component belongs on the list with a probability of at least `LEAST_CERTAINTY`.

        Returns
        -------
        faults : tuple of str
            The alerts' codes, "low_fidelity" (below .25 or not known) and "no_intervals", which make it poor; and
            "fair_fidelity" (below .7), "not_converged", "uncertain_list" and "prior_contradicted", which make it fair.

        Examples
        --------
        >>> from limelight import Verdict
        >>> faults = Verdict.find_faults(0.5, notices=[], has_intervals=True, converged=False, is_certain=True)
        >>> faults, Verdict.level_of(faults)
        (('fair_fidelity', 'not_converged'), 'fair')
        """
        notices = list(notices)
        faults = dict.fromkeys(code for code, level in notices if level == "alert")
        if not fidelity >= _LEAST_FIDELITY:
            faults["low_fidelity"] = None
        if not has_intervals:
            faults["no_intervals"] = None
        if _LEAST_FIDELITY <= fidelity < _GOOD_FIDELITY:
            faults["fair_fidelity"] = None
        if not converged:
            faults["not_converged"] = None
        if not is_certain:
            faults["uncertain_list"] = None
        if any(code == _CONTRADICTED for code, _ in notices):
            faults[_CONTRADICTED] = None
        return tuple(faults)

    @staticmethod
    def level_of(faults: Iterable[str]) -> Literal["good", "fair", "poor"]:
        """The level that `find_faults`' answer means."""
        faults = set(faults)
        if faults - _FAIR_FAULTS:
            return "poor"
        return "fair" if faults else "good"

    def __str__(self) -> str:
        """The level and the sentence."""
        return f"{self.level.capitalize()}: {self.text}"


Verdict.__module__ = "limelight"  # where users import it from


def judge(surrogate: Surrogate, view: View, notices: Iterable[Notice], *, is_exact: bool, converged: bool) -> Verdict:
    """The verdict on one surrogate.

    Parameters
    ----------
    surrogate : Surrogate
    view : View
        What was explained.
    notices : iterable of Notice
        What a reader should know of the explanation.
    is_exact, converged : bool
        Of the explanation.
    """
    text = _say_what_is_explained(surrogate, view)
    if surrogate.components:
        text += f"; {_say_order(surrogate, is_exact=is_exact)}"
    notices = list(notices)
    if any(notice.code == _CONTRADICTED for notice in notices):
        text += "; but the model contradicts the prior"
    return Verdict(_find_level(surrogate, notices, is_exact=is_exact, converged=converged), f"{text}.")


def _find_level(
    surrogate: Surrogate, notices: Iterable[Notice], *, is_exact: bool, converged: bool
) -> Literal["good", "fair", "poor"]:
    return Verdict.level_of(
        Verdict.find_faults(
            surrogate.fidelity,
            notices=[(notice.code, notice.level) for notice in notices],
            has_intervals=is_exact or any(map(math.isfinite, surrogate.lows)),
            converged=converged,
            is_certain=is_exact or all(probability >= Verdict.LEAST_CERTAINTY for probability in surrogate.top_probabilities),
        )
    )


def _say_what_is_explained(surrogate: Surrogate, view: View) -> str:
    count = len(surrogate.components)
    noun = view.unit if isinstance(view, TextView) else _NOUNS.get(view.kind, "component")
    if not count:
        return "no component was reported"
    listed = f"this {noun} explains" if count == 1 else f"these {count} {noun}s explain"
    fidelity = surrogate.fidelity
    if math.isnan(fidelity):
        return f"how much of what the model does nearby {listed} is not known"
    if fidelity <= 0:
        return f"{listed} nothing of what the model does nearby"
    only = "only " if _LEAST_WRITTEN <= fidelity < _MOST else ""
    return f"{listed} {only}{_write_share(fidelity)} of what the model does nearby"


def _write_share(fidelity: float) -> str:
    """A share in per cent; only one that is whole is 100 %, and only nothing is 0 %."""
    if fidelity > 1 - 1e-9:
        return "100 %"
    if fidelity < _LEAST_WRITTEN:
        return "less than 1 %"
    return f"{min(99.9, 100 * fidelity):.{3 if fidelity > 0.99 else 2}g} %"


def _say_order(surrogate: Surrogate, *, is_exact: bool) -> str:
    if is_exact:
        return "the weights are exact" if len(surrogate.components) > 1 else "its weight is exact"
    if any(map(math.isnan, surrogate.top_probabilities)):
        return "how certain their order is, is not known"
    places = zip(surrogate.best_ranks, surrogate.worst_ranks, strict=True)
    are_certain = [best == worst == place for place, (best, worst) in enumerate(places, start=1)]
    uncertain = [place for place, is_certain in enumerate(are_certain, start=1) if not is_certain]
    doubtful = [
        place
        for place, probability in enumerate(surrogate.top_probabilities, start=1)
        if not probability >= Verdict.LEAST_CERTAINTY
    ]
    if not uncertain:
        return "all ranks are certain" if len(are_certain) > 1 else "it is certain to weigh most"
    certain = [place for place in range(1, len(are_certain) + 1) if place not in uncertain]
    swapping = [place for place in uncertain if place not in doubtful]
    parts = []
    if certain:
        parts.append(f"{_ranks(certain)} {'is' if len(certain) == 1 else 'are'} certain")
    if swapping:
        among_themselves = all(
            swapping[0] <= surrogate.best_ranks[place - 1] and surrogate.worst_ranks[place - 1] <= swapping[-1]
            for place in swapping
        )
        is_run = len(swapping) > 1 and swapping[-1] - swapping[0] == len(swapping) - 1
        state = "may swap" if is_run and among_themselves else f"{'is' if len(swapping) == 1 else 'are'} not"
        state += "" if certain or state == "may swap" else " certain"
        parts.append(f"{_ranks(swapping, is_first=not certain)} {state}")
    if doubtful:
        heaviest = "the heaviest" if len(are_certain) == 1 else f"among the {len(are_certain)} heaviest"
        parts.append(f"{_ranks(doubtful, is_first=not parts)} may not be {heaviest}")
    return ", ".join(parts)


def _ranks(places: list[int], *, is_first: bool = True) -> str:
    """Places in words, runs of them by their ends.

    Examples
    --------
    >>> from limelight.results.verdict import _ranks
    >>> _ranks([1, 2, 3, 4, 6]), _ranks([5], is_first=False)
    ('ranks 1 to 4 and 6', '5')
    """
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    texts = [f"{run[0]} to {run[-1]}" if len(run) > 2 else " and ".join(map(str, run)) for run in runs]
    *first, last = texts
    listed = f"{', '.join(first)} and {last}" if first else last
    return f"{'ranks' if len(places) > 1 else 'rank'} {listed}" if is_first else listed
