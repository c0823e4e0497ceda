"""What a run has come to, as ``initviz run`` tells it: JSON for programs, a table for people."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from initviz.cli.groups import GroupOutcome, groups_table
from initviz.cli.output import Json, number, percent, table
from initviz.cli.stages import StageOutcome
from initviz.experiment.text import Language, Text
from initviz.telemetry.ensemble import Ensemble
from initviz.telemetry.fates import count_fates
from initviz.telemetry.frame import Confusion, Floats, LaneState, RunInfo, Scalars, Validation
from initviz.telemetry.range_test import RateCurve, rate_curve
from initviz.telemetry.spread import Spread, spread

MOST_CLASSES = 100
"""More classes than these are not told one by one."""


class RateCurves:
    """Keeps what a test of learning rates measures, for the rate that it suggests.

    Args:
        info: The run.
    """

    def __init__(self, info: RunInfo) -> None:
        self._info = info
        self._rates: list[Floats] = []
        self._losses: list[Floats] = []

    def note(self, scalars: Scalars) -> None:
        """Take a stretch of steps in."""
        self._rates.append(scalars.lr)
        self._losses.append(scalars.loss)

    def read(self) -> tuple[RateCurve | None, ...]:
        """Return each lane's loss against the learning rate; None where the lane tests no rates."""
        if not self._rates:
            return (None,) * len(self._info.lanes)
        rates, losses = np.concatenate(self._rates), np.concatenate(self._losses)
        return tuple(
            rate_curve(rates[:, place], losses[:, place]) if lane.tests_rates else None
            for place, lane in enumerate(self._info.lanes)
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has come to.

    Attributes:
        steps: Updates made.
        wall_s: Seconds of training, writing measurements included.
        info: What stayed the same.
        lanes: How they fare.
        validation: Their scores on the examples held back.
        confusion: Their answers by class, or None where those are not counted.
        ensemble: How good the lanes are together, or None where fewer than two can answer.
        gauges: ``(G, K)`` what the remedies show at the end.
        curves: Of each lane its loss against the learning rate, or None; empty where no lane tests rates.
        target_loss: Training loss after how many steps of which is told.
        steps_to_target: Of each lane after how many updates the mean over the last epoch had fallen to it, or None.
        interrupted: Whether the person ended it early.
        stages: What the stages before the lanes have come to.
        loaded: Of each lane what it took over from elsewhere; empty where no lane did.
        weight_files: The file that holds each lane's weights; empty where none were to be kept.
    """

    steps: int
    wall_s: float
    info: RunInfo
    lanes: tuple[LaneState, ...]
    validation: Validation
    confusion: Confusion | None
    ensemble: Ensemble | None
    gauges: Floats
    curves: tuple[RateCurve | None, ...]
    target_loss: float
    steps_to_target: tuple[int | None, ...]
    interrupted: bool
    stages: tuple[StageOutcome, ...] = ()
    loaded: tuple[Json, ...] = ()
    weight_files: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """Return it as ``--json`` prints it."""
        return {
            "steps": self.steps,
            "device": self.info.device,
            "wall_s": self.wall_s,
            "steps_per_s": self.steps / self.wall_s if self.wall_s > 0 else None,
            "target_loss": self.target_loss,
            "stages": [stage.to_json() for stage in self.stages],
            "lanes": [self._lane_to_json(place) for place in range(len(self.lanes))],
            "groups": [group.to_json() for group in self._groups()],
            "ensemble": None if self.ensemble is None else self._ensemble_to_json(self.ensemble),
        }

    def _ensemble_to_json(self, found: Ensemble) -> dict[str, Json]:
        return {
            "members": [self.info.lanes[lane].name for lane in found.members],
            "num_examples": found.num_examples,
            "probabilities_accuracy": found.probabilities_accuracy,
            "probabilities_loss": found.probabilities_loss,
            "logits_accuracy": found.logits_accuracy,
            "logits_loss": found.logits_loss,
            "vote_accuracy": found.vote_accuracy,
            "mean_accuracy": found.mean_accuracy,
            "mean_loss": found.mean_loss,
            "best_accuracy": found.best_accuracy,
            "best_loss": found.best_loss,
            "disagreement": list(found.disagreement.tolist()),
        }

    def _lane_to_json(self, place: int) -> dict[str, Json]:
        lane, scores = self.lanes[place], self.validation
        return {
            "name": self.info.lanes[place].name,
            "train_loss": lane.train_loss,
            "val_loss": float(scores.loss[place]),
            "val_accuracy": float(scores.accuracy[place]),
            "averaged_val_loss": _entry(scores.averaged_loss, place),
            "averaged_val_accuracy": _entry(scores.averaged_accuracy, place),
            "initial_loss": lane.initial_loss,
            "status": lane.outcome,
            "diverged_at": lane.diverged_at,
            "stopped_at": lane.stopped_at,
            "best_step": lane.best_step,
            "suggested_lr": self._suggested_lr(place),
            "steps_to_target": self.steps_to_target[place],
            "gauges": {
                gauge.key: float(values[place])
                for gauge, values in zip(self.info.gauges, self.gauges, strict=True)
                if not math.isnan(values[place])
            },
            "class_accuracy": self._class_accuracy(place),
            "weights_loaded": self.loaded[place] if self.loaded else None,
            "weights_file": self.weight_files[place] if self.weight_files else None,
        }

    def _suggested_lr(self, place: int) -> float | None:
        curve = self.curves[place] if self.curves else None
        return None if curve is None else curve.suggestion

    def _class_accuracy(self, place: int) -> Json:
        names = self.info.class_names
        if self.confusion is None or len(names) > MOST_CLASSES:
            return None
        shares = self.confusion.class_accuracy()[place].tolist()
        if len(names) != len(shares):
            names = tuple(str(number) for number in range(len(shares)))
        return dict(zip(names, shares, strict=True))

    def to_text(self, language: Language) -> str:
        """Return it as a table."""
        averaged = self.validation.averaged_loss is not None
        heads = (*_HEADER, *(_AVERAGED_HEADER if averaged else ()), *(_RATE_HEADER if self.curves else ()))
        header = [text.in_language(language) for text in heads]
        rows = [self._row(place, language) for place in range(len(self.lanes))]
        rate = self.steps / self.wall_s if self.wall_s > 0 else math.nan
        device, seconds, pace = self.info.device, number(self.wall_s, 3), number(rate, 3)
        summary = Text(
            f"{self.steps:,} steps on {device} in {seconds} s, {pace} steps/s",
            f"在 {device} 上训练 {self.steps:,} 步，用时 {seconds} 秒，{pace} 步/秒",
        )
        parts = [table(header, rows, left=2)]
        if len(groups := self._groups()) < len(self.lanes):
            parts.append(groups_table(groups, self.target_loss, language))
        return "\n\n".join((*parts, summary.in_language(language)))

    def _groups(self) -> list[GroupOutcome]:
        """Return what the seeds of each lane as it is written have come to together."""
        return [
            GroupOutcome(
                name=self.info.lanes[own[0]].title,
                members=tuple(self.info.lanes[place].name for place in own),
                fates=count_fates(self.lanes[place] for place in own),
                train_loss=spread([self.lanes[place].train_loss for place in own]),
                val_loss=spread(self.validation.loss[own.start : own.stop]),
                val_accuracy=spread(self.validation.accuracy[own.start : own.stop]),
                averaged_val_loss=_spread_of(self.validation.averaged_loss, own),
                averaged_val_accuracy=_spread_of(self.validation.averaged_accuracy, own),
                steps_to_target=spread(
                    [math.nan if (at := self.steps_to_target[place]) is None else at for place in own]
                ),
            )
            for own in self.info.groups
        ]

    def _row(self, place: int, language: Language) -> tuple[str, ...]:
        lane, scores = self.lanes[place], self.validation
        averaged = (
            number(_entry(scores.averaged_loss, place)),
            percent(_entry(scores.averaged_accuracy, place)),
        )
        return (
            self.info.lanes[place].name,
            _status(lane).in_language(language),
            number(lane.initial_loss),
            number(lane.train_loss),
            number(float(scores.loss[place])),
            percent(float(scores.accuracy[place])),
            *(averaged if scores.averaged_loss is not None else ()),
            *((number(self._suggested_lr(place), 3),) if self.curves else ()),
        )


_HEADER = (
    Text("lane", "赛道"),
    Text("status", "状态"),
    Text("initial loss", "初始损失"),
    Text("train loss", "训练损失"),
    Text("val loss", "验证损失"),
    Text("val accuracy", "验证准确率"),
)
_AVERAGED_HEADER = (Text("averaged loss", "平均后损失"), Text("averaged accuracy", "平均后准确率"))
_RATE_HEADER = (Text("suggested lr", "建议学习率"),)


def _spread_of(values: Floats | None, own: range) -> Spread:
    return spread([] if values is None else values[own.start : own.stop])


def _entry(values: Floats | None, place: int) -> float | None:
    return None if values is None else float(values[place])


def _status(lane: LaneState) -> Text:
    if lane.diverged_at is not None:
        where = (
            Text("", "") if lane.bad_layer is None else Text(f" ({lane.bad_layer})", f"（{lane.bad_layer}）")
        )
        return Text(
            f"diverged at step {lane.diverged_at}{where.en}", f"第 {lane.diverged_at} 步发散{where.zh}"
        )
    if lane.stopped_at is not None:
        return Text(
            f"stopped at step {lane.stopped_at}, best at {lane.best_step}",
            f"第 {lane.stopped_at} 步停止，最佳在第 {lane.best_step} 步",
        )
    if lane.is_worse:
        return Text("worse than a constant", "不如常数预测")
    return Text("stalled", "停滞") if lane.outcome == "stalled" else Text("learning", "学习中")
