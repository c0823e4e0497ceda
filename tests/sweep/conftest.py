"""A PostgreSQL that the tests start themselves, and a small study."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "s3cr3t/of@nobody"
QUOTED = "s3cr3t%2Fof%40nobody"
USER = "initviz_test"

Document = dict[str, Any]


def study_document(**changes: Any) -> Document:
    """Return a study that takes about a second."""
    return {
        "name": "small",
        "sampler": "grid",
        "objective": "val_loss",
        "experiment": {
            "steps": 60,
            "device": "cpu",
            "data": {"name": "moons", "batch_size": 32},
            "model": {"family": "mlp", "depth": 2, "width": 8},
            "optimizer": {"name": "adam", "lr": 0.01},
        },
        "fields": [
            {"path": "init.weight.name", "choices": ["he_normal", "xavier_normal", "zeros"]},
            {"path": "model.depth", "choices": [1, 2]},
        ],
        **changes,
    }


def _folder_of_binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if found:
        return found[0].parent
    program = shutil.which("initdb")
    return Path(program).resolve().parent if program else None


def _user_words() -> list[str]:
    """The server refuses to run as root."""
    if os.name != "nt" and os.geteuid() == 0:
        return ["runuser", "-u", "nobody", "--"]
    return []


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Start a server on a free port and return the URL of a database in it, with a password."""
    binaries = _folder_of_binaries()
    pytest.importorskip("psycopg", reason="the driver for PostgreSQL is not installed")
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="initviz-pg-"))
    words = _user_words()
    if words and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL refuses to run as root, and there is no runuser")
    password = folder / "password"
    password.write_text(PASSWORD)
    if words:
        shutil.chown(folder, "nobody")
        shutil.chown(password, "nobody")
    data = folder / "data"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    making = [*words, str(binaries / "initdb"), "-D", str(data), "-U", USER, "-A", "scram-sha-256"]
    subprocess.run(
        [*making, "--pwfile", str(password), "-N"], check=True, capture_output=True, timeout=120, cwd=folder
    )
    serving = [*words, str(binaries / "postgres"), "-D", str(data), "-p", str(port), "-k", str(folder)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*serving, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"],
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    try:
        url = f"postgresql://{USER}:{QUOTED}@127.0.0.1:{port}/postgres"
        _wait_for(url, server)
        yield url
    finally:
        _stop(server, data)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    import psycopg

    last_s = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
            return
        except psycopg.OperationalError:
            assert server.poll() is None, "the server ended"
            assert time.monotonic() < last_s, "the server does not answer"
            time.sleep(0.2)


def _stop(server: subprocess.Popen[bytes], data: Path) -> None:
    """End the server itself, which is the first line of its lock file; runuser ends with it."""
    import signal

    lock = data / "postmaster.pid"
    if lock.exists():
        os.kill(int(lock.read_text().split()[0]), signal.SIGINT)
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(30)
