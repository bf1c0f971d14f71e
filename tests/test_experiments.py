"""The experiments of the paper, on reviews with planted truths: what is read, gold, trusted, chosen, improved and printed."""

import gzip
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import cross_val_predict
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

pytest.importorskip("lime")

from experiments import choosing, faithfulness, improving, trust
from experiments.__main__ import main
from experiments._data import DataError, Reviews, read_reviews, rows_of
from experiments._explanations import (
    Listed,
    Question,
    Weighed,
    ask_limelight,
    by_lime,
    by_limelight,
    by_limelight_at_limes,
    read,
)
from experiments._figures import draw
from experiments._models import WordVectors, fit_sparse_logistic_regression, support_vectors
from experiments._picks import pick_for_coverage
from experiments._plan import QUICK
from experiments._planting import Planted, columns_of, plant
from experiments._tables import Check, Drawn, Estimate, Row, Table, estimate, print_table, summarise
from experiments.baselines import (
    SIGMAS,
    by_chance,
    by_leaving_one_out,
    by_removing,
    by_removing_until_it_flips,
    fit_windows,
)
from limelight import submodular_pick

WORDS = [f"word{letter}" for letter in "abcdefghijklmnopqrst"]
SMALL = replace(QUICK, num_samples=200, documents=8, rounds=5, trees=5, pairs=1, pool=6, users=2)


def text_of(label: int, rng: np.random.Generator) -> list[str]:
    """Words at random, with ones that tell the class: 'good' or 'bad' in nine of ten texts, 'dull' or 'warm' in some."""
    told = ["good", "warm"] if label else ["bad", "dull"]
    chances = rng.random(2) < [0.9, 0.4]
    return [*(word for word, is_there in zip(told, chances, strict=True) if is_there), *rng.choice(WORDS, 6, replace=False)]


def lines_of(label: int, count: int, seed: int) -> list[str]:
    rng = np.random.default_rng((seed, label))
    texts = [text_of(label, rng) for _ in range(count)]
    return [" ".join(f"{word}:1" for word in words) + f" #label#:{'positive' if label else 'negative'}" for words in texts]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("reviews")
    for label, name in enumerate(["negative", "positive"]):
        (place / f"{name}.review").write_text("\n".join(lines_of(label, 60, 0)) + "\n", encoding="latin-1")
    return place


@pytest.fixture(scope="module")
def reviews(folder) -> Reviews:
    return read_reviews(folder)


class Sum(ClassifierMixin, BaseEstimator):
    """P(1) is a number, by default one half, and the sum of the weights of the words that are there."""

    classes_ = np.array([0, 1])

    def __init__(self, weights: np.ndarray, base: float = 0.5) -> None:
        self.weights = weights
        self.base = base

    def fit(self, _rows, _classes):
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict_proba(self, rows):
        ones = self.base + rows @ self.weights
        return np.column_stack([1 - ones, ones])

    def predict(self, rows):
        return (self.predict_proba(rows)[:, 1] > 0.5).astype(int)


def question_of(model, texts, words, classes=None, **more) -> Question:
    vectorizer = CountVectorizer(lowercase=False, binary=True, vocabulary=words).fit([" ".join(words)])
    rows = vectorizer.transform(texts).tocsr()
    return Question(vectorizer, model, rows, np.ones(len(texts), int) if classes is None else np.array(classes), **more)


# Data


def test_reviews_are_read_without_pairs_of_words_and_split_by_class(tmp_path):
    for label, name in enumerate(["negative", "positive"]):
        lines = [f"own{label}x{i}:2 a_pair:3 <num>:4 end.last:1 #label#:x" for i in range(10)]
        with gzip.open(tmp_path / f"{name}.review.gz", "wt") as file:
            file.write("\n".join(lines))
    found = read_reviews(tmp_path)
    assert found.train_classes.tolist() == [1] * 8 + [0] * 8
    assert found.test_classes.tolist() == [1] * 2 + [0] * 2
    texts = (*found.train, *found.test)
    assert sorted(texts) == sorted(f"own{label}x{i} own{label}x{i} last" for label in (0, 1) for i in range(10))
    classes = np.concatenate([found.train_classes, found.test_classes])
    assert all(text.startswith(f"own{label}") for text, label in zip(texts, classes, strict=True))
    assert read_reviews(tmp_path).train == found.train
    assert read_reviews(tmp_path, seed=1).train != found.train


def test_split_is_that_of_python_2(tmp_path):
    # random.seed(1); x = range(10); random.shuffle(x) in Python 2.7; then another ten.
    for name in ("negative", "positive"):
        (tmp_path / f"{name}.review").write_text("\n".join(f"number{i}:1" for i in range(10)))
    found = read_reviews(tmp_path)
    assert [int(text[6:]) for text in (*found.train[:8], *found.test[:2])] == PYTHON_2_ORDER


PYTHON_2_ORDER = [8, 0, 3, 4, 5, 2, 9, 6, 7, 1]


def test_real_reviews_are_two_thousand(data_folder):
    found = read_reviews(data_folder / "sentiment_books")
    assert (len(found.train), len(found.test)) == (1600, 400)
    # The README of the data: logistic regression of counts, the paper's split, is right about .78 of the time.
    model = LogisticRegression(max_iter=1000).fit(found.train_rows, found.train_classes)
    assert 0.74 < model.score(found.test_rows, found.test_classes) < 0.84


def test_folders_that_lack_something_are_refused_by_name(tmp_path):
    with pytest.raises(DataError, match=r"--data: there is no folder .*nowhere; give one that has negative.review and p"):
        read_reviews(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"has neither negative.review nor negative.review.gz; it has nothing"):
        read_reviews(tmp_path)
    (tmp_path / "negative.review").write_text("\n".join(lines_of(0, 12, 0)))
    with pytest.raises(DataError, match=r"has neither positive.review nor positive.review.gz; it has negative.review"):
        read_reviews(tmp_path)
    (tmp_path / "positive.review").write_text("no pairs here\n" * 20 + "good:1\n")
    with pytest.raises(DataError, match=r"positive.review has 1 reviews, where at least 10 are needed; each line must be"):
        read_reviews(tmp_path)


def test_command_names_what_is_missing_and_what_is_unknown(tmp_path, capsys):
    assert main(["--data", str(tmp_path)]) == 2
    assert "has neither negative.review" in capsys.readouterr().err
    for arguments, message in (
        (["faith"], "no experiment 'faith'; there are: faithfulness, trust, choosing, improving"),
        (["--seed", "-1"], "--seed must be 0 or more, got -1"),
        (["--pairs", "1"], "must be a whole number from 2 on, got '1'"),
    ):
        with pytest.raises(SystemExit):
            main(arguments)
        assert message in capsys.readouterr().err


def test_planted_words_are_where_they_should_be(reviews):
    words = [Planted("planted", in_training=(0.0, 0.5), in_test=(0.25, 0.25))]
    changed = plant(reviews, words, np.random.default_rng(0))
    column = np.flatnonzero(columns_of(words, changed))
    assert len(column) == 1
    train, test = (rows[:, column].toarray().ravel() for rows in (changed.train_rows, changed.test_rows))
    assert [train[reviews.train_classes == label].mean() for label in (0, 1)] == [0.0, 0.5]
    assert [test[reviews.test_classes == label].mean() for label in (0, 1)] == [0.25, 0.25]


# Models


def test_support_vectors_are_those_of_scikit_learn(reviews):
    rows, classes = reviews.train_rows, reviews.train_classes
    own = support_vectors().fit(rows, classes)
    other = SVC(C=10, gamma=0.001).fit(rows.astype(float), classes)
    machine = own[-1].calibrated_classifiers_[0].estimator
    np.testing.assert_allclose(
        machine.decision_function(own[0].transform(reviews.test_rows)),
        other.decision_function(reviews.test_rows.astype(float)),
        atol=1e-3,
    )


def test_sparse_logistic_regression_uses_few_words_of_a_text(reviews):
    for most in (1, 3):
        model = fit_sparse_logistic_regression(reviews.train_rows, reviews.train_classes, most)
        used = reviews.train_rows[:, model.coef_[0] != 0].getnnz(axis=1)
        assert used.max() <= most


def test_word_vectors_are_averaged_and_no_word_has_none(reviews):
    vectors = WordVectors().fit(reviews.train_rows)
    rows = rows_of([np.array([0]), np.array([3]), np.array([0, 3]), np.array([], dtype=int)], reviews.train_rows.shape[1])
    first, second, both, nothing = vectors.transform(rows)
    np.testing.assert_allclose(both, (first + second) / 2)
    assert not nothing.any()
    assert np.linalg.norm(first) > 0


# Explainers


WEIGHTS = np.array([0.2, -0.1, 0.05, 0.0])
FOUR = ["alpha", "beta", "gamma", "delta"]


@pytest.mark.parametrize("explain", [by_limelight, by_lime, by_leaving_one_out])
def test_weights_of_a_sum_are_its_weights(explain):
    question = question_of(Sum(WEIGHTS), ["alpha beta gamma delta", "beta alpha"], FOUR, num_samples=500)
    full, short = explain(question)
    np.testing.assert_allclose(full.weights[np.argsort(full.columns)], WEIGHTS, atol=0.01)
    assert full.columns[:3].tolist() == [0, 1, 2]
    assert full.total == pytest.approx(0.65, abs=0.01)
    assert sorted(short.columns) == [0, 1]
    assert short.total == pytest.approx(0.6, abs=0.06)  # the penalty is felt where there are few different perturbations
    assert full.without(np.array([True, False, False, False])) == pytest.approx(0.45, abs=0.01)


def test_lime_is_asked_about_the_rows_that_the_vectorizer_makes():
    asked = []

    class Recorder(Sum):
        def predict_proba(self, rows):
            asked.append(rows.toarray())
            return super().predict_proba(rows)

    by_lime(question_of(Recorder(WEIGHTS), ["delta alpha gamma"], FOUR, num_samples=50))
    (rows,) = asked
    assert rows.shape == (50, 4)
    assert rows[0].tolist() == [1, 0, 1, 1]
    assert not rows[:, 1].any()
    assert set(np.unique(rows)) == {0, 1}


def test_greedy_removes_what_lowers_the_class_most_and_stops_when_it_flips():
    texts = ["alpha beta gamma delta"] * 2
    question = question_of(Sum(WEIGHTS), texts, FOUR, classes=[1, 0])
    up, down = by_removing(question)
    assert up.columns.tolist() == [0, 2, 3]  # without beta the probability would be higher
    assert down.columns.tolist() == [1, 3]
    up, down = by_removing_until_it_flips(question)
    assert up.columns.tolist() == [0]
    assert down.columns.tolist() == [1]  # class 0 is below one half before and after


def test_random_words_are_the_text_s_own_and_repeatable():
    question = question_of(Sum(WEIGHTS), ["alpha gamma", "delta"], FOUR, seed=3)
    first, second = by_chance(question)
    assert set(first.columns) <= {0, 2}
    assert second.columns.tolist() == [3]
    assert [one.columns.tolist() for one in by_chance(question)] == [first.columns.tolist(), second.columns.tolist()]


def test_gradient_of_windows_is_that_of_differences(reviews):
    rows, classes = reviews.train_rows, reviews.train_classes
    model = LogisticRegression().fit(rows, classes)
    explain = fit_windows(model, rows, classes, seed=0, folds=3)
    row = reviews.test_rows[0]
    (listed,) = explain(Question(reviews.vectorizer, model, row, np.array([1])))
    # The imitated classes and the width, found again by the definition, and the slope by central differences.
    ones = cross_val_predict(LogisticRegression(), rows, classes, cv=3) == 1

    def probability(point, sigma):
        windows = np.exp(-0.5 * ((rows.toarray() - point) ** 2).sum(axis=1) / sigma**2)
        return windows[ones].sum() / windows.sum()

    point = row.toarray()[0].astype(float)
    totals = [probability(point, sigma) for sigma in SIGMAS]
    sigma = SIGMAS[int(np.argmin(np.abs(np.array(totals) - listed.total)))]
    assert listed.total == pytest.approx(probability(point, sigma))
    for column, weight in zip(listed.columns, listed.weights, strict=True):
        step = np.zeros_like(point)
        step[column] = 1e-4
        slope = (probability(point + step, sigma) - probability(point - step, sigma)) / 2e-4
        assert weight == pytest.approx(slope, rel=1e-3, abs=1e-8)


def test_own_pick_covers_what_limelight_s_covers(reviews):
    model = LogisticRegression().fit(reviews.train_rows, reviews.train_classes)
    question = Question(reviews.vectorizer, model, reviews.test_rows, reviews.test_classes, 200)
    explanations = ask_limelight(question)
    listed = read(explanations, reviews.vectorizer)
    own = pick_for_coverage(listed, 3, reviews.train_rows.shape[1])
    assert own == list(submodular_pick(explanations, 3, label=1).positions)
    bare = [Listed(np.array([0, 1])), Listed(np.array([1, 2, 3])), Listed(np.array([0]))]
    assert pick_for_coverage(bare, 5, 4) == [1, 0, 2]


# Faithfulness


def by_enumeration(model, columns: list[int], word: int, width: int) -> tuple[bool, bool]:
    """Whether a word can change the answer, and whether anything can, from all ways to remove words."""
    masks = np.array(list(product([0, 1], repeat=len(columns))))
    rows = np.zeros((len(masks), width))
    rows[:, columns] = masks
    answers = model.predict_proba(rows)[:, 1].round(12)
    without = rows.copy()
    without[:, word] = 0
    return bool((model.predict_proba(without)[:, 1].round(12) != answers).any()), len(set(answers)) == 1


@pytest.mark.parametrize("seed", range(5))
def test_words_that_a_tree_can_hear_are_those_of_enumeration(seed):
    rng = np.random.default_rng(seed)
    rows, classes = rng.integers(0, 2, (60, 7)), rng.integers(0, 2, 60)
    model = DecisionTreeClassifier(random_state=1).fit(rows, classes)
    states = {True: 0, False: 0}
    for values in rng.integers(0, 2, (15, 7)):
        columns = np.flatnonzero(values)
        gold = faithfulness.gold_of_tree(model, rows_of([columns], 7))
        path = model.decision_path(values[None]).indices
        assert gold.used == {f for f in model.tree_.feature[path] if f >= 0 and values[f]}
        found = {word: by_enumeration(model, list(columns), word, 7) for word in gold.used}
        assert gold.heard == {word for word, (can, _) in found.items() if can}
        assert all(gold.is_constant == constant for _, constant in found.values())
        for word in gold.used:
            states[word in gold.heard] += 1
    assert states[True] > 0


def test_word_on_the_path_that_leads_nowhere_is_used_and_not_heard():
    # "a" splits first; where it is there, "b" decides; where it is not, "c" does. In a text of "a" alone all is class 0.
    rows = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1], [1, 1, 1]])
    classes = np.array([0, 1, 0, 1, 0, 1, 1])
    model = DecisionTreeClassifier(random_state=1).fit(rows, classes)
    golds = [faithfulness.gold_of_tree(model, rows_of([np.array([column])], 3)) for column in range(3)]
    constant = [gold for gold in golds if gold.is_constant]
    assert any(gold.used for gold in constant)
    assert all(not gold.heard for gold in constant)


def test_recall_is_the_share_of_gold_words_that_are_listed():
    listed = [Listed(np.array([1, 2, 3])), Listed(np.array([4])), Listed(np.array([5]))]
    np.testing.assert_equal(faithfulness.recalls([{1, 9}, {4}, set()], listed), [0.5, 1.0, np.nan])


def test_surrogates_find_every_word_that_a_sparse_model_uses(reviews):
    (table,) = faithfulness.tables(reviews, SMALL)
    logistic = table.rows[0]
    assert logistic.case == "sparse logistic regression"
    assert [logistic.found[name].value for name in ("lime", "limelight", "limelight, as many")] == [100, 100, 100]
    assert logistic.paper["limelight"] == 92.1
    assert table.rows[1].found["limelight"].value <= 100
    assert "8 of 24 test texts" in table.notes[0]
    assert "lime 200, limelight" in table.notes[1]


def test_equal_numbers_are_lime_s_own(reviews):
    model = LogisticRegression().fit(reviews.train_rows, reviews.train_classes)
    question = Question(reviews.vectorizer, model, reviews.test_rows[:1], np.array([1]))
    (equal,) = by_limelight_at_limes(replace(question, num_samples=50))
    assert equal.num_inputs <= 50
    (default,), (own,) = by_limelight_at_limes(question), by_limelight(replace(question, num_samples=5000))
    np.testing.assert_array_equal(default.weights, own.weights)
    (limes,) = by_lime(question)
    assert limes.num_inputs == 5000


# Trust


def test_prediction_is_to_be_trusted_if_it_stays_without_the_words():
    model = Sum(np.array([0.2, -0.1, -0.05, 0.0]))
    question = question_of(model, ["alpha beta", "alpha", "beta"], FOUR)
    kept = trust.should_trust(model, question.rows, np.array([True, False, False, False]))
    assert kept.tolist() == [False, False, True]
    assert question.rows.nnz == 4  # untouched


def test_user_trusts_what_stays_on_its_side():
    flags = np.array([True, False, False])
    listed = [
        Weighed(np.array([0, 1]), np.array([0.3, 0.1]), 0.7),  # 0.4 without
        Weighed(np.array([0, 1]), np.array([0.1, 0.1]), 0.7),  # 0.6 without
        Listed(np.array([0, 2])),
        Listed(np.array([1])),
    ]
    assert trust.trusts(listed, [0.9] * 4, flags).tolist() == [False, True, False, True]
    assert trust.trusts(listed[:2], [0.2] * 2, flags).tolist() == [True, False]


def test_f1_is_that_of_scikit_learn(seed):
    trusted, wanted = np.random.default_rng(seed).random((2, 4, 30)) < 0.6
    expected = [f1_score(w, t) for t, w in zip(trusted, wanted, strict=True)]
    np.testing.assert_allclose(trust.f1_of(trusted, wanted), expected)
    assert trust.f1_of(np.zeros((1, 3), bool), np.zeros((1, 3), bool)).tolist() == [0.0]


def test_error_of_f1_is_that_of_repeated_draws():
    # Texts and draws alike: trusted at random in 80 % of the cases. The error must follow the number of texts.
    rng = np.random.default_rng(0)
    wanted = np.ones((200, 50), dtype=bool)
    per_text = rng.random(50) < 0.8
    trusted = np.broadcast_to(per_text, wanted.shape)
    found = trust._estimate(trusted, wanted, seed=0)
    share = per_text.mean()
    # F1 of a share s of right ones is 2 s / (1 + s); its slope is 2 / (1 + s)^2.
    expected = 100 * 2 / (1 + share) ** 2 * np.sqrt(share * (1 - share) / 50)
    assert found.value == pytest.approx(200 * share / (1 + share))
    assert found.error == pytest.approx(expected, rel=0.2)


def test_trust_is_reported_for_every_model_and_explainer(reviews):
    (table,) = trust.tables(reviews, SMALL)
    assert [row.case for row in table.rows] == list(trust.PAPER)
    for row in table.rows:
        assert list(row.found) == ["random", "parzen", "greedy", "leave one out", "lime", "limelight"]
        assert all(0 <= found.value <= 100 for found in row.found.values())
    assert "forest has 5 trees" in table.notes[0]
    # On a linear model with few words, explanations tell nearly always.
    assert table.rows[0].found["limelight"].value > 90


# Choosing


def test_model_with_fewer_mistrusted_predictions_is_chosen():
    planted = np.array([True, False])
    leans = [Weighed(np.array([0, 1]), np.array([0.3, 0.1]), 0.7)] * 2  # below one half without the planted word
    stands = [Weighed(np.array([0, 1]), np.array([0.1, 0.3]), 0.7)] * 2
    assert choosing.mistrusted(leans, planted) == 2
    assert choosing.mistrusted(stands, planted) == 0
    assert choosing.mistrusted([Listed(np.array([0])), Listed(np.array([1]))], planted) == 1
    assert choosing.choose(stands, leans, ([0], [0]), planted) == 1.0
    assert choosing.choose(leans, stands, ([0], [0]), planted) == 0.0
    assert choosing.choose(stands, stands, ([0], [0]), planted) == 0.5
    assert choosing.choose(stands, leans, ([], []), planted) == 0.5  # who has seen nothing knows nothing


def test_word_counts_only_once_it_has_been_seen():
    planted = np.array([True, False])
    worse = [Weighed(np.array([1]), np.array([0.2]), 0.7), Weighed(np.array([0]), np.array([0.4]), 0.7)]
    better = [Weighed(np.array([1]), np.array([0.2]), 0.7)] * 2
    assert choosing.choose(better, worse, ([0], [0]), planted) == 0.5
    assert choosing.choose(better, worse, ([1], [1]), planted) == 1.0


def test_pair_is_equal_in_validation_and_apart_on_the_test(reviews):
    changed = plant(reviews, choosing.PLANTED, np.random.default_rng(0))
    contest = choosing.find_pair(changed, np.random.default_rng(0))
    rows, classes = changed.train_rows[contest.validation], changed.train_classes[contest.validation]
    assert contest.better.score(rows, classes) == contest.worse.score(rows, classes)
    after = [model.score(changed.test_rows, changed.test_classes) for model in (contest.better, contest.worse)]
    assert after[0] - after[1] >= 0.05
    assert len(contest.validation) == round(0.2 * len(changed.train))


def test_no_pair_is_said_and_not_counted(reviews, monkeypatch):
    monkeypatch.setattr(choosing, "TRIES", 1)
    (table,) = choosing.tables(reviews, SMALL)
    assert table.rows[0].case == "nothing was compared"
    assert "No two of 1 forests" in table.notes[0]
    print_table(table)


def test_choices_are_reported_for_every_pick(reviews):
    table, differences = choosing.tables(reviews, replace(SMALL, pairs=2))
    assert [row.case for row in table.rows][:3] == ["true flips", "SP limelight", "RP limelight"]
    assert list(table.rows[0].found) == ["1", "5"]
    assert list(differences.rows[0].found) == ["1", "5", "on average"]
    picked, at_random = (table.rows[i].found["5"].value for i in (1, 2))
    assert differences.rows[0].found["5"].value == pytest.approx(picked - at_random)
    assert "2 pairs of forests (0 not found)" in table.notes[0]
    assert differences.checks[0].what == "limelight, SP minus RP over the whole curve"


def test_user_who_sees_planted_words_chooses_the_model_without_them(reviews):
    words = choosing.PLANTED
    changed = plant(reviews, words, np.random.default_rng(0))
    planted = columns_of(words, changed)
    honest, leaning = np.zeros(len(planted)), np.zeros(len(planted))
    for word, weight in (("good", 0.4), ("bad", -0.4)):
        honest[changed.vectorizer.vocabulary_[word]] = weight
    leaning[planted] = 0.2
    contest = choosing.Contest(changed, Sum(honest), Sum(leaning, base=0.4), np.arange(len(changed.train)))
    found = choosing._outcomes(contest, replace(SMALL, pool=20), np.random.default_rng(0))
    assert found["SP limelight"][-1] == 1.0
    assert found["SP leave one out"][-1] == 1.0
    assert set(found["true flips"]) == {1.0}
    assert (found["SP limelight"] >= found["RP limelight"]).all()


# Improving


def test_user_removes_what_does_not_generalise():
    planted = np.array([True, False] * 5)
    shown = np.array([0, 1, 2, 3])
    rng = np.random.default_rng(0)
    assert improving.User(1.0, 0.0).remove(shown, planted, rng).tolist() == [0, 2]
    assert improving.User(0.0, 1.0).remove(shown, planted, rng).tolist() == [1, 3]
    shares = np.mean(
        [[column in improving.User().remove(shown, planted, rng) for column in (0, 1)] for _ in range(2000)], axis=0
    )
    np.testing.assert_allclose(shares, [0.9, 0.1], atol=0.03)


@pytest.fixture(scope="module")
def misleading(reviews) -> tuple[Reviews, np.ndarray]:
    """Three words that are in nearly all training texts of class 0 and in no others, and tell nothing of the test texts."""
    words = [Planted(f"planted{i}", in_training=(0.95, 0.0), in_test=(0.5, 0.5)) for i in range(3)]
    changed = plant(reviews, words, np.random.default_rng(0))
    return changed, columns_of(words, changed)


@pytest.mark.parametrize("pick", improving.PICKS)
def test_user_who_knows_better_makes_the_model_as_good_as_without_the_words(misleading, pick):
    changed, planted = misleading
    user = improving.User(notices=1.0, errs=0.0)
    improved = improving.improve(changed, planted, improving.PICKS[pick], user, SMALL, np.random.default_rng(0))
    assert improved.removed.tolist() == planted.tolist()
    assert improved.accuracies[0] < improved.accuracies[-1]
    assert improved.accuracies[-1] == improving._accuracy(changed, ~planted)


def test_user_who_removes_nothing_changes_nothing(misleading):
    changed, planted = misleading
    user = improving.User(notices=0.0, errs=0.0)
    improved = improving.improve(changed, planted, improving.PICKS["SP-LIME"], user, SMALL, np.random.default_rng(0))
    assert not improved.removed.any()
    assert len(set(improved.accuracies)) == 1


def test_improvement_is_reported_with_its_ends(reviews):
    (table,) = improving.tables(reviews, SMALL)
    assert [row.case for row in table.rows] == ["SP-LIME", "random pick", "no word removed", "every made-up word removed"]
    rows = {row.case: row.found for row in table.rows}
    assert rows["SP-LIME"]["at first"] == rows["random pick"]["at first"] == rows["no word removed"]["round 3"]
    assert "Users are simulated" in table.notes[0]


def test_removed_words_are_gone_from_model_and_texts(reviews):
    changed = plant(reviews, improving.PLANTED, np.random.default_rng(0))
    flags = columns_of(improving.PLANTED, changed)
    model = improving._fit(changed, ~flags)
    assert not model.coef_[0, flags].any()
    assert model.coef_[0, ~flags].any()


# Tables and figures


def test_estimate_is_mean_and_standard_error_in_percent():
    found = estimate([0.0, 0.5, 1.0])
    assert found.value == pytest.approx(50)
    assert found.error == pytest.approx(100 * 0.5 / np.sqrt(3))
    assert str(estimate([1.0])) == "100.0 ± nan"
    assert np.isnan(estimate([]).value)


def test_check_is_missed_only_where_chance_cannot_explain_it():
    checks = [Check("x", Estimate(value, 1.0), 90.0) for value in (90.0, 88.5, 87.0, np.nan)]
    assert [str(check).split(": ")[2].split(",")[0] for check in checks] == ["reached", "not reached", "MISSED", "MISSED"]
    first, *others = summarise([Table("t", [], checks=checks), Table("u", [])]).splitlines()
    assert first == "1 of 4 targets are reached."
    assert [line[:5] for line in others] == ["  t: "] * 3


def test_paper_stands_beside_ours(capsys):
    rows = [Row("books", {"a": Estimate(12.34, 0.5), "b": Estimate(5.0, 0.1)}, {"a": 20.0}), Row("more", {"b": Estimate(1, 1)})]
    print_table(Table("Title", rows, ["a note"], [Check("it", Estimate(1, 0.1), 2.0)]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [
        "Title",
        "                        a          b",
        "  books        12.3 ± 0.5  5.0 ± 0.1",
        "    the paper        20.0",
        "  more                     1.0 ± 1.0",
        "  a note",
        "  it: must reach 2.0: MISSED, 1.0 ± 0.1",
    ]


def test_command_prints_the_same_every_time_and_draws(folder, tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("experiments._plan.QUICK", SMALL)
    arguments = ["faithfulness", "--data", str(folder), "--figures", str(tmp_path / "figures"), "--num-samples", "150"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "seed 0, 150 perturbations" in printed
    assert "Faithfulness (5.2)" in printed
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["recall.png"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == printed


def test_tables_with_a_figure_are_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    row = Row("x", {"1": Estimate(50, 5), "10": Estimate(80, 5)})
    drawn = Drawn("curve", "instances seen", "% correct", has_bars=False)
    tables = [Table("not drawn", [row]), Table("drawn", [row, row], figure=drawn)]
    (path,) = draw(tables, tmp_path / "new")
    assert path.name == "curve.png"
    assert path.read_bytes().startswith(b"\x89PNG")
