"""Carries out the depth study: asks for the depths, makes the lanes, and shows what is drawn against depth."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QMenu, QWidget

from initviz.experiment.edit import Table
from initviz.experiment.errors import ExperimentError
from initviz.experiment.text import Text
from initviz.experiment.values import Lane
from initviz.ui.depth_dialog import DepthDialog
from initviz.ui.depth_edits import FEWEST, Cost, depth_parameter, study_cost, study_document
from initviz.ui.language import current_language
from initviz.ui.number_text import format_bytes
from initviz.ui.session import Session
from initviz.views.numbers import significant, whole


class DepthDesk(QObject):
    """Turns the lane in focus into lanes of many depths; one undo brings the experiment back.

    Args:
        session: What is edited.
        window: Over which the dialog opens.

    Signals:
        made: The lanes are there.
    """

    made = Signal()

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self.dialog: DepthDialog | None = None

    @property
    def _lane(self) -> Lane:
        experiment = self._session.experiment
        return experiment.lanes[experiment.groups[self._session.focus_lane][0]]

    @Slot()
    def ask(self) -> None:
        """Open the dialog for the lane in focus."""
        session = self._session
        parameter = depth_parameter(self._lane.recipe, session.catalogue)
        if parameter is None:
            session.rejected.emit(
                Text(
                    "no single number says how deep this network is, so that it cannot be studied at many depths."
                    " Choose a multilayer perceptron, for example, in the network's quick form.",
                    "没有一个数能说明这个网络有多深，因此无法在多种深度下研究它。"
                    "请在网络的快捷形式中选择多层感知机等形式。",
                ),
                "model",
            )
            return
        alone = len(session.experiment.groups) == 1
        self.dialog = DepthDialog(
            self._lane.title, parameter.maximum, alone, self.preview, self._window.window()
        )
        self.dialog.chosen.connect(self.make)
        self.dialog.destroyed.connect(self._forget)
        self.dialog.open()

    @Slot(QMenu, int)
    def add_to_menu(self, menu: QMenu, row: int) -> None:
        """Add the entry to the menu of a lane, which is in focus then.

        Args:
            menu: Of the lane.
            row: Of the lane as it is written.
        """
        menu.addAction(self.tr("Depth study…"), self.ask)

    @Slot()
    def _forget(self) -> None:
        self.dialog = None

    def _document(self, depths: tuple[int, ...], keep: bool) -> Table:
        session = self._session
        parameter = depth_parameter(self._lane.recipe, session.catalogue)
        return study_document(
            session.document,
            session.explicit_lanes(),
            session.focus_lane,
            parameter.key if parameter is not None else "",
            depths,
            self.tr("{name}, {depth} layers"),
            keep,
        )

    def preview(self, depths: tuple[int, ...], keep: bool) -> tuple[str, bool]:
        """Say what a study costs, or why there can be none; and whether there can."""
        session = self._session
        if len(depths) < FEWEST:
            return self.tr("A study takes two depths or more."), False
        try:
            cost = study_cost(
                self._document(depths, keep),
                session.experiment,
                session.catalogue,
                session.limits,
                session.origin.folder,
            )
        except ExperimentError as error:
            said = error.reason.in_language(current_language())
            return said[:1].upper() + said[1:], False
        return self._cost_text(cost), True

    def _cost_text(self, cost: Cost) -> str:
        return self.tr(
            "{lanes} lanes, {parameters} parameters, {memory} of memory while training; a step computes about {times}"
            " times as much as now."
        ).format(
            lanes=cost.lanes,
            parameters=whole(cost.num_parameters),
            memory=format_bytes(cost.memory_bytes),
            times=significant(cost.times, 2),
        )

    @Slot(object, bool)
    def make(self, depths: tuple[int, ...], keep: bool) -> None:
        """Put the lanes of a study in the place of the lane in focus."""
        label = self.tr("Study the depth of {lane}").format(lane=self._lane.title)
        if self._session.apply(self._document(depths, keep), label):
            self._session.set_focus_lane(0)
            self.made.emit()
