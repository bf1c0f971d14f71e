"""How surrogates are fitted."""

from __future__ import annotations

from typing import Any, NamedTuple

from limelight.stages.kernel_law import KernelLaw

__all__ = ["CONFIDENCE", "Settings"]

CONFIDENCE = 0.95
"""The level of intervals."""


class Settings(NamedTuple):
    """How surrogates are fitted.

    Attributes
    ----------
    method : str
        How components are chosen; one of `limelight.stages.selection.METHODS`.
    num_features : int
        The largest number of components to report.
    alpha : float
        The ridge penalty, in lime's unit: for `nominal_draws` draws from LIME's law, weighted by the kernel.
    nominal_draws : int
        The number of draws that `alpha` is meant for.
    kernel_law : KernelLaw or None
        The masks' law where it is known. With its exact moments the full fit is projected on the chosen components, which
        keeps the noise of the other components out of the report.
    regressor : object or None
        A scikit-learn linear regressor to fit instead of the ridge; it is cloned.
    is_exact : bool
        Whether the sample is the whole neighbourhood, or its limit is known: nothing is left to chance.
    components : tuple of int or None
        The components to report, in place of chosen ones.
    confidence : float
        The level of the intervals. It is not corrected for several looks: growth ends by the intervals' widths, not by the
        weights. It ends a little early where eight replicates are alike by chance, so that of 95 % intervals 92 to 95 % hold;
        they would hold in 95 % with many replicates (Chow and Robbins, "On the Asymptotic Theory of Fixed-Width Sequential
        Confidence Intervals for the Mean", Annals of Mathematical Statistics 36, 1965).
    is_sparse : bool
        Whether there will be too few rows for a fit of all components: sparse fits take its place, where the law is known.
    """

    method: str
    num_features: int
    alpha: float
    nominal_draws: int
    kernel_law: KernelLaw | None
    regressor: Any
    is_exact: bool
    components: tuple[int, ...] | None = None
    confidence: float = CONFIDENCE
    is_sparse: bool = False
