"""What theory says of the lanes of a race before their first step, from what they are fed and how they start."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from initviz.engine.race import Race
from initviz.telemetry.frame import Floats
from initviz.theory.predict import predict
from initviz.theory.prediction import Prediction
from initviz.theory.wave import InputSignal

MOST_EXAMPLES = 256
"""So many examples say enough about all."""
GROUPS = 8
"""Groups into which examples and pairs of them are put, by size and correlation."""


def input_signal(inputs: Tensor, batch_size: int | None = None) -> InputSignal:
    """Measure what goes into a network.

    Args:
        inputs: ``(S, *shape)`` as the network sees them.
        batch_size: Of batches that are drawn from these examples; None where they are the batch.
    """
    some = inputs[:MOST_EXAMPLES].double().cpu().numpy()
    flat: Floats = np.asarray(some.reshape(len(some), -1))
    squares = np.square(flat)
    q = squares.mean(axis=1)
    whole = float(q.mean())
    lengths = np.sqrt(np.maximum(squares.sum(axis=1), 1e-300))
    directions = flat / lengths[:, None]
    pairs = (directions @ directions.T)[np.triu_indices(len(flat), 1)]
    places = ()
    if some.ndim > 2 and whole > 0:
        # The channels of an image come first, the numbers of a step of a sequence last.
        by_place = np.square(some).mean(axis=(0, 1) if some.ndim == 4 else (0, 2)) / whole
        places = tuple(by_place.ravel().tolist())
    return InputSignal(
        q=_groups(q),
        correlation=_groups(np.clip(pairs, -1, 1)) if len(pairs) else (1.0,),
        examples=len(inputs) if batch_size is None else batch_size,
        is_sample=batch_size is not None,
        fourth=float(np.square(squares).mean()) / whole**2 if whole > 0 else 3.0,
        places=places,
    )


def _groups(values: Floats) -> tuple[float, ...]:
    """Return the means of groups of about equally many values, ascending."""
    parts = np.array_split(np.sort(values), min(GROUPS, len(values)))
    return tuple(float(part.mean()) for part in parts)


def predictions(race: Race, signal: InputSignal | None = None) -> tuple[Prediction, ...]:
    """Return what theory says of every lane.

    Args:
        race: The race; only how its lanes start is looked at.
        signal: What goes in; by default batches of its training examples.
    """
    if signal is None:
        signal = input_signal(race.data.inputs, race.data.batch_size)
    return tuple(predict(plan, race.catalogue, signal) for plan in race.blueprints)
