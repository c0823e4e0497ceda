"""Documents written as TOML in the form that a person would give them: a table a part, lanes and layers as blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeGuard

NAMING_KEYS = ("name", "family", "kind")
"""A table with one of these chooses a part, and is written as one."""

Path = tuple[str, ...]


def dumps(document: Mapping[str, object]) -> str:
    """Return ``document`` as TOML text that reads back as an equal one.

    Args:
        document: Tables, lists, texts, numbers and truth values. Keys whose value is None, for which TOML has no
            word, are left out: the part decides them.
    """
    blocks = [list(_plain_lines(document))]
    for key, value in document.items():
        if isinstance(value, Mapping):
            blocks.append([f"[{_key(key)}]", *_plain_lines(value, inline=True)])
            for inner, items in value.items():
                if _is_blocks(items):
                    blocks.extend(_item_blocks((key, inner), items))
        elif _is_blocks(value):
            blocks.extend(_item_blocks((key,), value))
    return "\n\n".join("\n".join(lines) for lines in blocks if lines) + "\n"


def _is_blocks(value: object) -> TypeGuard[Sequence[Mapping[str, object]]]:
    """Return whether a value is written as ``[[blocks]]``: a list of nothing but tables."""
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(v, Mapping) for v in value)


def _plain_lines(table: Mapping[str, object], *, inline: bool = False) -> Iterator[str]:
    """Yield a line a key, without those that get blocks of their own, and without tables unless ``inline``."""
    for key, value in table.items():
        if value is None or _is_blocks(value) or (isinstance(value, Mapping) and not inline):
            continue
        yield f"{_key(key)} = {_value(value)}"


def _item_blocks(path: Path, items: Sequence[Mapping[str, object]]) -> Iterator[list[str]]:
    for item in items:
        yield [f"[[{_dotted(path)}]]", *_dotted_lines((), item)]


def _dotted_lines(path: Path, table: Mapping[str, object]) -> Iterator[str]:
    """Yield a line a value; tables on the way become dotted keys, such as ``optimizer.lr``."""
    for key, value in table.items():
        here = (*path, key)
        if value is None:
            continue
        if isinstance(value, Mapping) and value and not any(name in value for name in NAMING_KEYS):
            yield from _dotted_lines(here, value)
        elif _is_blocks(value):
            yield f"{_dotted(here)} = ["
            yield from (f"    {_value(item)}," for item in value)
            yield "]"
        else:
            yield f"{_dotted(here)} = {_value(value)}"


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items() if v is not None)
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return _line("x", value).removeprefix("x = ")


def _key(key: str) -> str:
    return _line(key, 0).removesuffix(" = 0")


def _dotted(path: Path) -> str:
    return ".".join(_key(key) for key in path)


def _line(key: str, value: object) -> str:
    import tomli_w

    return tomli_w.dumps({key: value}).removesuffix("\n")
