"""Large arrays within JSON: compressed bytes as text, which are unpacked only if they cannot fill the memory."""

from base64 import b64decode, b64encode
from zlib import compress, decompressobj
from zlib import error as zlib_error

from limelight.exceptions import ArgumentError

__all__ = ["check_unpacked_size", "pack", "unpack"]

# What a file may unpack to, whatever its own size is: a picture of 8K, and its superpixels' numbers.
_FREE_BYTES = 2**28
# A larger picture must have something in it: a photograph and its superpixels are 4 to 20 times as large as they are stored.
_MOST_EXPANSION = 64

_LEVEL = 1  # photographs do not become smaller by more


def pack(data: bytes) -> str:
    """The bytes as a text of JSON; `unpack` is the inverse."""
    return b64encode(compress(data, _LEVEL)).decode("ascii")


def check_unpacked_size(size: int, packed_size: int, what: str) -> None:
    """Refuse to unpack a few bytes into very many: zlib makes a gigabyte of a megabyte of zeros.

    Parameters
    ----------
    size : int
        How many bytes all of it would take.
    packed_size : int
        The number of letters of the packed texts.
    what : str
        What it is, for the error.

    Raises
    ------
    ArgumentError
        If that is too many.
    """
    most = max(_FREE_BYTES, _MOST_EXPANSION * packed_size)
    if size > most:
        raise ArgumentError(f"{what} would take more than the {most} bytes that {packed_size} stored ones may be unpacked to.")


def unpack(text: str, size: int, what: str) -> bytes:
    """The bytes in a text that `pack` made.

    Parameters
    ----------
    text : str
        The packed bytes.
    size : int
        How many bytes are expected; no more than one more than that are unpacked. See `check_unpacked_size`.
    what : str
        What they are, for the error.

    Raises
    ------
    ArgumentError
        If the text does not hold such bytes.
    """
    try:
        return decompressobj().decompress(b64decode(text, validate=True), size + 1)
    except (OverflowError, TypeError, ValueError, zlib_error) as error:
        raise ArgumentError(f"{what} cannot be read: {error}.") from error
