"""Where the parts are. A new module is added here and nowhere else; a frozen build reads the same list."""

from __future__ import annotations

import functools
import importlib

from initviz.experiment.catalogue import Catalogue, Part

MODULES: tuple[str, ...] = (
    "initializers.constants",
    "initializers.distributions",
    "initializers.variance",
    "initializers.orthogonal",
    "initializers.sparse",
    "initializers.residual",
    "initializers.pretrained",
    "activations",
    "layers",
    "residual_layers",
    "normalization",
    "noise_layers",
    "recurrent_layers",
    "sequence_layers",
    "families.feedforward",
    "families.residual",
    "families.recurrent",
    "families.autoencoder",
    "families.transformer",
    "optimizers",
    "adaptive_optimizers",
    "schedules",
    "restart_schedules",
    "datasets.real",
    "datasets.points",
    "datasets.teacher",
    "datasets.sequences",
    "datasets.mnist1d",
    "datasets.text",
    "datasets.files",
    "remedies.penalties",
    "remedies.gradients",
    "remedies.averaging",
    "remedies.snapshots",
    "remedies.training",
    "remedies.losses",
    "remedies.distillation",
    "remedies.balance",
    "remedies.augmentation",
    "remedies.transfer",
    "remedies.curriculum",
)
"""Modules below this package with a ``PARTS`` tuple, in the order in which the window lists them."""


def module_names() -> tuple[str, ...]:
    """Return the full names of all catalogue modules."""
    return tuple(f"{__package__}.{name}" for name in MODULES)


@functools.cache
def catalogue() -> Catalogue:
    """Return the catalogue of all parts; the same object every time."""
    parts: list[Part] = []
    for name in module_names():
        parts.extend(importlib.import_module(name).PARTS)
    return Catalogue(parts)
