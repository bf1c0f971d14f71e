"""Which outputs of an ONNX model hold its predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from limelight.exceptions import ArgumentError

__all__ = ["SKLEARN_CONVERTER", "choose_outputs"]

SKLEARN_CONVERTER = "skl2onnx"
"""The name that scikit-learn's converter puts into its files."""

_FLOATS = ("tensor(float)", "tensor(double)", "tensor(float16)")


def choose_outputs(outputs: Sequence[Any], output: str | None, producer: str) -> dict[str, str]:
    """The outputs to read, and what each is called.

    Classifiers of tables give the predicted label first, and then probabilities: as a tensor, as a map for each row (a ZipMap),
    or as a tensor for each class.

    Parameters
    ----------
    outputs : sequence
        The session's outputs.
    output : str or None
        The one that the user names; None where probabilities come before scores, and both before labels.
    producer : str
        What wrote the file.

    Raises
    ------
    ArgumentError
        If there is no such output, or none holds numbers.
    """
    types = {tensor.name: tensor.type for tensor in outputs}
    if output is not None:
        if output not in types:
            raise ArgumentError(f"output must be one of {', '.join(map(repr, types))}; got {output!r}.")
        return {output: output}
    first, *others = types
    maps = [name for name, kind in types.items() if kind.startswith("seq(map(")]
    if maps:
        return {maps[0]: maps[0]}
    floats = [name for name, kind in types.items() if kind in _FLOATS]
    if first in floats or not floats:
        if types[first] == "tensor(string)":
            raise ArgumentError(f"the ONNX model has no output of numbers; its outputs are {', '.join(map(repr, types))}.")
        return {first: first}
    by_class = [tensor.name for tensor in outputs if tensor.name in floats and len(tensor.shape) == 1]
    if len(floats) > 1 and by_class == others:
        return {name: _class_of(name, types[first], producer) for name in by_class}
    return {floats[0]: floats[0]}


def _class_of(name: str, label_type: str, producer: str) -> str:
    """The class that an output is for; skl2onnx puts a letter for the label's type before it."""
    letter = "s" if label_type == "tensor(string)" else "i"
    return name.removeprefix(letter) if producer == SKLEARN_CONVERTER else name
