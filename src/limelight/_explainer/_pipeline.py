"""What methods that go on from explanations, or measure them, need of the class that can explain."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from limelight._lockstep import Run
from limelight._options import Options, Request
from limelight.results.explanation import Explanation
from limelight.stages.components import Components, Neighbourhood
from limelight.stages.convergence import Goal
from limelight.stages.perturbation import Look
from limelight.stages.prediction import Oracle, SharedAnswers
from limelight.stages.prediction_outputs import Outputs
from limelight.stages.sample import Sample
from limelight.stages.settings import Settings
from limelight.stages.surrogate import Fit
from limelight.stages.vicinity import Vicinity

__all__ = ["Gathered", "Pipeline"]


class Gathered(NamedTuple):
    """What an explanation is built from, once the last look is done."""

    components: Components
    vicinity: Vicinity
    oracle: Oracle
    outputs: Outputs
    look: Look
    sample: Sample
    first: Sequence[Neighbourhood]  # of the sample, where they can tell what bins cost
    settings: Settings
    fits: Sequence[Fit]
    goal: Goal


class Pipeline(ABC):
    """A class that can explain, as its mixins see it: `Explainer` derives from them.

    Attributes
    ----------
    options : Options
        What the user told the explainer.
    default_design : str
        The design that draws the perturbations.
    """

    options: Options
    default_design: ClassVar[str]

    @abstractmethod
    def components(self, instance: Any) -> Components:
        """Find what can be on or off in this instance."""

    @abstractmethod
    def _gather_in_steps(self, instance: Any, model: Any, request: Request, shared: SharedAnswers) -> Run[Gathered]:
        """The pipeline for one instance, as a run."""

    @abstractmethod
    def _build_explanation(self, gathered: Gathered, request: Request) -> Explanation:
        """The explanation, as plain data, once the last look is done."""

    @abstractmethod
    def _explain_in_steps(self, instance: Any, model: Any, request: Request, shared: SharedAnswers) -> Run[Explanation]:
        """The explanation of one instance, as a run."""
