"""Where studies are kept: a file of the person's, or a PostgreSQL that several machines reach."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from initviz.experiment.errors import ExperimentError, InitVizError, printable
from initviz.experiment.text import Text
from initviz.sweep.credentials import hide, without_passwords

if TYPE_CHECKING:
    from optuna.storages import BaseStorage, RDBStorage

FILE_NAME = "studies.sqlite3"
HEARTBEAT_S = 20
GRACE_BEATS = 3
"""A worker that was silent for so many beats is taken for dead."""
BUSY_S = 60
"""Seconds that a file which another process writes to is waited for."""
CONNECT_S = 10
MOST_RETRIES = 10
MOST_SAID = 300
"""Characters of a driver's own words that are repeated."""

_DRIVERS = (("psycopg", "postgresql+psycopg"), ("psycopg2", "postgresql+psycopg2"))


def default_path() -> Path:
    """Return the file that studies are kept in where nobody says another place; it need not exist."""
    return Path(platformdirs.user_data_dir("initviz", appauthor=False)) / FILE_NAME


@dataclass(frozen=True, slots=True)
class Place:
    """Where a study is kept.

    Attributes:
        url: For Optuna; it may hold a password, so it is shown to nobody.
        shown: The same as a person may see it.
        is_server: Whether other machines may reach it.
    """

    url: str
    shown: str
    is_server: bool

    def __repr__(self) -> str:
        return f"Place({self.shown!r})"


def find_place(storage: str | None) -> Place:
    """Return where a study is kept.

    Args:
        storage: ``postgresql://user:password@host/database``, ``sqlite:///file``, the name of a file, or None for the
            person's own file.
    Raises:
        ExperimentError: A kind of storage that we do not know, or the driver for it is missing.
    """
    if storage is None or not storage.strip():
        path = default_path()
        return Place(f"sqlite:///{path}", str(path), False)
    if storage.startswith("sqlite:///"):
        return Place(storage, storage.removeprefix("sqlite:///"), False)
    scheme, found, rest = storage.partition("://")
    if not found:
        if "@" in storage:  # half a URL may hold a password too
            raise _unknown_storage(storage)
        path = Path(storage).absolute()
        return Place(f"sqlite:///{path}", str(path), False)
    kind, _, driver = scheme.lower().partition("+")
    if kind not in ("postgresql", "postgres") or driver not in ("", "psycopg", "psycopg2"):
        raise _unknown_storage(storage)
    return Place(f"{_dialect(driver)}://{rest}", without_passwords(storage), True)


def _unknown_storage(storage: str) -> ExperimentError:
    said = printable(hide(storage, storage))
    return ExperimentError(
        Text(
            f"expected postgresql://user@host/database or the name of a file, but found '{said}'.",
            f"应为 postgresql://用户@主机/数据库 或文件名，实际是“{said}”。",
        ),
        "storage",
    )


def _dialect(driver: str) -> str:
    for module, dialect in _DRIVERS:
        if driver in ("", module) and importlib.util.find_spec(module) is not None:
            return dialect
    raise ExperimentError(
        Text(
            "the driver for PostgreSQL is not installed. Install it into this Python: "
            "python -m pip install 'initviz[postgresql]'",
            "未安装 PostgreSQL 的驱动。请在当前 Python 中安装：python -m pip install 'initviz[postgresql]'",
        ),
        "storage",
    )


def quiet_optuna() -> None:
    """Keep Optuna from printing, and from warning about what we do on purpose."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    logging.getLogger("sqlalchemy").setLevel(logging.CRITICAL)
    # We record the heartbeats ourselves, as a race of many trials needs it.
    warnings.filterwarnings("ignore", message="Heartbeat of storage is supposed to be used")
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


@contextmanager
def storage_failures(place: Place) -> Iterator[None]:
    """Turn what the storage raises into words, without passwords and without the chain of its causes."""
    import sqlalchemy.exc
    from optuna.exceptions import StorageInternalError

    try:
        yield
    except (sqlalchemy.exc.SQLAlchemyError, StorageInternalError, OSError) as error:
        failure = _in_words(place, error)
    except RuntimeError as error:  # the tables were made by another version of Optuna
        if "schema" not in str(error) and "optuna" not in str(error).lower():
            raise
        failure = _in_words(place, error)
    else:
        return
    raise failure from None


def _in_words(place: Place, error: Exception) -> InitVizError:
    cause = getattr(error, "orig", None) or error.__cause__ or error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    said = printable(hide(lines[0] if lines else type(cause).__name__, place.url), MOST_SAID)
    where = printable(place.shown, MOST_SAID)
    if place.is_server:
        return InitVizError(
            Text(
                f"the database {where} does not answer as it should: {said} Finished trials are kept there. Check the "
                "address, the name, the password and that the server runs; then start the same command again.",
                f"数据库 {where} 没有正常响应：{said} 已完成的试验都保存在其中。请检查地址、用户名、密码"
                "以及服务器是否在运行，然后重新执行同一命令。",
            )
        )
    return InitVizError(
        Text(
            f"the file {where} cannot be used for studies: {said} Nothing else was changed. Choose another with "
            "--storage FILE.",
            f"文件 {where} 不能用来保存搜索：{said} 其他一切未变。请用 --storage 文件 另选一个。",
        )
    )


def open_storage(place: Place, heartbeat_s: int = HEARTBEAT_S) -> BaseStorage:
    """Open a storage, and make its tables where there are none.

    Args:
        place: Where.
        heartbeat_s: Seconds between two signs of life of a worker.
    Raises:
        InitVizError: It cannot be reached, or is no storage of studies.
    """
    quiet_optuna()
    from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback

    with storage_failures(place):
        if not place.is_server:
            Path(place.url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        options: dict[str, object] = (
            {"connect_args": {"connect_timeout": CONNECT_S}, "pool_pre_ping": True}
            if place.is_server
            else {"connect_args": {"timeout": BUSY_S}}
        )
        return RDBStorage(
            place.url,
            engine_kwargs=options,
            heartbeat_interval=heartbeat_s,
            grace_period=GRACE_BEATS * heartbeat_s,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=MOST_RETRIES),
        )


def close_storage(storage: BaseStorage) -> None:
    """Give back every connection."""
    storage.remove_session()
    inner: RDBStorage | BaseStorage = getattr(storage, "_backend", storage)
    engine = getattr(inner, "engine", None)
    if engine is not None:
        engine.dispose()
