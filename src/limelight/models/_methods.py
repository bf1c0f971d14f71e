"""Whose method a callable is: what it answers is known only of a library's own method of a library's own class."""

from __future__ import annotations

from types import MethodType
from typing import Any, NamedTuple

__all__ = ["OwnMethod", "find_own_method"]

# Estimators that hand their inputs on to another one as they are, by class, and the attribute that holds it.
_PASSING_ON = {
    "FixedThresholdClassifier": "estimator_",
    "GridSearchCV": "best_estimator_",
    "HalvingGridSearchCV": "best_estimator_",
    "HalvingRandomSearchCV": "best_estimator_",
    "RANSACRegressor": "estimator_",
    "RandomizedSearchCV": "best_estimator_",
    "TunedThresholdClassifierCV": "estimator_",
}


class OwnMethod(NamedTuple):
    """A method of an estimator.

    Attributes
    ----------
    estimator : object
    package : str
        The library that it comes from.
    kind : str
        Its class.
    name : str
        The method's name.
    """

    estimator: Any
    package: str
    kind: str
    name: str


def find_own_method(call: object) -> OwnMethod | None:
    """The method that is called in the end, where a search hands its inputs on; None for other callables.

    A method of a user's class, or one that was put in the place of a library's own, may answer anything.
    """
    while isinstance(call, MethodType):
        kind = type(call.__self__)
        package = kind.__module__.partition(".")[0]
        # Unlike names, which wrappers copy, a function's globals are always those of the module that defines it.
        defined_in = getattr(call.__func__, "__globals__", {}).get("__name__", "")
        if defined_in.partition(".")[0] != package:
            return None
        passed_to = _PASSING_ON.get(kind.__name__) if package == "sklearn" else None
        if passed_to is None:
            return OwnMethod(call.__self__, package, kind.__name__, call.__name__)
        call = getattr(getattr(call.__self__, passed_to, None), call.__name__, None)
    return None
