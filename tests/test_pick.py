"""The submodular pick: the picks of plain greedy and of lime, near the best choice there is, and the reasons for each."""

import heapq
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.samples import explain, table, text
from hypothesis import given, settings
from hypothesis import strategies as st
from lime.submodular_pick import SubmodularPick

from limelight import Explanations, Failure, TextExplainer, random_pick, submodular_pick
from limelight.exceptions import ArgumentError, ArgumentTypeError, LabelError
from limelight.results.views import PartsView

FAILURE = Failure("ModelError", "no such column")
NAMES = tuple("abcdefghij")


def explained(matrix):
    """An explanation for each row of weights; a weight of 0 is not reported, a row of NaN is a failure."""
    entries = []
    for row in np.asarray(matrix, dtype=float):
        reported = [i for i, weight in enumerate(row) if weight]
        names = [f"feature {i}" for i in reported]
        entries.append(
            FAILURE if np.isnan(row).all() else explain(PartsView(tuple(names)), names, {1: [row[i] for i in reported]})
        )
    return Explanations.of(entries)


def importance(matrix):
    return np.sqrt(np.abs(matrix).sum(axis=0))


def covered(matrix, picks):
    """The paper's c(V, W, I)."""
    return importance(matrix)[(np.asarray(matrix)[list(picks)] != 0).any(axis=0)].sum()


def plain_greedy(matrix, num_picks):
    """Algorithm 2, word for word; gains within rounding are equal, and the first of them is taken."""
    picks = []
    while len(picks) < min(num_picks, len(matrix)):
        left = [i for i in range(len(matrix)) if i not in picks]
        gains = [covered(matrix, [*picks, i]) for i in left]
        picks.append(left[int(np.argmax(np.array(gains) >= max(gains) - 1e-9))])
    return tuple(picks)


def lazy_greedy(matrix, num_picks):
    """CELF: gains only fall, so an old one is a bound; the candidate with the highest bound is looked at first."""
    own = [set(np.flatnonzero(row)) for row in np.asarray(matrix)]
    each, seen, picks = importance(matrix), set(), []

    def gain(i):
        return round(sum(each[j] for j in sorted(own[i] - seen)), 9)

    bounds = [(-gain(i), i) for i in range(len(own))]
    heapq.heapify(bounds)
    while len(picks) < min(num_picks, len(own)):
        _, i = heapq.heappop(bounds)
        now = (-gain(i), i)
        if not bounds or now <= bounds[0]:
            picks.append(i)
            seen |= own[i]
        else:
            heapq.heappush(bounds, now)
    return tuple(picks)


def matrices(rows=8, columns=6):
    """Weights with many ties: few different values, rows and columns that are alike, rows of zeros."""
    weight = st.sampled_from((0.0, 0.0, 1.0, -1.0, 0.25))
    shape = st.tuples(st.integers(1, rows), st.integers(1, columns))
    return shape.flatmap(
        lambda size: st.lists(st.lists(weight, min_size=size[1], max_size=size[1]), min_size=size[0], max_size=size[0])
    ).map(np.array)


class TestGreedy:
    @given(matrices(), st.integers(1, 10))
    def test_picks_of_plain_and_of_lazy_greedy(self, matrix, num_picks):
        pick = submodular_pick(explained(matrix), num_picks)
        assert pick.positions == plain_greedy(matrix, num_picks) == lazy_greedy(matrix, num_picks)
        total = importance(matrix).sum()
        assert np.cumsum(pick.gains) == pytest.approx([covered(matrix, pick.positions[: i + 1]) for i in range(len(pick))])
        if total:
            assert np.array(pick.coverage) * total == pytest.approx(np.cumsum(pick.gains))

    def test_equal_sums_of_other_parts_are_equal(self):
        # A third of all importance, in one feature or in two: each is rounded on its own.
        matrix = np.array([[0.0, 0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0, 0.0], [0.0, 0.25, 0.0, 0.25, 0.0]])
        assert submodular_pick(explained(matrix), 3).positions == (0, 1, 2)

    @pytest.mark.parametrize("seed", range(5))
    def test_larger_ones(self, seed):
        draw = np.random.default_rng(seed)
        matrix = draw.normal(size=(120, 80)) * (draw.random((120, 80)) < 0.08)
        positions = explained(matrix).pick(40).positions
        assert positions == plain_greedy(matrix, 40) == lazy_greedy(matrix, 40)

    @settings(max_examples=60)
    @given(matrices(7, 6), st.integers(1, 3))
    def test_near_the_best_choice(self, matrix, num_picks):
        best = max(covered(matrix, picks) for picks in combinations(range(len(matrix)), min(num_picks, len(matrix))))
        found = covered(matrix, submodular_pick(explained(matrix), num_picks).positions)
        assert (1 - np.exp(-1)) * best - 1e-9 <= found <= best + 1e-9

    def test_small_one_by_hand(self):
        # The second column weighs most. The first row and the fourth add as much; with the last one all but one is covered.
        matrix = np.array([[0, 1, 1, 0, 0], [0, 1, 1, 0, 0], [1, 1, 0, 0, 0], [0, 1, 0, 0, 1], [0, 0, 0, 1, 1]])
        assert explained(matrix).pick(2).positions == (0, 4)

    @pytest.mark.parametrize("seed", range(10))
    def test_lime_s_picks(self, seed):
        draw = np.random.default_rng(seed)
        matrix = draw.normal(size=(40, 30)) * (draw.random((40, 30)) < 0.15)
        collection = explained(matrix)

        class Explainer:
            def explain_instance(self, number, *_, **__):
                as_list = collection[number].as_list
                return SimpleNamespace(mode="classification", available_labels=lambda: [1], as_list=as_list)

        # Of those that add as much lime takes the last, so it gets them the other way round.
        theirs = SubmodularPick(Explainer(), range(40)[::-1], None, method="full", num_exps_desired=40)
        assert list(collection.pick(40).positions) == [39 - place for place in theirs.V]

    def test_gains_only_fall(self):
        draw = np.random.default_rng(0)
        pick = explained(draw.normal(size=(50, 30)) * (draw.random((50, 30)) < 0.2)).pick(50)
        assert list(pick.gains) == sorted(pick.gains, reverse=True)
        assert pick.coverage[-1] == 1.0
        assert len(pick) == len(set(pick.positions)) == 50


class TestWhatIsPicked:
    MATRIX = np.array([[0, 0, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]])

    def test_the_rest_in_order_when_all_is_covered(self):
        pick = explained(self.MATRIX).pick(9)
        assert pick.positions == (1, 0, 2, 3)
        assert pick.gains[2:] == (0.0, 0.0)
        assert pick.coverage[1:] == (1.0, 1.0, 1.0)
        assert pick.reasons[2:] == ((), ())

    def test_reasons(self):
        pick = explained([[3, 1, 0], [0, 1, 0.25], [0, 0, 0.25]]).pick(2)
        assert pick.positions == (0, 1)
        first, second = pick.reasons
        assert first == (("feature 0", pytest.approx(3**0.5)), ("feature 1", pytest.approx(2**0.5)))
        assert second == (("feature 2", pytest.approx(0.5**0.5)),)
        assert pick.gains == pytest.approx([sum(weight for _, weight in own) for own in pick.reasons])

    def test_the_picks_themselves(self):
        collection = explained(self.MATRIX)
        pick = collection[::-1].pick(2)
        assert pick.positions == (2, 3)
        assert pick.explanations.items.tolist() == [1, 0]
        assert list(pick.explanations) == [collection[1], collection[0]]

    def test_failures_are_not_picked(self):
        collection = explained([[np.nan] * 3, [1, 0, 0], [np.nan] * 3, [0, 1, 0]])
        assert collection.pick(9).positions == (1, 3)
        assert sorted(random_pick(collection, 9).positions) == [1, 3]

    def test_rounding_covers_nothing(self):
        collection = explained([[1.0, 1e-13, 0], [0, 1.0, 0], [0, 0, 1e-9]])
        pick = collection.pick(3)
        assert pick.reasons[0] == (("feature 0", 1.0),)
        assert {feature for own in pick.reasons for feature, _ in own} == {"feature 0", "feature 1", "feature 2"}

    @pytest.mark.parametrize("weight", [np.nan, np.inf, -np.inf])
    def test_what_is_not_finite_covers_nothing(self, weight):
        matrix = np.array([[weight, 0, 1], [weight, 1, 0], [1, 1, 0], [0, 0, weight]])
        pick, plain = explained(matrix).pick(4), explained(np.where(np.isfinite(matrix), matrix, 0)).pick(4)
        assert (pick.positions, pick.coverage, pick.reasons) == (plain.positions, plain.coverage, plain.reasons)

    def test_nothing_reported_anywhere(self):
        pick = explained(np.zeros((3, 2))).pick(2)
        assert pick.positions == (0, 1)
        assert pick.coverage == (1.0, 1.0)

    def test_from_a_list(self):
        entries = [text(weights={1: (0.1,) * count}) for count in (1, 3, 2)]
        assert submodular_pick(entries, 1).positions == submodular_pick(iter(entries), 1).positions == (1,)

    def test_names_or_columns(self):
        bins = [table(("age", "sex"), values, weights={1: (0.5, 0.25)}) for values in (("20", "f"), ("30", "f"), ("40", "m"))]
        by_name, by_feature = submodular_pick(bins, 3), submodular_pick(bins, 3, by="feature")
        assert by_feature.gains[1:] == (0.0, 0.0)
        assert [name for name, _ in by_feature.reasons[0]] == ["age", "sex"]
        assert by_name.positions == (0, 2, 1)
        assert all(by_name.gains)

    def test_features_of_very_many_components(self):
        columns = ["note"] * 300
        collection = Explanations.of([table(columns, weights={1: (0.5,) * 300}), table(["age"], weights={1: (0.1,)})])
        assert collection.pick(2, by="feature").reasons == (
            (("note", pytest.approx(150**0.5)),),
            (("age", pytest.approx(0.1**0.5)),),
        )

    def test_labels(self):
        classes = ("u", "v", "w")
        entries = [
            table(weights={0: (0.5,), 1: (0.1, 0.1, 0.1)}, classes=classes),
            table(weights={1: (0.1,)}, classes=classes),
            table(weights={2: (0.1, 0.2), 0: (0.1,)}, classes=classes),
        ]
        assert submodular_pick(entries, 3).positions == (2, 0, 1)
        assert submodular_pick(entries, 3, label=1).positions == submodular_pick(entries, 3, label="v").positions == (0, 1)
        assert submodular_pick(entries, 3, label="u").positions == (0, 2)
        assert submodular_pick(entries, 3, label="all").positions == (0, 1, 2)

    def test_words_across_documents(self):
        def model(texts):
            return [("good" in text) - ("bad" in text) + 0.2 * ("long" in text) for text in texts]

        documents = ["it was good", "good good good", "it was bad and long", "was it long"]
        explainer = TextExplainer()
        collection = Explanations.of(explainer.explain_instance(document, model, num_features=2) for document in documents)
        pick = collection.pick(2)
        assert pick.positions == (2, 0)
        assert [own[0][0] for own in pick.reasons] == ["bad", "good"]

    def test_from_files(self, tmp_path):
        draw = np.random.default_rng(0)
        collection = explained(draw.normal(size=(60, 20)) * (draw.random((60, 20)) < 0.2))
        for i in range(0, 60, 25):
            collection[i : i + 25].save(tmp_path / f"part-{i:02}.parquet")
        assert Explanations.load(tmp_path).pick(9) == collection.pick(9)
        assert list(Explanations.load(tmp_path).pick(9).explanations) == list(collection.pick(9).explanations)


class TestCandidates:
    @pytest.fixture
    def matrix(self):
        draw = np.random.default_rng(0)
        return draw.normal(size=(60, 20)) * (draw.random((60, 20)) < 0.2)

    @pytest.fixture
    def collection(self, matrix):
        return explained(matrix)

    def test_picks_of_the_candidates_alone(self, matrix, collection):
        drawn = sorted(collection.pick(10, candidates=10).positions)
        assert len(set(drawn)) == 10
        few = collection.pick(4, candidates=10)
        assert set(few.positions) <= set(drawn)
        # By the importance in all of them, not by that in the candidates.
        best = max(drawn, key=lambda i: covered(matrix, [i]))
        assert few.positions[0] == best
        assert few.coverage[0] == pytest.approx(covered(matrix, [best]) / importance(matrix).sum())

    def test_repeatable(self, collection):
        again = [collection.pick(5, candidates=9, random_state=seed) for seed in (0, 0, 1)]
        assert again[0] == again[1] == collection.pick(5, candidates=9)
        assert again[0] != again[2]
        assert collection.pick(5, candidates=9, random_state=None) is not None

    def test_more_than_there_are(self, collection):
        assert collection.pick(5, candidates=60) == collection.pick(5, candidates=1000) == collection.pick(5)


class TestRandom:
    def test_covers_less(self):
        draw = np.random.default_rng(0)
        matrix = draw.normal(size=(200, 60)) * (draw.random((200, 60)) < 0.1)
        collection = explained(matrix)
        best = collection.pick(8)
        for seed in range(20):
            pick = random_pick(collection, 8, random_state=seed)
            assert pick.coverage[-1] < best.coverage[-1]
            assert pick.coverage[-1] == pytest.approx(covered(matrix, pick.positions) / importance(matrix).sum())

    def test_repeatable_and_nested(self):
        collection = explained(np.eye(9))
        pick = random_pick(collection, 9)
        assert sorted(pick.positions) == list(range(9))
        assert random_pick(collection, 4).positions == pick.positions[:4]
        assert random_pick(collection, 9, random_state=1) != pick

    def test_every_one_as_often(self):
        collection = explained(np.eye(4))
        counts = np.bincount([random_pick(collection, 1, random_state=seed).positions[0] for seed in range(400)], minlength=4)
        assert counts.min() > 70  # 100 expected, a standard deviation of 8.7


class TestMistakes:
    @pytest.mark.parametrize("pick", [submodular_pick, random_pick])
    def test_arguments(self, pick):
        collection = explained(np.eye(3))
        with pytest.raises(ArgumentError, match="num_picks must be an integer of at least 1; got 0"):
            pick(collection, 0)
        with pytest.raises(ArgumentTypeError, match=r"num_picks must be an integer of at least 1; got 2\.0"):
            pick(collection, 2.0)
        with pytest.raises(LabelError, match="label 'ham' was not explained for any instance"):
            pick(collection, label="ham")
        with pytest.raises(ArgumentError, match="by must be one of 'feature', 'name'; got 'bin'"):
            pick(collection, by="bin")
        with pytest.raises(ArgumentTypeError, match="entries must be an iterable of explanations or failures"):
            pick(None)
        for empty in ([], [FAILURE]):
            with pytest.raises(LabelError, match="there is no explanation, so no label was explained"):
                pick(empty)

    def test_candidates(self):
        collection = explained(np.eye(3))
        with pytest.raises(ArgumentError, match="candidates must be an integer of at least 1; got 0"):
            collection.pick(candidates=0)
        with pytest.raises(ArgumentError, match="random_state must be at least 0; got -1"):
            collection.pick(candidates=2, random_state=-1)


def test_repr():
    pick = explained([[1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 1]]).pick(3)
    assert repr(pick).splitlines() == [
        "Pick of 3 explanations",
        "position  covered  new",
        "       0    78.0%  'feature 0' 1, 'feature 1' 1, 'feature 2' 1, 'feature 3' 1 and 1 more",
        "       1   100.0%  'feature 5' 1.41",
        "       2   100.0%  nothing",
    ]
    hostile = repr(submodular_pick([table(("\x1b[31m", "b"), ("\u202e", "x"), {1: (0.2, 0.1)})], 1))
    assert "\x1b" not in hostile
    assert "\u202e" not in hostile
