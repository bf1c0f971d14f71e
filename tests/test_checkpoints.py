"""Checkpoints: what they know of a job, which jobs they go on with, and whose they are."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.batches import OUTSIDE, ROWS, Counter, one_by_one, plain, same
from helpers.checkpoints import EXPLAINER, PARTS, explain, files, parts
from sklearn.linear_model import Ridge

from limelight import ComponentsExplainer, ImageExplainer, TabularExplainer, TextExplainer, TimeSeriesExplainer
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
    assert sum(second.sizes) <= 4 * (32 + 5) + 8  # to know the model again: four probes, and each instance's prediction
    assert sum(first.sizes) > 4 * sum(second.sizes)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == written


def test_other_ways_of_doing_the_same_go_on(folder, alone):
    def stopped(after):
        yield from [*OUTSIDE, *OUTSIDE][:after]
        raise KeyboardInterrupt

    for after in (11, 0, 5):
        with pytest.raises(Interrupted) as caught:
            explain(folder, instances=stopped(after))
        assert same(caught.value.explanations, [*alone, *alone][: after // 2 * 2])
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
        ({"explainer": TabularExplainer(ROWS[:100])}, "another explainer or training data: its content, .* differ"),
        ({"explainer": TabularExplainer(ROWS, sampler="around")}, "another explainer or training data: its .*chooser"),
        ({"explainer": TabularExplainer(ROWS, discretizer="decile")}, "another explainer or training data: its .*features"),
        ({"explainer": TabularExplainer(ROWS, feature_names=list("abcde"))}, "another explainer or training data: its columns"),
        ({"model": lambda rows: plain(rows) + 1e-4}, "another model: its answers for changes of instance 0 differ"),
        ({"model": lambda rows: np.column_stack([plain(rows)] * 2)}, "another model: its answers for changes of instance 0"),
        (
            {"model": lambda rows: plain(rows) + (rows[:, 0] == 2 * OUTSIDE[7, 0] / 2)},
            "another model: its answer.* instance 7 d",
        ),
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
    with pytest.raises(ArgumentError, match="other arguments: kernel is '<lambda>', but with another content"):
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


def test_of_a_model_that_answers_by_chance_the_refusal_says_so(folder):
    rng = np.random.default_rng(0)
    explain(folder, lambda rows: plain(rows) + rng.normal(size=len(rows)))
    with pytest.raises(ArgumentError, match=r"differ again now: a model that answers by chance .* Make it repeatable\. G"):
        explain(folder, lambda rows: plain(rows) + rng.normal(size=len(rows)))
    with pytest.raises(ArgumentError, match=r"its answers for changes of instance 0 differ\. Give another folder"):
        explain(folder, lambda rows: plain(rows) + 1)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are those of POSIX")
def test_what_is_finished_can_be_read_where_nothing_can_be_written(alone):
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as place:  # which anyone can reach
        folder = Path(place)
        explain(folder, instances=OUTSIDE[:4])
        folder.chmod(0o555)
        try:
            os.seteuid(user or 65534)  # root may write everywhere
            assert same(explain(folder, instances=OUTSIDE[:4]), alone[:4])
            with pytest.raises(CheckpointError, match=r"cannot be written: .*Permission denied"):
                explain(folder)
        finally:
            os.seteuid(user)
            folder.chmod(0o755)


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


def test_what_has_no_content_is_reported(folder):
    class Stuck:
        names = ("a", "b")

        def __reduce__(self):
            raise TypeError("it holds a socket")

    advice = (
        "Give something that has, or a class whose __getstate__ returns what its results depend on; or leave checkpoint= out"
    )
    with pytest.raises(ArgumentTypeError, match=rf"instances must have contents .*Stuck.*\(it holds a socket\)\. {advice}"):
        explain(folder, instances=[Stuck()], on_error="keep")
    generator = (word for word in "ab")
    explainer = TextExplainer(split_expression=lambda text: text.split() if generator else [])
    with pytest.raises(ArgumentTypeError, match=r"its unit holds builtins\.generator.*\. Give something that has"):
        explain(folder, len, ["a b"], explainer)
    explainer = TextExplainer(kernel=lambda distances, width: np.exp(-distances / width) if generator else None)
    with pytest.raises(ArgumentTypeError, match=r"kernel must have a content .* it holds builtins\.generator"):
        explain(folder, len, ["a b"], explainer)
    assert not folder.exists()


def of_image(images):
    return images.reshape(len(images), -1).sum(axis=1) / 1000


@pytest.mark.parametrize(
    ("one", "other", "instances", "model"),
    [
        (
            lambda: TextExplainer(split_expression=r"\W+"),
            lambda: TextExplainer(split_expression=r"[^\w-]+"),
            ["a b c", "d-e f"],
            lambda texts: [float(len(text)) for text in texts],
        ),
        (
            lambda: TextExplainer(bow=False, mask_string="x"),
            lambda: TextExplainer(bow=False, mask_string="y"),
            ["a b c", "d e f"],
            lambda texts: [float(len(text)) for text in texts],
        ),
        (
            lambda: ImageExplainer("grid", fill="mean"),
            lambda: ImageExplainer("grid", fill="blur"),
            np.stack([np.full((16, 16), 7), np.arange(256).reshape(16, 16)]).astype(np.uint8),
            of_image,
        ),
        (
            lambda: TimeSeriesExplainer(fill="mean"),
            lambda: TimeSeriesExplainer(fill=5),
            np.stack([np.full(30, 5.0), np.arange(30.0)]),
            of_image,
        ),
    ],
)
def test_explainers_that_differ_only_away_from_the_first_instance(one, other, instances, model, folder):
    first = explain(folder, model, instances, one(), chunk_size=1)
    assert same(explain(folder, model, instances, one(), chunk_size=1), first)
    with pytest.raises(ArgumentError, match=r"was made with another explainer or training data: its .* differ"):
        explain(folder, model, instances, other(), chunk_size=1)


@pytest.mark.parametrize("place", range(12))
def test_models_that_differ_for_one_instance_of_many(place, folder):
    instances = ROWS[:12]
    explain(folder, instances=iter(instances))
    with pytest.raises(ArgumentError, match=f"another model: its answers? for (changes of )?instance {place} differs?"):
        explain(folder, lambda rows: plain(rows) + 0.01 * (rows[:, 0] == instances[place, 0]), instances)


def test_a_model_that_cannot_explain_any_longer_what_is_finished(folder):
    def broken(rows):
        raise RuntimeError(f"no key; {len(rows)} rows")

    explain(folder)
    with pytest.raises(ModelError, match=r"cannot be continued: instance 0 could be explained then, .*no key"):
        explain(folder, broken, on_error="keep")


def test_nothing_is_explained_before_all_that_is_finished_has_been_checked(folder):
    explain(folder, instances=OUTSIDE[:6])
    next(folder.glob("part-000000000-*")).unlink()
    before = files(folder)
    with pytest.raises(ArgumentError, match="another model: its answer for instance 4 differs"):
        explain(folder, lambda rows: plain(rows) + (rows[:, 0] == OUTSIDE[4, 0]) * (rows[:, 1] == OUTSIDE[4, 1]))
    assert files(folder) == before


def test_networks_that_round_differently_in_other_batches_go_on(folder):
    def network(rows):
        wobble = 1 + 1e-6 * np.sin(len(rows) + calls[-1])
        return (plain(rows) * wobble).astype(np.float32)

    calls = [0]
    first = explain(folder, network)
    calls.append(1)
    assert same(explain(folder, network), first)


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


def test_a_folder_that_lacks_the_note_of_its_job_says_so(folder):
    explain(folder)
    (folder / "about.json").unlink()
    with pytest.raises(CheckpointError, match=r"lacks the file 'about.json'.*Bring it back, or give another folder"):
        explain(folder)


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
        b'{"format": "2"}',
        b'{"format": 2, "arguments": [], "explainer": {}, "first": ""}',
        b'{"format": 2, "arguments": {"a": "b"}, "explainer": {}, "first": ""}',
        b"[" * 100_000,
    ],
)
def test_damaged_notes_are_reported(contents, folder):
    explain(folder)
    (folder / "about.json").write_bytes(contents)
    with pytest.raises(CheckpointError, match=r"'.*about\.json' is damaged .* Give another folder\."):
        explain(folder)


@pytest.mark.parametrize(
    ("contents", "age"),
    [
        ('{"arguments": {}, "first": "", "answers": [], "weights": [], "names": []}', "an earlier"),
        ('{"format": 1}', "an earlier"),
        ('{"format": 3, "jobs": []}', "a newer"),
    ],
)
def test_folders_of_other_versions_are_refused(contents, age, folder):
    explain(folder)
    (folder / "about.json").write_text(contents)
    with pytest.raises(
        ArgumentError, match=rf"was made by {age} version of limelight .*Give another folder, or use that version"
    ):
        explain(folder)


def make_fifo(path):
    os.mkfifo(path)


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))  # a socket's path is short


@pytest.mark.parametrize("make", [make_fifo, make_socket, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.parametrize("name", ["about.json", "part", ".lock"])
def test_what_is_no_file_is_reported(name, make, folder, monkeypatch):
    explain(folder)
    place = next(folder.glob("part-000000001-*")) if name == "part" else folder / name
    place.unlink(missing_ok=True)
    monkeypatch.chdir(folder)
    make(place)
    with pytest.raises(
        CheckpointError, match=rf"{re.escape(place.name)}' is not a regular file\. (Delete it|Give another folder)"
    ):
        explain(folder)


def test_contents_of_another_name_are_reported(folder, alone):
    explain(folder)
    first, second = (next(folder.glob(f"part-00000000{number}-*")) for number in (0, 1))
    whole = second.read_bytes()
    second.write_bytes(first.read_bytes())
    with pytest.raises(CheckpointError, match=rf"{second.name}' is damaged, or was renamed: .*\. Delete it, and the same call"):
        explain(folder)
    second.write_bytes(whole)
    second.rename(folder / f"{first.name[:14]}{second.name[14:]}")
    with pytest.raises(
        CheckpointError, match=r"part-000000000-.* is damaged, or was renamed: .*\. Delete it, and the same call"
    ):
        explain(folder)
    (folder / f"{first.name[:14]}{second.name[14:]}").unlink()
    assert same(explain(folder), alone)
    assert second.read_bytes() == whole


def test_parts_of_another_folder_are_reported(folder):
    explain(folder)
    other = folder.parent / "other"
    explain(other, explainer=TabularExplainer(ROWS, random_state=1))
    own, theirs = next(folder.glob("part-000000002-*")), next(other.glob("part-000000002-*"))
    own.unlink()
    shutil.copy(theirs, folder)
    with pytest.raises(CheckpointError, match=r"part-000000002-.* belongs to another job than about\.json\. Delete it"):
        explain(folder)
    (folder / theirs.name).rename(own)
    with pytest.raises(CheckpointError, match=r"part-000000002-.* is damaged, or was renamed: .*\. Delete it"):
        explain(folder)


def test_of_a_part_and_the_one_that_was_to_take_its_place_the_later_counts(folder, alone):
    explain(folder)
    (part,) = folder.glob("part-000000001-*")
    former = part.read_bytes()
    explain(folder, ids=list("abcdefgh"))
    (now,) = folder.glob("part-000000001-*")
    assert now != part
    part.write_bytes(former)
    os.utime(part, ns=(0, 0))
    assert same(explain(folder, ids=list("abcdefgh")), alone)
    assert [*folder.glob("part-000000001-*")] == [now]


@pytest.mark.parametrize("share", np.linspace(0.0, 0.9999, 12))
def test_flipped_bits_are_reported(share, folder, alone):
    explain(folder)
    part = next(folder.glob("part-000000001-*"))
    whole = part.read_bytes()
    place = int(share * len(whole))
    part.write_bytes(whole[:place] + bytes([whole[place] ^ 0x40]) + whole[place + 1 :])
    with pytest.raises(CheckpointError, match=r"part-000000001-.* Delete it, and the same call explains its instances again\."):
        explain(folder)
    part.unlink()
    assert same(explain(folder), alone)


# --- in another process ---------------------------------------------------------------------------------------------------

TORCH = """
import itertools, json, os, sys
import torch
from helpers.batches import bits
from limelight import ImageExplainer, TextExplainer
from limelight.exceptions import Interrupted

place, stop = sys.argv[1], int(sys.argv[2])
torch.manual_seed(0)
images = torch.rand(6, 3, 16, 16)
layers = [torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), torch.nn.Linear(4 * 14 * 14, 3), torch.nn.Softmax(1)]
network = torch.nn.Sequential(*layers)
filter = torch.rand(3)
asked = []

def fill(image, mask):
    return image * float(filter.mean())

def split(text):
    return [word for word in text.split() if word in kept]

def model(batch):
    asked.append(len(batch))
    with torch.no_grad():
        return network.eval()(torch.as_tensor(batch))

def stopping(instances):
    yield from itertools.islice(instances, stop)
    raise KeyboardInterrupt

kept = {word for word in ("fine", "cold", "soup", "view", "bread")}
texts = [f"the {word} of the day {number}" for number, word in enumerate(sorted(kept))]
explainers = [
    (ImageExplainer("grid", fill=fill), images, model),
    (ImageExplainer("grid"), images, network),
    (TextExplainer(split_expression=split), texts, lambda texts: [len(text) for text in texts]),
]
result = {}
for folder in sys.argv[3:]:
    for number, (explainer, instances, asked_model) in enumerate(explainers):
        checkpoint = os.path.join(place, folder, str(number))
        try:
            given = stopping(instances) if stop else instances
            explanations = explainer.explain_many(given, asked_model, num_samples=100, chunk_size=1, checkpoint=checkpoint)
        except Interrupted as error:
            explanations = error.explanations
        result.setdefault(folder, []).append([bits(entry) for entry in explanations])
    result[folder].append(sum(asked))
    asked.clear()
print(json.dumps(result))
"""


def test_jobs_with_tensors_and_sets_go_on_in_another_process(tmp_path):
    pytest.importorskip("torch")

    def run(stop, seed, *folders):
        path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": str(seed)}
        command = [sys.executable, "-c", TORCH, str(tmp_path), str(stop), *folders]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr
        return json.loads(done.stdout)

    *first, _ = run(3, 1, "folder")["folder"]
    assert [len(entries) for entries in first] == [3, 3, 3]
    results = run(0, 2, "folder", "new")
    *again, num_asked = results["folder"]
    *whole, num_asked_at_once = results["new"]
    assert [entries[:3] for entries in again] == first
    assert again == whole
    assert num_asked < 0.8 * num_asked_at_once
