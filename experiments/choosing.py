"""Section 5.4: do explanations tell which of two models generalises better?

Ten made-up words go with class 1 in the training and validation texts, and with no class in the test texts. Two forests are
equally good on the validation texts, one is better on the test texts. A simulated user sees some explanations of validation
predictions of each, and notices the made-up words that are listed there. A prediction is mistrusted if its explanation changes
sides without the words noticed; where explanations have no weights, if it lists one of them. The user chooses the model with
fewer mistrusted predictions. A tie counts one half.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.ensemble import RandomForestClassifier

from experiments._data import Reviews
from experiments._explanations import Explainer, Listed, Question, Weighed, ask_limelight, by_lime, read
from experiments._picks import pick_for_coverage
from experiments._plan import Plan
from experiments._planting import Planted, columns_of, plant
from experiments._tables import Check, Drawn, Row, Table, estimate
from experiments.baselines import by_leaving_one_out, by_removing_until_it_flips
from experiments.trust import should_trust

__all__ = ["SEEN", "Contest", "choose", "find_pair", "mistrusted", "tables"]

PLANTED = [Planted(f"FAKE{i}FAKE", in_training=(0.1, 0.2), in_test=(0.1, 0.1)) for i in range(10)]
VALIDATION = 0.2
# Forests that are tried until two differ on the test and not in validation.
TRIES = 400
SAME, DIFFERENT = 0.001, 0.05
# Numbers of instances that the user sees.
SEEN = (1, 5, 10, 15, 20, 25, 30)
OVERALL = "on average"
RANDOM_PICKS = 10
OWN = "limelight"
# Not an explanation: the user counts the predictions that are others without the made-up words.
CEILING = "true flips"


@dataclass(frozen=True)
class Contest:
    """Two models of the same reviews to choose between; the first one is better on the test texts."""

    reviews: Reviews
    better: RandomForestClassifier
    worse: RandomForestClassifier
    validation: np.ndarray


def tables(reviews: Reviews, plan: Plan) -> Iterator[Table]:
    """How often each explainer and way to pick lets the user choose the better model."""
    outcomes: dict[str, list[np.ndarray]] = {}
    gaps = []
    skipped = 0
    for number in range(plan.pairs):
        rng = np.random.default_rng((plan.seed, 3, number))
        contest = find_pair(plant(reviews, PLANTED, rng), rng)
        if contest is None:
            skipped += 1
            continue
        gaps.append(contest.better.score(contest.reviews.test_rows, reviews.test_classes))
        gaps[-1] -= contest.worse.score(contest.reviews.test_rows, reviews.test_classes)
        for name, chosen in _outcomes(contest, plan, rng).items():
            outcomes.setdefault(name, []).append(chosen)
    title = "Choosing the better of two models (5.4): % correct, by the number of instances seen"
    if not outcomes:
        note = f"No two of {TRIES} forests were as good in validation and {100 * DIFFERENT:.0f} points apart on the test texts."
        yield Table(title, [Row("nothing was compared", {})], [note])
        return
    seen = [count for count in SEEN if count <= _pool_size(reviews, plan)]
    rows = [
        Row(name, {str(count): estimate(column) for count, column in zip(seen, np.array(chosen).T, strict=True)})
        for name, chosen in outcomes.items()
    ]
    picked, random = (np.array(outcomes[f"{pick} {OWN}"]) for pick in ("SP", "RP"))
    difference = picked - random
    differences = dict(zip(map(str, seen), map(estimate, difference.T), strict=True)) | {
        OVERALL: estimate(difference.mean(axis=1))
    }
    yield Table(
        title,
        rows,
        (
            f"{len(gaps)} pairs of forests ({skipped} not found), {100 * np.mean(gaps):.1f} points apart on the test texts on "
            f"average, each explained on {_pool_size(reviews, plan)} validation texts. SP: picked for coverage; RP: at random, "
            f"the mean of {RANDOM_PICKS} picks. Errors are over pairs.",
            "True flips: the user counts the predictions of all validation texts that are others without the made-up words, "
            "and needs no explanation. A count from explanations can hardly tell more.",
            "The paper has curves and no figures: from the best, SP-LIME, RP-LIME, SP-greedy, RP-greedy, over 800 pairs.",
        ),
        figure=Drawn("choosing", "instances seen", "% correct choices", has_bars=False),
    )
    yield Table(
        "The same (5.4): how much more often picks for coverage (SP) are correct than random ones (RP)",
        [Row(OWN, differences)],
        checks=[Check(f"{OWN}, SP minus RP over the whole curve", differences[OVERALL], 0.0)],
    )


def find_pair(reviews: Reviews, rng: np.random.Generator) -> Contest | None:
    """Fit forests until two of them are equally good on validation texts, and one is better on the test texts.

    The paper's program fits two new ones at each try; here each one is compared with all before it.
    """
    order = rng.permutation(len(reviews.train))
    validation, train = np.split(order, [round(VALIDATION * len(order))])
    fitted: list[tuple[RandomForestClassifier, float, float]] = []
    for _ in range(TRIES):
        forest = RandomForestClassifier(30, max_depth=5, random_state=int(rng.integers(2**31)))
        forest.fit(reviews.train_rows[train], reviews.train_classes[train])
        before = float(forest.score(reviews.train_rows[validation], reviews.train_classes[validation]))
        after = float(forest.score(reviews.test_rows, reviews.test_classes))
        for other, others_before, others_after in fitted:
            if abs(before - others_before) <= SAME and abs(after - others_after) >= DIFFERENT:
                better, worse = (forest, other) if after > others_after else (other, forest)
                return Contest(reviews, better, worse, np.sort(validation))
        fitted.append((forest, before, after))
    return None


def mistrusted(listed: Sequence[Listed], noticed: np.ndarray) -> int:
    """How many predictions the user mistrusts who has noticed these words, of a flag for every column."""
    return sum(
        (one.without(noticed) > 0.5) != (one.total > 0.5) if isinstance(one, Weighed) else one.names(noticed) for one in listed
    )


def choose(
    better: Sequence[Listed], worse: Sequence[Listed], picks: tuple[Iterable[int], Iterable[int]], planted: np.ndarray
) -> float:
    """1 if the user who sees these explanations chooses the better model, 0 if the worse one, one half for a tie."""
    counts = [mistrusted(listed, _noticed(listed, seen, planted)) for listed, seen in zip((better, worse), picks, strict=True)]
    return _compare(*counts)


def _compare(better: int, worse: int) -> float:
    """Whether the better model has fewer mistrusted predictions."""
    return 0.5 if better == worse else float(better < worse)


def _noticed(listed: Sequence[Listed], seen: Iterable[int], planted: np.ndarray) -> np.ndarray:
    flags = np.zeros_like(planted)
    for i in seen:
        flags[listed[i].columns] = True
    noticed: np.ndarray = flags & planted
    return noticed


def _outcomes(contest: Contest, plan: Plan, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What the user chooses with each explainer and pick, after each number of instances."""
    reviews = contest.reviews
    planted = columns_of(PLANTED, reviews)
    with_words = contest.validation[reviews.train_rows[contest.validation].getnnz(axis=1) > 0]
    pool = np.sort(rng.choice(with_words, min(plan.pool, len(with_words)), replace=False))
    rows = reviews.train_rows[pool]
    counts = [count for count in SEEN if count <= _pool_size(reviews, plan)]
    at_random = [rng.permutation(len(pool)) for _ in range(RANDOM_PICKS)]
    outcomes = {CEILING: np.full(len(counts), _choose_by_flips(contest, planted))}
    for name, (better, worse) in _explained(contest, rows, plan).items():
        picked = [better[1], worse[1]]
        sides = (better[0], worse[0])
        outcomes[f"SP {name}"] = np.array([choose(*sides, (picked[0][:n], picked[1][:n]), planted) for n in counts])
        chosen = [[choose(*sides, (order[:n], order[:n]), planted) for n in counts] for order in at_random]
        outcomes[f"RP {name}"] = np.mean(chosen, axis=0)
    return outcomes


def _choose_by_flips(contest: Contest, planted: np.ndarray) -> float:
    """What a user chooses who asks the models themselves: the most that a count of mistrusted predictions can tell."""
    rows = contest.reviews.train_rows[contest.validation]
    better, worse = (int((~should_trust(model, rows, planted)).sum()) for model in (contest.better, contest.worse))
    return _compare(better, worse)


Explained = tuple[Sequence[Listed], Sequence[int]]


def _explained(contest: Contest, rows: csr_matrix, plan: Plan) -> dict[str, tuple[Explained, Explained]]:
    """For each explainer the words listed for the better and for the worse model, and which instances are picked."""
    reviews = contest.reviews
    others: dict[str, Explainer] = {"lime": by_lime} if plan.with_lime else {}
    others |= {"greedy": by_removing_until_it_flips, "leave one out": by_leaving_one_out}
    found: dict[str, list[Explained]] = {}
    for model in (contest.better, contest.worse):
        question = Question(reviews.vectorizer, model, rows, model.predict(rows), plan.num_samples, plan.seed)
        explanations = ask_limelight(question)
        picks = explanations.pick(max(SEEN), label=1).positions
        found.setdefault(OWN, []).append((read(explanations, reviews.vectorizer), picks))
        for name, explain in others.items():
            listed = explain(question)
            found.setdefault(name, []).append((listed, pick_for_coverage(listed, max(SEEN), rows.shape[1])))
    return {name: (better, worse) for name, (better, worse) in found.items()}


def _pool_size(reviews: Reviews, plan: Plan) -> int:
    return min(plan.pool, round(VALIDATION * len(reviews.train)))
