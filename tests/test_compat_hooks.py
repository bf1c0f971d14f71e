"""Programs that put something of their own in the place of a piece of lime's: it is called as lime calls it."""

import numpy as np
import pytest
from lime.lime_base import LimeBase as TheirBase
from scipy import sparse
from sklearn.linear_model import LinearRegression, Ridge

from limelight.compat.discretize import QuartileDiscretizer
from limelight.compat.lime_base import LimeBase
from limelight.compat.lime_image import LimeImageExplainer
from limelight.compat.lime_tabular import LimeTabularExplainer, RecurrentTabularExplainer
from limelight.compat.lime_text import LimeTextExplainer

ROWS = np.random.RandomState(0).normal(size=(300, 4))
TEXT = "cheap pills for you and all of us"


def classify(rows):
    probability = 1 / (1 + np.exp(-np.asarray(rows) @ [1.0, -0.5, 0.8, 0.3]))
    return np.column_stack([1 - probability, probability])


def classify_texts(texts):
    spam = np.array([0.1 + 0.5 * ("pills" in text) + 0.2 * ("cheap" in text) for text in texts])
    return np.column_stack([1 - spam, spam])


class Counted(LimeBase):
    """A surrogate of the program's own."""

    calls: list

    def explain_instance_with_data(self, neighborhood_data, neighborhood_labels, distances, label, num_features, **others):
        self.calls.append((neighborhood_data.shape, neighborhood_labels.shape, distances.shape, label, num_features, others))
        return super().explain_instance_with_data(
            neighborhood_data, neighborhood_labels, distances, label, num_features, **others
        )


def counted(base):
    other = Counted(base.kernel_fn, random_state=0)
    other.calls = []
    return other


# --- LimeBase on its own ----------------------------------------------------------------------------------------------------


def neighbourhood(seed, *, masks):
    rng = np.random.default_rng(seed)
    data = (rng.random((300, 9)) < 0.6).astype(float) if masks else rng.normal(size=(300, 9)) * rng.uniform(0.5, 2, 9)
    if masks:
        data[0] = 1
    score = data @ rng.normal(size=9) + data[:, 0] * data[:, 1] + 0.2 * rng.normal(size=300)
    probability = 1 / (1 + np.exp(-score))
    return data, np.column_stack([1 - probability, probability]), np.linalg.norm(data - data[0], axis=1)


def kernel(distances):
    return np.exp(-0.5 * (distances / 2) ** 2)


@pytest.mark.parametrize("masks", [True, False], ids=["masks", "numbers"])
@pytest.mark.parametrize("make", [None, LinearRegression, lambda: Ridge(alpha=3)], ids=["default", "linear", "ridge"])
@pytest.mark.parametrize("num_features", [3, 8])
@pytest.mark.parametrize("method", ["auto", "forward_selection", "highest_weights", "lasso_path", "none"])
def test_lime_base_alone_gives_limes_numbers(method, num_features, make, masks):
    data = neighbourhood(num_features, masks=masks)
    theirs, ours = (
        base(kernel, random_state=0).explain_instance_with_data(
            *data, 1, num_features, feature_selection=method, model_regressor=make and make()
        )
        for base in (TheirBase, LimeBase)
    )
    assert [number for number, _ in ours[1]] == [number for number, _ in theirs[1]]
    assert [weight for _, weight in ours[1]] == pytest.approx([weight for _, weight in theirs[1]], rel=1e-6)
    assert ours[0] == pytest.approx(theirs[0], rel=1e-6)
    assert ours[2] == pytest.approx(theirs[2], rel=1e-6)
    assert ours[3] == pytest.approx(theirs[3], rel=1e-6)


@pytest.mark.parametrize("method", ["forward_selection", "highest_weights", "none"])
def test_lime_base_takes_sparse_data(method):
    data, outputs, distances = neighbourhood(0, masks=True)
    dense, thin = (
        LimeBase(kernel).explain_instance_with_data(rows, outputs, distances, 1, 4, feature_selection=method)
        for rows in (data, sparse.csr_matrix(data))
    )
    # scikit-learn fits sparse data by an iteration that ends early.
    assert dict(thin[1]) == pytest.approx(dict(dense[1]), rel=1e-2)


def test_an_unknown_way_to_choose_is_a_value_error():
    with pytest.raises(ValueError, match="feature_selection must be one of 'auto'"):
        LimeBase(kernel).explain_instance_with_data(*neighbourhood(0, masks=True), 1, 3, feature_selection="bogus")


def test_a_subclass_may_choose_components_itself():
    class First(LimeBase):
        def feature_selection(self, data, labels, weights, num_features, method):
            return np.arange(num_features)

    found = First(kernel).explain_instance_with_data(*neighbourhood(0, masks=True), 1, 2)
    assert {number for number, _ in found[1]} == {0, 1}


# --- explainers -------------------------------------------------------------------------------------------------------------


def test_without_hooks_the_pipeline_explains():
    for explainer, instance, model in (
        (LimeTabularExplainer(ROWS, random_state=0), ROWS[0], classify),
        (LimeTextExplainer(random_state=0), TEXT, classify_texts),
    ):
        explainer.note = "mine"
        assert explainer.explain_instance(instance, model).limelight_explanation is not None


def test_a_base_of_the_programs_own():
    explainer = LimeTabularExplainer(ROWS, random_state=0)
    explainer.base = counted(explainer.base)
    found = explainer.explain_instance(ROWS[0], classify, num_features=3, num_samples=500)
    others = {"model_regressor": None, "feature_selection": "auto"}
    assert explainer.base.calls == [((500, 4), (500, 2), (500,), 1, 3, others)]
    assert found.limelight_explanation is None
    assert len(found.as_list()) == 3


@pytest.mark.parametrize("make", [LimeTextExplainer, LimeImageExplainer])
def test_a_base_of_the_programs_own_for_texts_and_images(make):
    explainer = make(random_state=0)
    explainer.base = counted(explainer.base)
    if make is LimeTextExplainer:
        explainer.explain_instance(TEXT, classify_texts, num_samples=100)
    else:
        image = np.arange(300, dtype=np.uint8).reshape(10, 10, 3)
        explainer.explain_instance(
            image,
            lambda images: np.stack([images.mean((1, 2, 3)), np.ones(len(images))], axis=1),
            segmentation_fn=lambda image: np.arange(100).reshape(10, 10) // 25,
            num_samples=100,
        )
    assert {call[0] for call in explainer.base.calls} == {(100, 8 if make is LimeTextExplainer else 4)}


def test_a_kernel_function_of_the_programs_own():
    explainer = LimeTabularExplainer(ROWS, random_state=0)
    seen = []

    def kernel_fn(distances):
        seen.append(distances)
        return np.exp(-distances)

    explainer.base.kernel_fn = kernel_fn
    explainer.explain_instance(ROWS[0], classify, num_samples=500)
    (distances,) = seen
    assert distances.shape == (500,)
    assert distances[0] == 0


def test_a_method_of_lime_base_that_is_patched_for_all(monkeypatch):
    def explain(self, data, labels, distances, label, num_features, feature_selection="auto", model_regressor=None):
        return 0.25, [(2, 1.5)], 0.5, np.array([1.75])

    monkeypatch.setattr(LimeBase, "explain_instance_with_data", explain)
    found = LimeTabularExplainer(ROWS, random_state=0).explain_instance(ROWS[0], classify)
    assert found.local_exp == {1: [(2, 1.5)]}
    assert (found.intercept[1], found.score, found.local_pred[0]) == (0.25, 0.5, 1.75)


def draw_uniform(row, count):
    rows = np.random.RandomState(0).uniform(-1, 1, (count, len(row))) + row
    rows[0] = row
    return (np.abs(rows - row) < 0.5).astype(float), rows


def test_a_subclass_may_draw_rows_itself():
    asked = []

    class Uniform(LimeTabularExplainer):
        def _LimeTabularExplainer__data_inverse(self, data_row, num_samples):
            return draw_uniform(data_row, num_samples)

    def model(rows):
        asked.append(rows)
        return classify(rows)

    found = Uniform(ROWS, random_state=0).explain_instance(ROWS[0], model, num_samples=400)
    (rows,) = asked
    assert np.array_equal(rows, draw_uniform(ROWS[0], 400)[1])
    masks, outputs = draw_uniform(ROWS[0], 400)[0], classify(rows)
    width = 0.75 * 2
    expected = TheirBase(lambda d: np.sqrt(np.exp(-(d**2) / width**2))).explain_instance_with_data(
        masks, outputs, np.linalg.norm(masks - masks[0], axis=1), 1, 10
    )
    assert dict(found.local_exp[1]) == pytest.approx({int(number): weight for number, weight in expected[1]}, rel=1e-6)


def test_an_instance_and_the_class_itself_may_draw_rows_otherwise(monkeypatch):
    explainer = LimeTabularExplainer(ROWS, random_state=0)
    explainer._LimeTabularExplainer__data_inverse = draw_uniform
    assert explainer.explain_instance(ROWS[0], classify, num_samples=300).limelight_explanation is None
    name = "_LimeTabularExplainer__data_inverse"
    monkeypatch.setattr(LimeTabularExplainer, name, lambda self, row, count: draw_uniform(row, count))
    explainer = LimeTabularExplainer(ROWS, random_state=0)
    assert explainer.explain_instance(ROWS[0], classify, num_samples=300).limelight_explanation is None


def test_limes_own_neighbourhood_can_be_called():
    explainer = LimeTabularExplainer(ROWS, random_state=0)
    data, rows = explainer._LimeTabularExplainer__data_inverse(ROWS[0], 4000)
    assert data[0].tolist() == [1, 1, 1, 1]
    assert np.array_equal(rows[0], ROWS[0])
    assert data[1:].mean(axis=0) == pytest.approx(0.25, abs=0.03)
    bins = explainer.discretizer.discretize(rows)
    assert np.array_equal(data, bins == bins[0])
    without_bins = LimeTabularExplainer(ROWS, discretize_continuous=False, random_state=0)
    data, rows = without_bins._LimeTabularExplainer__data_inverse(ROWS[0], 4000)
    assert rows[1:].std(axis=0) == pytest.approx(ROWS.std(axis=0), rel=0.05)


def test_a_subclass_may_make_texts_itself():
    class Pairs(LimeTextExplainer):
        def _LimeTextExplainer__data_labels_distances(
            self, indexed_string, classifier_fn, num_samples, distance_metric="cosine"
        ):
            d = indexed_string.num_words()
            masks = np.vstack([np.ones(d), 1 - np.eye(d)])
            texts = [indexed_string.inverse_removing(np.flatnonzero(mask == 0)) for mask in masks]
            return masks, classifier_fn(texts), np.ones(len(masks))

    found = Pairs(random_state=0).explain_instance(TEXT, classify_texts)
    assert found.limelight_explanation is None
    assert found.as_list()[0][0] == "pills"


def test_limes_own_texts_can_be_made():
    explainer = LimeTextExplainer(random_state=0)
    indexed = explainer.explain_instance(TEXT, classify_texts).domain_mapper.indexed_string
    masks, outputs, distances = explainer._LimeTextExplainer__data_labels_distances(indexed, classify_texts, 300)
    assert masks.shape == (300, 8)
    assert outputs.shape == (300, 2)
    assert distances == pytest.approx(100 * (1 - np.sqrt(masks.mean(axis=1))))
    assert np.bincount(8 - masks[1:].sum(axis=1).astype(int), minlength=9)[1:].min() > 15


def test_a_subclass_may_make_images_itself():
    class Halves(LimeImageExplainer):
        def data_labels(self, image, fudged_image, segments, classifier_fn, num_samples, batch_size=10):
            masks = np.array([[1, 1], [0, 1], [1, 0]])
            images = [np.where(mask[(segments == 8).astype(int)][..., None], image, fudged_image) for mask in masks]
            return masks, classifier_fn(np.array(images))

    image = np.zeros((10, 10, 3))
    image[:5] = 1.0
    found = Halves(random_state=0).explain_instance(
        image,
        lambda images: images[:, :5].mean(axis=(1, 2, 3))[:, None],
        hide_color=0,
        segmentation_fn=lambda image: np.repeat([[3], [8]], 5, axis=0).repeat(10, axis=1),
    )
    assert found.limelight_explanation is None
    assert found.local_exp[0][0][0] == 3


def test_statistics_that_a_program_sets_are_those_of_the_draws():
    explainer = LimeTabularExplainer(ROWS, random_state=0)
    explainer.feature_frequencies[0] = np.array([0.97, 0.01, 0.01, 0.01])
    asked = []

    def model(rows):
        asked.append(rows)
        return classify(rows)

    found = explainer.explain_instance(ROWS[0], model, num_samples=1000)
    assert found.limelight_explanation is None
    assert np.mean(asked[0][:, 0] <= np.percentile(ROWS[:, 0], 25)) > 0.95


def test_a_discretizer_that_draws_otherwise_is_asked():
    class Middle(QuartileDiscretizer):
        def get_undiscretize_values(self, feature, values):
            return np.array(self.means[feature])[values]

    asked = []

    def model(rows):
        asked.append(rows)
        return classify(rows)

    middle = Middle(ROWS, [], list("abcd"))
    LimeTabularExplainer(ROWS, discretizer=middle, random_state=0).explain_instance(ROWS[0], model, num_samples=300)
    assert len(np.unique(asked[0][1:, 0])) == 4


@pytest.mark.filterwarnings("ignore:The ridge penalty")  # all training rows are in one bin, so that nothing varies
def test_a_discretizer_of_other_data_draws_as_these_do():
    other = QuartileDiscretizer(ROWS + 5, [], list("abcd"))
    asked = []

    def model(rows):
        asked.append(rows)
        return classify(rows - 5)

    explainer = LimeTabularExplainer(ROWS, discretizer=other, random_state=0)
    explainer.explain_instance(np.full(4, 3.5), model, num_samples=300)
    assert asked[0][1:].min() > 0  # all training rows are in the first bins, whose values are around 5


def test_a_regressor_that_is_no_estimator_is_fitted():
    class Least:
        def fit(self, data, outputs, sample_weight):
            self._fitted = LinearRegression().fit(data, outputs, sample_weight=sample_weight)
            self.coef_, self.intercept_ = self._fitted.coef_, self._fitted.intercept_
            return self

        def score(self, *rows, sample_weight):
            return self._fitted.score(*rows, sample_weight=sample_weight)

        def predict(self, data):
            return self._fitted.predict(data)

    found = LimeTabularExplainer(ROWS, random_state=0).explain_instance(ROWS[0], classify, model_regressor=Least())
    assert found.as_list()[0][1] != 0


def test_a_method_of_an_estimator_reaches_limelight_as_it_is():
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(20, max_depth=4, random_state=0).fit(ROWS, ROWS[:, 0] > 0)
    found = LimeTabularExplainer(ROWS, random_state=0).explain_instance(ROWS[0], forest.predict_proba)
    assert found.limelight_explanation.is_exact


def test_sequences_hand_their_hooks_on():
    sequences = np.random.RandomState(0).normal(size=(50, 3, 2))
    explainer = RecurrentTabularExplainer(sequences)
    explainer.base = counted(explainer.base)
    explainer.explain_instance(sequences[0], lambda rows: classify(rows[:, 0, [0, 0, 1, 1]]), num_samples=50)
    assert explainer.base.calls[0][0] == (50, 6)
