"""The person's own examples, from CSV, NPZ and IDX files."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from initviz.catalog.datasets.csv_table import read_csv
from initviz.catalog.datasets.file_access import file_status
from initviz.catalog.datasets.findings import Findings
from initviz.catalog.datasets.idx import find_labels, read_idx
from initviz.catalog.datasets.npz import read_npz
from initviz.catalog.parts import Examples, LoadableDatasetPart
from initviz.experiment.errors import ExperimentError
from initviz.experiment.parameters import ChoiceParameter, PathParameter, TextParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataInfo
from initviz.resources import resource

SAMPLES = "samples"
EXAMPLE_CSV = "leaves.csv"
EXAMPLE_NPZ = "arms.npz"
EXAMPLE_IDX = "shapes-images-idx3-ubyte.gz"
"""What is read where no file is named, so that a person sees what such a file is like."""

MOST_KEPT = 2
"""Files whose examples are kept in memory."""
MOST_KNOWN = 64

Stamp = tuple[tuple[str, int, int], ...]
"""Name, size and time of change of every file that was read."""


@dataclass(frozen=True, slots=True)
class Source:
    """Files that a choice names, and how to read them.

    Attributes:
        files: The files, each with the field that names it.
        read: Reads them.
    """

    files: tuple[tuple[Path, str], ...]
    read: Callable[[], Findings]


class Shelf:
    """Keeps what was read, until a file changes. It may be asked by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Choice, tuple[Stamp, Findings]] = OrderedDict()
        self._known: OrderedDict[Choice, DataInfo] = OrderedDict()

    def findings(self, choice: Choice, source: Callable[[Choice], Source]) -> Findings:
        """Return what the files of a choice hold; they are read only where that is not known.

        Raises:
            ExperimentError: A file is missing, damaged, or not what is needed.
        """
        with self._lock:
            found = source(choice)
            stamp = tuple(_stamp(path, where) for path, where in found.files)
            kept = self._kept.get(choice)
            if kept is not None and kept[0] == stamp:
                self._kept.move_to_end(choice)
                return kept[1]
            self._kept.pop(choice, None)
            while len(self._kept) >= MOST_KEPT:  # before another file takes its room
                self._kept.popitem(last=False)
            findings = found.read()
            self._kept[choice] = stamp, findings
            self._known[choice] = findings.info
            self._known.move_to_end(choice)
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
            return findings

    def info(self, choice: Choice, source: Callable[[Choice], Source]) -> DataInfo:
        """Return what is known of the examples of a choice.

        A file that was good and has gone since, with its memory stick perhaps, leaves what was known of it: the window
        still shows its experiment, and says what is wrong when the examples themselves are needed.
        """
        try:
            return self.findings(choice, source).info
        except ExperimentError:
            known = self._known.get(choice)
            if known is None:
                raise
            return known


def _stamp(path: Path, where: str) -> tuple[str, int, int]:
    status = file_status(path, where)
    return str(path), status.st_size, status.st_mtime_ns


def _file(choice: Choice, key: str, example: str) -> Path:
    name = choice.string(key)
    return Path(name) if name.strip() else resource(SAMPLES, example)


def _csv(choice: Choice) -> Source:
    path = _file(choice, "path", EXAMPLE_CSV)

    def read() -> Findings:
        words = (choice.string(key) for key in ("target", "task", "header", "gaps"))
        return read_csv(path, *words)

    return Source(((path, "data.path"),), read)


def _npz(choice: Choice) -> Source:
    path = _file(choice, "path", EXAMPLE_NPZ)

    def read() -> Findings:
        return read_npz(path, choice.string("inputs"), choice.string("targets"), choice.string("task"))

    return Source(((path, "data.path"),), read)


def _idx(choice: Choice) -> Source:
    path = _file(choice, "path", EXAMPLE_IDX)
    file_status(path, "data.path")  # a missing file of images is told before its labels are looked for
    labels = Path(choice.string("labels")) if choice.string("labels").strip() else find_labels(path)
    return Source(((path, "data.path"), (labels, "data.labels")), lambda: read_idx(path, labels))


_SHELF = Shelf()
_UNTOUCHED = ("", "auto", "refuse")
"""Defaults of all parameters."""


def _describer(source: Callable[[Choice], Source], example: DataInfo) -> Callable[[Choice], DataInfo]:
    """Return what describes a choice; the example that comes with InitViz is known without NumPy, which reads it."""

    def describe(choice: Choice) -> DataInfo:
        is_example = all(value in _UNTOUCHED for _, value in choice.values)
        return example if is_example else _SHELF.info(choice, source)

    return describe


def _reporter(source: Callable[[Choice], Source]) -> Callable[[Choice], tuple[Text, ...]]:
    def report(choice: Choice) -> tuple[Text, ...]:
        try:
            return _SHELF.findings(choice, source).report
        except ExperimentError as error:
            return (error.reason,)

    return report


def _loader(source: Callable[[Choice], Source]) -> Callable[[Choice, int], Examples]:
    def load(choice: Choice, seed: int) -> Examples:
        import numpy as np

        found = _SHELF.findings(choice, source)
        inputs = np.array(found.inputs, dtype=np.float64)
        inputs /= found.divisor
        return Examples(inputs=inputs, targets=found.targets.copy(), class_names=found.class_names)

    return load


def _path(help_text: Text, *suffixes: str) -> PathParameter:
    return PathParameter("path", Text("File", "文件"), "", help_text, suffixes)


TASK = ChoiceParameter(
    "task",
    Text("Task", "任务"),
    "auto",
    Text(
        "Whether the target names classes or is a number. Automatic takes text and a few whole numbers for classes.",
        "目标是类别还是数值。自动模式把文本和少数几个整数视为类别。",
    ),
    (
        ("auto", Text("automatic", "自动")),
        ("classification", Text("classes", "分类")),
        ("regression", Text("numbers", "回归")),
    ),
)

GROUP = Text("Your own files", "自己的文件")

PARTS: tuple[LoadableDatasetPart, ...] = (
    LoadableDatasetPart(
        kind="dataset",
        group=GROUP,
        key="csv",
        title=Text("CSV table", "CSV 表格"),
        summary=Text(
            "Your own table: a row an example, a column a number, and one column to be predicted.",
            "自己的表格：每行一个样本，每列一个数，其中一列是要预测的目标。",
        ),
        parameters=(
            _path(
                Text(
                    "The table, as CSV. Without one, a small example is read.",
                    "CSV 格式的表格。不填则读取一个小例子。",
                ),
                ".csv",
                ".tsv",
                ".txt",
                ".gz",
            ),
            TextParameter(
                "target",
                Text("Target column", "目标列"),
                "",
                Text(
                    "Name of the column to be predicted, or its number from 1; empty for the last one.",
                    "要预测的列的名称，或从 1 起的序号；不填表示最后一列。",
                ),
            ),
            TASK,
            ChoiceParameter(
                "header",
                Text("First row", "首行"),
                "auto",
                Text("Whether the first row names the columns.", "首行是否为列名。"),
                (
                    ("auto", Text("automatic", "自动")),
                    ("yes", Text("names", "列名")),
                    ("no", Text("an example", "样本")),
                ),
            ),
            ChoiceParameter(
                "gaps",
                Text("What is no number", "非数值内容"),
                "refuse",
                Text(
                    "What becomes of empty fields and text among the inputs: the file is refused with their place, or "
                    "rows with gaps and columns of text are left out.",
                    "输入中的空字段和文本如何处理：拒绝该文件并指出位置，或略去有缺失的行和文本列。",
                ),
                (
                    ("refuse", Text("refuse the file", "拒绝该文件")),
                    ("skip", Text("leave it out", "略去")),
                ),
            ),
        ),
        source="Shafranovich 2005, RFC 4180",
        describe=_describer(_csv, DataInfo((4,), "classification", 3, 120)),
        report=_reporter(_csv),
        load=_loader(_csv),
    ),
    LoadableDatasetPart(
        kind="dataset",
        group=GROUP,
        key="npz",
        title=Text("NPZ arrays", "NPZ 数组"),
        summary=Text(
            "Your own arrays, saved with numpy.savez: inputs, with the examples along the first axis, and targets.",
            "自己的数组，用 numpy.savez 保存：输入（第一个轴为样本）和目标。",
        ),
        parameters=(
            _path(
                Text(
                    "The archive. Without one, a small example is read.",
                    "NPZ 文件。不填则读取一个小例子。",
                ),
                ".npz",
            ),
            TextParameter(
                "inputs",
                Text("Array of inputs", "输入数组"),
                "",
                Text(
                    "Its name; empty for the usual ones, such as x, X, inputs, data or x_train.",
                    "数组名；不填则查找常用名称，如 x、X、inputs、data、x_train。",
                ),
            ),
            TextParameter(
                "targets",
                Text("Array of targets", "目标数组"),
                "",
                Text(
                    "Its name; empty for the usual ones, such as y, targets, labels or y_train.",
                    "数组名；不填则查找常用名称，如 y、targets、labels、y_train。",
                ),
            ),
            TASK,
        ),
        source="NumPy manual, numpy.lib.format",
        describe=_describer(_npz, DataInfo((2,), "classification", 3, 150)),
        report=_reporter(_npz),
        load=_loader(_npz),
    ),
    LoadableDatasetPart(
        kind="dataset",
        group=GROUP,
        key="idx",
        title=Text("IDX images", "IDX 图像"),
        summary=Text(
            "Your own images in the format of MNIST and Fashion-MNIST, packed with gzip or not, and their labels.",
            "MNIST、Fashion-MNIST 格式的图像（可用 gzip 压缩）及其标签。",
        ),
        parameters=(
            _path(
                Text(
                    "The file of images, such as train-images-idx3-ubyte.gz. Without one, a small example is read.",
                    "图像文件，如 train-images-idx3-ubyte.gz。不填则读取一个小例子。",
                ),
                "ubyte",
                ".gz",
                ".idx",
            ),
            PathParameter(
                "labels",
                Text("Labels", "标签"),
                "",
                Text(
                    "The file of labels; empty for the one of the like name beside the images.",
                    "标签文件；不填则使用图像旁边名称相应的文件。",
                ),
                ("ubyte", ".gz", ".idx"),
            ),
        ),
        source="LeCun et al. 1998, doi:10.1109/5.726791",
        describe=_describer(_idx, DataInfo((1, 12, 12), "classification", 3, 180)),
        report=_reporter(_idx),
        load=_loader(_idx),
    ),
)
