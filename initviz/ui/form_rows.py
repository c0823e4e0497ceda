"""A row for every kind of parameter."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Slot
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from initviz.experiment.catalogue import Catalogue
from initviz.experiment.errors import ExperimentError
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
    Value,
)
from initviz.experiment.text import Text
from initviz.ui.form_row import SPACING, ParameterRow
from initviz.ui.language import current_language
from initviz.ui.number_field import CalmSlider, Debounce
from initviz.ui.number_text import format_value, parse_float, parse_floats, parse_int, range_text
from initviz.ui.part_combo import CalmCombo, PartCombo
from initviz.ui.slider_scale import slider_scale
from initviz.ui.text_rows import PathRow, TextRow
from initviz.ui.typed_row import UNCHANGED, TypedRow, joined

EDIT_CHARACTERS = 7


class NumberRow(TypedRow):
    """A number: a field to type in, and a slider where the range allows one."""

    def __init__(self, parameter: FloatParameter | IntParameter, parent: QWidget | None = None) -> None:
        super().__init__(parameter, parent)
        self._number = parameter
        self.scale = slider_scale(parameter)
        self.slider: CalmSlider | None = None
        self._debounce = Debounce(self)
        self._debounce.settled.connect(self._settle)
        self.edit.stepped.connect(self._step)
        field = QWidget()
        row = QHBoxLayout(field)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACING)
        if self.scale is not None:
            self.slider = CalmSlider()
            self.slider.setRange(0, len(self.scale.stops) - 1)
            self.slider.setPageStep(max(1, len(self.scale.stops) // 10))
            self.slider.valueChanged.connect(self._slide)
            self.slider.sliderReleased.connect(self._debounce.flush)
            row.addWidget(self.slider, 1)
        self.edit.setAlignment(Qt.AlignmentFlag.AlignRight)
        row.addWidget(self.edit, 0 if self.scale is not None else 1)
        self.build(field, self.edit)
        self.fit_font()
        self.show_value(parameter.default)

    def fit_font(self) -> None:
        if self.slider is not None:
            metrics = self.edit.fontMetrics()
            room = metrics.horizontalAdvance("0" * EDIT_CHARACTERS) + metrics.height()
            self.edit.setFixedWidth(room)

    def parse(self, text: str) -> Value | Text:
        if not text.strip() and self._number.optional:
            return None
        if isinstance(self._number, IntParameter):
            whole = parse_int(text)
            if whole is None:
                return self.no_number(text, Text("a whole number", "整数"))
            return self.checked(whole)
        number = parse_float(text)
        if number is None:
            return self.no_number(text, Text("a number", "数"))
        return self.checked(number)

    def show_value(self, value: Value) -> None:
        self._debounce.drop()
        super().show_value(value)
        if self.slider is not None and self.scale is not None:
            known = value if isinstance(value, int | float) else self._number.minimum
            with QSignalBlocker(self.slider):
                self.slider.setValue(self.scale.index_of(known))

    def retranslate(self) -> None:
        super().retranslate()
        if self.slider is not None:
            self.slider.setAccessibleName(
                self.tr("{name}, slider").format(name=self.parameter.title.in_language(current_language()))
            )

    def _as_value(self, number: float) -> Value:
        return round(number) if isinstance(self._number, IntParameter) else float(number)

    @Slot(int)
    def _slide(self, position: int) -> None:
        if self.scale is None:
            return
        value = self._as_value(self.scale.value_at(position))
        self.set_problem(None)
        self.edit.setText(format_value(value))
        self._debounce.put(value)

    @Slot(object)
    def _settle(self, value: Value) -> None:
        self.report(value)

    @Slot(int)
    def _step(self, steps: int) -> None:
        parsed = self.parse(self.edit.text())
        start = parsed if isinstance(parsed, int | float) else self.value
        number = self._stepped(float(start) if isinstance(start, int | float) else 0.0, steps)
        checked = self.checked(self._as_value(number))
        if not isinstance(checked, Text):
            self.set_problem(None)
            self.edit.setText(format_value(checked))
            self._debounce.put(checked)

    def _stepped(self, start: float, steps: int) -> float:
        linear_int = isinstance(self._number, IntParameter) and not self._number.log
        if self.scale is not None and not linear_int:
            return self.scale.step_from(start, steps)
        stepped = start + steps if linear_int else start + 0.1 * steps
        bounded = min(max(stepped, self._number.minimum), self._number.maximum)
        return bounded if linear_int else round(bounded, 6)

    def flush(self) -> None:
        """Report at once what a slider has come to."""
        self._debounce.flush()


class ListRow(TypedRow):
    """A few numbers, typed with commas between them."""

    def __init__(self, parameter: FloatsParameter, parent: QWidget | None = None) -> None:
        super().__init__(parameter, parent)
        self.edit.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.build(self.edit, self.edit)
        self.show_value(parameter.default)

    def parse(self, text: str) -> Value | Text:
        numbers = parse_floats(text)
        if numbers is None:
            return self.no_number(
                text, Text("a list of numbers such as 0.9, 0.999", "形如 0.9, 0.999 的数列")
            )
        try:
            return self.parameter.check(numbers, "")
        except ExperimentError as error:
            bounds = range_text(self.parameter)
            assert isinstance(self.parameter, FloatsParameter)
            fewest, most = self.parameter.minimum_length, self.parameter.maximum_length
            if not fewest <= len(numbers) <= most:
                count = f"{fewest}" if fewest == most else f"{fewest}–{most}"
                return joined(
                    Text(
                        f"{len(numbers)} numbers are given, {count} are needed.",
                        f"给出了 {len(numbers)} 个数，需要 {count} 个。",
                    ),
                    UNCHANGED,
                )
            if not bounds:
                return joined(error.reason, UNCHANGED)
            return joined(
                Text(f"Every number must satisfy {bounds}.", f"每个数都须满足 {bounds}。"), UNCHANGED
            )


class BoolRow(ParameterRow):
    """Yes or no."""

    def __init__(self, parameter: BoolParameter, parent: QWidget | None = None) -> None:
        super().__init__(parameter, parent)
        self.box = QCheckBox()
        self.box.clicked.connect(self._click)
        self.build(self.box, self.box)
        self.show_value(parameter.default)

    def show_value(self, value: Value) -> None:
        self.box.setChecked(bool(value))

    def wanted_width(self) -> int:
        return self.box.sizeHint().width()

    def describe(self, value: Value) -> str:
        return self.tr("yes") if value else self.tr("no")

    @Slot(bool)
    def _click(self, checked: bool) -> None:
        self.report(bool(checked))


class ChoiceRow(ParameterRow):
    """One of a few named values, or of the catalogue's parts of a kind.

    Args:
        parameter: What is edited.
        catalogue: Where the parts are; not needed for named values.
        parent: Qt parent.
    """

    def __init__(
        self,
        parameter: ChoiceParameter | PartParameter,
        catalogue: Catalogue | None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parameter, parent)
        self._titles: dict[str, Text] = {}
        if isinstance(parameter, PartParameter):
            parts = catalogue.parts(parameter.part_kind) if catalogue is not None else ()
            self._titles = {part.key: part.title for part in parts}
            self.combo: CalmCombo = PartCombo(parts)
        else:
            self._titles = dict(parameter.choices)
            self.combo = CalmCombo()
        self.combo.chosen.connect(self._choose)
        self.build(self.combo, self.combo)
        self.show_value(parameter.default)

    def show_value(self, value: Value) -> None:
        self.combo.show_key(str(value))

    def wanted_width(self) -> int:
        language, metrics = current_language(), self.combo.fontMetrics()
        titles = (metrics.horizontalAdvance(title.in_language(language)) for title in self._titles.values())
        return max(super().wanted_width(), max(titles, default=0) + 3 * metrics.height())

    def describe(self, value: Value) -> str:
        title = self._titles.get(str(value))
        return title.in_language(current_language()) if title is not None else str(value)

    def retranslate(self) -> None:
        if isinstance(self.combo, PartCombo):
            self.combo.retranslate()
        else:
            language = current_language()
            self.combo.fill([(key, title.in_language(language), "") for key, title in self._titles.items()])
            self.combo.show_key(str(self.value))
        super().retranslate()

    @Slot(str)
    def _choose(self, key: str) -> None:
        self.report(key)


def make_row(
    parameter: Parameter, catalogue: Catalogue | None, parent: QWidget | None = None
) -> ParameterRow:
    """Return the row for a parameter.

    Raises:
        TypeError: A kind of parameter that has no row.
    """
    if isinstance(parameter, FloatParameter | IntParameter):
        return NumberRow(parameter, parent)
    if isinstance(parameter, BoolParameter):
        return BoolRow(parameter, parent)
    if isinstance(parameter, ChoiceParameter | PartParameter):
        return ChoiceRow(parameter, catalogue, parent)
    if isinstance(parameter, FloatsParameter):
        return ListRow(parameter, parent)
    if isinstance(parameter, PathParameter):
        return PathRow(parameter, parent)
    if isinstance(parameter, TextParameter):
        return TextRow(parameter, parent)
    raise TypeError(f"no row for {type(parameter).__name__}")
