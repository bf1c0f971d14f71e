"""The generic path, for any callable: the inputs are made and passed on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from limelight._checks import named_errors, own_arithmetic
from limelight.exceptions import InstanceError
from limelight.models._statements import Statements
from limelight.stages.components import Components, Neighbourhood
from limelight.stages.questions import ModelPath

__all__ = ["adapt_callable"]


def adapt_callable(method: Callable[[Any], Any], components: Components, stated: Statements) -> ModelPath:
    """Give the perturbations to the method as they are; `stated` is what it says about itself."""

    def make(neighbourhood: Neighbourhood, rows: np.ndarray) -> Any:
        return neighbourhood.inputs.take(rows)

    def finish(inputs: Any) -> Any:
        with own_arithmetic(), named_errors(f"{type(components).__name__}.batch", InstanceError):
            batch = components.batch(inputs)
        index = getattr(batch, "index", None)  # taken before the call, in which a model may sort the frame itself
        return _in_order_of(index, method(batch))

    # Some answers depend on the batch's shape, in the last bits or more: another instance's inputs would change them.
    is_alone = components.form is None or stated.depends_on_batch
    form = id(components) if is_alone else ("generic", components.form)
    return ModelPath(make, finish, form, components.batch_size, rounding=stated.batch_rounding)


def _in_order_of(index: Any, answer: Any) -> Any:
    """An answer whose row labels are a batch's in another order, as of a model that sorts its inputs, in the batch's order.

    Parameters
    ----------
    index : object
        The batch's row labels, where it is a pandas frame; elsewhere the numbers of the inputs count as labels.
    answer : object
        What the model returned.
    """
    if type(answer).__module__.partition(".")[0] != "pandas" or not hasattr(answer, "iloc"):
        return answer
    import pandas

    labels = answer.index
    if not hasattr(index, "get_indexer"):
        index = pandas.RangeIndex(len(labels))
    if len(labels) != len(index) or labels.equals(index) or not (labels.is_unique and index.is_unique):
        return answer
    positions = labels.get_indexer(index)
    return answer.iloc[positions] if (positions >= 0).all() else answer
