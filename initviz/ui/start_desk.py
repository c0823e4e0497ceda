"""Starts that are moved in a plot become edits of the experiment."""

from __future__ import annotations

import math

from PySide6.QtCore import QObject, Slot

from initviz.catalog.parts import InitContext, InitializerPart
from initviz.experiment.catalogue import Part
from initviz.experiment.edit import Table, set_value
from initviz.experiment.values import Choice
from initviz.ui.number_text import format_three
from initviz.ui.overrides import place
from initviz.ui.session import Session

_ANYWHERE = InitContext(shape=(1,), fan_in=1, fan_out=1)


class StartDesk(QObject):
    """Lets a lane start from a given sigma_w and sigma_b; one undo takes all of a move back.

    Args:
        session: What is edited.
        parent: Qt parent.
    """

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session

    @Slot(int, float, float, int)
    def move(self, lane: int, sigma_w: float, sigma_b: float, number: int) -> None:
        """Let a lane start elsewhere.

        Args:
            lane: Its index among the lanes as they are written.
            sigma_w: Its weights have variance sigma_w^2 / fan_in.
            sigma_b: Standard deviation of its biases; NaN leaves them as they are.
            number: The same for all of one move.
        """
        session = self._session
        lanes = session.experiment.groups
        if lane >= len(lanes):
            return
        document = session.document
        own = lane if document.get("lanes") else None
        weights = self._table("by_sigma_w", sigma_w)
        if weights is not None:
            document = set_value(document, place(own, "init.weight"), weights)
        recipe = session.experiment.lanes[lanes[lane][0]].recipe
        keeps = math.isnan(sigma_b)
        biases = None
        if not keeps:
            biases = self._table("by_sigma_b", sigma_b) if sigma_b > 0 else self._zeros(recipe.init.bias)
        if biases is not None:
            document = set_value(document, place(own, "init.bias"), biases)
        label = (
            self.tr("Start {lane} from σ_w = {sigma_w}")
            if keeps
            else self.tr("Start {lane} from σ_w = {sigma_w}, σ_b = {sigma_b}")
        ).format(
            lane=session.experiment.lanes[lanes[lane][0]].title,
            sigma_w=format_three(sigma_w),
            sigma_b=format_three(sigma_b),
        )
        session.apply(document, label, merge=f"start {lane} {number}", lasting=True)

    def _table(self, way: str, sigma: float) -> Table | None:
        """Return the table of the initializer that can be set by a sigma, or None where the catalogue has none."""
        for part in self._session.catalogue.parts("initializer"):
            values = getattr(part, way) if isinstance(part, InitializerPart) else None
            if values is not None:
                return {"name": part.key, **values(sigma)}
        return None

    def _zeros(self, bias: Choice) -> Table | None:
        """Return the table of an initializer of zeros, or None where all biases start so already."""
        parts = self._session.catalogue.parts("initializer")
        if _is_zero(self._session.catalogue.get("initializer", bias.name), bias):
            return None
        fitting = (part for part in parts if isinstance(part, InitializerPart) and "bias" in part.targets)
        keys = (part.key for part in fitting if _is_zero(part, part.choose()))
        key = next(keys, None)
        return None if key is None else {"name": key}


def _is_zero(part: Part, choice: Choice) -> bool:
    return (
        isinstance(part, InitializerPart)
        and part.target_std(choice, _ANYWHERE) == 0
        and part.mean(choice) == 0
    )
