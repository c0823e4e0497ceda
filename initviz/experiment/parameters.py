"""Parameters: one declaration gives a form field, a check, a line of help and a place in the file."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from initviz.experiment.errors import ExperimentError, join_path, shown, unknown_key
from initviz.experiment.text import Text

Value = bool | int | float | str | tuple[float, ...] | tuple[int, ...] | None
Values = Mapping[str, Value]

MAX_PATH = 4096
MAX_TEXT = 200
"""Characters of a file's name, and of a text."""


class Parameter(Protocol):
    """What every kind of parameter offers."""

    @property
    def key(self) -> str:
        """Name in files and on the command line."""
        ...

    @property
    def title(self) -> Text:
        """Name in the window."""
        ...

    @property
    def help(self) -> Text:
        """One sentence for the tooltip."""
        ...

    @property
    def default(self) -> Value:
        """Value where a file says nothing."""
        ...

    def check(self, value: object, path: str) -> Value:
        """Return ``value`` in its own type, or raise ``ExperimentError`` at ``path``."""
        ...


def _wrong_type(expected: Text, value: object, path: str) -> ExperimentError:
    found = shown(value)
    return ExperimentError(
        Text(f"expected {expected.en}, but found {found}.", f"应为{expected.zh}，实际是 {found}。"), path
    )


def _out_of_range(value: float, low: str, high: str, path: str) -> ExperimentError:
    return ExperimentError(
        Text(
            f"{shown(value)} is outside the range {low} to {high}.",
            f"{shown(value)} 超出了范围 {low} 到 {high}。",
        ),
        path,
    )


@dataclass(frozen=True, slots=True)
class FloatParameter:
    """A real number.

    Attributes:
        minimum: Smallest value; excluded when ``open_minimum``.
        maximum: Largest value; excluded when ``open_maximum``.
        unit: Physical unit or empty for a plain number.
        log: True where a slider should move by factors.
        optional: True where None ("decided by the part") is allowed; files then leave the key out.
    """

    key: str
    title: Text
    default: float | None
    help: Text
    minimum: float = -math.inf
    maximum: float = math.inf
    open_minimum: bool = False
    open_maximum: bool = False
    unit: str = ""
    log: bool = False
    optional: bool = False

    def check(self, value: object, path: str) -> float | None:
        """Return ``value`` as a finite float within the bounds."""
        if value is None and self.optional:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong_type(Text("a number", "一个数"), value, path)
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise _wrong_type(Text("a finite number", "一个有限的数"), value, path)
        below = number <= self.minimum if self.open_minimum else number < self.minimum
        above = number >= self.maximum if self.open_maximum else number > self.maximum
        if below or above:
            low = f"{'>' if self.open_minimum else ''}{self.minimum:g}"
            high = f"{'<' if self.open_maximum else ''}{self.maximum:g}"
            raise _out_of_range(number, low, high, path)
        return number


@dataclass(frozen=True, slots=True)
class IntParameter:
    """A whole number between ``minimum`` and ``maximum``, both included."""

    key: str
    title: Text
    default: int | None
    help: Text
    minimum: int = 0
    maximum: int = 2**31 - 1
    unit: str = ""
    log: bool = False
    optional: bool = False

    def check(self, value: object, path: str) -> int | None:
        """Return ``value`` as an int within the bounds."""
        if value is None and self.optional:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong_type(Text("a whole number", "一个整数"), value, path)
        if not self.minimum <= value <= self.maximum:
            raise _out_of_range(value, str(self.minimum), str(self.maximum), path)
        return value


@dataclass(frozen=True, slots=True)
class BoolParameter:
    """Yes or no."""

    key: str
    title: Text
    default: bool
    help: Text

    def check(self, value: object, path: str) -> bool:
        """Return ``value`` if it is a truth value."""
        if not isinstance(value, bool):
            raise _wrong_type(Text("true or false", "true 或 false"), value, path)
        return value


@dataclass(frozen=True, slots=True)
class ChoiceParameter:
    """One of a few named values.

    Attributes:
        choices: Name in files, and its title.
    """

    key: str
    title: Text
    default: str
    help: Text
    choices: tuple[tuple[str, Text], ...] = ()

    def check(self, value: object, path: str) -> str:
        """Return ``value`` if it is one of the choices."""
        names = [name for name, _ in self.choices]
        if not isinstance(value, str):
            raise _wrong_type(
                Text("one of " + ", ".join(names), "其中之一：" + "、".join(names)), value, path
            )
        if value not in names:
            raise unknown_key(value, names, path)
        return value


@dataclass(frozen=True, slots=True)
class PartParameter:
    """The key of another catalogue part, such as the activation of a network.

    Attributes:
        part_kind: The catalogue kind that is chosen from. Whether the key exists is checked by whoever holds the
            catalogue (see ``initviz.experiment.document``).
    """

    key: str
    title: Text
    default: str
    help: Text
    part_kind: str = ""

    def check(self, value: object, path: str) -> str:
        """Return ``value`` if it is a name."""
        if not isinstance(value, str):
            raise _wrong_type(Text("a name", "一个名称"), value, path)
        return value


@dataclass(frozen=True, slots=True)
class FloatsParameter:
    """A fixed or bounded number of real numbers, such as the two betas of Adam.

    Attributes:
        minimum_length: Fewest entries.
        maximum_length: Most entries.
    """

    key: str
    title: Text
    default: tuple[float, ...]
    help: Text
    minimum: float = -math.inf
    maximum: float = math.inf
    open_maximum: bool = False
    minimum_length: int = 1
    maximum_length: int = 64

    def check(self, value: object, path: str) -> tuple[float, ...]:
        """Return ``value`` as a tuple of finite floats."""
        if not isinstance(value, list | tuple):
            raise _wrong_type(Text("a list of numbers", "一个数的列表"), value, path)
        if not self.minimum_length <= len(value) <= self.maximum_length:
            raise _out_of_range(len(value), str(self.minimum_length), str(self.maximum_length), path)
        one = FloatParameter(
            self.key,
            self.title,
            None,
            self.help,
            minimum=self.minimum,
            maximum=self.maximum,
            open_maximum=self.open_maximum,
        )
        checked = (one.check(item, f"{path}[{index}]") for index, item in enumerate(value))
        return tuple(number for number in checked if number is not None)


@dataclass(frozen=True, slots=True)
class PathParameter:
    """A file of the person's. Empty means what the part says it means, such as an example that comes with it.

    Attributes:
        suffixes: Endings of the files that are meant, such as ``.csv``; a file dialog shows these first.
    """

    key: str
    title: Text
    default: str
    help: Text
    suffixes: tuple[str, ...] = ()

    def check(self, value: object, path: str) -> str:
        """Return ``value`` if it can be the name of a file; whether there is one is seen when it is read."""
        if not isinstance(value, str):
            raise _wrong_type(Text("the name of a file in quotes", "引号中的文件名"), value, path)
        if len(value) > MAX_PATH or not value.isprintable():
            raise _wrong_type(Text("a printable file name", "可打印的文件名"), value, path)
        return value


@dataclass(frozen=True, slots=True)
class TextParameter:
    """A short word of the person's, such as the name of a column."""

    key: str
    title: Text
    default: str
    help: Text

    def check(self, value: object, path: str) -> str:
        """Return ``value`` if it is a line of text."""
        if not isinstance(value, str):
            raise _wrong_type(Text("a text in quotes", "引号中的文本"), value, path)
        if len(value) > MAX_TEXT or not value.isprintable():
            raise _wrong_type(
                Text(f"at most {MAX_TEXT} printable characters", f"最多 {MAX_TEXT} 个可打印字符"), value, path
            )
        return value


_RANGE = re.compile(r"\s*([0-9]{1,6})\s*(?:[-–]\s*([0-9]{1,6})\s*)?")
FEWEST_CLASSES = 2


@dataclass(frozen=True, slots=True)
class ClassesParameter(TextParameter):
    """Some classes of a data set, such as ``0-4`` or ``1, 3, 7-9``; files may also give a list of whole numbers.

    Attributes:
        count: Classes that there are.
    """

    count: int = FEWEST_CLASSES

    def check(self, value: object, path: str) -> str:
        """Return the classes in their shortest form; empty means all of them."""
        if isinstance(value, list) and value and all(type(item) is int for item in value):
            value = ", ".join(str(item) for item in value[: self.count + 1])
        text = TextParameter.check(self, value, path)
        chosen = set(range(self.count))
        if text.strip():
            chosen = {
                index for part in text.replace("，", ",").split(",") for index in self._range(part, path)
            }
        if len(chosen) < FEWEST_CLASSES:
            raise ExperimentError(
                Text(
                    f"at least {FEWEST_CLASSES} classes are needed to tell apart. Add another, as in 0-4.",
                    f"至少需要 {FEWEST_CLASSES} 个类别才能区分。请再添加一个，例如 0-4。",
                ),
                path,
            )
        return _ranges(sorted(chosen))

    def _range(self, part: str, path: str) -> range:
        match = _RANGE.fullmatch(part)
        if match is None:
            raise _wrong_type(
                Text("classes such as 0-4 or 1, 3, 7", "形如 0-4 或 1, 3, 7 的类别"), part.strip(), path
            )
        first = int(match[1])
        last = first if match[2] is None else int(match[2])
        if last < first:
            first, last = last, first
        if last >= self.count:
            raise _out_of_range(last, "0", str(self.count - 1), path)
        return range(first, last + 1)


def class_indices(text: str) -> tuple[int, ...]:
    """Return the classes that a checked text names, ascending."""
    found: list[int] = []
    for part in text.split(", "):
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return tuple(found)


def _ranges(classes: list[int]) -> str:
    runs: list[list[int]] = []
    for index in classes:
        if runs and runs[-1][1] == index - 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def check_values(
    parameters: tuple[Parameter, ...], given: Mapping[str, object], path: str
) -> dict[str, Value]:
    """Check every given value and fill in the defaults.

    Args:
        parameters: What may be given.
        given: Raw values by key, as read from a file or a form.
        path: Where they stand, for the message.
    Returns:
        Every parameter's value by key, in the order of ``parameters``.
    Raises:
        ExperimentError: An unknown key, a wrong type, or a value out of range.
    """
    known = {parameter.key for parameter in parameters}
    for key in given:
        if key not in known:
            raise unknown_key(key, known, join_path(path, key))
    return {
        parameter.key: parameter.check(given[parameter.key], join_path(path, parameter.key))
        if parameter.key in given
        else parameter.default
        for parameter in parameters
    }
