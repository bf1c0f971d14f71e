"""Tables whose perturbations can be enumerated, and the control variates of a model's probabilities there."""

from itertools import product

import numpy as np

from limelight import TabularExplainer
from limelight.models import adapt
from limelight.stages.closed_form import ClosedForm
from limelight.stages.control_variate import ControlVariates
from limelight.stages.perturbation import DESIGNS, plan_looks

__all__ = ["COLUMNS", "COUNT", "Truth", "make_classes", "make_controls", "make_explainer", "make_rows", "weights_of"]

COLUMNS = 6
VALUES = np.array([-1.5, 0.2, 3.0])
COUNT = 400


def make_rows(seed=0, missing=False):
    """Columns of three values each, so that everything that LIME can draw can be enumerated."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet([4.0, 4.0, 4.0], COLUMNS)
    rows = np.column_stack([rng.choice(VALUES, COUNT, p=share) for share in shares])
    if missing:
        rows[rng.random(COUNT) < 0.15, 1] = np.nan
    return rows


def make_classes(rows, seed=0):
    rng = np.random.default_rng(seed)
    rows = np.nan_to_num(rows, nan=2.0)
    score = rows[:, 0] * (rows[:, 1] > 0) + rows[:, 2] - rows[:, 3] * rows[:, 4] / 2 + rng.normal(size=len(rows))
    return score > np.median(score)


def make_explainer(rows, **options):
    options = {"categorical_features": range(COLUMNS), "alpha": 0, "feature_selection": "none"} | options
    return TabularExplainer(rows, **options)


def enumerate_law(rows):
    """All rows that LIME's law can draw, with their probabilities: each column on its own, by its frequencies."""
    columns = []
    for values in rows.T:
        shares = [(value, np.mean(values == value)) for value in VALUES]
        if np.isnan(values).any():
            shares.append((np.nan, np.mean(np.isnan(values))))
        columns.append(shares)
    drawn = [([value for value, _ in row], np.prod([share for _, share in row])) for row in product(*columns)]
    return np.array([row for row, _ in drawn]), np.array([share for _, share in drawn])


class Truth:
    """Everything that LIME can draw around an instance, with its weights."""

    def __init__(self, rows, instance, width):
        self.drawn, shares = enumerate_law(rows)
        self.is_on = ((self.drawn == instance) | (np.isnan(self.drawn) & np.isnan(instance))).astype(float)
        weights = shares * np.exp(-0.5 * (1 - self.is_on).sum(axis=1) / width**2)
        self.mean_weight = weights.sum()
        self.shares = weights / self.mean_weight

    def moments(self, values):
        centred = self.is_on - self.shares @ self.is_on
        mean = self.shares @ values
        return mean, (centred * self.shares[:, None]).T @ (values - mean)

    def weights(self, values, alpha=0.0, nominal_draws=5000):
        on = self.shares @ self.is_on
        return self.moments(values)[1] / (on * (1 - on) + alpha / (nominal_draws * self.mean_weight))


def weights_of(explanation, label=1):
    surrogate = explanation.surrogate(label)
    order = np.argsort(surrogate.components)
    return tuple(np.array(part)[order] for part in (surrogate.weights, surrogate.lows, surrogate.highs))


def make_controls(explainer, instance, model, num_samples=500, answers_of=None, outputs=(1,)):
    """Control variates of an instance's perturbations, their values, and these perturbations; None for both if contradicted."""
    components = explainer.components(instance)
    design = DESIGNS.load(explainer.default_design)((0, components.content), None)
    (look,) = plan_looks(design, None, num_samples, 5000, components.num_rare_states)
    neighbourhoods = components.neighbourhoods(look.design, look.stretch)
    model_sum = adapt(model, components, True).model_sum
    closed_form = ClosedForm(model_sum, components.product_law, explainer.options.kernel_width, {})
    drawn = [part.inputs.take(np.arange(1, len(part.representation))) for part in neighbourhoods]
    answers = [(answers_of or model.predict_proba)(rows) for rows in drawn]
    own = model.predict_proba(instance[None])[0]
    found = ControlVariates(closed_form, {}).add(neighbourhoods, own, answers, outputs)
    controls, values = (None, None) if found is None else (found[0], np.concatenate(found[1]))
    return controls, values, np.concatenate(drawn)
