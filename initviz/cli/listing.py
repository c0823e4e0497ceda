"""``initviz list``: everything that can be chosen."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

from initviz.catalog.index import catalogue
from initviz.cli.arguments import Command, Options
from initviz.cli.output import Json, print_json, print_text, table
from initviz.experiment.catalogue import Part
from initviz.experiment.errors import unknown_key
from initviz.experiment.parameters import (
    BoolParameter,
    ChoiceParameter,
    FloatParameter,
    FloatsParameter,
    IntParameter,
    Parameter,
    PartParameter,
    PathParameter,
    TextParameter,
    Value,
)
from initviz.experiment.text import Language, Text


def configure(options: Options) -> None:
    """Add the arguments."""
    options.add(
        "kind",
        metavar="KIND",
        nargs="?",
        help=Text(
            "only this kind: " + ", ".join(catalogue().kinds),
            "只列出这一类：" + "、".join(catalogue().kinds),
        ),
    )
    options.add("--json", action="store_true", help=Text("print JSON", "输出 JSON"))


def execute(given: argparse.Namespace, language: Language) -> int:
    """Print the catalogue."""
    known = catalogue()
    kind: str | None = given.kind
    if kind is not None and kind not in known.kinds:
        raise unknown_key(kind, known.kinds, "KIND")
    parts = list(known) if kind is None else list(known.parts(kind))
    if given.json:
        print_json([describe_part(part, language) for part in parts])
    else:
        kinds = known.kinds if kind is None else (kind,)
        print_text("\n\n".join(_section(known.parts(name), name, language) for name in kinds))
    return 0


def describe_part(part: Part, language: Language) -> dict[str, Json]:
    """Return a catalogue entry as JSON; texts in ``language``."""
    return {
        "kind": part.kind,
        "key": part.key,
        "title": part.title.in_language(language),
        "summary": part.summary.in_language(language),
        "aliases": list(part.aliases),
        "parameters": [describe_parameter(parameter, language) for parameter in part.parameters],
        "formula": part.formula,
        "source": part.source,
    }


def describe_parameter(parameter: Parameter, language: Language) -> dict[str, Json]:
    """Return a parameter as JSON; bounds that are not there are null."""
    facts: dict[str, Json] = {
        "key": parameter.key,
        "title": parameter.title.in_language(language),
        "help": parameter.help.in_language(language),
        "default": _plain(parameter.default),
    }
    match parameter:
        case FloatParameter():
            facts |= {
                "type": "number",
                "minimum": parameter.minimum,
                "maximum": parameter.maximum,
                "unit": parameter.unit,
            }
        case IntParameter():
            facts |= {
                "type": "integer",
                "minimum": parameter.minimum,
                "maximum": parameter.maximum,
                "unit": parameter.unit,
            }
        case FloatsParameter():
            facts |= {"type": "numbers", "minimum": parameter.minimum, "maximum": parameter.maximum}
        case BoolParameter():
            facts |= {"type": "boolean"}
        case ChoiceParameter():
            facts |= {"type": "choice", "choices": [name for name, _ in parameter.choices]}
        case PartParameter():
            facts |= {"type": parameter.part_kind}
        case PathParameter():
            facts |= {"type": "path", "suffixes": list(parameter.suffixes)}
        case TextParameter():
            facts |= {"type": "text"}
        case _:
            facts |= {"type": "value"}
    return facts


def _plain(value: Value) -> Json:
    return list(value) if isinstance(value, tuple) else value


def _section(parts: Sequence[Part], kind: str, language: Language) -> str:
    header = (kind, *(text.in_language(language) for text in _HEADER))
    rows = [
        (part.key, part.title.in_language(language), "  ".join(map(_brief, part.parameters)), part.source)
        for part in parts
    ]
    return table(header, rows, left=len(header))


_HEADER = (Text("title", "名称"), Text("parameters", "参数"), Text("source", "出处"))


def _brief(parameter: Parameter) -> str:
    default = parameter.default
    if default is None:
        return parameter.key
    if isinstance(default, bool):
        return f"{parameter.key}={'true' if default else 'false'}"
    if isinstance(default, float):
        return f"{parameter.key}={default:g}" if math.isfinite(default) else parameter.key
    if isinstance(default, tuple):
        return f"{parameter.key}=[{', '.join(f'{item:g}' for item in default)}]"
    return f"{parameter.key}={default}"


COMMAND = Command(
    "list",
    Text("list everything that can be chosen", "列出所有可选项"),
    Text(
        "List the catalogue: initializers, activations, layers, optimizers, schedules, data sets, with their\n"
        "parameters and defaults, formulas (with --json) and sources.",
        "列出目录：初始化方法、激活函数、层、优化器、学习率调度、数据集，连同参数及默认值、公式（用 --json）和出处。",
    ),
    configure,
    execute,
)
