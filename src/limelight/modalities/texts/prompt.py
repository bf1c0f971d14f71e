"""A prompt: a template and the values that it is filled in with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import NamedTuple

from limelight._checks import list_names
from limelight.exceptions import ArgumentError, ArgumentTypeError, read_message
from limelight.results.equality import EqualityMixin

__all__ = ["Prompt"]

_FORMATTER = Formatter()


class _Piece(NamedTuple):
    """A piece of a template: text, and the value that follows, with its conversion and its format."""

    before: str
    name: str | None
    conversion: str | None
    spec: str


@dataclass(frozen=True, eq=False)
class Prompt(EqualityMixin):
    """A template and its values, as an instance of `TextExplainer`: the model gets the text that they make.

    Words of the values are components, each with the name of its value. The template's own words always stay.

    Parameters
    ----------
    template : str
        A text with names in braces, as for `str.format`: ``"Answer briefly: {question}"``. Braces of its own are doubled.
    values : mapping of str to object
        What the names stand for. Texts are explained, unless `TextExplainer` is told to keep them; numbers and other values
        are written as `str.format` writes them, and always stay. Values that the template does not name are not used.

    Raises
    ------
    ArgumentError
        If the template is not well formed, names a value that is missing, or cuts a text by its format.
    ArgumentTypeError
        If an argument is of another type, or a value that the template names is None or bytes.

    Examples
    --------
    >>> from limelight import Prompt, TextExplainer
    >>> prompt = Prompt("Is this a film of {year}? {text}", {"year": 1990, "text": "a silent film"})
    >>> str(prompt)
    'Is this a film of 1990? a silent film'
    >>> explanation = TextExplainer().explain_instance(prompt, lambda texts: ["silent" in text for text in texts])
    >>> explanation.as_list()[0][0]
    'text: silent'
    """

    template: str
    values: Mapping[str, object]

    def __post_init__(self) -> None:
        if not isinstance(self.template, str):
            raise ArgumentTypeError(f"template must be a str; got {self.template!r:.80} ({type(self.template).__name__}).")
        if not isinstance(self.values, Mapping):
            raise ArgumentTypeError(f"values must be a mapping of names to values; got {type(self.values).__name__}.")
        object.__setattr__(self, "values", dict(self.values))
        for name in self.placeholders():
            if name not in self.values:
                raise ArgumentError(
                    f"template names the value {name!r}, which is missing; there are {list_names(self.values)}."
                )
            value = self.values[name]
            if value is None or isinstance(value, (bytes, bytearray)):
                raise ArgumentTypeError(
                    f"values must be texts, or numbers and others that stay as they are; {name!r} is {value!r:.60} "
                    f"({type(value).__name__})."
                )
        for piece in self._parse():
            # Words beyond the cut would look as if they did not matter to the model.
            if isinstance(self.values.get(piece.name or ""), str) and "." in piece.spec:
                raise ArgumentError(
                    f"template must not cut texts; the format of {piece.name!r} is {piece.spec!r}. Give a shorter value."
                )
        self.compose({})

    def placeholders(self) -> tuple[str, ...]:
        """The names of the values in the template, each once, in its order."""
        return tuple(dict.fromkeys(piece.name for piece in self._parse() if piece.name is not None))

    def texts(self) -> dict[str, str]:
        """The values in the template that are texts, by their names."""
        values = {name: self.values[name] for name in self.placeholders()}
        return {name: value for name, value in values.items() if isinstance(value, str)}

    def compose(self, changed: Mapping[str, str]) -> str:
        """The template filled in, with some values changed.

        Parameters
        ----------
        changed : mapping of str to str
            Other texts for some names.

        Raises
        ------
        ArgumentError
            If a value cannot be written in the format that the template asks for.
        """
        values = {**self.values, **changed}
        written = []
        for piece in self._parse():
            written.append(piece.before)
            if piece.name is not None:
                try:
                    value = _FORMATTER.convert_field(values[piece.name], piece.conversion)
                    written.append(format(value, piece.spec))
                except Exception as error:
                    raise ArgumentError(f"template: {piece.name!r} cannot be written there: {read_message(error)}.") from error
        return "".join(written)

    def __str__(self) -> str:
        return self.compose({})

    def _parse(self) -> list[_Piece]:
        try:
            parsed = list(_FORMATTER.parse(self.template))
        except ValueError as error:
            raise ArgumentError(f"template is not well formed: {error}. Double braces that are no names.") from error
        pieces = []
        for before, name, spec, conversion in parsed:
            if name is not None and (not name or name[0].isdigit() or any(sign in name for sign in ".[")):
                raise ArgumentError(
                    f"template must have plain names in braces, such as {{question}}; got {{{name}}}. Double braces that are "
                    "no names."
                )
            if spec and "{" in spec:
                raise ArgumentError(f"template: the format of {name!r} must not have names in it; got {spec!r}.")
            pieces.append(_Piece(before, name, conversion, spec or ""))
        return pieces


Prompt.__module__ = "limelight"  # where users import it from
