"""Ctrl-C, where a library would swallow it."""

import os
import signal
import time

import pytest

from limelight import _blas


@pytest.fixture(autouse=True)
def _interruptible():
    """Ctrl-C raises, as in a program; workers of pytest-xdist ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_while_libraries_are_looked_for(monkeypatch):
    import threadpoolctl

    def interrupt_once(path):  # called back from C
        monkeypatch.undo()
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)  # until the signal has come
        return os.path.realpath(path)

    monkeypatch.setattr(threadpoolctl, "_realpath", interrupt_once)
    _blas._libraries.cache_clear()
    with pytest.raises(KeyboardInterrupt):
        _blas.one_blas_thread()
    with _blas.one_blas_thread():
        pass
