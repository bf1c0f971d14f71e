"""Where a text can be cut so that a scikit-learn vectorizer finds in the parts what it finds in the whole."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["find_boundaries"]

# Only ASCII: other characters can vanish, or become others, where accents are stripped.
_BLANKS = " \t\n\r\f\v"
_SIGNS = "".join(sign for sign in map(chr, range(128)) if not re.match(r"\w", sign))

# What a pattern may be made of. Not: anchors, lookaround, references, flags within it; these see beyond a match.
_PATTERN_PART = re.compile(
    r"""
    (?P<edge> \\b )
    | (?P<quantifier> (?: [*+?] | \{\d+(?:,\d*)?\} | \{,\d+\} ) [?+]? )
    | (?P<structure> \(\?: | \((?!\?) | \) | \| )
    | (?P<atom>
        \\[wWdDsStnrfv]
        | \\[^0-9A-Za-z]
        | \[ \^? (?: \\. | [^\[\]\\] )+ \]
        | [^\\.^$*+?{}\[\]|()]
        | \.
    )
    """,
    flags=re.VERBOSE | re.DOTALL,
)
_FLAGS = re.compile(r"(\(\?[aiu]+\))?")


def find_boundaries(vectorizer: Any, text: str) -> str:
    """The characters before and behind which a count or hashing vectorizer finds its terms independently.

    Whatever texts A and B are: if A ends or B begins with one of these, the tokens of A + B are those of A and those of B.

    Parameters
    ----------
    vectorizer : CountVectorizer, TfidfVectorizer or HashingVectorizer
        Not of a derived class.
    text : str
        Has all characters that a perturbed text can have.

    Returns
    -------
    boundaries : str
        Empty where it is not known that there are any.
    """
    if vectorizer.input != "content" or vectorizer.preprocessor is not None or callable(vectorizer.strip_accents):
        return ""
    # The lowercase form of sigma depends on whether letters follow, even across punctuation.
    is_blank_needed = vectorizer.lowercase and "\N{GREEK CAPITAL LETTER SIGMA}" in text
    if vectorizer.analyzer == "char_wb":
        return _BLANKS
    if vectorizer.analyzer != "word" or vectorizer.tokenizer is not None or not isinstance(vectorizer.token_pattern, str):
        return ""
    return _find_outsiders(vectorizer.token_pattern, _BLANKS if is_blank_needed else _SIGNS)


def _find_outsiders(pattern: str, candidates: str) -> str:
    r"""Those of some characters, none of them part of a word, that no match of a regular expression can touch.

    A match is made of characters that the pattern's atoms match. The only thing around it that matters is whether there is a
    part of a word (\b): at the end of a text, and next to one of the candidates, there is none.
    """
    flags = _FLAGS.match(pattern)
    assert flags is not None
    position = flags.end()
    atoms, without_edges = [], [flags.group()]
    while position < len(pattern):
        part = _PATTERN_PART.match(pattern, position)
        if part is None:
            return ""
        position = part.end()
        if part["edge"] is None:
            without_edges.append(part.group())
        if part["atom"] is not None:
            atoms.append(flags.group() + part.group())
    # Matches of nothing lie between all characters, so that a cut adds one. An edge only takes matches away.
    try:
        can_be_empty = re.match("".join(without_edges), "") is not None
        return "" if can_be_empty else "".join(sign for sign in candidates if not any(re.match(atom, sign) for atom in atoms))
    except re.error:
        return ""
