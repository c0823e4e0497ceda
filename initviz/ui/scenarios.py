"""The experiments that come with the program, each showing one thing."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from initviz.experiment.text import LANGUAGES, Language, Text
from initviz.resources import resource

FIRST = "good_and_bad_starts"


@dataclass(frozen=True, slots=True)
class Scenario:
    """An experiment with a lesson.

    Attributes:
        key: Name of its files without suffix.
        title: As the menu shows it.
        concept: The phenomenon or remedy it shows, such as ``P1``.
        path: Its experiment file.
    """

    key: str
    title: Text
    concept: str
    path: Path


@cache
def scenarios() -> tuple[Scenario, ...]:
    """Return every scenario in the order of the menu."""
    rows = tomllib.loads(resource("scenarios", "index.toml").read_text(encoding="utf-8"))["scenario"]
    return tuple(
        Scenario(
            row["key"],
            Text(row["title_en"], row["title_zh"]),
            row["concept"],
            resource("scenarios", f"{row['key']}.toml"),
        )
        for row in rows
    )


def scenario(key: str) -> Scenario | None:
    """Return the scenario called ``key``, or None."""
    return next((entry for entry in scenarios() if entry.key == key), None)


def title_of(key: str, name: str, language: Language) -> str:
    """Return what an experiment is called in a language: its scenario's title, or its own name where it has none."""
    entry = scenario(key)
    return name if entry is None else entry.title.in_language(language)


def lesson(key: str, language: str) -> str:
    """Return a scenario's lesson as Markdown; in another language where this one is missing, else empty."""
    preferred = "zh" if language.lower().startswith("zh") else "en"
    for code in (preferred, *(other for other in LANGUAGES if other != preferred)):
        try:
            return resource("lessons", code, f"{key}.md").read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
    return ""
