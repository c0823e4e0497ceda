"""Where the files that come with the program lie: scenarios, lessons, icons, styles, translations."""

import sys
from functools import cache
from pathlib import Path

# In a checkout the folder lies beside the code; an installed wheel has it as a data package of this name.
_CHECKOUT_NAME = "resources"
_INSTALLED_NAME = "initviz_resources"


@cache
def resource_root() -> Path:
    """Return the folder that holds every file that comes with the program.

    Raises:
        FileNotFoundError: The folder is missing, so the installation is incomplete.
    """
    bundle = getattr(sys, "_MEIPASS", None)  # set in a program frozen by PyInstaller
    beside_code = Path(__file__).resolve().parent.parent
    candidates = (
        [Path(bundle) / _CHECKOUT_NAME]
        if bundle is not None
        else [beside_code / _INSTALLED_NAME, beside_code / _CHECKOUT_NAME]
    )
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    tried = ", ".join(str(candidate) for candidate in candidates)
    raise FileNotFoundError(f"InitViz's own files are missing (looked in {tried}): install InitViz again.")


def resource(*parts: str) -> Path:
    """Return the path of a file or folder that comes with the program.

    It works from a checkout, from an installed wheel and in a frozen program alike.

    Args:
        parts: Path below ``resources/``, such as ``"scenarios", "depth.toml"``; none for the whole folder.
    Returns:
        An existing path.
    Raises:
        FileNotFoundError: There is no such file or folder.
        ValueError: The path would leave the folder.
    """
    root = resource_root()
    path = root.joinpath(*parts)
    if not path.resolve().is_relative_to(root.resolve()):
        raise ValueError(f"{path} is outside {root}: pass parts below the resource folder.")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not come with this InitViz: install it again.")
    return path
