"""What a reader should know about an explanation, by how much it matters."""

from collections.abc import Iterable
from dataclasses import dataclass

from limelight._checks import check_choice

__all__ = ["LEVELS", "Notice"]

LEVELS = ("alert", "caution", "information")


@dataclass(frozen=True)
class Notice:
    """Something a reader should know before trusting an explanation.

    Attributes
    ----------
    code : str
        What kind of notice it is; a code keeps its meaning in later versions.
    message : str
        A sentence or two, with this explanation's numbers.
    level : {"alert", "caution", "information"}, default "caution"
        How much it matters. An alert: the answer may be wrong, or mean something else than it seems to. A caution: the answer
        is less precise or less local than hoped for. Information: what was assumed or done.

    Raises
    ------
    ArgumentError
        If the level is another one.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: [1.0 for text in texts])
    >>> [(notice.level, notice.code) for notice in explanation.notices]
    [('caution', 'constant_output')]
    """

    code: str
    message: str
    level: str = "caution"

    def __post_init__(self) -> None:
        check_choice("level of a notice", self.level, LEVELS)

    @staticmethod
    def in_reading_order(notices: Iterable["Notice"]) -> tuple["Notice", ...]:
        """Sort notices by level: alerts, cautions, information. Within a level they keep their order, and none comes twice."""
        return tuple(sorted(dict.fromkeys(notices), key=lambda notice: LEVELS.index(notice.level)))


Notice.__module__ = "limelight"  # where users import it from
