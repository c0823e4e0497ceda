"""Text in lines, for English and Chinese alike."""

from __future__ import annotations

from initviz.views import lettering

_NEVER_FIRST = "，。：；！？、）”》·,.:;!?)"


def wrap(text: str, width: float, pixels: int) -> list[str]:
    """Break a text into lines no wider than ``width``: after spaces, or in Chinese after any character."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for piece in _pieces(paragraph):
            if line and lettering.text_width((line + piece).rstrip(), pixels) > width:
                lines.append(line.rstrip())
                line = piece.lstrip()
            else:
                line += piece
        lines.append(line.rstrip())
    return lines


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    for character in text:
        wide = ord(character) > 0x2E7F
        if (
            pieces
            and (not wide or character in _NEVER_FIRST)
            and not pieces[-1].endswith(" ")
            and (character in _NEVER_FIRST or ord(pieces[-1][-1]) <= 0x2E7F)
        ):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces
