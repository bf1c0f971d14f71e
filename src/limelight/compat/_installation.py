"""limelight.compat under the name of lime, for programs that import lime."""

from __future__ import annotations

import sys
import warnings
from importlib.machinery import ModuleSpec
from types import ModuleType

from limelight import compat
from limelight.compat import (
    discretize,
    exceptions,
    explanation,
    lime_base,
    lime_image,
    lime_tabular,
    lime_text,
    submodular_pick,
    utils,
    wrappers,
)
from limelight.compat.utils import generic_utils
from limelight.compat.wrappers import scikit_image

__all__ = ["install"]

_MODULES: tuple[ModuleType, ...] = (
    *(discretize, exceptions, explanation, lime_base, lime_image, lime_tabular, lime_text, submodular_pick),
    *(utils, generic_utils, wrappers, scikit_image),
)


def install() -> None:
    """Register limelight's modules as ``lime`` and what is in it, in this process."""
    present = sys.modules.get("lime")
    if present is not None and getattr(present, "lime_tabular", None) is not lime_tabular:
        warnings.warn(
            "lime has been imported already: what was taken from it stays lime's own. Call install_as_lime() before anything "
            "imports lime.",
            stacklevel=3,
        )
    lime = ModuleType("lime", compat.__doc__)
    lime.__spec__ = ModuleSpec("lime", None, is_package=True)
    lime.__path__ = []  # a package, in which nothing is looked for on the disk
    lime.__file__ = compat.__file__
    lime.__version__ = compat.__version__  # type: ignore[attr-defined]
    for name in [name for name in sys.modules if name.partition(".")[0] == "lime"]:
        del sys.modules[name]
    sys.modules["lime"] = lime
    for module in _MODULES:
        name = module.__name__.removeprefix("limelight.compat.")
        sys.modules[f"lime.{name}"] = module
        if "." not in name:
            setattr(lime, name, module)
