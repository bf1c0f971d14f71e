"""lime's own error."""

__all__ = ["LimeError"]


class LimeError(Exception):
    """What lime raises where it has an error of its own."""
