"""How much is explained: a part in some minutes, or the paper's whole protocol."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FULL", "QUICK", "Plan"]


@dataclass(frozen=True)
class Plan:
    """Sizes of the experiments.

    Attributes
    ----------
    seed : int
        What every random number is made from.
    num_samples : int or None
        How many perturbations lime and limelight use for an explanation; None for their own defaults.
    documents : int
        How many test texts are explained for faithfulness and trust.
    rounds : int
        How many times words are drawn that are not to be trusted.
    trees : int
        How many trees the forest of word vectors has.
    pairs : int
        How many pairs of classifiers are chosen between.
    pool : int
        How many texts are explained, and picked from, for each of them.
    with_lime : bool
        Whether lime explains the pairs of classifiers, too, which takes most of the time.
    users : int
        How many simulated users a model is shown to in each round, each with a model of their own.
    """

    seed: int = 0
    num_samples: int | None = None
    documents: int = 40
    rounds: int = 100
    trees: int = 200
    pairs: int = 15
    pool: int = 100
    with_lime: bool = False
    users: int = 10


# More than there are.
EVERYTHING = 10**9

QUICK = Plan()
# The paper's sizes; it had no simulated users.
FULL = Plan(documents=EVERYTHING, trees=1000, pairs=800, pool=EVERYTHING, with_lime=True, users=50)
