"""Which language the command line speaks."""

from __future__ import annotations

import locale
from collections.abc import Mapping, Sequence

from initviz.experiment.text import LANGUAGES, Language

OPTION = "--lang"
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANGUAGE", "LANG")


def locale_language(environment: Mapping[str, str]) -> Language:
    """Return the language of the person's system; English where it is neither of ours.

    Args:
        environment: The variables of the process; where none of them says anything, the system is asked.
    """
    for variable in _VARIABLES:
        if value := environment.get(variable):
            return "zh" if value.lower().startswith("zh") else "en"
    name = (locale.getlocale()[0] or "").lower()
    return "zh" if name.startswith(("zh", "chinese")) else "en"


def chosen_language(arguments: Sequence[str], environment: Mapping[str, str]) -> Language:
    """Return what ``--lang`` asks for, else the system's language.

    It is looked for before the arguments are parsed, because help and errors of the parser are in it too.
    """
    for place, word in enumerate(arguments):
        if word == "--":
            break
        value = None
        if word == OPTION and place + 1 < len(arguments):
            value = arguments[place + 1]
        elif word.startswith(OPTION + "="):
            value = word.partition("=")[2]
        for language in LANGUAGES:
            if value == language:
                return language
    return locale_language(environment)
