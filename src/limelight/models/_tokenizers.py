"""Tokenizers of transformers: texts and pairs of texts as token ids, and how many of them a model reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import Any, NamedTuple

import numpy as np

from limelight._checks import check_count
from limelight.exceptions import ArgumentError, ArgumentTypeError, ModelError, describe_error
from limelight.models._token_batches import Columns

__all__ = ["Encoder", "check_vocabulary", "count_tokens", "find_limit", "find_text_config"]

_NO_LIMIT = 10**9  # larger numbers in `model_max_length` say that there is none
_OWN_OPTIONS = ("max_length", "padding", "pad_to_multiple_of", "return_attention_mask", "return_tensors", "truncation")
_tokenizing = RLock()  # a tokenizer must not be changed in one thread while another one uses it


class _Texts(NamedTuple):
    """A batch's texts, and each one's second text where they are pairs."""

    texts: list[str]
    second: list[str] | None


class Encoder:
    """Turns texts into token ids, cut where the model's limit is.

    Parameters
    ----------
    tokenizer : object
        A tokenizer of transformers; it is left as it is.
    limit : int or None
        The largest number of tokens that the model reads.
    options : mapping
        What else a pipeline hands its tokenizer.
    """

    def __init__(self, tokenizer: Any, limit: int | None, options: Mapping[str, Any]) -> None:
        self.tokenizer = tokenizer
        self.limit = limit
        truncation = options.get("truncation")
        self._truncation = truncation if isinstance(truncation, str) and truncation != "do_not_truncate" else "longest_first"
        self._options = {name: value for name, value in options.items() if name not in _OWN_OPTIONS}

    def encode(self, batch: Iterable[Any]) -> Columns:
        """What the model gets of each text, by the name of its argument, without padding.

        Raises
        ------
        ArgumentTypeError
            If the batch holds neither texts nor pairs of texts.
        ModelError
            If the tokenizer raises, or makes no token of a text and has none for an empty one.
        """
        return {name: [np.array(row) for row in rows] for name, rows in self._cut(_read_texts(batch)).items()}

    def tokenize(self, batch: Iterable[Any], **options: Any) -> list[list[int]]:
        """The ids of each text, however many they are."""
        return self._tokenize(_read_texts(batch), **options)["input_ids"]

    @property
    def is_fast(self) -> bool:
        return getattr(self.tokenizer, "is_fast", False) is True

    @property
    def empty_token(self) -> int | None:
        """The token that stands for a text without tokens; None if there is none."""
        ids = (getattr(self.tokenizer, f"{name}_token_id", None) for name in ("bos", "eos", "pad"))
        return next((number for number in ids if number is not None), None)

    def _cut(self, batch: _Texts) -> dict[str, list[list[int]]]:
        columns = self._tokenize(batch)
        lengths = [len(row) for row in columns["input_ids"]]
        if self.limit is not None and max(lengths, default=0) > self.limit:
            # Only now: a tokenizer that cuts is a changed one, and few texts are too long.
            rows = [row for row, length in enumerate(lengths) if length > self.limit]
            second = batch.second and [batch.second[row] for row in rows]
            cut = self._tokenize(
                _Texts([batch.texts[row] for row in rows], second), truncation=self._truncation, max_length=self.limit
            )
            for name, column in columns.items():
                for row, shorter in zip(rows, cut[name], strict=True):
                    column[row] = shorter
        for row, length in enumerate(lengths):
            if not length:
                self._fill_empty(columns, row)
        return columns

    def _fill_empty(self, columns: dict[str, list[list[int]]], row: int) -> None:
        """Put a single token where a tokenizer has made none, since models cannot read a text without tokens."""
        token = self.empty_token
        if token is None:
            raise ModelError(
                "the tokenizer makes no tokens of an empty text, which the model cannot read. Give a mask_string, or keep a "
                "word of the text."
            )
        for name, column in columns.items():
            column[row] = [token if name == "input_ids" else 0]

    def _tokenize(self, batch: _Texts, **options: Any) -> dict[str, list[list[int]]]:
        if not batch.texts:
            return {"input_ids": []}
        try:
            with _tokenizing, _left_as_it_is(self.tokenizer):
                encoded = self.tokenizer(
                    batch.texts,
                    batch.second,
                    padding=False,
                    return_attention_mask=False,
                    verbose=False,
                    **{"truncation": False, **self._options, **options},
                )
        except Exception as error:
            raise ModelError(f"the tokenizer raised {describe_error(error)}") from error
        return {name: list(rows) for name, rows in encoded.items()}


@contextmanager
def _left_as_it_is(tokenizer: Any) -> Iterator[None]:
    """Bring a fast tokenizer's own way to cut and pad back, which every call changes."""
    backend: Any = getattr(tokenizer, "backend_tokenizer", None)
    if not (hasattr(backend, "enable_truncation") and hasattr(backend, "enable_padding")):
        yield
        return
    truncation, padding = backend.truncation, backend.padding
    try:
        yield
    finally:
        if backend.truncation != truncation:
            backend.no_truncation() if truncation is None else backend.enable_truncation(**truncation)
        if backend.padding != padding:
            backend.no_padding() if padding is None else backend.enable_padding(**padding)


def _read_texts(batch: Iterable[Any]) -> _Texts:
    """The texts of a batch: each a str, a pair of str, or a mapping with ``text`` and ``text_pair``, as pipelines take them."""
    inputs = list(batch)
    if all(isinstance(one, str) for one in inputs):
        return _Texts([str(one) for one in inputs], None)
    pairs = [_read_pair(one) for one in inputs]
    return _Texts([first for first, _ in pairs], [second for _, second in pairs])


def _read_pair(one: object) -> tuple[str, str]:
    if isinstance(one, Mapping) and set(one) == {"text", "text_pair"}:
        one = (one["text"], one["text_pair"])
    if isinstance(one, (tuple, list)) and len(one) == 2 and all(isinstance(text, str) for text in one):
        return one[0], one[1]
    described = f"a mapping with {', '.join(map(repr, one))}" if isinstance(one, Mapping) else f"{type(one).__name__}"
    raise ArgumentTypeError(
        "a TransformersModel takes texts, or pairs of texts: all str, all tuples of two str, or all dicts with 'text' and "
        f"'text_pair'; got {described}: {one!r:.80}."
    )


def find_limit(module: Any, tokenizer: Any, max_length: int | None) -> int | None:
    """The largest number of tokens that a module reads, special ones included; None if there is no limit.

    Parameters
    ----------
    module : torch.nn.Module
    tokenizer : object
        A tokenizer of transformers.
    max_length : int or None
        The user's limit; None for the lowest that the tokenizer, the module or its configuration have.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If it leaves room for no token of the text, or the module has no positions for so many.
    """
    positions = _count_positions(module)
    if max_length is not None:
        least = 1 + int(tokenizer.num_special_tokens_to_add(pair=False))
        check_count("max_length", max_length, least)
        if positions is not None and max_length > positions:
            raise ArgumentError(f"max_length must be at most {positions}, the module's number of positions; got {max_length}.")
        return max_length
    config = find_text_config(module)
    stated = [positions, getattr(tokenizer, "model_max_length", None), getattr(config, "max_position_embeddings", None)]
    limits = [int(limit) for limit in stated if isinstance(limit, (int, float)) and 0 < limit < _NO_LIMIT]
    return min(limits, default=None)


def find_text_config(module: Any) -> Any:
    """A module's configuration, or the part about texts where it reads images too; None if it has none."""
    config: Any = getattr(module, "config", None)
    return config.get_text_config() if hasattr(config, "get_text_config") else config


def count_tokens(module: Any) -> int | None:
    """How many tokens a module has vectors for; None where it does not say."""
    try:
        return getattr(module.get_input_embeddings(), "num_embeddings", None)
    except (AttributeError, NotImplementedError):
        return None


def check_vocabulary(module: Any, count: int | None, largest: int) -> None:
    """Refuse a token that a module does not know, before the module fails: on a GPU nothing works after that.

    Raises
    ------
    ArgumentError
        If it knows `count` tokens, and `largest` is no number of them.
    """
    if count is not None and count <= largest:
        raise ArgumentError(
            f"module and tokenizer must belong together: {type(module).__name__} knows {count} tokens, and the tokenizer "
            f"gives token {largest}. Give the module's own tokenizer; if tokens were added to it, call the module's "
            "resize_token_embeddings."
        )


def _count_positions(module: Any) -> int | None:
    """How many positions a module has an embedding for; None if it has no such table, or one of another make."""
    import torch

    counts = [
        # RoBERTa and its kin count positions from the padding's number on.
        part.num_embeddings - (0 if part.padding_idx is None else part.padding_idx + 1)
        for name, part in module.named_modules()
        if isinstance(part, torch.nn.Embedding) and name.rpartition(".")[2] in ("position_embeddings", "wpe")
    ]
    return min(counts, default=None)
