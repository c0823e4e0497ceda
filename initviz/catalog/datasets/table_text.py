"""The text of a table: its encoding, what separates its columns, and its rows one after another, within bounds."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from initviz.catalog.datasets.file_access import bounds
from initviz.experiment.errors import ExperimentError, printable
from initviz.experiment.text import Text

MOST_LINE = 4_000_000
"""Characters of one line."""
SAMPLE_ROWS = 50
"""Rows that are looked at to tell what a table is like."""
_CHUNK = 1 << 20
_QUOTED = re.compile(r'"[^"]*"')
_SEPARATORS = {
    ",": Text("commas", "逗号"),
    ";": Text("semicolons", "分号"),
    "\t": Text("tabs", "制表符"),
    " ": Text("blanks", "空格"),
}
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in the file.

    Attributes:
        number: Line in the file, 1 first; the last one where it takes several.
        fields: What stands between the separators.
    """

    number: int
    fields: list[str]


class TableText:
    """A table's text.

    Attributes:
        content: The file.
        encoding: How its characters are written.
        separator: What stands between columns.
        blank_lines: Lines without anything, known once all rows have been read.

    Args:
        content: The file.
    Raises:
        ExperimentError: It is no text.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.encoding = find_encoding(content)
        self.separator = find_separator(self._first_lines())
        self.blank_lines = 0

    @property
    def notes(self) -> tuple[Text, ...]:
        """What was guessed, where it is not the usual."""
        notes: list[Text] = []
        if self.separator != ",":
            name = _SEPARATORS[self.separator]
            notes.append(Text(f"Columns are separated by {name.en}.", f"各列以{name.zh}分隔。"))
        if self.encoding not in ("utf-8-sig", "utf-8"):
            shown = self.encoding.upper()
            notes.append(Text(f"The text was read as {shown}.", f"文本按 {shown} 编码读取。"))
        return tuple(notes)

    def rows(self) -> Iterator[Row]:
        """Yield every row that is not blank.

        Raises:
            ExperimentError: A line or a field without end, or too many columns.
        """
        self.blank_lines = 0
        reader = csv.reader(
            self._lines(), delimiter=self.separator, skipinitialspace=self.separator == " ", strict=True
        )
        try:
            for fields in reader:
                if self.separator == " " and fields and not fields[-1]:
                    fields.pop()
                if not any(fields) and (len(fields) < 2 or not any(field.strip() for field in fields)):
                    self.blank_lines += not fields or len(fields) == 1
                    if len(fields) < 2:
                        continue
                yield Row(reader.line_num, fields)
        except csv.Error as error:
            raise ExperimentError(
                Text(
                    f"row {reader.line_num:,} cannot be read ({printable(str(error))}). Look for a quotation mark that "
                    "is not closed.",
                    f"无法读取第 {reader.line_num:,} 行（{printable(str(error))}）。请检查是否有未闭合的引号。",
                ),
                "data.path",
            ) from error

    def _stream(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BytesIO(self.content), encoding=self.encoding, newline="")

    def _first_lines(self) -> list[str]:
        stream = self._stream()
        lines = (stream.readline(MOST_LINE) for _ in range(SAMPLE_ROWS))
        return [line for line in lines if line.strip()]

    def _lines(self) -> Iterator[str]:
        """Yield the lines, each of them looked at before it is taken apart."""
        stream = self._stream()
        limits = bounds()
        number = 0
        while line := stream.readline(MOST_LINE + 1):
            number += 1
            if len(line) > MOST_LINE:
                raise ExperimentError(
                    Text(
                        f"row {number:,} has more than {MOST_LINE:,} characters. This is no table of examples.",
                        f"第 {number:,} 行超过 {MOST_LINE:,} 个字符。这不是样本表格。",
                    ),
                    "data.path",
                )
            limits.check("columns", line.count(self.separator) + 1, Text("columns", "列数"), "data.path")
            yield line


def find_encoding(content: bytes) -> str:
    """Return how a text is written: UTF-8, UTF-16 with a mark, GB 18030, or Windows' Western characters.

    Raises:
        ExperimentError: It holds bytes that no text holds.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates: tuple[str, ...] = ("utf-16",)
    else:
        candidates = ("utf-8-sig", "gb18030", "cp1252")
    for name in candidates if b"\0" not in content or candidates[0] == "utf-16" else ():
        decoder = codecs.getincrementaldecoder(name)()
        try:
            for place in range(0, len(content), _CHUNK):
                decoder.decode(content[place : place + _CHUNK])
            decoder.decode(b"", final=True)
        except UnicodeError:
            continue
        return name
    raise ExperimentError(
        Text("the file is not text. Save the table as CSV.", "该文件不是文本。请把表格另存为 CSV。"),
        "data.path",
    )


def find_separator(lines: Sequence[str]) -> str:
    """Return what separates the columns: what stands in every line, as often in each if possible.

    Tabs and semicolons come before commas, which may be decimal marks then, and blanks last.
    """
    bare = [_QUOTED.sub("", line.strip("\r\n ")) for line in lines]
    counts = {separator: [line.count(separator) for line in bare] for separator in ("\t", ";", ",", " ")}
    everywhere = [separator for separator, found in counts.items() if min(found, default=0) > 0]
    even = [separator for separator in everywhere if len(set(counts[separator])) == 1]
    return next(iter(even or everywhere), ",")


def as_number(field: str, separator: str) -> float | None:
    """Return the finite number that a field says, or None. Where commas do not separate, 1,5 is a number."""
    text = field.strip()
    if separator != "," and _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if "_" in text:  # Python's own way of writing large numbers
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number - number == 0.0 else None
