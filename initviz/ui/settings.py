"""What the window remembers from one start to the next, in one INI file."""

from __future__ import annotations

from pathlib import Path

import platformdirs
from PySide6.QtCore import QByteArray, QSettings

APP_NAME = "initviz"
MAX_RECENT = 10


def settings_path() -> Path:
    """Return the INI file of the person who is logged in; it need not exist."""
    return Path(platformdirs.user_config_dir(APP_NAME, appauthor=False)) / "window.ini"


def log_folder() -> Path:
    """Return the folder of the log files; it need not exist."""
    return Path(platformdirs.user_log_dir(APP_NAME, appauthor=False))


class Settings:
    """Typed access to the remembered values; one that is missing or spoilt counts as never set.

    Args:
        path: The INI file.
    """

    def __init__(self, path: Path) -> None:
        self._store = QSettings(str(path), QSettings.Format.IniFormat)

    def text(self, key: str, default: str, allowed: tuple[str, ...] = ()) -> str:
        """Return a text; where ``allowed`` is given, one of those or ``default``."""
        value = self._store.value(key, default)
        if not isinstance(value, str) or (allowed and value not in allowed):
            return default
        return value

    def set_text(self, key: str, value: str) -> None:
        """Remember a text."""
        self._store.setValue(key, value)

    def integer(self, key: str, default: int, minimum: int, maximum: int) -> int:
        """Return a whole number between two bounds, or ``default``."""
        value = self._store.value(key, default)
        try:
            number = int(str(value))
        except ValueError:
            return default
        return number if minimum <= number <= maximum else default

    def set_integer(self, key: str, value: int) -> None:
        """Remember a whole number."""
        self._store.setValue(key, value)

    def blob(self, key: str) -> QByteArray:
        """Return what Qt saved about a window or a splitter; empty where there is nothing."""
        value = self._store.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()

    def set_blob(self, key: str, value: QByteArray) -> None:
        """Remember what Qt saves about a window or a splitter."""
        self._store.setValue(key, value)

    def recent_files(self) -> tuple[Path, ...]:
        """Return the files opened or saved last, the latest first."""
        value = self._store.value("files/recent", [])
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list):
            return ()
        return tuple(Path(name) for name in names if isinstance(name, str) and name)[:MAX_RECENT]

    def add_recent_file(self, path: Path) -> None:
        """Put a file on top of the recent ones."""
        full = path.absolute()
        rest = [other for other in self.recent_files() if other != full]
        self._write_recent([full, *rest])

    def forget_recent_file(self, path: Path) -> None:
        """Take a file that is gone off the recent ones."""
        self._write_recent([other for other in self.recent_files() if other != path])

    def clear_recent_files(self) -> None:
        """Forget all recent files."""
        self._write_recent([])

    def _write_recent(self, paths: list[Path]) -> None:
        self._store.setValue("files/recent", [str(path) for path in paths[:MAX_RECENT]])

    def save(self) -> bool:
        """Write everything to the file; False where that is impossible."""
        self._store.sync()
        return self._store.status() == QSettings.Status.NoError
