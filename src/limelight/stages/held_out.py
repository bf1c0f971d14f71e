"""Fidelity of surrogates whose components were chosen, too, without the rows that they are held against.

With few rows, chosen components follow these rows by chance. If all rows take part in the choice, the surrogates that are
fitted without a replicate seem to predict it better than new rows: by .15 for products of three or four of 40 parts at 129
inputs, where fidelity was right within its error in 57 to 75 % of explanations, in place of 92 to 95 %. (Hastie, Tibshirani and
Friedman, "The Elements of Statistical Learning", 2009, section 7.10.2.)
"""

from __future__ import annotations

import numpy as np

from limelight.stages.full_fit import ProjectedMoments
from limelight.stages.moments import Moments, PooledMoments, SampledMoments
from limelight.stages.prior import Penalties
from limelight.stages.regressions import Regressions, explain_shares, fit_moments
from limelight.stages.sample import Sample
from limelight.stages.selection import choose_components
from limelight.stages.sparse_fit import SparseMoments

__all__ = ["find_held_out_fidelities"]

_ENOUGH_ROWS_PER_COMPONENT = 16  # the choice hardly depends on a replicate
_MOST_COMPONENTS = 200  # with more, a choice for each replicate takes longer than the rest
_METHODS = ("auto", "highest_weights", "forward_selection")


def find_held_out_fidelities(
    sample: Sample, source: SampledMoments | ProjectedMoments | SparseMoments, method: str, num_features: int, alpha: float
) -> np.ndarray | None:
    """Weighted R2, of shape (q, 1 + r): of each replicate under the surrogate chosen and fitted without it, pooled.

    Parameters
    ----------
    sample : Sample
        The rows, with q outputs and r replicates.
    source : SampledMoments, ProjectedMoments or SparseMoments
        Where the moments of this sample alone come from.
    method, num_features, alpha
        How components are chosen, how many, and the ridge penalty; as in `limelight.stages.settings.Settings`.

    Returns
    -------
    fidelities : ndarray or None
        As `ProductsOfComponents.fidelities`; None where the choice of all rows does as well, or one for each replicate would
        take too long.
    """
    d, r = len(sample.instance), sample.num_replicates
    has_choice = method in _METHODS and num_features < d and r > 1
    takes_long = (sample.is_wide or d > _MOST_COMPONENTS) and not isinstance(source, SparseMoments)
    if not has_choice or takes_long or sample.size >= _ENOUGH_ROWS_PER_COMPONENT * d:
        return None
    moments = source.without_each()
    pooled = PooledMoments.of(moments, d)
    penalties = Penalties.stack([sample.penalties] * r)
    with_prior = pooled.with_prior(penalties)
    try:
        common = pooled.penalty[:, None] * penalties.factors
        chosen = choose_components(method, with_prior.covariances, with_prior.cross, common, num_features).components
    except np.linalg.LinAlgError:  # too little varies without some replicate
        return None
    # The components chosen without each replicate, and the output that they are chosen for: (r, q, c + 1).
    outputs = np.broadcast_to(d + np.arange(chosen.shape[1])[:, None], (*chosen.shape[:2], 1))
    places = np.concatenate([chosen, outputs], axis=-1)
    number = np.arange(r)[:, None, None]
    of_chosen = Moments(
        moments.mean[number, places][:, :, None],
        moments.covariance[number[..., None], places[..., :, None], places[..., None, :]][:, :, None],
        moments.penalty[:, None, None],
        moments.rounding,
    )
    fitted = fit_moments(of_chosen, alpha, penalties.take(chosen))
    in_gram = np.concatenate([np.zeros_like(outputs), 1 + places], axis=-1)
    grams = sample.full_grams()[number[..., None], in_gram[..., :, None], in_gram[..., None, :]]
    by_output = (np.swapaxes(part[:, :, 0], 0, 1)[None] for part in fitted)
    return np.asarray(explain_shares(np.swapaxes(grams, 0, 1)[None], Regressions(*by_output))[0])
