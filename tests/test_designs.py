"""Designs: what each promises of its masks and points, and the stretches and looks in which they are asked for."""

import warnings
from itertools import pairwise
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limelight import ComponentsExplainer
from limelight.stages.components import fair_coins
from limelight.stages.design import REPLICATES, Stretch
from limelight.stages.designs import ComplementaryPairs, Enumeration, Independent, SobolPoints
from limelight.stages.orthogonal_arrays import OrthogonalArrays
from limelight.stages.perturbation import DESIGNS, plan_looks, plan_stretches
from limelight.stages.sobol import MOST_DIMENSIONS, draw_sobol_points

SEEDS = st.integers(0, 2**63).map(lambda seed: (seed,))
MASKS = [ComplementaryPairs, Independent]
POINTS = [SobolPoints, Independent]


def text_law(d):
    return np.concatenate([[0.0], np.full(d, 1 / d)])


def image_law(d):
    return np.array([comb(d, absent) for absent in range(d + 1)]) / 2.0**d


def text_kernel(d, width=0.25):
    return np.exp(-0.5 * ((1 - np.sqrt(1 - np.arange(d + 1) / d)) / width) ** 2)


LAWS = [
    pytest.param(text_law, None, id="text-untilted"),
    pytest.param(text_law, text_kernel, id="text"),
    pytest.param(image_law, None, id="image-untilted"),
    pytest.param(image_law, text_kernel, id="image"),
]


def drawn(design, law, stretch, tilt=None, seed=(0,)):
    return design(seed, tilt).masks(law, stretch)


def parts_of(result):
    """The values of each replicate."""
    return np.split(result.values, result.replicates[1:-1])


# --- complementary pairs ----------------------------------------------------------------------------------------------------


@given(seed=SEEDS, d=st.integers(1, 40), pairs=st.integers(1, 20), extra=st.integers(0, 15), tilted=st.booleans())
def test_pairs_are_complementary(seed, d, pairs, extra, tilted):
    stretch = Stretch(REPLICATES, 0, 2 * pairs, extra)
    result = drawn(ComplementaryPairs, text_law(d), stretch, text_kernel(d) if tilted else None, seed)
    assert set(np.unique(result.values)) <= {0, 1}
    for masks in parts_of(result):
        first, second = masks[: 2 * pairs : 2], masks[1 : 2 * pairs : 2]
        assert first.shape == second.shape == (pairs, d)
        assert np.array_equal(first + second, np.ones((pairs, d)))


@given(seed=SEEDS, d=st.integers(2, 30), power=st.integers(2, 7))
def test_sizes_are_spread_evenly_in_every_replicate(seed, d, power):
    law, tilt, pairs = text_law(d), text_kernel(d), 2**power
    half = law * np.sqrt(tilt)
    proposal = (half + half[::-1]) / (2 * half.sum())
    result = drawn(ComplementaryPairs, law, Stretch(REPLICATES, 0, 2 * pairs), tilt, seed)
    for masks in parts_of(result):
        counts = np.cumsum(np.bincount(d - masks[::2].sum(axis=1), minlength=d + 1))
        assert np.abs(counts - pairs * np.cumsum(proposal)).max() <= 1 + 1e-9


@given(seed=SEEDS, d=st.integers(1, 30))
def test_weights_are_the_law_over_the_proposal(seed, d):
    law, tilt = text_law(d), text_kernel(d)
    half = law * np.sqrt(tilt)
    proposal = (half + half[::-1]) / (2 * half.sum())
    result = drawn(ComplementaryPairs, law, Stretch(REPLICATES, 0, 16, 5), tilt, seed)
    absent = d - result.values.sum(axis=1)
    assert result.law_weights == pytest.approx(law[absent] / proposal[absent])
    assert proposal[absent].min() > 0


def test_a_kernel_that_leaves_nothing_of_some_sizes_gives_finite_weights():
    d = 30
    tilt = text_kernel(d, 0.005)
    assert (tilt == 0).any()
    result = drawn(ComplementaryPairs, text_law(d), Stretch(REPLICATES, 0, 64), tilt)
    assert np.isfinite(result.law_weights).all()
    assert (tilt[d - result.values.sum(axis=1)] * result.law_weights).sum() > 0


# --- the law ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [1, 5, 12])
@pytest.mark.parametrize(("law", "kernel"), LAWS)
@pytest.mark.parametrize("design", MASKS)
def test_law_weights_are_unbiased(design, law, kernel, d):
    probabilities = law(d)
    result = drawn(design, probabilities, Stretch(REPLICATES, 0, 4096), None if kernel is None else kernel(d))
    absent = d - result.values.sum(axis=1)
    shares = np.bincount(absent, weights=result.law_weights, minlength=d + 1) / len(absent)
    error = np.sqrt(np.bincount(absent, weights=result.law_weights**2, minlength=d + 1)) / len(absent)
    assert np.all(np.abs(shares - probabilities) <= 5 * error)
    assert result.law_weights.mean() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("design", MASKS)
def test_single_rows_follow_the_law_too(design):
    d, law = 6, text_law(6)
    result = drawn(design, law, Stretch(REPLICATES, 0, 0, 20000), text_kernel(d))
    absent = d - result.values.sum(axis=1)
    shares = np.bincount(absent, weights=result.law_weights, minlength=d + 1) / len(absent)
    error = np.sqrt(np.bincount(absent, weights=result.law_weights**2, minlength=d + 1)) / len(absent)
    assert np.all(np.abs(shares - law) <= 5 * error)


@pytest.mark.parametrize("design", MASKS)
def test_every_mask_of_a_size_is_equally_likely(design):
    d, law = 4, text_law(4)
    result = drawn(design, law, Stretch(REPLICATES, 0, 4096), text_kernel(d))
    number = result.values @ (1 << np.arange(d))
    shares = np.bincount(number, weights=result.law_weights, minlength=16) / len(number)
    error = np.sqrt(np.bincount(number, weights=result.law_weights**2, minlength=16)) / len(number)
    masks = np.arange(16)[:, None] >> np.arange(d) & 1
    absent = d - masks.sum(axis=1)
    expected = law[absent] / np.array([comb(d, size) for size in absent])
    assert np.all(np.abs(shares - expected) <= 5 * error)


@pytest.mark.parametrize("design", MASKS)
def test_components_are_absent_equally_often(design):
    d, law = 15, text_law(15)
    result = drawn(design, law, Stretch(REPLICATES, 0, 4096), text_kernel(d))
    present = result.law_weights @ result.values / len(result.values)
    expected = law @ (d - np.arange(d + 1)) / d
    error = np.sqrt((result.law_weights**2) @ (result.values - expected) ** 2) / len(result.values)
    assert np.all(np.abs(present - expected) <= 5 * error + 1e-3)


@given(d=st.integers(1, 10), seed=st.integers(0, 1000))
def test_enumeration_sums_to_the_law(d, seed):
    law = np.random.default_rng(seed).dirichlet(np.ones(d + 1))
    result = Enumeration().masks(law, Stretch(REPLICATES, 0, 16))
    assert len(np.unique(result.values, axis=0)) == len(result.values) == 2**d
    assert result.replicates.tolist() == [0, 2**d]
    absent = d - result.values.sum(axis=1)
    assert np.bincount(absent, weights=result.law_weights, minlength=d + 1) / 2**d == pytest.approx(law)
    for size in range(d + 1):  # every mask of a size has the same weight
        assert np.ptp(result.law_weights[absent == size]) <= 1e-12


# --- points -----------------------------------------------------------------------------------------------------------------


@given(seed=SEEDS, dimensions=st.integers(1, 30), power=st.integers(1, 7), extra=st.integers(0, 15))
def test_points_are_in_the_unit_cube_and_balanced(seed, dimensions, power, extra):
    count = 2**power
    result = SobolPoints(seed).points(dimensions, Stretch(REPLICATES, 0, count, extra))
    assert result.values.shape == (REPLICATES * count + extra, dimensions)
    assert result.values.min() >= 0 and result.values.max() < 1  # noqa: PT018 - one statement about one interval
    assert result.law_weights.tolist() == [1.0] * len(result.values)
    for points in parts_of(result):
        cells = np.sort((points[:count] * count).astype(int), axis=0)
        assert np.array_equal(cells, np.tile(np.arange(count)[:, None], dimensions))  # one in each 1/count of every side


@pytest.mark.parametrize("design", POINTS)
def test_points_are_uniform(design):
    points = design((3,)).points(5, Stretch(REPLICATES, 0, 2048, 7)).values
    assert points.mean(axis=0) == pytest.approx(np.full(5, 0.5), abs=0.01)
    assert points.var(axis=0) == pytest.approx(np.full(5, 1 / 12), abs=0.003)
    assert np.abs(np.corrcoef(points.T) - np.eye(5)).max() < 0.05


def test_columns_are_permuted():
    first = [SobolPoints((seed,)).points(6, Stretch(1, 0, 16)).values for seed in range(200)]
    # Without an order of their own the columns 0 and 1 would always be the same two dimensions, together in balance.
    quarters = [len({(int(2 * u), int(2 * v)) for u, v in points[:4, :2]}) for points in first]
    assert len(set(quarters)) > 1


# Of 1024 dimensions limelight has the direction numbers itself.
@pytest.mark.parametrize("dimensions", [1, 2, 3, 30, 1024, 1025])
@pytest.mark.parametrize(
    ("start", "stop"), [(0, 1), (0, 64), (0, 77), (1, 2), (3, 8), (64, 128), (100, 333), (2**20, 2**20 + 5)]
)
def test_sobol_points_are_those_of_scipy(dimensions, start, stop):
    from scipy.stats import qmc

    order = np.random.default_rng(dimensions).permutation(dimensions)
    points = draw_sobol_points(order, start, stop, np.random.default_rng(start))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The balance properties")
        sequence = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(start))
        expected = sequence.fast_forward(start).random(stop - start) if start else sequence.random(stop)
    assert points.tobytes() == expected[:, order].tobytes()
    assert points.dtype == np.float64


def test_points_of_more_dimensions_than_sobol_has_are_independent():
    from scipy.stats import qmc

    assert qmc.Sobol.MAXDIM == MOST_DIMENSIONS
    stretch = Stretch(1, 0, 2)
    points, independent = (design((5,)).points(MOST_DIMENSIONS + 1, stretch) for design in POINTS)
    assert np.array_equal(points.values, independent.values)
    assert SobolPoints((5,)).points(MOST_DIMENSIONS, stretch).values.shape == (2, MOST_DIMENSIONS)


def test_sobol_points_have_less_error_than_independent_ones():
    def error(design):
        means = [np.prod(design((seed,)).points(3, Stretch(1, 0, 256)).values + 0.5, axis=1).mean() for seed in range(60)]
        return np.sqrt(np.mean((np.array(means) - 1.0) ** 2))

    assert error(SobolPoints) < 0.3 * error(Independent)


def test_pairs_have_less_error_than_independent_masks():
    d, law = 10, text_law(10)
    weight = np.arange(1.0, d + 1)

    def error(design):
        means = []
        for seed in range(60):
            result = drawn(design, law, Stretch(1, 0, 256), seed=(seed,))
            means.append(np.average(result.values @ weight, weights=result.law_weights))
        return np.sqrt(np.mean((np.array(means) - weight.sum() * (law @ (d - np.arange(d + 1))) / d) ** 2))

    assert error(ComplementaryPairs) < 0.3 * error(Independent)


# --- stretches and replicates -----------------------------------------------------------------------------------------------


@given(seed=SEEDS, dimensions=st.integers(1, 12), start=st.sampled_from([2, 6, 16, 32]), more=st.sampled_from([2, 16, 26]))
def test_sobol_points_go_on_where_they_stopped(seed, dimensions, start, more):
    design = SobolPoints(seed)
    whole = parts_of(design.points(dimensions, Stretch(REPLICATES, 0, start + more)))
    first = parts_of(design.points(dimensions, Stretch(REPLICATES, 0, start)))
    second = parts_of(design.points(dimensions, Stretch(REPLICATES, start, start + more)))
    for all_points, head, tail in zip(whole, first, second, strict=True):
        assert np.array_equal(all_points, np.concatenate([head, tail]))


@given(seed=SEEDS, d=st.integers(1, 20), start=st.sampled_from([2, 16, 32]))
def test_pairs_of_a_longer_stretch_begin_with_the_shorter(seed, d, start):
    law, tilt = text_law(d), text_kernel(d)
    short = parts_of(drawn(ComplementaryPairs, law, Stretch(REPLICATES, 0, start), tilt, seed))
    long = parts_of(drawn(ComplementaryPairs, law, Stretch(REPLICATES, 0, 2 * start), tilt, seed))
    for head, whole in zip(short, long, strict=True):
        assert np.array_equal(whole[:start], head)


@given(seed=SEEDS, d=st.integers(1, 20), start=st.sampled_from([2, 16, 32]))
def test_sizes_of_pairs_go_on_where_they_stopped(seed, d, start):
    law, tilt = text_law(d), text_kernel(d)
    short = parts_of(drawn(ComplementaryPairs, law, Stretch(REPLICATES, 0, start), tilt, seed))
    rest = parts_of(drawn(ComplementaryPairs, law, Stretch(REPLICATES, start, 2 * start), tilt, seed))
    long = parts_of(drawn(ComplementaryPairs, law, Stretch(REPLICATES, 0, 2 * start), tilt, seed))
    for head, tail, whole in zip(short, rest, long, strict=True):
        assert np.concatenate([head, tail]).sum(axis=1).tolist() == whole.sum(axis=1).tolist()


def test_a_further_stretch_repeats_no_masks():
    law = text_law(40)
    for design in MASKS:
        first = drawn(design, law, Stretch(REPLICATES, 0, 32)).values
        second = drawn(design, law, Stretch(REPLICATES, 32, 64)).values
        assert np.mean((first == second).all(axis=1)) < 0.1
        assert not np.array_equal(first, second)


def values_of(design, stretch, seed, d=6):
    design = design(seed, text_kernel(d)) if design is ComplementaryPairs else design(seed)
    return design.points(d, stretch) if isinstance(design, SobolPoints) else design.masks(text_law(d), stretch)


ALL = [ComplementaryPairs, Independent, SobolPoints]


@pytest.mark.parametrize("design", ALL)
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(design):
    stretch = Stretch(REPLICATES, 0, 16, 3)
    first, again = values_of(design, stretch, (4, 5)), values_of(design, stretch, (4, 5))
    assert first.values.tobytes() == again.values.tobytes()
    assert first.law_weights.tobytes() == again.law_weights.tobytes()
    for seed in ((5, 4), (4,), (4, 5, 0)):
        assert values_of(design, stretch, seed).values.tobytes() != first.values.tobytes()


@pytest.mark.parametrize("design", ALL)
def test_replicates_are_independent(design):
    d, seeds = 6, 300
    means_by_seed = np.array(
        [[part.mean() for part in parts_of(values_of(design, Stretch(4, 0, 6), (seed,), d))] for seed in range(seeds)]
    )
    if design is ComplementaryPairs:  # a mask and its complement have the same mean together: look at every second
        means_by_seed = np.array(
            [[part[::2].mean() for part in parts_of(values_of(design, Stretch(4, 0, 6), (seed,), d))] for seed in range(seeds)]
        )
    correlation = np.corrcoef(means_by_seed.T)
    assert np.abs(correlation - np.eye(4)).max() < 4 / np.sqrt(seeds)


@pytest.mark.parametrize("design", ALL)
def test_replicates_have_equal_laws(design):
    d, seeds = 6, 200
    means_by_seed = []
    for seed in range(seeds):
        result = values_of(design, Stretch(4, 0, 8, 4), (seed,), d)
        statistic = (result.values[:, 0] * result.law_weights).astype(float)
        means_by_seed.append([part.mean() for part in np.split(statistic, result.replicates[1:-1])])
    means, error = np.mean(means_by_seed, axis=0), np.std(means_by_seed, axis=0) / np.sqrt(seeds)
    expected = 0.5 if design is SobolPoints else text_law(d) @ (d - np.arange(d + 1)) / d
    assert np.all(np.abs(means - expected) <= 4.5 * error)


@given(design=st.sampled_from(ALL), replicates=st.integers(1, 8), pairs=st.integers(0, 9), extra=st.integers(0, 20), seed=SEEDS)
def test_replicates_bounds_count_every_row_once(design, replicates, pairs, extra, seed):
    result = values_of(design, Stretch(replicates, 0, 2 * pairs, extra), seed)
    assert len(result.values) == len(result.law_weights) == replicates * 2 * pairs + extra
    sizes = np.diff(result.replicates)
    assert result.replicates[0] == 0
    assert len(sizes) == replicates
    assert sizes.sum() == len(result.values)
    assert np.ptp(sizes) <= 1  # the single rows are shared out
    assert sizes.min() >= 2 * pairs


# --- how many ---------------------------------------------------------------------------------------------------------------


def total(stretch):
    return stretch.replicates * (stretch.stop - stretch.start) + stretch.extra


@given(num_samples=st.integers(2, 20000))
def test_a_number_of_samples_is_met_exactly(num_samples):
    (stretch,) = plan_stretches(num_samples, 5000)
    assert total(stretch) == num_samples - 1
    assert stretch.start == 0
    assert stretch.stop % 2 == 0
    assert stretch.replicates == (8 if num_samples > 8 else 1)
    assert stretch.extra < 16


@given(cap=st.integers(2, 20000))
def test_auto_doubles_up_to_the_cap(cap):
    planned = plan_stretches(None, cap)
    assert sum(map(total, planned)) == cap - 1
    assert len({stretch.replicates for stretch in planned}) == 1
    assert planned[0].start == 0
    for stretch, following in pairwise(planned):
        assert following.start == stretch.stop
        assert stretch.extra == 0
        assert stretch.stop & (stretch.stop - 1) == 0
        assert following.stop <= 2 * following.start
    assert all(stretch.stop % 2 == 0 for stretch in planned)
    assert planned[0].stop <= 16


def test_auto_reaches_the_cap_of_five_thousand_in_seven_looks():
    assert [stretch.stop for stretch in plan_stretches(None, 5000)] == [16, 32, 64, 128, 256, 512, 624]


@given(parts=st.integers(1, 13), num_samples=st.one_of(st.none(), st.integers(2, 9000)))
def test_masks_are_enumerated_as_soon_as_they_fit(parts, num_samples):
    design = ComplementaryPairs((0,), None)
    looks = list(plan_looks(design, parts, num_samples, 5000))
    fits = 2**parts <= (num_samples or 5000)
    assert looks[-1].is_exact == fits
    assert isinstance(looks[-1].design, Enumeration) == fits
    assert not any(look.is_exact for look in looks[:-1])
    asked = 1
    for look in looks[:-1] if fits else looks:
        assert look.design is design
        asked += total(look.stretch)
        assert asked < 2**parts


@pytest.mark.parametrize("num_samples", [None, 100, 1000, 4096])
def test_looks_follow_one_another(num_samples):
    looks = list(plan_looks(SobolPoints((0,)), None, num_samples, 5000))
    assert len(looks) == len(plan_stretches(num_samples, 5000))
    assert [look.is_first for look in looks] == [True] + [False] * (len(looks) - 1)
    assert not any(look.is_exact for look in looks)


def test_a_design_that_may_not_be_enumerated_never_is():
    assert not any(look.is_exact for look in plan_looks(Independent((0,)), None, 5000, 5000))


# --- what a design cannot draw ----------------------------------------------------------------------------------------------


def test_designs_say_what_they_cannot_draw():
    with pytest.raises(NotImplementedError, match="SobolPoints draws no masks"):
        SobolPoints((0,)).masks(text_law(3), Stretch(1, 0, 2))
    for design in (ComplementaryPairs((0,), None), Enumeration()):
        with pytest.raises(NotImplementedError, match=f"{type(design).__name__} draws no points"):
            design.points(3, Stretch(1, 0, 2))


@pytest.mark.parametrize(
    ("name", "expected"), [("complements", ComplementaryPairs), ("iid", Independent), ("sobol", SobolPoints)]
)
def test_designs_are_found_by_name(name, expected):
    assert DESIGNS.load(name) is expected


@pytest.mark.parametrize("parts", [17, 64, 65, 100, 128, 129, 300, 513, 1000])
@pytest.mark.parametrize("num_samples", [None, 40, 130, 300, 512, 1000])
def test_no_look_confounds_two_parts(parts, num_samples):
    """Where two columns of masks are equal or opposite no fit can tell their parts apart, however narrow its intervals."""
    law, rows = fair_coins(parts), []
    for look in plan_looks(OrthogonalArrays((0, 1)), parts, num_samples, 1000):
        rows.append(look.design.masks(law, look.stretch).values)
        signs = 2.0 * np.concatenate(rows) - 1
        together = np.abs(signs.T @ signs) / len(signs)
        np.fill_diagonal(together, 0)
        assert together.max() < (0.95 if len(signs) < 100 else 0.6)


@pytest.mark.parametrize("parts", [65, 80, 100, 130, 200, 300, 600])
def test_parts_that_the_model_never_reads_have_no_weight(parts):
    class Switches:
        names = tuple(f"switch {i}" for i in range(parts))

        def compose(self, masks):
            return masks.astype(float)

    read = np.random.default_rng(parts).choice(parts, 3, replace=False)
    explanation = ComponentsExplainer().explain_instance(Switches(), lambda rows: rows[:, read] @ [3.0, 2.0, 1.0])
    weights = dict(explanation.as_map()[0])
    assert [weights[part] for part in read] == pytest.approx([3, 2, 1], abs=0.05)
    assert max(abs(weight) for part, weight in weights.items() if part not in read) < 0.02


def test_more_dimensions_than_sobol_has_are_drawn_independently():
    stretch = Stretch(2, 0, 4)
    drawn = SobolPoints((7,)).points(21_202, stretch)
    np.testing.assert_array_equal(drawn.values, Independent((7,)).points(21_202, stretch).values)
