"""What must be loaded before Qt, without paying for the import of torch."""

import ctypes
import importlib.util
import os
import sys
from pathlib import Path

_CORE_NAMES = {"win32": "c10.dll", "darwin": "libc10.dylib"}


def torch_core_library(platform: str = sys.platform) -> Path | None:
    """Find torch's core library, c10, without importing torch.

    Args:
        platform: As ``sys.platform``.
    Returns:
        The file of the torch that ``import torch`` would take, or None where there is no such file.
    """
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    core = Path(spec.origin).parent / "lib" / _CORE_NAMES.get(platform, "libc10.so")
    return core if core.is_file() else None


def load_torch_core() -> None:
    """On Windows, load torch's ``c10.dll``; elsewhere do nothing.

    There, Qt brings libraries that ``c10.dll`` then cannot be initialised with (WinError 1114), so it must
    come first. It takes milliseconds, where importing torch takes seconds, so the window still shows at once.
    Call it before the first import of PySide6.

    Raises:
        OSError: The library is there but cannot be loaded.
    """
    if sys.platform == "win32":
        core = torch_core_library()
        if core is not None:
            with os.add_dll_directory(str(core.parent)):
                ctypes.WinDLL(str(core))
