"""Representative explanations of a data set (SP-LIME), under lime's name."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

__all__ = ["SubmodularPick"]


class SubmodularPick:
    """Explains many instances and picks those that together show most.

    Parameters
    ----------
    explainer : LimeTabularExplainer or LimeTextExplainer
        What explains.
    data : sequence, ndarray or frame
        The instances.
    predict_fn : callable
        The model.
    method : {"sample", "full"}, default "sample"
        Whether a sample of the instances is explained, or all. The explainer's random numbers draw it.
    sample_size : int, default 1000
        How many, of a sample.
    num_exps_desired : int, default 5
        How many to pick.
    num_features : int, default 10
        The largest number of components in each list.
    **kwargs
        Further arguments of ``explain_instance``; ``top_labels`` is 1 unless it is given.

    Attributes
    ----------
    explanations : list of Explanation
        All.
    sp_explanations : list of Explanation
        Those that were picked, the one that shows most first.
    V : list of int
        Their places in `explanations`.
    sample_indices : ndarray of int
        The place in the data of each of `explanations`.

    Raises
    ------
    ValueError
        If the method is unknown.

    Notes
    -----
    A component covers what it weighs, the root of its absolute weights' sum over all explanations (Ribeiro et al., KDD 2016,
    section 4). Weights of several labels of one instance are added by their sizes, so that those of two classes do not cancel.
    """

    def __init__(
        self,
        explainer: Any,
        data: Any,
        predict_fn: Any,
        method: str = "sample",
        sample_size: int = 1000,
        num_exps_desired: int = 5,
        num_features: int = 10,
        **kwargs: Any,
    ) -> None:
        if method not in ("sample", "full"):
            raise ValueError(f"Method must be 'sample' or 'full'; got {method!r}.")
        rows = data.to_numpy() if hasattr(data, "to_numpy") else data
        self.sample_indices = np.arange(len(rows))
        if method == "sample":
            if sample_size > len(rows):
                warnings.warn("Requested sample size larger than size of input data. Using all data.", stacklevel=2)
            self.sample_indices = explainer.random_state.permutation(len(rows))[:sample_size]
        count = int(num_exps_desired)
        arguments = {"num_features": num_features, "top_labels": 1, **kwargs}
        self.explanations = [explainer.explain_instance(rows[place], predict_fn, **arguments) for place in self.sample_indices]
        if count > len(self.explanations):
            warnings.warn(
                "Requested number of explanations larger than total number of explanations, returning all explanations "
                "instead.",
                stacklevel=2,
            )
        self.V = _pick_greedily(_list_sizes(self.explanations), min(count, len(self.explanations)))
        self.sp_explanations = [self.explanations[place] for place in self.V]


def _list_sizes(explanations: list[Any]) -> np.ndarray:
    """The size of each component's weights, of shape (n, d), by what components are called."""
    columns: dict[str, int] = {}
    entries = []
    for place, explanation in enumerate(explanations):
        labels = explanation.available_labels() if explanation.mode == "classification" else [explanation.dummy_label]
        for label in labels:
            for name, weight in explanation.as_list(label=label):
                entries.append((place, columns.setdefault(name, len(columns)), abs(weight)))
    sizes = np.zeros((len(explanations), len(columns)))
    for place, column, size in entries:
        sizes[place, column] += size
    return sizes


def _pick_greedily(sizes: np.ndarray, count: int) -> list[int]:
    """At each step the explanation that adds most; of equals the last, as in lime."""
    importance, covers = np.sqrt(sizes.sum(axis=0)), sizes > 0
    is_covered = np.zeros(sizes.shape[1], dtype=bool)
    picked: list[int] = []
    for _ in range(count):
        gains = (covers & ~is_covered) @ importance
        gains[picked] = -1.0
        best = len(gains) - 1 - int(np.argmax(gains[::-1]))
        picked.append(best)
        is_covered |= covers[best]
    return picked
