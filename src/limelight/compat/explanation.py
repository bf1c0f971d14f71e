"""One explanation in lime's form: plain attributes that programs read and set, and what is made of them."""

from __future__ import annotations

import os
import string
from typing import TYPE_CHECKING, Any

import numpy as np

from limelight.compat._pages import render
from limelight.compat.exceptions import LimeError
from limelight.exceptions import require
from limelight.results.views import PartsView, View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from limelight.results.explanation import Explanation as LimelightExplanation

__all__ = ["DomainMapper", "Explanation", "id_generator"]


def id_generator(size: int = 15, random_state: Any = None) -> str:
    """A text of random capital letters and digits."""
    return "".join(random_state.choice(list(string.ascii_uppercase + string.digits), size, replace=True))


class DomainMapper:
    """What the components of an instance are called; each modality has a subclass."""

    def __init__(self) -> None:
        pass

    def map_exp_ids(self, exp: list[tuple[int, float]], **kwargs: Any) -> Any:  # noqa: ARG002 - subclasses have options
        """The same list with names in place of components' numbers; here unchanged."""
        return exp

    def visualize_instance_html(
        self,
        exp: list[tuple[int, float]],  # noqa: ARG002
        label: int,  # noqa: ARG002
        div_name: str,  # noqa: ARG002
        exp_object_name: str,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> str:
        """Nothing: pages are limelight's own, and load no ``bundle.js`` for which lime's mappers wrote scripts."""
        return ""

    def make_view(self, listed: list[int]) -> View:
        """What a page shows of the instance, where these components are listed; here only what they are called."""
        numbers = [(number, 0.0) for number in range(max(listed, default=0) + 1)]
        return PartsView(tuple(str(name) for name, _ in self.map_exp_ids(numbers)))


class Explanation:
    """Weights of one or more labels, and what is known of the prediction.

    Parameters
    ----------
    domain_mapper : DomainMapper
        What the components are called.
    mode : {"classification", "regression"}, default "classification"
        What the model's outputs are.
    class_names : sequence of str, optional
        Names of the classes; a regression has names of its own.
    random_state : numpy.random.RandomState, optional
        Kept for programs that read it. Nothing here draws random numbers.

    Attributes
    ----------
    local_exp : dict of int to list of (int, float)
        For each label components' numbers and weights, heaviest first. A regression has its weights under 1, and negated
        under 0.
    intercept : dict of int to float
        For each label what the surrogate says without the listed components.
    score : float
        How well the surrogate follows the model on perturbations that it was not fitted to, of the label that was fitted
        last; ``score[label]`` is that of another.
    local_pred : ndarray of shape (1,)
        The surrogate's prediction for the instance, of the label that was fitted last.
    top_labels : list of int or None
        The labels that ``top_labels`` chose, best first.
    predict_proba : ndarray of shape (k,)
        The model's outputs for the instance; a regression has `predicted_value`, `min_value` and `max_value` instead.
    limelight_explanation : limelight.Explanation or None
        The same with intervals, fidelity and notices; None where a program replaced a piece of lime's.

    Raises
    ------
    LimeError
        If the mode is unknown.
    """

    limelight_explanation: LimelightExplanation | None = None

    def __init__(
        self, domain_mapper: Any, mode: str = "classification", class_names: Any = None, random_state: Any = None
    ) -> None:
        self.random_state = random_state
        self.mode = mode
        self.domain_mapper = domain_mapper
        self.local_exp: dict[int, list[tuple[int, float]]] = {}
        self.intercept: dict[int, float] = {}
        self.score: Any = None
        self.local_pred: Any = None
        if mode == "classification":
            self.class_names = class_names
            self.top_labels: list[int] | None = None
            self.predict_proba: Any = None
        elif mode == "regression":
            self.class_names = ["negative", "positive"]
            self.predicted_value: Any = None
            self.min_value = 0.0
            self.max_value = 1.0
            self.dummy_label = 1
        else:
            raise LimeError(f'mode must be "classification" or "regression"; got {mode!r}.')

    def available_labels(self) -> list[int]:
        """The labels that were explained, the best first where ``top_labels`` chose them.

        Raises
        ------
        NotImplementedError
            Of a regression.
        """
        if self.mode != "classification":
            raise NotImplementedError("Not supported for regression explanations.")
        return list(self.top_labels or self.local_exp)

    def as_list(self, label: int = 1, **kwargs: Any) -> list[tuple[str, float]]:
        """Names and weights, heaviest first.

        Parameters
        ----------
        label : int, default 1
            Which label; a regression has one only.
        **kwargs
            Of texts, ``positions=True`` adds where each word stands.

        Raises
        ------
        KeyError
            If the label was not explained.
        """
        number = label if self.mode == "classification" else self.dummy_label
        return [(name, float(weight)) for name, weight in self.domain_mapper.map_exp_ids(self.local_exp[number], **kwargs)]

    def as_map(self) -> dict[int, list[tuple[int, float]]]:
        """`local_exp` itself."""
        return self.local_exp

    def as_pyplot_figure(self, label: int = 1, figsize: tuple[float, float] | None = None, **kwargs: Any) -> Figure:
        """A bar for each listed component in a figure of pyplot's: green above 0, red below.

        Parameters
        ----------
        label : int, default 1
            Which label.
        figsize : (float, float), optional
            Width and height in inches; by default pyplot's own.
        **kwargs
            As for `as_list`.
        """
        plt = require("matplotlib.pyplot", extra="plot", purpose="as_pyplot_figure")
        pairs = self.as_list(label=label, **kwargs)[::-1]
        names, weights = [name for name, _ in pairs], [weight for _, weight in pairs]
        figure: Figure = plt.figure(figsize=figsize)
        places = np.arange(len(names)) + 0.5
        plt.barh(places, weights, align="center", color=["green" if weight > 0 else "red" for weight in weights])
        plt.yticks(places, names)
        about = f" for class {_name_of(self.class_names, label)}" if self.mode == "classification" else ""
        plt.title(f"Local explanation{about}")
        return figure

    def as_html(self, labels: Any = None, predict_proba: bool = True, show_predicted_value: bool = True, **kwargs: Any) -> str:
        """The explanation as a whole page of HTML, which loads nothing.

        Parameters
        ----------
        labels : iterable of int, optional
            Which labels; by default all that were explained.
        predict_proba, show_predicted_value : bool, default True
            Whether all of the model's outputs are shown, or only those that are explained.
        **kwargs
            Of texts ``text`` (whether the text is shown) and ``opacity``, of tables ``show_table`` (whether the row is shown)
            and ``show_all`` (also columns without a weight).

        Raises
        ------
        KeyError
            If a label was not explained.
        """
        return render(self, labels, predict_proba and show_predicted_value, kwargs, "html")

    def show_in_notebook(
        self, labels: Any = None, predict_proba: bool = True, show_predicted_value: bool = True, **kwargs: Any
    ) -> None:
        """Show `as_html`'s picture in a notebook."""
        display = require("IPython.display", extra="notebook", purpose="show_in_notebook")
        display.display(display.HTML(render(self, labels, predict_proba and show_predicted_value, kwargs, "html_fragment")))

    def save_to_file(
        self,
        file_path: str | os.PathLike[str],
        labels: Any = None,
        predict_proba: bool = True,
        show_predicted_value: bool = True,
        **kwargs: Any,
    ) -> None:
        """Write `as_html`'s page to a file, in UTF-8."""
        page = self.as_html(labels, predict_proba, show_predicted_value, **kwargs)
        with open(file_path, "w", encoding="utf-8") as file:
            file.write(page)


def _name_of(class_names: Any, label: int) -> str:
    """A class's name, or its number where there are too few names."""
    return str(class_names[label]) if class_names is not None and label < len(class_names) else str(label)
