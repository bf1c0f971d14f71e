"""Fewer perturbations than components: the same answers as from the components' covariances, without any such matrix."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from limelight._blas import one_blas_thread
from limelight.stages import wide_rows
from limelight.stages.sample import Sample
from limelight.stages.selection import METHODS
from limelight.stages.settings import Settings
from limelight.stages.surrogate import fit_surrogates

D, N = 300, 200
PATHS = ("forward_selection", "lasso_path")
SETTINGS = Settings(
    method="auto",
    num_features=10,
    alpha=1.0,
    nominal_draws=1000,
    kernel_law=None,
    regressor=None,
    confidence=0.95,
    is_exact=False,
)


@pytest.fixture(autouse=True)
def _one_thread():
    with one_blas_thread():
        yield


def make_sample(*, are_masks=True, shares=None, outputs=2, replicates=8, cuts=(0.4, 1.0), has_equal=True) -> Sample:
    """Rows in several stretches, with a constant component, two that are equal, and outputs with interactions and noise."""
    draw = np.random.default_rng(3)
    rows = (draw.random((N, D)) < (0.6 if shares is None else shares)).astype(np.uint8)
    if has_equal:
        rows[:, 7], rows[:, 8] = 1, rows[:, 9]
    if not are_masks:
        rows = rows + draw.normal(size=(N, D))
    values = (
        rows[:, :20] @ draw.normal(size=(20, outputs)) + (rows[:, 0] * rows[:, 1])[:, None] + draw.normal(size=(N, outputs))
    )
    sample = Sample(np.ones(D), np.full(outputs, 0.5), shares)
    start = 0
    for cut in cuts:
        stop = int(cut * N)
        bounds = np.linspace(0, stop - start, replicates + 1).astype(int)
        part = slice(start, stop)
        sample.add(rows[part], values[part], draw.random(stop - start) + 0.5, draw.random(stop - start) ** 2, bounds)
        start = stop
    return sample


def few_rare():
    shares = np.full(D, 0.5)
    shares[[0, 20, 40]] = 0.98, 0.02, 0.99
    return shares


def many_rare():
    shares = np.full(D, 0.5)
    shares[::2] = 0.975
    return shares


def assert_same(fits, expected):
    """Within 1e-6 of each output's heaviest weight; weights that are nearly equal may have changed places."""
    for fit, other in zip(fits, expected, strict=True):
        order, order_of_other = np.argsort(fit.components), np.argsort(other.components)
        assert fit.components[order].tolist() == other.components[order_of_other].tolist()
        scale = np.abs(other.weights).max()
        for name in ("weights", "half_widths"):
            found, wanted = getattr(fit, name)[order], getattr(other, name)[order_of_other]
            assert found == pytest.approx(wanted, rel=1e-6, abs=1e-6 * scale, nan_ok=True)
        for name in ("intercept", "local_prediction", "local_half_width", "fidelity", "fidelity_error", "spread", "shrinkage"):
            assert getattr(fit, name) == pytest.approx(getattr(other, name), rel=1e-6, abs=1e-6 * scale, nan_ok=True)
        assert fit.unknown.tolist() == other.unknown.tolist()


def fit_both_ways(monkeypatch, settings, **kind):
    (fits,) = fit_surrogates([make_sample(**kind)], settings)
    with monkeypatch.context() as patch:
        patch.setattr(Sample, "is_wide", False)
        patch.setattr(
            "limelight.stages.sample.Sample.size", property(lambda _: 10 * D)
        )  # so that long lists have matrices, too
        (expected,) = fit_surrogates([make_sample(**kind)], settings)
    return fits, expected


@pytest.mark.parametrize(
    ("method", "num_features"),
    # "auto" is one of the others. The lasso path of equal components, and what comes once rows are fitted, are rounding.
    [
        (method, count)
        for method in METHODS
        for count in (5, 60, 250)
        if method != "auto" and (count < 250 or method not in PATHS)
    ],
)
@pytest.mark.parametrize("are_masks", [True, False])
def test_each_method_gives_the_same(monkeypatch, method, num_features, are_masks):
    settings = SETTINGS._replace(method=method, num_features=num_features)
    assert_same(*fit_both_ways(monkeypatch, settings, are_masks=are_masks, has_equal=method != "lasso_path"))


@pytest.mark.parametrize("method", ["highest_weights", "none"])
@pytest.mark.parametrize("shares", [few_rare, many_rare])
@pytest.mark.parametrize("are_masks", [True, False])
def test_components_that_are_hardly_penalised_are_fitted_as_such(monkeypatch, method, shares, are_masks):
    settings = SETTINGS._replace(method=method, num_features=30)
    assert_same(*fit_both_ways(monkeypatch, settings, are_masks=are_masks, shares=shares()))


@pytest.mark.parametrize("kind", [{"replicates": 1}, {"outputs": 1}, {"cuts": (1.0,)}, {"cuts": (0.1, 0.2, 0.4, 0.8, 1.0)}])
@pytest.mark.parametrize("change", [{}, {"alpha": 0.0}, {"method": "none"}, {"method": "none", "alpha": 0.0}])
def test_all_replicates_stretches_and_penalties_give_the_same(monkeypatch, kind, change):
    assert_same(*fit_both_ways(monkeypatch, SETTINGS._replace(**change), **kind))


def test_regressors_of_the_users_own_are_judged_alike(monkeypatch):
    settings = SETTINGS._replace(method="none", regressor=Ridge(alpha=2.0))
    assert_same(*fit_both_ways(monkeypatch, settings))


@pytest.mark.parametrize("constant", [0, 1])
def test_each_output_has_its_own_order_of_components(constant):
    """All weights of an output that is constant are equal, so that its components stay in their order."""
    sample = make_sample()
    for stretch in sample._stretches:
        stretch.outputs[:, constant] = 0.0
    settings = SETTINGS._replace(num_features=D)
    fit = fit_surrogates([sample], settings)[0][1 - constant]
    (alone,) = fit_surrogates([sample.take_output(1 - constant)], settings)[0]
    assert fit.components.tolist() == alone.components.tolist()
    assert fit.weights == pytest.approx(alone.weights, rel=1e-9)


@pytest.mark.parametrize("method", ["highest_weights", "none"])
def test_a_component_far_from_zero_costs_the_others_no_digits(method):
    """As the column of a row that is an outlier, where values are drawn around it."""
    near, far = make_sample(are_masks=False, has_equal=False), make_sample(are_masks=False, has_equal=False)
    for stretch in far._stretches:
        stretch.representation[:, D - 1] += 1e8
    settings = SETTINGS._replace(method=method)
    for fit, expected in zip(*(fit_surrogates([sample], settings)[0] for sample in (far, near)), strict=True):
        assert fit.components.tolist() == expected.components.tolist()
        assert fit.weights == pytest.approx(expected.weights, abs=1e-6)


def test_rows_may_be_added_between_fits():
    """What is kept of the rows grows with them, and with other penalties it is made anew."""
    grown = make_sample()
    later = make_sample()._stretches[1]
    del grown._stretches[1]
    fit_surrogates([grown], SETTINGS)
    fit_surrogates([grown], SETTINGS._replace(method="none"))
    grown.add(later.representation, later.outputs + grown.origin, *later[2:])
    assert_same(*(fit_surrogates([sample], SETTINGS)[0] for sample in (grown, make_sample())))


def test_samples_that_are_fitted_together_have_the_same_fits():
    together = fit_surrogates([make_sample(), make_sample(are_masks=False)], SETTINGS)
    alone = [fit_surrogates([sample], SETTINGS)[0] for sample in (make_sample(), make_sample(are_masks=False))]
    for fits, expected in zip(together, alone, strict=True):
        for fit, other in zip(fits, expected, strict=True):
            assert fit.weights.tolist() == other.weights.tolist()


def test_small_blocks_give_the_same(monkeypatch):
    (expected,) = fit_surrogates([make_sample()], SETTINGS)
    for name in ("_BLOCK_BYTES", "_PRODUCT_BLOCK_BYTES"):
        monkeypatch.setattr(wide_rows, name, 8 * N * 7)
    assert_same(fit_surrogates([make_sample()], SETTINGS)[0], expected)
