"""Checkpoints: what they know of a job, which jobs they go on with, and whose they are."""

import time

import numpy as np
import pytest
from helpers.batches import OUTSIDE, ROWS, Counter, one_by_one, plain, same
from helpers.checkpoints import EXPLAINER, PARTS, explain, files, parts
from sklearn.linear_model import Ridge

from limelight import ComponentsExplainer, TabularExplainer, TextExplainer
from limelight.exceptions import ArgumentError, ArgumentTypeError, CheckpointError, Interrupted, ModelError


@pytest.fixture(scope="module")
def alone():
    return one_by_one(EXPLAINER, OUTSIDE, plain, num_samples=100)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoint"


# --- the same call again -------------------------------------------------------------------------------------------------


def test_what_is_finished_is_not_explained_again(folder, alone):
    first, second = Counter(plain), Counter(plain)
    assert same(explain(folder, first), alone)
    written = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert same(explain(folder, second), alone)
    assert sum(second.sizes) <= 64 + 5  # to know the model again, and a few of them once more
    assert sum(first.sizes) > 4 * sum(second.sizes)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == written


def test_other_ways_of_doing_the_same_go_on(folder, alone):
    def stopped(after):
        yield from [*OUTSIDE, *OUTSIDE][:after]
        raise KeyboardInterrupt

    for after in (11, 0, 5):
        with pytest.raises(Interrupted) as caught:
            explain(folder, instances=stopped(after))
        assert same(caught.value.explanations, [*alone, *alone[:2]] if after == 11 else [])
    assert parts(folder) == [*PARTS, "part-000000004-"]
    again = explain(folder, engine="threads", n_jobs=2, batch_size=50, on_error="keep", instances=[*OUTSIDE, *OUTSIDE])
    assert same(again, alone * 2)
    assert same(explain(folder, instances=iter(OUTSIDE)), alone)


def test_after_an_instance_that_cannot_be_explained_the_same_call_goes_on(folder, alone):
    def model(rows):
        if (rows[:, 0] == OUTSIDE[4, 0]).any() and broken:
            raise ValueError("for now")
        return plain(rows)

    broken = True
    with pytest.raises(Exception, match="for now"):
        explain(folder, model)
    assert parts(folder) == PARTS[:2]
    kept = explain(folder, model, on_error="keep")
    assert [*kept.failures] == [4]
    broken = False
    assert [*explain(folder, model, on_error="keep").failures] == [4]  # what is in the folder stays
    assert same(kept[:4], alone[:4])
    assert same(explain(folder, model), alone)  # but where failures are not kept


def test_only_the_instances_of_this_call_are_given(folder, alone):
    explain(folder)
    assert same(explain(folder, instances=OUTSIDE[:4]), alone[:4])
    assert len(explain(folder, instances=[])) == 0
    assert same(explain(folder, instances=[*OUTSIDE, *OUTSIDE]), alone * 2)


class Words:
    """Components that keep how often they were put together."""

    def __init__(self, text):
        self.names = text.split()
        self.composed = 0

    def compose(self, masks):
        self.composed += 1
        return [" ".join(np.array(self.names)[mask > 0]) for mask in masks]


def test_instances_may_change_while_they_are_explained(folder):
    def model(batch):
        return [text.startswith("fine") for text in batch]

    def words():
        return [Words("fine soup"), Words("cold bread and fine soup")]

    first = explain(folder, model, words(), ComponentsExplainer(), chunk_size=1)
    assert same(explain(folder, model, words(), ComponentsExplainer(), chunk_size=1), first)


# --- other people's folders, and damaged ones ----------------------------------------------------------------------------


def narrow(distances, width):
    return np.exp(-((distances / width) ** 4))


KERNELS = [lambda distances, width: np.exp(-distances / width), lambda distances, width: np.exp(-2 * distances / width)]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"num_features": 3}, r"other arguments: num_features was 'None' and is '3'\. Give another folder"),
        ({"num_samples": 200}, "other arguments: num_samples was '100' and is '200'"),
        ({"chunk_size": 3}, "other arguments: chunk_size was '2' and is '3'"),
        ({"model_regressor": Ridge(2.0)}, r"regressor was 'None' and is 'Ridge\(alpha=2.0\)'"),
        ({"labels": [0]}, r"labels was 'None' and is '\(0,\)'"),
        ({"explainer": TabularExplainer(ROWS, random_state=1)}, "random_state was '0' and is '1'"),
        ({"explainer": TabularExplainer(ROWS, class_names=["price"])}, "class_names was 'None'"),
        ({"explainer": TabularExplainer(ROWS, kernel=narrow)}, "kernel was 'exponential_kernel' and is 'narrow'"),
        (
            {"explainer": TabularExplainer(ROWS[:100])},
            "another model, explainer or training data: the model's answers differ",
        ),
        (
            {"explainer": TabularExplainer(ROWS, sampler="around")},
            "another model, explainer or training data: the model",
        ),
        ({"explainer": TabularExplainer(ROWS, discretizer="decile")}, "another model, explainer or training data: the model"),
        (
            {"explainer": TabularExplainer(ROWS, feature_names=list("abcde"))},
            r"other names of features or outputs: 'x0 > .*' is 'a > .*' now\. Give another folder",
        ),
        ({"model": lambda rows: plain(rows) + 1e-4}, "another model, explainer or training data: the model"),
        ({"model": lambda rows: np.column_stack([plain(rows)] * 2)}, "another model"),
        ({"instances": OUTSIDE[::-1]}, "was made for other instances: the first one differs"),
        ({"instances": np.vstack([OUTSIDE[:3], OUTSIDE[:5]])}, "was made for other instances: numbers 2 to 3 differ"),
        ({"instances": OUTSIDE[:7]}, "was made for other instances: numbers 6 to 6 differ"),
    ],
)
def test_folders_of_other_jobs_are_refused(changed, message, folder):
    explain(folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ArgumentError, match=message):
        explain(folder, **changed)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_kernels_of_the_same_name_are_distinguished(folder):
    explain(folder, explainer=TabularExplainer(ROWS, kernel=KERNELS[0]))
    with pytest.raises(
        ArgumentError, match="was made with another explainer or regressor: the first instance's weights differ"
    ):
        explain(folder, explainer=TabularExplainer(ROWS, kernel=KERNELS[1]))


class Kernel:
    """One whose repr says nothing but where it lies in memory."""

    def __call__(self, distances, width):
        return narrow(distances, width)


def test_where_a_kernel_lies_in_memory_does_not_matter(folder):
    explainers = [TabularExplainer(ROWS, kernel=Kernel()) for _ in range(2)]
    first = explain(folder, explainer=explainers[0])
    assert same(explain(folder, explainer=explainers[1]), first)


def test_models_that_answer_a_little_differently_each_time_go_on(folder, alone):
    explain(folder, instances=OUTSIDE[:4])
    noisy = explain(folder, lambda rows: plain(rows) * (1 + 1e-9))
    assert same(noisy[:4], alone[:4])
    assert not same(noisy[4:], alone[4:])


def test_the_model_is_known_by_the_first_instance_that_can_be_explained(folder):
    texts = ["", "...", "fine soup", "cold soup"]
    explainer = TextExplainer()
    explain(folder, lambda batch: ["fine" in text for text in batch], texts, explainer, on_error="keep")
    with pytest.raises(ArgumentError, match="another model"):
        explain(folder, lambda batch: ["soup" in text for text in batch], texts, explainer, on_error="keep")


def test_an_instance_that_takes_too_long_does_not_keep_a_job_from_beginning(folder, alone):
    def model(rows):
        if (rows[:, 0] == OUTSIDE[0, 0]).any():
            time.sleep(600)
        return plain(rows)

    for _ in range(2):
        explanations = explain(folder, model, OUTSIDE[:2], engine="processes", n_jobs=1, timeout=2, on_error="keep")
        assert [*explanations.failures] == [0]
        assert same(explanations[1:], alone[1:2])


def test_instances_that_cannot_be_pickled_are_reported(folder):
    class Stuck:
        names = ("a", "b")

        def __reduce__(self):
            raise TypeError("it holds a lock")

    with pytest.raises(ArgumentTypeError, match="must be picklable to be kept in a checkpoint: it holds a lock"):
        explain(folder, instances=[Stuck()], on_error="keep")


def test_a_model_that_is_mended_before_anything_is_finished_may_use_the_folder(folder, alone):
    def broken(rows):
        raise RuntimeError(f"no key; {len(rows)} rows")

    with pytest.raises(ModelError, match="no key"):
        explain(folder, broken)
    assert parts(folder) == []
    assert same(explain(folder), alone)
    with pytest.raises(ArgumentError, match="another model"):
        explain(folder, lambda rows: plain(rows) + 1)


def test_equal_instances_are_the_same_however_they_lie_in_memory(folder, alone):
    assert same(explain(folder, instances=np.ascontiguousarray(OUTSIDE)), alone)
    assert same(explain(folder, instances=np.asfortranarray(OUTSIDE)), alone)
    once = folder.parent / "once"
    row = tuple(ROWS[0].tolist())
    first = explain(once, instances=[row] * 4)
    assert same(explain(once, instances=[tuple(ROWS[0].tolist()) for _ in range(4)]), first)


def test_a_file_of_the_same_name_is_not_overwritten(folder):
    folder.mkdir()
    (folder / "about.json").write_text('{"name": "my page"}')
    with pytest.raises(CheckpointError, match="is damaged"):
        explain(folder)
    assert (folder / "about.json").read_text() == '{"name": "my page"}'


def test_folders_with_other_things_are_refused(folder):
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(ArgumentError, match="holds other files; give a new or an empty folder"):
        explain(folder)
    assert files(folder) == ["thesis.tex"]
    with pytest.raises(CheckpointError, match=r"cannot be used: .*File exists"):
        explain(folder / "thesis.tex")
    with pytest.raises(CheckpointError, match=r"cannot be used: .*Not a directory"):
        explain(folder / "thesis.tex" / "checkpoint")


@pytest.mark.parametrize("length", [0, 4, 400, -1])
def test_truncated_chunks_are_reported(length, folder, alone):
    explain(folder)
    part = next(folder.glob("part-000000002-*"))
    whole = part.read_bytes()
    part.write_bytes(whole[:length])
    model = Counter(plain)
    with pytest.raises(CheckpointError, match=r"part-000000002-.* Delete it, and the same call explains its instances again\."):
        explain(folder, model)
    part.unlink()
    assert same(explain(folder), alone)
    assert part.read_bytes() == whole


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b'{"arguments": {"ran',
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        b'{"arguments": [], "first": "", "answers": [], "weights": [], "names": []}',
        b'{"arguments": {}, "first": "", "answers": [], "weights": [], "names": null}',
    ],
)
def test_damaged_notes_are_reported(contents, folder):
    explain(folder)
    (folder / "about.json").write_bytes(contents)
    with pytest.raises(CheckpointError, match=r"'.*about\.json' is damaged .* Give another folder\."):
        explain(folder)
