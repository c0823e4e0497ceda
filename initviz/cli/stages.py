"""What ``initviz run`` tells of the stages before the lanes, and of what lanes start from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from initviz.catalog.index import catalogue
from initviz.cli.experiments import limits
from initviz.cli.output import Json, number, percent
from initviz.cli.progress import Progress
from initviz.experiment.errors import printable
from initviz.experiment.text import Language, Text
from initviz.experiment.values import Experiment

if TYPE_CHECKING:
    from initviz.engine.matching import MatchReport
    from initviz.engine.stage_progress import Answer, StageProgress
    from initviz.engine.stages import StageResult


class StagesInterruptedError(Exception):
    """Ctrl-C has ended the stages; that has been told already."""


@dataclass(frozen=True, slots=True)
class StageOutcome:
    """What a stage has come to.

    Attributes:
        name: Of the stage.
        role: Its.
        weights: The file that it was loaded from; empty where it was trained.
        steps: Updates made.
        from_cache: Whether it was trained before.
        train_loss: Of the last batch; NaN where a file was loaded.
        val_loss: At the end; NaN where nothing was held back, or a file was loaded.
        val_accuracy: The same.
    """

    name: str
    role: str
    weights: str
    steps: int
    from_cache: bool
    train_loss: float
    val_loss: float
    val_accuracy: float

    def to_json(self) -> dict[str, Json]:
        """Return it as ``--json`` prints it."""
        return {
            "name": self.name,
            "role": self.role,
            "weights": self.weights or None,
            "steps": self.steps,
            "from_cache": self.from_cache,
            "train_loss": self.train_loss,
            "val_loss": self.val_loss,
            "val_accuracy": self.val_accuracy,
        }

    def told(self, place: int, count: int) -> Text:
        """Return it as a sentence.

        Args:
            place: Of the stage, 0 first.
            count: Stages in all.
        """
        name, file = printable(self.name), printable(self.weights, 200)
        head = Text(
            f"stage {place + 1} of {count}, {name}: ", f"第 {place + 1} 阶段（共 {count} 个）{name}："
        )
        if self.weights:
            return _joined(head, Text(f"loaded from {file}.", f"从 {file} 加载。"))
        made = Text(f"{self.steps:,} steps", f"{self.steps:,} 步")
        said = [head, Text("taken from the last run", "沿用上次训练的结果") if self.from_cache else made]
        if not math.isnan(self.val_loss):
            loss = number(self.val_loss)
            said.append(Text(f", validation loss {loss}", f"，验证损失 {loss}"))
        if not math.isnan(self.val_accuracy):
            share = percent(self.val_accuracy)
            said.append(Text(f", validation accuracy {share}", f"，验证准确率 {share}"))
        return _joined(*said, Text(".", "。"))


def _joined(*texts: Text) -> Text:
    return Text("".join(text.en for text in texts), "".join(text.zh for text in texts))


class StageTeller:
    """Shows how far each stage is, and what it has come to; asked by the stages whether to go on.

    Args:
        experiment: Whose stages.
        stream: Where it is shown; None shows nothing.
        language: Of the words.
        wanted: Says whether the person has asked for the end.
    """

    def __init__(
        self, experiment: Experiment, stream: TextIO | None, language: Language, wanted: Callable[[], bool]
    ) -> None:
        self._experiment = experiment
        self._stream = stream
        self._language: Language = language
        self._wanted = wanted
        self._bar: Progress | None = None
        self._index = -1
        self._losses: dict[str, float] = {}

    def prepare(self) -> tuple[dict[str, StageResult], tuple[StageOutcome, ...]]:
        """Train, load, or take from the cache, every stage.

        Returns:
            What each has learned, by its name, and what is told of it.
        Raises:
            StagesInterruptedError: The person has ended it; stages that were done are kept.
            InitVizError: A stage cannot be trained or loaded.
        """
        from initviz.engine.stages import CancelledError, prepare

        try:
            found = prepare(self._experiment, catalogue(), limits(), listener=self._hear)
        except CancelledError as error:
            self._end_bar()
            name = printable(self._experiment.stages[self._index].name)
            self._tell(
                Text(
                    f"ended in the stage '{name}', before the lanes started. Stages that were done are kept: the same "
                    "command goes on from there, and trains this one from its beginning.",
                    f"在阶段“{name}”中结束，赛道尚未开始。已完成的阶段会保留：再次运行同一命令会从那里继续，"
                    "并从头训练此阶段。",
                )
            )
            raise StagesInterruptedError from error
        finally:
            self._end_bar()
        outcomes = self._outcomes(found)
        for place, outcome in enumerate(outcomes):
            self._tell(outcome.told(place, len(outcomes)))
        return found, outcomes

    def _outcomes(self, found: Mapping[str, StageResult]) -> tuple[StageOutcome, ...]:
        return tuple(
            StageOutcome(
                name=stage.name,
                role=stage.role,
                weights=stage.weights,
                steps=found[stage.name].step,
                from_cache=found[stage.name].from_cache,
                train_loss=self._losses.get(stage.name, math.nan),
                val_loss=found[stage.name].validation_loss,
                val_accuracy=found[stage.name].validation_accuracy,
            )
            for stage in self._experiment.stages
        )

    def _hear(self, progress: StageProgress) -> Answer:
        from initviz.engine.stage_progress import Answer

        if progress.index != self._index:
            self._end_bar()
            self._index = progress.index
            title = Text(
                f"stage {progress.index + 1} of {progress.count}",
                f"第 {progress.index + 1} 阶段（共 {progress.count} 个）",
            )
            self._bar = Progress(
                self._stream, max(1, progress.total), (printable(progress.name),), self._language, title
            )
            self._bar.start()
        if not math.isnan(progress.loss):
            self._losses[progress.name] = progress.loss
        if self._bar is not None and progress.step > 0 and not progress.from_cache:
            self._bar.update(progress.step, (progress.loss,))
        return Answer.CANCEL if self._wanted() else Answer.GO_ON

    def _tell(self, text: Text) -> None:
        if self._stream is not None:
            said = text.in_language(self._language)
            print(said[0].upper() + said[1:], file=self._stream, flush=True)

    def _end_bar(self) -> None:
        if self._bar is not None:
            self._bar.clear()
            self._bar = None


def loaded_to_json(report: MatchReport | None) -> Json:
    """Return what a lane took over from elsewhere as ``--json`` prints it; None where it was drawn."""
    if report is None:
        return None
    return {
        "source": report.source,
        "loaded": list(report.loaded),
        "skipped": [{"name": one.name, "reason": one.reason.en} for one in report.skipped],
    }
