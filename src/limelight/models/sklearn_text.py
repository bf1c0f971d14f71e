"""scikit-learn pipelines of texts: what their vectorizers make of perturbed texts is made from the masks.

The text is cut into chunks that the vectorizer takes one by one, such as words. What each chunk becomes as some of its words
are removed is analysed once; a perturbed text has the terms of what its chunks have become. Where it is not certain that this
is what the vectorizer makes of the text itself, the generic path is taken.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from itertools import count
from operator import itemgetter
from typing import Any

import numpy as np

from limelight.models._chunks_of_text import Words, find_pieces, join_pieces
from limelight.models._text_terms import TermMatrix
from limelight.stages.components import Components, Neighbourhood
from limelight.stages.prediction import PREDICTION_METHODS
from limelight.stages.questions import ModelPath

__all__ = ["adapt_text_pipeline"]

_TRIED_MASKS = 4


def adapt_text_pipeline(method: Callable[[Any], Any], components: Components) -> ModelPath | None:
    """Give the steps after vectorizers what these would make of the perturbed texts; None if it might be something else."""
    pipeline = getattr(method, "__self__", None)
    name = getattr(method, "__name__", "")
    # Compared by name, since a user without such a model need not import scikit-learn.
    if type(pipeline).__module__ != "sklearn.pipeline" or name not in PREDICTION_METHODS or not isinstance(components, Words):
        return None
    vectorizers: list[Any] = []

    def note(vectorizer: Any) -> str:
        vectorizers.append(vectorizer)
        return "passthrough"

    if _replace_vectorizers(pipeline, note) is None:
        return None
    try:
        masks, texts = _realise_some(components)
        matrices = [TermMatrix(vectorizer, components, texts) for vectorizer in vectorizers]
        if texts != _join_pieces(components, masks) or not all(_is_same(one.of_texts, one.make(masks)) for one in matrices):
            return None
    except Exception:  # the generic path reports what is wrong with a vectorizer
        return None

    def make(neighbourhood: Neighbourhood, rows: np.ndarray) -> list[tuple[Any, ...]]:
        masks = neighbourhood.representation[rows]
        return [tuple(matrix.make(masks) for matrix in matrices)]

    return ModelPath(make, _Finish(pipeline, name), "counts", components.batch_size)


def _replace_vectorizers(step: Any, replace: Callable[[Any], Any]) -> Any:
    """The same step with another in the place of each vectorizer, in their order; None if others than vectorizers get texts."""
    from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
    from sklearn.pipeline import FeatureUnion, Pipeline

    if type(step) in (CountVectorizer, HashingVectorizer, TfidfVectorizer):
        return replace(step)
    if type(step) is Pipeline:
        (name, first), *others = step.steps
        replaced = _replace_vectorizers(first, replace)
        return None if replaced is None else _copy_with(step, steps=[(name, replaced), *others])
    if type(step) is FeatureUnion:
        names, members = zip(*step.transformer_list, strict=True)
        replaced = [member if member == "drop" else _replace_vectorizers(member, replace) for member in members]
        if any(member is None for member in replaced):
            return None
        return _copy_with(step, transformer_list=[*zip(names, replaced, strict=True)], n_jobs=None)
    return None


def _copy_with(step: Any, **attributes: Any) -> Any:
    copied = copy.copy(step)
    vars(copied).update(attributes)
    return copied


class _Finish:
    """What a pipeline answers to what its vectorizers make of several instances' texts: a tuple of matrices for each."""

    def __init__(self, pipeline: Any, name: str) -> None:
        from sklearn.preprocessing import FunctionTransformer

        # A stand-in gives the matrix of the vectorizer in whose place it is, whatever the program wants from transformers.
        numbers = count()
        pipeline = _replace_vectorizers(
            pipeline, lambda _: FunctionTransformer(itemgetter(next(numbers))).set_output(transform="default")
        )
        self._predict = getattr(pipeline, name)

    def __call__(self, instances: Sequence[tuple[Any, ...]]) -> Any:
        if len(instances) == 1:
            return self._predict(instances[0])
        from scipy.sparse import vstack

        return self._predict([vstack(matrices, format="csr") for matrices in zip(*instances, strict=True)])


def _realise_some(words: Words) -> tuple[np.ndarray, list[str]]:
    """A few masks, of shape (m, d), and their texts."""
    masks = np.random.default_rng(0).integers(0, 2, (_TRIED_MASKS, len(words.names)), dtype=np.uint8)
    masks[0], masks[1] = 1, 0
    return masks, words.realise(masks)


def _join_pieces(words: Words, masks: np.ndarray) -> list[str]:
    """What the texts are taken for."""
    pieces = find_pieces(words)
    return [join_pieces(pieces, mask) for mask in masks.tolist()]


def _is_same(one: Any, other: Any) -> bool:
    """Whether two sparse matrices are the same to the bit, and stored in the same way."""
    arrays = [(getattr(one, name), getattr(other, name)) for name in ("data", "indices", "indptr")]
    return (
        type(one) is type(other)
        and one.shape == other.shape
        and all(left.dtype == right.dtype and np.array_equal(left, right) for left, right in arrays)
    )
