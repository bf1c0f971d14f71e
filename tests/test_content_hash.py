"""The hash of an object's content: equal for equal contents in every process, different for different ones."""

import copy
import dataclasses
import datetime
import enum
import functools
import importlib
import json
import os
import re
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers.batches import CASES
from scipy import sparse

from limelight.batch._content_hash import NoContentError, hash_attributes, hash_content

torch = pytest.importorskip("torch")


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@dataclasses.dataclass
class Point:
    x: float
    names: frozenset

    @functools.cached_property
    def size(self):
        return self.x**2


class Lazy:
    """One whose state leaves out what it has found so far."""

    def __init__(self, words):
        self.words = words
        self.found = {}

    def __getstate__(self):
        return {"words": self.words}


class Slotted:
    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left, self.right = left, right

    def meet(self):
        return self.left


class Loop:
    def __init__(self, name):
        self.name = name
        self.others = [self]


def power(exponent):
    return lambda value: value**exponent


def with_default(value, exponent=2):
    return value**exponent


WORDS = {"fine", "cold"}


def uses_a_global(text):
    return [word for word in text.split() if word in WORDS]


def record(**fields):
    kinds = np.dtype([("small", "i1"), ("large", "f8")], align=True)  # with bytes between them that mean nothing
    array = np.frombuffer(os.urandom(2 * kinds.itemsize), dtype=kinds).copy()
    array["small"], array["large"] = fields["small"], 1.0
    return array


MAKERS = [  # each gives equal objects when it is called again
    lambda: None,
    lambda: [1, 2.5, "a", b"a", True, 1j, ...],
    lambda: (1, 2),
    lambda: {1, 2},
    lambda: frozenset({"a", ("b", 1)}),
    lambda: {"a": 1, "b": [2]},
    lambda: np.arange(6.0).reshape(2, 3),
    lambda: np.arange(6, dtype=np.float32).reshape(2, 3),
    lambda: np.arange(6.0).reshape(3, 2),
    lambda: np.array(["a", None, 3.5], dtype=object),
    lambda: np.array(["a", "bb"], dtype=np.dtypes.StringDType()),
    lambda: np.ma.masked_array([1.0, 2.0], mask=[False, True]),
    lambda: record(small=1),
    lambda: record(small=2),
    lambda: np.float32(1.5),
    lambda: np.float64(1.5),
    lambda: np.dtype("f4"),
    lambda: sparse.random_array((5, 4), density=0.4, rng=np.random.default_rng(0)),
    lambda: pd.DataFrame({"a": [1.0, None], "b": ["x", None], "c": pd.Categorical(["u", "v"])}),
    lambda: pd.DataFrame({"a": [1.0, None], "b": ["x", None], "c": pd.Categorical(["u", "v"], ["v", "u"])}),
    lambda: pd.Series(pd.to_datetime(["2020-01-01", None]), index=["a", "b"]),
    lambda: pd.Series([1, None], dtype="Int64"),
    lambda: pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]),
    lambda: pl.DataFrame({"a": [1, None], "b": ["x", "y"]}),
    lambda: pl.Series("a", [1.0, float("nan"), None]),
    lambda: pl.Series("a", [1.0, None, None]),
    lambda: pa.table({"a": [1, None]}),
    lambda: pa.array([1, None]),
    lambda: torch.arange(4.0),
    lambda: torch.arange(4.0).to(torch.bfloat16),
    lambda: torch.nn.Parameter(torch.arange(4.0)),
    lambda: torch.eye(3).to_sparse(),
    lambda: torch.tensor([[1 + 2j]]).conj(),
    lambda: np.random.default_rng(3),
    lambda: np.random.default_rng(4),
    lambda: np.random.RandomState(3),
    lambda: torch.Generator().manual_seed(3),
    lambda: re.compile("a+"),
    lambda: re.compile("a+", re.IGNORECASE),
    lambda: datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
    lambda: Path("a") / "b",
    lambda: Colour.RED,
    lambda: Colour.BLUE,
    lambda: Point(1.0, frozenset({"a", "b"})),
    lambda: Point(2.0, frozenset({"a", "b"})),
    lambda: Slotted(1, [2]),
    lambda: Slotted([1], 2),
    lambda: Slotted(1, 2).meet,
    lambda: Slotted(2, 2).meet,
    lambda: Loop("a"),
    lambda: Loop("b"),
    lambda: Lazy(["a"]),
    lambda: power(2),
    lambda: power(3),
    lambda: functools.partial(power(2), 5),
    lambda: functools.lru_cache(power(2)),
    lambda: functools.lru_cache(power(3)),
    lambda: with_default,
    lambda: Point,
    lambda: np.exp,
    lambda: np.log,
    lambda: len,
    lambda: "a".join,
    lambda: "b".join,
    lambda: str.split,
    lambda: json.dumps,
    lambda: threading.Lock(),
]


def test_equal_contents_have_equal_hashes_and_others_have_others():
    hashes = [hash_content(make()) for make in MAKERS]
    assert hashes == [hash_content(make()) for make in MAKERS]
    assert len(set(hashes)) == len(hashes)


def test_how_an_object_lies_in_memory_does_not_count():
    array = np.arange(12.0).reshape(3, 4)
    assert hash_content(array) == hash_content(np.asfortranarray(array)) == hash_content(np.repeat(array, 2, axis=0)[::2])
    tensor = torch.arange(12.0).reshape(3, 4)
    assert hash_content(tensor) == hash_content(tensor.T.contiguous().T) == hash_content(tensor.clone().requires_grad_())
    matrix = sparse.random_array((6, 5), density=0.5, rng=np.random.default_rng(0), format="csr")
    unsorted = matrix.tocsc().tocsr()
    assert hash_content([matrix.toarray(), unsorted]) == hash_content([matrix.toarray(), matrix])
    word = "".join(["a", "b"])
    assert hash_content([word, word]) == hash_content(["ab", "".join(["a", "b"])])
    part = [1]
    assert hash_content([part, part]) == hash_content([[1], [1]])


def test_caches_do_not_count():
    point, lazy = Point(3.0, frozenset("ab")), Lazy(["a"])
    before = hash_content([point, lazy])
    assert point.size == 9
    lazy.found["a"] = 1
    assert hash_content([point, lazy]) == before
    lazy.words.append("b")
    assert hash_content([point, lazy]) != before


def test_what_a_function_uses_counts(monkeypatch):
    before = hash_content(uses_a_global)
    assert hash_content(copy.deepcopy(uses_a_global)) == before
    monkeypatch.setitem(globals(), "WORDS", {"fine"})
    assert hash_content(uses_a_global) != before
    other = hash_content(with_default)
    monkeypatch.setattr(with_default, "__defaults__", (3,))
    assert hash_content(with_default) != other


def test_what_a_function_uses_of_the_users_modules_counts(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "user_tools").mkdir()
    (tmp_path / "user_tools" / "__init__.py").write_text("from user_tools import words\nLIMIT = 3\n")
    words = "import user_tools\ndef cut(text): return text.split()[:user_tools.LIMIT]\ndef other(text): return text\n"
    (tmp_path / "user_tools" / "words.py").write_text(words)
    user_tools = importlib.import_module("user_tools")

    def at_the_top(text):
        return user_tools.words.cut(text)

    def imported_within(texts):
        from user_tools.words import cut

        return [cut(text) for text in texts]

    before = hash_content(at_the_top)
    monkeypatch.setattr(user_tools.words, "other", len)  # which it does not use
    assert hash_content(at_the_top) == before
    for module, name, value in ((user_tools, "LIMIT", 4), (user_tools.words, "cut", str.split)):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, value)
            assert hash_content(at_the_top) != before
    assert hash_content(at_the_top) == before
    before = hash_content(imported_within)
    monkeypatch.delitem(sys.modules, "user_tools.words")
    assert hash_content(imported_within) == before
    (tmp_path / "user_tools" / "words.py").write_text(words.replace("split()", "split(',')"))
    assert hash_content(imported_within) != before


def make_class(factor):
    class Scaler:
        step = 1

        def scale(self, value):
            return factor * value

    return Scaler


def test_what_the_users_class_does_counts():
    first, second = make_class(1), make_class(2)
    assert hash_content(first()) == hash_content(make_class(1)())
    assert hash_content(first()) != hash_content(second())
    before = hash_content(second())
    second.step = 2
    assert hash_content(second()) != before


def test_cycles_end():
    first, second = Loop("a"), Loop("a")
    assert hash_content([first, second]) == hash_content([first, first])
    first.others.append(second)
    second.others.append(first)
    assert hash_content(first) == hash_content(second) != hash_content(Loop("a"))
    assert hash_content({first: 1}) == hash_content({second: 1})


def test_what_has_no_content_is_refused(tmp_path):
    with (tmp_path / "file").open("w") as file, pytest.raises(NoContentError, match=r"holds _io\.TextIOWrapper, which has no"):
        hash_content({"log": [file]})
    with pytest.raises(NoContentError, match=r"holds builtins\.generator"):
        hash_attributes(Slotted((number for number in range(3)), 1))
    nested = []
    for _ in range(sys.getrecursionlimit()):
        nested = [nested]
    with pytest.raises(NoContentError, match="is nested too deeply"):
        hash_content(nested)


OTHER_PROCESS = textwrap.dedent(
    """
    import json
    from helpers.batches import CASES
    from limelight.batch._content_hash import hash_attributes, hash_content
    from test_content_hash import MAKERS

    explainers = {name: hash_attributes(make()[0]) for name, make in CASES.items()}
    print(json.dumps([explainers, [hash_content(make()) for make in MAKERS]]))
    """
)


def test_hashes_are_the_same_in_other_processes_and_after_use():
    explainers = {name: make() for name, make in CASES.items()}
    before = {name: hash_attributes(explainer) for name, (explainer, *_) in explainers.items()}
    for explainer, instances, model, arguments in explainers.values():
        explainer.explain_many(instances, model, num_samples=32, **arguments)
    assert before == {name: hash_attributes(explainer) for name, (explainer, *_) in explainers.items()}
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "77"}
    command = [sys.executable, "-c", OTHER_PROCESS]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert json.loads(output) == [before, [hash_content(make()) for make in MAKERS]]
