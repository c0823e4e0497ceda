"""The files that come with the program are found from a checkout, a wheel and a frozen program."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from initviz import resources
from initviz.preload import torch_core_library

ROOT = Path(__file__).parent.parent
FIND = "from initviz.resources import resource; print(resource('icons', 'initviz.svg'))"


@pytest.fixture
def fresh_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search for the folder anew, before and after the test."""
    monkeypatch.setattr(resources, "resource_root", resources.resource_root.__wrapped__)


def test_in_a_checkout() -> None:
    assert resources.resource("icons", "initviz.svg") == ROOT / "resources" / "icons" / "initviz.svg"
    assert resources.resource() == ROOT / "resources"


@pytest.mark.usefixtures("fresh_root")
def test_in_a_frozen_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "resources" / "icons").mkdir(parents=True)
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert resources.resource("icons") == tmp_path / "resources" / "icons"


@pytest.mark.usefixtures("fresh_root")
def test_incomplete_installation_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    with pytest.raises(FileNotFoundError, match=r"install InitViz again"):
        resources.resource("icons")


def test_missing_file_and_way_out() -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.svg"):
        resources.resource("icons", "nothing.svg")
    with pytest.raises(ValueError, match="outside"):
        resources.resource("..", "pyproject.toml")


def test_in_a_wheel(tmp_path: Path) -> None:
    # A copy, so that no build folder appears in the checkout.
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        encoding="utf-8",
    ).stdout.split("\0")
    source = tmp_path / "source"
    for name in filter(None, tracked):
        if not name.startswith("tests/") and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "--quiet"]
    built = tmp_path / "wheel"
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(built), str(source)],
        check=True,
        timeout=150,
    )
    (wheel,) = built.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("initviz_resources/")}
    on_disk = {path.relative_to(source) for path in (source / "resources").rglob("*") if path.is_file()}
    assert packed == {f"initviz_resources/{path.relative_to('resources').as_posix()}" for path in on_disk}

    venv.create(tmp_path / "venv", with_pip=False)
    folder = tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    subprocess.run(
        [*pip, "--python", str(folder / "python"), "install", "--no-deps", str(wheel)],
        check=True,
        timeout=150,
    )
    found = subprocess.run(
        [str(folder / "python"), "-c", FIND],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    icon = Path(found.strip())
    assert icon.parts[-3:] == ("initviz_resources", "icons", "initviz.svg")
    assert icon.is_relative_to(tmp_path / "venv")
    assert icon.read_bytes() == (ROOT / "resources" / "icons" / "initviz.svg").read_bytes()


def test_torch_core_is_found_without_importing_torch() -> None:
    program = (
        "import sys; from initviz.preload import torch_core_library, load_torch_core; load_torch_core();"
        "print(torch_core_library()); assert 'torch' not in sys.modules"
    )
    result = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    core = Path(result.stdout.strip())
    assert core.is_file()
    assert "c10" in core.name
    assert core == torch_core_library()
