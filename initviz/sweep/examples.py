"""The studies that come with the program."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from initviz.experiment.text import Text
from initviz.resources import resource

FOLDER = "studies"


@dataclass(frozen=True, slots=True)
class Example:
    """A study to begin with.

    Attributes:
        key: Its name in files.
        title: Its name in the window.
        path: Its file.
    """

    key: str
    title: Text
    path: Path


def examples() -> tuple[Example, ...]:
    """Return every study that comes with the program, in the order of their index."""
    index = tomllib.loads(resource(FOLDER, "index.toml").read_text("utf-8"))
    return tuple(
        Example(
            entry["key"],
            Text(entry["title_en"], entry["title_zh"]),
            resource(FOLDER, f"{entry['key']}.toml"),
        )
        for entry in index["study"]
    )
