"""Where series are cut: as by scikit-learn's agglomerative clustering of a chain, in less than quadratic time."""

from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import diags_array
from sklearn.cluster import AgglomerativeClustering

from limelight.modalities.series import _change_points
from limelight.modalities.series._change_points import merge_steps
from limelight.segmentation import ChangePoints


def cut_by_scikit_learn(channels, count):
    chain = diags_array([1.0, 1.0], offsets=[-1, 1], shape=(channels.shape[1],) * 2)
    clusters = AgglomerativeClustering(count, connectivity=chain, linkage="ward").fit_predict(channels.T)
    return np.flatnonzero(np.append(True, clusters[1:] != clusters[:-1])).tolist()


@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(1, 3), st.sampled_from(["normal", "walk", "few values"]))
def test_cuts_are_scikit_learns(seed, length, width, kind):
    """With few values most costs are equal, zero among them: the order of equal ones counts."""
    draw = np.random.default_rng(seed)
    channels = draw.integers(0, 3, (width, length)).astype(float) if kind == "few values" else draw.normal(size=(width, length))
    channels = channels.cumsum(axis=1) if kind == "walk" else channels
    count = int(draw.integers(1, length + 1))
    assert merge_steps(channels, count).tolist() == cut_by_scikit_learn(channels, count)


@pytest.mark.parametrize("count", [1, 20, 1500, 4999])
def test_thresholds_change_nothing(monkeypatch, count):
    channels = np.random.default_rng(0).normal(size=(2, 5000))
    at_once = merge_steps(channels, count)
    monkeypatch.setattr(_change_points, "_FEWEST_BY_THRESHOLD", 10)
    assert np.array_equal(merge_steps(channels, count), at_once)
    assert at_once.tolist() == cut_by_scikit_learn(channels, count)


def test_many_steps_take_seconds():
    """Where time grows with the square of the length, as in scikit-learn, this takes a minute."""
    steps = np.random.default_rng(0).normal(size=400_000)
    steps[100_000:200_000] += 5
    start = process_time()
    labels = ChangePoints(3)(steps[None])
    assert process_time() - start < 15
    assert (np.flatnonzero(np.diff(labels[0])) + 1).tolist() == [100_000, 200_000]


@pytest.mark.parametrize("values", [[1e308] * 6 + [-1e308] * 6, [0.0] * 12, [5e-324, 0.0] * 6])
def test_extreme_values_are_cut(values):
    starts = merge_steps(np.array([values]), 3)
    assert len(starts) == 3
    assert (np.diff(starts) > 0).all()
