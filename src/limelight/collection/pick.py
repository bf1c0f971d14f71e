"""Picks of a few explanations that together report most of what weighs: SP-LIME, and random ones to compare it with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.random import Generator

from limelight._checks import check_count, own_arithmetic
from limelight._seeds import fingerprint, read_random_state, stream
from limelight.collection.arrow import Entry
from limelight.collection.explanations import Explanations, Pick
from limelight.collection.weights import Weights, read_weights
from limelight.exceptions import with_lime_arguments_named

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["Pick", "random_pick", "submodular_pick"]

_LEAST_SHARE = 1e-12  # of an explanation's heaviest weight; less is rounding
_UNITS = 2.0**44  # that the whole importance is divided into, so that sums are exact and equal gains are equal


@with_lime_arguments_named
@own_arithmetic()
def submodular_pick(
    explanations: Explanations | Iterable[Entry],
    num_picks: int = 5,
    *,
    label: int | str | None = None,
    by: Literal["feature", "name"] = "name",
    candidates: int | None = None,
    random_state: int | Generator | None = 0,
) -> Pick:
    """A few explanations that together show what the model goes by: SP-LIME, algorithm 2 of the paper [1]_.

    Let W be the absolute weights, with a row for each explanation and a column for each feature. The importance of a feature is
    I_j = sqrt(sum_i W_ij). A set of explanations covers the features that at least one of them reports, and what it covers
    is the sum of their importance. Each step picks the explanation that adds most to what is covered, the first of several
    that add equally. Together the picks cover at least 1 - 1/e of what the best choice of the same size covers. When
    everything is covered, the first explanations that are left follow, with a gain of 0.

    Parameters
    ----------
    explanations : Explanations, or iterable of Explanation
        Of many instances, in memory or in files. Failures, and explanations without the label, are not picked.
    num_picks : int
        How many to pick at most.
    label : int or str, optional
        An output's number or name; "all" for every explained label, added up. By default each explanation's default label.
    by : {"name", "feature"}
        What is to be covered: the components' names, such as every bin of a column and every word; or only the columns.
    candidates : int, optional
        How many explanations, drawn at random, to pick from; the importance is still that in all of them. By default all.
    random_state : int, None or Generator
        Draws the candidates; an int always draws the same ones.

    Returns
    -------
    pick : Pick

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If an argument is not allowed.
    LabelError
        If no explanation has that label.

    Notes
    -----
    A weight below 1e-12 of its explanation's heaviest covers nothing, because it is rounding. A weight that is not finite
    covers nothing either. The importance is rounded to multiples of 2^-44 of its sum, so that gains are added without error
    and ties are ties. Gains are kept up to date instead of being computed anew for each candidate: when a feature is covered,
    it is subtracted once from the gains of the explanations that report it. For all picks together this takes no more steps
    than there are weights. The picks are those of plain and of lazy greedy [2]_.

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
    explanations = _collect(explanations)
    weights = read_weights(explanations, label, by)
    allowed = np.flatnonzero(weights.explained)
    if candidates is not None and check_count("candidates", candidates, 1) < len(allowed):
        drawn = _stream(random_state, "candidates", weights).choice(len(allowed), candidates, replace=False)
        allowed = np.sort(allowed[drawn])
    matrix, importance = _measure_features(weights)
    return _describe_pick(explanations, weights, matrix, importance, _pick_greedily(matrix, importance, allowed, num_picks))


@own_arithmetic()
def random_pick(
    explanations: Explanations | Iterable[Entry],
    num_picks: int = 5,
    *,
    label: int | str | None = None,
    by: Literal["feature", "name"] = "name",
    random_state: int | Generator | None = 0,
) -> Pick:
    """A few explanations drawn at random, and what they cover: the paper's baseline RP [1]_.

    Parameters
    ----------
    explanations, num_picks, label, by
        As `submodular_pick` takes them.
    random_state : int, None or Generator
        Draws the explanations. An int always draws the same ones, and a smaller number of picks draws the first of them.

    Returns
    -------
    pick : Pick

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If an argument is not allowed.
    LabelError
        If no explanation has that label.

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
    explanations = _collect(explanations)
    weights = read_weights(explanations, label, by)
    order = _stream(random_state, "random pick", weights).permutation(np.flatnonzero(weights.explained))
    return _describe_pick(explanations, weights, *_measure_features(weights), order[:num_picks].tolist())


def _collect(explanations: Explanations | Iterable[Entry]) -> Explanations:
    return explanations if isinstance(explanations, Explanations) else Explanations.of(explanations)


def _stream(random_state: object, purpose: str, weights: Weights) -> Generator:
    return stream(read_random_state(random_state), fingerprint(purpose, weights.explained))


def _measure_features(weights: Weights) -> tuple[sparse.csr_array, np.ndarray]:
    """Which explanation reports which feature, of shape (explanations, features), and each feature's importance."""
    sizes = np.nan_to_num(np.abs(weights.weights), nan=0.0, posinf=0.0)
    heaviest = np.zeros(len(weights.explained))
    np.maximum.at(heaviest, weights.rows, sizes)
    covers = (sizes > 0) & (sizes >= _LEAST_SHARE * heaviest[weights.rows])
    covering = weights._replace(rows=weights.rows[covers], columns=weights.columns[covers])
    importance = np.sqrt(np.bincount(covering.columns, sizes[covers], minlength=len(weights.features)))
    return covering.matrix(np.ones(len(covering.rows), dtype=bool)), importance


def _pick_greedily(
    matrix: sparse.csr_array, importance: np.ndarray, allowed: Sequence[int] | np.ndarray, num_picks: int
) -> list[int]:
    """The rows that the greedy algorithm picks, each time the first of those with the highest gain."""
    by_feature = matrix.tocsc()
    units = np.rint(importance / (importance.sum() or 1.0) * _UNITS)  # whole numbers, whose sums are exact in doubles
    lengths = np.diff(matrix.indptr)
    gains = np.full(matrix.shape[0], -np.inf)
    gains[allowed] = np.bincount(np.repeat(np.arange(len(lengths)), lengths), units[matrix.indices], minlength=len(lengths))[
        allowed
    ]
    covered = np.zeros(len(units), dtype=bool)
    picked: list[int] = []
    count = min(num_picks, len(allowed))
    rounding = lengths.max(initial=0)  # half a unit for each feature of either of two rows
    while len(picked) < count and (highest := gains.max()) > 0:
        row = int(np.argmax((gains > 0) & (gains >= highest - rounding)))
        picked.append(row)
        gains[row] = -np.inf
        for feature in matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]:
            if not covered[feature]:
                covered[feature] = True
                gains[by_feature.indices[by_feature.indptr[feature] : by_feature.indptr[feature + 1]]] -= units[feature]
    rest = np.flatnonzero(gains == 0)  # not picked yet, and nothing is left to be covered
    return [*picked, *rest[: count - len(picked)].tolist()]


def _describe_pick(
    explanations: Explanations, weights: Weights, matrix: sparse.csr_array, importance: np.ndarray, order: list[int]
) -> Pick:
    """Say what each pick, in their order, is the first to report."""
    covered = np.zeros(len(importance), dtype=bool)
    gains, reasons = [], []
    for row in order:
        reported = matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]
        new = reported[~covered[reported]]
        covered[new] = True
        new = new[np.lexsort((new, -importance[new]))]
        gains.append(float(importance[new].sum()))
        reasons.append(tuple((weights.features[feature], float(importance[feature])) for feature in new))
    total = float(importance.sum())
    coverage = np.minimum(np.cumsum(gains) / total, 1.0) if total else np.ones(len(order))
    return Pick(tuple(order), tuple(gains), tuple(coverage.tolist()), tuple(reasons), explanations[order])


for _function in (random_pick, submodular_pick):
    _function.__module__ = "limelight"  # where users import it from
