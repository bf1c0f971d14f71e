"""Moments from a fit of all components, projected with the exact moments of the masks."""

from __future__ import annotations

import numpy as np

from limelight.stages.curve_products import CurveProducts
from limelight.stages.kernel_law import Curves, KernelLaw
from limelight.stages.moments import Moments, PooledMoments, leave_out_each
from limelight.stages.sample import Sample

__all__ = ["ProjectedMoments", "is_full_fit_sound"]

_LEAST_ROWS_PER_COMPONENT = 2  # effective rows, and pairs of rows: with fewer, the full fit is no good control variate
_LEAST_CURVED_COMPONENTS = 4  # the exact moments of curves are sums over sets of four parts
_MOST_CURVED_COMPONENTS = 300  # with more, the curves take more time than they save
_COLLINEAR_SHARE = 1e-6  # of the largest eigenvalue of the curves' correlations: with less, they are the same curve


class ProjectedMoments:
    """Moments of the whole neighbourhood, as a linear model of all components knows them from one sample.

    The outputs' covariances with the components are the full fit's weights times the components' exact covariances. In the
    limit they are the sampled ones. Before it they are free of chance correlations between components: a fit of few components
    would take the effects of correlated components that are left out for effects of its own. They are also free of what the
    sample takes for linear in curves of the full fit's own prediction, because most models bend along it.

    Parameters
    ----------
    sample : Sample
        The perturbations, with d components, q outputs and r replicates.
    kernel_law : KernelLaw
        The law of its masks.
    nominal_draws : int
        The number of draws from LIME's law that the ridge penalty is meant for.

    Raises
    ------
    numpy.linalg.LinAlgError
        If least squares on all components has no unique solution, in the whole sample or without one of its replicates.
    """

    def __init__(self, sample: Sample, kernel_law: KernelLaw, nominal_draws: int) -> None:
        self._components_mean, self._covariance = kernel_law.moments()
        grams = sample.full_grams()
        d = len(self._components_mean)
        total = grams.sum(axis=0)
        grams_of_fits = [total, *(total - gram for gram in grams)] if len(grams) > 1 else [total]
        fits = [_FullFit(gram, d) for gram in grams_of_fits]
        coefficients = np.stack([fit.coefficients for fit in fits])
        if len(grams) > 1 and _LEAST_CURVED_COMPONENTS <= d <= _MOST_CURVED_COMPONENTS:
            # Each replicate's curves are those of the fit without it: a curve that follows the rows' own noise has more of it
            # in its linear part than chance, and the weights would be too small.
            curves = kernel_law.curves(np.concatenate([fit.coefficients[1:] for fit in fits[1:]], axis=1))
            coefficients = _remove_chance(fits, coefficients, curves, sample.curve_products(curves), grams)
        intercepts, weights = coefficients[:, 0], coefficients[:, 1:]
        residuals = np.stack([fit.residuals for fit in fits])
        self._cross = self._covariance @ weights
        self._outputs_covariance = residuals + np.swapaxes(weights, 1, 2) @ self._cross
        self._outputs_mean = intercepts + self._components_mean @ weights
        self._penalty = np.full(len(weights), 1.0 / (nominal_draws * kernel_law.mean_weight))

    def pooled(self) -> PooledMoments:
        """The moments of all components and outputs over all replicates: as `SampledMoments.pooled`, with b = 1."""
        return PooledMoments.of(self._moments(slice(None), slice(None), slice(0, 1)), len(self._components_mean))

    def without_each(self) -> Moments:
        """The same without each of the r replicates: as `SampledMoments.without_each`."""
        return self._moments(slice(None), slice(None), slice(1, None))

    def leaving_out(self, chosen: np.ndarray, grams: np.ndarray) -> Moments:  # noqa: ARG002 - the full fits replace the grams
        """The moments of chosen components and an output: as `SampledMoments.leaving_out`, with b = 1."""
        by_output = [
            self._moments(components, slice(output, output + 1), slice(None)) for output, components in enumerate(chosen[0])
        ]
        means, covariances, penalties = (np.stack([part[place] for part in by_output])[None] for place in range(3))
        return Moments(means, covariances, penalties)

    def _moments(self, chosen: np.ndarray | slice, some_outputs: slice, some_fits: slice) -> Moments:
        """The moments of c chosen components and some outputs according to f full fits: Moments whose axes ... are (f,)."""
        cross = self._cross[some_fits, :, some_outputs][:, chosen]
        outputs_covariance = self._outputs_covariance[some_fits, some_outputs, some_outputs]
        outputs_mean = self._outputs_mean[some_fits, some_outputs]
        chosen_mean, chosen_covariance = self._components_mean[chosen], self._covariance[chosen][:, chosen]
        num_fits = len(cross)
        mean = np.concatenate([np.broadcast_to(chosen_mean, (num_fits, len(chosen_mean))), outputs_mean], axis=1)
        top = np.concatenate([np.broadcast_to(chosen_covariance, (num_fits, *chosen_covariance.shape)), cross], axis=2)
        bottom = np.concatenate([np.swapaxes(cross, 1, 2), outputs_covariance], axis=2)
        return Moments(mean, np.concatenate([top, bottom], axis=1), self._penalty[some_fits])


def is_full_fit_sound(sample: Sample) -> bool:
    """Whether there are enough rows for least squares on all components to be a good control variate."""
    # The second mask of a complementary pair adds little to what the first tells of the components' weights.
    rows = min(sample.size / 2, sample.fitting_size)
    has_rows = rows >= _LEAST_ROWS_PER_COMPONENT * (len(sample.instance) + 1)
    return has_rows and len(sample.full_grams()) == sample.num_replicates


class _FullFit:
    """Least squares on all components.

    Parameters
    ----------
    gram : ndarray of shape (1 + d + q, 1 + d + q)
        A weighted Gram matrix of the constant, the components and the outputs.
    d : int
        The number of components.

    Attributes
    ----------
    coefficients : ndarray of shape (1 + d, q)
        Intercepts and weights.
    residuals : ndarray of shape (q, q)
        The covariances of the outputs' residuals.
    """

    def __init__(self, gram: np.ndarray, d: int) -> None:
        self._factor = _cholesky_factor(gram[: d + 1, : d + 1])
        cross = gram[: d + 1, d + 1 :]
        self.coefficients = _solve_cholesky(self._factor, cross)
        self.residuals = (gram[d + 1 :, d + 1 :] - cross.T @ self.coefficients) / gram[0, 0]

    def solve(self, cross: np.ndarray) -> np.ndarray:
        """The coefficients of other outputs, from their products with the constant and the components: shape (1 + d, ...)."""
        return _solve_cholesky(self._factor, cross.reshape(len(cross), -1)).reshape(cross.shape)


def _remove_chance(
    fits: list[_FullFit], coefficients: np.ndarray, curves: Curves, products: CurveProducts, grams: np.ndarray
) -> np.ndarray:
    """The coefficients of f fits, of shape (f, 1 + d, q), without chance effects of the curves that the outputs contain.

    The linear part of a curve under the law and the kernel is known exactly. What the sample takes for linear in the rest of it
    is chance, and changes an output's coefficients in proportion to the share of the curve in the output's residual. This
    change is subtracted: a control variate, with a coefficient for each curve of an output.
    """
    r, q = len(grams), coefficients.shape[-1]
    exact = np.moveaxis(curves.linear.reshape(*curves.linear.shape[:2], r, q), 2, 0)
    of_rest = CurveProducts(*(leave_out_each(part, axis=0) for part in products.without(exact, grams)))
    chance = np.stack([fit.solve(columns) for fit, columns in zip(fits, of_rest.columns, strict=True)])
    # What the components leave of products of the curves, and of the outputs with them: a system of equations for each output.
    with_curves = of_rest.curves - np.einsum("fiaq,fibq->fabq", of_rest.columns, chance)
    with_outputs = of_rest.outputs - np.einsum("fiaq,fiq->faq", of_rest.columns, coefficients)
    variances = np.einsum("faaq->faq", with_curves)
    scale = np.sqrt(np.where(variances > 0, variances, np.inf))
    correlations = np.moveaxis(with_curves / (scale[:, :, None] * scale[:, None]), -1, 1)
    inverse = np.linalg.pinv(correlations, rcond=_COLLINEAR_SHARE, hermitian=True)
    shares = np.einsum("fqab,fbq->faq", inverse, with_outputs / scale) / scale
    return np.asarray(coefficients - np.einsum("fiaq,faq->fiq", chance, shares))


def _cholesky_factor(matrix: np.ndarray) -> np.ndarray:
    """The lower Cholesky factor, of shape (n, n), of a symmetric positive definite matrix; its upper triangle is arbitrary.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the matrix is not positive definite.
    """
    from scipy.linalg.lapack import dpotrf

    # Its transpose is the same matrix, in the order that LAPACK wants.
    factor, info = dpotrf(matrix.T, lower=1, clean=0)
    if info:
        raise np.linalg.LinAlgError(f"the matrix of {len(matrix)} rows is not positive definite")
    return np.asarray(factor)


def _solve_cholesky(factor: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve a system from the Cholesky factor of its matrix, (n, n), and its right sides, (n, m): of shape (n, m)."""
    from scipy.linalg.lapack import dpotrs

    return np.asarray(dpotrs(factor, right, lower=1)[0])
