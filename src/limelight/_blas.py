"""How many threads BLAS has decides how it splits a product, and so the last bits of what comes out."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

__all__ = ["one_blas_thread"]


def one_blas_thread() -> AbstractContextManager[Any]:
    """One thread for the products made within, so that they are the same bits wherever they are made.

    Only the main thread asks for it: the number is the whole process's, and of two threads that set it each could put back
    what the other had set. Models are asked outside; they have as many as they like.
    """
    if threading.current_thread() is not threading.main_thread():
        return nullcontext()
    limited: AbstractContextManager[Any] = _libraries().limit(limits=1, user_api="blas")
    return limited


@cache
def _libraries() -> Any:
    import scipy.linalg  # noqa: F401 - it has a BLAS of its own, which is found only once it is there
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
