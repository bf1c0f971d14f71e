"""Functions of the perturbed rows whose moments are known exactly, because the model's outputs are a function of a known sum.

Boosted trees' probabilities have no closed form, but their log-odds, the margin, have one. What chance makes of the margin in
the drawn rows it makes of the probability as well, and this part of its error is taken away: the margin is a control variate.
Where it is a sum over leaves, so is its `Expansion`, which is nearer to the probability.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np

from limelight.stages.closed_form import ClosedForm, rounding_of
from limelight.stages.components import Neighbourhood, SharedRows
from limelight.stages.expansion import Expansion
from limelight.stages.limit import Expectation, ModelSum
from limelight.stages.prediction_outputs import LINKS
from limelight.stages.product_law import ComponentMoments, ProductLaw

__all__ = ["ControlFunctions", "ControlVariates", "Controls", "find_moments", "recall"]

T = TypeVar("T")

_LEAST_TRIED = 128  # rows of a neighbourhood whose answers must be those of the sum, and a share of the others
_SHARE_TRIED = 1 / 32
_LEAST_TELLING = 8  # of these: rows whose margin the answer tells
_MOST_TOLD = 10.0  # the greatest log-odds that a probability in single precision tells to three digits
_LAWS_TOGETHER = 16  # whose moments are worked out at a time: with more, their numbers leave the processor's cache


class _Margins(NamedTuple):
    """What the answers for a neighbourhood's m drawn rows say of the sum; nothing that is here depends on the instance.

    Attributes
    ----------
    constant : ndarray of shape (k,)
        What the model adds to the sum.
    values : ndarray of shape (m, k)
        Sum and constant.
    witnesses : ndarray of shape (w, k)
        A few of these, whose rounding is that of all.
    """

    constant: np.ndarray
    values: np.ndarray
    witnesses: np.ndarray


class ControlFunctions(ABC):
    """The functions of rows that are control variates, e for each of q outputs: the same for all rows that share perturbations.

    Attributes
    ----------
    outputs : tuple of int
        The numbers of the outputs.
    num_folds : int
        Replicate i has the functions of fold ``i % num_folds``.
    """

    outputs: tuple[int, ...]
    num_folds: int = 1

    @property
    @abstractmethod
    def batch_key(self) -> Hashable:
        """Samples with equal keys have as many control variates."""

    @abstractmethod
    def expect(self, laws: Sequence[ProductLaw]) -> Expectation:
        """Their moments under the laws of b instances, of shapes (b, f * e, q) and (b, f * e, q, d), those of f folds in turn.

        They are NaN where they are not precise.
        """

    @abstractmethod
    def take_output(self, number: int) -> ControlFunctions:
        """Those of one output."""


@dataclass(frozen=True, eq=False)
class Functions(ControlFunctions):
    """Those of a known sum.

    Attributes
    ----------
    closed_form : ClosedForm
        The sum. Its law is some instance's, and counts for nothing here.
    outputs : tuple of int
        As for all.
    offset : ndarray of shape (q,)
        What is added to the sum, so that it is near 0 as the expansions are: digits would be lost otherwise.
    expansions : tuple of Expansion
        One for each output; none where the sums alone are control variates.
    """

    closed_form: ClosedForm
    outputs: tuple[int, ...]
    offset: np.ndarray
    expansions: tuple[Expansion, ...]

    def evaluate(self, rows: np.ndarray, margins: _Margins) -> np.ndarray:
        """Their values for drawn rows of shape (m, d): of shape (m, e * q)."""
        if not self.expansions:
            return np.asarray(margins.values[:, self.outputs] + (self.offset - margins.constant[list(self.outputs)]))
        cells = self.expansions[0].cells.locate(rows)
        of_outputs = [part.evaluate(cells, margins.values[:, part.output]) for part in self.expansions]
        return np.stack(of_outputs, axis=-1).reshape(len(rows), -1)

    @property
    def batch_key(self) -> Hashable:
        return len(self.outputs), bool(self.expansions)

    def expect(self, laws: Sequence[ProductLaw]) -> Expectation:
        kernel_width = self.closed_form.kernel_width
        if self.expansions:
            of_outputs = [expansion.expect(laws, kernel_width) for expansion in self.expansions]
            return Expectation(*(np.stack(part, axis=2) for part in zip(*of_outputs, strict=True)))
        means, covariances = self.closed_form.model_sum.expect(laws, kernel_width, self.outputs)
        return Expectation((means + self.offset)[:, None], covariances[:, None])

    def take_output(self, number: int) -> Functions:
        own = slice(number, number + 1)
        return replace(self, outputs=self.outputs[own], offset=self.offset[own], expansions=self.expansions[own])


class Own(NamedTuple):
    """What the model's answer for the instance says of the sum.

    Attributes
    ----------
    row : ndarray of shape (d,)
    margin : ndarray of shape (k,)
    constant : ndarray of shape (k,)
        What the model adds to the sum, by the drawn rows.
    rounding : ndarray of shape (k,)
        By how much rounding may change the margin.
    """

    row: np.ndarray
    margin: np.ndarray
    constant: np.ndarray
    rounding: np.ndarray

    def is_proven_by(self, model_sum: ModelSum, by_sum: np.ndarray) -> bool:
        """Whether the answer is that of the sum for the instance, as those for drawn rows are."""
        return _is_same(self.margin[None], (by_sum + self.constant)[None], self.rounding[None], model_sum.link)


@dataclass(eq=False)
class Controls:
    """The control variates of one explanation.

    Attributes
    ----------
    closed_form : ClosedForm
        The sum and the instance's law.
    functions : ControlFunctions
        What they are: e for each of q outputs.
    own : Own or None
        What the model's answer for the instance says of the sum; None where the sum is not meant to be the model.
    greatest_margin : float
        How far the margins of the drawn rows so far reach from 0.
    is_contradicted : bool
        Whether the model's answer for the instance is not the sum's, as far as `find_moments` has looked.
    expectation : Expectation or None
        Their exact moments, of shapes (f * e, q) and (f * e, q, d), once `find_moments` has worked them out.
    """

    closed_form: ClosedForm
    functions: ControlFunctions
    own: Own | None
    greatest_margin: float = 0.0
    is_contradicted: bool = False
    expectation: Expectation | None = None

    @property
    def components(self) -> ComponentMoments:
        """The exact moments of the components."""
        return self.closed_form.law.component_moments(self.closed_form.kernel_width)

    @property
    def exact_link(self) -> str | None:
        """The link with which the explanation has a closed form; None if it has none, or the link would clip some outputs."""
        link = self.closed_form.model_sum.link
        is_clipped = link == "logit" and self.greatest_margin >= LINKS["logit"](np.ones(1))[0]
        return None if is_clipped or self.is_contradicted or self.own is None else link

    @property
    def batch_key(self) -> Hashable:
        """Samples with equal keys have as many control variates."""
        return self.functions.batch_key

    def take_output(self, number: int) -> Controls:
        """Those of one output."""
        return replace(self, functions=self.functions.take_output(number), expectation=None)


def recall(known: dict[Hashable, Any], key: Hashable, find: Callable[[], T]) -> T:
    """What is known by a key; it is worked out once for all instances that share it."""
    if key not in known:
        known[key] = find()
    return cast("T", known[key])


def find_moments(many: Sequence[Controls]) -> Expectation:
    """The exact moments of the control variates of b explanations, of shapes (b, f * e, q) and (b, f * e, q, d).

    What several have in common is worked out together, and what was worked out is kept for a later look. So is whether the
    model's answers for the instances are those of the sum.
    """
    missing: dict[int, list[Controls]] = {}
    for controls in many:
        if controls.expectation is None:
            missing.setdefault(id(controls.functions), []).append(controls)
    for alike in missing.values():
        for start in range(0, len(alike), _LAWS_TOGETHER):
            some = alike[start : start + _LAWS_TOGETHER]
            found = some[0].functions.expect([controls.closed_form.law for controls in some])
            for controls, *of_law in zip(some, *found, strict=True):
                controls.expectation = Expectation(*of_law)
            to_prove = [(controls, controls.own) for controls in some if controls.own is not None]
            if to_prove:
                model_sum = some[0].closed_form.model_sum
                by_sum = model_sum.evaluate(np.stack([own.row for _, own in to_prove]))
                for (controls, own), of_instance in zip(to_prove, by_sum, strict=True):
                    controls.is_contradicted = not own.is_proven_by(model_sum, of_instance)
    known = [controls.expectation for controls in many if controls.expectation is not None]
    return Expectation(*(np.stack(part) for part in zip(*known, strict=True)))


class ControlVariates:
    """The control variates of one explanation's rows, as long as the model's answers are those of the sum.

    Parameters
    ----------
    closed_form : ClosedForm
        The sum, under another link than the one that is explained, and the law under which its moments are known.
    of_shared_rows : dict
        What is known of drawn rows that other instances share, and of functions of rows; nothing where the model has
        contradicted the sum.
    """

    def __init__(self, closed_form: ClosedForm, of_shared_rows: dict[Hashable, Any]) -> None:
        self._closed_form = closed_form
        self._of_shared_rows = of_shared_rows
        self._controls: Controls | None = None
        self._functions: Functions | None = None
        self._first_shared: SharedRows | None = None
        self._is_contradicted = False

    def add(
        self,
        neighbourhoods: Sequence[Neighbourhood],
        own_answer: np.ndarray,
        answers: Sequence[np.ndarray],
        outputs: tuple[int, ...],
    ) -> tuple[Controls, list[np.ndarray]] | None:
        """Those for some outputs, and their values for further drawn rows; None if the model has contradicted the sum.

        The model's answers are as they came: for the instance of shape (k,), and for drawn rows of shape (m, k). The values
        have shape (m, e * q).
        """
        known = [self._read(*both) for both in zip(neighbourhoods, answers, strict=True)]
        of_rows = [margins for margins in known if margins is not None]
        if len(of_rows) < len(known) or self._is_contradicted:
            self._is_contradicted = True
            return None
        if self._controls is None:
            if not _are_in_range(own_answer, self._closed_form.model_sum.link):
                self._is_contradicted = True
                return None
            self._first_shared = neighbourhoods[0].shared
            self._functions = self._find_functions(outputs, neighbourhoods[0], of_rows[0])
            own = self._read_own(neighbourhoods[0], own_answer, of_rows[0])
            self._controls = Controls(self._closed_form, self._functions, own)
        self._controls.greatest_margin = max(
            self._controls.greatest_margin, *(float(np.abs(margins.witnesses).max()) for margins in of_rows)
        )
        return self._controls, [self._evaluate(*both) for both in zip(neighbourhoods, of_rows, strict=True)]

    def _read(self, neighbourhood: Neighbourhood, answers: np.ndarray) -> _Margins | None:
        """The margins of a neighbourhood's drawn rows; None where the model contradicts the sum."""
        return self._recall(neighbourhood.shared, (), lambda: self._prove(neighbourhood, answers))

    def _find_functions(self, outputs: tuple[int, ...], first: Neighbourhood, margins: _Margins) -> Functions:
        return self._recall(self._first_shared, outputs, lambda: self._make_functions(outputs, first, margins))

    def _evaluate(self, neighbourhood: Neighbourhood, margins: _Margins) -> np.ndarray:
        """The values of the functions for a neighbourhood's drawn rows."""
        assert self._functions is not None
        functions = self._functions
        rows = np.arange(1, 1 + len(margins.values))
        return self._recall(
            neighbourhood.shared,
            (self._first_shared, functions.outputs),
            lambda: functions.evaluate(neighbourhood.inputs.take(rows), margins),
        )

    def _recall(self, shared: SharedRows | None, key: Hashable, find: Callable[[], T]) -> T:
        """What is known of drawn rows; it is worked out once for all instances that share them."""
        return find() if shared is None else recall(self._of_shared_rows, (shared, key), find)

    def _prove(self, neighbourhood: Neighbourhood, answers: np.ndarray) -> _Margins | None:
        """The margins, from answers of which some are compared with the sum; None where it is contradicted."""
        model_sum = self._closed_form.model_sum
        if model_sum.num_outputs != answers.shape[1] or not _are_in_range(answers, model_sum.link):
            return None
        margins = LINKS[model_sum.link](answers)
        is_told = _is_told(margins, model_sum.link)
        is_tried = np.zeros(len(answers), dtype=bool)
        is_tried[np.linspace(0, len(answers) - 1, _LEAST_TRIED + int(_SHARE_TRIED * len(answers))).astype(np.intp)] = True
        if (is_tried & is_told).sum() < min(_LEAST_TELLING, is_tried.sum()):
            return None
        needed = np.flatnonzero(is_tried | ~is_told)
        by_sum = model_sum.evaluate(neighbourhood.inputs.take(1 + needed))
        constant = np.median((margins[needed] - by_sum)[is_told[needed]], axis=0)
        rounding = rounding_of(margins, model_sum.link)[needed]
        if not _is_same(margins[needed], by_sum + constant, rounding, model_sum.link):
            return None
        margins[~is_told] = by_sum[~is_told[needed]] + constant
        return _Margins(constant, margins, _find_witnesses(margins))

    def _read_own(self, neighbourhood: Neighbourhood, own_answer: np.ndarray, of_rows: _Margins) -> Own:
        link = self._closed_form.model_sum.link
        (margin,) = LINKS[link](own_answer[None])
        rounding = rounding_of(np.concatenate([margin[None], of_rows.witnesses]), link)[0]
        return Own(neighbourhood.inputs.take(np.array([0]))[0], margin, of_rows.constant, rounding)

    def _make_functions(self, outputs: tuple[int, ...], first: Neighbourhood, margins: _Margins) -> Functions:
        constant = margins.constant[list(outputs)]
        rows = first.inputs.take(np.arange(1, 1 + len(margins.values)))
        found = [self._expand(output, float(of_output), rows) for output, of_output in zip(outputs, constant, strict=True)]
        expansions = [expansion for expansion in found if expansion is not None]
        offset = constant - np.median(margins.values[:, outputs], axis=0)
        return Functions(self._closed_form, outputs, offset, tuple(expansions) if len(expansions) == len(found) else ())

    def _expand(self, output: int, constant: float, rows: np.ndarray) -> Expansion | None:
        """The expansion of an output, whose sigmoid the model's output is; None if there is none."""
        model_sum, law = self._closed_form.model_sum, self._closed_form.law
        if model_sum.link != "logit":
            return None
        products = model_sum.as_products(law)
        if products is not None:
            return Expansion.of_products(products, law, output, constant)
        is_known = model_sum.is_additive and law.component_of is None
        return Expansion.of_columns(model_sum, law, rows, output, constant) if is_known else None


def _find_witnesses(margins: np.ndarray) -> np.ndarray:
    """The least and the greatest margins of each output, and one that is no number of single precision."""
    with np.errstate(over="ignore"):
        is_double = (margins.astype(np.float32) != margins).any(axis=1)
    rows = np.unique(np.concatenate([margins.argmin(axis=0), margins.argmax(axis=0), [is_double.argmax()]]))
    return np.asarray(margins[rows])


def _are_in_range(answers: np.ndarray, link: str) -> bool:
    return link == "identity" or bool(answers.min() >= 0 and answers.max() <= 1)


def _is_told(margins: np.ndarray, link: str) -> np.ndarray:
    """Whether answers tell the margins of m rows, of shape (m, k): near 0 and 1 probabilities are rounded, or clipped."""
    return np.asarray((np.abs(margins) <= (_MOST_TOLD if link == "logit" else np.inf)).all(axis=1))


def _is_same(margins: np.ndarray, by_sum: np.ndarray, rounding: np.ndarray, link: str) -> bool:
    """Whether margins that answers tell are those of the sum; of others, whether the sum is beyond what answers tell, too."""
    is_told = _is_told(margins, link)[:, None]
    is_near = np.abs(margins - by_sum) <= rounding
    is_beyond = (margins * by_sum > 0) & ~_is_told(by_sum, link)[:, None]
    return bool(np.where(is_told, is_near, is_near | is_beyond).all())
