"""Prompts of a small language model: limelight beside captum's attribution of language models and shap's of texts.

Each method has a target of its own: LIME's weights, Shapley values, Owen values of shap's groups of words, or what the removal
of a single word changes. So each is held against its own, converged.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial, wraps
from importlib.util import find_spec
from statistics import fmean, median
from time import process_time
from typing import Any, NamedTuple

import numpy as np

from benchmarks._data import DATA
from benchmarks._report import Row, Table, at_least
from limelight import LanguageModel, Prompt, TextExplainer

__all__ = ["tables"]

TEMPLATE = "Review: {review}. Is it good? Answer:"
ANSWER = " yes"
NUM_PROMPTS = 4
FEWER, MORE = 500, 1000  # inputs
REFERENCE_INPUTS = 8000
PERMUTATIONS = 100  # and as many in reverse
_PACKAGES = ("tokenizers", "torch", "transformers")


class Method(NamedTuple):
    """A way to weigh a review's words.

    Attributes
    ----------
    name : str
    weigh : callable
        From a review to a weight for each word.
    reference : callable
        From a review to the weights that this tends to.
    ratio : float or None
        How many times limelight's time it must take at least.
    """

    name: str
    weigh: Callable[[str], np.ndarray]
    reference: Callable[[str], np.ndarray]
    ratio: float | None = None


class Cost(NamedTuple):
    """What a method took, and gave, for one review."""

    milliseconds: float
    inputs: int
    correlation: float
    top_five: float


def tables() -> Iterator[Table]:
    """One table; packages that are not installed are named below it."""
    if any(find_spec(package) is None for package in _PACKAGES):
        missing = ", ".join(package for package in _PACKAGES if find_spec(package) is None)
        print(f"\nLanguage models: not installed: {missing}")
        return
    reviews = _read_reviews()
    module, tokenizer = _make_module(reviews)
    model = LanguageModel(module, tokenizer, answers=[ANSWER])
    counter = _Counter(module)
    prompts = _choose_prompts(reviews)
    methods = [*_our_methods(model), *_captum_methods(module, tokenizer, model), *_shap_methods(model)]
    costs = [_measure(method, prompts, counter) for method in methods]
    rows = [_row(method, of_method, costs[0]) for method, of_method in zip(methods, costs, strict=True)]
    missing = [f"{package}: not installed" for package in ("captum", "shap") if find_spec(package) is None]
    yield Table(
        name="language",
        title=f"Prompts of {min(map(_count, prompts))} to {max(map(_count, prompts))} words, log-probability of an answer of a "
        f"small GPT-2 with random weights: CPU time a prompt, agreement with each method's own limit (means of {NUM_PROMPTS})",
        ratio_of="time / the first",
        rows=rows,
        notes=[
            *missing,
            "the target is for equal inputs, though each method has a limit of its own",
            "inputs: sequences that the module was asked about; top five: how many of the limit's five heaviest words",
            "larger models: at equal inputs captum took 1.7 times as long with 4 million weights, 1.3 with 20 million",
            "limits: LIME's weights, Shapley values (KernelShap), itself (FeatureAblation), Owen values (shap)",
        ],
    )


def _read_reviews() -> list[str]:
    """The words of each review, in an order of their own."""
    reviews = []
    for name in ("pos", "neg"):
        with gzip.open(DATA / "sentences" / f"rt-polarity.{name}.gz", "rt", encoding="latin-1") as lines:
            reviews += [" ".join(re.findall(r"\w+", line)) for line in lines]
    return [reviews[place] for place in np.random.default_rng(0).permutation(len(reviews))]


def _count(review: str) -> int:
    return len(review.split())


def _choose_prompts(reviews: Sequence[str]) -> list[str]:
    """Reviews of 20 words or more that are all different, so that every method has the same words to weigh."""
    chosen = [review for review in reviews if 20 <= _count(review) <= 40 and len({*review.split()}) == _count(review)]
    return chosen[:NUM_PROMPTS]


def _make_module(reviews: Sequence[str]) -> tuple[Any, Any]:
    """A GPT-2 of two layers with random weights, in which words matter more than places, and a tokenizer of the reviews."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer, pieces.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=2000, special_tokens=["<|end|>"], initial_alphabet=alphabet, show_progress=False)
    pieces.train_from_iterator([TEMPLATE.format(review=review) + ANSWER for review in reviews], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=pieces, eos_token="<|end|>")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    sizes = {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 128, "vocab_size": len(tokenizer)}
    module = GPT2LMHeadModel(GPT2Config(**sizes, initializer_range=0.2, bos_token_id=0, eos_token_id=0)).eval()
    with torch.no_grad():
        module.transformer.wpe.weight *= 0.1
    return module, tokenizer


class _Counter:
    """Counts the sequences that a module is asked about."""

    def __init__(self, module: Any) -> None:
        self.count = 0
        forward = module.forward

        @wraps(forward)
        def counted(*arguments: Any, **named: Any) -> Any:
            self.count += len(named["input_ids"])
            return forward(*arguments, **named)

        module.forward = counted  # no hook: captum calls forward itself


def _measure(method: Method, reviews: Sequence[str], counter: _Counter) -> list[Cost]:
    """What each review costs; the first one is weighed once more before, to warm up."""
    method.weigh(reviews[0])
    costs = []
    for review in reviews:
        counter.count = 0
        start = process_time()
        weights = method.weigh(review)
        milliseconds, inputs = 1e3 * (process_time() - start), counter.count
        limit = method.reference(review)
        heaviest = {*np.argsort(-np.abs(limit))[:5].tolist()} & {*np.argsort(-np.abs(weights))[:5].tolist()}
        costs.append(Cost(milliseconds, inputs, float(np.corrcoef(weights, limit)[0, 1]), len(heaviest)))
    return costs


def _row(method: Method, costs: Sequence[Cost], ours: Sequence[Cost]) -> Row:
    """The middle of the times and numbers of inputs, the means of what is between 0 and 1, or 5."""
    milliseconds = median(cost.milliseconds for cost in costs)
    return Row(
        case=method.name,
        figures={
            "ms": milliseconds,
            "inputs": median(cost.inputs for cost in costs),
            "correlation": fmean(cost.correlation for cost in costs),
            "top five": fmean(cost.top_five for cost in costs),
        },
        ratio=milliseconds / median(cost.milliseconds for cost in ours),
        target=None if method.ratio is None else at_least(method.ratio),
    )


def _our_methods(model: LanguageModel) -> list[Method]:
    def weigh(review: str, num_samples: int, seed: int = 0) -> np.ndarray:
        explainer = TextExplainer(random_state=seed)
        prompt = Prompt(TEMPLATE, {"review": review})
        explanation = explainer.explain_instance(prompt, model, num_samples=num_samples, num_features=_count(review))
        weights = {name.removeprefix("review: "): weight for name, weight in explanation.as_list()}
        return np.array([weights[word] for word in review.split()])

    limit = cache(partial(weigh, num_samples=REFERENCE_INPUTS, seed=1))
    return [Method(f"limelight, {number} inputs", partial(weigh, num_samples=number), limit) for number in (FEWER, MORE)]


def _shapley_values(model: LanguageModel, review: str) -> np.ndarray:
    """Those of the words, from permutations and their reverses. An absent word leaves its blanks, as in captum's templates."""
    words = review.split()
    generator = np.random.default_rng(0)
    orders = [generator.permutation(len(words)) for _ in range(PERMUTATIONS)]
    orders += [order[::-1] for order in orders]
    texts = []
    for order in orders:
        shown = [""] * len(words)
        texts.append(" ".join(shown))
        for place in order:
            shown[place] = words[place]
            texts.append(" ".join(shown))
    gains = np.diff(model([TEMPLATE.format(review=text) for text in texts])[:, 0].reshape(len(orders), -1), axis=1)
    return np.mean([gain[np.argsort(order)] for gain, order in zip(gains, orders, strict=True)], axis=0)


def _captum_methods(module: Any, tokenizer: Any, model: LanguageModel) -> list[Method]:
    """captum's ways, with as many inputs as limelight, with twice as many, and with as many as it takes by itself."""
    if find_spec("captum") is None:
        return []
    import torch
    from captum.attr import FeatureAblation, KernelShap, LLMAttribution, TextTemplateInput

    def with_method(kind: Any, **settings: Any) -> Callable[[str], np.ndarray]:
        attribution = LLMAttribution(kind(module), tokenizer)

        def weigh(review: str) -> np.ndarray:
            torch.manual_seed(0)
            words = review.split()
            inputs = TextTemplateInput(TEMPLATE.format(review=" ".join(["{}"] * len(words))), words)
            return np.array(attribution.attribute(inputs, target=ANSWER, **settings).seq_attr.cpu())

        return weigh

    limit = cache(partial(_shapley_values, model))
    alone = with_method(FeatureAblation)
    return [
        Method(f"captum, KernelShap, {FEWER} inputs", with_method(KernelShap, n_samples=FEWER), limit, ratio=4),
        Method(f"captum, KernelShap, {MORE} inputs", with_method(KernelShap, n_samples=MORE), limit),
        Method("captum, KernelShap, its own 25 inputs", with_method(KernelShap), limit),
        Method("captum, FeatureAblation: each word alone", alone, alone),
    ]


def _shap_methods(model: LanguageModel) -> list[Method]:
    """shap's explainer of texts, which asks limelight's model and so has its batches."""
    if find_spec("shap") is None:
        return []
    import shap

    def score(reviews: Any) -> np.ndarray:
        return model([TEMPLATE.format(review=review) for review in reviews])[:, 0]

    def weigh(review: str, most_inputs: int = 500) -> np.ndarray:
        explainer = shap.Explainer(score, shap.maskers.Text(r"\W+"))
        values = explainer([review], max_evals=most_inputs, silent=True)
        return np.asarray(values.values[0]).reshape(-1)

    return [
        Method("shap, at most 500 as by default, through LanguageModel", weigh, lambda review: weigh(review, REFERENCE_INPUTS))
    ]
