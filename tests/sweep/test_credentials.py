"""A password in the address of a storage reaches nobody's eyes, whatever goes wrong."""

from __future__ import annotations

import importlib.util
import logging
import sys
from pathlib import Path

import pytest

from initviz.cli.command_line import main
from initviz.experiment.errors import InitVizError
from initviz.experiment.toml import dumps
from initviz.sweep.credentials import hide, without_passwords
from initviz.sweep.storage import close_storage, find_place, open_storage
from tests.sweep.conftest import PASSWORD, QUOTED, study_document

SECRET = "hunter2/x@y"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://me:pw@host/db", "postgresql://me:***@host/db"),
        ("postgresql+psycopg://me:p@s/s:w@host/db now", "postgresql+psycopg://me:***@host/db now"),
        ("postgresql://:pw@host/db", "postgresql://:***@host/db"),
        ("postgresql://host/db?user=me&password=pw&x=1", "postgresql://host/db?user=me&password=***&x=1"),
        ("host=a password='p w' user=b", "host=a password=*** user=b"),
        ("C:/folder/study.toml: nothing", "C:/folder/study.toml: nothing"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
    ],
)
def test_passwords_are_hidden(text: str, expected: str) -> None:
    assert without_passwords(text) == expected


def test_every_spelling_of_a_password_is_hidden() -> None:
    said = hide(f"driver said {PASSWORD} and {QUOTED}", f"postgresql://me:{QUOTED}@host/db")
    assert said == "driver said *** and ***"


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://me:{SECRET}@127.0.0.1:1/db",  # nobody answers
        "postgresql://me:hunter2@127.0.0.1:99999/db",  # no such port
        "postgresql://me:hunter2@127.0.0.1:port/db",  # no number
        "postgresql://me:hunter2@[::1/db",
        "postgresql://me:hunter2@127.0.0.1:1/db?password=hunter2&sslmode=nonsense",
        "postgresql://127.0.0.1:1/db?user=me&password=hunter2",
        "postgresql+pg8000://me:hunter2@host/db",
        "mysql://me:hunter2@host/db",
        "me:hunter2@host/db",
        "postgresql:/me:hunter2@host/db",
    ],
)
def test_no_error_of_the_command_line_tells_it(
    address: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    study = tmp_path / "study.toml"
    study.write_text(dumps(study_document()), encoding="utf-8")
    with caplog.at_level(logging.DEBUG):
        assert main(["sweep", str(study), "--storage", address, "-v"]) in (1, 2)
        assert main(["sweep", str(study), f"--storag={address}"]) == 2
        assert main(["sweep", str(study), address]) == 2
        assert main(["sweep", address]) == 2
        assert main([address]) == 2
    written = "".join(path.read_text(errors="replace") for path in tmp_path.rglob("*.log"))
    told = capfd.readouterr()
    everything = told.out + told.err + caplog.text + written
    assert "initviz" in told.err
    assert "hunter2" not in everything
    assert "Traceback" not in told.err


def test_neither_the_place_nor_the_chain_of_causes_tells_it() -> None:
    place = find_place("postgresql://me:hunter2@127.0.0.1:1/db")
    assert "hunter2" not in repr(place) + str(place) + place.shown
    with pytest.raises(InitVizError) as caught:
        open_storage(place)
    error: BaseException | None = caught.value
    assert error is not None
    assert error.__suppress_context__
    assert error.__cause__ is None
    assert "hunter2" not in str(error)


def test_a_wrong_password_is_told_without_it(postgresql: str) -> None:
    with pytest.raises(InitVizError) as caught:
        open_storage(find_place(postgresql.replace(QUOTED, "hunter2")))
    assert "authentication failed" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("psycopg", "psycopg2"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InitVizError, match=r"pip install 'initviz\[postgresql\]'"):
        find_place("postgresql://me:hunter2@host/db")


def test_a_file_that_is_no_storage_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, whatever its name may be " * 50)
    with pytest.raises(InitVizError, match="cannot be used for studies"):
        open_storage(find_place(str(path)))
    assert path.read_text().startswith("not a database")


def test_a_server_keeps_studies(postgresql: str) -> None:
    opened = open_storage(find_place(postgresql))
    assert opened.get_all_studies() is not None
    close_storage(opened)
