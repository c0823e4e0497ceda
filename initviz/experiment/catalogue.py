"""The registry of everything a person can choose. The entries themselves live in ``initviz.catalog``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from initviz.experiment.errors import ExperimentError, unknown_key
from initviz.experiment.parameters import Parameter, Value
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Situation

KIND_TITLES = {
    "initializer": Text("initializer", "初始化方法"),
    "activation": Text("activation", "激活函数"),
    "layer": Text("layer", "层类型"),
    "family": Text("family", "网络类型"),
    "optimizer": Text("optimizer", "优化器"),
    "schedule": Text("schedule", "学习率调度"),
    "dataset": Text("data set", "数据集"),
    "remedy": Text("remedy", "补救方法"),
}
"""What a kind is called within a sentence."""


NO_GROUP = Text("", "")


def _no_problem(choice: Choice) -> Text | None:
    return None


def _no_mismatch(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    return None


def _no_stage(choice: Choice) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing a person can choose, declared once.

    Attributes:
        kind: Singular kind: ``initializer``, ``activation``, ``layer``, ``family``, ``optimizer``, ``schedule``,
            ``dataset``, ``remedy``.
        key: Name in files, snake case, the name of ``torch.nn.init`` or Keras where there is one.
        title: Name in the window.
        summary: One sentence: what it does.
        parameters: What can be set.
        formula: The mathematics, as TeX without delimiters; empty where there is none.
        source: Paper or manual, with year and identifier.
        aliases: Other names that files may use for it.
        problem: What is wrong with values that are each in range but do not go together, or None.
        mismatch: What does not go together with the rest of the experiment, or None: the key of the parameter that it
            concerns (empty for the part as a whole; with a dot in it, a field elsewhere that all lanes share, such as
            ``data.batch_size``), and what is wrong and what to do.
        group: Heading above it and its like in a long list; empty where the list needs none.
        stage: The earlier stage that it works with, as the choice names it (``stage:NAME``), or empty. A stage does not
            take such a part over from the main experiment, since nothing is trained before it.
    """

    kind: str
    key: str
    title: Text
    summary: Text
    parameters: tuple[Parameter, ...] = ()
    formula: str = ""
    source: str = ""
    aliases: tuple[str, ...] = ()
    problem: Callable[[Choice], Text | None] = _no_problem
    mismatch: Callable[[Choice, Situation], tuple[str, Text] | None] = _no_mismatch
    group: Text = NO_GROUP
    stage: Callable[[Choice], str] = _no_stage

    def parameter(self, key: str) -> Parameter:
        """Return the parameter called ``key``; KeyError when there is none."""
        for parameter in self.parameters:
            if parameter.key == key:
                return parameter
        raise KeyError(key)

    def choose(self, **values: Value) -> Choice:
        """Return a choice of this part with the values given, unchecked, and the defaults for the rest.

        Raises:
            KeyError: A value for a parameter that the part does not have.
        """
        for key in values:
            self.parameter(key)
        return Choice(self.key, tuple((p.key, values.get(p.key, p.default)) for p in self.parameters))


class Catalogue:
    """All parts, by kind and key.

    Args:
        parts: Every entry. Two of one kind may not share a key or an alias.
    Raises:
        ValueError: Two parts of one kind answer to one name.
    """

    def __init__(self, parts: Iterable[Part]) -> None:
        self._parts: dict[str, dict[str, Part]] = {}
        self._names: dict[str, dict[str, Part]] = {}
        for part in parts:
            self._parts.setdefault(part.kind, {})[part.key] = part
            names = self._names.setdefault(part.kind, {})
            for name in (part.key, *part.aliases):
                if name in names:
                    raise ValueError(f"two parts of kind {part.kind!r} answer to {name!r}")
                names[name] = part

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds in the order in which they were declared."""
        return tuple(self._parts)

    def parts(self, kind: str) -> tuple[Part, ...]:
        """Every part of a kind, in declared order; empty for an unknown kind."""
        return tuple(self._parts.get(kind, {}).values())

    def get(self, kind: str, name: str, path: str = "") -> Part:
        """Return the part of ``kind`` whose key or alias is ``name``.

        Raises:
            ExperimentError: There is none; the nearest key is named.
        """
        names = self._names.get(kind, {})
        if name not in names:
            raise self._unknown(kind, name, path)
        return names[name]

    def key_of(self, kind: str, name: str) -> str:
        """Return the key of the part of ``kind`` that answers to ``name``, or ``name`` itself where none does."""
        part = self._names.get(kind, {}).get(name)
        return name if part is None else part.key

    def _unknown(self, kind: str, name: str, path: str) -> ExperimentError:
        error = unknown_key(name, self._names.get(kind, {}), path)
        reason = error.reason
        title = KIND_TITLES.get(kind, Text(kind, kind))
        return ExperimentError(
            Text(f"no such {title.en}: {reason.en}", f"没有这样的{title.zh}：{reason.zh}"), path
        )

    def __iter__(self) -> Iterator[Part]:
        for parts in self._parts.values():
            yield from parts.values()
