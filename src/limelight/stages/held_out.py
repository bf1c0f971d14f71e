"""Fidelity of surrogates whose components were chosen, too, without the rows that they are held against.

With few rows, chosen components follow these rows by chance. If all rows take part in the choice, the surrogates that are
fitted without a replicate seem to predict it better than new rows: by .15 for products of three or four of 40 parts at 129
inputs, where fidelity was right within its error in 57 to 75 % of explanations, in place of 92 to 95 %. (Hastie, Tibshirani and
Friedman, "The Elements of Statistical Learning", 2009, section 7.10.2.)
"""

from __future__ import annotations

import numpy as np

from limelight.stages.full_fit import ProjectedMoments
from limelight.stages.moments import SampledMoments
from limelight.stages.prior import Penalties
from limelight.stages.regressions import ProductsOfComponents, explained_shares
from limelight.stages.sample import Sample
from limelight.stages.selection import choose_components

__all__ = ["find_held_out_fidelities"]

_ENOUGH_ROWS_PER_COMPONENT = 16  # the choice hardly depends on a replicate
_MOST_COMPONENTS = 200  # with more, a choice for each replicate takes longer than the rest
_METHODS = ("auto", "highest_weights", "forward_selection")


def find_held_out_fidelities(
    sample: Sample, source: SampledMoments | ProjectedMoments, method: str, num_features: int, alpha: float
) -> np.ndarray | None:
    """Weighted R2, of shape (q, 1 + r): of each replicate under the surrogate chosen and fitted without it, pooled.

    Parameters
    ----------
    sample : Sample
        The rows, with q outputs and r replicates.
    source : SampledMoments or ProjectedMoments
        Where the moments of this sample alone come from.
    method, num_features, alpha
        How components are chosen, how many, and the ridge penalty; as in `limelight.stages.surrogate.Settings`.

    Returns
    -------
    fidelities : ndarray or None
        As `ProductsOfComponents.fidelities`; None where the choice of all rows does as well, or one for each replicate would
        take too long.
    """
    d, r = len(sample.instance), sample.num_replicates
    has_choice = method in _METHODS and num_features < d and r > 1
    if not has_choice or sample.is_wide or d > _MOST_COMPONENTS or sample.size >= _ENOUGH_ROWS_PER_COMPONENT * d:
        return None
    moments = source.without_each()
    penalties = Penalties.stack([sample.penalties])
    try:
        with_prior = moments.with_prior(Penalties.stack([sample.penalties] * r))
        common = moments.penalty[:, None] * penalties.factors
        chosen = choose_components(method, with_prior.covariances, with_prior.cross, common, num_features).components
    except np.linalg.LinAlgError:  # too little varies without some replicate
        return None
    sums = np.empty((4, 1, *chosen.shape[1::-1]))
    for replicate, components in enumerate(chosen[:, None]):
        products = ProductsOfComponents([sample], components, source)
        fitted = products.fit_ridge(alpha, penalties.take(components), slice(1 + replicate, 2 + replicate))
        sums[..., replicate] = products.sums(fitted, slice(None))[..., replicate]
    return np.asarray(explained_shares(sums)[0])
