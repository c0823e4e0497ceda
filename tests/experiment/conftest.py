"""What the tests of experiments share: the real catalogue, and a reader with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from initviz.catalog.index import catalogue
from initviz.experiment.document import read_document
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from initviz.experiment.values import Experiment

Read = Callable[..., Experiment]
Refuse = Callable[..., ExperimentError]


@pytest.fixture
def read() -> Read:
    """Read a document with the real catalogue; keywords change limits."""

    def read(document: Mapping[str, Any], **limits: int) -> Experiment:
        return read_document(document, catalogue(), Limits(**limits))

    return read


@pytest.fixture
def refuse(read: Read) -> Refuse:
    """Read a document that must be refused, and return the error after looking at its form."""

    def refuse(document: Mapping[str, Any], **limits: int) -> ExperimentError:
        with pytest.raises(ExperimentError) as caught:
            read(document, **limits)
        error = caught.value
        for text in (error.text, error.reason):
            assert text.en.isprintable()
            assert text.zh.isprintable()
            assert text.en != text.zh
            assert len(text.en) < 2000
            assert text.en.endswith(".")
            assert text.zh.endswith("。")
        if error.path:
            assert error.text.en.startswith(error.path[:50] + ("" if len(error.path) > 50 else ": "))
        return error

    return refuse
