"""The benchmark of GPUs runs without one, on small images: its figures of speed mean nothing then, those of agreement do."""

import numpy as np
import pytest

pytest.importorskip("torch")

from benchmarks import gpu

SMALL = gpu.Setting(size=32, num_samples=40, num_images=3, repeats=1, raw_batches=(8,))


def figures_of(tables):
    rows = [row for table in tables for row in table.rows]
    assert all(np.isfinite(list(row.figures.values())).all() for row in rows)
    return {table.name: {row.case: row for row in table.rows} for table in tables}


def test_measuring_a_network_on_a_device():
    from benchmarks._resnet import Resnet

    tables = figures_of(list(gpu.measure("cpu", Resnet((1, 1), width=4).eval(), SMALL)))
    names = {kind.name for kind in gpu.KINDS}
    assert set(tables["one image on a GPU"]) == set(tables["many images on a GPU"]) == names
    agreement = tables["same explanations on a GPU"]
    assert agreement["float32: cpu and CPU"].ratio <= 1e-5
    assert agreement["float32: explain_many and explain_instance"].ratio <= 1e-6
    assert tables["explaining an image on a GPU beside lime"]["ResNet-50"].figures["lime"] > 0


@pytest.mark.usefixtures("registry")
def test_rehearsing_with_a_model_that_sleeps():
    from benchmarks._sleeping import _adapt
    from limelight import extend

    extend.register("adapter", "sleeping", _adapt)
    seconds = {"bfloat16": 0.02}
    tables = figures_of(list(gpu.rehearse(SMALL, seconds)))
    row = tables["many images on a GPU"]["bfloat16"]
    assert row.figures["raw"] == pytest.approx(60)
    assert row.figures["limelight"] >= 60  # it cannot end before its model has


def test_without_a_gpu_it_says_so(monkeypatch, capsys):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(gpu, "rehearse", lambda _: iter(()))
    assert list(gpu.tables()) == []
    assert "no GPU here" in capsys.readouterr().out
