"""Orthogonal arrays against their definition, their intervals' honesty, and arrays put together from parts against where()."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limelight.exceptions import InstanceError
from limelight.modalities._patches import PatchParts
from limelight.results.views import TextView
from limelight.stages.components import fair_coins
from limelight.stages.design import Stretch
from limelight.stages.orthogonal_arrays import OrthogonalArrays


def array(parts: int, rows: int, seed: int = 1) -> np.ndarray:
    """The first rows of each of the eight replicates, all together."""
    return OrthogonalArrays((seed,)).masks(fair_coins(parts), Stretch(8, 0, rows // 8)).values


@pytest.mark.parametrize(
    ("parts", "rows"), [(8, 16), (9, 32), (16, 32), (20, 64), (60, 128), (60, 1024), (100, 256), (200, 512)]
)
def test_all_replicates_together_free_effects_of_each_other_and_of_those_of_pairs(parts: int, rows: int) -> None:
    masks = array(parts, rows)
    draw = np.random.default_rng(0)
    for _ in range(200):
        columns = draw.choice(parts, 3, replace=False)
        patterns, counts = np.unique(masks[:, columns], axis=0, return_counts=True)
        assert len(patterns) == 2**3
        assert set(counts.tolist()) == {rows // 2**3}


@pytest.mark.parametrize(("parts", "last"), [(8, 32), (16, 64), (60, 256)])
def test_rows_of_a_large_block_have_strength_three_in_each_replicate(parts: int, last: int) -> None:
    masks = array(parts, 8 * last).reshape(8, last, parts)[:, last // 2 :]
    draw = np.random.default_rng(0)
    for _ in range(50):
        columns = draw.choice(parts, 3, replace=False)
        for own in masks[:, :, columns]:
            patterns, counts = np.unique(own, axis=0, return_counts=True)
            assert len(patterns) == 2**3
            assert set(counts.tolist()) == {last // 2**4}


def test_every_mask_is_as_likely_in_each_row() -> None:
    drawn = np.array([array(4, 64, seed).reshape(8, 8, 4) for seed in range(3200)])
    numbers = drawn @ (1 << np.arange(4))  # of masks, for each seed, replicate and row
    for replicate, row in [(0, 0), (3, 0), (7, 1), (2, 2), (5, 7)]:
        counts = np.bincount(numbers[:, replicate, row], minlength=16)
        assert ((counts - 200) ** 2 / 200).sum() < 38  # chi squared with 15 degrees of freedom, p = .001


@pytest.mark.parametrize(("parts", "rows"), [(31, 128), (40, 512), (12, 128), (12, 512), (100, 512)])
def test_what_an_array_takes_for_a_part_has_a_random_sign_in_each_replicate(parts: int, rows: int) -> None:
    """The product of four parts (or of three, beside a fourth): replicates agree hardly more than independent signs would."""
    draw, of_replicates, of_all = np.random.default_rng(0), 0.0, 0.0
    for seed in range(600):
        signs = 2.0 * array(parts, rows, seed).reshape(8, -1, parts) - 1
        for _ in range(20):
            product = signs[:, :, draw.choice(parts, 4, replace=False)].prod(axis=2).mean(axis=1)
            of_replicates += (product**2).sum() / 64
            of_all += product.mean() ** 2
    assert 0.8 < of_all / of_replicates < 1.3


def test_rows_come_in_complements_within_each_replicate() -> None:
    drawn = OrthogonalArrays((0,)).masks(fair_coins(60), Stretch(8, 0, 62))
    assert np.all(drawn.values[::2] != drawn.values[1::2])
    assert np.diff(drawn.replicates).tolist() == [62] * 8


def test_a_longer_array_goes_on_with_the_shorter_one() -> None:
    design, law = OrthogonalArrays((5,)), fair_coins(40)
    whole = design.masks(law, Stretch(8, 0, 64)).values.reshape(8, 64, 40)
    later = design.masks(law, Stretch(8, 16, 64)).values.reshape(8, 48, 40)
    assert np.array_equal(whole[:, 16:], later)


def test_more_parts_than_any_array_has_columns_are_refused() -> None:
    with pytest.raises(InstanceError, match="70000 components; at most 65536"):
        array(70_000, 16)


def test_seeds_draw_different_arrays() -> None:
    assert not np.array_equal(array(20, 64, seed=1), array(20, 64, seed=2))


@pytest.mark.parametrize("parts", [1, 2, 7, 60, 5000])
def test_law_of_fair_coins_is_binomial(parts: int) -> None:
    from scipy.stats import binom

    law = fair_coins(parts)
    assert law.sum() == pytest.approx(1)
    assert law == pytest.approx(binom(parts, 0.5).pmf(np.arange(parts + 1)), rel=1e-9, abs=1e-300)


def patches(values: np.ndarray, filling: np.ndarray, labels: np.ndarray) -> PatchParts:
    names = tuple(str(number) for number in range(labels.max() + 1))
    return PatchParts(values, filling, labels, names, TextView("", ()))


@given(
    dtype=st.sampled_from(["uint8", "int16", "float16", "float32", "float64", "bool"]),
    shape=st.sampled_from([(5, 7, 3), (3, 5, 7), (11,), (2, 30), (1, 1)]),
    pairs=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_realised_arrays_are_the_instance_where_present_and_the_filling_where_absent(
    dtype: str, shape: tuple[int, ...], pairs: bool, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    values, filling = (draw.normal(0, 50, shape).astype(dtype) for _ in range(2))
    labels = np.unique(draw.integers(0, 6, shape), return_inverse=True)[1].reshape(shape)
    masks = draw.integers(0, 2, (9, labels.max() + 1)).astype(np.uint8)
    if pairs:
        masks[1::2] = 1 - masks[:-1:2]
    batch = patches(values, filling, labels).realise(masks)
    assert batch.dtype == values.dtype
    assert np.array_equal(batch, np.where(masks[:, labels] == 1, values, filling), equal_nan=True)


def test_arrays_larger_than_a_block_are_put_together_right() -> None:
    draw = np.random.default_rng(0)
    values, filling = draw.random((200, 300, 3)), draw.random((200, 300, 3))
    labels = (np.arange(200)[:, None] // 13 * 10 + np.arange(300) // 31)[:, :, None]
    masks = draw.integers(0, 2, (4, labels.max() + 1)).astype(np.uint8)
    batch = patches(values, filling, labels).realise(masks)
    assert np.array_equal(batch, np.where(masks[:, labels] == 1, values, filling))
