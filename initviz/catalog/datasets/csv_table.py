"""CSV: a table of numbers, one column of which is to be predicted."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from initviz.catalog.datasets import plain_table
from initviz.catalog.datasets.file_access import check_numbers, opened, read_at_most, shown_name
from initviz.catalog.datasets.findings import (
    INPUTS,
    MOST_CLASSES,
    Findings,
    classes_of,
    count_text,
    looks_like_classes,
    names_of,
    range_report,
    target_report,
)
from initviz.catalog.datasets.table_text import SAMPLE_ROWS, Row, TableText, as_number
from initviz.experiment.errors import ExperimentError, nearest, printable
from initviz.experiment.text import Text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CHECK_EVERY = 1_000_000
"""Numbers between two looks at the memory that they take."""


@dataclass(frozen=True, slots=True)
class _Gap:
    """Why a row cannot be an example."""

    row: int
    reason: Text


def read_csv(path: Path, target: str, task: str, header: str, gaps: str) -> Findings:
    """Read a table.

    Args:
        path: The file.
        target: Name of the column to be predicted, or its number from 1; empty for the last.
        task: ``auto``, ``classification`` or ``regression``.
        header: ``auto``, ``yes`` or ``no``: whether the first row names the columns.
        gaps: ``refuse`` or ``skip``: what becomes of rows and columns that are not numbers.
    Raises:
        ExperimentError: What is wrong, with row and column, or what is above a limit.
    """
    with opened(path, "data.path") as stream:
        text = TableText(read_at_most(stream, "data.path"))
    table = _Table(text, path, target, header, gaps == "skip")
    table.read(task)
    return table.findings(task)


class _Table:
    """Reads the rows of one table and keeps what they say.

    Args:
        text: The file's text.
        path: The file.
        target: As in ``read_csv``.
        header: Likewise.
        skips: Whether what is no number is left out instead of refused.
    """

    def __init__(self, text: TableText, path: Path, target: str, header: str, skips: bool) -> None:
        self._text = text
        self._path = path
        self._skips = skips
        rows = text.rows()
        sample = list(islice(rows, SAMPLE_ROWS + 1))
        if not sample:
            raise ExperimentError(
                Text(f"'{shown_name(path)}' is empty.", f"“{shown_name(path)}”是空文件。"), "data.path"
            )
        self._separator = text.separator
        named = header == "yes" or (header == "auto" and self._has_names(sample))
        width = len(sample[0].fields)
        self._names = (
            tuple(field.strip() for field in sample[0].fields)
            if named
            else tuple(str(place + 1) for place in range(width))
        )
        self._rows = chain(sample[named:], rows)
        self._first_line = (
            int(named) + 1 if all(row.number == place + 1 for place, row in enumerate(sample[:2])) else 0
        )
        self._target = self._find_target(target)
        if width < 2:
            raise ExperimentError(
                Text(
                    "the table has a single column, but inputs and a target are needed.",
                    "表格只有一列，而输入和目标至少需要两列。",
                ),
                "data.path",
            )
        texts = self._text_columns(sample[named:]) if self._skips else []
        self._without = texts
        self._columns = [place for place in range(width) if place != self._target and place not in texts]
        if not self._columns:
            raise ExperimentError(
                Text(
                    "no column but the target holds numbers. Inputs must be numbers.",
                    "除目标外没有数值列。输入必须是数。",
                ),
                "data.path",
            )
        self._inputs = array("d")
        self._targets = array("d")
        self._labels: dict[str, int] = {}
        self._codes = array("q")
        self._first_text: _Gap | None = None
        self._gaps: list[_Gap] = []
        self._num_gaps = 0

    def _number(self, field: str) -> float | None:
        return as_number(field, self._separator)

    def _has_names(self, sample: Sequence[Row]) -> bool:
        """Say whether the first row names the columns: where it holds text and the others hold numbers."""
        first, rest = sample[0].fields, sample[1:]
        if not rest:
            return False
        if not any(self._number(field) is not None for field in first):
            below = (self._number(field) for row in rest for field in row.fields)
            return any(number is not None for number in below)
        for place, field in enumerate(first):
            column = [row.fields[place] for row in rest if place < len(row.fields)]
            numeric = bool(column) and all(self._number(item) is not None for item in column)
            if field.strip() and numeric and self._number(field) is None:
                return True
        return False

    def _find_target(self, target: str) -> int:
        wanted = target.strip()
        if not wanted:
            return len(self._names) - 1
        if wanted in self._names:
            return self._names.index(wanted)
        lower = [name.lower() for name in self._names]
        if wanted.lower() in lower:
            return lower.index(wanted.lower())
        if wanted.isdecimal() and len(wanted) < 9 and 1 <= int(wanted) <= len(self._names):
            return int(wanted) - 1
        close = nearest(wanted, self._names)
        guess = (
            Text("", "")
            if close is None
            else Text(f" Did you mean '{printable(close)}'?", f"您是否想写“{printable(close)}”？")
        )
        listed = ", ".join(printable(name, 30) for name in self._names[:12])
        raise ExperimentError(
            Text(
                f"there is no column '{printable(wanted)}'.{guess.en} Columns: {listed}; or a number from 1 to "
                f"{len(self._names)}.",
                f"没有名为“{printable(wanted)}”的列。{guess.zh}可用的列：{listed}；"
                f"也可以写 1 到 {len(self._names)} 的序号。",
            ),
            "data.target",
        )

    def _text_columns(self, sample: Sequence[Row]) -> list[int]:
        """Return the columns in which nothing is a number."""
        found = []
        for place in range(len(self._names)):
            column = [row.fields[place] for row in sample if place < len(row.fields)]
            if place != self._target and column and all(self._number(field) is None for field in column):
                found.append(place)
        return found

    def _name(self, place: int) -> str:
        return printable(self._names[place], 40)

    def read(self, task: str) -> None:
        """Take in every row."""
        if len(self._text.content) < plain_table.WORTH_BYTES or not self._read_plain(task):
            self._read_rows(task)
        check_numbers(len(self._targets) * len(self._columns), "data.path")

    def _read_plain(self, task: str) -> bool:
        """Take in a large plain table at once; False where it is not plain and nothing was taken in."""
        text, width = self._text, len(self._names)
        if text.encoding != "utf-8-sig" or text.separator == " " or self._first_line not in (1, 2):
            return False
        check_numbers(text.content.count(text.separator.encode()), "data.path")
        found = plain_table.read_plain(
            text.content, text.separator, width, self._first_line - 1, self._columns, self._target
        )
        if found is None:
            return False
        numbers = [self._number(label) for label in found.labels]
        if task == "regression" and None in numbers:
            return False
        codes = [self._labels.setdefault(label.strip(), len(self._labels)) for label in found.labels]
        for label, number in zip(found.labels, numbers, strict=True):
            if number is None and self._first_text is None:
                self._first_text = _Gap(0, Text(label, label))
        self._inputs.frombytes(found.inputs.tobytes())
        values = array("d", (float("nan") if number is None else number for number in numbers))
        self._targets.extend(values[code] for code in found.codes.tolist())
        self._codes.extend(codes[code] for code in found.codes.tolist())
        lines = text.content.count(b"\n") + (not text.content.endswith(b"\n"))
        text.blank_lines = lines - (self._first_line - 1) - len(found.codes)
        return True

    def _read_rows(self, task: str) -> None:
        """Take in one row after the other, and say where one is wrong."""
        width, columns, target = len(self._names), self._columns, self._target
        take_all = len(columns) == width - 1
        count, check_every = 0, max(1, _CHECK_EVERY // len(columns))
        for row in self._rows:
            fields = row.fields
            if len(fields) != width:
                self._note(row, _lengths(row, len(fields), width))
                continue
            label = fields[target].strip()
            if not label:
                self._note(row, _bad_field(row, self._name(target), ""))
                continue
            wanted = (
                fields[:target] + fields[target + 1 :] if take_all else [fields[place] for place in columns]
            )
            values = self._values(wanted)
            if values is None:
                self._note(row, self._first_bad(row))
                continue
            number = self._number(label)
            if number is None:
                if task == "regression":
                    self._note(row, _bad_field(row, self._name(target), label))
                    continue
                if self._first_text is None:
                    self._first_text = _bad_field(row, self._name(target), label)
            self._targets.append(float("nan") if number is None else number)
            if len(self._labels) <= MOST_CLASSES:
                self._codes.append(self._labels.setdefault(label, len(self._labels)))
            self._inputs.extend(values)
            count += 1
            if count % check_every == 0:
                check_numbers(count * len(columns), "data.path")

    def _values(self, fields: list[str]) -> list[float] | None:
        """Return the numbers of a row; None where one is none. Quick, since a file may have millions."""
        try:
            values = list(map(float, fields))
        except ValueError:
            slow = [self._number(field) for field in fields]
            return None if None in slow else [number for number in slow if number is not None]
        total = sum(values)
        if total - total != 0.0 and any(number - number != 0.0 for number in values):
            return None
        return None if any("_" in field for field in fields) else values

    def _first_bad(self, row: Row) -> _Gap:
        bad = next(place for place in self._columns if self._number(row.fields[place]) is None)
        return _bad_field(row, self._name(bad), row.fields[bad].strip())

    def _note(self, row: Row, gap: _Gap) -> None:
        if not self._skips:
            raise ExperimentError(
                Text(
                    f"{gap.reason.en} Correct the file, or let what is no number be left out.",
                    f"{gap.reason.zh}请修正文件，或选择略去不是数的内容。",
                ),
                "data.path",
            )
        self._num_gaps += 1
        if not self._gaps:
            self._gaps.append(gap)

    def findings(self, task: str) -> Findings:
        """Return what was read.

        Raises:
            ExperimentError: No examples are left, or the target is not what the task needs.
        """
        import numpy as np

        count = len(self._targets)
        if count < 2:
            first = self._gaps[0].reason if self._gaps else Text("", "")
            raise ExperimentError(
                Text(
                    f"only {count} rows can be used; two at least are needed. {first.en}".strip(),
                    f"只有 {count} 行可用，至少需要两行。{first.zh}",
                ),
                "data.path",
            )
        inputs = np.frombuffer(self._inputs, dtype=np.float64).reshape(count, len(self._columns))
        targets, class_names = self._targets_found(task)
        kind = Text("classes", "类别") if class_names else Text("numbers", "数值")
        name = self._name(self._target)
        rows = count_text(count, "example", "examples", "个样本")
        columns = count_text(len(self._columns), "input column", "input columns", "个输入列")
        return Findings(
            inputs=inputs,
            targets=targets,
            class_names=class_names,
            report=(
                Text(
                    f"{shown_name(self._path)}: {rows.en}, {columns.en}, target '{name}' ({kind.en}).",
                    f"{shown_name(self._path)}：{rows.zh}，{columns.zh}，目标“{name}”（{kind.zh}）。",
                ),
                target_report(targets, class_names),
                range_report(INPUTS, inputs),
                *self._left_out(),
                *self._text.notes,
            ),
        )

    def _targets_found(self, task: str) -> tuple[NDArray[np.int64] | NDArray[np.float64], tuple[str, ...]]:
        import numpy as np

        numbers = np.frombuffer(self._targets, dtype=np.float64)
        if self._first_text is None:
            if task == "classification" or (task == "auto" and looks_like_classes(numbers)):
                return classes_of(numbers, "data.target")
            return numbers.reshape(-1, 1).copy(), ()
        different = min(len(self._labels), MOST_CLASSES)
        if len(self._labels) > MOST_CLASSES or different < 2:
            more = different < len(self._labels)
            raise ExperimentError(
                Text(
                    f"the column '{self._name(self._target)}' holds text with {'more than ' if more else ''}"
                    f"{different:,} different values; classes must be 2 to {MOST_CLASSES:,}. Choose another target.",
                    f"列“{self._name(self._target)}”是文本，有{'超过' if more else ''} {different:,} 个不同的值；"
                    f"类别数应为 2 到 {MOST_CLASSES:,}。请选择其他目标。",
                ),
                "data.target",
            )
        ordered = sorted(self._labels)
        rank = np.empty(len(ordered), dtype=np.int64)
        for place, label in enumerate(ordered):
            rank[self._labels[label]] = place
        codes = np.frombuffer(self._codes, dtype=np.int64)
        return rank[codes], names_of(np.array(ordered))

    def _left_out(self) -> list[Text]:
        lines = []
        if self._without:
            names = [self._name(place) for place in self._without]
            shown = names[:8] + (["..."] if len(names) > 8 else [])
            lines.append(
                Text(
                    f"Left out, because they hold text: columns {', '.join(shown)}.",
                    f"因为是文本而略去的列：{'、'.join(shown)}。",
                )
            )
        if self._num_gaps:
            rows = count_text(self._num_gaps, "row", "rows", "行")
            reason = self._gaps[0].reason
            lines.append(
                Text(f"Left out: {rows.en}. The first: {reason.en}", f"略去了 {rows.zh}。第一处：{reason.zh}")
            )
        if self._text.blank_lines:
            rows = count_text(self._text.blank_lines, "blank line was", "blank lines were", "个空行")
            lines.append(Text(f"{rows.en} passed over.", f"跳过了 {rows.zh}。"))
        return lines


def _lengths(row: Row, found: int, wanted: int) -> _Gap:
    return _Gap(
        row.number,
        Text(
            f"row {row.number:,} has {found:,} columns, the first row has {wanted:,}.",
            f"第 {row.number:,} 行有 {found:,} 列，而首行有 {wanted:,} 列。",
        ),
    )


def _bad_field(row: Row, column: str, value: str) -> _Gap:
    if not value:
        return _Gap(
            row.number,
            Text(
                f"row {row.number:,}, column '{column}' is empty.",
                f"第 {row.number:,} 行“{column}”列是空的。",
            ),
        )
    return _Gap(
        row.number,
        Text(
            f"row {row.number:,}, column '{column}': '{printable(value, 30)}' is not a number.",
            f"第 {row.number:,} 行“{column}”列：“{printable(value, 30)}”不是数。",
        ),
    )
