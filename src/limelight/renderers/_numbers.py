"""Numbers as a person reads them."""

from __future__ import annotations

import math

__all__ = ["choose_decimals", "format_fidelity", "format_number", "format_percent", "format_probability"]

_LEAST_WITH_EXPONENT = 999_999_999.5
_MINUS = "\N{MINUS SIGN}"


def format_number(value: float, *, is_signed: bool = False, decimals: int | None = None) -> str:
    """Write a number with three significant digits; up to a thousand million, with all digits before the point.

    Parameters
    ----------
    value : float
        Any number, finite or not.
    is_signed : bool
        Whether a positive number gets its sign too.
    decimals : int, optional
        This many digits after the point instead, for a number below a thousand million.

    Examples
    --------
    >>> from limelight.renderers._numbers import format_number
    >>> format_number(0.15678), format_number(12345.6), format_number(2.5e-07), format_number(0.25, is_signed=True, decimals=2)
    ('0.157', '12346', '2.50e−7', '+0.25')
    """
    if math.isnan(value):
        return "NaN"
    size = abs(value)
    sign = _MINUS if value < 0 else "+" if is_signed and value > 0 else ""
    if math.isinf(value):
        digits = "\N{INFINITY}"
    elif decimals is not None and size < _LEAST_WITH_EXPONENT:
        digits = f"{size:.{decimals}f}"
        # A number that rounds to zero has no sign.
        sign = sign if float(digits) else ""
    elif size == 0:
        digits = "0"
    elif 1e-4 <= size < 999.5:
        digits = f"{size:#.3g}".rstrip(".")
    elif 999.5 <= size < _LEAST_WITH_EXPONENT:
        digits = f"{size:.0f}"
    else:
        mantissa, _, exponent = f"{size:.2e}".partition("e")
        digits = f"{mantissa}e{_MINUS if exponent.startswith('-') else ''}{abs(int(exponent))}"
    return sign + digits


def choose_decimals(heaviest: float) -> int | None:
    """Choose decimals that give the largest number of a column three digits; None if the column is better not aligned."""
    return max(0, 2 - math.floor(math.log10(heaviest))) if 1e-4 <= heaviest < _LEAST_WITH_EXPONENT else None


def format_probability(value: float) -> str:
    """Write a probability with three decimals; only 0 and 1 are written as 0.000 and 1.000."""
    if 0 < value < 0.001:
        return "< 0.001"
    if 0.999 < value < 1:
        return "> 0.999"
    return f"{value:.3f}" if 0 <= value <= 1 else format_number(value)


def format_fidelity(fidelity: float, error: float = 0.0) -> str:
    """Write a fidelity with two decimals, and its error where it has one; NaN as "unknown".

    Examples
    --------
    >>> from limelight.renderers._numbers import format_fidelity
    >>> format_fidelity(0.814, 0.019), format_fidelity(0.814), format_fidelity(0.814, float("nan"))
    ('0.81 ± 0.02', '0.81', '0.81 ± unknown')
    >>> format_fidelity(-3.46, 0.0806)
    '−3.46 ± 0.08'
    """
    if math.isnan(fidelity):
        return "unknown"
    is_plain = fidelity > -0.005  # the others may be huge
    text = f"{max(0.0, fidelity):.2f}" if is_plain else format_number(fidelity)
    if error == 0:
        return text
    decimals = 2 if is_plain else len(text.partition(".")[2]) if "e" not in text else None
    error_text = "unknown" if math.isnan(error) else format_number(error, decimals=decimals)
    return f"{text} \N{PLUS-MINUS SIGN} {error_text}"


def format_percent(share: float) -> str:
    """Write a share as a length for a style attribute: from 0 to 100 per cent, without an exponent."""
    return f"{100 * share if 0 <= share <= 1 else 100 * (share > 1):.1f}%"
