"""Prompts and answers as ids of a tokenizer, which is asked and never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from itertools import pairwise
from typing import Any, NamedTuple

from limelight._checks import list_names
from limelight.exceptions import ArgumentError, ArgumentTypeError, describe_error, is_interruption
from limelight.results.explanation import Notice

__all__ = ["AnswerTokens", "PromptTokens", "note_answers"]

# What stands before an answer while it is tokenised: a letter, and signs that hardly any tokenizer merges with what follows.
_BEFORE_ANSWERS = ("a", ":", "\n", ".", '"')


class AnswerTokens(NamedTuple):
    """An answer as ids.

    Attributes
    ----------
    ids : tuple of int
    texts : tuple of str
        What each of them adds to a text; its name in the vocabulary where that is no whole character.
    read_as : str
        What the ids say, which is the answer where the tokenizer keeps all of it.
    """

    ids: tuple[int, ...]
    texts: tuple[str, ...]
    read_as: str


class PromptTokens:
    """A tokenizer of transformers, asked for the ids of prompts and of answers that follow them.

    Parameters
    ----------
    tokenizer : object

    Raises
    ------
    ArgumentTypeError
        If it is no such tokenizer.
    """

    def __init__(self, tokenizer: Any) -> None:
        if not callable(tokenizer) or not callable(getattr(tokenizer, "decode", None)):
            raise ArgumentTypeError(
                f"tokenizer must be a tokenizer of transformers, such as AutoTokenizer.from_pretrained(name) gives; got "
                f"{type(tokenizer).__name__}."
            )
        self._tokenizer = deepcopy(tokenizer)  # a fast tokenizer's calls change how it cuts and pads
        self._after_prompts = self._find_end()

    def encode_prompts(self, prompts: Sequence[Any]) -> list[list[int]]:
        """The ids of prompts, with the special tokens that the tokenizer puts before them.

        What it puts behind a text is left out, because the answer goes on from there. Chat messages are written by the
        tokenizer's own chat template, up to where the answer of the model begins. A prompt without a token of its own is the
        token that begins texts, or else the one that ends them.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If a prompt is neither a str nor a list of messages, messages cannot be written, or there is no such token.
        """
        texts = [prompt if isinstance(prompt, str) else self._write_messages(prompt) for prompt in prompts]
        are_plain = [isinstance(prompt, str) for prompt in prompts]
        plain = iter(self._encode([text for text, is_plain in zip(texts, are_plain, strict=True) if is_plain], special=True))
        chats = iter(self._encode([text for text, is_plain in zip(texts, are_plain, strict=True) if not is_plain]))
        rows = [self._without_end(next(plain)) if is_plain else next(chats) for is_plain in are_plain]
        return [row or [self._begin()] for row in rows]

    def encode_answer(self, answer: str) -> AnswerTokens:
        """The ids of an answer that follows a prompt, whatever the prompt is, with its blanks and without special tokens.

        They say the answer when they are appended to other ids. The ids of the answer alone may not: SentencePiece puts a blank
        before every text, so that "yes" would be read as " yes".

        Raises
        ------
        ArgumentError
            If the tokenizer has no tokens for it.
        """
        ids, read_as = self._find_ids(answer)
        unknown = getattr(self._tokenizer, "unk_token_id", None)
        is_asked_for = answer == getattr(self._tokenizer, "unk_token", None)
        if not ids or (unknown in ids and unknown is not None and not is_asked_for):
            raise ArgumentError(f"the tokenizer has no tokens for the answer {answer!r}. Give answers that it can write.")
        grown = [self._read_after(ids[:count]) for count in range(len(ids) + 1)]
        pieces = [later[len(earlier) :] if later.startswith(earlier) else "" for earlier, later in pairwise(grown)]
        names = self._tokenizer.convert_ids_to_tokens(ids)
        texts = [piece if piece and "\ufffd" not in piece else str(name) for piece, name in zip(pieces, names, strict=True)]
        return AnswerTokens(tuple(ids), tuple(texts), read_as)

    def _find_ids(self, answer: str) -> tuple[list[int], str]:
        """The ids of an answer, and what they say after other ids."""
        stripped = answer.lstrip()
        alone, joined, apart = self._encode([answer, f":{stripped}", f": {stripped}"])
        if joined == apart:  # as of WordPiece, for which a blank only parts words: the answer begins with a word
            return alone, answer[: len(answer) - len(stripped)] + self._read_after(alone).lstrip()
        candidates = [alone]
        for before in _BEFORE_ANSWERS:
            head, whole = self._encode([before, before + answer])
            if whole[: len(head)] == head:
                candidates.append(whole[len(head) :])
        read = [self._read_after(ids) for ids in candidates]
        # The first that says the answer; or else all but its blanks; or else the answer alone.
        faults = [(text != answer) + (text.strip() != answer.strip()) for text in read]
        best = faults.index(min(faults))
        return candidates[best], read[best]

    def _encode(self, texts: Sequence[str], special: bool = False) -> list[list[int]]:
        if not texts:
            return []
        rows = self._tokenizer(list(texts), add_special_tokens=special, padding=False, truncation=False, verbose=False)
        return [list(map(int, row)) for row in rows["input_ids"]]

    def _decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def _read_after(self, ids: Sequence[int]) -> str:
        """What ids add to a text that they follow."""
        (head,) = self._encode(["a"])
        before, whole = self._decode(head), self._decode([*head, *ids])
        return whole[len(before) :] if whole.startswith(before) else whole

    def _find_end(self) -> list[int]:
        """The special tokens that the tokenizer puts behind a text."""
        (plain,), (whole,) = self._encode(["a"]), self._encode(["a"], special=True)
        starts = [start for start in range(len(whole) - len(plain) + 1) if whole[start : start + len(plain)] == plain]
        return whole[starts[0] + len(plain) :] if plain and starts else []

    def _without_end(self, ids: list[int]) -> list[int]:
        end = self._after_prompts
        return ids[: -len(end)] if end and ids[-len(end) :] == end else ids

    def _begin(self) -> int:
        """The token of a prompt without any."""
        for name in ("bos_token_id", "eos_token_id"):
            number = getattr(self._tokenizer, name, None)
            if number is not None:
                return int(number)
        raise ArgumentError(
            "a prompt has no tokens, as when all its words are removed, and the tokenizer has no token that begins or ends a "
            "text. Keep a part of the prompt, or give a tokenizer with a bos_token."
        )

    def _write_messages(self, messages: Any) -> str:
        """Chat messages as the tokenizer's template has them, up to where the model's answer begins."""
        is_chat = isinstance(messages, (list, tuple)) and messages and all(isinstance(message, Mapping) for message in messages)
        if not is_chat:
            hint = " Give a list of prompts, of which each may be a list of messages." if isinstance(messages, Mapping) else ""
            raise ArgumentTypeError(
                f"a prompt must be a str, or a list of chat messages with role and content; got "
                f"{type(messages).__name__}.{hint}"
            )
        if not getattr(self._tokenizer, "chat_template", None):
            raise ArgumentError("the tokenizer has no chat template, so that a prompt must be a str; got a list of messages.")
        try:
            return str(self._tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True))
        except BaseException as error:  # a template may raise what it likes
            if is_interruption(error):
                raise
            raise ArgumentError(f"the tokenizer's chat template refuses the messages: {describe_error(error)}") from error


def note_answers(answers: Sequence[str], tokens: Sequence[AnswerTokens]) -> tuple[Notice, ...]:
    """What a reader should know about answers: what the tokenizer changes in them, and which begin with others.

    Raises
    ------
    ArgumentError
        If two answers have the same tokens.
    """
    notes = []
    changed = [(answer, one.read_as) for answer, one in zip(answers, tokens, strict=True) if one.read_as != answer]
    if changed:
        listed = "; ".join(f"{answer!r} is read as {read!r}" for answer, read in changed)
        text = f"The tokenizer does not keep all of the answers: {listed}. What is scored is what it reads."
        notes.append(Notice("changed_answers", text, "information"))
    for place, one in enumerate(tokens):
        for other in range(place):
            if one.ids == tokens[other].ids:
                same = list_names([answers[other], answers[place]])
                raise ArgumentError(f"answers must differ in the tokenizer's tokens; {same} have the same ones.")
    begun = [
        f"{answer!r} begins {longer!r}"
        for answer, one in zip(answers, tokens, strict=True)
        for longer, other in zip(answers, tokens, strict=True)
        if one is not other and other.ids[: len(one.ids)] == one.ids
    ]
    if begun:
        text = f"Answers overlap: {'; '.join(begun)}. The probability of the shorter one counts the longer one, too."
        notes.append(Notice("overlapping_answers", text, "caution"))
    return tuple(notes)
