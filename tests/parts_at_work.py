"""A small experiment in which any part of the catalogue is at work, found by trying."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from initviz.catalog.index import catalogue
from initviz.experiment.catalogue import Part
from initviz.experiment.document import read_document
from initviz.experiment.errors import InitVizError
from initviz.experiment.limits import Limits

Document = dict[str, Any]
Layers = list[Document]

DATA: dict[str, Document] = {
    "images": {"name": "digits", "batch_size": 32},
    "sequences": {"name": "copy", "batch_size": 32},
    "symbols": {"name": "text", "batch_size": 16},
    "one answer a sequence": {"name": "adding", "batch_size": 32},
}
"""Data of every shape and kind of answer."""

DENSE: Document = {"kind": "dense", "units": 16}
TANH: Document = {"kind": "activation", "function": "tanh"}
FLATTEN: Document = {"kind": "flatten"}
CONV: Document = {"kind": "conv", "channels": 4}
EMBEDDING: Document = {"kind": "embedding", "units": 16}

KINDS_AT_WORK = ("activation", "layer", "family", "optimizer", "schedule", "remedy")
"""Kinds that do something at every step."""


def parts_at_work() -> list[Part]:
    """Return every part that does something at every step."""
    return [part for kind in KINDS_AT_WORK for part in catalogue().parts(kind)]


def documents_with(part: Part) -> Iterator[Document]:
    """Yield experiments in which a part is at work: all that can be read, out of those that might be.

    Args:
        part: Any of ``parts_at_work``.
    """
    for document in _attempts(part):
        try:
            read_document(document, catalogue(), Limits())
        except InitVizError:
            continue
        yield document


def document_with(part: Part) -> Document:
    """Return the first of ``documents_with``.

    Raises:
        LookupError: There is none.
    """
    for document in documents_with(part):
        return document
    raise LookupError(f"tell tests/parts_at_work.py where {part.kind} {part.key!r} can stand")


def _attempts(part: Part) -> Iterator[Document]:
    match part.kind:
        case "activation":
            yield _document("images", {"family": "mlp", "depth": 3, "width": 16, "activation": part.key})
        case "layer":
            for data, layers in _lists_with({"kind": part.key}):
                yield _document(data, {"layers": layers})
        case "family":
            small = {key: value for key, value in _SMALL.items() if key in _keys(part)}
            for data in DATA:
                yield _document(data, {"family": part.key, **small})
            yield _document("images", {"family": part.key, **small}, reconstruct=True)
        case "optimizer":
            yield _document("images", _MLP) | {"optimizer": {"name": part.key}}
        case "schedule":
            yield _document("images", _MLP) | {"schedule": {"name": part.key}}
        case "remedy":
            yield _document("images", _MLP) | {"remedies": {part.key: True}}
            yield _document("images", {"family": "cnn", "channels": 4}) | {"remedies": {part.key: True}}
            teacher = {"name": "teacher", "role": "teacher", "steps": 1}
            yield _document("images", _MLP) | {"stages": [teacher], "remedies": {part.key: True}}


_MLP: Document = {"family": "mlp", "depth": 3, "width": 16, "activation": "tanh"}
_SMALL: Document = {"depth": 2, "width": 16, "blocks": 2, "channels": 4, "heads": 2, "layers": 2}


def _keys(part: Part) -> set[str]:
    return {parameter.key for parameter in part.parameters}


def _lists_with(layer: Document) -> Iterator[tuple[str, Layers]]:
    """Yield networks that hold a layer, with its defaults, wherever it might stand."""
    yield "images", [layer, TANH, FLATTEN, DENSE, TANH]
    yield "images", [FLATTEN, layer, TANH, DENSE, TANH]
    yield "images", [CONV, layer, TANH, CONV, FLATTEN, DENSE, TANH]
    yield "images", [FLATTEN, DENSE, TANH, layer, DENSE, TANH]
    yield "sequences", [layer, DENSE, TANH]
    yield "sequences", [DENSE, TANH, layer, DENSE, TANH]
    yield "symbols", [layer, TANH, DENSE, TANH]
    yield "symbols", [EMBEDDING, layer, DENSE, TANH]
    yield "one answer a sequence", [DENSE, TANH, layer, DENSE, TANH]


def _document(data: str, model: Document, **fields: Any) -> Document:
    return {
        "dtype": "float64",
        "device": "cpu",
        "steps": 1000,
        "data": {**DATA[data], "standardize": False, **fields},
        "model": model,
        "init": {"weight": {"name": "xavier_normal"}, "bias": {"name": "normal", "std": 0.1}},
        "optimizer": {"name": "sgd", "lr": 0.01},
    }
