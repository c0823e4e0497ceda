"""Finds the singular values of a network's weights and Jacobians, exactly, in parts that each take little time."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from initviz.engine.averages import Averaged
from initviz.engine.forms import by_lane, is_image
from initviz.engine.group import Group
from initviz.engine.layout import Slot
from initviz.engine.network import Network, PlainRun
from initviz.engine.race import Race
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.values import Shape
from initviz.telemetry.histogram import frozen
from initviz.telemetry.spectra import Floats, Spectra, Spectrum, blank, freeze, put
from initviz.telemetry.symmetry import MOST_UNITS, likeness
from initviz.telemetry.units import Sameness

EXAMPLES = 4
"""Examples whose Jacobians are looked at while a run goes on."""
BATCH = 128
"""Examples by whose statistics a network normalizes while its Jacobian is found."""
MOST_EXTENT = 512
"""A matrix whose smaller side is longer is left out: its singular values take too long ..."""
MOST_JACOBIAN = 256
"""... and so does a Jacobian of which that is true."""
MOST_ENTRIES = 1 << 21
MOST_WORK = 4e9
"""Multiplications for the Jacobians of all lanes by one example beyond which they are left out ..."""
LIVE_WORK = 1e8
"""... and beyond which fewer examples are looked at while a run goes on."""
PART_WORK = 4e7
"""Multiplications in one part of the work, about 10 ms."""

Parts = Generator[None, None, tuple[Spectra, Sameness | None]]


@dataclass(frozen=True, slots=True)
class Span:
    """From where to where a Jacobian reaches.

    Attributes:
        first: Layer of the network at whose input it begins.
        stop: Layer after the one at whose output it ends.
        inputs: Shape of one example where it begins.
        outputs: Shape of one example where it ends.
    """

    first: int
    stop: int
    inputs: Shape
    outputs: Shape

    @property
    def extents(self) -> tuple[int, int]:
        """Rows and columns of the Jacobian, ``(O, I)``."""
        return int(np.prod(self.outputs)), int(np.prod(self.inputs))


class GroupSpectra:
    """Looks at the lanes of one group.

    Args:
        group: The lanes.
        inputs: ``(N, *shape)`` training inputs.
        catalogue: Declares the layers.
    """

    def __init__(self, group: Group, inputs: Tensor, catalogue: Catalogue) -> None:
        self.group = group
        self._inputs = inputs[:BATCH].detach().to("cpu", torch.float64)
        self._network = Network(group.blueprint, catalogue, group.num_lanes)
        self._copy: Averaged | None = None
        stages = group.blueprint.stages
        self.span: Span | None = None
        if not group.blueprint.data.tokens:  # symbols have no slope
            self.span = Span(0, len(stages), stages[0].input_shape, stages[-1].output_shape)
        self.hidden_span = self._hidden_span()

    def _hidden_span(self) -> Span | None:
        hidden = [layer.stage for layer in self._network.measured if not layer.context.is_output]
        if not hidden or hidden[0] == hidden[-1]:
            return None
        stages = self.group.blueprint.stages
        first, last = hidden[0], hidden[-1]
        return Span(first + 1, last + 1, stages[first].output_shape, stages[last].output_shape)

    def weights(self, rows: Tensor, spectrum: Spectrum) -> Generator[None]:
        """Find the singular values of every weight.

        Args:
            rows: ``(K, P)`` in double precision.
            spectrum: ``(K', L')`` of all lanes, to be filled.
        """
        for place, slot in enumerate(self.group.layout.measured):
            for lane, row in zip(self.group.lanes, rows, strict=True):
                values = _of_weight(row, slot)
                if values is None:
                    break
                put(spectrum, (lane, place), values, max(_matrix_shape(slot)))
                if values.size * max(_matrix_shape(slot)) > MOST_ENTRIES / 64:
                    yield
            yield

    def jacobians(self, rows: Tensor, span: Span | None, spectrum: Spectrum) -> Generator[None]:
        """Find the singular values of one Jacobian a lane and example.

        Args:
            rows: ``(K, P)`` in double precision.
            span: From where to where it reaches, or None for nowhere.
            spectrum: ``(K',)`` of all lanes, to be filled.
        """
        if span is None:
            return
        extents = span.extents
        fitting = self._fitting(span)
        if not fitting:
            return
        runs = self._runs(rows)
        ends = self._ends(runs, span, self._inputs[:fitting])
        yield
        found = torch.empty(self.group.num_lanes, fitting, *extents, dtype=torch.float64)
        height = max(1, int(PART_WORK / self._work(fitting)))
        for first in range(0, extents[0], height):
            found[:, :, first : first + height] = self._rows_of_jacobian(ends, span, first, height)
            yield
        for lane, own in zip(self.group.lanes, found, strict=True):
            if bool(torch.isfinite(own).all()):
                put(spectrum, lane, torch.linalg.svdvals(own).numpy(), max(extents))
            yield

    def jacobian(self, rows: Tensor, span: Span, inputs: Tensor) -> Tensor:
        """Return Jacobians ``(K, N, O, I)`` for weights ``(K, P)`` at inputs ``(N, *shape)``, in double precision."""
        ends = self._ends(self._runs(rows), span, inputs)
        height = max(1, int(PART_WORK / self._work(len(inputs))))
        parts = [self._rows_of_jacobian(ends, span, row, height) for row in range(0, span.extents[0], height)]
        return torch.cat(parts, 2)

    def can_find(self, span: Span) -> bool:
        """Say whether a Jacobian can be found in reasonable time."""
        height, width = span.extents
        small = min(height, width) <= MOST_JACOBIAN and height * width <= MOST_ENTRIES
        return small and height * self._work(1) <= MOST_WORK

    def _fitting(self, span: Span) -> int:
        """Return how many examples are looked at, 0 where the Jacobian of a single one takes too long."""
        if not self.can_find(span):
            return 0
        room = max(1, int(LIVE_WORK / (span.extents[0] * self._work(1))))
        return min(EXAMPLES, len(self._inputs), room)

    def _work(self, examples: int) -> float:
        """Return about how many multiplications one row of the Jacobians of all lanes takes."""
        stages = self.group.blueprint.stages
        each = sum(
            slot.spec.size * float(np.prod(_positions(stages[slot.stage].output_shape)))
            for slot in self.group.layout.measured
        )
        return max(1.0, each * examples * self.group.num_lanes)

    def _runs(self, rows: Tensor) -> list[PlainRun]:
        if self._copy is None:
            self._copy = Averaged(self._network, rows, [0] * self.group.num_lanes)
        with torch.no_grad():
            return self._copy.load(rows, lambda: [self._inputs]).plain_runs()

    def _ends(self, runs: Sequence[PlainRun], span: Span, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return where a Jacobian begins, in the lane layout, and where it ends, ``(K, N, O)``."""
        lanes = self.group.num_lanes
        # What is before the first layer that tells lanes apart, all of them share.
        x = inputs if span.first else _repeated(inputs, lanes, is_image(span.inputs))
        with torch.no_grad():
            for run in runs[: span.first]:
                x = run(x)
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            y = x
            for run in runs[span.first : span.stop]:
                y = run(y)
            return x, by_lane(y, lanes, is_image(span.outputs)).flatten(2)

    def _rows_of_jacobian(self, ends: tuple[Tensor, Tensor], span: Span, first: int, height: int) -> Tensor:
        """Return some rows of every Jacobian, ``(K, N, height, I)``."""
        x, y = ends
        height = min(height, y.shape[2] - first)
        chosen = torch.zeros(height, *y.shape, dtype=y.dtype)
        for row in range(height):
            chosen[row, :, :, first + row] = 1.0
        (grads,) = torch.autograd.grad(
            y, x, chosen, retain_graph=True, is_grads_batched=True, materialize_grads=True
        )
        image = is_image(span.inputs)
        each = [by_lane(grad, self.group.num_lanes, image).flatten(2) for grad in grads]
        return torch.stack(each, 2)


class SpectraLooker:
    """Looks at the matrices of a race.

    Args:
        race: The race.
        catalogue: Declares the layers.
    """

    def __init__(self, race: Race, catalogue: Catalogue) -> None:
        self._race = race
        self.groups = [GroupSpectra(group, race.data.inputs, catalogue) for group in race.groups]
        self._shape = (race.num_lanes, max(len(group.layout.measured) for group in race.groups))

    def parts(
        self,
        step: int,
        rows: Sequence[Tensor],
        grads: Sequence[Tensor] | None,
        gone: Sequence[int],
        idle: Sequence[int] = (),
    ) -> Parts:
        """Return work to be done part by part; its result is what was found.

        Args:
            step: Updates made before.
            rows: ``(K, P)`` weights of each group; copied at once.
            grads: ``(K, P)`` their gradients; copied at once. None where it is not asked how alike units are.
            gone: Lanes that diverged before: theirs are NaN.
            idle: Lanes that have no gradient any more.
        """
        wide = [
            _widened(own, [place for place, lane in enumerate(group.group.lanes) if lane in gone])
            for group, own in zip(self.groups, rows, strict=True)
        ]
        slopes = None if grads is None else [_widened(own, []) for own in grads]
        return self._parts(step, wide, slopes, list(gone), list(idle))

    def _parts(
        self,
        step: int,
        rows: Sequence[Tensor],
        grads: Sequence[Tensor] | None,
        gone: list[int],
        idle: list[int],
    ) -> Parts:
        lanes = self._shape[:1]
        weights, jacobian, hidden = blank(self._shape), blank(lanes), blank(lanes)
        yield
        for group, own in zip(self.groups, rows, strict=True):
            yield from group.weights(own, weights)
            yield from group.jacobians(own, group.span, jacobian)
            yield from group.jacobians(own, group.hidden_span, hidden)
        for spectrum in (weights, jacobian, hidden):
            _forget(spectrum, gone)
        spectra = Spectra(step, freeze(weights), freeze(jacobian), freeze(hidden))
        if grads is None:
            return spectra, None
        sameness = yield from self._sameness(step, rows, grads, gone, idle)
        return spectra, sameness

    def _sameness(
        self, step: int, rows: Sequence[Tensor], grads: Sequence[Tensor], gone: list[int], idle: list[int]
    ) -> Generator[None, None, Sameness]:
        copies, grad_copies, cosine, signed = (np.full(self._shape, np.nan) for _ in range(4))
        num_units, num_different = (np.zeros(self._shape, dtype=np.int64) for _ in range(2))
        for looker, own, slopes in zip(self.groups, rows, grads, strict=True):
            lanes = list(looker.group.lanes)
            for place, layer in enumerate(looker.group.network.measured):
                units = layer.slot.spec.shape[0]
                if layer.context.is_output or units < 2:
                    continue
                part = slice(layer.slot.offset, layer.slot.stop)
                found = likeness(own[:, part].view(len(lanes), units, -1))
                copies[lanes, place], cosine[lanes, place] = found.copies, found.cosine
                signed[lanes, place] = found.signed_cosine
                num_units[lanes, place] = min(units, MOST_UNITS)
                num_different[lanes, place] = np.nan_to_num(found.num_different)
                grad_copies[lanes, place] = likeness(slopes[:, part].view(len(lanes), units, -1)).copies
                yield
        for values in (copies, grad_copies, cosine, signed):
            values[gone] = np.nan
        grad_copies[idle] = np.nan
        for counts in (num_units, num_different):
            counts[gone] = 0
            counts.flags.writeable = False
        return Sameness(
            step,
            frozen(copies),
            frozen(grad_copies),
            frozen(cosine),
            frozen(signed),
            num_units,
            num_different,
        )


def finished(parts: Parts) -> tuple[Spectra, Sameness | None]:
    """Do all of the work at once and return its result."""
    while True:
        try:
            next(parts)
        except StopIteration as end:
            result: tuple[Spectra, Sameness | None] = end.value
            return result


def _widened(rows: Tensor, gone: list[int]) -> Tensor:
    """Return a copy in double precision on the processor, with zeros for lanes that are gone."""
    wide = rows.detach().to("cpu", torch.float64, copy=True)
    wide[gone] = 0.0
    return wide


def _forget(spectrum: Spectrum, gone: Sequence[int]) -> None:
    for values in (spectrum.values, spectrum.mean_square, spectrum.spread, spectrum.effective_rank):
        values[list(gone)] = np.nan


def _matrix_shape(slot: Slot) -> tuple[int, int]:
    """Return the shape of a weight as a matrix, or of each of its blocks."""
    shape = slot.spec.block_shape
    return shape[0], int(np.prod(shape[1:]))


def _of_weight(row: Tensor, slot: Slot) -> Floats | None:
    """Return the singular values ``(M, n)`` of the M blocks of a weight, or None where that takes too long."""
    height, width = _matrix_shape(slot)
    if min(height, width) > MOST_EXTENT or height * width > MOST_ENTRIES:
        return None
    matrices = row[slot.offset : slot.stop].view(-1, height, width)
    if not bool(torch.isfinite(matrices).all()):
        return np.full((len(matrices), min(height, width)), np.nan)
    values: Floats = torch.linalg.svdvals(matrices).numpy()
    return values


def _positions(shape: Shape) -> Shape:
    """Return the extents over which a weight is used again and again: of an image, or the steps of a sequence."""
    return shape[1:] if is_image(shape) else shape[:-1]


def _repeated(inputs: Tensor, lanes: int, image: bool) -> Tensor:
    """Return inputs ``(N, *shape)`` in the lane layout, each lane with its own."""
    if lanes == 1:
        return inputs.clone()
    if image:
        return inputs.repeat(1, lanes, *[1] * (inputs.dim() - 2))
    return inputs.expand(lanes, *inputs.shape).contiguous()


__all__ = ["EXAMPLES", "GroupSpectra", "Parts", "Span", "SpectraLooker", "finished"]
