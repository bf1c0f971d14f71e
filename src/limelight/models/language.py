"""Language models: how likely they are to go on with an answer, given a prompt."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from limelight._checks import LOG_ODDS, LOG_PROBABILITY, check_choice, check_count, check_ordered
from limelight.exceptions import ArgumentError, ArgumentTypeError, require
from limelight.models._prompt_tokens import AnswerTokens, PromptTokens, note_answers
from limelight.models._token_batches import cut_batches, pad_batch
from limelight.models._tokenizers import check_vocabulary, count_tokens, find_text_config
from limelight.models._torch_modules import at_least_single, check_mode, find_device_and_dtype
from limelight.stages.output_names import ModelOutputs

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["LanguageModel"]

# A sequence is padded to a multiple of this many tokens, whatever else is asked. Kernels for another width round differently;
# on a CPU with one thread those for another number of rows do not.
_WIDTH_STEP = 8
_CPU_TOKENS, _DEVICE_TOKENS = 2048, 8192  # in a batch
_OUTPUTS = ("log_odds", "log_prob", "per_token")
_ROUNDING_STEPS = 4  # of the number type: what a batch changes in a score
_CAUSAL_TOLERANCE = 1e-2  # of the scores' range: numbers of few bits may round differently beside another token


class _Place(NamedTuple):
    """Where an answer's token is scored.

    Attributes
    ----------
    offset : int
        After how many tokens of the appended ids it comes.
    token : int
    column : int
        Its number among the tokens of all answers.
    """

    offset: int
    token: int
    column: int


class LanguageModel:
    """A causal language model as a callable from prompts to scores of answers.

    A score is the logarithm of the probability that the model goes on with the answer's tokens after the prompt's, whatever
    comes after them: the sum of the logarithms of its tokens' probabilities, each given the prompt and the tokens before it.

    The module runs on its own device and in its own number type, in inference mode; logarithms are taken in single precision at
    least. Neither the module nor the tokenizer is changed.

    Parameters
    ----------
    module : torch.nn.Module
        A causal language model of transformers, or one that is called in the same way, in evaluation mode.
    tokenizer : object
        Its tokenizer, of transformers.
    answers : sequence of str
        What the model may go on with. Blanks count: after "Answer:" most models go on with " yes", not with "yes".
    output : {"log_odds", "log_prob", "per_token"}, optional
        "log_odds", the default of two or more answers, is ``log(p / q)`` of each answer, with its probability p and the sum q
        of the other answers' probabilities. "log_prob", the default of one answer, is the logarithm of each answer's
        probability, "per_token" that of each token of a single answer.
    batch_tokens : int, optional
        How many tokens the module gets at once, at most; a single prompt may have more. By default 2048 on a CPU, where more
        would not stay in its cache, and 8192 on other devices.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If an argument is not allowed.

    Notes
    -----
    The prompt has the special tokens that the tokenizer puts before a text, but none behind it, and the answer has none. Prompt
    and answer are tokenised apart, as when a model writes, and so never share a token. A prompt may be a list of chat messages,
    which the tokenizer's chat template writes. A prompt without any token, such as one without its words, is the token that
    begins texts, or else the one that ends them. A prompt that is too long for the model is refused, and never cut: an
    explanation of it would call words that the model has not seen unimportant.

    Prompts are padded on the right. That changes nothing in a causal model; so the module is tried once for being one.

    On a CPU with one torch thread a prompt's scores have the same bits whatever it is asked with. Otherwise the last bits may
    depend on that. So a batch holds prompts of one instance only, and an explanation is the same alone and among many.

    Examples
    --------
    Which words make a review positive for a language model::

        model = LanguageModel(module.eval(), tokenizer, answers=[" good", " bad"])
        explanation = TextExplainer().explain_instance("The plot is thin, but I laughed. This film is", model)
    """

    depends_on_batch = True  # with several threads, in number types of few bits, and on some devices

    def __init__(
        self,
        module: Any,
        tokenizer: Any,
        *,
        answers: Iterable[str],
        output: str | None = None,
        batch_tokens: int | None = None,
    ) -> None:
        torch = require("torch", extra="transformers", purpose="LanguageModel")
        if not isinstance(module, torch.nn.Module):
            raise ArgumentTypeError(f"module must be a torch.nn.Module; got {type(module).__name__}.")
        if getattr(getattr(module, "config", None), "is_encoder_decoder", False):
            raise ArgumentError(
                f"module must be a causal language model; {type(module).__name__} is an encoder with a decoder. Give a "
                f"callable from prompts to scores instead."
            )
        self.module = module
        self.answers = _check_answers(answers)
        self.output = _choose_output(output, len(self.answers))
        self._batch_tokens = None if batch_tokens is None else check_count("batch_tokens", batch_tokens, 1)
        self._tokens = PromptTokens(tokenizer)
        self._answer_tokens = [self._tokens.encode_answer(answer) for answer in self.answers]
        notes = note_answers(self.answers, self._answer_tokens)
        self._names = _name_outputs(self.answers, self._answer_tokens, self.output)
        self._appended = _find_appended([tokens.ids for tokens in self._answer_tokens])
        self._outputs = ModelOutputs("scores", self._names, notes=notes, are_margins=self.output == "log_odds", is_slow=True)
        self._is_causal = False  # until it was tried

    def __repr__(self) -> str:
        return f"LanguageModel(<{type(self.module).__name__}>, answers={list(self.answers)!r}, output={self.output!r})"

    @property
    def outputs(self) -> ModelOutputs:
        """What the scores are."""
        return self._outputs

    @property
    def batch_rounding(self) -> float:
        """By what share of the largest score those of one prompt may differ in other batches: rounding."""
        import torch

        return _ROUNDING_STEPS * float(torch.finfo(find_device_and_dtype(self.module)[1]).eps)

    def __call__(self, prompts: Iterable[Any]) -> np.ndarray:
        """Scores, of shape (n, k), for n prompts.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If prompts are not texts or chat messages, one of them is too long for the model, or the module is in training mode
            or no causal language model.
        """
        import torch

        if isinstance(prompts, (str, Mapping)):
            raise ArgumentTypeError(f"prompts must be a sequence of them; got a single {type(prompts).__name__}: give a list.")
        check_mode(self.module)
        rows = [np.array(row, dtype=np.int64) for row in self._tokens.encode_prompts(list(prompts))]
        columns = np.zeros((len(rows), sum(len(tokens.ids) for tokens in self._answer_tokens)))
        with torch.inference_mode():
            for appended, places in self._appended.items():
                self._score(rows, appended, places, columns)
        return self._combine(columns)

    def _score(
        self, prompts: Sequence[np.ndarray], appended: tuple[int, ...], places: Sequence[_Place], columns: np.ndarray
    ) -> None:
        """Write the logarithms of the probabilities of some tokens into their columns.

        Parameters
        ----------
        prompts : sequence of ndarray of int
            The prompts' ids.
        appended : tuple of int
            The ids that are appended to each prompt.
        places : sequence of _Place
            The tokens.
        columns : ndarray of shape (n, t)
            A row for each prompt, a column for each token of the answers.
        """
        sequences = [np.append(prompt, appended).astype(np.int64) for prompt in prompts]
        lengths = np.array([len(sequence) for sequence in sequences], dtype=np.intp)
        widths = -(-lengths // _WIDTH_STEP) * _WIDTH_STEP
        limit = self._find_limit()
        if limit is not None:
            _check_length(int(lengths.max(initial=0)), limit, len(appended))
            widths = np.minimum(widths, limit)
        on_cpu = find_device_and_dtype(self.module)[0].type == "cpu"
        most_tokens = self._batch_tokens or (_CPU_TOKENS if on_cpu else _DEVICE_TOKENS)
        for rows in cut_batches(widths, most_tokens, batch_cost=0):
            given = pad_batch({"input_ids": sequences}, rows, int(widths[rows[0]]), {}, "right")
            self._try_causality(given["input_ids"])
            last = lengths[rows] - len(appended) - 1  # where each prompt's last token stands
            columns[np.ix_(rows, np.array([place.column for place in places]))] = self._read(given, last, len(appended), places)

    def _combine(self, columns: np.ndarray) -> np.ndarray:
        """The outputs, from the logarithms of the probabilities of all answers' tokens, of shape (n, t)."""
        if self.output == "per_token":
            return columns
        ends = np.cumsum([len(tokens.ids) for tokens in self._answer_tokens])
        sums = np.column_stack([part.sum(axis=1) for part in np.split(columns, ends[:-1], axis=1)])
        if self.output == "log_prob":
            return sums
        others = [np.logaddexp.reduce(np.delete(sums, answer, axis=1), axis=1) for answer in range(sums.shape[1])]
        return np.asarray(sums - np.column_stack(others))

    def _read(
        self, given: Mapping[str, np.ndarray], last: np.ndarray, num_appended: int, places: Sequence[_Place]
    ) -> np.ndarray:
        """The logarithms of the probabilities of tokens after b sequences, of shape (b, places)."""
        import torch

        width = given["input_ids"].shape[1]
        kept = min(width, _WIDTH_STEP + num_appended)  # from the shortest prompt's last token on, or more
        scores = self._ask(given, kept)
        rows = torch.arange(len(last), device=scores.device)[:, None]
        offsets = torch.tensor([place.offset for place in places], device=scores.device)
        tokens = torch.tensor([place.token for place in places], device=scores.device)
        chosen = scores[rows, torch.from_numpy(last - (width - kept)).to(scores.device)[:, None] + offsets]
        logarithms = at_least_single(chosen).log_softmax(dim=2).gather(2, tokens.expand(len(last), -1)[:, :, None])[:, :, 0]
        return np.asarray(logarithms.double().cpu().numpy())

    def _ask(self, given: Mapping[str, np.ndarray], kept: int) -> Tensor:
        """The module's scores of all tokens of the vocabulary, of shape (b, kept, vocabulary), after the last ids of each row.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If it gives no such scores.
        """
        import torch

        ids = given["input_ids"]
        self._check_vocabulary(count_tokens(self.module), ids)
        device, _ = find_device_and_dtype(self.module)
        known = inspect.signature(self.module.forward).parameters
        settings = {name: value for name, value in {"use_cache": False, "logits_to_keep": kept}.items() if name in known}
        answer = self.module(**{name: torch.from_numpy(array).to(device) for name, array in given.items()}, **settings)
        scores = answer if isinstance(answer, torch.Tensor) else getattr(answer, "logits", None)
        if not isinstance(scores, torch.Tensor) or scores.ndim != 3 or len(scores) != len(ids) or scores.shape[1] < kept:
            gave = f"a tensor of shape {tuple(scores.shape)}" if isinstance(scores, torch.Tensor) else type(answer).__name__
            raise ArgumentTypeError(
                f"module must give scores (logits) of shape (prompts, tokens, vocabulary), as causal language models of "
                f"transformers do; {type(self.module).__name__} gave {gave}."
            )
        self._check_vocabulary(scores.shape[2], ids)
        return scores[:, scores.shape[1] - kept :].detach()

    def _check_vocabulary(self, count: int | None, ids: np.ndarray) -> None:
        """Refuse ids of tokens that the module does not know.

        Raises
        ------
        ArgumentError
            If it knows `count` tokens, and there is a larger id.
        """
        largest = max(int(ids.max()), *chain.from_iterable(tokens.ids for tokens in self._answer_tokens))
        check_vocabulary(self.module, count, largest)

    def _try_causality(self, prompts: np.ndarray) -> None:
        """See whether the scores after a token depend on later tokens, once.

        Raises
        ------
        ArgumentError
            If they do.
        """
        if self._is_causal:
            return
        first, token = int(prompts[0, 0]), self._answer_tokens[0].ids[-1]
        ids = np.array([[first, token, 0], [first, token, 1]])
        scores = self._ask({"input_ids": ids, "attention_mask": np.ones_like(ids)}, 3)[:, :2].double()
        change, spread = (scores[0] - scores[1]).abs().max(), scores.max() - scores.min()
        if bool(change > _CAUSAL_TOLERANCE * spread):
            raise ArgumentError(
                f"module must be a causal language model, whose scores depend on earlier tokens only; those of "
                f"{type(self.module).__name__} changed with a later token. Give a decoder (AutoModelForCausalLM)."
            )
        self._is_causal = True

    def _find_limit(self) -> int | None:
        """How many tokens the model reads at most; None if its configuration does not say."""
        limit = getattr(find_text_config(self.module), "max_position_embeddings", None)
        return limit if isinstance(limit, int) and limit > 0 else None


LanguageModel.__module__ = "limelight"  # where users import it from


def _check_length(length: int, limit: int, num_appended: int) -> None:
    """Refuse a prompt that the model cannot read at once.

    Raises
    ------
    ArgumentError
        If it is too long.
    """
    if length > limit:
        with_answer = f", {num_appended} of them of an answer" if num_appended else ""
        raise ArgumentError(
            f"a prompt has {length} tokens{with_answer}, and the model reads {limit} at most. It is not cut, since words that "
            f"the model does not see would look unimportant: shorten it by {length - limit} tokens."
        )


def _check_answers(answers: Any) -> tuple[str, ...]:
    check_ordered("answers", answers)
    if isinstance(answers, (str, Mapping)) or not isinstance(answers, Iterable):
        raise ArgumentTypeError(f"answers must be a sequence of texts, such as [' yes', ' no']; got {answers!r:.200}.")
    given = tuple(answers)
    for answer in given:
        if not isinstance(answer, str):
            raise ArgumentTypeError(f"each of answers must be a str; got {answer!r:.80}.")
        if not answer:
            raise ArgumentError("each of answers must have a character at least; got ''.")
    if not given:
        raise ArgumentError("answers must have one text at least; got none.")
    doubled = next((answer for place, answer in enumerate(given) if answer in given[:place]), None)
    if doubled is not None:
        raise ArgumentError(f"answers must be distinct; got {doubled!r} twice.")
    return given


def _choose_output(output: object, num_answers: int) -> str:
    if output is None:
        return "log_odds" if num_answers > 1 else "log_prob"
    chosen = check_choice("output", output, _OUTPUTS)
    if chosen == "log_odds" and num_answers == 1:
        raise ArgumentError('output="log_odds" needs two answers at least, of which each has odds against the others; got 1.')
    if chosen == "per_token" and num_answers > 1:
        raise ArgumentError(f'output="per_token" needs a single answer, whose tokens are the outputs; got {num_answers}.')
    return chosen


def _name_outputs(answers: Sequence[str], tokens: Sequence[AnswerTokens], output: str) -> tuple[str, ...]:
    if output == "log_odds":
        return tuple(LOG_ODDS + answer for answer in answers)
    if output == "log_prob":
        return tuple(LOG_PROBABILITY + answer for answer in answers)
    texts = tokens[0].texts
    names = [f"{text} (token {place + 1})" if texts.count(text) > 1 else text for place, text in enumerate(texts)]
    return tuple(LOG_PROBABILITY + name for name in names)


def _find_appended(answers: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], list[_Place]]:
    """Which ids to append to a prompt, and which tokens of the answers are scored behind them.

    The last token of an answer need not be there for its own score. So one pass serves all answers of a single token, and
    with longer ones a pass serves all whose tokens but the last begin the ids that it appends.

    Examples
    --------
    >>> from limelight.models.language import _find_appended
    >>> {ids: len(places) for ids, places in _find_appended([(5,), (7, 8, 9), (7, 8)]).items()}
    {(7, 8): 6}
    """
    heads = {ids[:-1] for ids in answers}
    longest = [head for head in heads if not any(other != head and other[: len(head)] == head for other in heads)]
    appended: dict[tuple[int, ...], list[_Place]] = {head: [] for head in sorted(longest)}
    columns = iter(range(sum(map(len, answers))))
    for ids in answers:
        home = next(head for head in appended if head[: len(ids) - 1] == ids[:-1])
        appended[home] += [_Place(offset, token, next(columns)) for offset, token in enumerate(ids)]
    return appended
