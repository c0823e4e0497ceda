"""Bounds that are checked before anything is allocated, so that no file can exhaust the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from initviz.experiment.errors import ExperimentError, shown
from initviz.experiment.text import Text

PREFIX = "INITVIZ_MAX_"


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest sizes that are accepted. A person raises one by setting ``INITVIZ_MAX_<NAME>``.

    A file cannot raise them, since files come from strangers.

    Attributes:
        lanes: Lanes as they are written.
        networks: Networks side by side: every lane as many times as it has seeds.
        layers: Layers of one network, the output layer included.
        width: Units of a dense layer, or channels of a convolution.
        batch_size: Examples a step.
        steps: Updates a run.
        parameters: Trainable numbers of one lane.
        memory_gb: Estimated memory of a run, in GB of 10^9 bytes.
        file_mb: Size of an experiment file that is read, in MB of 10^6 bytes.
        data_mb: Size of a file of examples that is read, unpacked, in MB of 10^6 bytes.
        columns: Numbers in one row of a table that is read.
    """

    lanes: int = 16
    networks: int = 64
    layers: int = 1024
    width: int = 8192
    batch_size: int = 65_536
    steps: int = 100_000_000
    parameters: int = 100_000_000
    memory_gb: int = 4
    file_mb: int = 1
    data_mb: int = 500
    columns: int = 50_000

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Limits:
        """Return the defaults with every ``INITVIZ_MAX_<NAME>`` of ``environment`` applied.

        Raises:
            ExperimentError: A value that is not a whole number above 0.
        """
        raised: dict[str, int] = {}
        for field in fields(cls):
            name = PREFIX + field.name.upper()
            if name not in environment:
                continue
            text = environment[name].strip()
            if not text.isdecimal() or len(text) > 15 or int(text) < 1:
                raise ExperimentError(
                    Text(
                        f"the environment variable must be a whole number above 0, not {shown(text)}.",
                        f"环境变量必须是大于 0 的整数，而不是 {shown(text)}。",
                    ),
                    name,
                )
            raised[field.name] = int(text)
        return cls(**raised)

    def check(self, name: str, value: float, what: Text, path: str) -> None:
        """Raise ``ExperimentError`` when ``value`` is above the limit called ``name``.

        Args:
            name: A field of this class.
            value: The size that is asked for, in the field's unit.
            what: What the number counts, for the message.
            path: Where it stands.
        """
        limit: int = getattr(self, name)
        if value <= limit:
            return
        variable = PREFIX + name.upper()
        size = Text(f"{value:,.6g} {what.en}", f"{what.zh}为 {value:,.6g}，")
        if f"{value:,.6g}" == f"{limit:,}":  # a little more, which six digits do not show
            size = Text(f"more than {limit:,} {what.en}", what.zh)
        raise ExperimentError(
            Text(
                f"{size.en} is above the limit of {limit:,}. Choose fewer, or raise the limit by "
                f"setting the environment variable {variable}.",
                f"{size.zh}超过了上限 {limit:,}。请减小它，或用环境变量 {variable} 提高上限。",
            ),
            path,
        )
