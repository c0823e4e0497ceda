"""Stages that were trained before, kept by what decides their numbers."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs
import torch

import initviz
from initviz.engine.matching import row_of
from initviz.engine.weights import Weights, load_weights, write_weights
from initviz.experiment.blueprint import Blueprint
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from initviz.experiment.parameters import PathParameter
from initviz.experiment.sources import files_of
from initviz.experiment.values import Experiment

MAX_BYTES = 1_000_000_000
"""All files together; the least recently used go first."""

APP_NAME = "initviz"
SUFFIX = ".safetensors"
_SCORES = ("loss", "validation_loss", "validation_accuracy")
_CHUNK_BYTES = 1 << 20

logger = logging.getLogger(__name__)

Scores = tuple[float, float, float]
"""Loss of the last batch, and loss and accuracy on the examples held back."""


def folder() -> Path:
    """Return where the files are; it need not exist."""
    return Path(platformdirs.user_cache_dir(APP_NAME, appauthor=False)) / "stages"


def key_of(
    experiment: Experiment, device: torch.device, earlier: Mapping[str, Weights], catalogue: Catalogue
) -> str:
    """Return a fingerprint of everything that decides the numbers a stage ends with.

    Args:
        experiment: What the stage trains; its name does not count.
        device: Where.
        earlier: What stages before it have learned.
        catalogue: Tells which of its values are files, whose content counts, be they examples or weights.
    """
    names = ("name", "lanes", "device", "stages")
    said = {key: value for key, value in experiment.document.items() if key not in names}
    dataset = experiment.data.dataset
    part = catalogue.get("dataset", dataset.name)
    files = [
        dataset.string(parameter.key) for parameter in part.parameters if isinstance(parameter, PathParameter)
    ]
    files += files_of(experiment.lanes[0].recipe, catalogue)
    about = {
        "document": said,
        "values": repr((experiment.data, experiment.lanes[0].recipe, experiment.steps, experiment.dtype)),
        "files": [_file_digest(name) for name in files if name],
        "earlier": {name: weights.digest() for name, weights in earlier.items()},
        "device": str(device),
        "threads": torch.get_num_threads(),
        "torch": str(torch.__version__),
        "initviz": initviz.__version__,
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()


def _file_digest(name: str) -> str:
    found = hashlib.sha256()
    with contextlib.suppress(OSError), Path(name).open("rb") as stream:  # whoever loads it says what is wrong
        while chunk := stream.read(_CHUNK_BYTES):
            found.update(chunk)
    return found.hexdigest()


def read(
    key: str, blueprint: Blueprint, catalogue: Catalogue, limits: Limits
) -> tuple[Weights, Scores] | None:
    """Return what a stage ended with, or None where that is not kept or the file is damaged."""
    path = folder() / f"{key}{SUFFIX}"
    if not path.is_file():
        return None
    try:
        found = load_weights(path, limits)
        scores = _scores(path, found.digest())
        row_of(blueprint, catalogue, found, torch.float64)
    except (ExperimentError, OSError, ValueError, KeyError, TypeError) as error:
        logger.info("the stage is trained anew, since its file cannot be used: %s", error)
        return None
    with contextlib.suppress(OSError):
        os.utime(path)
    names = {f"{stage.name}.{spec.name}" for stage in blueprint.stages for spec in stage.buffers}
    return (
        Weights(
            {name: tensor for name, tensor in found if name not in names},
            {name: tensor for name, tensor in found if name in names},
        ),
        scores,
    )


def _scores(path: Path, digest: str) -> Scores:
    """Return what a file tells beside the numbers, once these are known to be those that were written."""
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as opened:
        about = opened.metadata() or {}
    if about["digest"] != digest:
        raise ValueError("the numbers are not those that were written")
    loss, validation_loss, accuracy = (float(about[name]) for name in _SCORES)
    return loss, validation_loss, accuracy


def write(key: str, weights: Weights, scores: Scores) -> None:
    """Keep what a stage ended with; where that is impossible, the stage is trained again next time."""
    where = folder()
    try:
        where.mkdir(parents=True, exist_ok=True)
        about = {name: repr(score) for name, score in zip(_SCORES, scores, strict=True)}
        about["digest"] = weights.digest()
        write_weights(where / f"{key}{SUFFIX}", weights, about)
        _make_room(where)
    except (ExperimentError, OSError) as error:
        logger.info("the stage cannot be kept: %s", error)


def _make_room(where: Path) -> None:
    files = sorted(where.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime, reverse=True)
    total = 0
    for path in files:
        total += path.stat().st_size
        if total > MAX_BYTES:
            path.unlink(missing_ok=True)
