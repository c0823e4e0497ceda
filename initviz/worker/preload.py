"""Loads torch's libraries without stopping the window.

``import torch`` maps libraries of hundreds of megabytes while it holds Python's lock, and the window stands still for
as long. Loaded by the system's own call beforehand, without the lock, they are there already when torch is imported.
"""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import os
import sys
from pathlib import Path

LIBRARIES = (("libtorch_global_deps", True), ("libtorch_cpu", False), ("libtorch", False))
"""In torch's own order, and whether torch lets everybody see their symbols."""

logger = logging.getLogger(__name__)


def preload_torch() -> tuple[str, ...]:
    """Load what ``import torch`` would load; return the names of the libraries that are there now.

    It is an optimization: where anything fails, importing torch does what it always does.
    """
    if "torch" in sys.modules or os.name != "posix":
        return ()
    folder = _library_folder()
    if folder is None:
        return ()
    try:
        load = ctypes.CDLL(None).dlopen  # called this way, it runs without Python's lock
    except (OSError, AttributeError):
        return ()
    load.argtypes, load.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    loaded = []
    for name, everybody in LIBRARIES:
        path = folder / f"{name}{'.dylib' if sys.platform == 'darwin' else '.so'}"
        scope = os.RTLD_GLOBAL if everybody else os.RTLD_LOCAL
        if path.is_file() and load(os.fsencode(path), os.RTLD_NOW | scope):
            loaded.append(name)
    logger.info("loaded beforehand: %s", ", ".join(loaded))
    return tuple(loaded)


def _library_folder() -> Path | None:
    spec = importlib.util.find_spec("torch")  # finds it, but does not import it
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        folder = Path(place, "lib")
        if folder.is_dir():
            return folder
    return None
