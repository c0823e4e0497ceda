"""Watches a race: exact scalars of every step, and a full look whenever one is wanted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from initviz.catalog.index import catalogue as whole_catalogue
from initviz.catalog.parts import SchedulePart
from initviz.engine.race import Race
from initviz.engine.remedies import chosen
from initviz.engine.state import RaceState
from initviz.engine.weights import save_weights
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.values import Choice
from initviz.telemetry.answering import LIVE_NUMBERS, ask
from initviz.telemetry.boundary import BoundaryGrid
from initviz.telemetry.ensemble import Answers, Ensemble, ensemble
from initviz.telemetry.foretelling import predictions
from initviz.telemetry.frame import (
    Boundary,
    Confusion,
    Counts,
    Floats,
    Frame,
    LaneInfo,
    LaneState,
    RunInfo,
    Scalars,
    Validation,
)
from initviz.telemetry.histogram import frozen
from initviz.telemetry.ledger import Ledger, joined
from initviz.telemetry.looks import Look, Looker
from initviz.telemetry.matrix_watch import MatrixWatch
from initviz.telemetry.outcome import Outcomes
from initviz.telemetry.range_test import rises_throughout
from initviz.telemetry.time_gradients import recurrent_places

SLOW_GAP_S = 0.25
"""Seconds between two looks at what changes slowly or costs much: the boundary and identical units."""
SLOW_SHARE = 0.01
"""Share of the time that those may take."""
CONFUSION_GAP_S = 0.5
"""Seconds between two counts of confusions, for which all examples held back are answered."""
CONFUSION_SHARE = 0.003
"""Share of the time that those may take."""
ANSWERS_GAP_S = 0.5
"""Seconds between two looks at what every lane answers, for the ensembles of them."""
ANSWERS_SHARE = 0.003
"""Share of the time that those may take."""
REST_S = 0.05
"""A look at the start that has taken longer than so many seconds goes without what asks for many examples."""
JUDGE_GAP_S = 0.1
"""Seconds between two looks at how the lanes fare."""
MOST_UNJUDGED = 32
"""Stretches of steps after which the lanes are judged even if nobody asks."""


def _tests_rates(choice: Choice, total_steps: int, catalogue: Catalogue) -> bool:
    part = catalogue.get("schedule", choice.name)
    return (
        isinstance(part, SchedulePart)
        and part.previews
        and rises_throughout(part.factor(choice, total_steps), total_steps)
    )


def run_info(race: Race, run_id: int) -> RunInfo:
    """Return what stays the same during a race.

    Args:
        race: The race.
        run_id: Its number.
    """
    catalogue = race.catalogue
    lanes = tuple(
        LaneInfo(
            name=lane.name,
            color=lane.color,
            layers=plan.measured_layers,
            num_parameters=plan.num_parameters,
            target_stds=targets,
            drawn_stds=drawn,
            tests_rates=_tests_rates(lane.recipe.schedule, race.total_steps, catalogue),
            group=lane.group,
            member=lane.member,
            group_name=lane.group_name,
            seed=lane.recipe.seed,
            prediction=prediction,
            beside=next((part.beside for part, _ in chosen(lane.recipe, catalogue) if part.beside), ""),
        )
        for lane, plan, targets, drawn, prediction in zip(
            race.experiment.lanes,
            race.blueprints,
            race.target_stds,
            race.drawn_stds,
            predictions(race),
            strict=True,
        )
    )
    points, classes = race.data.points.copy(), race.data.point_classes.copy()
    points.flags.writeable = classes.flags.writeable = False
    return RunInfo(
        run_id=run_id,
        name=race.experiment.name,
        device=str(race.device),
        task=race.data.info.task,
        total_steps=race.total_steps,
        steps_per_epoch=race.data.steps_per_epoch,
        constant_loss=race.data.constant_loss,
        lanes=lanes,
        class_names=race.data.class_names,
        points=points,
        point_classes=classes,
        recurrent_layers=tuple(
            dict.fromkeys(name for group in race.groups for name in recurrent_places(group, catalogue))
        ),
        gauges=race.gauge_infos,
    )


class Monitor:
    """Advances a race and tells what happened. It changes nothing: the race gives the same numbers unwatched.

    Attributes:
        info: What stays the same.

    Args:
        race: Stands before the first update to be watched.
        run_id: Number of the run.
        exact: True to count every value in histograms instead of a rotating sample.
        norms: False to measure norms only when a full look is taken.
        clock: Seconds; decides how often what is slow is looked at, never what is computed.
        catalogue: Declares the activations; the program's own by default.
    """

    def __init__(
        self,
        race: Race,
        run_id: int,
        exact: bool = False,
        norms: bool = True,
        clock: Callable[[], float] = time.perf_counter,
        catalogue: Catalogue | None = None,
    ) -> None:
        self.info = run_info(race, run_id)
        self._race = race
        self._clock = clock
        self._ledger = Ledger(race, norms)
        self._settled: list[Scalars] = []
        self._unjudged: list[tuple[Counts, Floats, Floats]] = []
        self._outcomes = Outcomes(
            race.num_lanes, race.data.steps_per_epoch, race.data.constant_loss, race.total_steps
        )
        catalogue = whole_catalogue() if catalogue is None else catalogue
        self._looker = Looker(race, catalogue, exact)
        self._matrices = MatrixWatch(race, catalogue, clock)
        self._grid = BoundaryGrid(race) if len(race.data.points) else None
        self._look: Look | None = None
        self._at_rest = False
        self._validation: Validation | None = None
        self._boundary: Boundary | None = None
        self._boundary_step = -1
        self._confusion: Confusion | None = None
        self._confusion_due_s = -np.inf
        self._answers: Answers | None = None
        self._answers_due_s = -np.inf
        self._gauges: Floats = np.zeros((0, race.num_lanes))
        self._slow_due_s = -np.inf
        self._states: tuple[LaneState, ...] = ()
        self._judge_due_s = -np.inf
        self._looked_s = 0.0
        self._looked_step = 0
        self._steps_per_s = 0.0

    @property
    def race(self) -> Race:
        """What is watched."""
        return self._race

    @property
    def finished(self) -> bool:
        """True when all updates are made."""
        return self._race.step >= self._race.total_steps

    @property
    def step(self) -> int:
        """Updates made."""
        return self._race.step

    @property
    def lanes(self) -> tuple[LaneState, ...]:
        """How each lane fares by now."""
        self._settle()
        self._judge()
        self._states = self._outcomes.states(self._race.diverged, self._race.stopped)
        self._judge_due_s = self._clock() + JUDGE_GAP_S
        return self._states

    def _recent_lanes(self) -> tuple[LaneState, ...]:
        """Return how the lanes fared a moment ago; how they fare now where one has just diverged."""
        known = sum(state.bad_layer is not None for state in self._states)
        stopped = sum(state.stopped_at is not None for state in self._states)
        same = known == len(self._race.diverged) and stopped == len(self._race.stopped)
        if self._clock() < self._judge_due_s and same:
            return self._states
        return self.lanes

    def advance(self, want_frame: bool = False) -> None:
        """Make one update.

        Args:
            want_frame: Whether to look at it in full, for ``frame``.
        Raises:
            StopIteration: All updates are made.
            InitVizError: The device failed or ran out of memory.
        """
        race = self._race
        race.observe = want_frame
        state = next(race)
        if self._ledger.note(state):
            self._settle()
        if want_frame:
            self._look_at(state)

    def look_at_rest(self) -> None:
        """Look in full at what the next update will see, without making it, for ``frame``.

        What asks for many examples is left to the first update where the look alone has taken long.
        """
        start_s = self._clock()
        state = self._race.look_ahead()
        self._looker.count_copies(state)
        self._look = self._looker.look(state, at_rest=True)
        self._at_rest = True
        self._gauges = self.gauges()
        if self._clock() - start_s <= REST_S:
            self._ask_grid()
            self.confusion()
            self._ask_lanes()
        self._matrices.begin(state)

    def complete_rest(self) -> Iterator[None]:
        """Go on with the look at rest: do what takes longer, in slices, until ``frame`` has it or an update is made."""
        while self._at_rest and not self._matrices.go_on():
            yield

    def save_weights(self, path: Path, lane: int) -> None:
        """Write a lane's weights as they are now to a ``.safetensors`` file.

        Raises:
            ExperimentError: The file cannot be written; an old one is untouched.
        """
        save_weights(path, self._race, lane)

    def _look_at(self, state: RaceState) -> None:
        self._at_rest = False
        start_s = self._clock()
        if start_s >= self._slow_due_s or self.finished:
            self._looker.count_copies(state)
            self._ask_grid()
            self._slow_due_s = start_s + max(SLOW_GAP_S, (self._clock() - start_s) / SLOW_SHARE)
        if start_s >= self._confusion_due_s or self.finished:
            asked_s = self._clock()
            self.confusion()
            cost_s = self._clock() - asked_s
            self._confusion_due_s = start_s + max(CONFUSION_GAP_S, cost_s / CONFUSION_SHARE)
        if start_s >= self._answers_due_s or self.finished:
            asked_s = self._clock()
            self._ask_lanes()
            cost_s = self._clock() - asked_s
            self._answers_due_s = start_s + max(ANSWERS_GAP_S, cost_s / ANSWERS_SHARE)
        self._matrices.look(state, at_once=self.finished)
        self._look = self._looker.look(state)
        self._gauges = self.gauges()
        self._measure_rate(start_s)
        self._settle()  # so that what was observed is not held any longer

    def _ask_grid(self) -> None:
        if self._grid is not None and self._boundary_step != self._race.step:
            self._boundary = self._grid.ask()
            self._boundary_step = self._race.step

    def confusion(self) -> Confusion | None:
        """Count which class each lane takes the examples of each class for; None where that is not counted."""
        if self.info.task == "regression":
            return None
        if self._confusion is None or self._confusion.step != self._race.step:
            counts = self._race.confusion()
            if not counts.shape[1]:
                return None  # more classes than anybody could tell apart
            counts.flags.writeable = False
            held_back = len(self._race.data.validation_inputs) > 0
            self._confusion = Confusion(self._race.step, counts, held_back)
        return self._confusion

    def _ask_lanes(self) -> None:
        if self._race.num_lanes > 1 and (self._answers is None or self._answers.step != self._race.step):
            self._answers = ask(self._race, LIVE_NUMBERS)

    def ensemble(self) -> Ensemble | None:
        """Return how good all lanes that did not diverge are together on the examples held back.

        None where fewer than two lanes answer, or nothing was held back.
        """
        answers = ask(self._race) if self._race.num_lanes > 1 else None
        return None if answers is None else ensemble(answers)

    def gauges(self) -> Floats:
        """Return what the remedies show by now, ``(G, K)`` in the order of ``info.gauges``."""
        nothing = np.full(self._race.num_lanes, np.nan)
        if not self.info.gauges:
            return frozen(np.zeros((0, len(nothing))))
        told = self._race.gauges()
        return frozen(np.stack([told.get(gauge.key, nothing) for gauge in self.info.gauges]))

    def _measure_rate(self, now_s: float) -> None:
        step = self._race.step
        if self._looked_step and now_s > self._looked_s:
            self._steps_per_s = (step - self._looked_step) / (now_s - self._looked_s)
        self._looked_s, self._looked_step = now_s, step

    def _settle(self) -> None:
        settled = self._ledger.settle()
        if settled is not None:
            scalars, sizes = settled
            self._settled.append(scalars)
            self._unjudged.append((scalars.steps, scalars.loss, sizes))
            if len(self._unjudged) > MOST_UNJUDGED:
                self._judge()

    def _judge(self) -> None:
        if self._unjudged:
            steps, losses, sizes = (np.concatenate(parts) for parts in zip(*self._unjudged, strict=True))
            self._outcomes.note(steps, losses, sizes, self._race.stopped)
            self._unjudged.clear()

    def take_scalars(self) -> Scalars | None:
        """Return the exact measurements since the last call, None when there was no step."""
        self._settle()
        if not self._settled:
            return None
        parts, self._settled = self._settled, []
        return joined(parts)

    def validate(self) -> Validation:
        """Score all lanes on the examples held back; training is not touched."""
        loss, accuracy = self._race.evaluate()
        averaged = self._race.evaluate_averaged()
        averaged_loss, averaged_accuracy = (None, None) if averaged is None else map(frozen, averaged)
        self._validation = Validation(
            self._race.step, frozen(loss), frozen(accuracy), averaged_loss, averaged_accuracy
        )
        return self._validation

    def frame(self, complete: bool = False) -> Frame:
        """Return the look taken by ``look_at_rest`` or the last ``advance`` that wanted one, with the latest scores.

        Args:
            complete: True to ask for the boundary and judge the lanes anew, which is done more rarely otherwise:
                somebody will look at this frame for long.
        Raises:
            RuntimeError: No look was taken yet.
        """
        look = self._look
        if look is None:
            raise RuntimeError("no step was looked at yet")
        if complete:
            self._ask_grid()
            self.confusion()
            self._ask_lanes()
            if not self._at_rest:
                self._matrices.catch_up()
        return Frame(
            run_id=self.info.run_id,
            step=look.step,
            weights=look.histograms["weights"],
            gradients=look.histograms["gradients"],
            updates=look.histograms["updates"],
            preactivations=look.histograms["preactivations"],
            activations=look.histograms["activations"],
            signal=look.signal,
            validation=self._validation,
            boundary=self._boundary,
            lanes=self.lanes if complete else self._recent_lanes(),
            steps_per_s=self._steps_per_s,
            confusion=self._confusion,
            time_gradients=look.time_gradients,
            gauges=self._gauges,
            answers=self._answers,
            spectra=self._matrices.spectra,
            sameness=self._matrices.sameness,
            first_spectra=self._matrices.first_spectra,
            first_sameness=self._matrices.first_sameness,
            activity=self._looker.activity,
            at_rest=self._at_rest,
        )
