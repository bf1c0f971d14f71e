"""One thread for BLAS: with another number, it splits products elsewhere, and their last bits differ."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

__all__ = ["one_blas_thread"]


def one_blas_thread() -> AbstractContextManager[Any]:
    """A context in which BLAS uses one thread, so that products are the same bits wherever they are computed.

    It has an effect in the main thread only: the number belongs to the whole process, and two threads that set it could each
    restore what the other had set. Models that compute in this process run outside of it, with as many threads as they
    like.
    """
    if threading.current_thread() is not threading.main_thread():
        return nullcontext()
    limited: AbstractContextManager[Any] = _libraries().limit(limits=1, user_api="blas")
    return limited


@cache
def _libraries() -> Any:
    import scipy.linalg  # noqa: F401 - it has its own BLAS, which the controller finds only once it is loaded
    from threadpoolctl import ThreadpoolController

    # Older versions are called back from C, where Ctrl-C is printed and lost. Python raises it in the main thread only, so
    # another one looks for the libraries.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(ThreadpoolController).result()
