"""The rules that keep the rooms apart, where import-linter cannot see: at run time, and in the files."""

import ast
import json
import pkgutil
import re
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import initviz.catalog
from initviz.catalog.index import module_names

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "initviz"
SCENARIO = ROOT / "resources" / "scenarios" / "two_moons.toml"
WINDOW = {"PySide6", "shiboken6", "pyqtgraph"}

# Runs the command line in this process and appends, as the last line of stderr, what has been imported.
COMMAND_LINE = """
import sys
from initviz.cli import main
try:
    code = main(sys.argv[1:])
finally:
    print("\\n" + " ".join({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(code)
"""


def python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a fresh interpreter, from the checkout."""
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result


def imported(result: subprocess.CompletedProcess[str]) -> set[str]:
    """Return the top-level packages that ``COMMAND_LINE`` has reported."""
    return set(result.stderr.splitlines()[-1].split())


def tracked_files() -> list[Path]:
    """Return the project's files as git knows them."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    ).stdout
    return [path for name in listing.split("\0") if name and (path := ROOT / name).is_file()]


def test_listing_the_catalogue_imports_neither_window_nor_torch() -> None:
    result = python(COMMAND_LINE, "list", "--json")
    entries = json.loads(result.stdout)
    assert {"kind", "key", "title", "parameters", "formula", "source"} <= set(entries[0])
    assert {"initializer", "optimizer", "dataset"} <= {entry["kind"] for entry in entries}
    assert "initviz" in imported(result)
    assert not imported(result) & (WINDOW | {"torch", "sklearn", "scipy", "optuna", "sqlalchemy"})


@pytest.mark.parametrize(
    "arguments", [["run", str(SCENARIO), "--steps", "2", "--json"], ["probe", str(SCENARIO), "--json"]]
)
def test_training_without_a_window_imports_no_window(arguments: list[str]) -> None:
    result = python(COMMAND_LINE, *arguments)
    assert json.loads(result.stdout)["lanes"]
    assert "torch" in imported(result)
    assert not imported(result) & WINDOW


def test_a_study_imports_no_window(tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text(
        'experiment = {steps = 2, data = {name = "moons"}}\nsampler = "grid"\n'
        'fields = [{path = "model.depth", choices = [1, 2]}]\n'
    )
    result = python(COMMAND_LINE, "sweep", str(study), "--json", "--storage", str(tmp_path / "kept.sqlite3"))
    assert json.loads(result.stdout)["counts"] == {"complete": 2}
    assert "optuna" in imported(result)
    assert not imported(result) & WINDOW


def test_the_window_is_there_before_torch() -> None:
    program = """
import importlib, pkgutil, sys
import initviz.app, initviz.ui, initviz.views
names = [m.name for p in (initviz.ui, initviz.views) for m in pkgutil.walk_packages(p.__path__, p.__name__ + ".")]
for name in names:
    importlib.import_module(name)
assert "PySide6.QtWidgets" in sys.modules and len(names) > 10, names
print(*sorted({"torch", "sklearn", "scipy"} & set(sys.modules)))
"""
    assert python(program).stdout.split() == []


def test_emitting_true_does_not_wear_true_out() -> None:
    # PySide6 6.12.0 drops a reference to True on every call; the process aborts after 500 to 1,000 of them.
    program = """
from PySide6.QtCore import QCoreApplication, QObject, Signal
class Source(QObject):
    flag = Signal(bool)
application = QCoreApplication([])
source, seen = Source(), []
source.flag.connect(seen.append)
for _ in range(3000):
    source.flag.emit(True)
print(len(seen), all(value is True for value in seen))
"""
    assert python(program).stdout.split() == ["3000", "True"]


def has_parts(path: Path) -> bool:
    """Say whether a module assigns ``PARTS`` at its top level."""
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        if any(isinstance(target, ast.Name) and target.id == "PARTS" for target in targets):
            return True
    return False


def test_every_catalogue_module_is_listed() -> None:
    # A module that is only found by scanning would be missing, silently, from the frozen program.
    on_disk = set()
    for module in pkgutil.walk_packages(initviz.catalog.__path__, "initviz.catalog."):
        path = ROOT.joinpath(*module.name.split("."))
        source = path / "__init__.py" if module.ispkg else path.with_suffix(".py")
        if has_parts(source):
            on_disk.add(module.name)
    assert len(module_names()) == len(set(module_names()))
    assert set(module_names()) == on_disk
    assert on_disk


def test_nothing_is_left_to_do() -> None:
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
    found = []
    for path in tracked_files():
        if path.suffix in {".py", ".toml", ".md", ".sh", ".ts", ".qss", ".spec", ".yml"}:
            lines = path.read_text(encoding="utf-8").splitlines()
            found += [
                f"{path.relative_to(ROOT)}:{n}" for n, line in enumerate(lines, 1) if marks.search(line)
            ]
    assert found == []


def test_files_are_short_and_named_after_what_is_in_them() -> None:
    vague = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}
    sources = list(PACKAGE.rglob("*.py"))
    assert len(sources) > 20
    assert [
        path.name for path in sources if vague & {path.stem, *path.stem.split("_"), path.parent.name}
    ] == []
    long = {
        path.name: n for path in sources if (n := len(path.read_text(encoding="utf-8").splitlines())) > 450
    }
    assert long == {}


def test_every_package_in_the_program_is_in_the_notices() -> None:
    text = (ROOT / "THIRD_PARTY_NOTICES.md").read_text(encoding="utf-8")
    noticed = {word.lower().replace("_", "-") for word in re.findall(r"[\w.-]+", text)}
    waiting, seen = ["initviz"], set[str]()
    while waiting:
        name = waiting.pop()
        for line in requires(name) or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                key = requirement.name.lower().replace("_", "-")
                # What PyTorch's CUDA build adds has a sentence of its own there.
                if key not in seen and not key.startswith(("nvidia-", "cuda-", "triton")):
                    seen.add(key)
                    waiting.append(key)
    assert len(seen) > 15
    assert sorted(seen - noticed) == []
