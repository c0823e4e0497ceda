"""What the lessons on curricula and on distillation claim of their scenarios, over five seeds."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from initviz.resources import resource
from tests.engine.oracle import race


def accuracies(key: str) -> dict[str, NDArray[np.float64]]:
    """Return every lane's accuracy at the end, ``(5,)`` seeds, by its name."""
    document = tomllib.loads(Path(str(resource("scenarios", f"{key}.toml"))).read_text("utf-8"))
    found = []
    for seed in range(5):
        running = race(document, seed=seed)
        for _ in running:
            pass
        found.append(running.evaluate()[1])
    names = [lane.name for lane in running.experiment.lanes]
    return dict(zip(names, np.stack(found, axis=1), strict=True))


def test_easy_first_learns_fewer_errors_by_heart_and_hard_first_more() -> None:
    found = accuracies("curriculum")
    plain = found["All at once"]
    assert (found["Easy first"] > plain + 0.05).all()
    assert (found["Known errors last"] > plain + 0.02).all()
    assert (found["Hard first"] < plain - 0.05).all()


def test_a_teacher_keeps_its_students_from_the_errors() -> None:
    found = accuracies("distillation")
    plain = found["Labels alone"]
    assert (found["Right teacher"] > 0.95).all()
    assert (found["Noisy teacher"] > plain + 0.1).all()
