"""How to extend limelight from a package or a script of one's own. ``docs/extend.md`` builds two modalities step by step.

Modality: what the components of an instance are.
    A class derived from `Explainer`. It sets ``default_design``, ``default_kernel_width``, ``distances`` and ``cap``, and its
    ``components(instance)`` gives `Parts`, which can be absent, or `Values`, which are drawn. `Parts` have ``names``, ``view``,
    ``content``, ``law``, ``notes`` and ``realise(masks)``. A modality needs no registration.
    Three optional methods serve what measures explanations by asking again: ``without`` gives `Without`, ``composed`` gives
    `Composed`, and ``nearby`` gives instances.
View: what a renderer sees of an instance.
    `DrawingView` serves any modality, without a class or a registration: shapes in neutral ink, and shapes that belong to
    components and are tinted by their weights. Pages, pictures, plots and reports draw it. A view with data of its own is a
    class derived from `View`, registered under its kind: ``register("view", GraphView.kind, GraphView)``. If its ``drawing()``
    gives a `Drawing`, it is drawn in the same way; otherwise its components are listed.
    limelight's own serve where they fit: `TextView` with `Span`, `TableView` with `Cell`, `MixedView` with `Passage`,
    `SeriesView` with `Segment`, `ImageView`, `VolumeView`, `PartsView`.
Renderer: a picture, a page or a text of an explanation.
    ``render(explanation)`` gives a str, bytes or another object. After ``register("renderer", "dot", render)``,
    ``explanation.render("dot")`` gives it, and ``explanation.save_to_file("why.dot")`` writes it.
Model: a form of model that limelight does not know.
    ``read(model)`` gives a callable from a batch of inputs to predictions, or None for a model that is not its own:
    ``register("model", "safetensors", read)``.
Model adapter: a quicker way to ask a kind of model, for the same explanation.
    ``adapt(method, components)`` gives a `ModelPath`, or None for what is not its own: ``register("adapter", "spacy", adapt)``.
Engine: where many instances are explained.
    ``engine(job, chunks, n_jobs)`` yields ``(chunk.number, job.explain(chunk))`` for each chunk, in any order. Jobs and chunks
    can be pickled. After ``register("engine", "ray", engine)``, ``explain_many(..., engine="ray")`` uses it.
Kernel: how near is near.
    ``kernel(distances, kernel_width)`` gives a weight of at least 0 for each distance. After
    ``register("kernel", "box", kernel)``, ``kernel="box"`` chooses it in any explainer.

An installed package can declare entry points in the group ``limelight.view`` (or that of another kind) instead.
"""

from limelight._explainer import Explainer
from limelight._registry import register
from limelight._seeds import fingerprint
from limelight.results.views import (
    Cell,
    Drawing,
    DrawingView,
    ImageView,
    Mark,
    MixedView,
    PartsView,
    Passage,
    Segment,
    SeriesView,
    Shape,
    Span,
    TableView,
    TextView,
    View,
    VolumeView,
)
from limelight.stages.components import Components, Composed, Neighbourhood, Parts, Values, Without, fair_coins
from limelight.stages.design import Design, Drawn, Stretch
from limelight.stages.proximity import cosine_of_masks, euclidean
from limelight.stages.questions import ModelPath

__all__ = [
    "Cell",
    "Components",
    "Composed",
    "Design",
    "Drawing",
    "DrawingView",
    "Drawn",
    "Explainer",
    "ImageView",
    "Mark",
    "MixedView",
    "ModelPath",
    "Neighbourhood",
    "Parts",
    "PartsView",
    "Passage",
    "Segment",
    "SeriesView",
    "Shape",
    "Span",
    "Stretch",
    "TableView",
    "TextView",
    "Values",
    "View",
    "VolumeView",
    "Without",
    "cosine_of_masks",
    "euclidean",
    "fair_coins",
    "fingerprint",
    "register",
]
