"""What ``initviz doctor`` has found, for programs and for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from initviz.cli.output import Json, number, pad
from initviz.experiment.text import Language, Text

_KEY_COLUMNS = 20


@dataclass(frozen=True, slots=True)
class Row:
    """A folder, and whether files can be made in it."""

    what: Text
    path: str
    writable: bool


@dataclass(slots=True)
class Report:
    """Everything about a machine; what could not be found out is None.

    Attributes:
        versions: Of the program, of Python, and of each package.
        system: The operating system.
        folders: Where InitViz writes.
        devices: Key, name, and memory in bytes of what can train.
        screen: ``platform`` and ``screens``, or None where there is no display.
        drawing: ``font_families``, ``chinese_font`` and ``frames_per_s``.
        steps_per_s: Training rate of the first scenario.
        problems: What keeps InitViz from working.
    """

    versions: Mapping[str, str | None]
    system: str
    folders: tuple[Row, ...]
    devices: tuple[tuple[str, Text, int], ...] = ()
    screen: Mapping[str, Json] | None = None
    drawing: Mapping[str, Json] | None = None
    steps_per_s: float | None = None
    problems: list[Text] = field(default_factory=list)

    def to_json(self, language: Language) -> dict[str, Json]:
        """Return it as ``--json`` prints it."""
        drawing = self.drawing or {}
        return {
            "versions": dict(self.versions),
            "system": self.system,
            "devices": [
                {
                    "key": key,
                    "title": title.in_language(language),
                    "memory_gb": memory / 1e9 if memory else None,
                }
                for key, title, memory in self.devices
            ],
            "display": {
                "available": self.screen is not None,
                "platform": (self.screen or {}).get("platform"),
                "screens": (self.screen or {}).get("screens", []),
            },
            "fonts": {"families": drawing.get("font_families"), "chinese": drawing.get("chinese_font")},
            "folders": [
                {"purpose": row.what.in_language(language), "path": row.path, "writable": row.writable}
                for row in self.folders
            ],
            "self_test": {"steps_per_s": self.steps_per_s, "frames_per_s": drawing.get("frames_per_s")},
            "problems": [text.in_language(language) for text in self.problems],
        }

    def to_text(self, language: Language) -> str:
        """Return it in lines for a person."""
        lines: list[str] = []

        def say(key: Text | str, value: Text | str) -> None:
            left = key if isinstance(key, str) else key.in_language(language)
            right = value if isinstance(value, str) else value.in_language(language)
            lines.append(f"{pad(left, _KEY_COLUMNS)} {right}")

        for name, version in self.versions.items():
            say(name, version or Text("unknown", "未知"))
        say(Text("system", "系统"), self.system)
        for key, title, memory in self.devices:
            size = f", {memory / 1e9:.1f} GB" if memory else ""
            say(Text("device", "设备"), f"{key}: {title.in_language(language)}{size}")
        say(Text("display", "显示器"), self._screen_text())
        say(Text("fonts", "字体"), self._font_text())
        for row in self.folders:
            verdict = Text("writable", "可写") if row.writable else Text("NOT writable", "不可写")
            say(row.what, f"{verdict.in_language(language)}  {row.path}")
        say(Text("training", "训练"), _rate(self.steps_per_s, Text("steps/s", "步/秒")))
        frames = (self.drawing or {}).get("frames_per_s")
        say(
            Text("drawing", "绘图"),
            _rate(frames if isinstance(frames, float) else None, Text("frames/s", "帧/秒")),
        )
        lines.append("")
        lines += [text.in_language(language) for text in self.problems]
        if not self.problems:
            lines.append(
                Text("Everything that InitViz needs is there.", "InitViz 所需的一切都已具备。").in_language(
                    language
                )
            )
        return "\n".join(lines)

    def _screen_text(self) -> Text:
        if self.screen is None:
            return Text(
                "none; 'initviz run' and 'initviz snapshot' work without one",
                "没有；'initviz run' 和 'initviz snapshot' 不需要显示器",
            )
        found = self.screen.get("screens", [])
        shown = [
            f"{item['name']} {item['width']}x{item['height']}"
            for item in (found if isinstance(found, Sequence) else [])
            if isinstance(item, Mapping)
        ]
        words = f"{self.screen.get('platform')}: {', '.join(shown)}"
        return Text(words, words)

    def _font_text(self) -> Text:
        if self.drawing is None:
            return Text("unknown", "未知")
        count, chinese = self.drawing.get("font_families"), self.drawing.get("chinese_font")
        if chinese is None:
            return Text(
                f"{count} families, none with Chinese characters: install one, such as fonts-droid-fallback",
                f"{count} 个字体，都不含汉字：请安装一种中文字体，例如 fonts-droid-fallback",
            )
        return Text(
            f"{count} families; Chinese characters from {chinese}", f"{count} 个字体；汉字使用 {chinese}"
        )


def _rate(value: float | None, unit: Text) -> Text:
    if value is None:
        return Text("not tried", "未测试")
    return Text(f"{number(value, 3)} {unit.en}", f"{number(value, 3)} {unit.zh}")
