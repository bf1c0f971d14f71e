"""Adapters: the shortcuts give the generic path's explanation, for any layout, dtype and batch size, and from outside, too."""

import pickle
import sys

import numpy as np
import onnxruntime
import pytest
import torch
from helpers.asked import assert_asked_total
from onnx import TensorProto, helper, numpy_helper

from limelight import ImageExplainer, OnnxModel, TextExplainer, TimeSeriesExplainer, TorchModel, extend
from limelight.exceptions import ArgumentError, ArgumentTypeError, MissingDependencyError, ModelError
from limelight.segmentation import Grid, Uniform

SIZE, CLASSES = 32, 4
MEAN, STD = [120.0, 110.0, 100.0], [60.0, 61.0, 62.0]
IMAGE = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 5, stride=2),
        torch.nn.ReLU(),
        torch.nn.Conv2d(8, 8, 3, stride=3),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(8 * 4 * 4, CLASSES),
    )
    with torch.no_grad():
        module[5].weight *= 20
    return module.eval()


def onnx_of(network, batch="n", channels_first=True):
    """The same network as an ONNX file's bytes."""
    first, second, last = network[0], network[2], network[5]
    weights = {"w1": first.weight, "b1": first.bias, "w2": second.weight, "b2": second.bias, "w3": last.weight, "b3": last.bias}
    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["a"], strides=[2, 2]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "w2", "b2"], ["c"], strides=[3, 3]),
        helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("Flatten", ["d"], ["e"]),
        helper.make_node("Gemm", ["e", "w3", "b3"], ["logits"], transB=1),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    shape = [batch, 3, SIZE, SIZE]
    if not channels_first:
        shape = [batch, SIZE, SIZE, 3]
        nodes.insert(0, helper.make_node("Transpose", ["given"], ["image"], perm=[0, 3, 1, 2]))
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image" if channels_first else "given", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, CLASSES]) for name in ("probabilities", "logits")],
        [numpy_helper.from_array(value.detach().numpy(), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    return model.SerializeToString()


@pytest.fixture(scope="module")
def file(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "network.onnx"
    path.write_bytes(onnx_of(network))
    return path


def weights(explanation):
    return np.array([weight for _, weight in sorted(explanation.as_map()[explanation.labels[0]])])


def explained(model, image=IMAGE, shortcuts=True, **arguments):
    explainer = ImageExplainer(Grid(25), feature_selection="none", shortcuts=shortcuts)
    return explainer.explain_instance(image, model, top_labels=1, num_samples=300, **arguments)


def same(left, right, tolerance=1e-5):
    return np.abs(weights(left) - weights(right)).max() <= tolerance * np.abs(weights(left)).max()


def by_hand(network):
    """The generic path: a callable of the user's, which does everything itself."""

    def predict(images):
        numbers = (images.astype(np.float32) - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
        with torch.no_grad():
            return network(torch.from_numpy(numbers.transpose(0, 3, 1, 2))).softmax(dim=1).numpy()

    return predict


class TestAgreement:
    def test_callable_onnx_and_torch_give_the_same_explanation(self, network, file):
        by_callable = explained(by_hand(network))
        assert weights(by_callable).std() > 1e-3
        for shortcuts in (True, False):
            assert same(by_callable, explained(OnnxModel(file, mean=MEAN, std=STD), shortcuts=shortcuts))
            assert same(by_callable, explained(TorchModel(network, mean=MEAN, std=STD, softmax=True), shortcuts=shortcuts))

    @pytest.mark.parametrize(
        "image",
        [
            IMAGE,
            np.moveaxis(IMAGE, 2, 0),
            IMAGE.astype(np.float64),
            IMAGE.astype(">f4"),
            IMAGE.astype(np.uint16),
            torch.tensor(IMAGE).permute(2, 0, 1),
            torch.tensor(IMAGE).permute(2, 0, 1).to(torch.float16),
            torch.tensor(IMAGE).permute(2, 0, 1).to(torch.bfloat16),
        ],
        ids=["bytes", "first", "double", "swapped", "uint16", "tensor", "half", "bfloat16"],
    )
    @pytest.mark.parametrize("kind", ["onnx", "torch"])
    def test_shortcut_is_the_generic_path_for_every_instance(self, network, file, image, kind):
        model = OnnxModel(file, mean=MEAN, std=STD) if kind == "onnx" else TorchModel(network, mean=MEAN, std=STD, softmax=True)
        assert same(explained(model, image), explained(model, image, shortcuts=False))

    @pytest.mark.parametrize("batch_size", [1, 7, 1000])
    @pytest.mark.parametrize("kind", ["onnx", "torch"])
    def test_any_batch_size(self, network, file, kind, batch_size):
        model = OnnxModel(file) if kind == "onnx" else TorchModel(network, softmax=True)
        assert same(explained(model), explained(model, batch_size=batch_size))

    def test_plain_file_session_and_module(self, network, file):
        image = IMAGE.astype(np.float32) / 255
        by_path = explained(file, image)
        assert same(by_path, explained(str(file), image))
        assert same(by_path, explained(onnxruntime.InferenceSession(file), image))
        scores = explained(network, image)
        logits = explained(OnnxModel(file, output="logits"), image)
        assert scores.output_kind == "scores"
        assert same(scores, logits)

    def test_softmax_of_an_onnx_models_logits(self, file):
        assert same(explained(OnnxModel(file)), explained(OnnxModel(file, output="logits", softmax=True)))

    def test_channels_last_in_the_model(self, network):
        last = OnnxModel(onnx_of(network, channels_first=False), mean=MEAN, std=STD)
        first = OnnxModel(onnx_of(network), mean=MEAN, std=STD)
        for image in (IMAGE, np.moveaxis(IMAGE, 2, 0)):
            assert same(explained(first, image), explained(last, image))

    def test_fixed_batch_size_of_the_model(self, network):
        assert same(explained(OnnxModel(onnx_of(network))), explained(OnnxModel(onnx_of(network, batch=16))))

    @pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
    def test_modules_of_other_number_types(self, network, dtype):
        import copy

        module = copy.deepcopy(network).to(dtype)
        model = TorchModel(module, mean=MEAN, std=STD, softmax=True)
        assert same(explained(model), explained(model, shortcuts=False), tolerance=1e-5 if dtype == torch.float64 else 0.05)

    def test_series(self):
        torch.manual_seed(1)
        layers = [torch.nn.Conv1d(2, 4, 5), torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.Linear(4 * 56, 1)]
        # Double: how torch sums a convolution in single precision is not always the same.
        module = torch.nn.Sequential(*layers).double().eval()
        series = np.random.default_rng(0).normal(size=(2, 60))
        for segmentation in (Uniform(11), Uniform(6, per_channel=True)):
            explainers = [
                TimeSeriesExplainer(segmentation, shortcuts=shortcuts, feature_selection="none") for shortcuts in (True, False)
            ]
            shortcut, generic = (explainer.explain_instance(series, module) for explainer in explainers)
            assert same(shortcut, generic, tolerance=1e-9)


class TestOnnxOnAGpu:
    """The CPU stands for a GPU: IO binding works there, too."""

    def test_inputs_are_bound_to_the_device(self, file, monkeypatch):
        bound = []
        plain = explained(OnnxModel(file))
        monkeypatch.setattr("limelight.models._onnx_session._DEVICES", {"CPUExecutionProvider": "cpu"})
        of_numpy = onnxruntime.OrtValue.ortvalue_from_numpy

        def watched(array, device, number):
            bound.append((len(array), device, number))
            return of_numpy(array, device, number)

        monkeypatch.setattr(onnxruntime.OrtValue, "ortvalue_from_numpy", watched)
        monkeypatch.setattr(onnxruntime.InferenceSession, "run", None)
        assert explained(OnnxModel(file)) == plain
        assert_asked_total(sum(count for count, _, _ in bound), 300)
        assert {(device, number) for _, device, number in bound} == {("cpu", 0)}


class TestTorch:
    def test_batches_halve_until_they_fit(self, network):
        sizes = []

        class Small(torch.nn.Module):
            def forward(self, images):
                if len(images) > 40:
                    raise torch.OutOfMemoryError("out of memory")
                sizes.append(len(images))
                return network(images)

        assert same(explained(TorchModel(network)), explained(TorchModel(Small().eval())))
        assert max(sizes) == 37  # 150, 75, 37
        assert_asked_total(sum(sizes), 300)

    def test_memory_of_the_cpu(self, network):
        """torch has no class of its own for it."""

        class Small(torch.nn.Module):
            def forward(self, images):
                if len(images) > 40:
                    raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 99 bytes.")
                return network(images)

        assert same(explained(TorchModel(network)), explained(TorchModel(Small().eval())))

    def test_no_room_for_one(self):
        class Full(torch.nn.Module):
            def forward(self, _):
                raise torch.OutOfMemoryError("out of memory")

        with pytest.raises(ModelError, match="the device has no room for a single input of the torch module") as caught:
            explained(Full().eval())
        assert isinstance(caught.value.__cause__, torch.OutOfMemoryError)

    def test_callable_may_give_tensors_with_gradients(self, network):
        def predict(images):
            return network(images.float() / 255).softmax(dim=1)

        image = torch.tensor(IMAGE).permute(2, 0, 1)
        assert same(explained(predict, image), explained(TorchModel(network, std=255, softmax=True), image))

    def test_module_of_texts_is_asked_as_it_is(self):
        class Praise(torch.nn.Module):
            def forward(self, texts):
                return torch.tensor([[float("good" in text)] for text in texts])

        explanation = TextExplainer().explain_instance("a good film", Praise().eval())
        assert explanation.as_list()[0][0] == "good"

    def test_modules_own_prediction_method_is_asked(self):
        class Classifier(torch.nn.Module):
            def predict_proba(self, images):
                share = images.mean(axis=(1, 2, 3)) / 255
                return np.column_stack([share, 1 - share])

        assert explained(Classifier()).output_kind == "probabilities"

    def test_numbers_type_of_a_module_without_parameters(self):
        class Scaled(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.register_buffer("scale", torch.ones(1, dtype=torch.float64))

            def forward(self, images):
                assert images.dtype == torch.float64
                return images.mean(dim=(1, 2, 3)) * self.scale

        explained(Scaled().eval())

    def test_large_inputs_come_in_small_batches(self):
        sizes = []

        class Watched(torch.nn.Module):
            def forward(self, images):
                sizes.append(len(images))
                return images.mean(dim=(1, 2, 3))

        ImageExplainer(Grid(4)).explain_instance(np.random.default_rng(0).random((1000, 1500, 3)), Watched().eval())
        assert max(sizes) <= 2**27 // (4 * 1000 * 1500 * 3)

    def test_inference_mode_and_no_gradients(self, network):
        seen = []

        class Watched(torch.nn.Module):
            def forward(self, images):
                seen.append((torch.is_inference_mode_enabled(), images.requires_grad, len(images)))
                return network(images)

        explained(Watched().eval())
        assert all(state[:2] == (True, False) for state in seen)
        assert [size for *_, size in seen][:2] == [150, 150]
        assert_asked_total(sum(size for *_, size in seen), 300)

    def test_module_in_training_mode(self, network):
        with pytest.raises(ArgumentError, match=r"the torch module is in training mode.*call its eval\(\) first"):
            explained(torch.nn.Sequential(network).train())
        network.eval()

    def test_a_part_in_training_mode(self, network):
        module = torch.nn.Sequential(network, torch.nn.Dropout()).eval()
        assert explained(module) == explained(network)
        module[1].train()
        with pytest.raises(ArgumentError, match=r"in training mode, or a part of it is.*call its eval\(\) first"):
            explained(module)

    def test_module_that_gives_no_tensor(self):
        class Named(torch.nn.Module):
            def forward(self, images):
                return {"logits": images.mean(dim=(1, 2, 3))}

        with pytest.raises(ArgumentTypeError, match="the torch module must return a tensor; it returned dict"):
            explained(Named().eval())

    def test_module_that_raises_keeps_its_error(self, network):
        with pytest.raises(ModelError, match="the model raised RuntimeError") as caught:
            explained(network, IMAGE[:20])
        assert isinstance(caught.value.__cause__, RuntimeError)

    def test_not_a_module(self):
        with pytest.raises(ArgumentTypeError, match=r"module must be a torch.nn.Module; got function"):
            TorchModel(lambda images: images)

    def test_without_torch_the_error_names_the_extra(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "torch", None)
        with pytest.raises(MissingDependencyError, match=r"TorchModel needs torch: pip install 'limelight\[torch\]'"):
            TorchModel(None)

    def test_settings_show_on_one_line(self, network):
        assert repr(TorchModel(network)) == "TorchModel(<Sequential>)"
        model = TorchModel(network, mean=MEAN, std=[0.5, 61.25, 62], channels="last", softmax=True)
        assert (
            repr(model) == "TorchModel(<Sequential>, mean=[120, 110, 100], std=[0.5, 61.25, 62], channels='last', softmax=True)"
        )
        assert "\n" not in repr(TorchModel(network, mean=np.arange(1000.0)))

    def test_pickled(self, network):
        model = pickle.loads(pickle.dumps(TorchModel(network, mean=MEAN, std=STD)))
        assert np.array_equal(model(IMAGE[None]), TorchModel(network, mean=MEAN, std=STD)(IMAGE[None]))


class TestOnnx:
    def test_pickled_by_its_path(self, file):
        model = OnnxModel(file, mean=MEAN, std=STD)
        again = pickle.loads(pickle.dumps(model))
        assert np.array_equal(again(IMAGE[None]), model(IMAGE[None]))

    def test_settings_show_on_one_line(self, file):
        assert repr(OnnxModel(str(file))) == f"OnnxModel({str(file)!r}, output='probabilities')"
        contents = file.read_bytes()
        model = OnnxModel(contents, mean=127.5, std=STD, channels="last", output="logits", softmax=True)
        source = f"<{len(contents)} bytes>"
        settings = "mean=127.5, std=[60, 61, 62], channels='last', output='logits', softmax=True"
        assert repr(pickle.loads(pickle.dumps(model))) == repr(model) == f"OnnxModel({source}, {settings})"
        session = OnnxModel(onnxruntime.InferenceSession(file))
        assert repr(session) == "OnnxModel(<InferenceSession>, output='probabilities')"

    def test_session_cannot_be_pickled(self, file):
        with pytest.raises(ArgumentTypeError, match="made from a session cannot be pickled; make it from the file"):
            pickle.dumps(OnnxModel(onnxruntime.InferenceSession(file)))

    def test_image_of_another_size(self, file):
        with pytest.raises(
            ModelError, match=r"takes inputs of shape \(3, 32, 32\); these have shape \(3, 20, 32\). Bring the instance to"
        ):
            explained(file, IMAGE[:20])

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            ("none.onnx", "there is no ONNX file 'none.onnx'"),
            (b"nonsense", "source must be an ONNX model; <8 bytes> cannot be"),
        ],
    )
    def test_bad_file(self, source, message):
        with pytest.raises(ArgumentError, match=message):
            OnnxModel(source)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"output": "scores"}, "output must be one of 'probabilities', 'logits'; got 'scores'"),
            ({"mean": [1, np.nan]}, "mean must be a finite number, or one for each channel"),
            ({"std": 0}, "std must be above 0; got 0"),
            ({"mean": "bright"}, "mean must be a number, or one for each channel"),
            ({"channels": "middle"}, "channels must be 'first', 'last' or None; got 'middle'"),
            ({"softmax": 1}, "softmax must be True or False; got 1"),
        ],
    )
    def test_bad_arguments(self, file, arguments, message):
        with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
            OnnxModel(file, **arguments)

    def test_grey_image_gets_its_axis(self):
        model, grey = OnnxModel(mean_of(TensorProto.FLOAT, channels=1)), IMAGE[..., 0]
        expected = explained(lambda images: images.mean(axis=(1, 2)), grey)
        for shortcuts in (True, False):
            assert same(expected, explained(model, grey, shortcuts=shortcuts))

    def test_model_of_two_inputs(self):
        inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 4]) for name in "ab"]
        graph = helper.make_graph(
            [helper.make_node("Add", ["a", "b"], ["c"])],
            "two",
            inputs,
            [helper.make_tensor_value_info("c", TensorProto.FLOAT, ["n", 4])],
        )
        source = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10).SerializeToString()
        with pytest.raises(ArgumentError, match="the ONNX model must have one input; it has 2: a, b"):
            OnnxModel(source)

    def test_without_onnxruntime_the_error_names_the_extra(self, file, monkeypatch):
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
        with pytest.raises(MissingDependencyError, match=r"an ONNX file needs onnxruntime: pip install 'limelight\[onnx\]'"):
            OnnxModel(file)

    @pytest.mark.parametrize("source", [5, None, bytearray(b"x")])
    def test_not_an_onnx_model(self, source):
        with pytest.raises(ArgumentTypeError, match="source must be an ONNX file, its bytes, or a session; got"):
            OnnxModel(source)

    def test_integer_inputs_are_taken_as_they_are(self):
        model = mean_of(TensorProto.UINT8, channels=3)
        assert OnnxModel(model)(IMAGE[None]) == pytest.approx([IMAGE.mean()], rel=1e-5)
        with pytest.raises(ArgumentError, match="the ONNX model takes uint8 as they are; leave out mean and std"):
            OnnxModel(model, mean=127.5)
        for image in (IMAGE / 255, IMAGE.astype(np.int64) + 200, -1.0 * IMAGE):
            with pytest.raises(ArgumentError, match="the ONNX model takes whole numbers of uint8"):
                OnnxModel(model)(image[None])

    def test_double_inputs_keep_their_digits(self):
        model = OnnxModel(mean_of(TensorProto.DOUBLE, channels=3), mean=1e8)
        assert model(np.full((1, SIZE, SIZE, 3), 1e8 + 1)) == pytest.approx([1.0])

    def test_as_many_means_as_channels(self, file, network):
        for model in (OnnxModel(file, mean=[1, 2]), TorchModel(network, std=[1, 2])):
            with pytest.raises(ArgumentError, match=r"(mean|std) has 2 numbers; the instance has 3 channels"):
                explained(model)

    def test_six_channels_in_either_layout(self):
        model = OnnxModel(mean_of(TensorProto.FLOAT, channels=6))
        image = np.random.default_rng(0).random((SIZE, SIZE, 6))
        explainer = ImageExplainer(Grid(4), channel_axis=-1)
        assert explainer.explain_instance(image, model).predictions == pytest.approx((image.mean(),))


def mean_of(element, channels):
    """An ONNX model of the mean of an image's numbers, as a file's bytes."""
    nodes = [
        helper.make_node("Cast", ["image"], ["numbers"], to=TensorProto.DOUBLE),
        helper.make_node("ReduceMean", ["numbers"], ["score"], axes=[1, 2, 3], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "mean",
        [helper.make_tensor_value_info("image", element, ["n", channels, SIZE, SIZE])],
        [helper.make_tensor_value_info("score", TensorProto.DOUBLE, ["n"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    return model.SerializeToString()


class Lexicon:
    """A form of model that limelight does not know: neither a callable nor an estimator."""

    def __init__(self, **scores):
        self.scores = scores


class LexiconModel:
    """The callable that a reader makes of it."""

    def __init__(self, scores):
        self.scores = scores
        self.calls = 0

    def __call__(self, texts):
        self.calls += 1
        return np.array([sum(self.scores.get(word, 0.0) for word in text.split()) for text in texts])


@pytest.mark.usefixtures("registry")
class TestAdaptersFromOutside:
    TEXT = "a good plot and a bad end"
    LEXICON = Lexicon(good=0.5, bad=-0.25, end=0.125)

    def explained(self, model, **options):
        return TextExplainer(alpha=0.0, **options).explain_instance(self.TEXT, model, num_features=3)

    def test_a_registered_form_of_model_is_read(self):
        with pytest.raises(ArgumentTypeError, match=r"model must be a callable .*; got <.*Lexicon"):
            self.explained(self.LEXICON)
        models = []

        def read(model):
            if not isinstance(model, Lexicon):
                return None
            models.append(LexiconModel(model.scores))
            return models[-1]

        extend.register("model", "lexicon", read)
        assert self.explained(self.LEXICON) == self.explained(LexiconModel(self.LEXICON.scores))
        assert [model.calls > 0 for model in models] == [True]

    def test_a_registered_adapter_gives_the_same_explanation(self):
        rows = []

        def adapt(method, components):
            if not isinstance(method, LexiconModel) or not isinstance(components, extend.Parts):
                return None
            counts = np.array([self.TEXT.split().count(name) for name in components.names])
            scores = counts * [method.scores.get(name, 0.0) for name in components.names]

            def make(neighbourhood, numbers):
                rows.append(len(numbers))
                return neighbourhood.representation[numbers]

            return extend.ModelPath(make, lambda masks: masks @ scores, "lexicon", None)

        model = LexiconModel(self.LEXICON.scores)
        generic = self.explained(model)
        calls = model.calls
        extend.register("adapter", "lexicon", adapt)
        assert self.explained(model) == generic
        assert model.calls == calls
        assert_asked_total(sum(rows), generic.num_inputs)
        rows.clear()
        assert self.explained(model, shortcuts=False) == generic
        assert (model.calls > calls, rows) == (True, [])

    def test_an_adapter_from_outside_comes_before_limelights_own(self, file):
        asked = []

        def adapt(method, components):
            if isinstance(method, OnnxModel):
                asked.append(len(components.names))

        extend.register("adapter", "watching", adapt)
        image = IMAGE.astype(np.float32) / 255
        assert same(explained(file, image), explained(file, image, shortcuts=False))
        assert asked == [25]

    def test_a_registered_form_serves_explain_many(self):
        def read(model):
            return LexiconModel(model.scores) if isinstance(model, Lexicon) else None

        extend.register("model", "lexicon", read)
        expected = self.explained(self.LEXICON)
        (explanation,) = TextExplainer(alpha=0.0).explain_many([self.TEXT], self.LEXICON, num_features=3)
        assert explanation == expected
