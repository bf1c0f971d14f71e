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
    ("parts", "rows", "strength"),
    [(3, 8, 3), (8, 16, 3), (16, 32, 3), (60, 128, 3), (8, 128, 5), (16, 512, 5), (10, 1024, 7), (200, 512, 3)],
)
def test_array_is_of_the_strength_that_its_docstring_claims(parts: int, rows: int, strength: int) -> None:
    masks = array(parts, rows)
    draw = np.random.default_rng(0)
    for _ in range(200):
        columns = draw.choice(parts, strength, replace=False)
        patterns, counts = np.unique(masks[:, columns], axis=0, return_counts=True)
        assert len(patterns) == 2**strength
        assert set(counts.tolist()) == {rows // 2**strength}


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
