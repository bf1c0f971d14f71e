"""Leaves' conditions where several columns make up one component, since they are drawn together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limelight.stages.product_law import Conditions

__all__ = ["Events", "group_conditions"]


@dataclass(frozen=True, eq=False)
class Events(Conditions):
    """Events of components, each of which is that some conditions are met and others not, as conditions on components.

    They have no intervals of their own.

    Attributes
    ----------
    of_columns : Conditions
        All conditions on single columns.
    met, not_met : ndarray of int, of shape (m,)
        The numbers of the conditions that are met, and of narrower ones on the same column that are not, or -1: one pair for
        each column of an event, one event after another.
    first_pairs : ndarray of int, of shape (c,)
        Where those of each event begin.
    """

    of_columns: Conditions
    met: np.ndarray
    not_met: np.ndarray
    first_pairs: np.ndarray


def group_conditions(
    conditions: Conditions, component_of: np.ndarray, leaf_numbers: np.ndarray, met: np.ndarray, not_met: np.ndarray
) -> tuple[Events, np.ndarray, np.ndarray]:
    """The events of leaves, and which leaf has which event, by ascending leaf.

    Parameters
    ----------
    conditions : Conditions
    component_of : ndarray of int, of shape (d,)
        The component of each column.
    leaf_numbers, met, not_met : ndarray of int, of shape (e,)
        Which leaf has which conditions, as for `Events`.

    Returns
    -------
    events : Events
    leaf_numbers, event_numbers : ndarray of int
    """
    components = component_of[conditions.columns[met]]
    order = np.lexsort((not_met, met, components, leaf_numbers))
    leaves, components, members = leaf_numbers[order], components[order], np.stack([met[order], not_met[order]], axis=1)
    starts = np.flatnonzero(np.diff(leaves, prepend=-1).astype(bool) | np.diff(components, prepend=-1).astype(bool))
    counts = np.diff(starts, append=len(leaves))
    # An event is told by its conditions; those with equally many are compared in one go.
    numbers = np.empty(len(starts), dtype=np.intp)
    firsts: list[np.ndarray] = []
    num_distinct = 0
    for count in np.unique(counts):
        of_count = np.flatnonzero(counts == count)
        _, first, inverse = np.unique(
            members[starts[of_count, None] + np.arange(count)].reshape(len(of_count), -1),
            axis=0,
            return_index=True,
            return_inverse=True,
        )
        numbers[of_count] = num_distinct + inverse.reshape(-1)
        firsts.append(of_count[first])
        num_distinct += len(first)
    distinct = np.concatenate([np.empty(0, dtype=np.intp), *firsts])
    by_component = np.argsort(components[starts[distinct]], kind="stable")
    ranks = np.empty_like(by_component)
    ranks[by_component] = np.arange(len(by_component))
    distinct = distinct[by_component]
    counts = counts[distinct]
    ends = np.cumsum(counts)
    places = np.repeat(starts[distinct] - (ends - counts), counts) + np.arange(ends[-1] if len(ends) else 0)
    nothing = np.empty(0)
    events = Events(
        components[starts[distinct]],
        np.zeros(len(distinct), dtype=bool),
        nothing,
        nothing,
        nothing.astype(np.intp),
        of_columns=conditions,
        met=members[places, 0],
        not_met=members[places, 1],
        first_pairs=ends - counts,
    )
    return events, leaves[starts], ranks[numbers]
