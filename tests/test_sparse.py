"""Sparse rows: what is not zero is perturbed, and nothing as wide as the table is made dense."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from limelight import TabularExplainer
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError

WIDTH = 3000
TRAINING = sparse.random(400, WIDTH, density=0.02, format="csr", random_state=0, data_rvs=np.random.default_rng(0).random)
COEFFICIENTS = np.random.default_rng(1).normal(size=WIDTH)


def linear(rows):
    assert sparse.issparse(rows)
    assert rows.shape[1] == WIDTH
    return rows @ COEFFICIENTS


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array])
def test_the_model_gets_sparse_rows_of_the_trainings_kind(form):
    kinds = []

    def model(rows):
        kinds.append(isinstance(rows, sparse.sparray))
        return linear(rows)

    explanation = TabularExplainer(form(TRAINING)).explain_instance(form(TRAINING[[3]]), model, num_samples=500)
    assert set(kinds) == {issubclass(form, sparse.sparray)}
    assert explanation.predictions[0] == pytest.approx((TRAINING[[3]] @ COEFFICIENTS)[0])


def test_entries_that_are_not_zero_are_the_components():
    row = TRAINING[[5]]
    explanation = TabularExplainer(TRAINING).explain_instance(row, linear, num_samples=500)
    assert [cell.column for cell in explanation.view.cells] == [f"x{place}" for place in np.sort(row.indices)]
    assert all(name.startswith("x") and name.endswith(" > 0") for name in explanation.names)


def test_sparse_and_dense_rows_say_the_same():
    """Of the same columns: the sparse explainer draws from the dense one's columns, the others stay zero."""
    row = TRAINING[[7]]
    places = np.sort(row.indices)
    wide = TabularExplainer(TRAINING, kernel_width=5, alpha=0).explain_instance(row, linear, num_features=4, num_samples=5000)
    dense = TabularExplainer(TRAINING[:, places].toarray(), kernel_width=5, alpha=0).explain_instance(
        row[:, places].toarray()[0], lambda rows: rows @ COEFFICIENTS[places], num_features=4, num_samples=5000
    )
    by_place = {places[component]: weight for component, weight in dense.as_map()[0]}
    for component, weight in wide.as_map()[0]:
        low, high = next((s.lows[i], s.highs[i]) for s in wide.surrogates for i, c in enumerate(s.components) if c == component)
        assert by_place[places[component]] == pytest.approx(weight, abs=2 * (high - low))


def test_the_kernel_is_as_wide_as_the_row_has_entries():
    """As wide as the table has columns, it would weigh all perturbations alike."""
    row = TRAINING[[5]]
    explanation = TabularExplainer(TRAINING).explain_instance(row, linear, num_samples=100)
    assert explanation.kernel_width == pytest.approx(0.75 * row.nnz**0.5)
    assert TabularExplainer(TRAINING, kernel_width=3).explain_instance(row, linear, num_samples=100).kernel_width == 3


def test_columns_of_any_scale():
    """W3: lime multiplied by the standard deviation, so that distances were 1e5 and all weights 0; and reported components
    twice where fewer than asked for were there."""
    scales = np.where(np.arange(WIDTH) % 2, 1e4, 1e-3)
    row = TRAINING[[5]].multiply(scales).tocsr()
    explanation = TabularExplainer(TRAINING.multiply(scales).tocsr(), alpha=0).explain_instance(
        row, lambda rows: (rows > 0).sum(axis=1), num_features=1000, num_samples=4000
    )
    weights = dict(explanation.as_list())
    assert len(weights) == len(explanation.as_list()) == row.nnz
    inside = [weight for name, weight in weights.items() if not any(name in one.message for one in explanation.warnings)]
    assert min(inside) > 0.1
    assert explanation.effective_sample_size > 100


def test_sparse_categories():
    """C11: they could not be hashed."""
    codes = TRAINING.copy()
    codes.data = np.ceil(3 * codes.data)
    row = codes[[5]]
    place = int(np.sort(row.indices)[0])
    explainer = TabularExplainer(codes, categorical_features=[place], alpha=0)
    value = row[0, place]
    explanation = explainer.explain_instance(row, lambda rows: (rows[:, [place]] == value).toarray()[:, 0], num_features=1)
    assert explanation.as_list() == [(f"x{place}={value:g}", pytest.approx(1.0))]


def test_sparse_lasso_path():
    """C11: the shapes did not fit."""
    row = TRAINING[[5]]
    heaviest = max(row.indices, key=lambda place: abs(COEFFICIENTS[place]))

    explanation = TabularExplainer(TRAINING, feature_selection="lasso_path").explain_instance(
        row, lambda rows: linear(rows) + 9 * (rows @ (np.arange(WIDTH) == heaviest)), num_features=1
    )
    assert explanation.as_list()[0][0].startswith(f"x{heaviest} ")


def test_sparse_whole_numbers_stay_whole():
    counts = TRAINING.copy()
    counts.data = np.ceil(9 * counts.data)
    seen = []

    def model(rows):
        seen.append(rows.data)
        return rows.sum(axis=1)

    explainer = TabularExplainer(counts.astype(np.int32))
    explainer.explain_instance(counts[[5]].astype(np.int32), model, num_samples=500)
    assert np.array_equal(np.concatenate(seen), np.rint(np.concatenate(seen)))


def test_nothing_dense_of_the_tables_width_is_made():
    wide = sparse.random(200, 200_000, density=0.0005, format="csr", random_state=1)
    explainer = TabularExplainer(wide)
    explainer.explain_instance(wide[[0]], lambda rows: rows.sum(axis=1), num_samples=1000)
    tracemalloc.start()
    explainer.explain_instance(wide[[1]], lambda rows: np.asarray(rows.sum(axis=1)).ravel(), num_samples=1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.05 * 1000 * 200_000 * 8


def test_rows_of_other_forms_and_pickling():
    explainer = TabularExplainer(TRAINING, feature_names=[f"word {i}" for i in range(WIDTH)])
    first = explainer.explain_instance(TRAINING[[2]], linear, num_samples=300)
    assert first.names[0].startswith("word ")
    single = sparse.coo_array(TRAINING[[2]]).reshape(-1)  # of one dimension, as an array's own [2]
    for row in (TRAINING[[2]].toarray()[0], single, sparse.csr_array(TRAINING)[2]):
        assert explainer.explain_instance(row, linear, num_samples=300) == first
    by_name = pd.Series(TRAINING[[2]].toarray()[0], index=[f"word {i}" for i in range(WIDTH)])[::-1]
    for row in (by_name, by_name.to_dict()):
        assert explainer.explain_instance(row, linear, num_samples=300) == first
    assert pickle.loads(pickle.dumps(explainer)).explain_instance(TRAINING[[2]], linear, num_samples=300) == first


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (TRAINING[:2], rf"must have shape \(1, {WIDTH}\), as the training data; got \(2, {WIDTH}\)"),
        (sparse.csr_array(TRAINING[[0], :9])[0], rf"must have shape \(1, {WIDTH}\), as the training data; got \(1, 9\)"),
        (TRAINING[[0], :9], rf"must have shape \(1, {WIDTH}\), as the training data; got \(1, 9\)"),
        (sparse.csr_matrix((1, WIDTH)), "must have an entry that is not zero: it has nothing to perturb"),
        (sparse.csr_matrix(([np.nan], ([0], [3])), shape=(1, WIDTH)), "must hold finite numbers"),
    ],
)
def test_bad_rows(row, message):
    with pytest.raises(InstanceError, match=message):
        TabularExplainer(TRAINING).explain_instance(row, linear)


def test_rows_of_other_things():
    with pytest.raises(ArgumentTypeError, match="a row to explain must hold numbers only"):
        TabularExplainer(TRAINING).explain_instance([[1.0], [2.0, 3.0]], linear)


def test_bad_tables():
    for bad in (np.inf, np.nan):
        with pytest.raises(
            ArgumentError, match=r"finite numbers; it has NaN or infinity\. Replace them by numbers, or give a d"
        ):
            TabularExplainer(sparse.csr_matrix([[bad, 0.0]]))
    with pytest.raises(ArgumentError, match="a sparse training_data must hold finite numbers; it holds complex128"):
        TabularExplainer(sparse.csr_matrix([[1j, 0.0]]))
    with pytest.raises(ArgumentError, match=r"training_data must have 2 dimensions; got shape \(2,\)"):
        TabularExplainer(sparse.coo_array([1.0, 2.0]))
    with pytest.raises(ArgumentError, match="training_data must have rows and columns"):
        TabularExplainer(sparse.csr_matrix((0, 3)))
    with pytest.raises(ArgumentError, match="groups, constraint and a sampler of your own need dense training_data"):
        TabularExplainer(TRAINING, sampler="training_rows")
