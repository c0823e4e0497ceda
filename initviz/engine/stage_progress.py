"""How far a stage is, and what is to become of it: read where there is no torch, too."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Literal


class Answer(enum.Enum):
    """What is to happen next.

    Attributes:
        GO_ON: The stage trains on.
        SKIP: The stage ends here, with the weights that it has.
        CANCEL: Nothing is built; stages that have ended stay in the cache.
    """

    GO_ON = "go on"
    SKIP = "skip"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProgress:
    """How far a stage is.

    Attributes:
        name: Of the stage.
        role: Its.
        index: Its place among the stages, 0 first.
        count: Stages in all.
        step: Updates made; 0 also while its data are being loaded.
        total: Updates of the stage in all; 0 where its weights come from a file.
        loss: Of the latest batch; NaN before the first.
        validation_loss: Latest; NaN before the first.
        validation_accuracy: Latest; NaN before the first and for regression.
        from_cache: Whether it was trained before.
    """

    name: str
    role: Literal["pretrain", "teacher"]
    index: int
    count: int
    step: int
    total: int
    loss: float = math.nan
    validation_loss: float = math.nan
    validation_accuracy: float = math.nan
    from_cache: bool = False
