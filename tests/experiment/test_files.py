"""Experiment files: there and back again, and files that mean harm."""

from __future__ import annotations

import os
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from initviz.catalog.index import catalogue
from initviz.experiment.catalogue import Part
from initviz.experiment.document import read_document
from initviz.experiment.errors import ExperimentError
from initviz.experiment.fields import TOP_LEVEL_KEYS
from initviz.experiment.files import dump_document, load_document, load_experiment, save_document
from initviz.experiment.limits import Limits
from initviz.experiment.parameters import (
    BoolParameter,
    ChoiceParameter,
    FloatParameter,
    FloatsParameter,
    IntParameter,
    Parameter,
    PartParameter,
    PathParameter,
    TextParameter,
)

# documents that are right


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(max(low, -1e6), min(high, 1e6), exclude_min=True, exclude_max=True)


def values(parameter: Parameter) -> st.SearchStrategy[Any]:
    """Return a strategy for a parameter's right values, written as a file writes them."""
    match parameter:
        case FloatParameter():
            return numbers(parameter.minimum, parameter.maximum)
        case IntParameter():
            return st.integers(parameter.minimum, min(parameter.maximum, parameter.minimum + 20))
        case BoolParameter():
            return st.booleans()
        case ChoiceParameter():
            return st.sampled_from([key for key, _ in parameter.choices])
        case PartParameter():
            return st.sampled_from([part.key for part in catalogue().parts(parameter.part_kind)])
        case FloatsParameter():
            one = numbers(parameter.minimum, parameter.maximum)
            return st.lists(one, min_size=parameter.minimum_length, max_size=parameter.maximum_length)
        case PathParameter():
            return st.just("")
        case TextParameter():
            return st.just(parameter.default)
    raise TypeError(parameter)


@st.composite
def tables(draw: st.DrawFn, kind: str, name_key: str = "name", target: str = "") -> dict[str, Any]:
    """Draw a table that chooses a part and sets some of its parameters."""
    parts = [part for part in catalogue().parts(kind) if target in getattr(part, "targets", (target,))]
    part: Part = draw(st.sampled_from(parts))
    name = draw(st.sampled_from((part.key, *part.aliases)))
    given = {p.key: draw(values(p)) for p in part.parameters if draw(st.booleans())}
    if "low" in given or "high" in given:  # the one rule between two parameters
        given = {key: value for key, value in given.items() if key not in ("low", "high")}
    return {name_key: name, **given}


def subsets(choices: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=choices)


NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
STARTS = subsets(
    {"weight": tables("initializer", target="weight"), "bias": tables("initializer", target="bias")}
)
DENSE = st.fixed_dictionaries(
    {"kind": st.just("dense"), "units": st.integers(1, 9)}, optional={"init": STARTS}
)
LAYERS = st.lists(DENSE, max_size=3).map(lambda layers: {"layers": [{"kind": "flatten"}, *layers]})
STRAIGHT = ("mlp", "resnet_mlp")
"""Families that take any list of numbers."""
RECIPE = {
    "seed": st.integers(0, 2**53),
    "model": st.one_of(tables("family", "family").filter(lambda table: table["family"] in STRAIGHT), LAYERS),
    "init": STARTS,
    "optimizer": tables("optimizer"),
    "schedule": tables("schedule"),
}
DATA_FIELDS = {
    "batch_size": st.integers(1, 500),
    "standardize": st.booleans(),
    "validation": st.floats(0, 0.9),
}
DATA = st.builds(lambda a, b: {**a, **b}, tables("dataset"), subsets(DATA_FIELDS))
LANES = st.lists(
    subsets({"name": NAMES, "color": st.integers(0, 15), **RECIPE}),
    max_size=4,
    unique_by=lambda lane: lane.get("name", id(lane)),
)
DOCUMENTS = subsets({
    "schema": st.just(1),
    "name": NAMES,
    "device": st.sampled_from(["auto", "cpu", "mps", "cuda", "cuda:7"]),
    "dtype": st.sampled_from(["float32", "float64"]),
    "steps": st.integers(1, 10**8),
    "data": DATA,
    "lanes": LANES,
    **RECIPE,
})  # fmt: skip


@given(DOCUMENTS)
@settings(max_examples=150)
def test_a_document_survives_the_file(document: dict[str, Any]) -> None:
    text = dump_document(document)
    again = tomllib.loads(text)
    assert again == {"schema": 1, **document}
    assert dump_document(again) == text
    try:
        experiment = read_document(document, catalogue(), Limits())
    except ExperimentError:  # parts that do not go together, such as a network and data of another shape
        reject()
    assert read_document(again, catalogue(), Limits()) == experiment
    assert experiment.document == document


SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JUNK = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)


@given(st.dictionaries(st.sampled_from([key for key in TOP_LEVEL_KEYS if key != "schema"]), JUNK))
def test_what_a_document_holds_survives_the_file_whatever_it_is(document: dict[str, Any]) -> None:
    assert tomllib.loads(dump_document(document)) == {"schema": 1, **document}


TIDY = """\
schema = 1
name = "x"

[optimizer]
betas = [0.5, 0.6]

[[lanes]]
name = "a"
optimizer.lr = 0.1
init.weight = { name = "normal", std = 0.5 }
model.layers = [
    { kind = "flatten" },
]
"""


def test_keys_are_written_in_the_usual_order_and_open_values_left_out() -> None:
    document: dict[str, Any] = {
        "lanes": [
            {
                "name": "a",
                "seed": None,
                "optimizer": {"lr": 0.1},
                "init": {"weight": {"name": "normal", "std": 0.5, "mean": None}},
                "model": {"layers": [{"kind": "flatten", "x": None}]},
            }
        ],
        "optimizer": {"lr": None, "betas": (0.5, 0.6)},
        "name": "x",
    }
    text = dump_document(document)
    assert text == TIDY
    assert document["lanes"][0]["seed"] is None, "the document itself is left alone"


def test_layers_are_written_as_blocks() -> None:
    document = {
        "model": {"layers": [{"kind": "dense", "init": {"bias": {"name": "ones"}}}, {"kind": "flatten"}]}
    }
    assert dump_document(document).endswith(
        '[model]\n\n[[model.layers]]\nkind = "dense"\ninit.bias = { name = "ones" }\n\n'
        '[[model.layers]]\nkind = "flatten"\n'
    )


# saving


def test_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "Größe 大小.toml"
    document = {"name": "Größe 大小 🎓", "lanes": [{"name": "σ = 0.1"}]}
    save_document(document, path)
    assert load_document(path, Limits()) == {"schema": 1, **document}
    save_document({"name": "second"}, path)
    assert load_experiment(path, catalogue(), Limits()).name == "second"
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == [path.name], (
        "no temporary file stays"
    )


@pytest.mark.parametrize(
    "where", ["missing/x.toml", "file/x.toml", "folder", "x" * 300 + ".toml", "nul\0.toml"]
)
def test_where_nothing_can_be_written_nothing_is(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder").mkdir()
    before = sorted(entry.name for entry in tmp_path.iterdir())
    with pytest.raises(ExperimentError) as caught:
        save_document({}, tmp_path / where)
    assert "nothing was changed" in str(caught.value)
    assert str(caught.value).isprintable()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == before
    assert (tmp_path / "file").read_text() == "kept"


def test_a_failed_save_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kept.toml"
    save_document({"name": "old"}, path)

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ExperimentError, match="No space left"):
        save_document({"name": "new"}, path)
    assert load_document(path, Limits())["name"] == "old"
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == ["kept.toml"]


# loading


def refused(path: Path, limits: Limits | None = None) -> ExperimentError:
    with pytest.raises(ExperimentError) as caught:
        load_experiment(path, catalogue(), limits or Limits())
    error = caught.value
    assert error.path.startswith(str(path))
    for text in (error.text.en, error.text.zh):
        assert text.isprintable()
        assert text.startswith(path.parent.as_posix()[:20])
        assert len(text) < 3000
    return error


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "x.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_an_error_names_file_path_key_and_nearest(tmp_path: Path) -> None:
    path = written(tmp_path, '[[lanes]]\ninit.weight = { name = "normal", stdd = 1 }\n')
    error = refused(path)
    assert error.path == f"{path}: lanes[0].init.weight.stdd"
    assert str(error).startswith(
        f"{path}: lanes[0].init.weight.stdd: there is no 'stdd' here. Did you mean 'std'?"
    )


def test_an_error_of_toml_names_file_and_line(tmp_path: Path) -> None:
    path = written(tmp_path, "seed = 1\n[data\n")
    error = refused(path)
    assert error.path == str(path)
    assert "line 2" in str(error)


@pytest.mark.parametrize("content", ["\ufeff[data]\r\nname = 'iris'\r\n", "[data]\nname = 'iris'"])
def test_files_of_other_editors_are_read(tmp_path: Path, content: str) -> None:
    assert load_experiment(written(tmp_path, content), catalogue(), Limits()).data.dataset.name == "iris"


@pytest.mark.parametrize("name", ["missing.toml", "folder", "nul\0.toml", "x" * 300])
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    assert "cannot be read" in str(refused(tmp_path / name))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_locked_file_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, "")
    path.chmod(0)
    assert "cannot be read" in str(refused(path))


def long_key(*parts: str) -> str:
    return ".".join(parts)


HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "2 MB": ("#" * 2_000_000, "INITVIZ_MAX_FILE_MB"),
    "1 MB and a byte": (b"#" * 1_000_001, "INITVIZ_MAX_FILE_MB"),
    "not UTF-8": (b"name = '\xff\xfe'", "not UTF-8"),
    "UTF-16": ("seed = 1".encode("utf-16"), "not UTF-8"),
    "binary": (bytes(range(1, 256)) * 20, "not UTF-8"),
    "zeros": (b"\0" * 5000, "not TOML"),
    "many lists": ("x = " + "[" * 400_000, "nested too deeply"),
    "many tables": ("x = " + "{a=" * 300_000, "nested too deeply"),
    "long key": (long_key(*["a"] * 400_000) + " = 1", "nested too deeply"),
    "long quoted key": (long_key(*['"a b"'] * 100_000) + " = 1", "nested too deeply"),
    "long single-quoted key": (long_key(*["'a'"] * 100_000) + " = 1", "nested too deeply"),
    "long spaced key": (" . ".join(["a"] * 100_000) + " = 1", "nested too deeply"),
    "long table name": ("[" + long_key(*["a"] * 400_000) + "]", "nested too deeply"),
    "key within a table": ("x = {" + long_key(*["a"] * 5000) + " = 1}", "nested too deeply"),
    "unusual line ends": ("x = {'\u2028'." + long_key(*["'\u2028'"] * 5000) + " = 1}", "nested too deeply"),
    "escaped quotes": ('a = "' + '\\"' * 400_000 + "." * 40, "not TOML"),
    "100 levels": ("[data]\nx = " + "[" * 100 + "]" * 100, "nested more than 32 levels"),
    "100 levels of tables": ("\n".join("[" + long_key(*["a"] * 31) + "]\n" + long_key(*["b"] * 31) + "=1" for _ in "1"),
                             "nested more than 32 levels"),
    "5,000 digits": ("seed = " + "9" * 5000, "too many digits"),
    "400 digits": ("seed = " + "9" * 400, "outside the range"),
    "1,000,000 bits": ("seed = 0x" + "f" * 250_000, "1000000 bits> is outside the range"),
    "many bits for a real number": ("optimizer.lr = 0x" + "f" * 250_000, "a finite number"),
    "many bits in a list": ("optimizer.lr = [0x" + "f" * 250_000 + "]", "a number"),
    "many bits for a schema": ("schema = 0x" + "f" * 250_000, "bits>"),
    "many bits for a device": ("device = 0x" + "f" * 250_000, "bits>"),
    "not a number": ("optimizer.lr = nan", "a finite number"),
    "infinite": ("optimizer.lr = -inf", "a finite number"),
    "infinite steps": ("steps = inf", "a whole number"),
    "a long word": ("seed = '" + "a" * 500_000 + "'", "a whole number"),
    "a long key of one word": ("a" * 900_000 + " = 1", "there is no 'aaa"),
    "terminal codes in a key": ('"\\u001b[31m\\u0007" = 1', "there is no '\\x1b[31m\\x07'"),
    "terminal codes in a value": ('device = "\\u001b]0;x\\u0007"', "but found '"),
    "turned around": ('"\u202egnirtsim" = 1', "there is no '\\u202egnirtsim'"),
    "wide letters": ('optimizer."\uff4c\uff52" = 1', "there is no '\uff4c\uff52'"),
    "a name that cannot be seen": ('name = "\u200b"', "printable name"),
    "many lanes": ("[[lanes]]\n" * 90_000, "INITVIZ_MAX_LANES"),
    "many layers": ("model.layers = [" + "{kind='flatten'}," * 50_000 + "]", "INITVIZ_MAX_LAYERS"),
    "many keys": ("\n".join(f"k{k} = 1" for k in range(60_000)), "there is no 'k0'"),
    "no memory": ("[data]\nname='gaussian'\ndim=1_000_000\nsamples=100_000_000", "INITVIZ_MAX_MEMORY_GB"),
    "every file": ("data.name = '/etc/passwd'", "no such data set"),
    "a list of dates": ("optimizer.betas = [1979-05-27, 07:32:00]", "there is no 'betas'"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_words_and_soon(tmp_path: Path, name: str) -> None:
    content, words = HOSTILE[name]
    path = written(tmp_path, content)
    before = time.process_time()
    error = refused(path)
    assert time.process_time() - before < 5
    assert words in str(error)


def refusal(call: Callable[[], object]) -> ExperimentError | None:
    """Return the error that a call was refused with; anything else that it raises fails the test."""
    try:
        call()
    except ExperimentError as error:
        return error
    return None


@given(DOCUMENTS, st.data())
@settings(max_examples=150)
def test_whatever_stands_in_a_document_is_read_or_refused(
    document: dict[str, Any], data: st.DataObject
) -> None:
    place: Any = document
    while isinstance(place, dict | list) and place:
        key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
        if data.draw(st.booleans()):
            place[key] = data.draw(JUNK)
            break
        place = place[key]
    if data.draw(st.booleans()):
        document[data.draw(KEYS)] = data.draw(JUNK)
    error = refusal(lambda: read_document(document, catalogue(), Limits()))
    assert error is None or (error.text.en + error.text.zh).isprintable()


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_whatever_stands_in_a_file_is_read_or_refused(tmp_path_factory: Any, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    error = refusal(lambda: load_document(path, Limits()))
    assert error is None or error.path == str(path)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no endless file")
def test_an_endless_file_is_refused() -> None:
    with pytest.raises(ExperimentError, match="INITVIZ_MAX_FILE_MB"):
        load_document(Path("/dev/zero"), Limits())
