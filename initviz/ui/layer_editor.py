"""One layer of the list: its parameters, and a start of its own."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from initviz.experiment.catalogue import Catalogue, Part
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Tie
from initviz.ui.form_row import GUTTER
from initviz.ui.forms import ParameterForm
from initviz.ui.initializers import initializers_for
from initviz.ui.language import current_language
from initviz.ui.network_survey import SurveyedLayer
from initviz.ui.part_combo import CalmCombo, PartCombo

AS_NETWORK = "*"
OWN = "own"


class StartChooser(QWidget):
    """How the weights or the biases of one layer start: as those of the network, or in a way of their own.

    Args:
        target: ``weight`` or ``bias``.
        parts: The initializers that can be chosen.
        catalogue: Where parts are declared.
        parent: Qt parent.
    """

    chosen = Signal(str, str)
    changed = Signal(str, str, object)

    def __init__(
        self, target: str, parts: Sequence[Part], catalogue: Catalogue, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.target = target
        self._parts = {part.key: part for part in parts}
        self.title = QLabel()
        self.title.setObjectName("fieldTitle")
        self.title.setContentsMargins(GUTTER, 0, 0, 0)
        self.combo = PartCombo(parts)
        self.combo.chosen.connect(self._choose)
        self.title.setBuddy(self.combo)
        self.form = ParameterForm((), {}, catalogue, self)
        self.form.changed.connect(self._change)
        self.form.reset_requested.connect(self._reset)
        holder = QVBoxLayout()
        holder.setContentsMargins(GUTTER, 0, 0, 0)
        holder.addWidget(self.combo)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.title)
        column.addLayout(holder)
        column.addWidget(self.form)
        self.retranslate()

    def show_choice(self, choice: Choice | None) -> None:
        """Show the layer's own start, or None for that of the network."""
        self.combo.show_key(AS_NETWORK if choice is None else choice.name)
        part = None if choice is None else self._parts.get(choice.name)
        if choice is None or part is None:
            self.form.set_parameters((), {})
        else:
            self.form.set_parameters(part.parameters, dict(choice.values))

    def retranslate(self) -> None:
        """Say everything in the current language."""
        title = self.tr("Its weights start") if self.target == "weight" else self.tr("Its biases start")
        self.title.setText(title)
        self.combo.setAccessibleName(title)
        self.combo.set_first(
            AS_NETWORK,
            self.tr("as in the whole network"),
            self.tr("The choice of the panel “Start” holds here."),
        )

    @Slot(str)
    def _choose(self, key: str) -> None:
        self.chosen.emit(self.target, "" if key == AS_NETWORK else key)

    @Slot(str, object)
    def _change(self, key: str, value: object) -> None:
        self.changed.emit(self.target, key, value)

    @Slot(str)
    def _reset(self, key: str) -> None:
        self.changed.emit(self.target, key, None)


class TieChooser(QWidget):
    """Whose weights a layer has: its own, or those of an earlier one.

    Args:
        parent: Qt parent.
    """

    chosen = Signal(str, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._offers: tuple[Tie, ...] = ()
        self._tie: Tie | None = None
        self.title = QLabel()
        self.title.setObjectName("fieldTitle")
        self.title.setContentsMargins(GUTTER, 0, 0, 0)
        self.combo = CalmCombo()
        self.combo.chosen.connect(self._choose)
        self.title.setBuddy(self.combo)
        holder = QVBoxLayout()
        holder.setContentsMargins(GUTTER, 0, 0, 0)
        holder.addWidget(self.combo)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.title)
        column.addLayout(holder)

    def show_tie(self, tie: Tie | None, offers: Sequence[Tie]) -> None:
        """Show whose weights the layer has, and whose it could have.

        Args:
            tie: Whose it shares, or None.
            offers: Earlier layers of equal or transposed shape.
        """
        self._tie, self._offers = tie, tuple(offers)
        if tie is not None and tie not in self._offers:
            self._offers = (*self._offers, tie)
        self.setVisible(bool(self._offers))
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything in the current language."""
        title = self.tr("Its weights are")
        self.title.setText(title)
        self.combo.setAccessibleName(title)
        entries = [(OWN, self.tr("its own"), self.tr("They are trained, and counted, for this layer alone."))]
        for number, tie in enumerate(self._offers):
            name = self.tr("those of {layer}, turned") if tie.transpose else self.tr("those of {layer}")
            tip = self.tr("Both layers have the same numbers, trained by both and counted once.")
            entries.append((str(number), name.format(layer=tie.layer), tip))
        self.combo.fill(entries)
        self.combo.show_key(OWN if self._tie is None else str(self._offers.index(self._tie)))

    @Slot(str)
    def _choose(self, key: str) -> None:
        if key == OWN:
            self.chosen.emit("", False)
        else:
            tie = self._offers[int(key)]
            self.chosen.emit(tie.layer, tie.transpose)


class LayerEditor(QWidget):
    """Edits one layer; it reports and does not decide.

    ``changed`` carries a parameter's key and value (None for its default), ``start_chosen`` the target and the key of
    an initializer (empty for the network's), ``start_changed`` the target, a parameter's key and its value,
    ``tie_chosen`` the name of the layer whose weights it is to share (empty for none), and whether they are turned.

    Args:
        catalogue: Where parts are declared.
        parent: Qt parent.
    """

    changed = Signal(str, object)
    start_chosen = Signal(str, str)
    start_changed = Signal(str, str, object)
    tie_chosen = Signal(str, bool)

    def __init__(self, catalogue: Catalogue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = QLabel()
        self.heading.setObjectName("fieldTitle")
        self.heading.setContentsMargins(GUTTER, 0, 0, 0)
        self.about = QLabel()
        self.about.setObjectName("quiet")
        self.about.setWordWrap(True)
        self.about.setContentsMargins(GUTTER, 0, 0, 0)
        self.form = ParameterForm((), {}, catalogue, self)
        self.form.changed.connect(self.changed)
        self.form.reset_requested.connect(self._reset)
        self.starts = {
            target: StartChooser(target, initializers_for(catalogue, target), catalogue, self)
            for target in ("weight", "bias")
        }
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.heading)
        column.addWidget(self.about)
        self.tie = TieChooser(self)
        self.tie.chosen.connect(self.tie_chosen)
        column.addWidget(self.form)
        column.addWidget(self.tie)
        for start in self.starts.values():
            start.chosen.connect(self.start_chosen)
            start.changed.connect(self.start_changed)
            column.addWidget(start)
        self._row: SurveyedLayer | None = None
        self._title = ""

    def show_layer(self, row: SurveyedLayer, title: str, offers: Sequence[Tie] = ()) -> None:
        """Show a layer.

        Args:
            row: The layer in its place.
            title: What it is called in the heading.
            offers: Whose weights it could share.
        """
        self._row, self._title = row, title
        self.heading.setText(title)
        self.about.setText(row.part.summary.in_language(current_language()))
        self.form.set_parameters(() if row.is_output else row.part.parameters, dict(row.spec.layer.values))
        self.tie.show_tie(row.spec.tie, offers)
        for target, choice in (("weight", row.spec.weight), ("bias", row.spec.bias)):
            self.starts[target].show_choice(choice)
            own = row.has(target) or choice is not None
            self.starts[target].setVisible(own and not row.is_output)

    def show_problem(self, key: str, problem: Text) -> bool:
        """Say at a field why its value was not accepted; False where there is no such field."""
        target, _, inner = key.partition(".")
        if inner and target in self.starts:
            return self.starts[target].form.show_problem(inner, problem)
        return self.form.show_problem(key, problem)

    def retranslate(self) -> None:
        """Say everything in the current language."""
        self.tie.retranslate()
        for start in self.starts.values():
            start.retranslate()

    @Slot(str)
    def _reset(self, key: str) -> None:
        self.changed.emit(key, None)
