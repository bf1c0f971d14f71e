"""Intervals of weights that were chosen because they are the heaviest.

Chance makes some of many weights heavy, and these are chosen. So an ordinary interval of a chosen weight lies too far from 0.
Here an interval holds given the choice: that the weight is heavier than the heaviest one left out [1]_. Given the choice,
little may be known of a weight that is hardly heavier. Then its interval ends where one that holds for all components together
would end [2]_.

References
----------
.. [1] H. Zhong and R. Prentice, "Bias-reduced estimators and confidence intervals for odds ratios in genome-wide association
   studies", Biostatistics 9, 2008.
.. [2] I. Andrews, T. Kitagawa and A. McCloskey, "Inference on Winners", Quarterly Journal of Economics 139, 2024.
"""

from __future__ import annotations

import numpy as np

__all__ = ["reach_towards_zero"]

_SHARE_OF_ALL = 0.1  # of the level, for the interval that holds for all components together
_MOST_STEPS = 30  # halvings of the range in which an interval may end
_FAR = 6.0  # standard errors between a weight and the heaviest one left out, beyond which the choice changes nothing


def reach_towards_zero(
    sizes: np.ndarray, left_out: np.ndarray, errors: np.ndarray, num_components: int, degrees: int, confidence: float
) -> np.ndarray:
    """How far the intervals of chosen weights reach towards 0, and beyond it.

    Parameters
    ----------
    sizes : ndarray of shape (n,)
        The weights' absolute values, by which they were chosen.
    left_out : ndarray of shape (n,)
        The largest absolute value of a weight that was not chosen.
    errors : ndarray of shape (n,)
        The weights' standard errors.
    num_components : int
        Among how many weights they were chosen.
    degrees : int
        The errors' degrees of freedom.
    confidence : float
        The level of the intervals.

    Returns
    -------
    reaches : ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.stages.selected_intervals import reach_towards_zero
    >>> sizes, left_out, errors = np.array([20.0, 4.0]), np.array([3.0, 3.0]), np.array([1.0, 1.0])
    >>> reach_towards_zero(sizes, left_out, errors, 50, 7, 0.95).round(2).tolist()
    [2.36, 4.85]
    """
    from scipy.special import stdtr, stdtrit

    level = 1 - confidence
    plain = stdtrit(degrees, 1 - level / 2)
    of_all = max(plain, stdtrit(degrees, 1 - _SHARE_OF_ALL * level / 2 / num_components))
    reaches = plain * errors
    is_near = (errors > 0) & (left_out > 0) & (sizes - left_out < _FAR * errors)
    if not is_near.any():
        return np.asarray(reaches)
    size, bound = sizes[is_near] / errors[is_near], left_out[is_near] / errors[is_near]
    # The end is the weight under which a chosen one is rarely this heavy: between those of both other intervals.
    low, high = np.full(size.shape, plain), np.full(size.shape, of_all)
    for _ in range(_MOST_STEPS):
        reach = (low + high) / 2
        weight = size - reach
        chance = stdtr(degrees, weight - size) / (stdtr(degrees, -bound - weight) + stdtr(degrees, weight - bound))
        is_inside = chance > level / 2
        low, high = np.where(is_inside, reach, low), np.where(is_inside, high, reach)
    reaches[is_near] = high * errors[is_near]
    return np.asarray(reaches)
