"""Which perturbed rows an instance gets: those that most rows of the table share, or its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from functools import partial
from math import isnan
from typing import NamedTuple

import numpy as np

from limelight._seeds import fingerprint
from limelight.exceptions import ArgumentError
from limelight.modalities.tables._added_values import Column, add_value
from limelight.modalities.tables._column_law import ColumnLaw
from limelight.modalities.tables._encoding import Encoding
from limelight.modalities.tables._instance_row import InstanceRow
from limelight.modalities.tables._perturbations import Perturbations, Validator, codes_of
from limelight.modalities.tables._samplers import (
    Constraint,
    Joint,
    Marginals,
    RowSampler,
    Source,
    TrainingRows,
    UserRows,
    apply_constraint,
)
from limelight.modalities.tables._training_data import TrainingData
from limelight.results.explanation import Notice

__all__ = ["PerturbationChooser"]


class Surroundings(NamedTuple):
    """What is drawn around an instance.

    Attributes
    ----------
    perturbations : Perturbations
    codes : ndarray of shape (d,)
        The codes of the instance's values there.
    notes : tuple of Notice
        What a reader should know about values that the training data lack.
    """

    perturbations: Perturbations
    codes: np.ndarray
    notes: tuple[Notice, ...]


class PerturbationChooser:
    """Chooses the perturbations of each row to explain.

    Parameters
    ----------
    data : TrainingData
    laws : sequence of Column, or None
        How each column is drawn; None for a sparse table, whose rows have different columns and so nothing to share.
    sampler : str or callable
        The user's choice, checked.
    constraint : callable or None
    groups : mapping
        The columns that are drawn together, by the groups' names.

    Raises
    ------
    ArgumentError
        If a group has a column without bins.
    """

    def __init__(
        self,
        data: TrainingData,
        laws: Sequence[Column] | None,
        *,
        sampler: str | RowSampler,
        constraint: Constraint | None,
        groups: Mapping[str, list[int]],
    ) -> None:
        self._encoding = data.encoding
        self._content = data.content
        self._constraint = constraint
        self._draws_around = sampler == "around"
        self._row_source = _row_source(sampler, data, laws)
        self._joints: dict[str, Joint] = {}
        self._shared: Perturbations | None = None
        if laws is not None:
            if any(not laws[number].num_states for columns in groups.values() for number in columns):
                raise ArgumentError("groups need bins: leave discretize_continuous=True.")
            self._joints = {name: Joint.of(columns, data.rows, laws) for name, columns in groups.items()}
            source = self._row_source or Marginals(laws, tuple(self._joints.values()))
            validate = self._validator(data.encoding)
            self._shared = Perturbations(
                laws, data.encoding.fields, source, data.encoding.hold, validate, data.content, are_shared=True
            )
        self._in_joints = {number for joint in self._joints.values() for number in joint.columns}

    @property
    def holds_rows(self) -> bool:
        """Whether training rows are kept to be drawn."""
        return bool(self._joints) or isinstance(self._row_source, TrainingRows)

    def without_drawn_rows(self) -> PerturbationChooser:
        """The same choice, that keeps drawn rows of its own."""
        other = copy(self)
        other._shared = copy(self._shared)  # as in a pickle, what was drawn stays behind
        return other

    def choose_for(self, row: InstanceRow) -> Surroundings:
        """The perturbations of a row, and what a reader should know about them.

        Raises
        ------
        InstanceError
            If it has a value that its column cannot hold.
        """
        laws = self._training_laws(row)
        outside = [number for number, value in enumerate(row.values) if not laws[number].covers(value)]
        row_laws = _with_values(laws, row, outside) if outside else laws
        codes = [law.code_of(value) for law, value in zip(row_laws, row.values, strict=True)]
        new_groups = [name for name, joint in self._joints.items() if not joint.covers(codes)]
        has_shared_laws = not outside and not new_groups and not self._draws_around and row.encoding is self._encoding
        if self._shared is not None and has_shared_laws:
            return Surroundings(self._shared, np.array(codes), ())
        perturbations = self._perturbations_of(row, row_laws, codes, new_groups)
        return Surroundings(perturbations, np.array(codes), self._notes(row, outside, new_groups))

    def _training_laws(self, row: InstanceRow) -> list[Column]:
        """How the training data say that each of the row's columns is drawn, around the row if the user wishes."""
        laws = [feature.column for feature in row.features]
        if self._draws_around:
            for number, value in enumerate(row.values):
                if number not in self._in_joints and not isnan(value):
                    laws[number] = laws[number].around(value)
        return laws

    def _perturbations_of(
        self, row: InstanceRow, laws: Sequence[ColumnLaw], codes: Sequence[float], new_groups: Collection[str]
    ) -> Perturbations:
        """Perturbations for this row alone, in which groups also have its values if no training row has them together."""
        source = self._row_source
        if source is None:
            joints = [
                joint.with_row(row.numbers, codes) if name in new_groups else joint for name, joint in self._joints.items()
            ]
            source = Marginals(laws, joints)
        encoding = row.encoding
        content = fingerprint(row.numbers, np.array(encoding.column_numbers), str(self._content), *encoding.words)
        known = None if self._shared is None else self._shared.moments
        validate = self._validator(encoding)
        return Perturbations(laws, encoding.fields, source, encoding.hold, validate, content, known_moments=known)

    def _notes(self, row: InstanceRow, outside: Collection[int], new_groups: Collection[str]) -> tuple[Notice, ...]:
        """A note for each value, or combination of a group's values, that lies outside the training data."""
        names = [row.name_with_value(number) for number in outside]
        for group in new_groups:
            columns = self._joints[group].columns
            if not {*columns} & {*outside}:  # the training data have each value, but not together
                names.append(f"{group}: " + ", ".join(row.name_with_value(number) for number in columns))
        effect = "its weight compares just this value with them"
        if self._row_source is not None:
            effect = "so perhaps no perturbation has it, and its weight says little; without the sampler some have it"
        return tuple(Notice("outside_training_data", f"{name} lies outside the training data; {effect}.") for name in names)

    def _validator(self, encoding: Encoding) -> Validator | None:
        return None if self._constraint is None else partial(apply_constraint, self._constraint, encoding)


def _with_values(laws: Sequence[Column], row: InstanceRow, outside: Collection[int]) -> Sequence[ColumnLaw]:
    """The laws of a row's columns, which also draw the row's values that lie outside the training data."""
    row_laws: list[ColumnLaw] = [*laws]
    for number in outside:
        row.features[number].check_value(row.values[number])
        row_laws[number] = add_value(laws[number], row.values[number])
    return row_laws


def _row_source(sampler: str | RowSampler, data: TrainingData, laws: Sequence[Column] | None) -> Source | None:
    """Where whole rows come from; None where columns are drawn on their own."""
    if callable(sampler):
        return UserRows(sampler, data.encoding)
    if sampler != "training_rows":
        return None
    assert laws is not None  # sparse rows are drawn by column
    return TrainingRows(data.rows, codes_of(data.rows, laws).T)
