"""torch modules: in which form they get batches, what they may return, and what goes wrong on devices."""

import types
from collections import namedtuple

import numpy as np
import pytest
import torch

from limelight import ImageExplainer, TorchModel
from limelight.exceptions import ArgumentError, ArgumentTypeError, ModelError
from limelight.models._module_form import ModuleForm
from limelight.segmentation import Grid

IMAGE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
LARGE = [np.random.default_rng(number).integers(0, 256, (80, 80, 3), dtype=np.uint8) for number in range(4)]


class Network(torch.nn.Module):
    """Answers with logits; it writes down the batches that it gets."""

    def __init__(self, convolution=None):
        super().__init__()
        torch.manual_seed(0)
        self.convolution = torch.nn.Conv2d(3, 4, 5, stride=3) if convolution is None else convolution
        self.linear = torch.nn.Linear(4, 3)
        self.batches = []

    def forward(self, images):
        self.batches.append(images)
        places = tuple(range(2, images.ndim))
        return self.linear(torch.relu(self.convolution(images)).mean(dim=places)) * 4


def explained(model, image=IMAGE, **arguments):
    explainer = ImageExplainer(Grid(25), feature_selection="none")
    return explainer.explain_instance(image, model, top_labels=1, **{"num_samples": 300, **arguments})


def same(left, right, tolerance=1e-5):
    first, second = (np.array([weight for _, weight in sorted(one.as_map()[one.labels[0]])]) for one in (left, right))
    return np.abs(first - second).max() <= tolerance * np.abs(first).max() > 0


@pytest.fixture
def network():
    return Network().eval()


class TestBatches:
    @pytest.mark.parametrize(
        "image", [IMAGE, np.moveaxis(IMAGE, 2, 0), torch.tensor(IMAGE).permute(2, 0, 1)], ids=["last", "first", "tensor"]
    )
    def test_lie_in_memory_as_the_weights_do(self, network, image):
        for memory_format, other in (
            (torch.contiguous_format, torch.channels_last),
            (torch.channels_last, torch.contiguous_format),
        ):
            network.to(memory_format=memory_format)
            explained(network, image)
            ImageExplainer(Grid(9), shortcuts=False).explain_instance(image, network, num_samples=50)
            assert all(batch.is_contiguous(memory_format=memory_format) for batch in network.batches)
            assert not any(batch.is_contiguous(memory_format=other) for batch in network.batches)
            network.batches.clear()

    def test_of_volumes_lie_in_memory_as_the_weights_do(self):
        network = Network(torch.nn.Conv3d(3, 4, 3)).eval().to(memory_format=torch.channels_last_3d)
        volume = np.random.default_rng(0).random((6, 8, 8, 3)).astype(np.float32)
        ImageExplainer(Grid(8), spatial_dims=3).explain_instance(volume, network, num_samples=100)
        assert all(batch.is_contiguous(memory_format=torch.channels_last_3d) for batch in network.batches)

    def test_of_a_compiled_module_have_one_shape(self):
        shapes = []
        torch.manual_seed(0)
        layers = [torch.nn.Conv2d(3, 4, 5, stride=9), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 3)]
        network = torch.nn.Sequential(*layers).eval()

        def compile_graph(graph, inputs):
            shapes.extend(tuple(one.shape) for one in inputs if one.shape[1:] == (3, 32, 32))
            return graph.forward

        assert same(explained(torch.compile(network, backend=compile_graph)), explained(network))
        assert shapes == [(128, 3, 32, 32)]

    def test_a_module_that_is_compiled_in_place_is_known(self):
        assert not ModuleForm.of(Network()).has_fixed_shapes
        within = torch.nn.Sequential(Network())
        within[0].compile(backend="eager")
        assert ModuleForm.of(within).has_fixed_shapes

    def test_of_the_users_size_are_not_cut(self, network):
        explained(network, batch_size=300, pad_batches=True)
        assert {len(batch) for batch in network.batches} == {300}

    def test_are_larger_on_a_gpu(self, monkeypatch):
        memory = {"H200": 139 * 2**30, "small": 4 * 2**30}
        float32 = 4 * 3 * 224 * 224
        sizes = {}
        for name, total in memory.items():
            monkeypatch.setattr(
                torch.cuda, "get_device_properties", lambda _, total=total: types.SimpleNamespace(total_memory=total)
            )
            form = ModuleForm(torch.device("cuda"), torch.float32, is_channels_last=False, has_fixed_shapes=False)
            sizes[name] = form.batch_size(float32)
        assert sizes == {"H200": 512, "small": 222}

    def test_that_did_not_fit_are_not_tried_again(self):
        class Small(Network):
            def forward(self, images):
                answer = super().forward(images)
                if len(images) > 40:
                    raise torch.OutOfMemoryError("out of memory")
                return answer

        module = Small().eval()
        ImageExplainer(Grid(25)).explain_many(LARGE, TorchModel(module), num_samples=300)
        assert sum(len(batch) > 40 for batch in module.batches) == 2  # 150 and 75, once

    def test_may_be_changed_by_the_module(self, network):
        class InPlace(torch.nn.Module):
            def forward(self, images):
                answer = network(images.clone())
                images.zero_()
                return answer

        assert same(explained(InPlace().eval()), explained(network))
        assert same(
            explained(InPlace().eval()),
            ImageExplainer(Grid(25), feature_selection="none", shortcuts=False).explain_instance(
                IMAGE, InPlace().eval(), top_labels=1, num_samples=300
            ),
        )

    def test_have_no_longer_numbers_than_the_module(self, network, monkeypatch):
        """Some devices, as Apple's, have no double precision: it must not be moved to them."""
        moved = []
        to = torch.Tensor.to

        def watched(tensor, *arguments, **keywords):
            if isinstance(arguments[0], torch.device):
                moved.append(tensor.dtype)
            return to(tensor, *arguments, **keywords)

        monkeypatch.setattr(torch.Tensor, "to", watched)
        for image in (IMAGE / 255, IMAGE.astype(np.int64), IMAGE.astype(np.uint16), IMAGE):
            explained(network, image)
        assert moved
        assert torch.float64 not in moved


class TestAnswers:
    Both = namedtuple("Both", ["logits", "features"])

    @pytest.mark.parametrize(
        ("wrap", "output"),
        [
            (lambda logits: {"features": logits[:, :1], "logits": logits}, "logits"),
            (lambda logits: (logits[:, :1], logits), 1),
            (lambda logits: TestAnswers.Both(logits, logits[:, :1]), "logits"),
            (lambda logits: TestAnswers.Both(logits, logits[:, :1]), 0),
        ],
        ids=["mapping", "tuple", "named", "number"],
    )
    def test_one_of_several_outputs(self, network, wrap, output):
        class Several(torch.nn.Module):
            def forward(self, images):
                return wrap(network(images))

        model = TorchModel(Several().eval(), output=output, softmax=True)
        assert explained(model) == explained(TorchModel(network, softmax=True))
        assert f"output={output!r}" in repr(model)

    @pytest.mark.parametrize(
        ("answer", "output", "error", "message"),
        [
            (
                {"logits": 1, "aux": 2},
                None,
                ArgumentTypeError,
                r"it returned dict with 'logits', 'aux'. Say which .* output='logits'\)",
            ),
            ((1, 2), None, ArgumentTypeError, r"it returned tuple of 2. Say which .* TorchModel\(module, output=0\)"),
            (3.0, None, ArgumentTypeError, r"it returned float\. Give a callable that makes a tensor of it"),
            (
                {"logits": 1},
                "logit",
                ArgumentError,
                r"output must be one that the torch module returns; got 'logit', and it returned dict with 'logits'",
            ),
            ((1, 2), 2, ArgumentError, "got 2, and it returned tuple"),
            ({"logits": 1}, "logits", ArgumentTypeError, r"output 'logits' of the torch module must be a tensor; it is int"),
        ],
    )
    def test_that_are_no_tensors(self, answer, output, error, message):
        class Odd(torch.nn.Module):
            def forward(self, _):
                return answer

        with pytest.raises(error, match=message):
            explained(TorchModel(Odd().eval(), output=output))

    def test_output_is_a_name_or_a_number(self, network):
        with pytest.raises(ArgumentTypeError, match=r"output must be the name or the number of an output; got 1\.5"):
            TorchModel(network, output=1.5)

    def test_are_not_lost_when_a_module_writes_over_its_last_one(self, network):
        """As one with a CUDA graph does."""

        class Buffered(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.room = torch.empty(300, 3)

            def forward(self, images):
                room = self.room[: len(images)]
                room.copy_(network(images))
                return room

        for is_small in (False, True):
            module = Buffered().eval()
            model = TorchModel(module)
            model._fitting_bytes = 40 * 4 * IMAGE.size if is_small else None
            assert same(explained(model), explained(network))
            assert np.allclose(
                model(np.stack([IMAGE, IMAGE // 2] * 150)), TorchModel(network)(np.stack([IMAGE, IMAGE // 2] * 150))
            )

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_of_half_precision_are_single_precision(self, network, dtype):
        class Half(torch.nn.Module):
            def forward(self, images):
                return network(images).to(dtype)

        probabilities = TorchModel(Half().eval(), softmax=True)(np.stack([IMAGE, IMAGE // 2]))
        assert probabilities.dtype == np.float32
        assert np.abs(probabilities.sum(axis=1) - 1).max() < 1e-6  # a softmax in half precision would miss it by 1e-3
        assert np.abs(probabilities - TorchModel(network, softmax=True)(np.stack([IMAGE, IMAGE // 2]))).max() < 0.02


class TestDevices:
    def test_computing_elsewhere_changes_nothing(self, network, monkeypatch):
        """The CPU stands for a device here."""
        model = TorchModel(network.double(), std=255, softmax=True)
        explainer = ImageExplainer()
        here = [explainer.explain_instance(image, model) for image in LARGE]
        monkeypatch.setattr(ModuleForm, "is_elsewhere", True)
        assert [explainer.explain_instance(image, model) for image in LARGE] == here
        assert list(explainer.explain_many(LARGE, model)) == here

    def test_several_at_a_time(self, network, monkeypatch):
        there = types.SimpleNamespace(device=torch.device("cuda", 1), is_floating_point=lambda: True)
        parameters = network.parameters
        monkeypatch.setattr(network, "parameters", lambda: iter([*parameters(), there]))
        with pytest.raises(
            ArgumentError, match=r"must be on one device; they are on cpu and cuda:1. Move them, as by module.to\('cuda:1'\)"
        ):
            explained(network)

    def test_meta(self):
        with pytest.raises(ArgumentError, match=r"parameters on the meta device, which holds no numbers.*load_state_dict"):
            explained(Network().eval().to("meta"))

    def test_data_parallel(self, network):
        assert same(explained(torch.nn.DataParallel(network).eval()), explained(network))

    @pytest.mark.parametrize("fails_when", ["asked", "read"])
    def test_failure(self, network, monkeypatch, fails_when):
        def fail(*_):
            raise RuntimeError("CUDA error: device-side assert triggered\nCUDA kernel errors might be asynchronously reported")

        if fails_when == "asked":
            monkeypatch.setattr(network.linear, "forward", fail)
        else:
            monkeypatch.setattr(torch.Tensor, "cpu", fail)
        with pytest.raises(
            ModelError, match=r"device of the torch module has failed \(CUDA error: device-side assert triggered\)"
        ):
            explained(network)

    def test_no_room_for_one_of_many(self):
        class Full(Network):
            def forward(self, images):
                if len(self.batches) >= 6:
                    raise torch.OutOfMemoryError("out of memory")
                return super().forward(images)

        many = ImageExplainer(Grid(25)).explain_many(LARGE, Full().eval(), num_samples=300, on_error="keep")
        assert 0 < len(many.failures) < len(LARGE)
        assert all("no room for a single input" in failure.message for failure in many.failures.values())


class Answering(torch.nn.Module):
    """Gives what a function makes of its inputs."""

    def __init__(self, answer, dtype=torch.float32):
        super().__init__()
        self.answer = answer
        self.scale = torch.nn.Parameter(torch.ones(1, dtype=dtype))

    def forward(self, inputs):
        return self.answer(inputs)


def test_complex_outputs_are_refused():
    model = TorchModel(Answering(lambda inputs: torch.complex(inputs.mean(dim=(1, 2, 3)), inputs.mean(dim=(1, 2, 3)))).eval())
    with pytest.raises(ArgumentTypeError, match="must give real numbers; its output is complex"):
        model(np.zeros((2, 8, 8, 3), dtype=np.uint8))


def test_softmax_of_one_number_an_input_is_refused():
    model = TorchModel(Answering(lambda inputs: inputs.mean(dim=(1, 2, 3))).eval(), softmax=True)
    with pytest.raises(ArgumentError, match=r"softmax is for outputs of shape \(n, classes\); the module gives \(2,\)"):
        model(np.zeros((2, 8, 8, 3), dtype=np.uint8))


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint32, np.float64])
def test_modules_in_double_precision_get_all_digits(dtype):
    model = TorchModel(Answering(lambda inputs: inputs.reshape(len(inputs), -1), torch.float64).eval(), channels=None)
    values = np.array([[123456789, 16777217]], dtype=dtype)
    assert model(values).tolist() == [[123456789.0, 16777217.0]]


def test_memory_is_freed_where_torch_does_not_know_all_devices(monkeypatch):
    def answer(inputs):
        if len(inputs) > 50:
            raise RuntimeError("not enough memory")
        return inputs.mean(dim=(1, 2, 3))[:, None]

    monkeypatch.delattr(torch.mps, "is_available", raising=False)
    model = TorchModel(Answering(answer).eval())
    assert model(np.zeros((120, 8, 8, 3), dtype=np.uint8)).shape == (120, 1)
