"""A torch module that reads token ids: how its batches are made, on its device and in its number type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

import numpy as np

from limelight.exceptions import ArgumentTypeError, ModelError, PredictionError
from limelight.models._module_answers import check_device
from limelight.models._token_batches import Columns, cut_batches, pad_batch
from limelight.models._tokenizers import check_vocabulary, count_tokens
from limelight.models._torch_modules import at_least_single, check_mode, find_device_and_dtype, free_memory, is_out_of_memory

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["PADDED", "SAME_LENGTH", "SINGLE", "TextModule"]

# How texts may share a batch, as far as a trial shows that it changes no answer.
PADDED, SAME_LENGTH, SINGLE = "padded", "same length", "single"

# By the kind of device: the tokens in a batch, and what a batch costs besides them, in tokens. See benchmarks/transformers.py.
_BATCH_TOKENS = {"cpu": 1024}
_BATCH_COST = {"cpu": 8}
_MOST_TOKENS = 16384
_COST = 4096
_ROUNDING_STEPS = 4  # of the number type: what a batch's shape changes in an answer
_TRIAL_SHARE = 0.25  # of the square root of a step: padding that a module does not know changes more


class TextModule:
    """Asks a module about token ids.

    Parameters
    ----------
    module : torch.nn.Module
        In evaluation mode; it gives logits of shape (m, k), or an object that has them as ``logits``.
    padding : mapping of str to int
        What fills up each argument.
    side : {"right", "left"}
        Where it goes.
    batch_tokens : int or None
        The largest number of tokens in a batch, padding included; None for the device's default.
    trial : mapping of str to sequence of ndarray
        Two texts of different lengths, the shorter first: the module is tried with them.
    """

    def __init__(self, module: Any, padding: Mapping[str, int], side: str, batch_tokens: int | None, trial: Columns) -> None:
        self.module = module
        self._padding = padding
        self._side = side
        self._batch_tokens = batch_tokens
        self._trial = trial
        self._found_sharing: str | None = None

    @property
    def sharing(self) -> str:
        """How texts may share a batch: `PADDED`, `SAME_LENGTH` or `SINGLE`. The first use tries it."""
        if self._found_sharing is None:
            self._found_sharing = self._try_sharing()
        return self._found_sharing

    @property
    def rounding(self) -> float:
        """By what share of the largest answer a batch's shape may change one."""
        import torch

        return _ROUNDING_STEPS * float(torch.finfo(find_device_and_dtype(self.module)[1]).eps)

    def predict(self, columns: Columns) -> np.ndarray:
        """The module's logits for n texts, of shape (n, k), in single precision at least.

        Parameters
        ----------
        columns : mapping of str to sequence of ndarray
            What a tokenizer made of the texts.

        Raises
        ------
        ArgumentError
            If the module is in training mode, or does not know a token.
        ArgumentTypeError, PredictionError
            If it does not give a row of logits for each text.
        ModelError
            If the device has no room for a single text.
        """
        count = len(columns["input_ids"])
        if not count:
            raise PredictionError("the model must be asked about one text or more; got none.")
        check_mode(self.module)
        parts = [(rows, self._predict_rows(columns, rows)) for rows in self._cut(columns)]
        logits = np.empty((count, parts[0][1].shape[1]), dtype=parts[0][1].dtype)
        for rows, answer in parts:
            logits[rows] = answer
        return logits

    def _cut(self, columns: Columns) -> list[np.ndarray]:
        lengths = np.array([len(ids) for ids in columns["input_ids"]])
        device = find_device_and_dtype(self.module)[0].type
        most = self._batch_tokens or _BATCH_TOKENS.get(device, _MOST_TOKENS)
        if len(lengths) == 1 or self.sharing == SINGLE:
            return [np.array([row]) for row in range(len(lengths))]
        return cut_batches(lengths, most, 0 if self.sharing == SAME_LENGTH else _BATCH_COST.get(device, _COST))

    def _predict_rows(self, columns: Columns, rows: np.ndarray) -> np.ndarray:
        """The logits of texts in one batch, or in halves of it where the device has no room."""
        try:
            return self._predict_batch(columns, rows)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                check_device(error)
                raise
            if len(rows) == 1:
                raise ModelError("the device has no room for a single text. Give a smaller max_length.") from error
        free_memory(self.module)  # that of the failed batch, which its error held until now
        half = len(rows) // 2
        return np.concatenate([self._predict_rows(columns, part) for part in (rows[:half], rows[half:])])

    def _predict_batch(self, columns: Columns, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        import torch

        numbers = np.asarray(rows)
        length = max(len(columns["input_ids"][row]) for row in numbers)
        arrays = pad_batch(columns, numbers, length, self._padding, self._side)
        check_vocabulary(self.module, count_tokens(self.module), int(arrays["input_ids"].max()))
        device, _ = find_device_and_dtype(self.module)
        with torch.no_grad():
            arguments = {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}
            answer = self.module(**self._choose(arguments))
            logits = getattr(answer, "logits", answer)
            self._check_logits(logits, len(numbers))
            return np.asarray(at_least_single(logits).cpu().numpy())

    def _choose(self, arguments: dict[str, Tensor]) -> dict[str, Any]:
        """The arguments that the module takes; as in a pipeline, it keeps no cache."""
        parameters = signature(self.module.forward).parameters
        takes_all = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters.values())
        chosen: dict[str, Any] = {name: value for name, value in arguments.items() if takes_all or name in parameters}
        return {**chosen, "use_cache": False} if "use_cache" in parameters else chosen

    def _check_logits(self, logits: object, count: int) -> None:
        import torch

        if not isinstance(logits, torch.Tensor):
            raise ArgumentTypeError(
                f"the module must return logits, or an object that has them; it returned {type(logits).__name__}. Give a "
                "module for classification, such as transformers.AutoModelForSequenceClassification makes."
            )
        if logits.ndim != 2 or len(logits) != count:
            raise PredictionError(
                f"the module must give logits of shape ({count}, k), a row for each text; it gave {tuple(logits.shape)}. "
                "Modules that answer for each token, as language models do, are asked by a LanguageModel or a callable."
            )

    def _try_sharing(self) -> str:
        """See how two texts can share a batch so that the module says of each what it says of it alone.

        A module may have no padding, count its positions from the padding on, or not know what is padding; no attribute says so
        of every kind of module.
        """
        import torch

        short, long = map(len, self._trial["input_ids"])
        alone = np.concatenate([self._predict_batch(self._trial, [row]) for row in (0, 1)])
        step = torch.finfo(find_device_and_dtype(self.module)[1]).eps
        tolerance = _TRIAL_SHARE * np.sqrt(step) * max(float(np.abs(alone).max()), 0.05)
        trials = [(PADDED, [0, 1])] if short < long else []  # otherwise padding cannot be tried
        for sharing, rows in [*trials, (SAME_LENGTH, [0, 0])]:
            try:
                together = self._predict_batch(self._trial, rows)
            except ValueError:  # as decoders without a token for padding raise
                continue
            if np.abs(together - alone[rows]).max() <= tolerance:
                return sharing
        return SINGLE
