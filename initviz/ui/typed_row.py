"""A row whose value is typed, and how it says why it was not taken."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from initviz.experiment.errors import ExperimentError
from initviz.experiment.parameters import Parameter, Value
from initviz.experiment.text import Text
from initviz.ui.form_row import ParameterRow
from initviz.ui.number_field import TypedEdit
from initviz.ui.number_text import format_value, range_text

UNCHANGED = Text("Nothing was changed.", "没有任何改动。")


class TypedRow(ParameterRow):
    """A row whose value is typed: what is no value, or out of range, is said in words and changes nothing."""

    def __init__(self, parameter: Parameter, parent: QWidget | None = None) -> None:
        super().__init__(parameter, parent)
        self.edit = TypedEdit()
        self.edit.entered.connect(self._enter)
        self.edit.menu_requested.connect(self.fill_menu)

    def parse(self, text: str) -> Value | Text:
        """Return the value that ``text`` says, or why it says none."""
        raise NotImplementedError

    def show_value(self, value: Value) -> None:
        shown = self.edit.text()
        same = bool(shown) and self.parse(shown) == value
        # 0.010 stays as it was typed.
        self.edit.accept_text(shown if same else format_value(value))

    def retranslate(self) -> None:
        super().retranslate()
        if getattr(self.parameter, "optional", False):
            self.edit.setPlaceholderText(self.tr("automatic"))

    @Slot(str)
    def _enter(self, text: str) -> None:
        if text == format_value(self.value):
            self.refresh()
            return
        parsed = self.parse(text)
        if isinstance(parsed, Text):
            self.set_problem(parsed)
            return
        self.set_problem(None)
        if parsed == self.value:
            self.show_value(parsed)
        self.report(parsed)

    def checked(self, value: object) -> Value | Text:
        """Return ``value`` if the parameter takes it, or why not."""
        try:
            return self.parameter.check(value, "")
        except ExperimentError as error:
            bounds = range_text(self.parameter)
            if not bounds:
                return joined(error.reason, UNCHANGED)
            shown = format_value(value) if isinstance(value, int | float) else str(value)
            return joined(
                Text(f"{shown} is out of range: {bounds}.", f"{shown} 超出范围：{bounds}。"), UNCHANGED
            )

    def no_number(self, text: str, expected: Text) -> Text:
        """Say that ``text`` is not what is expected."""
        shown = text.strip() if len(text.strip()) <= 24 else text.strip()[:23] + "…"
        if not shown:
            return joined(Text(f"Enter {expected.en}.", f"请输入{expected.zh}。"), UNCHANGED)
        return joined(Text(f"“{shown}” is not {expected.en}.", f"“{shown}”不是{expected.zh}。"), UNCHANGED)


def joined(*sentences: Text) -> Text:
    """Return sentences one after another, with a blank between them where the language has one."""
    return Text(
        " ".join(sentence.en for sentence in sentences), "".join(sentence.zh for sentence in sentences)
    )
