"""Products of complementary pairs, against the products of all rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limelight import TextExplainer
from limelight.stages import weighted_rows
from limelight.stages.pair_products import count_paired_rows, multiply_pairs


def paired_masks(rng, pairs, single, d):
    masks = rng.integers(0, 2, (pairs, d), dtype=np.uint8)
    return np.concatenate(
        [np.stack([masks, 1 - masks], axis=1).reshape(-1, d), rng.integers(0, 2, (single, d), dtype=np.uint8)]
    )


@given(st.integers(0, 6), st.integers(0, 2), st.integers(1, 7), st.integers(0, 2**32 - 1), st.booleans())
def test_products(pairs, single, d, seed, has_zeros):
    rng = np.random.default_rng(seed)
    masks = paired_masks(rng, pairs, single, d)
    weights = np.exp(rng.normal(0, 8, len(masks))) * (rng.integers(0, 2, len(masks)) if has_zeros else 1)
    others = rng.normal(size=(len(masks), 3))
    products, cross = multiply_pairs(masks, 2 * pairs, others, weights)
    rows = masks.astype(float)
    size = weights.sum()
    np.testing.assert_allclose(products, (rows * weights[:, None]).T @ rows, rtol=0, atol=1e-14 * size)
    np.testing.assert_allclose(cross, (rows * weights[:, None]).T @ others, rtol=0, atol=1e-13 * size)
    assert (products == products.T).all()


def test_what_is_paired():
    rng = np.random.default_rng(0)
    masks = paired_masks(rng, 5, 1, 20)
    assert count_paired_rows(masks) == 10
    masks[5, 3] ^= 1
    assert count_paired_rows(masks) == 4
    assert count_paired_rows(masks.astype(float)) == 0
    assert count_paired_rows(np.array([[2], [3]], dtype=np.uint8)) == 0
    assert count_paired_rows(masks[:1]) == 0


@pytest.mark.parametrize("num_samples", [1500, 1501])
def test_weights_are_those_of_all_rows(monkeypatch, num_samples):
    """Of a text with so many words that pairs are multiplied; to what rounding leaves."""
    text = " ".join(f"w{number}" for number in range(450))

    def model(texts):
        return [len(text) / 3000 + 0.2 * ("w7 " in text) - 0.1 * ("w9 " in text) * ("w11 " in text) for text in texts]

    def explain():
        return TextExplainer(mode="regression").explain_instance(text, model, num_samples=num_samples, num_features=5)

    paired = explain()
    monkeypatch.setattr(weighted_rows, "_LEAST_PAIRED_COMPONENTS", 10**9)
    plain = explain()
    assert paired.surrogates[0].components == plain.surrogates[0].components
    np.testing.assert_allclose(paired.surrogates[0].weights, plain.surrogates[0].weights, rtol=1e-9)
    np.testing.assert_allclose(paired.surrogates[0].fidelity, plain.surrogates[0].fidelity, rtol=1e-9)
    assert paired.surrogates[0].weights != plain.surrogates[0].weights  # the other way was really taken
