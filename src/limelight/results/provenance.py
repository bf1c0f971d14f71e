"""How an explanation was made, for the record."""

import sys
from dataclasses import dataclass, field

from limelight.results.equality import EqualityMixin

__all__ = ["Provenance"]


@dataclass(frozen=True, eq=False)
class Provenance(EqualityMixin):
    """How an explanation was made: what its numbers depend on besides the instance, the training data and the model.

    Attributes
    ----------
    explainer : str
        The name of the explainer's class.
    settings : str
        What this kind of explainer alone is told, such as a table's sampler, or an image's segmentation and filling.
    design : str
        How perturbations were chosen: "complements", "orthogonal", "sobol", "iid", or "enumeration" where there were no more;
        "tilted_sobol" and "tilted_masks" where they were drawn from the law weighted by a narrow kernel, so that all weigh the
        same;
        "exact" where the weights are those that infinitely many would give.
    kernel : str
        The name of the kernel's function.
    kernel_width : float
        Its width, in the distance's unit.
    distance : str
        The name of the distance.
    link : {"identity", "logit"}
        What was explained: the model's outputs, or their log-odds.
    feature_selection : str
        How the reported components were chosen.
    regressor : str
        What was fitted: "ridge", or the class of the user's regressor.
    alpha : float
        The ridge penalty.
    tolerance : float
        How far a weight's interval may reach, as a share of the heaviest weight.
    random_state : int
        The seed.
    version : str
        limelight's.
    nominal_draws : int
        The number of independent perturbations that the ridge penalty is meant for.
    certainty : float
        With which probability each reported component had to be among the heaviest, and its sign be right, for "auto" to end;
        0 where the tolerance decided.
    content : str
        A fingerprint of what the perturbations depend on besides these settings: the instance, or the training data, or both.
        Where it and the settings are equal, so are the perturbations.
    prior : str
        The means and the precision that weights were held to; empty without a prior.
    locality : str
        What the width was for: "lime" where it is lime's or the user's, "local", or the wanted fidelity and from how many
        perturbations the width was found. It is empty with a kernel or a distance of the user's, for which none is found.
    kernel_share : float
        How local the kernel is: the share of perturbations drawn from LIME's own law that it keeps, as an effective sample
        size. Near 1 it hardly prefers near perturbations to far ones, and weights are averages over all of them. It is 0 where
        it was not recorded.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> explainer = TextExplainer(feature_selection="highest_weights")
    >>> explanation = explainer.explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> explanation.provenance.feature_selection, explanation.provenance.distance, explanation.provenance.settings
    ('highest_weights', 'hundredfold_cosine', "unit='word', bow=True, mask='', blanks='keep'")
    """

    explainer: str
    settings: str
    design: str
    kernel: str
    kernel_width: float
    distance: str
    link: str
    feature_selection: str
    regressor: str
    alpha: float
    tolerance: float
    random_state: int
    version: str = field(default_factory=lambda: str(sys.modules["limelight"].__version__))
    nominal_draws: int = 0
    certainty: float = 0.0
    content: str = ""
    prior: str = ""
    locality: str = "lime"
    kernel_share: float = 0.0


Provenance.__module__ = "limelight"  # where users import it from
