"""Pages: an explanation in lime's form becomes one of limelight's, and limelight's renderers show it.

It is made of the public attributes, which programs may have set, and so of an explanation that lime itself has pickled, too.
Intervals and notices are those of `limelight_explanation`, as long as the weights are still its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from limelight.exceptions import ArgumentError
from limelight.results.explanation import Explanation, Notice, Provenance, Surrogate

__all__ = ["render"]

_NAN = float("nan")
_NO_INTERVALS = Notice(
    "no_intervals",
    "There are no intervals and no held-out fidelity: the weights were fitted, or set, outside limelight's pipeline.",
)


def render(explanation: Any, labels: Any, shows_outputs: bool, keywords: Mapping[str, Any], renderer: str) -> str:
    """A page or a fragment of HTML.

    Parameters
    ----------
    explanation : Explanation
        What to show, in lime's form.
    labels : iterable of int or None
        Which labels; None for all.
    shows_outputs : bool
        Whether all of the model's outputs are shown, or only those that are explained.
    keywords : mapping
        What the modality's domain mapper takes.
    renderer : str
        The name of one of limelight's renderers.
    """
    if explanation.mode == "regression":
        labels = [explanation.dummy_label]
    numbers = explanation.available_labels() if labels is None else list(labels)
    if not numbers:
        raise ArgumentError("there is no label to show: none was explained.")
    page: str = _translate(explanation, numbers, shows_outputs, keywords).render(renderer)
    return page


def _translate(explanation: Any, labels: Sequence[int], shows_outputs: bool, keywords: Mapping[str, Any]) -> Explanation:
    """These labels of an explanation as limelight's."""
    weights = {label: explanation.local_exp[label] for label in labels}
    listed = sorted({number for pairs in weights.values() for number, _ in pairs})
    view = explanation.domain_mapper.make_view(listed, **keywords)
    numbers = [(number, 0.0) for number in range(max(listed, default=0) + 1)]
    names = view.tell_apart(tuple(str(name) for name, _ in explanation.domain_mapper.map_exp_ids(numbers)))
    outputs = _Outputs.of(explanation, labels, shows_outputs)
    made = explanation.limelight_explanation
    surrogates = [_surrogate(explanation, label, outputs.places[label], made) for label in labels]
    shown: dict[str, Any] = {
        "surrogates": tuple(surrogates),
        "names": names,
        "view": view,
        "predictions": outputs.values,
        "output_names": outputs.names,
        "default_label": outputs.places[labels[0]],
    }
    if made is not None and not any(np.isnan(surrogate.fidelity_error) for surrogate in surrogates):
        relabelled: Explanation = replace(made, **shown)
        return relabelled
    return Explanation(
        **shown,
        output_kind="scores" if explanation.mode == "regression" else "probabilities",
        num_samples=0,
        num_inputs=0,
        effective_sample_size=_NAN,
        confidence=0.95,
        converged=False,
        provenance=_UNKNOWN,
        notices=(_NO_INTERVALS,),
    )


_UNKNOWN = Provenance(
    explainer="lime",
    settings="",
    design="iid",
    kernel="",
    kernel_width=_NAN,
    distance="",
    link="identity",
    feature_selection="",
    regressor="",
    alpha=1.0,
    tolerance=0.05,
    random_state=0,
)


class _Outputs:
    """The model's outputs that are shown, and the place of each label among them."""

    def __init__(self, values: Sequence[float], names: Sequence[str], places: dict[int, int]) -> None:
        self.values = tuple(map(float, values))
        self.names = tuple(names)
        self.places = places

    @classmethod
    def of(cls, explanation: Any, labels: Sequence[int], shows_all: bool) -> _Outputs:
        if explanation.mode == "regression":
            return cls([explanation.predicted_value], ["0"], dict.fromkeys(labels, 0))
        values = np.asarray(explanation.predict_proba, dtype=np.float64)
        given = [] if explanation.class_names is None else list(map(str, explanation.class_names))
        names = [given[number] if number < len(given) else str(number) for number in range(len(values))]
        kept = range(len(values)) if shows_all else sorted({label % len(values) for label in labels})
        places = {label: list(kept).index(label % len(values)) for label in labels}
        return cls([values[number] for number in kept], [names[number] for number in kept], places)


def _surrogate(explanation: Any, label: int, place: int, made: Explanation | None) -> Surrogate:
    """The surrogate of a label, with limelight's figures if the weights are still those that limelight found."""
    numbers = tuple(int(number) for number, _ in explanation.local_exp[label])
    weights = tuple(float(weight) for _, weight in explanation.local_exp[label])
    output = 0 if explanation.mode == "regression" else label % len(explanation.predict_proba)
    for surrogate in made.surrogates if made is not None else ():
        if surrogate.label == output and surrogate.weights == weights:
            return replace(surrogate, label=place, components=numbers)
    is_last = label == next(reversed(explanation.local_exp))
    unknown = (_NAN,) * len(weights)
    return Surrogate(
        label=place,
        components=numbers,
        weights=weights,
        lows=unknown,
        highs=unknown,
        sign_probabilities=unknown,
        top_probabilities=unknown,
        best_ranks=unknown,
        worst_ranks=unknown,
        intercept=float(explanation.intercept[label]),
        local_prediction=float(np.ravel(explanation.local_pred)[0]) if is_last else _NAN,
        fidelity=_NAN,
        fidelity_error=_NAN,
    )
