"""How to turn what a model answered into numbers: a line of code for forms of answers that users have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["advise_wrapper"]

_MOST_OUTPUTS = 64  # for each input, that are worth explaining one by one


def advise_wrapper(raw: Any, count: int) -> str:
    """A sentence with a line of code that makes an array of shape (n, k), or (n,), of a model's answer; empty if none is known.

    Parameters
    ----------
    raw : object
        What the model answered, which is no such array.
    count : int
        The number of inputs, n.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.stages.answer_advice import advise_wrapper
    >>> advise_wrapper(np.zeros((3, 50)), 50)
    'It has a column for each input: lambda inputs: numpy.transpose(model(inputs)).'
    """
    if raw is None:
        return "Its function has no return."
    if isinstance(raw, Mapping):
        return _advise_mapping(raw, count)
    if hasattr(raw, "__next__"):
        return f"Give {_line('list(model(inputs))')}."
    first = raw[0] if isinstance(raw, (list, tuple, np.ndarray)) and len(raw) == count > 0 else None
    if isinstance(first, Mapping):
        return _advise_mappings(raw)
    if callable(first):
        times = getattr(first, "x", None)
        time = 1.0 if times is None or not np.size(times) else float(np.median(times))
        advice = "These are functions, such as of time; choose where to evaluate them"
        return f"{advice}: {_line(f'[f({time:.4g}) for f in model(inputs)]')}."
    for name in ("logits", "probs", "probabilities", "predictions", "scores"):
        if np.ndim(getattr(raw, name, 0)):
            return f"Give {_line(f'model(inputs).{name}')}."
    return _advise_shape(raw, count)


def _advise_mapping(raw: Mapping[Any, Any], count: int) -> str:
    """For one mapping for all inputs: its key with a row for each."""
    key = next((key for key, value in raw.items() if np.ndim(value) in (1, 2) and len(value) == count), None)
    return "" if key is None else f"Give {_line(f'model(inputs)[{key!r}]')}."


def _advise_mappings(raw: Any) -> str:
    """For a mapping for each input: the likeliest class of a text, or the detections in an image."""
    first = raw[0]
    if {"label", "score"} <= {*first}:
        label = first["label"]
        share = f'answer["score"] if answer["label"] == {label!r} else 1 - answer["score"]'
        return f"Of two classes, explain the share of {label!r}: {_line(f'[{share} for answer in model(inputs)]')}."
    if {"labels", "scores"} <= {*first}:
        labels = next((answer["labels"] for answer in raw if len(answer["labels"])), [1])
        label = labels[0].item() if hasattr(labels[0], "item") else labels[0]
        scores = f'(float(score) for label, score in zip(answer["labels"], answer["scores"]) if label == {label!r})'
        advice = "These are detections; explain the highest score of a class"
        return f"{advice}: {_line(f'[max({scores}, default=0.0) for answer in model(inputs)]')}."
    return ""


def _advise_shape(raw: Any, count: int) -> str:
    """For arrays of numbers of another shape."""
    try:
        array = np.asarray(raw.detach().cpu() if hasattr(raw, "detach") else raw)
    except Exception:  # what a model answers may raise anything when it is read
        return ""
    if array.dtype.kind not in "buif" or array.size == 0:
        return ""
    if array.ndim > 2 and len(array) == count:
        map_shape = array.shape[1:] if array.ndim == 3 else array.shape[2:]
        if np.prod(map_shape) > _MOST_OUTPUTS:
            axes = tuple(range(array.ndim - len(map_shape), array.ndim))
            advice = "To explain the mean over each map, such as the share of a mask"
            return f"{advice}: {_line(f'numpy.mean(numpy.asarray(model(inputs), dtype=float), axis={axes})')}."
        return "Give a function that makes a row of each input: lambda batch: model(batch).reshape(len(batch), -1)."
    if array.ndim == 2 and array.shape[1] == count:
        return f"It has a column for each input: {_line('numpy.transpose(model(inputs))')}."
    if count > 1 and (array.ndim == 0 or len(array) == 1):
        return f"If the model takes one input at a time: {_line('[numpy.ravel(model(one)) for one in inputs]')}."
    return ""


def _line(expression: str) -> str:
    """A function that calls `model`, which stands for the user's."""
    return f"lambda inputs: {expression}"
