"""Which drawn numbers become a number that a column's type holds."""

import numpy as np
import pytest

from limelight.modalities.tables._fields import NumberField
from limelight.modalities.tables._rounding import Rounding

FIELDS = {
    "half": (NumberField(numpy_type="float16"), False),
    "single": (NumberField(numpy_type="float32"), False),
    "double": (NumberField(), True),
    "byte": (NumberField(is_whole=True, numpy_type="uint8"), True),
    "decimals": (NumberField(decimals=2, largest=99.99), False),
    "whole decimals": (NumberField(decimals=0, largest=999.0), False),
}


@pytest.mark.parametrize("name", FIELDS)
def test_last_up_to_is_the_last_number_that_becomes_at_most_a_point(name):
    field, is_whole = FIELDS[name]
    rounding = Rounding(field, is_whole=is_whole)
    rng = np.random.default_rng(1)
    drawn = np.concatenate([rng.normal(size=500), 100 * rng.normal(size=500), [0.0, 0.5, 1.5, 255.5, 1e5, -1e5]])
    points = np.concatenate([drawn, rounding(drawn), [-np.inf, np.inf, 7e4, -7e4, 99.99, 255.0]])
    last = rounding.last_up_to(points)
    is_finite = np.isfinite(last)
    assert (rounding(last[is_finite]) <= points[is_finite]).all()
    assert (rounding(np.nextafter(last[is_finite], np.inf)) > points[is_finite]).all()
    assert (rounding(np.array([np.inf])) <= points[last == np.inf]).all()
    assert (rounding(np.array([-np.inf])) > points[(last == -np.inf) & (points > -np.inf)]).all()


@pytest.mark.parametrize("name", FIELDS)
def test_numbers_between_are_those_that_the_type_holds(name):
    field, is_whole = FIELDS[name]
    rounding = Rounding(field, is_whole=is_whole)
    low, high = (3.0, 3.0002) if name == "single" else (-0.7, 3.2)
    numbers = rounding.numbers_between(low, high)
    assert (np.diff(numbers) > 0).all()
    drawn = np.random.default_rng(2).uniform(low, high, 100_000)
    assert set(np.unique(rounding(drawn)).tolist()) <= set(numbers.tolist())
    np.testing.assert_array_equal(rounding(numbers), numbers)


def test_too_many_numbers_are_not_listed():
    assert Rounding(NumberField(), is_whole=True).numbers_between(0.0, 1e6) is None
    assert Rounding(NumberField(numpy_type="float32")).numbers_between(0.0, 1.0) is None
    assert Rounding(NumberField()).numbers_between(0.0, 1.0) is None
