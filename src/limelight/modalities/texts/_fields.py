"""Instances of several texts, their fields: dicts, tuples, chats and prompts, each put together again from changed texts."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

from limelight._checks import list_names
from limelight.exceptions import ArgumentTypeError, InstanceError
from limelight.modalities.texts.prompt import Prompt

__all__ = ["Field", "Fields", "read_fields"]

_ROLES = ("assistant", "developer", "system", "tool", "user")  # of messages: one that a chat lacks may still be kept
_AMBIGUOUS = re.compile(r'[:"\[\]]')
_SCALARS = (bool, int, float, complex, type(None))


@dataclass(frozen=True)
class Field:
    """One of an instance's texts.

    Attributes
    ----------
    name : str
        What it is called in the names of components: without colons, quotes and brackets, unless it is in quotes.
    text : str
    calls : frozenset
        What a user may call it: its key, its role, its place.
    """

    name: str
    text: str
    calls: frozenset[object]


@dataclass(frozen=True)
class Fields:
    """The texts of an instance, and how it is put together from them.

    Attributes
    ----------
    kind : str
        The form of the instance.
    fields : tuple of Field
        Its texts.
    compose : callable
        Makes the instance from a text for each field.
    others : mapping of str to object
        What else is in the instance and stays as it is, by its name.
    known : tuple of str
        Names that instances of this kind may lack.
    template : str
        A text that stays around the others; empty where there is none.
    """

    kind: str
    fields: tuple[Field, ...]
    compose: Callable[[Sequence[str]], Any]
    others: Mapping[str, object]
    known: tuple[str, ...] = ()
    template: str = ""

    def fixed_contents(self) -> Iterator[str]:
        """What the instance is beside its texts, as far as it can be written down: numbers by value, other objects by type."""
        yield from (self.kind, self.template)
        for name, value in self.others.items():
            yield from (name, repr(value) if isinstance(value, _SCALARS) else type(value).__name__)


def read_fields(instance: Any) -> Fields:
    """The fields of an instance that is no single text.

    Raises
    ------
    ArgumentTypeError
        If it is neither a dict, a tuple, a list of messages nor a prompt, or a text in it is of another type.
    InstanceError
        If it has no texts, or messages lack what messages have.
    """
    if isinstance(instance, dict):
        return _read_dict(instance)
    if isinstance(instance, tuple):
        return _read_tuple(instance)
    if isinstance(instance, list):
        return _read_chat(instance)
    if isinstance(instance, Prompt):
        return _read_prompt(instance)
    kind = type(instance).__name__
    advice = ""
    if isinstance(instance, Mapping) or hasattr(instance, "to_dict"):
        advice = " Give a dict of its texts, whose other values stay as they are."
    raise ArgumentTypeError(f"a text to explain must be a str; got {kind}.{advice}")


def write_field(name: str) -> str:
    """The name of a field as it stands before a colon: as it is, or in quotes where it could be taken for something else.

    Examples
    --------
    >>> from limelight.modalities.texts._fields import write_field
    >>> write_field("question"), write_field("a: b")
    ('question', '"a: b"')
    """
    is_plain = bool(name) and name.strip() == name and name.isprintable() and not _AMBIGUOUS.search(name)
    return name if is_plain else json.dumps(name, ensure_ascii=not name.isprintable())


def _read_dict(instance: dict[Any, Any]) -> Fields:
    role = instance.get("role")
    if isinstance(role, str) and role in _ROLES and "content" in instance:
        raise InstanceError("a single chat message came as an instance; a chat is a list of messages: give [message].")
    texts = {key: value for key, value in instance.items() if isinstance(value, str)}
    for key in texts:
        if not isinstance(key, str):
            raise ArgumentTypeError(f"a dict's texts must have names of type str; one is called {key!r:.60}.")
    others = {str(key): value for key, value in instance.items() if not isinstance(value, str)}
    _refuse_bytes(others)
    if not texts:
        raise InstanceError(f"a dict to explain must hold texts; none of its values is a str: {list_names(instance)}.")

    def compose(changed: Sequence[str]) -> Any:
        made = copy(instance)
        made.update(zip(texts, changed, strict=True))
        return made

    fields = tuple(Field(write_field(key), text, frozenset([key])) for key, text in texts.items())
    return Fields("dict", fields, compose, others)


def _read_tuple(instance: tuple[Any, ...]) -> Fields:
    for place, text in enumerate(instance):
        if not isinstance(text, str):
            raise ArgumentTypeError(
                f"a tuple to explain must hold texts only; item {place} is {text!r:.60} ({type(text).__name__}). Give a dict, "
                "whose other values stay as they are."
            )
    if not instance:
        raise InstanceError("a tuple to explain must hold texts; it is empty.")
    make = getattr(instance, "_make", type(instance))
    names = getattr(instance, "_fields", None) or [f"text {place}" for place in range(len(instance))]
    fields = tuple(
        Field(write_field(name), text, frozenset([name, place]))
        for place, (name, text) in enumerate(zip(names, instance, strict=True))
    )
    return Fields("tuple", fields, lambda changed: make(changed) if make is not tuple else tuple(changed), {})


def _read_chat(instance: list[Any]) -> Fields:
    if not instance:
        raise InstanceError("a list to explain must hold the messages of a chat; it is empty.")
    if not all(isinstance(message, dict) for message in instance):
        place = next(place for place, message in enumerate(instance) if not isinstance(message, dict))
        raise ArgumentTypeError(
            f"a text to explain must be a str; got list. A list is a chat, of messages {{'role': ..., 'content': ...}}, and "
            f"its item {place} is of type {type(instance[place]).__name__}. Give texts that belong together as a tuple, and a "
            "list of instances to explain_many."
        )
    for place, message in enumerate(instance):
        for key in ("role", "content"):
            if key not in message:
                more = " Where a message has no text, its content is None." if key == "content" else ""
                raise InstanceError(f"a chat's messages must have a role and a content; message {place} has no {key}.{more}")
        if not isinstance(message["role"], str):
            raise ArgumentTypeError(f"a message's role must be a str; message {place} has {message['role']!r:.60}.")
    counts = Counter(message["role"] for message in instance)
    fields: list[Field] = []
    others: dict[str, object] = {}
    places: list[tuple[int, int | None]] = []
    for place, message in enumerate(instance):
        role = message["role"]
        texts, rest = _read_content(place, message["content"])
        for part, text in texts.items():
            numbers = [place] if counts[role] > 1 or len(texts) > 1 else []
            numbers += [part] if len(texts) > 1 and part is not None else []
            name = write_field(role) + (f" [{', '.join(map(str, numbers))}]" if numbers else "")
            fields.append(Field(name, text, frozenset([role, place, name])))
            places.append((place, part))
        others |= {f"message {place}{end}": value for end, value in rest.items()}
    if not fields:
        raise InstanceError("a chat to explain must hold texts; no message has one.")

    def compose(changed: Sequence[str]) -> Any:
        made = copy(instance)
        made[:] = map(_copy_message, instance)
        for (place, part), text in zip(places, changed, strict=True):
            if part is None:
                made[place]["content"] = text
            else:
                made[place]["content"][part]["text"] = text
        return made

    return Fields("chat", tuple(fields), compose, others, known=_ROLES)


def _read_content(place: int, content: Any) -> tuple[dict[int | None, str], dict[str, object]]:
    """The texts in a message's content by the numbers of their parts, None for the whole content; and what is no text."""
    if isinstance(content, str):
        return {None: content}, {}
    if content is None:
        return {}, {"": None}
    if not isinstance(content, list):
        raise ArgumentTypeError(
            f"a message's content must be a str, a list of parts or None; message {place} has {content!r:.60} "
            f"({type(content).__name__})."
        )
    texts: dict[int | None, str] = {}
    others: dict[str, object] = {}
    for number, part in enumerate(content):
        if not isinstance(part, dict):
            raise ArgumentTypeError(
                f"the parts of a message's content must be dicts, such as {{'type': 'text', 'text': ...}}; message {place} has "
                f"{part!r:.60} ({type(part).__name__})."
            )
        text = part.get("text")
        if isinstance(text, str):
            texts[number] = text
        elif part.get("type") == "text":
            raise ArgumentTypeError(
                f"a part of type 'text' must have a text; message {place} has {text!r:.60} in part {number}."
            )
        else:
            others[f", part {number}"] = part
    return texts, others


def _copy_message(message: dict[str, Any]) -> dict[str, Any]:
    """A copy of a message that can be changed: its parts are copies, too."""
    made = copy(message)
    if isinstance(message["content"], list):
        made["content"] = copy(message["content"])
        made["content"][:] = map(copy, message["content"])
    return made


def _read_prompt(instance: Prompt) -> Fields:
    texts = instance.texts()
    others = {name: instance.values[name] for name in instance.placeholders() if name not in texts}
    if not texts:
        raise InstanceError("a prompt to explain must have texts among the values of its template; there are none.")

    def compose(changed: Sequence[str]) -> str:
        return instance.compose(dict(zip(texts, changed, strict=True)))

    fields = tuple(Field(write_field(name), text, frozenset([name])) for name, text in texts.items())
    return Fields("prompt", fields, compose, others, template=instance.template)


def _refuse_bytes(values: Mapping[str, object]) -> None:
    for name, value in values.items():
        if isinstance(value, (bytes, bytearray)):
            raise ArgumentTypeError(
                f"a text to explain must be a str; {name!r:.60} holds {type(value).__name__}. Decode it, or leave it out."
            )
