"""The person's own files: read as they were written, and what is wrong in them told with its place."""

from __future__ import annotations

import gzip
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import datasets

from initviz.catalog.datasets.csv_table import read_csv
from initviz.catalog.index import catalogue
from initviz.catalog.parts import Examples, LoadableDatasetPart
from initviz.experiment.document import read_document
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text
from initviz.experiment.values import DataInfo


def part(key: str) -> LoadableDatasetPart:
    found = catalogue().get("dataset", key)
    assert isinstance(found, LoadableDatasetPart)
    return found


def load(key: str, path: Path, **values: Any) -> Examples:
    return part(key).load(part(key).choose(path=str(path), **values), 0)


def describe(key: str, path: Path, **values: Any) -> DataInfo:
    return part(key).describe(part(key).choose(path=str(path), **values))


def report(key: str, path: Path, **values: Any) -> tuple[Text, ...]:
    return part(key).report(part(key).choose(path=str(path), **values))


def english(lines: Sequence[Text]) -> str:
    return " ".join(line.en for line in lines)


def refusal(key: str, path: Path, **values: Any) -> ExperimentError:
    with pytest.raises(ExperimentError) as caught:
        load(key, path, **values)
    assert caught.value.reason.en.endswith(".")
    assert caught.value.reason.zh.endswith("。")
    return caught.value


def written(folder: Path, text: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


# CSV


@pytest.fixture(params=["careful", "quick"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Read tables row by row, or at once where they are plain: nobody can tell which."""
    monkeypatch.setattr(
        "initviz.catalog.datasets.plain_table.WORTH_BYTES", {"quick": 0}.get(request.param, 10**9)
    )
    return str(request.param)


CSV = pytest.mark.usefixtures("way")


def iris_table(separator: str = ",", decimal: str = ".", header: bool = True) -> str:
    bunch = datasets.load_iris()
    rows = ["sepal length,sepal width,petal length,petal width,species".replace(",", separator)] * header
    for x, y in zip(bunch.data, bunch.target, strict=True):
        fields = [repr(float(value)).replace(".", decimal) for value in x]
        rows.append(separator.join([*fields, str(bunch.target_names[y])]))
    return "\n".join(rows) + "\n"


def check_iris(examples: Examples) -> None:
    bunch = datasets.load_iris()
    assert np.array_equal(examples.inputs, bunch.data)
    assert np.array_equal(examples.targets, bunch.target)
    assert examples.class_names == ("setosa", "versicolor", "virginica")


@CSV
@pytest.mark.parametrize(
    ("separator", "decimal"), [(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ","), (" ", ".")]
)
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_is_read_as_it_was_written(
    tmp_path: Path, separator: str, decimal: str, header: bool, encoding: str
) -> None:
    table = iris_table(separator, decimal, header)
    if separator == " ":
        table = table.replace("sepal length", "a").replace("petal length", "b")
        table = table.replace("sepal width", "c").replace("petal width", "d")
    path = written(tmp_path, table.encode(encoding))
    assert describe("csv", path) == DataInfo((4,), "classification", 3, 150)
    check_iris(load("csv", path))
    said = english(report("csv", path))
    assert "table.csv: 150 examples, 4 input columns" in said
    assert "3 classes: setosa 50, versicolor 50, virginica 50." in said
    assert "Inputs from 0.1 to 7.9." in said
    assert ("separated by" in said) == (separator != ",")


@CSV
def test_a_packed_table_is_unpacked(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(iris_table().encode()), "iris.csv.gz")
    check_iris(load("csv", path))


@CSV
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_lines_of_every_system_are_read(tmp_path: Path, line_end: str) -> None:
    check_iris(load("csv", written(tmp_path, iris_table().replace("\n", line_end))))


@CSV
def test_chinese_tables_of_spreadsheets_are_read(tmp_path: Path) -> None:
    rows = ["长度,宽度,种类", *(f"{i},{i + 1},{'猫' if i % 2 else '狗'}" for i in range(10))]
    path = written(tmp_path, "\n".join(rows).encode("gb18030"))
    assert load("csv", path).class_names == ("狗", "猫")
    assert "GB18030" in english(report("csv", path))
    with pytest.raises(ExperimentError, match="长度"):
        describe("csv", path, target="高度")
    assert describe("csv", path, target="宽度", gaps="skip").task == "regression"


@CSV
def test_text_of_western_spreadsheets_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n1,né\n2,olé\n3,né,\n".replace("né,\n", "né\n").encode("cp1252"))
    assert load("csv", path).class_names == ("né", "olé")


@CSV
@pytest.mark.parametrize("target", ["petal width", "Petal Width", "4"])
def test_the_target_is_named_or_numbered(tmp_path: Path, target: str) -> None:
    path = written(tmp_path, iris_table())
    examples = load("csv", path, target=target, gaps="skip", task="regression")
    bunch = datasets.load_iris()
    assert np.array_equal(examples.targets, bunch.data[:, 3:])
    assert np.array_equal(examples.inputs, bunch.data[:, :3])
    assert "columns species." in english(report("csv", path, target=target, gaps="skip"))


@CSV
def test_a_name_counts_before_a_number(tmp_path: Path) -> None:
    path = written(tmp_path, "2,1\n0.5,7\n0.25,8\n1.5,9\n")
    assert load("csv", path, header="yes", target="2").targets.ravel().tolist() == [0.5, 0.25, 1.5]


@CSV
@pytest.mark.parametrize(
    ("targets", "task", "expected"),
    [
        (["0", "1"] * 10, "auto", "binary"),
        (["3", "1", "2"] * 10, "auto", "classification"),
        (["1.5", "2.5"] * 10, "auto", "regression"),
        ([str(i) for i in range(20)], "auto", "regression"),
        (["0", "1"] * 10, "regression", "regression"),
        (["1.5", "2.5"] * 10, "classification", "binary"),
        (["yes", "no"] * 10, "auto", "binary"),
    ],
)
def test_the_task_follows_the_target_or_the_person(
    tmp_path: Path, targets: list[str], task: str, expected: str
) -> None:
    path = written(tmp_path, "x,y\n" + "\n".join(f"{i}.5,{t}" for i, t in enumerate(targets)))
    assert describe("csv", path, task=task).task == expected
    assert len(load("csv", path, task=task).inputs) == len(targets)


@CSV
def test_numbers_that_name_classes_keep_their_order(tmp_path: Path) -> None:
    path = written(tmp_path, "x,y\n" + "\n".join(f"{i},{(10, 9, -1)[i % 3]}" for i in range(12)))
    examples = load("csv", path)
    assert examples.class_names == ("-1", "9", "10")
    assert examples.targets.tolist() == [2, 1, 0] * 4


@CSV
@pytest.mark.parametrize(
    ("table", "where", "said"),
    [
        ("a,b,c\n1,2,3\n4,,6\n", "data.path", "row 3, column 'b' is empty."),
        ("a,b,c\n1,2,3\n4,n/a,6\n", "data.path", "row 3, column 'b': 'n/a' is not a number."),
        ("a,b,c\n1,2,3\n4,nan,6\n", "data.path", "row 3, column 'b': 'nan' is not a number."),
        ("a,b,c\n1,2,3\n4,1e999,6\n", "data.path", "row 3, column 'b': '1e999' is not a number."),
        ("a,b,c\n1,2,3\n4,1_000,6\n", "data.path", "row 3, column 'b': '1_000' is not a number."),
        ("a,b,c\n1,2,3\n4,5,\n", "data.path", "row 3, column 'c' is empty."),
        ("a,b,c\n1,2,3\n4,5\n", "data.path", "row 3 has 2 columns, the first row has 3."),
        ("a,b,c\n1,2,3\n4,5,6,7\n", "data.path", "row 3 has 4 columns, the first row has 3."),
        ('a,b,c\n1,"2,3\n4,5,6\n', "data.path", "quotation mark"),
        ("", "data.path", "is empty"),
        ("\n\n", "data.path", "is empty"),
        ("a\n1\n2\n", "data.path", "single column"),
        ("a,b\n1,2\n", "data.path", "only 1 rows can be used"),
        ("a,b\nx,1\ny,2\nz,3\n", "data.path", "row 1, column '1': 'a' is not a number."),
    ],
)
def test_what_cannot_be_an_example_is_told_with_its_place(
    tmp_path: Path, table: str, where: str, said: str
) -> None:
    header = "no" if table.startswith("a,b\nx") else "auto"
    error = refusal("csv", written(tmp_path, table), header=header)
    assert error.path == where
    assert said in error.reason.en


@CSV
def test_what_cannot_be_an_example_is_left_out_where_the_person_says_so(tmp_path: Path) -> None:
    table = "name,a,b,y\nA,1,2,0.5\n\nB,?,2,0.5\nC,3,4\nD,5,6,1.5\nE,7,8,\nF,9,10,2.5\n"
    path = written(tmp_path, table)
    examples = load("csv", path, gaps="skip")
    assert examples.inputs.tolist() == [[1, 2], [5, 6], [9, 10]]
    assert examples.targets.tolist() == [[0.5], [1.5], [2.5]]
    said = english(report("csv", path, gaps="skip"))
    assert "Left out, because they hold text: columns name." in said
    assert "Left out: 3 rows. The first: row 4, column 'a': '?' is not a number." in said
    assert "1 blank line was passed over." in said


@CSV
def test_a_target_that_is_not_what_the_task_needs(tmp_path: Path) -> None:
    path = written(tmp_path, iris_table())
    error = refusal("csv", path, task="regression")
    assert "row 2, column 'species': 'setosa' is not a number" in error.reason.en
    error = refusal("csv", written(tmp_path, "x,y\n1,5\n2,5\n3,5\n", "same.csv"), task="classification")
    assert error.path == "data.target"
    assert "1 different values" in error.reason.en
    many = "x,y\n" + "\n".join(f"{i},c{i}" for i in range(1500))
    error = refusal("csv", written(tmp_path, many, "many.csv"))
    assert error.path == "data.target"
    assert "more than 1,000 different values" in error.reason.en


@CSV
def test_a_column_that_is_not_there_is_answered_with_the_nearest(tmp_path: Path) -> None:
    error = refusal("csv", written(tmp_path, iris_table()), target="specis")
    assert error.path == "data.target"
    assert "Did you mean 'species'?" in error.reason.en


# NPZ


def saved(folder: Path, **arrays: Any) -> Path:
    path = folder / "arrays.npz"
    np.savez(path, **arrays)
    return path


RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((20,), (1,)),
        ((20, 5), (5,)),
        ((20, 6, 7), (1, 6, 7)),
        ((20, 2, 6, 7), (2, 6, 7)),
        ((20, 6, 7, 3), (3, 6, 7)),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32", ">f4", "int16", ">i8", "bool"])
def test_arrays_are_read_in_every_type_and_order(
    tmp_path: Path, shape: tuple[int, ...], expected: tuple[int, ...], dtype: str
) -> None:
    x = (RANDOM.normal(0, 3, shape)).astype(dtype)
    y = np.arange(20) % 4
    path = saved(tmp_path, x=np.asfortranarray(x), y=y.astype(">i2"))
    assert describe("npz", path) == DataInfo(expected, "classification", 4, 20)
    examples = load("npz", path)
    wanted = x.transpose(0, 3, 1, 2) if shape[-1] == 3 else x
    assert np.array_equal(examples.inputs, wanted.reshape(20, *expected).astype(np.float64))
    assert np.array_equal(examples.targets, y)


def test_pixels_run_from_0_to_1(tmp_path: Path) -> None:
    x = RANDOM.integers(0, 256, (10, 4, 4)).astype(np.uint8)
    path = saved(tmp_path, x_train=x, y_train=np.arange(10) % 2, x_test=x)
    assert np.array_equal(load("npz", path).inputs[:, 0], x / 255)
    said = english(report("npz", path))
    assert "divided by 255" in said
    assert "Left out, because they were not asked for: x_test." in said


def test_targets_are_classes_text_or_numbers(tmp_path: Path) -> None:
    x = RANDOM.normal(size=(12, 3))
    names = np.array(["b", "a", "c"] * 4)
    assert load("npz", saved(tmp_path, x=x, y=names)).class_names == ("a", "b", "c")
    numbers = RANDOM.normal(size=(12, 2))
    found = load("npz", saved(tmp_path, x=x, y=numbers), task="auto")
    assert np.array_equal(found.targets, numbers)
    path = saved(tmp_path, first=x, second=numbers)
    assert refusal("npz", path).path == "data.inputs"
    found = load("npz", path, inputs="first", targets="second")
    assert np.array_equal(found.inputs, x)
    error = refusal("npz", path, inputs="first", targets="secnd")
    assert (error.path, "Did you mean 'second'?" in error.reason.en) == ("data.targets", True)


@pytest.mark.parametrize(
    ("arrays", "where", "said"),
    [
        ({"x": np.zeros((3, 2)), "y": np.zeros(4)}, "data.targets", "belong together"),
        ({"x": np.array([[1.0, np.nan]] * 3), "y": np.arange(3)}, "data.inputs", "at [0, 1]"),
        ({"x": np.array([["a"]] * 3), "y": np.arange(3)}, "data.inputs", "holds text"),
        ({"x": np.zeros((3, 2)), "y": np.array([1.0, np.inf, 0.0])}, "data.targets", "infinite"),
        ({"x": np.zeros((3, 2)), "y": np.zeros((3, 2, 2))}, "data.targets", "3 axes"),
        ({"x": np.zeros((3, 2)), "y": np.zeros((3, 9000))}, "data.targets", "limit of 8,192"),
        ({"x": np.zeros((3, 2), dtype=complex), "y": np.zeros(3)}, "data.inputs", "only numbers"),
        ({"x": np.zeros((1, 1, 1, 1, 1)), "y": np.zeros(1)}, "data.inputs", "at most 4 axes"),
    ],
)
def test_arrays_that_cannot_be_examples(
    tmp_path: Path, arrays: dict[str, NDArray[Any]], where: str, said: str
) -> None:
    error = refusal("npz", saved(tmp_path, **arrays))
    assert error.path == where
    assert said in error.reason.en


# IDX


def idx(array: NDArray[Any], code: int = 0x08, shape: Sequence[int] | None = None) -> bytes:
    extents = array.shape if shape is None else shape
    head = bytes([0, 0, code, len(extents)]) + b"".join(struct.pack(">I", extent) for extent in extents)
    return head + array.tobytes()


IMAGES = RANDOM.integers(0, 256, (30, 5, 4)).astype(np.uint8)
LABELS = (np.arange(30) % 10).astype(np.uint8)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"),
        ("my-images", "my-labels"),
    ],
)
def test_images_find_their_labels(tmp_path: Path, images: str, labels: str, packed: bool) -> None:
    pack = gzip.compress if packed else bytes
    path = written(tmp_path, pack(idx(IMAGES)), images + ".gz" * packed)
    written(tmp_path, idx(LABELS), labels)
    assert describe("idx", path) == DataInfo((1, 5, 4), "classification", 10, 30)
    examples = load("idx", path)
    assert np.array_equal(examples.inputs[:, 0], IMAGES / 255)
    assert np.array_equal(examples.targets, LABELS)
    assert "10 classes: 0 3, 1 3" in english(report("idx", path))


@pytest.mark.parametrize(
    ("code", "dtype"), [(0x09, ">i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")]
)
def test_other_types_of_numbers_are_read_as_they_are(tmp_path: Path, code: int, dtype: str) -> None:
    values = RANDOM.normal(0, 20, (6, 2, 3, 4)).astype(dtype)
    path = written(tmp_path, idx(values, code), "images")
    labels = written(tmp_path, idx(np.arange(6, dtype=np.uint8) % 2), "marks")
    examples = load("idx", path, labels=str(labels))
    assert np.array_equal(examples.inputs, values.astype(np.float64))
    assert refusal("idx", path).path == "data.labels", "no labels of the like name"


@pytest.mark.parametrize(
    ("images", "labels", "where", "said"),
    [
        (idx(IMAGES), idx(LABELS[:-1]), "data.labels", "30 images but 29 labels"),
        (idx(LABELS), idx(LABELS), "data.path", "single list"),
        (idx(IMAGES), idx(IMAGES), "data.labels", "no list of whole numbers"),
        (idx(IMAGES)[:-1], idx(LABELS), "data.path", "ends too early"),
        (idx(IMAGES) + b"\0", idx(LABELS), "data.path", "goes on after"),
        (b"\0\0\x07\x01", idx(LABELS), "data.path", "not an IDX file"),
        (b"\0\0", idx(LABELS), "data.path", "not an IDX file"),
        (b"%PDF-1.7 and more", idx(LABELS), "data.path", "not an IDX file"),
        (idx(IMAGES[:0]), idx(LABELS[:0]), "data.path", "no examples"),
        (idx(IMAGES), idx(LABELS * 0), "data.labels", "1 different values"),
    ],
)
def test_files_that_are_not_what_they_should_be(
    tmp_path: Path, images: bytes, labels: bytes, where: str, said: str
) -> None:
    path = written(tmp_path, images, "images")
    written(tmp_path, labels, "labels")
    error = refusal("idx", path)
    assert error.path == where
    assert said in error.reason.en


# any file


@pytest.mark.parametrize("key", ["csv", "npz", "idx"])
def test_a_missing_file_is_told_at_its_field(tmp_path: Path, key: str) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(ExperimentError) as caught:
            describe(key, path)
        assert caught.value.path == "data.path"
    document = {"data": {"name": key, "path": "nothing"}}
    with pytest.raises(ExperimentError, match="nothing") as caught:
        read_document(document, catalogue(), Limits(), tmp_path)
    assert caught.value.path == "data.path"


def test_a_file_is_read_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from initviz.catalog.datasets import files

    reads: list[Path] = []

    def counting(path: Path, *words: str) -> Any:
        reads.append(path)
        return read_csv(path, *words)

    monkeypatch.setattr(files, "read_csv", counting)
    path = written(tmp_path, "x,y\n1,a\n2,b\n3,a\n")
    for _ in range(20):
        assert describe("csv", path).num_samples == 3
    first = load("csv", path)
    report("csv", path)
    assert len(reads) == 1
    first.inputs[:] = 7.0
    assert load("csv", path).inputs.ravel().tolist() == [1, 2, 3]
    written(tmp_path, "x,y\n1,a\n2,b\n3,a\n4,b\n")
    os.utime(path, ns=(1, 1))
    assert describe("csv", path).num_samples == 4
    assert len(reads) == 2


def test_what_was_known_of_a_file_that_has_gone_is_still_known(tmp_path: Path) -> None:
    path = written(tmp_path, "x,y\n1,a\n2,b\n3,a\n")
    info = describe("csv", path)
    path.unlink()
    assert describe("csv", path) == info
    assert "there is no file" in english(report("csv", path))
    assert refusal("csv", path).path == "data.path", "but nothing can be trained on"


def test_names_are_relative_to_the_experiment(tmp_path: Path) -> None:
    written(tmp_path, iris_table(), "iris.csv")
    document = {"data": {"name": "csv", "path": "iris.csv"}}
    experiment = read_document(document, catalogue(), Limits(), tmp_path)
    assert experiment.data.dataset["path"] == str(tmp_path / "iris.csv")
    assert experiment.document == document
    whole = {"data": {"name": "csv", "path": str(tmp_path / "iris.csv")}}
    assert read_document(whole, catalogue(), Limits(), Path("/elsewhere")).data == experiment.data
