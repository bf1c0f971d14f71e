"""What a model was asked about: each input once, and a few of them again, to see whether the answers belong to them."""

from collections import Counter
from collections.abc import Hashable, Sequence

__all__ = ["assert_asked_once", "assert_asked_total"]


def assert_asked_once(asked: Sequence[Hashable], num_inputs: int) -> None:
    """Fail unless the model was asked about as many distinct inputs, and about a few of them again."""
    assert len(Counter(asked)) == num_inputs
    assert_asked_total(len(asked), num_inputs)


def assert_asked_total(total: int, num_inputs: int) -> None:
    """Fail unless the model was asked about so many inputs, and a few more."""
    assert 0 <= total - num_inputs <= min(16, 3 + num_inputs // 32)
