"""The short text: what is read from it, and that it is cut without overlap."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from initviz.catalog.datasets.text import PARTS, letters, vocabulary
from initviz.catalog.index import catalogue
from initviz.experiment.document import read_document
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from initviz.resources import resource

(TEXT,) = PARTS
LONGEST = 256


def written() -> str:
    """Return the text as its file has it, its layout undone."""
    paragraphs = resource("texts", "the_patient_machine.txt").read_text("utf-8").split("\n\n")
    return "\n".join(paragraph.strip() for paragraph in paragraphs).lower()


@pytest.mark.parametrize("length", [2, 32, 100, LONGEST])
def test_windows_laid_end_to_end_are_the_text_and_every_target_is_the_next_letter(length: int) -> None:
    choice = TEXT.choose(length=length)
    examples, info = TEXT.load(choice, 0), TEXT.describe(choice)
    symbols = vocabulary()
    read = "".join(symbols[int(code)] for code in examples.inputs.ravel())
    guessed = "".join(symbols[int(code)] for code in examples.targets.ravel())
    whole = written()
    assert whole.startswith(read)
    assert whole[1:].startswith(guessed)
    assert 0 <= len(whole) - 1 - len(read) < length, "no whole window is left over"
    assert examples.inputs.shape == examples.targets.shape == (info.num_samples, *info.shape)


@pytest.mark.parametrize("length", [2, 32, LONGEST])
def test_every_symbol_is_read_and_asked_for(length: int) -> None:
    examples = TEXT.load(TEXT.choose(length=length), 0)
    everything = set(range(len(vocabulary())))
    assert set(examples.inputs.ravel().astype(int).tolist()) == everything
    assert set(examples.targets.ravel().tolist()) == everything


def test_few_symbols_and_enough_text() -> None:
    assert len(vocabulary()) == len(set(letters())) == 31
    assert 6_000 < len(letters()) < 12_000
    info = TEXT.describe(TEXT.choose())
    assert (info.tokens, info.num_outputs, info.per_position, info.task) == (31, 31, True, "classification")


def test_names_of_symbols_can_be_seen() -> None:
    names = TEXT.load(TEXT.choose(), 0).class_names
    assert len(set(names)) == 31
    assert all(name.strip() and name.isprintable() for name in names)
    assert names[vocabulary().index(" ")] == "␣"


def test_the_seed_changes_nothing() -> None:
    assert np.array_equal(TEXT.load(TEXT.choose(), 1).inputs, TEXT.load(TEXT.choose(), 2).inputs)


def test_it_is_described_without_torch_or_numpy() -> None:
    code = (
        "import sys; from initviz.catalog.datasets.text import PARTS; part, = PARTS; "
        "assert part.describe(part.choose()).tokens == 31; "
        "assert not {'torch', 'numpy', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("key", ["label_noise", "imbalance"])
@pytest.mark.parametrize("data", ["text", "copy", "wave"])
def test_what_needs_one_class_an_example_is_refused_where_there_is_none(data: str, key: str) -> None:
    model = {"family": "mlp" if data == "wave" else "transformer"}
    usual = {"label_noise": 0.0, "imbalance": 1.0}
    read_document({"data": {"name": data, **usual}, "model": model}, catalogue(), Limits())
    document = {"data": {"name": data, **usual, key: usual[key] + 0.5}, "model": model}
    with pytest.raises(ExperimentError, match="needs examples of one class each") as caught:
        read_document(document, catalogue(), Limits())
    assert caught.value.path == f"data.{key}"


def test_a_window_has_its_bounds() -> None:
    for length in (1, LONGEST + 1):
        with pytest.raises(ExperimentError):
            TEXT.parameter("length").check(length, "data.length")
