"""What watching costs, and how our engine fares while it is watched."""

from __future__ import annotations

import tempfile
import time
from functools import partial

import torch
from torch.utils.tensorboard import SummaryWriter

from initviz.telemetry.governor import Governor
from initviz.telemetry.histogram import Tally, decade_axis, linear_axis
from initviz.telemetry.monitor import Monitor
from initviz.telemetry.sampling import RowSampler
from tests.benchmarks.measure import Benchmark, Figures, Result, interleaved
from tests.benchmarks.nets import CNN8, DEEP20, DIGITS, MOONS, NETS, Net, TutorialLoop, run_race

VALIDATION_GAP_S = 0.5
HISTOGRAM_STEPS = 20
RUNS = 31


class Watched:
    """A race that is watched as the training thread watches it: frames when the governor allows them.

    Its time is the processor time spent on it, which is the wall time of a machine that does nothing else. That is
    read at each frame only, since reading it takes as long as an operation on a tensor.

    Args:
        net: What to train.
        every_step: Whether scalars and norms of every step are taken too.
    """

    def __init__(self, net: Net, every_step: bool) -> None:
        self.race = net.race()
        self.frames = 0
        self.looking_s = 0.0
        self._monitor = Monitor(self.race, 1, norms=every_step, clock=self._now)
        self._advance = self._monitor.advance if every_step else partial(next, self.race)
        self._governor = Governor()
        self._steps = 0  # since the last frame or the start of a run
        self._step_s = 1e-3
        self._spent_s = 0.0
        self._read_s = 0.0
        self._validation_due_s = 0.0

    def _now(self) -> float:
        """Return the time as the monitor asks for it: during frames only, where what a part of one costs matters."""
        return self._spent_s + time.thread_time() - self._read_s

    def _read_clock(self) -> float:
        """Return the processor time since the last reading, and add it to what was spent here."""
        now_s = time.thread_time()
        passed_s, self._read_s = now_s - self._read_s, now_s
        self._spent_s += passed_s
        if self._steps:
            self._step_s = passed_s / self._steps
        self._steps = 0
        return passed_s

    def run(self, steps: int) -> None:
        """Make some updates."""
        governor, advance, race = self._governor, self._advance, self.race
        self._read_s = time.thread_time()
        for _ in range(steps):
            if governor.due(self._spent_s + self._steps * self._step_s):
                self._look()
                race.observe = False
            else:
                advance()
                self._steps += 1
        self._monitor.take_scalars()
        self._read_clock()

    def _look(self) -> None:
        self._read_clock()
        monitor = self._monitor
        monitor.advance(True)
        if self._spent_s >= self._validation_due_s:
            monitor.validate()
            self._validation_due_s = self._spent_s + VALIDATION_GAP_S
        monitor.take_scalars()
        monitor.frame()
        cost_s = max(self._read_clock() - self._step_s, 0.0)
        self._governor.spent(cost_s, self._step_s)
        self.frames += 1
        self.looking_s += cost_s


def _watching(net: Net, every_step: bool) -> Result:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    watched, race = Watched(net, every_step), net.race()

    def figures(ours: float, theirs: float) -> Figures:
        return {
            "us_per_step": round(1e6 * ours / net.steps, 1),
            "unwatched_us_per_step": round(1e6 * theirs / net.steps, 1),
            "us_per_frame": round(1e6 * watched.looking_s / max(watched.frames, 1)),
            "frames_per_s": round(watched.frames / (RUNS + 1) / ours, 1),
        }

    return interleaved(
        partial(watched.run, net.steps), partial(run_race, race, net.steps), runs=RUNS, figures=figures
    )


def _live(net: Net) -> Result:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    watched = Watched(net, every_step=True)
    tutorial = TutorialLoop(net, watched.race.data.inputs, watched.race.data.targets)

    def figures(theirs: float, ours: float) -> Figures:
        return {
            "us_per_step": round(1e6 * ours / net.steps, 1),
            "tutorial_us_per_step": round(1e6 * theirs / net.steps, 1),
        }

    return interleaved(
        partial(tutorial.run, net.steps), partial(watched.run, net.steps), runs=15, figures=figures
    )


class OurHistograms:
    """Exact histograms of all weights and gradients of a race's only lane."""

    def __init__(self, net: Net) -> None:
        self._race = net.race()
        next(self._race)
        (self._group,) = self._race.groups
        self._rows = RowSampler(self._group, None)
        self._tally = Tally(1, [self._rows.sizes, self._rows.sizes])
        self._axes = [linear_axis(1.0), decade_axis(-12, 1)]

    def run(self) -> None:
        """Make them for some steps."""
        for _ in range(HISTOGRAM_STEPS):
            for rows, section in zip((self._group.flat, self._group.grad), self._tally.sections, strict=True):
                self._rows.take(rows, 0, section)
            self._tally.count(self._axes, [False, False])


class TheirHistograms:
    """The same with TensorBoard's writer."""

    def __init__(self, net: Net, folder: str) -> None:
        race = net.race()
        inputs, targets = race.data.batch(0)
        module = net.module()
        net.loss(module(inputs), targets).backward()  # type: ignore[no-untyped-call]
        self._weights = {name: weight for name, weight in module.named_parameters() if weight.dim() > 1}
        self._writer = SummaryWriter(folder)
        self._step = 0

    def run(self) -> None:
        """Make them for some steps."""
        for _ in range(HISTOGRAM_STEPS):
            self._step += 1
            for name, weight in self._weights.items():
                self._writer.add_histogram(name, weight, self._step)
                self._writer.add_histogram(f"{name}.grad", weight.grad, self._step)
        self._writer.flush()

    def close(self) -> None:
        """End the writer."""
        self._writer.close()


def _tensorboard(net: Net) -> Result:
    torch.set_num_threads(1)

    def figures(theirs: float, ours: float) -> Figures:
        return {
            "us_per_step": round(1e6 * ours / HISTOGRAM_STEPS, 1),
            "tensorboard_us_per_step": round(1e6 * theirs / HISTOGRAM_STEPS, 1),
        }

    with tempfile.TemporaryDirectory() as folder:
        theirs = TheirHistograms(net, folder)
        try:
            # The whole process counts, since the writer has a thread of its own.
            ours = OurHistograms(net)
            return interleaved(theirs.run, ours.run, runs=9, clock=time.process_time, figures=figures)
        finally:
            theirs.close()


BENCHMARKS = (
    *(
        Benchmark(
            name=f"live/{net.name}",
            what="tutorial loop / our engine with every-step norms and 30 Hz full telemetry",
            bar=bar,
            at_least=True,
            run=partial(_live, net),
        )
        for net, bar in ((MOONS, 2.0), (DIGITS, 1.4))
    ),
    *(
        Benchmark(
            name=f"telemetry30/{net.name}",
            what="CPU time with 30 Hz full telemetry / without",
            bar=1.03,
            at_least=False,
            run=partial(_watching, net, every_step=False),
        )
        for net in NETS
    ),
    *(
        Benchmark(
            name=f"telemetry-every-step/{net.name}",
            what="CPU time with every-step norms and 30 Hz full telemetry / without",
            bar=1.15,
            at_least=False,
            run=partial(_watching, net, every_step=True),
        )
        for net in (MOONS, DIGITS, CNN8, DEEP20)
    ),
    *(
        Benchmark(
            name=f"tensorboard/{net.name}",
            what="cost of SummaryWriter.add_histogram of all weights and gradients each step / of our exact ones",
            bar=20.0,
            at_least=True,
            run=partial(_tensorboard, net),
        )
        for net in (MOONS, DIGITS, CNN8)
    ),
)
