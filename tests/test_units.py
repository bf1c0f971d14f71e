"""What the components of a text are: words of any script, graphemes, sentences, tokens, spans of a user's function."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight import TextExplainer
from limelight.exceptions import InstanceError

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
SHAKING = "\U0001f642\u200d\u2194\ufe0f"
FLAG = "\U0001f1ee\U0001f1f3"
THUMB = "\U0001f44d\U0001f3fd"

# Alphabets of what belongs together: scripts with marks, emoji, flags, Hangul, prepended signs, halfwidth kana, controls.
ALPHABETS = [
    "ab .\u0301\u0308\u200d\u200c\n\r",
    "\u0915\u094d\u0937\u093f\u0902 \u0964\u200d",
    "\u0e19\u0e49\u0e33\u0e40\u0e01 \u0eb3\u0e81",
    "\u0628\u064e\u0644\u0651\u200c \u0600\u06dd1",
    "\U0001f468\U0001f469\u200d\ufe0f\U0001f3fd\u2764\u2139a1\u20e3 \u2194",
    "\U0001f1ee\U0001f1f3\U0001f1e9a \u0301\u0600",
    "\u1100\u1161\u11a8\uac00 \u3042\uff76\uff9e!",
    "\u65e5\u672c\u3059\u3099\u309a\u30ab\u3002\u3000",
    "\u0d4ea! \u0600\u06dd\U0001f1ee\U0001f1f3\U0001f468\u0301",
    "\U000e0067\U000e007f\U0001f3f4a \ufe0f\u0085",
]
any_text = st.one_of(
    st.text(st.characters(exclude_categories=("Cn",)), max_size=40), *(st.text(alphabet, max_size=25) for alphabet in ALPHABETS)
)


def parts_of(text, **options):
    return TextExplainer(**options).components(text)


def pieces_of(text, **options):
    return [text[span.start : span.stop] for span in parts_of(text, **options).view.spans]


@settings(max_examples=300)
@given(text=any_text, options=st.sampled_from([{}, {"signs": True}, {"unit": "grapheme"}, {"unit": "sentence"}]))
def test_no_component_begins_or_ends_inside_a_grapheme(text, options):
    regex = pytest.importorskip("regex")
    try:
        parts = parts_of(text, **options)
    except InstanceError:
        return
    edges = {0, *(match.end() for match in regex.finditer(r"\X", text))}
    assert {edge for span in parts.view.spans for edge in span[:2]} <= edges
    assert parts.realise(np.ones((1, len(parts.names)), dtype=np.uint8)) == [text]
