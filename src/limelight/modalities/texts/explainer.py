"""Texts: the components are words (or characters), a perturbation is the text without some of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from limelight._checks import check_choice, check_flag
from limelight._explainer import Explainer
from limelight._options import DesignName, FeatureSelection, Locality, Mode
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError
from limelight.modalities._words import Blanks, Mask, WordParts
from limelight.modalities._writing import has_uncommon_signs
from limelight.modalities.texts._field_parts import FieldParts
from limelight.modalities.texts._fields import read_fields
from limelight.modalities.texts._kept import Kept, Stretch
from limelight.modalities.texts._units import SpanFunction, Unit, UnitName, check_unit
from limelight.results.explanation import Notice
from limelight.stages.proximity import Kernel, cosine_of_masks

__all__ = ["TextExplainer"]


def hundredfold_cosine(masks: np.ndarray) -> np.ndarray:
    """100 times the cosine distances, of shape (n,), of masks of shape (n, d) from the mask whose components are all on."""
    return 100.0 * cosine_of_masks(masks)


class TextExplainer(Explainer):
    """Explains predictions about texts, alone or several at a time.

    An instance is a str, or has fields, each with a text: a dict, whose other values stay as they are; a tuple of texts, such
    as a pair; a chat, that is a list of messages with a role and a content; or a `Prompt`. A component of a field is named
    after it, as in ``question: who``, and the model gets instances of the same form: a dict with the same keys, a tuple of the
    same type, a chat. Of a prompt it gets the text.

    Parameters
    ----------
    class_names : sequence of str, or mapping from their numbers, optional
        Names of the model's outputs, in their order; by default the estimator's own classes, or numbers. These classes in
        another order are refused.
    unit : {"word", "grapheme", "sentence", "token"} or callable, default "word"
        What a component is. A word has letters, digits and underscores, with their marks; budoux, where it is installed
        (``pip install 'limelight[text]'``), finds words of Chinese, Japanese and Thai. A grapheme is what a reader takes for
        one character, also a blank (needs regex, of the same extra). Sentences are found by a simple rule. A token is one of
        `tokenizer`. A callable gives the ``(start, stop)`` spans of a text's components, in their order.
    signs : bool, default False
        Whether punctuation, symbols and emoji are components beside words: each emoji, and each run of other signs.
    tokenizer : tokenizer, optional
        For ``unit="token"``, a Hugging Face tokenizer that says where its tokens stand: a fast one of transformers, or one of
        tokenizers. A token's characters but blanks are taken from the text; what is left, the model reads as any text.
    split_expression : str or callable, optional
        Instead of `unit`, a regular expression that matches what separates words (lime's default is ``r"\\W+"``), or a function
        from a text to its tokens, which must be pieces of the text in their order; marks of subwords, such as those of
        ``tokenizer.tokenize``, are understood.
    bow : bool, default True
        Whether a component is a distinct word, removed wherever it stands (bag of words), or a word at one position.
    mask_string : str, optional
        What replaces a removed word where `bow` is False; by default "UNKWORDZ". With `bow` it is not used, as in lime.
    char_level : bool, default False
        Instead of `unit`, whether components are code points. `mask_string` is then a NUL character by default.
    mask : str or callable, optional
        Instead of `mask_string`, what replaces what is removed, with `bow` too: "" removes it, "[MASK]" is a string in its
        place, and a callable gives the replacement of each word.
    blanks : {"keep", "collapse"}, default "keep"
        What becomes of the blanks around what is removed. They stay, or "collapse": of those that meet only the first stay, and
        none that come to stand where the text begins or ends.
    keep : sequence, optional
        What is never removed from instances with fields. Each entry is a field's name, its place in a tuple or a chat, a role
        of a chat, or a stretch of a field's text: ``(field, start, stop)``, counted in characters. A word that a stretch
        touches stays.
    kernel_width : float, optional
        The width of the kernel, for distances of 100 times the cosine distance of the masks; by default 25.
    kernel : callable or str, optional
        ``kernel(distances, kernel_width) -> weights``, or the name of a registered one, instead of
        ``sqrt(exp(-distances**2 / kernel_width**2))``.
    locality : "lime", "local" or float, default "lime"
        How wide the kernel is, instead of `kernel_width`. "lime" is the default width. With "local" it is so narrow that, of
        what counts, on average a quarter of the words is absent. A number between 0 and 1 is a wanted fidelity: the widest
        kernel is taken whose surrogate reaches it.
    feature_selection : {"auto", "forward_selection", "highest_weights", "lasso_path", "none"}, default "auto"
        How the reported components are chosen. "auto" takes the highest weights, or selects up to 6 forward where there are
        fewer than two perturbations for each; "none" reports all.
    alpha : float, default 1.0
        The ridge penalty, per `num_samples` perturbations weighted by the kernel.
    tolerance : float, optional
        Weights count as converged when their intervals reach no further than this share of the largest weight; by default
        0.05, or 0.1 for models that say that they are slow (an attribute ``is_slow`` that is True).
    certainty : float, optional
        Have ``num_samples="auto"`` end once each reported component truly is among the heaviest, and its sign is right, each
        with at least this probability, such as 0.95. It takes the tolerance's place: the list is certain then, and the weights
        may not be.
    mode : {"classification", "regression"}, optional
        What the model's outputs are; by default what an estimator says of itself, and of other models probabilities if they sum
        to 1, else scores.
    design : {"auto", "iid"}, default "auto"
        Where perturbations come from: "auto" enumerates them if they are few enough and otherwise takes complementary pairs
        with evenly spread sizes; "iid" draws them independently, as lime does.
    shortcuts : bool, default True
        Whether a scikit-learn pipeline of text vectorizers may be given what they make of perturbed texts instead of texts.
    random_state : int, None or numpy.random.Generator, default 0
        The seed. The same instance, arguments and seed give the same explanation; None takes fresh entropy.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If an argument is not allowed.

    Notes
    -----
    The neighbourhood is lime's: the number of removed words is uniform on 1, ..., d, and all sets of that many words are
    equally likely (Ribeiro et al., KDD 2016, section 3.3).

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> explainer = TextExplainer(class_names=["ham", "spam"])
    >>> def model(texts):
    ...     spam = [0.1 + 0.6 * ("pills" in text) for text in texts]
    ...     return [[1 - p, p] for p in spam]
    >>> explanation = explainer.explain_instance("cheap pills for you", model, num_features=1)
    >>> [(word, round(weight, 3)) for word, weight in explanation.as_list()]
    [('pills', 0.599)]
    """

    distances = staticmethod(hundredfold_cosine)
    default_design = "complements"
    default_kernel_width = 25.0
    distance_unit = 100.0

    def __init__(
        self,
        *,
        class_names: Iterable[object] | None = None,
        unit: UnitName | SpanFunction | None = None,
        signs: bool = False,
        tokenizer: Any = None,
        split_expression: str | Callable[[str], Iterable[str]] | None = None,
        bow: bool = True,
        mask_string: str | None = None,
        char_level: bool = False,
        mask: Mask | None = None,
        blanks: Blanks = "keep",
        keep: Iterable[str | int | tuple[str | int, int, int]] = (),
        kernel_width: float | None = None,
        kernel: str | Kernel | None = None,
        locality: Locality = "lime",
        feature_selection: FeatureSelection = "auto",
        alpha: float = 1.0,
        tolerance: float | None = None,
        certainty: float | None = None,
        mode: Mode | None = None,
        design: DesignName = "auto",
        shortcuts: bool = True,
        random_state: object = 0,
    ) -> None:
        super().__init__(
            class_names=class_names,
            mode=mode,
            kernel_width=kernel_width,
            kernel=kernel,
            locality=locality,
            feature_selection=feature_selection,
            alpha=alpha,
            tolerance=tolerance,
            certainty=certainty,
            design=design,
            shortcuts=shortcuts,
            random_state=random_state,
        )
        self._unit = check_unit(
            unit=unit, signs=signs, tokenizer=tokenizer, split_expression=split_expression, char_level=char_level
        )
        self._bow = check_flag("bow", bow)
        self._mask = _check_mask(mask, mask_string, self._bow, self._unit)
        self._unused = mask_string if self._bow and mask_string else ""
        self._blanks: Blanks = check_choice("blanks", blanks, ("keep", "collapse"))  # type: ignore[assignment]
        self._kept = Kept.checked(keep)

    def _own_settings(self) -> dict[str, object]:
        keep = {"keep": self._kept.as_list()} if self._kept.entries else {}
        return {**self._unit.options, "bow": self._bow, "mask": self._mask, "blanks": self._blanks, **keep}

    def components(self, instance: Any) -> WordParts | FieldParts:
        """The words, or what else `unit` says, of a text or of an instance's fields.

        Raises
        ------
        ArgumentTypeError
            If the instance is neither a str nor of a form with fields.
        InstanceError
            If it has no words, or not what `keep` keeps.
        """
        if not isinstance(instance, str):
            return FieldParts(read_fields(instance), self._kept, self._split, self._unit.name)
        if self._kept.entries:
            raise InstanceError("keep is about fields, and a text has none: give a dict, a tuple, a chat or a Prompt.")
        parts = self._split(instance)
        if parts is None:
            raise InstanceError(_describe_nothing(instance, self._unit))
        return parts

    def _split(self, text: str, kept: Sequence[Stretch] = ()) -> WordParts | None:
        """The components of a text, without those that touch a kept stretch; None if there are none."""
        spans, notes = self._unit.split(text)
        free = [span for span in spans if not any(span[0] < stop and start < span[1] for start, stop in kept)]
        if not free:
            return None
        parts = WordParts(text, free, self._bow, self._mask, self._blanks, self._unit.name)
        parts.notes += (*notes, *_note_unused(self._unused))
        return parts


TextExplainer.__module__ = "limelight"  # where users import it from


def _describe_nothing(text: str, unit: Unit) -> str:
    excerpt = text if len(text) <= 40 else f"{text[:40]}..."
    option = next(iter(unit.options))
    advice = " If its signs are what matters, give signs=True." if unit.name == "word" and has_uncommon_signs(text) else ""
    return f"the text {excerpt!r} has no {unit.name}s to explain; {option} leaves nothing of it.{advice}"


def _note_unused(mask_string: str) -> tuple[Notice, ...]:
    """That lime's option does nothing in bags of words, as in lime."""
    if not mask_string:
        return ()
    given = f"{mask_string!r:.40}"
    text = f"With bow=True mask_string={given} is not used: removed words leave nothing. Give mask={given}."
    return (Notice("mask_string_unused", text),)


def _check_mask(mask: object, mask_string: object, bow: bool, unit: Unit) -> Mask:
    """What replaces what is removed."""
    if mask_string is not None and not isinstance(mask_string, str):
        raise ArgumentTypeError(f"mask_string must be a str or None; got {mask_string!r}.")
    if mask is not None:
        if mask_string is not None:
            raise ArgumentError(f"give either mask or mask_string; got {mask=!r:.40} and {mask_string=!r:.40}.")
        if not isinstance(mask, str) and not callable(mask):
            raise ArgumentTypeError(f"mask must be a str, or a function from a word to a str; got {mask!r:.60}.")
        return mask
    if bow:
        return ""
    if mask_string is not None:
        return mask_string
    return {"word": "UNKWORDZ", "character": "\0"}.get(unit.name, "")
