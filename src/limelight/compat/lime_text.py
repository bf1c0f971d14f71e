"""Texts, under lime's names."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.metrics import pairwise_distances
from sklearn.utils import check_random_state

from limelight._seeds import fingerprint
from limelight.compat import explanation, lime_base
from limelight.compat._draws import Draws
from limelight.compat._hooks import has_own_base, has_own_method, needs_scikit_learn
from limelight.compat._kernels import bind_kernel, limelight_kernel
from limelight.compat._translation import Answer, Wish, ask_limelight, choose_labels, fit_classically, record, warn_of_notices
from limelight.compat.exceptions import LimeError
from limelight.exceptions import ArgumentError, InstanceError, KernelError
from limelight.modalities.texts.explainer import TextExplainer
from limelight.results.views import Span, TextView, View

__all__ = ["IndexedCharacters", "IndexedString", "LimeTextExplainer", "TextDomainMapper"]


class TextDomainMapper(explanation.DomainMapper):
    """What the components of a text are called: its words.

    Parameters
    ----------
    indexed_string : IndexedString or IndexedCharacters
        The text and its words.
    """

    def __init__(self, indexed_string: Any) -> None:
        self.indexed_string = indexed_string

    def map_exp_ids(  # type: ignore[override]
        self, exp: list[tuple[int, float]], positions: bool = False
    ) -> list[tuple[str, float]]:
        """The same list with words in place of numbers, with ``positions`` followed by where they stand: ``good_0-12``."""
        named = []
        for number, weight in exp:
            word = str(self.indexed_string.word(number))
            if positions:
                word += "_" + "-".join(map(str, self.indexed_string.string_position(number).tolist()))
            named.append((word, weight))
        return named

    def make_view(self, listed: list[int], text: bool = True, opacity: bool = True) -> View:  # noqa: ARG002 - tints are strengths
        """The text with its words, or nothing of it."""
        if not text:
            return super().make_view(listed)
        string = self.indexed_string
        spans = [
            Span(int(start), int(start) + len(string.word(number)), number)
            for number in range(string.num_words())
            for start in np.ravel(string.string_position(number))
        ]
        return TextView(string.raw_string(), tuple(spans), "character" if isinstance(string, IndexedCharacters) else "word")


class IndexedString:
    """A text cut into words and what stands between them.

    Parameters
    ----------
    raw_string : str
        The text.
    split_expression : str or callable, default ``\\\\W+``
        What separates words, or a function from a text to its words.
    bow : bool, default True
        Whether all places of a word are one component.
    mask_string : str, optional
        What stands in a removed word's place where ``bow`` is False; by default ``UNKWORDZ``.

    Attributes
    ----------
    as_list, as_np : list of str, ndarray of str
        All pieces of the text in order.
    string_start : ndarray of int
        Where each piece begins.
    inverse_vocab : list of str
        The word of each component.
    positions : list of list of int, or ndarray of int
        The pieces of each component: a list of them where ``bow`` is True, else one.
    """

    _default_mask = "UNKWORDZ"

    def __init__(
        self,
        raw_string: str,
        split_expression: str | Callable[[str], Iterable[str]] = r"\W+",
        bow: bool = True,
        mask_string: str | None = None,
    ) -> None:
        pieces, are_words = self._cut(raw_string, split_expression)
        self._index(raw_string, pieces, are_words, bow, mask_string)

    def _cut(self, text: str, split_expression: Any) -> tuple[list[str], Callable[[str], bool]]:
        """The pieces of a text, and a function that tells which are words."""
        if callable(split_expression):
            tokens = list(split_expression(text))
            known = set(tokens)
            return self._segment_with_tokens(text, tokens), lambda piece: piece in known
        splitter = re.compile(rf"({split_expression})|$")
        pieces = [piece for piece in splitter.split(text) if piece]
        return pieces, lambda piece: splitter.match(piece) is None

    def _index(self, text: str, pieces: list[str], is_word: Callable[[str], bool], bow: bool, mask_string: str | None) -> None:
        self.raw = text
        self.bow = bow
        self.mask_string = self._default_mask if mask_string is None else mask_string
        self.as_list = pieces
        self.as_np = np.array(pieces)
        self.string_start = np.cumsum([0, *(len(piece) for piece in pieces[:-1])])
        places = [(piece, place) for place, piece in enumerate(pieces) if is_word(piece)]
        self.positions: Any
        if bow:
            by_word: dict[str, list[int]] = {}
            for piece, place in places:
                by_word.setdefault(piece, []).append(place)
            self.inverse_vocab = list(by_word)
            self.positions = list(by_word.values())
        else:
            self.inverse_vocab = [piece for piece, _ in places]
            self.positions = np.array([place for _, place in places], dtype=int)

    def raw_string(self) -> str:
        """The text."""
        return self.raw

    def num_words(self) -> int:
        """The number of components."""
        return len(self.inverse_vocab)

    def word(self, id_: int) -> str:
        """The word of a component."""
        return self.inverse_vocab[id_]

    def string_position(self, id_: int) -> np.ndarray:
        """Where a component's word begins, at each of its places."""
        return np.atleast_1d(self.string_start[self.positions[id_]])

    def inverse_removing(self, words_to_remove: Iterable[int]) -> str:
        """The text without some components: cut out where ``bow`` is True, else with the mask in their place."""
        removed = set(self.__get_idxs(list(words_to_remove)))
        mask = "" if self.bow else self.mask_string
        return "".join(mask if place in removed else piece for place, piece in enumerate(self.as_list))

    @staticmethod
    def _segment_with_tokens(text: str, tokens: Iterable[str]) -> list[str]:
        """The tokens of a text, in their order, and what stands between them."""
        pieces, done = [], 0
        for token in tokens:
            start = text.find(token, done)
            if start < 0:
                raise ValueError(f"Tokenization produced tokens that do not belong in string: {token!r:.80}.")
            pieces += [text[done:start], token]
            done = start + len(token)
        return [piece for piece in (*pieces, text[done:]) if piece]

    def __get_idxs(self, words: list[int]) -> list[int]:
        """The pieces of some components."""
        return [int(place) for word in words for place in np.ravel(self.positions[word])]


class IndexedCharacters(IndexedString):
    """A text cut into its characters; as `IndexedString`, with the character 0 as mask."""

    _default_mask = "\0"

    def __init__(self, raw_string: str, bow: bool = True, mask_string: str | None = None) -> None:
        self._index(raw_string, list(raw_string), lambda _: True, bow, mask_string)


class LimeTextExplainer:
    """Explains predictions about texts: which words matter.

    Parameters
    ----------
    kernel_width : float, default 25
        The kernel's width, for 100 times the cosine distance.
    kernel : callable, optional
        ``kernel(distances, kernel_width)``.
    verbose : bool, default False
        Whether to print each surrogate's intercept and prediction beside the model's.
    class_names : sequence of str, optional
        Names of the classes.
    feature_selection : {"auto", "forward_selection", "highest_weights", "lasso_path", "none"}, default "auto"
        How the listed words are chosen; "auto" selects up to 6 forward.
    split_expression : str or callable, default ``\\\\W+``
        What separates words, or a function from a text to its words.
    bow : bool, default True
        Whether all places of a word are one component.
    mask_string : str, optional
        What stands in a removed word's place where ``bow`` is False.
    random_state : int, numpy.random.RandomState or None
        The seed; None is numpy's own global state.
    char_level : bool, default False
        Whether components are characters.
    """

    def __init__(
        self,
        kernel_width: float | None = 25,
        kernel: Any = None,
        verbose: bool = False,
        class_names: Any = None,
        feature_selection: str = "auto",
        split_expression: str | Callable[[str], Iterable[str]] = r"\W+",
        bow: bool = True,
        mask_string: str | None = None,
        random_state: Any = None,
        char_level: bool = False,
    ) -> None:
        self._kernel_fn = bind_kernel(kernel, 25.0 if kernel_width is None else kernel_width)
        self.random_state = check_random_state(random_state)
        self.base = lime_base.LimeBase(self._kernel_fn, verbose, random_state=self.random_state)
        self.class_names = class_names
        self.vocabulary = None
        self.feature_selection = feature_selection
        self.bow = bow
        self.mask_string = mask_string
        self.split_expression = split_expression
        self.char_level = char_level
        self._draws = Draws()
        self._warned: set[str] = set()

    def explain_instance(
        self,
        text_instance: str,
        classifier_fn: Any,
        labels: Iterable[int] = (1,),
        top_labels: int | None = None,
        num_features: int = 10,
        num_samples: int = 5000,
        distance_metric: Any = "cosine",
        model_regressor: Any = None,
    ) -> explanation.Explanation:
        """Explain the prediction for a text.

        Parameters
        ----------
        text_instance : str
            The text.
        classifier_fn : callable
            From a list of n texts to probabilities of shape (n, k). Give a pipeline's method itself, not a function around it:
            limelight knows what to make of it.
        labels : iterable of int, default (1,)
            Which outputs to explain.
        top_labels : int, optional
            Explain this many outputs instead: those with the highest predictions.
        num_features : int, default 10
            The largest number of words to list.
        num_samples : int, default 5000
            The number of perturbations, the text included.
        distance_metric : str or callable, default "cosine"
            A distance of scikit-learn's ``pairwise_distances``.
        model_regressor : object, optional
            A linear regressor to fit instead of the ridge.

        Raises
        ------
        IndexError
            If the model has no such label.
        ValueError
            If the text has no words.
        """
        indexed = self._index(text_instance)
        wish = Wish.of(
            labels,
            top_labels,
            num_features=num_features,
            num_samples=num_samples,
            distance_metric=distance_metric,
            own_metric="cosine",
            model_regressor=model_regressor,
            feature_selection=self.feature_selection,
        )
        own_neighbourhood = has_own_method(self, "_LimeTextExplainer__data_labels_distances", _DATA_LABELS_DISTANCES)
        has_own_pieces = own_neighbourhood or has_own_base(self.base, self._kernel_fn)
        if has_own_pieces or needs_scikit_learn(distance_metric, model_regressor):
            answer = self._explain_classically(indexed, classifier_fn, wish)
        else:
            answer = self._explain(indexed, classifier_fn, wish)
        warn_of_notices(answer, self._warned)
        return self._describe(indexed, answer, wish)

    def _index(self, text: str) -> IndexedString:
        if self.char_level:
            return IndexedCharacters(text, bow=self.bow, mask_string=self.mask_string)
        return IndexedString(text, bow=self.bow, split_expression=self.split_expression, mask_string=self.mask_string)

    def _explain(self, indexed: IndexedString, classifier_fn: Any, wish: Wish) -> Answer:
        """limelight's pipeline, unless it would see other words than lime."""
        text, owners = indexed.raw_string(), [self, self.base]
        seed, _ = self._draws.seed_for(owners, fingerprint(text))
        explainer = TextExplainer(
            split_expression=None if self.char_level else self.split_expression,
            char_level=bool(self.char_level),
            bow=bool(self.bow),
            mask_string=None if self.bow else self.mask_string,
            kernel_width=self._kernel_fn.keywords["kernel_width"],
            kernel=limelight_kernel(self._kernel_fn),
            feature_selection=wish.method,  # type: ignore[arg-type]  # checked there
            random_state=seed,
        )
        if not _has_same_words(explainer, indexed):
            return self._explain_classically(indexed, classifier_fn, wish)
        try:
            answer = ask_limelight(explainer, text, classifier_fn, wish, verbose=self.base.verbose)
        except KernelError as error:
            warnings.warn(f"{error} The weights say nothing.", stacklevel=3)
            return self._explain_classically(indexed, classifier_fn, wish)
        self._draws.advance(owners)
        return answer

    def _explain_classically(self, indexed: IndexedString, classifier_fn: Any, wish: Wish) -> Answer:
        """lime's own way: the program's pieces, or lime's, called as lime calls them."""
        data, outputs, distances = self.__data_labels_distances(
            indexed, classifier_fn, wish.num_samples, distance_metric=wish.distance_metric
        )
        return fit_classically(self.base, data, outputs, distances, wish, choose_labels(outputs[0], wish))

    def _describe(self, indexed: IndexedString, answer: Answer, wish: Wish) -> explanation.Explanation:
        if self.class_names is None:
            self.class_names = list(map(str, range(len(answer.predictions))))
        found = explanation.Explanation(TextDomainMapper(indexed), class_names=self.class_names, random_state=self.random_state)
        record(answer, found)
        found.predict_proba = answer.predictions
        if wish.top_labels:
            found.top_labels = list(answer.fits)[::-1]
        return found

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "_draws" not in state:
            raise LimeError("this explainer was pickled by lime, which cannot be read here: make it again.")
        self.__dict__.update(state)

    def __data_labels_distances(
        self, indexed_string: IndexedString, classifier_fn: Any, num_samples: int, distance_metric: Any = "cosine"
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A neighbourhood of independent draws: masks of shape (n, d), outputs of shape (n, k), and 100 times the distances."""
        d = indexed_string.num_words()
        if d == 0:
            raise ValueError(f"the text {indexed_string.raw_string()!r:.60} has no words to explain.")
        masks = np.ones((num_samples, d))
        texts = [indexed_string.raw_string()]
        for mask, size in zip(masks[1:], self.random_state.randint(1, d + 1, num_samples - 1), strict=True):
            absent = self.random_state.choice(d, size, replace=False)
            mask[absent] = 0
            texts.append(indexed_string.inverse_removing(absent))
        outputs = np.asarray(classifier_fn(texts))
        rows = sparse.csr_matrix(masks) if isinstance(distance_metric, str) and distance_metric == "cosine" else masks
        return masks, outputs, pairwise_distances(rows, rows[:1], metric=distance_metric).ravel() * 100


_DATA_LABELS_DISTANCES = vars(LimeTextExplainer)["_LimeTextExplainer__data_labels_distances"]


def _has_same_words(explainer: TextExplainer, indexed: IndexedString) -> bool:
    """Whether limelight cuts a text as lime does; where a program's tokens overlap or are empty, it may not."""
    try:
        view = explainer.components(indexed.raw_string()).view
    except (ArgumentError, InstanceError):
        if indexed.num_words() == 0:
            raise
        return False
    starts = {number: tuple(indexed.string_position(number).tolist()) for number in range(indexed.num_words())}
    return view.positions() == starts
