"""Whether the model does what an explanation says: it is asked about the instance without, and with, listed components."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from math import nan
from typing import NamedTuple

import numpy as np

from limelight._checks import check_count, check_flag
from limelight._seeds import fingerprint, stream
from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.results.explanation import Explanation
from limelight.results.faithfulness import Curve, Faithfulness
from limelight.results.removal import has_states
from limelight.stages.components import Components
from limelight.stages.contract import find_composed
from limelight.stages.design import Design
from limelight.stages.perturbation import plan_looks
from limelight.stages.prediction import Oracle
from limelight.stages.prediction_outputs import LINKS
from limelight.stages.questions import Asking
from limelight.stages.removal import check_same_instance, check_same_model

__all__ = ["FaithfulnessPlan"]

_MOST_STEPS = 20  # of a curve, and two more: of long lists several components take their turn together
_MOST_CELLS = 2**24  # of rows that are made at a time
_ROUNDING_SHARE = 1e-12  # of a prediction
_ORDERS = fingerprint("random orders")
_SLOPES = (
    "not available, because columns without bins have slopes for weights, and no state that could be removed. Explain with "
    "discretize_continuous=True."
)


class FaithfulnessPlan(NamedTuple):
    """How much the model is asked to measure an explanation; `Explainer.measure_faithfulness` documents its arguments.

    Attributes
    ----------
    num_orders, num_rows, num_samples : int
    batch_size : int or None
    pads_batches : bool
    """

    num_orders: int
    num_rows: int
    num_samples: int
    batch_size: int | None
    pads_batches: bool

    @classmethod
    def checked(
        cls,
        explanation: object,
        num_orders: object,
        num_rows: object,
        num_samples: object,
        batch_size: object,
        pad_batches: object,
    ) -> FaithfulnessPlan:
        """Check a call's arguments.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If one of them is not allowed.
        """
        if not isinstance(explanation, Explanation):
            raise ArgumentTypeError(f"explanation must be what explain_instance gave; got {type(explanation).__name__}.")
        if explanation.is_comparison:
            raise ArgumentError("the explanation compares two models; give the comparison's first or second explanation.")
        return cls(
            num_orders=check_count("num_orders", num_orders, 2),
            num_rows=check_count("num_rows", num_rows, 2),
            num_samples=check_count("num_samples", num_samples, 3),
            batch_size=None if batch_size is None else check_count("batch_size", batch_size, 1),
            pads_batches=check_flag("pad_batches", pad_batches),
        )

    def measure(
        self,
        explanation: Explanation,
        label: int,
        components: Components,
        design: Design,
        make_oracle: Callable[[], Oracle],
    ) -> Asking[Faithfulness]:
        """A part of a run that asks the model about perturbations of a design, and about the steps of both curves.

        Raises
        ------
        ArgumentError
            If the components are not those that were explained, or the model says something else of the instance than then.
        PredictionError
            If the model's answer cannot be read.
        """
        check_same_instance(components, explanation)
        surrogate = explanation.surrogate(label)
        oracle = make_oracle()
        infidelity = yield from self._measure_infidelity(explanation, label, components, design, oracle)
        of_instance = explanation.predictions[label]
        scores = np.zeros(len(components.names))
        scores[list(surrogate.components)] = surrogate.weights
        order = np.argsort(-scores, kind="stable")  # what is not listed lies between what speaks for and against the output
        num_for, num_against = int(np.count_nonzero(scores > 0)), int(np.count_nonzero(scores < 0))
        listed = [*order[:num_for].tolist(), *order[len(order) - num_against :].tolist()]
        result = Faithfulness(
            label=label,
            output_name=explanation.output_names[label],
            unit=explanation.unit,
            components=tuple(listed),
            names=tuple(explanation.names[number] for number in listed),
            num_for=num_for,
            model_prediction=of_instance,
            deletion=None,
            insertion=None,
            **dict.fromkeys(("comprehensiveness", "comprehensiveness_error", "sufficiency", "sufficiency_error"), nan),
            infidelity=infidelity[0],
            infidelity_error=infidelity[1],
            infidelity_share=infidelity[2],
            num_orders=self.num_orders,
            num_rows=0,
            num_inputs=oracle.num_inputs,
            reason=_SLOPES,
        )
        if not has_states(surrogate, explanation.notices):
            return result
        steps = _choose_steps(len(order), num_for, num_against)
        generator = stream(*design.seed, _ORDERS)
        orders = [order, *(generator.permutation(len(order)) for _ in range(self.num_orders))]
        masks = np.stack([_mask_steps(one, steps, len(components.names)) for one in orders], axis=1)
        oracle = make_oracle()
        values = yield from self._ask(masks.reshape(-1, masks.shape[-1]), explanation, label, components, design, oracle)
        if isinstance(values, str):
            return replace(result, reason=values)
        values = values.reshape(*masks.shape[:3], -1)  # of both curves, for each order, step and draw
        deletion, insertion = (_make_curve(steps, curve) for curve in values)
        has_rationale = num_for > 0
        place = int(np.searchsorted(steps, num_for))
        errors = [_standard_error(curve[0, place]) if has_rationale else nan for curve in values]
        return replace(
            result,
            deletion=deletion,
            insertion=insertion,
            comprehensiveness=_subtract(of_instance, deletion.predictions[place]) if has_rationale else nan,
            comprehensiveness_error=errors[0],
            sufficiency=_subtract(of_instance, insertion.predictions[place]) if has_rationale else nan,
            sufficiency_error=errors[1],
            num_rows=values.shape[-1],
            num_inputs=result.num_inputs + oracle.num_inputs,
            reason="",
        )

    def _measure_infidelity(
        self, explanation: Explanation, label: int, components: Components, design: Design, oracle: Oracle
    ) -> Asking[tuple[float, float, float]]:
        """The infidelity, its standard error, and its share of that of weights that are 0."""
        parts = None if components.law is None else len(components.names)
        (look,) = plan_looks(design, parts, self.num_samples, self.num_samples)
        neighbourhood = replace(components.neighbourhood(look.design, look.stretch), shared=None)
        (answers,) = yield from oracle.predict([neighbourhood])
        check_same_model(oracle.instance_prediction, explanation)  # its outputs may be fewer
        link = LINKS[explanation.provenance.link]
        falls = link(oracle.instance_prediction)[label] - link(answers)[:, label]
        surrogate = explanation.surrogate(label)
        representation = neighbourhood.representation[:, list(surrogate.components)].astype(np.float64)
        promised = (representation[0] - representation[1:]) @ np.array(surrogate.weights)
        rounding = _ROUNDING_SHARE * (abs(explanation.predictions[label]) + np.abs(falls).max(initial=0.0))
        squares, of_falls = (_square(differences, rounding) for differences in (promised - falls, falls))
        weights = neighbourhood.law_weights
        infidelity, of_zero = float(np.average(squares, weights=weights)), float(np.average(of_falls, weights=weights))
        error = 0.0
        if not look.is_exact:
            bounds = neighbourhood.replicates
            of_replicates = [
                np.average(squares[start:stop], weights=weights[start:stop])
                for start, stop in pairwise(bounds.tolist())
                if stop > start
            ]
            error = _standard_error(np.array(of_replicates)) if len(of_replicates) > 1 else nan
        return infidelity, error, infidelity / of_zero if of_zero else nan

    def _ask(
        self,
        masks: np.ndarray,
        explanation: Explanation,
        label: int,
        components: Components,
        design: Design,
        oracle: Oracle,
    ) -> Asking[np.ndarray | str]:
        """What the model says of the instance with each mask, for each draw: of shape (m, r); or why it cannot be asked."""
        distinct, places = np.unique(masks, axis=0, return_inverse=True)
        distinct = distinct[:-1]  # the last one is the whole instance
        link = LINKS[explanation.provenance.link]
        block = max(1, _MOST_CELLS // (self.num_rows * masks.shape[1]))
        values = []
        for start in range(0, len(distinct), block):
            composed = find_composed(components, distinct[start : start + block], design, self.num_rows)
            if isinstance(composed, str):
                return composed
            (answers,) = yield from oracle.predict([composed.neighbourhood])
            of_block = np.full((len(distinct[start : start + block]), composed.num_draws), np.nan)
            of_block[composed.masks, composed.draws] = link(answers)[:, label]
            values.append(of_block)
        values.append(np.full((1, values[0].shape[1]), link(oracle.instance_prediction)[label]))
        found = np.concatenate(values)
        # A constraint may keep no row for a mask, and few for others: only draws that are there for all can be compared.
        found = found[:, ~np.isnan(found).any(axis=0)]
        if not found.size:
            return (
                "not available, because the constraint keeps no drawn row in which every number of listed columns is drawn "
                "anew: let it repair rows, or give a greater num_rows."
            )
        return np.asarray(found[places.reshape(-1)])


def _choose_steps(num_components: int, num_for: int, num_against: int) -> np.ndarray:
    """After how many components the model is asked: one by one where they are listed, and once for all between."""
    last = num_components - num_against
    steps = np.unique([*range(num_for + 1), *range(last, num_components + 1), num_components])
    places = np.linspace(0, len(steps) - 1, 1 + min(len(steps) - 1, _MOST_STEPS)).round().astype(int)
    return np.unique([*steps[places], num_for, last])


def _mask_steps(order: np.ndarray, steps: np.ndarray, num_components: int) -> np.ndarray:
    """The masks of the deletion curve and of the insertion curve, after each step: of shape (2, s, d)."""
    masks = np.ones((2, len(steps), num_components), dtype=np.uint8)
    masks[1] = 0
    for place, step in enumerate(steps.tolist()):
        masks[0, place, order[:step]] = 0
        masks[1, place, order[:step]] = 1
    return masks


def _make_curve(steps: np.ndarray, values: np.ndarray) -> Curve:
    """A curve from the model's answers of shape (1 + orders, s, r), those for the explanation's own order first."""
    widths = np.diff(steps) / steps[-1]
    areas = ((values[:, 1:] + values[:, :-1]) / 2 * widths[:, None]).sum(axis=1)
    means, mean_areas = values.mean(axis=2), areas.mean(axis=1)
    return Curve(
        counts=tuple(steps.tolist()),
        predictions=tuple(means[0].tolist()),
        random=tuple(means[1:].mean(axis=0).tolist()),
        random_errors=tuple(_standard_error(one) for one in means[1:].T),
        area=float(mean_areas[0]),
        area_error=_standard_error(areas[0]),
        random_area=float(mean_areas[1:].mean()),
        random_area_error=_standard_error(mean_areas[1:]),
    )


def _standard_error(values: np.ndarray) -> float:
    """That of the mean of independent values; 0 of a single one, which is no estimate, and of values equal but for rounding."""
    if np.ptp(values) <= _ROUNDING_SHARE * np.abs(values).max():
        return 0.0
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _square(differences: np.ndarray, rounding: float) -> np.ndarray:
    """Their squares; 0 of those that are no larger than rounding makes them."""
    return np.where(np.abs(differences) > rounding, differences, 0.0) ** 2


def _subtract(whole: float, part: float) -> float:
    """The difference of two predictions; 0 where it is no larger than rounding makes it."""
    return whole - part if abs(whole - part) > _ROUNDING_SHARE * max(abs(whole), abs(part)) else 0.0
