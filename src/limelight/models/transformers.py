"""Text classifiers of transformers: strings are tokenised once a batch, and the module gets texts of about the same length."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from limelight._checks import check_count
from limelight.exceptions import ArgumentError, ArgumentTypeError, require
from limelight.models._text_module import SINGLE, TextModule
from limelight.models._token_batches import Columns
from limelight.models._tokenizers import Encoder, find_limit, find_text_config
from limelight.models._word_pieces import find_word_pieces
from limelight.results.explanation import Notice
from limelight.stages.components import Components, Neighbourhood, Parts
from limelight.stages.output_names import ModelOutputs
from limelight.stages.questions import ModelPath

__all__ = ["TransformersModel", "adapt_transformers", "read_transformers"]

_CLASSIFIER = "TextClassificationPipeline"
_PIPELINES = "transformers.pipelines"


class TransformersModel:
    """A text classifier of transformers as a callable from texts, or pairs of texts, to an array of all labels' scores.

    Strings are tokenised once a batch, by the module's own tokenizer. Texts of about the same length go through the module
    together, on its device and in its number type. What comes out is what the pipeline says with ``top_k=None``: probabilities
    of labels of which one is true (softmax), of labels that may all be true (sigmoid), or a regression's numbers.

    Pipelines for text classification, and tuples ``(module, tokenizer)``, can be given as they are.

    Parameters
    ----------
    model : pipeline or torch.nn.Module
        A pipeline for text classification; or a module in evaluation mode that gives logits of shape (m, k), as
        ``AutoModelForSequenceClassification`` makes them. A module without a ``config`` is explained by its logits.
    tokenizer : object, optional
        A module's tokenizer, which is left as it is; pipelines have one.
    max_length : int, optional
        The largest number of tokens that the module gets of a text, special ones included. By default the pipeline's own, else
        the lowest number that the tokenizer, the module's positions and its configuration state. Texts are cut there, and a
        notice says how much of the instance is.
    batch_tokens : int, optional
        The largest number of tokens in a batch, padding included: 1024 on a CPU and 16384 elsewhere by default. It is halved
        where the device runs out of memory.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If an argument is not allowed, or the pipeline is for another task.
    MissingDependencyError
        If torch is not installed.

    Notes
    -----
    The last bits of an answer depend on the shape of its batch (in half precision, digits that matter do). So a batch holds
    texts of a single instance, and an explanation is the same alone and among many.

    Some modules answer otherwise for a text in a batch with padding, or take only one text at once. Two short texts are tried
    before the first batch, and texts of such a module are asked about by length, or one by one.

    Examples
    --------
    A pipeline, and a module with more settings::

        classifier = pipeline("text-classification", "distilbert/distilbert-base-uncased-finetuned-sst-2-english")
        explanation = TextExplainer().explain_instance("a charming film", classifier)

        model = TransformersModel(module.eval().to("cuda"), tokenizer, max_length=256)
        explanation = TextExplainer().explain_instance("a charming film", model, labels="POSITIVE")
    """

    depends_on_batch = True

    def __init__(
        self, model: Any, tokenizer: Any = None, *, max_length: int | None = None, batch_tokens: int | None = None
    ) -> None:
        torch = require("torch", extra="transformers", purpose="TransformersModel")
        options: Mapping[str, Any] = {}
        function = None
        if _is_pipeline(model):
            _check_pipeline(model, tokenizer)
            options = getattr(model, "_preprocess_params", {})
            function = _read_function(getattr(model, "_postprocess_params", {}).get("function_to_apply"))
            module, tokenizer = model.model, model.tokenizer
        else:
            module = model
        if not isinstance(module, torch.nn.Module):
            raise ArgumentTypeError(
                "model must be a pipeline of transformers for text classification, or a torch.nn.Module with its tokenizer; "
                f"got {type(module).__name__}."
            )
        if not callable(tokenizer) or not hasattr(tokenizer, "model_max_length"):
            raise ArgumentTypeError(
                f"tokenizer must be the module's tokenizer, of transformers; got {type(tokenizer).__name__}. "
                "transformers.AutoTokenizer loads it."
            )
        if max_length is None and options.get("truncation"):
            max_length = options.get("max_length")
        self.max_length = find_limit(module, tokenizer, max_length)
        self.batch_tokens = None if batch_tokens is None else check_count("batch_tokens", batch_tokens, 1)
        self._config = getattr(module, "config", None)
        self._function = function or _find_function(self._config)
        self._encoder = Encoder(tokenizer, self.max_length, options)
        trial = self._encoder.encode(["a", "a b c d e f g h"])
        padding = _find_padding(module, tokenizer)
        self._module = TextModule(module, padding, getattr(tokenizer, "padding_side", "right"), batch_tokens, trial)

    def __repr__(self) -> str:
        names = [type(part).__name__ for part in (self._module.module, self._encoder.tokenizer)]
        settings = [f"<{name}>" for name in names] + [f"max_length={self.max_length}"]
        settings += [] if self.batch_tokens is None else [f"batch_tokens={self.batch_tokens}"]
        return f"TransformersModel({', '.join(settings)})"

    @property
    def outputs(self) -> ModelOutputs:
        """What the module's configuration says about its outputs."""
        names = getattr(self._config, "id2label", None)
        kind = {"softmax": "probabilities", "sigmoid": "scores", "none": "scores"}[self._function]
        if not isinstance(names, Mapping) or set(names) != set(range(len(names))):
            return ModelOutputs(kind, is_slow=True)
        return ModelOutputs(kind, tuple(str(names[number]) for number in range(len(names))), True, is_slow=True)

    def __call__(self, batch: Iterable[Any]) -> np.ndarray:
        """The scores of all labels for each text or pair of texts, of shape (m, k).

        Raises
        ------
        ArgumentError
            If the module is in training mode, or does not know a token.
        ArgumentTypeError
            If the batch holds neither texts nor pairs of texts.
        ModelError
            If the device has no room for a single text, or a text without tokens cannot be read.
        PredictionError
            If the module does not give a row of logits for each text.
        """
        return self._score(self._encoder.encode(batch))

    def _score(self, columns: Columns) -> np.ndarray:
        logits = self._module.predict(columns).astype(np.float64)
        if self._function == "softmax":
            from scipy.special import softmax

            return np.asarray(softmax(logits, axis=1))
        if self._function == "sigmoid":
            from scipy.special import expit

            return np.asarray(expit(logits))
        return logits

    @property
    def batch_rounding(self) -> float:
        """By what share of the largest output answers for one text may differ in batches of other shapes: rounding."""
        return self._module.rounding

    def notes_about(self, components: Components) -> tuple[Notice, ...]:
        """What a reader should know about this instance with this model."""
        if not isinstance(components, Parts):
            return ()
        extremes = np.array([[1], [0]], dtype=np.uint8).repeat(len(components.names), axis=1)
        instance, filling = self._encoder.tokenize(components.batch(components.realise(extremes)))
        notes = []
        if self.max_length is not None and len(instance) > self.max_length:
            cut = len(instance) - self.max_length
            text = f"The model reads {self.max_length} tokens at most, and the instance has {len(instance)}: {cut} of them "
            text += f"({cut / len(instance):.0%}) are cut off, and the prediction does not depend on them. The weights of their"
            text += " words say what they do once other words are removed. Explain a shorter text, or give a TransformersModel "
            text += "with a larger max_length where the module can read more."
            notes.append(Notice("text_cut", text, "alert"))
        if not filling:
            text = "With all its words removed, the text has no tokens: the model gets a single special token instead."
            notes.append(Notice("empty_text", text, "information"))
        if self._module.sharing == SINGLE:
            text = "The module takes one text at a time. Several are faster: set its config.pad_token_id to a token's number."
            notes.append(Notice("single_texts", text, "information"))
        return tuple(notes)


TransformersModel.__module__ = "limelight"  # where users import it from


def _is_pipeline(model: object) -> bool:
    return any(kind.__module__.startswith(_PIPELINES) for kind in type(model).__mro__)


def _check_pipeline(model: Any, tokenizer: object) -> None:
    """Refuse a pipeline for another task, and a tokenizer beside it.

    Raises
    ------
    ArgumentError
        If it is one, or there is one.
    """
    if all(kind.__name__ != _CLASSIFIER for kind in type(model).__mro__):
        task = getattr(model, "task", None) or type(model).__name__
        advice = (
            "LanguageModel asks language models for the scores of answers"
            if task == "text-generation"
            else ("of others, give a function from a batch of inputs to an array of numbers")
        )
        raise ArgumentError(
            f"a pipeline must be for text-classification (sentiment-analysis is the same); this one is for {task}; {advice}."
        )
    if tokenizer is not None:
        raise ArgumentError("a pipeline has its own tokenizer: leave tokenizer out, or give the pipeline's model with it.")


def _read_function(function: Any) -> str | None:
    """What a user had the pipeline make of logits; None where the configuration decides."""
    return None if function is None else str(getattr(function, "value", function)).lower()


def _find_function(config: Any) -> str:
    """What makes scores of logits, as the pipeline for text classification decides (its method ``postprocess``)."""
    if config is None:
        return "none"
    problem, count = getattr(config, "problem_type", None), getattr(config, "num_labels", 0)
    if problem == "regression":
        return "none"
    if problem == "multi_label_classification" or count == 1:
        return "sigmoid"
    if problem == "single_label_classification" or count > 1:
        return "softmax"
    return _read_function(getattr(config, "function_to_apply", None)) or "none"


def _find_padding(module: Any, tokenizer: Any) -> dict[str, int]:
    """What fills up each of the module's arguments: its own padding, since some modules find a text's end by it."""
    text_config = find_text_config(module)
    stated = (getattr(text_config, "pad_token_id", None), getattr(tokenizer, "pad_token_id", None))
    token = next((number for number in stated if isinstance(number, int) and number >= 0), 0)
    return {"input_ids": token, "token_type_ids": getattr(tokenizer, "pad_token_type_id", 0) or 0}


def read_transformers(model: Any) -> TransformersModel | None:
    """A pipeline, or a tuple of a module and its tokenizer, as a callable; None for other models.

    Raises
    ------
    ArgumentError
        If it is a pipeline for another task.
    ArgumentTypeError
        If it is a module for texts without its tokenizer, or a tuple of other things with a module.
    """
    if type(model).__module__.startswith(_PIPELINES) and hasattr(model, "tokenizer"):
        return TransformersModel(model)
    torch = sys.modules.get("torch")  # a user with a module has imported torch
    if torch is None:
        return None
    if isinstance(model, tuple) and len(model) == 2 and isinstance(model[0], torch.nn.Module):
        return TransformersModel(*model)
    if isinstance(model, tuple) and any(isinstance(part, torch.nn.Module) for part in model):
        kinds = ", ".join(type(part).__name__ for part in model)
        raise ArgumentTypeError(f"a module and its tokenizer must be the tuple (module, tokenizer); got ({kinds}).")
    is_of_transformers = hasattr(model, "config") and getattr(model, "main_input_name", None) == "input_ids"
    if isinstance(model, torch.nn.Module) and is_of_transformers:
        name = type(model).__name__
        raise ArgumentTypeError(
            f"a {name} reads tokens: give it with its tokenizer, as the tuple (module, tokenizer), as "
            "TransformersModel(module, tokenizer), or as a pipeline."
        )
    return None


def adapt_transformers(method: Callable[[Any], Any], components: Components) -> ModelPath | None:
    """Put the token ids of perturbed texts together from those of their words, where that is exact; None elsewhere."""
    pieces = find_word_pieces(method._encoder, components) if isinstance(method, TransformersModel) else None
    if pieces is None:
        return None
    assert isinstance(method, TransformersModel)

    def make(neighbourhood: Neighbourhood, rows: np.ndarray) -> Any:
        return pieces.realise(neighbourhood.representation[rows])

    def finish(inputs: list[np.ndarray]) -> np.ndarray:
        return method._score(pieces.complete(inputs))

    return ModelPath(make, finish, id(components), components.batch_size, rounding=method.batch_rounding)
