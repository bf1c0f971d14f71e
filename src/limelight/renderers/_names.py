"""Names as every renderer shows them: visible, on one line, distinct to the eye, and cut where they do not differ."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from limelight.renderers._cells import count_cells, escape_directions, fit, make_visible, take, take_end

__all__ = ["drop_isolates", "shorten_names", "show_names"]

_OPEN, _CLOSE = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
_LEFT_TO_RIGHT = "\N{LEFT-TO-RIGHT MARK}"
_DIRECTIONS = dict.fromkeys(map(ord, (_OPEN, _CLOSE, _LEFT_TO_RIGHT)))
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_SPACE = "\N{OPEN BOX}"  # stands for a space that would not be seen

# What stands between the column, the bounds and the values in a component's name. The bounds are what is cut first.
_OPERATORS = re.compile(r"( <= | < | > |=|, |: | is missing$| \[[\d, ]+\]$)")
_COMPARISONS = (" <= ", " < ", " > ", "=", " is missing")
_BOUNDED = re.compile(r"(?:(?P<low>[^<>=]+)(?P<over> < ))?(?P<column>.+?)(?:(?P<under> <= | > )(?P<high>[^<>=]+))?")

_LEAST_BOUND_CELLS = 8  # enough for the day of a time, and for a number of two digits with an exponent
_MOST_WORD_LETTERS = 12  # that a cut moves back, so that it does not go through a word
_MOST_DIGITS = 6


def show_names(names: Sequence[str], numbers: Sequence[int] | None = None) -> list[str]:
    r"""Write names so that none is like another to the eye.

    Parameters
    ----------
    names : sequence of str
        Names of components, features or outputs, as they are recorded.
    numbers : sequence of int, optional
        What tells apart names that are the same; by default their places.

    Returns
    -------
    shown : list of str
        One for each name. What tells apart names that would look the same is written as escapes, and spaces as open boxes; so
        is what turns the direction of writing.
        Right-to-left writing beside a bound or a value is in Unicode's isolates, so that all stay where they are.

    Examples
    --------
    >>> from limelight.renderers._names import show_names
    >>> show_names(["a", "a ", "caf\u00e9", "cafe\u0301", "\n"])
    ['a', 'a␣', 'café', 'cafe\\u0301', '\\n']
    """
    looks = {name: _reduce_to_looks(name) for name in names}
    counts = Counter(looks.values())
    shown = [_spell_out(name) if counts[looks[name]] > 1 or not looks[name] else escape_directions(name) for name in names]
    return [_isolate_parts(name) for name in _number_twins(shown, numbers or range(len(names)))]


def shorten_names(names: Iterable[str], cells: int) -> dict[str, str]:
    """Cut names that are too wide, each in its middle, or where it differs from the others that would look the same.

    Parameters
    ----------
    names : iterable of str
        Names as `show_names` writes them.
    cells : int
        The width in cells of a terminal.

    Returns
    -------
    short : dict of str to str
        The short form of each name, without control characters; no two are the same. Bounds are cut before the column's name
        between them. Right-to-left writing is in Unicode's isolates.

    Examples
    --------
    >>> from limelight.renderers._names import shorten_names
    >>> names = ["share of incomes below the median in 2019", "share of incomes above the median in 2019"]
    >>> list(shorten_names(names, 24).values())
    ['share of…below…n in 2019', 'share of…above…n in 2019']
    """
    plain = {name: make_visible(_remove_isolates(name)) for name in names}
    columns = list(dict.fromkeys(map(_find_column, plain.values())))
    short = {name: _cut(text, cells, columns) for name, text in plain.items()}
    for twins in _find_twins(short):
        short |= zip(twins, _cut_apart([plain[name] for name in twins], cells), strict=True)
    for twins in _find_twins(short):
        for number, name in enumerate(twins, 1):
            end = f" ({number})"
            short[name] = fit(plain[name], cells - len(end)) + end
    return {name: _isolate(text) for name, text in short.items()}


def drop_isolates(name: str) -> str:
    """The name without Unicode's isolates, for what does not know of them."""
    return name.translate(_DIRECTIONS)


def _remove_isolates(name: str) -> str:
    """The name without the isolates that `show_names` added; a name with others of its own stays as it is."""
    plain = drop_isolates(name)
    return plain if _isolate_parts(plain) == name else name


def _number_twins(names: Sequence[str], numbers: Sequence[int]) -> Sequence[str]:
    while len(counts := Counter(names)) < len(names):  # a name may already be what another one becomes
        names = [f"{name} [{number}]" if counts[name] > 1 else name for name, number in zip(names, numbers, strict=True)]
    return names


def _reduce_to_looks(name: str) -> str:
    """The same text for all names that look the same; an empty one for names that cannot be seen."""
    if not name.isascii():
        letters = unicodedata.normalize("NFC", name)
        name = "".join(letter for letter in letters if unicodedata.category(letter) != "Cf")
    return " ".join(name.split())


def _spell_out(name: str) -> str:
    """The name with an escape for every character that may look like another, and a sign for each space that may be lost."""
    if not name:
        return '""'
    spaced = re.sub(r"^ +| +$| {2,}", lambda match: _SPACE * len(match[0]), name.replace(_SPACE, r"\u2423"))
    return "".join(_escape(letter) if _is_ambiguous(letter) else letter for letter in spaced)


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def _is_ambiguous(letter: str) -> bool:
    """Whether a character is a mark, cannot be seen, or has another form that looks the same."""
    category = unicodedata.category(letter)
    return category[0] in "CM" or (category[0] == "Z" and letter != " ") or unicodedata.normalize("NFC", letter) != letter


def _isolate(name: str) -> str:
    """The name with right-to-left writing isolated from what stands around it."""
    if not _runs_backwards(name) or any(sign in name for sign in _COMPARISONS):
        return _isolate_parts(name)
    text, bracket, position = name.rpartition(" [")
    if bracket and position.endswith("]"):
        return f"{_OPEN}{text}{_CLOSE}{bracket}{position}"
    return f"{_OPEN}{name}{_CLOSE}"


def _isolate_parts(name: str) -> str:
    """The name with its right-to-left parts isolated from bounds and values, if it has any."""
    if not (_runs_backwards(name) and any(sign in name for sign in _COMPARISONS)):
        return name
    parts = (f"{_OPEN}{part}{_CLOSE}" if _runs_backwards(part) else part for part in _OPERATORS.split(name))
    return _LEFT_TO_RIGHT + "".join(parts)


def _runs_backwards(text: str) -> bool:
    return not text.isascii() and any(unicodedata.bidirectional(letter) in ("R", "AL", "AN") for letter in text)


def _find_twins(short: dict[str, str]) -> list[list[str]]:
    """The names whose short forms are the same."""
    by_form = defaultdict(list)
    for name, form in short.items():
        by_form[form].append(name)
    return [names for names in by_form.values() if len(names) > 1]


def _find_column(name: str) -> str:
    """The part of a name that stands between bounds, or the whole name."""
    parts = _BOUNDED.fullmatch(name)
    return name if parts is None else parts["column"]


def _cut(name: str, cells: int, columns: Sequence[str]) -> str:
    """The name in at most this many cells: bounds give way first, then what the column's name shares with the others."""
    if fit(name, cells) == name:
        return name
    parts = _BOUNDED.fullmatch(name)
    if parts is None or not (parts["over"] or parts["under"]):
        return _cut_column(name, cells, columns)
    low, over, column, under, high = (part or "" for part in parts.group("low", "over", "column", "under", "high"))
    bounds = [bound for bound in (low, high) if bound]
    room = (cells - count_cells(over + column + under)) // len(bounds)
    short = _shorten_bounds(bounds, max(room, _LEAST_BOUND_CELLS))
    before, after = short.get(low, "") + over, under + short.get(high, "")
    room = cells - count_cells(before + after)
    if room < min(count_cells(column), _LEAST_BOUND_CELLS):  # so little room that the parts cannot be told apart
        return fit(name, cells)
    return f"{before}{_cut_column(column, room, columns)}{after}"


def _cut_column(column: str, cells: int, columns: Sequence[str]) -> str:
    """A column's name cut in its middle, or where it differs from the columns that the same cut would leave no different."""
    short = fit(column, cells)
    if short == column:
        return column
    head = _count_common([short, column])
    tail = len(short) - head - 1
    rivals = [other for other in columns if other.startswith(column[:head]) and other.endswith(column[len(column) - tail :])]
    return short if rivals == [column] else _Difference(rivals).cut(column, cells)


def _shorten_bounds(bounds: Sequence[str], cells: int) -> dict[str, str]:
    """The short form of each bound; that of a time begins where the times differ, if they are of one year."""
    short = {bound: _shorten_bound(bound, cells) for bound in bounds}
    if len(set(short.values())) == len(short):
        return short
    if all(map(_is_number, bounds)):
        forms = [_ELLIPSIS + take_end(bound, cells - 1) for bound in bounds]
    else:
        start = _move_to_word(bounds[0], _count_common(bounds))
        forms = [_ELLIPSIS + take(bound[start:], cells - 2) + _ELLIPSIS for bound in bounds]
    return dict(zip(bounds, forms if len(set(forms)) == len(short) else _cut_apart(bounds, cells), strict=True))


def _shorten_bound(bound: str, cells: int) -> str:
    """A number with fewer digits, or the beginning of a time."""
    if count_cells(bound) <= cells:
        return bound
    if not _is_number(bound):
        return take(bound, cells - 1).rstrip() + _ELLIPSIS
    forms = (f"{float(bound):.{digits}g}" for digits in range(_MOST_DIGITS, 0, -1))
    return next((form for form in forms if len(form) <= cells), f"{float(bound):.0g}")


def _is_number(bound: str) -> bool:
    try:
        float(bound)
    except ValueError:
        return False
    return True


def _cut_apart(names: Sequence[str], cells: int) -> list[str]:
    """Cut names so that the difference between them stays."""
    difference = _Difference(names)
    return [difference.cut(name, cells) for name in names]


class _Difference:
    """What distinguishes some texts: all that is not at the beginning or at the end of every one of them."""

    def __init__(self, texts: Sequence[str]) -> None:
        start = _count_common(texts)
        rest = [text[start:][::-1] for text in texts]
        self._end = _move_to_word(rest[0], _count_common(rest))
        self._start = _move_to_word(texts[0], start)

    def cut(self, text: str, cells: int) -> str:
        """The text in at most this many cells, with as much as possible of what distinguishes it."""
        if count_cells(text) <= cells:
            return text
        stop = len(text) - self._end
        head, middle, tail = text[: self._start], text[self._start : stop], text[stop:]
        middle = fit(middle, max(1, cells - (head != "") - (tail != "")))
        room = cells - count_cells(middle)
        # Half of the room is the beginning's, or what the end leaves.
        head_room = max(room // 2, room - count_cells(tail))
        short_head = head if count_cells(head) <= head_room else take(head, head_room - 1).rstrip() + _ELLIPSIS
        tail_room = room - count_cells(short_head)
        short_tail = tail if count_cells(tail) <= tail_room else _ELLIPSIS + take_end(tail, tail_room - 1).lstrip()
        return short_head + middle + short_tail


def _count_common(texts: Sequence[str]) -> int:
    """How many characters at the beginning are the same in all texts."""
    shortest = min(map(len, texts))
    return next((i for i in range(shortest) if len({text[i] for text in texts}) > 1), shortest)


def _move_to_word(text: str, place: int) -> int:
    """A place before this one at which a word begins, if there is one nearby."""
    for i in range(place, max(0, place - _MOST_WORD_LETTERS), -1):
        if not (text[i - 1].isalnum() or unicodedata.category(text[i - 1])[0] == "M"):
            return i
    return place if place > _MOST_WORD_LETTERS else 0
