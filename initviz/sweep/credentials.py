"""Keeps passwords out of everything that a person, a file or a log gets to see."""

from __future__ import annotations

import re
from urllib.parse import unquote

HIDDEN = "***"

_IN_AUTHORITY = re.compile(r"((?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/\s:@?]*:)\S*(?=@)")
_WITHOUT_SCHEME = re.compile(r"(?<![^\s'\"“=])([^/\s:@'\"“=?]+:)(?!//)\S+(?=@)")
"""Half an address, as a slip of the fingers leaves it."""
_IN_QUERY = re.compile(r"(?i)((?:password|passwd|pwd|sslpassword|passfile)\s*=\s*)('[^']*'|[^&\s]+)")
_ABOVE_ALL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@?]*:(\S*)@")
_VALUE = re.compile(r"(?i)[?&](?:password|passwd|pwd|sslpassword)=([^&\s]+)")


def without_passwords(text: str) -> str:
    """Return ``text`` with ``***`` in place of every password of a URL in it.

    What stands between the user's name and the last ``@`` of a word counts as the password, so that one with ``@`` or
    ``/`` in it does not get through in part.
    """
    for pattern in (_IN_AUTHORITY, _WITHOUT_SCHEME, _IN_QUERY):
        text = pattern.sub(rf"\1{HIDDEN}", text)
    return text


def hide(text: str, url: str) -> str:
    """Return ``text`` without the passwords of ``url``, however it spells them, and without those of other URLs.

    Args:
        text: What a driver has said, say.
        url: The storage that was asked for.
    """
    for secret in sorted(_secrets(url), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return without_passwords(text)


def _secrets(url: str) -> set[str]:
    found = {match.group(1) for match in (*_ABOVE_ALL.finditer(url), *_VALUE.finditer(url))}
    found |= {unquote(secret) for secret in found}
    return {secret for secret in found if secret}
