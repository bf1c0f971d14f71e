"""Where the perturbations of one instance lie: how wide the kernel is, and whether they are drawn near the instance."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from limelight.results.explanation import Notice
from limelight.stages.components import Components
from limelight.stages.design import Design
from limelight.stages.designs import NearMasks
from limelight.stages.kernel_law import KernelLaw
from limelight.stages.locality import LOCAL_CHANGE, ReachLaw, find_local_width, find_reach_law, measure_share
from limelight.stages.perturbation import DESIGNS
from limelight.stages.proximity import Kernel, Metric, Proximity, exponential_kernel
from limelight.stages.sample import LEAST_ROWS_PER_COMPONENT, Sample

__all__ = ["Vicinity"]

_LEAST_SHARE = 0.5  # of perturbations that count: with less, masks are drawn near the instance
_LOCAL_ENOUGH = 1.1  # times a local kernel's change: widths have two digits
_LEAST_SPARSE_ROWS = 32  # with fewer, a lasso finds next to nothing, and replicates have next to no rows
_MOST_SPARSE_COMPONENTS = 1000  # with more, sparse fits take longer than the rest
_SEARCH = 1  # sets the random streams of a search for a width apart


class Vicinity:
    """The kernel and the law that perturbations are drawn from; narrower than lime's where the user wants it so.

    Parameters
    ----------
    components : Components
    width : float
        The kernel's, lime's or the user's.
    distances, kernel : callable
        As `Proximity` has them.
    has_own_distances : bool
        Whether the distances are the explainer's own.
    design : str
        The name of the design of perturbations.
    random_state : int
        The seed.
    is_plain : bool
        Whether the user asked for this design: then nothing is drawn near the instance.
    locality : "lime", "local" or float
        What the width is for.
    most_samples : int
        The number of perturbations, or the largest one, the instance included.

    Attributes
    ----------
    components : Components
    has_own_kernel : bool
        Whether kernel and distances are the explainer's own.
    proximity : Proximity
    kernel_law : KernelLaw or None
        The law of masks with the kernel, where both depend on the number of absent parts alone.
    drawn : Components
        The components, as they are drawn.
    drawn_width : float or None
        The width of the kernel near which perturbations are drawn, as `Components` has it, also of masks.
    found : str
        How the width was found, for the record; empty with a kernel or a distance of the user's.
    notices : tuple of Notice
    """

    def __init__(
        self,
        components: Components,
        *,
        width: float,
        distances: Metric,
        kernel: Kernel,
        has_own_distances: bool,
        design: str,
        random_state: int,
        is_plain: bool,
        locality: str | float,
        most_samples: int,
    ) -> None:
        self.components, self.has_own_kernel = components, has_own_distances and kernel is exponential_kernel
        self._design, self._is_plain = design, is_plain
        self._seed = random_state, components.content
        self._reach_law: ReachLaw | None = None
        self._widest, self._mean_weight = width, 1.0
        self._masks_are_near = False
        least, most = _LEAST_SPARSE_ROWS, LEAST_ROWS_PER_COMPONENT * len(components.names)
        self._are_few = least <= most_samples - 1 < most and len(components.names) <= _MOST_SPARSE_COMPONENTS
        self.notices: tuple[Notice, ...] = ()
        self.found = str(locality) if self.has_own_kernel else ""
        self._set(Proximity(width, distances, kernel))
        if locality == "local":
            self._stay_local()

    @property
    def is_changed(self) -> bool:
        """Whether the width is another one than lime's or the user's."""
        return self.proximity.width != self._widest

    @property
    def is_sparse(self) -> bool:
        """Whether perturbations of a known law stay too few for a fit of all components, and enough for a sparse one."""
        return self.kernel_law is not None and self._are_few

    def make_design(self, *, for_search: bool = False) -> Design:
        """Where perturbations come from."""
        seed = (*self._seed, _SEARCH) if for_search else self._seed
        if self._masks_are_near and self.kernel_law is not None:
            return NearMasks(seed, self.kernel_law.kernel)
        design: Design = DESIGNS.load(self._design)(seed, None if self.kernel_law is None else self.kernel_law.kernel)
        return design

    def name_design(self) -> str:
        """The same, for the record."""
        if self._masks_are_near:
            return "tilted_masks"
        return self._design if self.drawn_width is None else f"tilted_{self._design}"

    def nominal_draws(self, num_samples: int) -> int:
        """How many draws from LIME's law the penalty is meant for, so that as many draws near the instance weigh the same."""
        return ceil(num_samples / self._mean_weight)

    def narrow(self, width: float) -> None:
        """Have a narrower kernel, near which perturbations are drawn where the law with it is known.

        With the width as it is, all stays as it is, the penalty, too.
        """
        if width != self.proximity.width:
            self._mean_weight = self.reach_law.reach(width).mean_weight
            self._set(replace(self.proximity, width=width))

    @property
    def reach_law(self) -> ReachLaw:
        """What kernels of any width leave of LIME's law."""
        if self._reach_law is None:
            self._reach_law = find_reach_law(self.components, self.proximity, self.make_design())
        return self._reach_law

    def measure_share(self, sample: Sample) -> float:
        """The share of perturbations from LIME's law that the kernel keeps, as an effective size."""
        return measure_share(self.components, self.proximity.width, self.kernel_law, sample, has_own_kernel=self.has_own_kernel)

    def knows_values(self, width: float) -> bool:
        """Whether values can be drawn from LIME's law with a kernel of this width."""
        return self.has_own_kernel and not self._is_plain and self.components.knows_law_near(width)

    @property
    def knows_masks(self) -> bool:
        """Whether masks can be drawn near the instance."""
        return self.kernel_law is not None and not self._is_plain

    def _set(self, proximity: Proximity) -> None:
        components, has_own_kernel = self.components, self.has_own_kernel
        self.proximity, self.kernel_law = proximity, None
        self.drawn, self.drawn_width = components, components.drawn_width
        if components.law is not None and has_own_kernel:
            self.kernel_law = KernelLaw(components.law, proximity.kernel_by_absent(len(components.names)))
        if not has_own_kernel or self._is_plain:
            return
        if components.law is None:
            self.drawn = components.drawn_near(proximity.width)
            self.drawn_width = self.drawn.drawn_width
        elif self.is_changed or self.is_sparse:
            self._masks_are_near = self.is_sparse or self.reach_law.share(proximity.width) < _LEAST_SHARE
            self.drawn_width = proximity.width if self._masks_are_near else None

    def _stay_local(self) -> None:
        widest, law = self.proximity.width, self.reach_law
        width = find_local_width(law, widest, is_drawn_near=True)
        can_draw = self.knows_masks or self.knows_values(width)
        reason = "no perturbations are much nearer to the instance"
        if not can_draw:
            wider = find_local_width(law, widest, is_drawn_near=False)
            if wider > width:
                reason = "perturbations cannot be drawn near the instance here, and with a narrower one too few would count"
            width = wider
        change = law.reach(width).change
        if change > _LOCAL_ENOUGH * LOCAL_CHANGE:
            text = f"The kernel is wider than a local one: a component is changed by {change:.2f} on average, not by "
            self.notices += (Notice("less_local", f"{text}{LOCAL_CHANGE:g}, because {reason}.", "information"),)
        self.narrow(width)
