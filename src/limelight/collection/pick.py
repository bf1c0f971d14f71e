"""The few explanations that show most of what a model goes by: SP-LIME, and random picks to compare it with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from limelight._checks import check_count
from limelight._seeds import fingerprint, read_random_state, stream
from limelight.collection.explanations import Explanations
from limelight.collection.weights import Weights, read_weights

if TYPE_CHECKING:
    from numpy.random import Generator
    from scipy import sparse

    from limelight.collection.arrow import Entry

__all__ = ["Pick", "random_pick", "submodular_pick"]

NEGLIGIBLE = 1e-12  # of an explanation's heaviest weight: rounding, not a weight
UNITS = 2.0**44  # into which the whole importance is divided, so that sums are exact and equal gains are equal
SHOWN = 4  # features of a pick in a repr


@dataclass(frozen=True, repr=False)
class Pick:
    """Some of many explanations, in the order in which they were picked, and what each of them adds.

    Attributes
    ----------
    positions : tuple of int
        Where they stand in the explanations that were picked from.
    gains : tuple of float
        The importance of the features that each one is the first to report.
    coverage : tuple of float
        The share of all features' importance that is covered after each pick: the coverage curve.
    reasons : tuple of tuples of (str, float)
        For each pick the features that no pick before it reports, with their importance, heaviest first.
    explanations : Explanations
        The picks themselves.
    """

    positions: tuple[int, ...]
    gains: tuple[float, ...]
    coverage: tuple[float, ...]
    reasons: tuple[tuple[tuple[str, float], ...], ...]
    explanations: Explanations = field(compare=False)

    def __len__(self) -> int:
        return len(self.positions)

    def __repr__(self) -> str:
        lines = [f"Pick of {len(self)} explanations", "position  covered  new"]
        for position, covered, reasons in zip(self.positions, self.coverage, self.reasons, strict=True):
            new = ", ".join(f"{feature!r} {importance:.3g}" for feature, importance in reasons[:SHOWN])
            more = f" and {len(reasons) - SHOWN} more" if len(reasons) > SHOWN else ""
            lines.append(f"{position:8}  {covered:7.1%}  {new or 'nothing'}{more}")
        return "\n".join(lines)


def submodular_pick(
    explanations: Explanations | Iterable[Entry],
    num_picks: int = 5,
    *,
    label: int | str | None = None,
    by: str = "name",
    candidates: int | None = None,
    random_state: int | Generator | None = 0,
) -> Pick:
    """A few explanations that together show what the model goes by: SP-LIME, algorithm 2 of the paper [1]_.

    With W the absolute weights, a row for each explanation and a column for each feature, a feature's importance is
    I_j = sqrt(sum_i W_ij), and a set of explanations covers the sum of the importance of all features that at least one of
    them reports. One after the other, the explanation is picked that adds most to what is covered; where several add as much,
    the first of them. That covers at least 1 - 1/e of what the best choice of as many could. When all is covered, the first
    ones that are left follow, with a gain of 0.

    Parameters
    ----------
    explanations : Explanations, or iterable of Explanation
        Of many instances, in memory or in files. What failed, or has not the label, is not picked.
    num_picks : int
        How many; fewer where there are not as many.
    label : int or str, optional
        An output's number or name; "all" for every explained label, added up. By default each explanation's default label.
    by : {"name", "feature"}
        What is to be covered: every name of a component, such as each bin of each column, and each word; or only the columns.
    candidates : int, optional
        Pick from so many explanations, drawn at random; the importance is still that in all of them. By default from all.
    random_state : int, None or Generator
        What the candidates are drawn with; an int always draws the same ones.

    Returns
    -------
    pick : Pick

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If an argument is not one of those allowed.
    LabelError
        If no explanation has that label.

    Notes
    -----
    A weight below 1e-12 of its explanation's heaviest covers nothing: it is rounding. Nor does one that is not finite. The
    importance is rounded to 2^-44 of its sum, so that gains are added without error and ties are ties. Gains are kept up to
    date instead of being computed anew for each candidate: when a feature is covered, it is taken off the gains of the
    explanations that report it, once. For all picks together these are no more steps than there are weights, and the picks are
    those of plain and of lazy greedy [2]_.

    References
    ----------
    .. [1] M. T. Ribeiro, S. Singh, C. Guestrin, "Why Should I Trust You?", KDD 2016, section 4.
    .. [2] J. Leskovec et al., "Cost-effective outbreak detection in networks", KDD 2007, section 3.1.

    Examples
    --------
    >>> from limelight import TextExplainer, submodular_pick
    >>> explainer = TextExplainer()
    >>> def model(texts):
    ...     return [("good" in text) - ("bad" in text) for text in texts]
    >>> texts = ("so so", "good film", "good", "bad film", "bad actors")
    >>> pick = submodular_pick([explainer.explain_instance(text, model) for text in texts], 2)
    >>> pick.positions
    (1, 4)
    >>> pick.reasons[1][0][0]
    'bad'
    """
    num_picks = check_count("num_picks", num_picks, 1)
    explanations = _collected(explanations)
    weights = read_weights(explanations, label, by)
    allowed = np.flatnonzero(weights.explained)
    if candidates is not None and check_count("candidates", candidates, 1) < len(allowed):
        drawn = _stream(random_state, "candidates", weights).choice(len(allowed), candidates, replace=False)
        allowed = np.sort(allowed[drawn])
    matrix, importance = _coverage(weights)
    return _pick(explanations, weights, matrix, importance, _greedy(matrix, importance, allowed, num_picks))


def random_pick(
    explanations: Explanations | Iterable[Entry],
    num_picks: int = 5,
    *,
    label: int | str | None = None,
    by: str = "name",
    random_state: int | Generator | None = 0,
) -> Pick:
    """Some explanations drawn at random, and what they cover: the paper's baseline RP [1]_.

    Parameters
    ----------
    explanations, num_picks, label, by
        As `submodular_pick` takes them.
    random_state : int, None or Generator
        What they are drawn with; an int always draws the same ones, and the first of many are those of few.

    Returns
    -------
    pick : Pick

    References
    ----------
    .. [1] M. T. Ribeiro, S. Singh, C. Guestrin, "Why Should I Trust You?", KDD 2016, section 5.3.

    Examples
    --------
    >>> from limelight import TextExplainer, random_pick
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> random_pick([explanation] * 3, 2).coverage
    (1.0, 1.0)
    """
    num_picks = check_count("num_picks", num_picks, 1)
    explanations = _collected(explanations)
    weights = read_weights(explanations, label, by)
    order = _stream(random_state, "random pick", weights).permutation(np.flatnonzero(weights.explained))
    return _pick(explanations, weights, *_coverage(weights), order[:num_picks].tolist())


def _collected(explanations: Explanations | Iterable[Entry]) -> Explanations:
    return explanations if isinstance(explanations, Explanations) else Explanations.of(explanations)


def _stream(random_state: object, purpose: str, weights: Weights) -> Generator:
    return stream(read_random_state(random_state), fingerprint(purpose, weights.explained))


def _coverage(weights: Weights) -> tuple[sparse.csr_array, np.ndarray]:
    """Which explanation reports which feature, and each feature's importance."""
    sizes = np.nan_to_num(np.abs(weights.weights), nan=0.0, posinf=0.0)
    heaviest = np.zeros(len(weights.explained))
    np.maximum.at(heaviest, weights.rows, sizes)
    kept = (sizes > 0) & (sizes >= NEGLIGIBLE * heaviest[weights.rows])
    own = weights._replace(rows=weights.rows[kept], columns=weights.columns[kept])
    importance = np.sqrt(np.bincount(own.columns, sizes[kept], minlength=len(weights.features)))
    return own.matrix(np.ones(len(own.rows), dtype=bool)), importance


def _greedy(matrix: sparse.csr_array, importance: np.ndarray, allowed: Sequence[int] | np.ndarray, num_picks: int) -> list[int]:
    """The rows that the greedy algorithm picks, the first of those with the highest gain each time."""
    by_feature = matrix.tocsc()
    units = np.rint(importance / (importance.sum() or 1.0) * UNITS)  # whole numbers, whose sums are exact in doubles
    lengths = np.diff(matrix.indptr)
    gains = np.full(matrix.shape[0], -np.inf)
    gains[allowed] = np.bincount(np.repeat(np.arange(len(lengths)), lengths), units[matrix.indices], minlength=len(lengths))[
        allowed
    ]
    covered = np.zeros(len(units), dtype=bool)
    picked: list[int] = []
    count = min(num_picks, len(allowed))
    while len(picked) < count and gains[row := int(np.argmax(gains))] > 0:
        picked.append(row)
        gains[row] = -np.inf
        for feature in matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]:
            if not covered[feature]:
                covered[feature] = True
                gains[by_feature.indices[by_feature.indptr[feature] : by_feature.indptr[feature + 1]]] -= units[feature]
    left = np.flatnonzero(gains == 0)  # not picked yet, and nothing is left to be covered
    return [*picked, *left[: count - len(picked)].tolist()]


def _pick(
    explanations: Explanations, weights: Weights, matrix: sparse.csr_array, importance: np.ndarray, order: list[int]
) -> Pick:
    """Follow the picks in their order, and note what each is the first to report."""
    covered = np.zeros(len(importance), dtype=bool)
    gains, reasons = [], []
    for row in order:
        own = matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]
        new = own[~covered[own]]
        covered[new] = True
        new = new[np.lexsort((new, -importance[new]))]
        gains.append(float(importance[new].sum()))
        reasons.append(tuple((weights.features[feature], float(importance[feature])) for feature in new))
    total = float(importance.sum())
    coverage = np.minimum(np.cumsum(gains) / total, 1.0) if total else np.ones(len(order))
    return Pick(tuple(order), tuple(gains), tuple(coverage.tolist()), tuple(reasons), explanations[order])
