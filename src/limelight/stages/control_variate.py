"""Functions of the perturbed rows whose moments are known exactly, because the model's outputs are a function of a known sum.

Boosted trees' probabilities have no closed form, but their log-odds, the margin, have one. What chance makes of the margin in
the drawn rows it makes of the probability as well, and this part of its error is taken away: the margin is a control variate.
Where it is a sum over leaves, so is its `Expansion`, which is nearer to the probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from limelight.stages.closed_form import ClosedForm, rounding_of
from limelight.stages.components import Neighbourhood, SharedRows
from limelight.stages.expansion import Expansion, SumOfProducts
from limelight.stages.limit import Expectation
from limelight.stages.prediction_outputs import LINKS
from limelight.stages.product_law import ComponentMoments

__all__ = ["ControlVariates", "Controls"]

_LEAST_TRIED = 128  # rows of a neighbourhood whose answers must be those of the sum, and a share of the others
_SHARE_TRIED = 1 / 32
_LEAST_TELLING = 8  # of these: rows whose margin the answer tells
_MOST_TOLD = 10.0  # the greatest log-odds that a probability in single precision tells to three digits


class Controls(NamedTuple):
    """Control variates for each of q outputs.

    Attributes
    ----------
    values : ndarray of shape (n, e, q)
        Those of the drawn rows: e for each output, less their exact means.
    means : ndarray of shape (e, q)
        These means.
    covariances : ndarray of shape (e, q, d)
        Their exact covariances with the components.
    components : ComponentMoments
        The exact moments of the components.
    link : str
        What turns the model's outputs into the sum whose moments are known.
    """

    values: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    components: ComponentMoments
    link: str

    @property
    def exact_link(self) -> str | None:
        """The link with which the explanation has a closed form; None if the link would clip some outputs."""
        margins = self.values[:, 0] + self.means[0]
        is_clipped = self.link == "logit" and np.abs(margins).max() >= LINKS["logit"](np.ones(1))[0]
        return None if is_clipped else self.link

    def take_output(self, number: int) -> Controls:
        """Those of one output."""
        own = [number]
        return self._replace(values=self.values[:, :, own], means=self.means[:, own], covariances=self.covariances[:, own])


class _Margins(NamedTuple):
    """What the answers for a neighbourhood's m drawn rows say of the sum; nothing that is here depends on the instance.

    Attributes
    ----------
    constant : ndarray of shape (k,)
        What the model adds to the sum.
    values : ndarray of shape (m, k)
        Sum and constant.
    cells : ndarray of int, of shape (p, m)
        Where the rows lie among the cells of the sum of products, if there is one.
    """

    constant: np.ndarray
    values: np.ndarray
    cells: np.ndarray


class ControlVariates:
    """The control variates of one explanation's rows, as long as the model's answers are those of the sum.

    Parameters
    ----------
    closed_form : ClosedForm
        The sum, under another link than the one that is explained, and the law under which its moments are known.
    of_shared_rows : dict
        What is known of drawn rows that other instances share; nothing where the model has contradicted the sum.
    """

    def __init__(self, closed_form: ClosedForm, of_shared_rows: dict[SharedRows, tuple[np.ndarray, ...]]) -> None:
        self._closed_form = closed_form
        self._of_shared_rows = of_shared_rows
        self._products: SumOfProducts | None = None  # whose sigmoid the model's outputs are
        if closed_form.model_sum.link == "logit":
            self._products = closed_form.model_sum.as_products(closed_form.law)
        self._moments: Expectation | None = None  # with e laws
        self._expansions: list[Expansion] = []
        self._values: list[np.ndarray] = []
        self._is_contradicted = False

    def add(
        self,
        neighbourhoods: Sequence[Neighbourhood],
        own_answer: np.ndarray,
        answers: Sequence[np.ndarray],
        outputs: Sequence[int],
    ) -> Controls | None:
        """Those of all drawn rows so far, for some outputs; None if the model has contradicted the sum.

        The model's answers are as they came: for the instance of shape (k,), and for drawn rows of shape (m, k).
        """
        if self._is_contradicted:
            return None
        known = [self._read(*both) for both in zip(neighbourhoods, answers, strict=True)]
        self._is_contradicted = not all(known)
        if self._moments is None and not self._is_contradicted:
            margins = _Margins(*known[0])
            self._is_contradicted = not self._is_own(neighbourhoods[0], own_answer, margins)
            self._moments = self._find_moments(outputs, margins.constant)
        if self._is_contradicted or self._moments is None:
            return None
        means, covariances = self._moments
        self._values += [self._evaluate(_Margins(*of_rows), outputs) - means for of_rows in known]
        model_sum, law, kernel_width, _ = self._closed_form
        components = law.component_moments(kernel_width)
        return Controls(np.concatenate(self._values), means, covariances, components, model_sum.link)

    def _read(self, neighbourhood: Neighbourhood, answers: np.ndarray) -> tuple[np.ndarray, ...]:
        """The margins of a neighbourhood's drawn rows; nothing where the model contradicts the sum."""
        shared = neighbourhood.shared
        if shared is not None and shared in self._of_shared_rows:
            return self._of_shared_rows[shared]
        margins = self._prove(neighbourhood, answers) or ()
        if shared is not None:
            self._of_shared_rows[shared] = margins
        return margins

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
        if self._products is None:
            return _Margins(constant, margins, np.empty((0, len(margins)), dtype=np.int32))
        return _Margins(
            constant, margins, self._products.cells.locate(neighbourhood.inputs.take(np.arange(1, 1 + len(margins))))
        )

    def _is_own(self, neighbourhood: Neighbourhood, own_answer: np.ndarray, of_rows: _Margins) -> bool:
        """Whether the model's answer for the instance is that of the sum, as those for drawn rows are."""
        model_sum = self._closed_form.model_sum
        if not _are_in_range(own_answer, model_sum.link):
            return False
        own = LINKS[model_sum.link](own_answer[None])
        by_sum = model_sum.evaluate(neighbourhood.inputs.take(np.array([0]))) + of_rows.constant
        rounding = rounding_of(np.concatenate([own, of_rows.values]), model_sum.link)[:1]
        return _is_same(own, by_sum, rounding, model_sum.link)

    def _find_moments(self, outputs: Sequence[int], constant: np.ndarray) -> Expectation:
        """The exact moments of the margins and, where there are any, of their expansions."""
        model_sum, law, kernel_width, _ = self._closed_form
        of_margins = model_sum.expect([law], kernel_width, outputs)
        of_margins = of_margins._replace(means=of_margins.means + constant[list(outputs)])
        products = self._products
        if products is None:
            return of_margins
        found = [Expansion.of(products, law, kernel_width, output, float(constant[output])) for output in outputs]
        expansions = [expansion for expansion in found if expansion is not None]
        if len(expansions) < len(found):
            return of_margins
        self._expansions = expansions
        means = np.stack([expansion.means for expansion in expansions], axis=1)
        covariances = np.stack([expansion.covariances for expansion in expansions], axis=1)
        return Expectation(np.concatenate([of_margins.means, means]), np.concatenate([of_margins.covariances, covariances]))

    def _evaluate(self, margins: _Margins, outputs: Sequence[int]) -> np.ndarray:
        """The control variates of drawn rows, of shape (m, e, q)."""
        values = margins.values[:, None, outputs]
        if not self._expansions:
            return values
        expanded = [
            expansion.evaluate(margins.cells, margins.values[:, output])
            for expansion, output in zip(self._expansions, outputs, strict=True)
        ]
        return np.concatenate([values, np.stack(expanded, axis=-1)], axis=1)


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
