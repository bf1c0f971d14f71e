"""Jobs with a checkpoint, for tests of what becomes of them."""

from helpers.batches import OUTSIDE, ROWS, plain
from limelight import TabularExplainer

EXPLAINER = TabularExplainer(ROWS)
FEW = {"num_samples": 100, "chunk_size": 2}
PARTS = [f"part-{number:09}-" for number in range(4)]


def explain(folder, model=plain, instances=OUTSIDE, explainer=EXPLAINER, **arguments):
    return explainer.explain_many(instances, model, checkpoint=folder, **{**FEW, **arguments})


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def parts(folder):
    """The beginnings of the names of what is in a sound folder, but for what says whose it is."""
    about, *names = files(folder)
    assert about == "about.json"
    return [name[:15] for name in names]
