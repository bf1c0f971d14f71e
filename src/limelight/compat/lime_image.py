"""Images, under lime's names."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.metrics import pairwise_distances
from sklearn.utils import check_random_state

from limelight._seeds import fingerprint
from limelight.compat import lime_base
from limelight.compat._draws import Draws
from limelight.compat._hooks import has_own_base, has_own_method, needs_scikit_learn
from limelight.compat._kernels import bind_kernel, limelight_kernel
from limelight.compat._translation import Answer, Wish, ask_limelight, choose_labels, fit_classically, record, warn_of_notices
from limelight.compat.exceptions import LimeError
from limelight.compat.wrappers.scikit_image import SegmentationAlgorithm
from limelight.exceptions import KernelError
from limelight.modalities.images.explainer import ImageExplainer

__all__ = ["ImageExplanation", "LimeImageExplainer"]

_MOST_PARTS = 64  # that limelight takes in an image of any size; in larger ones a quarter of the pixels


class ImageExplanation:
    """Weights of an image's superpixels.

    Parameters
    ----------
    image : ndarray of shape (height, width, channels)
        The image.
    segments : ndarray of int, of shape (height, width)
        The superpixel of each pixel.

    Attributes
    ----------
    local_exp : dict of int to list of (int, float)
        For each label superpixels, by their numbers in `segments`, and weights, heaviest first.
    intercept : dict of int to float
        For each label what the surrogate says without the listed superpixels.
    score : float
        How well the surrogate follows the model on perturbations that it was not fitted to; ``score[label]`` is a label's.
    local_pred : ndarray of shape (1,)
        The surrogate's prediction for the image, of the label that was fitted last.
    top_labels : list of int
        The labels with the highest predictions, best first, where they were asked for.
    limelight_explanation : limelight.Explanation or None
        The same with intervals, fidelity and notices.
    """

    top_labels: list[int]
    limelight_explanation: Any = None

    def __init__(self, image: np.ndarray, segments: np.ndarray) -> None:
        self.image = image
        self.segments = segments
        self.intercept: dict[int, float] = {}
        self.local_exp: dict[int, list[tuple[int, float]]] = {}
        self.local_pred: Any = None
        self.score: Any = None

    def get_image_and_mask(
        self,
        label: int,
        positive_only: bool = True,
        negative_only: bool = False,
        hide_rest: bool = False,
        num_features: int = 5,
        min_weight: float = 0.0,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The image with the superpixels that matter, and where they are.

        Parameters
        ----------
        label : int
            Which label.
        positive_only, negative_only : bool
            Whether only superpixels that speak for the label, or against it, count; not both.
        hide_rest : bool, default False
            Whether all else is black.
        num_features : int, default 5
            How many superpixels at most.
        min_weight : float, default 0
            The least size of their weights.

        Returns
        -------
        image : ndarray of shape (height, width, channels)
            With both signs those that speak for the label are painted in the second channel, others in the first.
        mask : ndarray of shape (height, width)
            1 where a superpixel counts, -1 where it speaks against the label and both signs count, 0 elsewhere.

        Raises
        ------
        KeyError
            If the label was not explained.
        ValueError
            If both are True.
        """
        if label not in self.local_exp:
            raise KeyError(f"Label not in explanation: {label!r}; it has {list(self.local_exp)}.")
        if positive_only and negative_only:
            raise ValueError("Positive_only and negative_only cannot be true at the same time.")
        shown = np.zeros(self.image.shape) if hide_rest else self.image.copy()
        mask = np.zeros(self.segments.shape, self.segments.dtype)
        if mask.dtype.kind not in "if":  # no room for -1
            mask = mask.astype(np.int64)
        one_sign = positive_only or negative_only
        wanted = -1 if negative_only else 1
        listed = self.local_exp[label]
        if one_sign:
            listed = [(number, weight) for number, weight in listed if wanted * weight > max(min_weight, 0)]
        for number, weight in listed[:num_features]:
            if not one_sign and abs(weight) < min_weight:
                continue
            inside = self.segments == number
            shown[inside] = self.image[inside]
            mask[inside] = 1
            if not one_sign:
                mask[inside] = -1 if weight < 0 else 1
                shown[inside, 0 if weight < 0 else 1] = np.max(self.image)
        return shown, mask


class LimeImageExplainer:
    """Explains predictions about images: which superpixels matter.

    Parameters
    ----------
    kernel_width : float, default 0.25
        The kernel's width, for cosine distances.
    kernel : callable, optional
        ``kernel(distances, kernel_width)``.
    verbose : bool, default False
        Whether to print each surrogate's intercept and prediction beside the model's.
    feature_selection : {"auto", "forward_selection", "highest_weights", "lasso_path", "none"}, default "auto"
        How the listed superpixels are chosen; "auto" selects up to 6 forward.
    random_state : int, numpy.random.RandomState or None
        The seed; None is numpy's own global state.
    """

    def __init__(
        self,
        kernel_width: float | None = 0.25,
        kernel: Any = None,
        verbose: bool = False,
        feature_selection: str = "auto",
        random_state: Any = None,
    ) -> None:
        self._kernel_fn = bind_kernel(kernel, 0.25 if kernel_width is None else float(kernel_width))
        self.random_state = check_random_state(random_state)
        self.feature_selection = feature_selection
        self.base = lime_base.LimeBase(self._kernel_fn, verbose, random_state=self.random_state)
        self._draws = Draws()
        self._warned: set[str] = set()

    def explain_instance(
        self,
        image: Any,
        classifier_fn: Any,
        labels: Iterable[int] = (1,),
        hide_color: Any = None,
        top_labels: int | None = 5,
        num_features: int = 100000,
        num_samples: int = 1000,
        batch_size: int = 10,
        segmentation_fn: Any = None,
        distance_metric: Any = "cosine",
        model_regressor: Any = None,
        random_seed: int | None = None,
        progress_bar: bool = True,  # noqa: ARG002 - there is none
    ) -> ImageExplanation:
        """Explain the prediction for an image.

        Parameters
        ----------
        image : ndarray of shape (height, width, channels) or (height, width)
            The image; a grey one becomes one of three channels.
        classifier_fn : callable
            From an array of n images to outputs of shape (n, k).
        labels : iterable of int, default (1,)
            Which outputs to explain, where `top_labels` is None.
        hide_color : number or sequence, optional
            What shows where a superpixel is absent; by default its mean colour.
        top_labels : int, optional
            How many outputs to explain: those with the highest predictions.
        num_features : int, default 100000
            The largest number of superpixels to list.
        num_samples : int, default 1000
            The number of perturbations, the image included.
        batch_size : int, default 10
            The largest number of images that the model gets at once.
        segmentation_fn : callable, optional
            From an image to the superpixel of each pixel; by default scikit-image's quickshift.
        distance_metric : str or callable, default "cosine"
            A distance of scikit-learn's ``pairwise_distances``.
        model_regressor : object, optional
            A linear regressor to fit instead of the ridge.
        random_seed : int, optional
            The default segmentation's seed; by default one drawn from the explainer's random numbers.
        progress_bar : bool, default True
            Taken and not used.

        Raises
        ------
        IndexError
            If the model has no such label.
        """
        image = np.asarray(image)
        if image.ndim == 2:
            image = np.repeat(image[..., None], 3, axis=2)
        owners = [self, self.base]
        seed, _ = self._draws.seed_for(owners, fingerprint(np.ascontiguousarray(image)))
        if segmentation_fn is None:
            random_seed = seed % 1000 if random_seed is None else random_seed
            segmentation_fn = SegmentationAlgorithm(
                "quickshift", kernel_size=4, max_dist=200, ratio=0.2, random_seed=random_seed
            )
        segments = np.asarray(segmentation_fn(image))
        wish = Wish.of(
            labels,
            top_labels,
            num_features=num_features,
            num_samples=num_samples,
            distance_metric=distance_metric,
            own_metric="cosine",
            model_regressor=model_regressor,
            feature_selection=self.feature_selection,
            batch_size=batch_size,
        )
        fill = _read_colour(hide_color, image)
        own_neighbourhood = has_own_method(self, "data_labels", _DATA_LABELS) or has_own_base(self.base, self._kernel_fn)
        is_for_lime = own_neighbourhood or needs_scikit_learn(distance_metric, model_regressor) or fill is None
        if is_for_lime or not _can_segment(image, segments):
            answer = self._explain_classically(image, hide_color, segments, classifier_fn, wish)
        else:
            answer = self._explain(image, fill, segments, classifier_fn, wish, seed)
        self._draws.advance(owners)
        warn_of_notices(answer, self._warned)
        found = ImageExplanation(image, segments)
        record(answer, found)
        if top_labels:
            found.top_labels = list(answer.fits)[::-1]
        return found

    def _explain(self, image: np.ndarray, fill: Any, segments: np.ndarray, classifier_fn: Any, wish: Wish, seed: int) -> Answer:
        """limelight's pipeline."""
        numbers, places = np.unique(segments, return_inverse=True)
        explainer = ImageExplainer(
            places.reshape(segments.shape),
            fill,
            channel_axis=-1,
            kernel_width=self._kernel_fn.keywords["kernel_width"],
            kernel=limelight_kernel(self._kernel_fn),
            feature_selection=wish.method,  # type: ignore[arg-type]  # checked there
            random_state=seed,
        )
        try:
            answer = ask_limelight(explainer, image, classifier_fn, wish, verbose=self.base.verbose)
            return answer.with_numbers(numbers.tolist())
        except KernelError as error:
            warnings.warn(f"{error} The weights say nothing.", stacklevel=3)
            colour = None if isinstance(fill, str) else fill
            return self._explain_classically(image, colour, segments, classifier_fn, wish)

    def _explain_classically(
        self, image: np.ndarray, hide_color: Any, segments: np.ndarray, classifier_fn: Any, wish: Wish
    ) -> Answer:
        """lime's own way: the program's pieces, or lime's, called as lime calls them."""
        fudged = image.copy()
        numbers = np.unique(segments)
        if hide_color is not None:
            fudged[:] = hide_color
        else:
            for number in numbers:
                inside = segments == number
                fudged[inside] = image[inside].mean(axis=0)
        masks, outputs = self.data_labels(
            image, fudged, segments, classifier_fn, wish.num_samples, batch_size=wish.batch_size or 10
        )
        distances = pairwise_distances(masks, masks[:1], metric=wish.distance_metric).ravel()
        answer = fit_classically(self.base, masks, outputs, distances, wish, choose_labels(outputs[0], wish))
        return answer.with_numbers(numbers.tolist())

    def data_labels(
        self,
        image: np.ndarray,
        fudged_image: np.ndarray,
        segments: np.ndarray,
        classifier_fn: Any,
        num_samples: int,
        batch_size: int = 10,
        progress_bar: bool = True,  # noqa: ARG002 - there is none
    ) -> tuple[np.ndarray, np.ndarray]:
        """A neighbourhood of independent draws.

        Parameters
        ----------
        image, fudged_image : ndarray of shape (height, width, channels)
            The image, and what shows where superpixels are absent.
        segments : ndarray of int, of shape (height, width)
            The superpixel of each pixel.
        classifier_fn : callable
            The model.
        num_samples : int
            The number of perturbations, the image included.
        batch_size : int, default 10
            The largest number of images that the model gets at once.
        progress_bar : bool, default True
            Taken and not used.

        Returns
        -------
        data : ndarray of shape (n, d)
            Masks; column j is that of the j-th smallest number in `segments`.
        labels : ndarray of shape (n, k)
            The model's outputs.
        """
        numbers, places = np.unique(segments, return_inverse=True)
        places = places.reshape(segments.shape)
        masks = self.random_state.randint(0, 2, (num_samples, len(numbers)))
        masks[0] = 1
        outputs: list[Any] = []
        for start in range(0, num_samples, batch_size):
            is_on = masks[start : start + batch_size].astype(bool)[:, places]
            outputs.extend(classifier_fn(np.where(is_on[..., None], image, fudged_image)))
        return masks, np.array(outputs)

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "_draws" not in state:
            raise LimeError("this explainer was pickled by lime, which cannot be read here: make it again.")
        self.__dict__.update(state)


_DATA_LABELS = vars(LimeImageExplainer)["data_labels"]


def _can_segment(image: np.ndarray, segments: np.ndarray) -> bool:
    """Whether there are few enough superpixels for limelight, which refuses next to single pixels."""
    return len(np.unique(segments)) <= max(_MOST_PARTS, segments.size // 4) and segments.shape == image.shape[:2]


def _read_colour(hide_color: Any, image: np.ndarray) -> Any:
    """limelight's fill for a colour: in the image's type, as lime has it; None for what is neither a number nor a colour."""
    if hide_color is None:
        return "mean"
    given = np.asarray(hide_color)
    if given.shape not in ((), (1,), image.shape[-1:]):
        return None
    colour = given.astype(image.dtype)
    if not np.array_equal(colour, given):
        warnings.warn(f"hide_color={hide_color!r} becomes {colour.tolist()!r} in an image of {image.dtype}.", stacklevel=3)
    return colour.tolist()
