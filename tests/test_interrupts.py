"""Ctrl-C, where a library would swallow it."""

import os
import signal
import time

import pytest

from limelight import _blas


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
