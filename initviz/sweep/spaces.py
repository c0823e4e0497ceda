"""Reads what a field may be: choices, or a range of numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from initviz.experiment.edit import Table
from initviz.experiment.errors import ExperimentError, join_path, nearest, shown, unknown_key
from initviz.experiment.fields import TOP_LEVEL_KEYS
from initviz.experiment.text import Text
from initviz.sweep.study import Choices, Field, Range, Scalar

KEYS = ("path", "choices", "low", "high", "log", "step")
SEARCHED_KEYS = tuple(
    key for key in TOP_LEVEL_KEYS if key not in ("schema", "name", "device", "lanes", "stages")
)
MOST_CHOICES = 1000

_PATH = re.compile(r"[A-Za-z0-9_-]+(\[\d{1,4}\])?(\.[A-Za-z0-9_-]+(\[\d{1,4}\])?){0,10}")


def read_field(table: Table, place: str) -> Field:
    """Check one entry of ``[[fields]]``.

    Args:
        table: Its keys.
        place: Where it stands.
    Raises:
        ExperimentError: A key, a path or a value that cannot be.
    """
    for key in table:
        if key not in KEYS:
            raise unknown_key(key, KEYS, join_path(place, key))
    path = _path(table.get("path"), join_path(place, "path"))
    if "choices" in table:
        for key in ("low", "high", "log", "step"):
            if key in table:
                raise ExperimentError(
                    Text(
                        "a field has either choices, or low and high. Remove one of them.",
                        "字段要么写 choices，要么写 low 与 high。请删去其中之一。",
                    ),
                    join_path(place, key),
                )
        return Field(path, _choices(table["choices"], join_path(place, "choices")))
    return Field(path, _range(table, place))


def _path(value: object, place: str) -> str:
    if not isinstance(value, str) or not _PATH.fullmatch(value):
        raise ExperimentError(
            Text(
                f"expected a place in the experiment such as init.weight.name, but found {shown(value)}.",
                f"应为实验中的位置，例如 init.weight.name，实际是 {shown(value)}。",
            ),
            place,
        )
    top = re.split(r"[.\[]", value, maxsplit=1)[0]
    if top not in SEARCHED_KEYS:
        close = nearest(top, SEARCHED_KEYS)
        hint = Text("", "") if close is None else Text(f" Did you mean '{close}'?", f"您是否想写“{close}”？")
        listing = ", ".join(SEARCHED_KEYS)
        raise ExperimentError(
            Text(
                f"'{top}' is nothing that can be searched.{hint.en} Possible: {listing}.",
                f"“{top}”不能作为搜索的字段。{hint.zh}可用：{listing}。",
            ),
            place,
        )
    return value


def _choices(value: object, place: str) -> Choices:
    if not isinstance(value, list) or not value or len(value) > MOST_CHOICES:
        raise ExperimentError(
            Text(
                f"expected a list of 1 to {MOST_CHOICES} values.",
                f"应为包含 1 到 {MOST_CHOICES} 个值的列表。",
            ),
            place,
        )
    labels: list[Scalar] = []
    for index, item in enumerate(value):
        label = _label(item, f"{place}[{index}]")
        if any(label == other and isinstance(label, bool) == isinstance(other, bool) for other in labels):
            raise ExperimentError(
                Text("this value is in the list already. Remove it.", "列表中已有这个值，请删去。"),
                f"{place}[{index}]",
            )
        labels.append(label)
    return Choices(tuple(value), tuple(labels))


def _label(value: object, place: str) -> Scalar:
    if isinstance(value, Mapping) or (isinstance(value, list) and value):
        return _written(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ExperimentError(Text("expected a finite number.", "应为有限的数。"), place)
    if isinstance(value, bool | int | float | str):
        return value
    raise ExperimentError(
        Text(
            f"expected a number, a name, a truth value or a table, but found {shown(value)}.",
            f"应为数、名称、真假值或表，实际是 {shown(value)}。",
        ),
        place,
    )


def _written(value: object) -> str:
    """Return a table in a few words: ``normal std=0.01``."""
    if isinstance(value, Mapping):
        heads = [str(value[key]) for key in ("name", "family", "kind") if key in value]
        rest = [f"{k}={_written(v)}" for k, v in value.items() if k not in ("name", "family", "kind")]
        return " ".join((*heads, *rest)) or "{}"
    if isinstance(value, list):
        return "[" + ", ".join(_written(item) for item in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _range(table: Table, place: str) -> Range:
    low, high = _number(table, "low", place), _number(table, "high", place)
    log, step = table.get("log", False), table.get("step")
    if not isinstance(log, bool):
        raise ExperimentError(
            Text("expected true or false.", "应为 true 或 false。"), join_path(place, "log")
        )
    if step is not None:
        step = _number(table, "step", place)
        if step <= 0:
            raise ExperimentError(Text("a step is above 0.", "步长应大于 0。"), join_path(place, "step"))
    if not low < high:
        raise ExperimentError(
            Text(f"expected high above low, {shown(low)}.", f"high 应大于 low（{shown(low)}）。"),
            join_path(place, "high"),
        )
    if log and low <= 0:
        raise ExperimentError(
            Text("orders of magnitude begin above 0.", "对数刻度要求 low 大于 0。"), join_path(place, "low")
        )
    if log and step is not None:
        raise ExperimentError(
            Text(
                "orders of magnitude have no step. Give log or step.",
                "对数刻度没有步长。请只写 log 或 step。",
            ),
            join_path(place, "step"),
        )
    if step is not None and not _divides(high - low, step):
        raise ExperimentError(
            Text(
                "high is not a whole number of steps from low. Change one of the three.",
                "high 与 low 之差不是步长的整数倍。请修改三者之一。",
            ),
            join_path(place, "step"),
        )
    whole = all(isinstance(item, int) for item in (low, high))
    return Range(low, high, log, step, whole and (step is None or isinstance(step, int)))


def _divides(distance: float, step: float) -> bool:
    count = distance / step
    return abs(count - round(count)) <= 1e-9 * max(1.0, count)


def _number(table: Table, key: str, place: str) -> int | float:
    where = join_path(place, key)
    if key not in table:
        raise ExperimentError(
            Text("give choices, or low and high.", "请写 choices，或写 low 与 high。"), where
        )
    value = table[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExperimentError(
            Text(f"expected a number, but found {shown(value)}.", f"应为数，实际是 {shown(value)}。"), where
        )
    if not math.isfinite(value) or abs(value) > 2**53:
        raise ExperimentError(Text("expected a finite number.", "应为有限的数。"), where)
    return value
