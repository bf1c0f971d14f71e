"""Batches of token ids: texts of about the same length together, with as little padding as pays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

__all__ = ["Columns", "cut_batches", "pad_batch"]

Columns: TypeAlias = Mapping[str, Sequence[np.ndarray]]
"""What a tokenizer makes of n texts: by the name of a model's argument, n arrays of integers."""


def cut_batches(lengths: np.ndarray, most_tokens: int, batch_cost: int) -> list[np.ndarray]:
    """Which texts go into one batch: the longest first, and a new batch where padding would cost more than it.

    Parameters
    ----------
    lengths : ndarray of int, of shape (n,)
        How many tokens each text has.
    most_tokens : int
        The largest number of tokens in a batch, padding included; a longer text is a batch of its own.
    batch_cost : int
        What a batch costs besides its tokens, in tokens.

    Returns
    -------
    batches : list of ndarray of int
        The numbers of the texts in each batch. They depend on the lengths alone, and in a batch on the texts' order.

    Examples
    --------
    >>> import numpy as np
    >>> [batch.tolist() for batch in cut_batches(np.array([3, 9, 8, 2]), most_tokens=100, batch_cost=5)]
    [[1, 2], [0, 3]]
    """
    order = np.argsort(-lengths, kind="stable")
    batches, start, padding = [], 0, 0
    for stop, length in enumerate(lengths[order].tolist()):
        longest = int(lengths[order[start]])
        padding += longest - length
        if stop > start and (padding > batch_cost or (stop - start + 1) * longest > most_tokens):
            batches.append(order[start:stop])
            start, padding = stop, 0
    return [*batches, order[start:]] if len(order) else []


def pad_batch(columns: Columns, rows: np.ndarray, length: int, padding: Mapping[str, int], side: str) -> dict[str, np.ndarray]:
    """The arrays of some texts as one array for each argument, of shape (m, length), and the mask of what is no padding.

    Parameters
    ----------
    columns : mapping of str to sequence of ndarray
        What a tokenizer made of the texts.
    rows : ndarray of int, of shape (m,)
        The texts' numbers.
    length : int
        The number of tokens of the longest.
    padding : mapping of str to int
        What fills up each argument; 0 where there is nothing.
    side : {"right", "left"}
        Where it goes.
    """
    lengths = np.array([len(columns["input_ids"][row]) for row in rows])
    places = np.arange(length)
    is_token = places >= length - lengths[:, None] if side == "left" else places < lengths[:, None]
    arrays = {}
    for name, column in columns.items():
        array = np.full(is_token.shape, padding.get(name, 0), dtype=np.int64)
        array[is_token] = np.concatenate([column[row] for row in rows])
        arrays[name] = array
    return {**arrays, "attention_mask": is_token.astype(np.int64)}
