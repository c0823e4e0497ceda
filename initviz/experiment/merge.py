"""How tables are laid over one another: defaults under a file, and a lane's differences over the experiment."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import cast

from initviz.experiment.catalogue import Catalogue
from initviz.experiment.edit import Table, get_value, set_value
from initviz.experiment.errors import ExperimentError, join_path
from initviz.experiment.fields import DEFAULT_DOCUMENT
from initviz.experiment.text import Text

NAMED_PARTS = (
    ("init.weight.name", "initializer"),
    ("init.bias.name", "initializer"),
    ("model.family", "family"),
    ("optimizer.name", "optimizer"),
    ("schedule.name", "schedule"),
)
"""Where tables that a lane may lay over the experiment's name a part, and of which kind."""


def as_table(value: object, path: str) -> Table:
    """Return ``value`` if it is a table of keys.

    Raises:
        ExperimentError: It is anything else.
    """
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ExperimentError(Text("expected a table of keys.", "应为由键组成的表。"), path)
    return cast(Table, value)


def with_keys(tables: Table, catalogue: Catalogue) -> Table:
    """Return the tables with every part named by its key, so that an alias and its key count as the same name.

    A name that means nothing stays; whoever reads it refuses it where it stands.
    """
    for path, kind in NAMED_PARTS:
        name = get_value(tables, path)
        if isinstance(name, str) and (key := catalogue.key_of(kind, name)) != name:
            tables = set_value(tables, path, key)
    return tables


def with_defaults(given: Mapping[str, object]) -> Table:
    """Return a copy of the top-level tables in which what is left out has its default."""
    base = copy.deepcopy(DEFAULT_DOCUMENT)
    for key, value in given.items():
        default = base.get(key)
        if isinstance(default, dict) and isinstance(value, dict):
            base[key] = override(default, value)
        else:
            base[key] = copy.deepcopy(value)
    return base


def merge_overrides(base: Mapping[str, object], overrides: Mapping[str, object], path: str = "") -> Table:
    """Return the base tables with a lane's differences applied.

    A table that names a part replaces the base's table where the name differs, and otherwise changes only the keys
    it gives, so ``optimizer.lr = 0.1`` keeps the optimizer. Parts are named by their keys (see ``with_keys``).
    """
    merged = dict(base)
    for key, value in overrides.items():
        before = merged.get(key)
        if isinstance(before, dict):
            merged[key] = override(before, as_table(value, join_path(path, key)))
        else:
            merged[key] = value
    return merged


def override(before: Table, after: Table) -> Table:
    """Lay ``after`` over ``before``; a table that names something else takes its place whole."""
    for name_key in ("name", "family"):
        if name_key in after and after[name_key] != before.get(name_key):
            return copy.deepcopy(after)
    if "layers" in after:
        return copy.deepcopy(after)
    result = dict(before)
    for key, value in after.items():
        inner = before.get(key)
        if isinstance(inner, dict) and isinstance(value, dict):
            result[key] = override(inner, value)
        else:
            result[key] = copy.deepcopy(value)
    return result
