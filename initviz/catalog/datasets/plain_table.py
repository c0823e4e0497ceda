"""The quick way through a large table that is as plain as can be. Whatever is odd is left to the careful way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WORTH_BYTES = 500_000
"""Smaller files are read soon enough the careful way."""


@dataclass(frozen=True, slots=True)
class PlainTable:
    """What a plain table holds.

    Attributes:
        inputs: ``(S, F)``, all finite.
        labels: Different texts of the target column, as they stand there.
        codes: ``(S,)`` which of them each row has.
    """

    inputs: NDArray[np.float64]
    labels: tuple[str, ...]
    codes: NDArray[np.int64]


def read_plain(
    content: bytes, separator: str, width: int, first_row: int, columns: Sequence[int], target: int
) -> PlainTable | None:
    """Read a table in one go, or return None where anything about it is not plain.

    Args:
        content: UTF-8 text without quotation marks.
        separator: What stands between columns.
        width: Columns of the table.
        first_row: Lines before the first example.
        columns: The columns of inputs.
        target: The column of targets.
    """
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv

    if b'"' in content or b"\0" in content or (b"\r" in content and b"\n" not in content):
        return None
    names = [str(place) for place in range(width)]
    kinds = {names[place]: pa.float64() for place in columns} | {names[target]: pa.string()}
    try:
        table = csv.read_csv(
            pa.BufferReader(content),
            read_options=csv.ReadOptions(use_threads=False, column_names=names, skip_rows=first_row),
            parse_options=csv.ParseOptions(delimiter=separator, quote_char=False),
            convert_options=csv.ConvertOptions(
                column_types=kinds, include_columns=list(kinds), null_values=[""], strings_can_be_null=True
            ),
        )
    except pa.ArrowException:
        return None
    if table.num_rows == 0 or any(column.null_count for column in table.columns):
        return None
    inputs = np.empty((table.num_rows, len(columns)))
    for place, column in enumerate(columns):
        inputs[:, place] = table.column(names[column]).to_numpy()
    if not np.isfinite(inputs).all():
        return None
    marks = table.column(names[target]).combine_chunks().dictionary_encode()
    labels = tuple(str(label) for label in marks.dictionary.to_pylist())
    if any(not label.strip() for label in labels):
        return None
    return PlainTable(inputs, labels, marks.indices.to_numpy().astype(np.int64))
