"""From a study to Optuna's own samplers, pruners and distributions.

What a trial tries follows from the study's seed and the trial's number alone (and, where the sampler learns, from the
trials before it), so that several machines and a resumed study never try the same draw twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from initviz.sweep.study import Choices, Field, Study

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

Distributions = dict[str, "BaseDistribution"]


def distribution(field: Field) -> BaseDistribution:
    """Return what a field may be, as Optuna has it."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    space = field.space
    if isinstance(space, Choices):
        return CategoricalDistribution(space.labels)
    if space.is_integer:
        step = 1 if space.step is None else int(space.step)
        return IntDistribution(int(space.low), int(space.high), log=space.log, step=step)
    return FloatDistribution(float(space.low), float(space.high), log=space.log, step=space.step)


def distributions(study: Study) -> Distributions:
    """Return what every field may be, in the order of the study."""
    return {field.path: distribution(field) for field in study.fields}


def sampler(study: Study, on_begin: Callable[[int], None]) -> BaseSampler:
    """Return what finds the values of the next trial.

    Args:
        study: What is searched.
        on_begin: Told the storage's id of a trial as soon as there is one.
    """
    from optuna.samplers import BaseSampler, GPSampler, GridSampler, RandomSampler, TPESampler

    spaces = distributions(study)

    class Numbered(BaseSampler):
        """Gives every trial a sampler whose random numbers depend on the trial's number."""

        def __init__(self) -> None:
            self._inner: BaseSampler = make(0)

        def before_trial(self, study: Any, trial: FrozenTrial) -> None:
            on_begin(trial._trial_id)
            self._inner = follow(self._inner, trial.number)
            self._inner.before_trial(study, trial)

        def infer_relative_search_space(self, study: Any, trial: FrozenTrial) -> Distributions:
            return self._inner.infer_relative_search_space(study, trial)

        def sample_relative(
            self, study: Any, trial: FrozenTrial, search_space: Distributions
        ) -> dict[str, Any]:
            return self._inner.sample_relative(study, trial, search_space)

        def sample_independent(
            self, study: Any, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
        ) -> Any:
            return self._inner.sample_independent(study, trial, param_name, param_distribution)

        def after_trial(
            self, study: Any, trial: FrozenTrial, state: Any, values: Sequence[float] | None
        ) -> None:
            # A grid would stop a loop of Optuna's here, which there is none of; whether it is done is known elsewhere.
            if not isinstance(self._inner, GridSampler):
                self._inner.after_trial(study, trial, state, values)

    def make(number: int) -> BaseSampler:
        if study.sampler == "grid":
            grids = {field.path: field.space.grid() or () for field in study.fields}
            return GridSampler(grids, seed=study.seed)
        if study.sampler == "random":
            return RandomSampler(seed=study.seed)
        seed = study.seed if number == 0 else numbered_seed(study.seed, number)
        return TPESampler(seed=seed) if study.sampler == "tpe" else GPSampler(seed=seed)

    def follow(inner: BaseSampler, number: int) -> BaseSampler:
        if study.sampler == "grid":
            return inner  # its order is fixed by the seed
        inner = make(number)
        if study.sampler == "random":
            pass_over(inner, spaces, number)
        return inner

    return Numbered()


def pass_over(sampler: BaseSampler, spaces: Distributions, number: int) -> None:
    """Draw the values of the first ``number`` trials, so that the next ones are those of the trial that follows."""
    nobody: Any = None  # a random sampler looks at no study and no trial
    for _ in range(number):
        for path, space in spaces.items():
            if space.single():
                continue  # nothing is drawn for it
            sampler.sample_independent(nobody, nobody, path, space)


def numbered_seed(seed: int, number: int) -> int:
    """Return a 31-bit seed for a trial."""
    words = f"{seed}\0{number}".encode()
    return int.from_bytes(hashlib.blake2b(words, digest_size=4).digest(), "big") >> 1


def pruner(study: Study) -> BasePruner:
    """Return what tells hopeless trials."""
    from optuna.pruners import MedianPruner, NopPruner, SuccessiveHalvingPruner

    rule = study.pruner
    if rule.name == "median":
        return MedianPruner(n_startup_trials=rule.startup, n_warmup_steps=rule.warmup + 1)
    if rule.name == "halving":
        return SuccessiveHalvingPruner(min_resource=max(1, rule.warmup), reduction_factor=rule.reduction)
    return NopPruner()
