"""What is around the packaged program; building it takes minutes and is not done here."""

import ast
import configparser
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

import initviz
import tasks

PACKAGING = Path(__file__).parent.parent / "packaging"
LINUX = PACKAGING / "linux"

# Answers as the packaged program does, but for one fault that is put in.
PROGRAM = """#!{python}
import json, sys
words, fault = sys.argv[1:], {fault!r}
if words[0] == fault:
    sys.exit("fault")
if words[0] == "--version":
    print("initviz", "0.0.0" if fault == "old version" else {version!r})
elif words[0] == "run":
    tried = words[1].removesuffix(".toml")
    if tried == fault:
        sys.exit("fault")
    print(json.dumps({{"steps": 19 if fault == "a step less" else 20, "lanes": [1]}}))
    if fault != "no metrics" and "--metrics" in words:
        open(words[words.index("--metrics") + 1], "w")
elif words[0] == "sweep":
    if fault != "no search":
        open(words[words.index("--storage") + 1], "w")
elif words[0] == "list":
    print(json.dumps([{{"kind": kind}} for kind in {kinds!r}]))
else:
    open(words[words.index("--out") + 1], "w")
"""


def load(path: Path) -> ModuleType:
    """Import a script by its path."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (None, None),
        ("--version", "exit code 1"),
        ("snapshot", "exit code 1"),
        ("old version", "should be version"),
        ("a step less", "did not train 20 steps"),
        ("no metrics", r"did not write it\.parquet"),
        ("imbalance", "exit code 1"),
        ("no search", r"did not write it\.sqlite"),
        ("no optimizers", "its catalogue has only"),
    ],
)
def test_trying_out_finds_faults(fault: str | None, message: str | None, tmp_path: Path) -> None:
    kinds = ["initializer", "dataset"] + ([] if fault == "no optimizers" else ["optimizer"])
    program = tmp_path / "initviz"
    text = PROGRAM.format(python=sys.executable, fault=fault, version=initviz.__version__, kinds=kinds)
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    script = load(PACKAGING / "try_out.py")
    if message is None:
        script.try_out(program)
    else:
        with pytest.raises(RuntimeError, match=message):
            script.try_out(program)


def test_hidden_imports_are_the_loaders_own_lists() -> None:
    tree = ast.parse((PACKAGING / "initviz.spec").read_text(encoding="utf-8"))
    imported = {
        (node.module, alias.asname): alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported["initviz.catalog.index", "catalogue_modules"] == "module_names"
    assert imported["initviz.views.index", "view_modules"] == "module_names"
    (hidden,) = [
        node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "hiddenimports"
    ]
    called = {
        node.func.id
        for node in ast.walk(hidden)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert called == {"catalogue_modules", "view_modules"}


def test_menu_entry_and_description_agree() -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str  # type: ignore[assignment, method-assign]
    (desktop,) = LINUX.glob("*.desktop")
    entry.read(desktop, encoding="utf-8")
    section = entry["Desktop Entry"]
    (metainfo,) = LINUX.glob("*.metainfo.xml")
    component = ElementTree.parse(metainfo).getroot()
    assert component.findtext("launchable") == desktop.name
    assert component.findtext("id") == desktop.stem == section["Icon"]
    assert component.findtext("provides/binary") == section["TryExec"] == "initviz"
    assert section["Exec"] == "initviz %f"
    assert {"Name", "Comment", "Comment[zh_CN]"} <= set(section)
    assert '"@VERSION@"' in metainfo.read_text(encoding="utf-8")


def test_windows_installer_names_what_is_built() -> None:
    script = (PACKAGING / "windows" / "initviz.iss").read_text(encoding="utf-8")
    spec = (PACKAGING / "initviz.spec").read_text(encoding="utf-8")
    for name in ("InitViz", "initviz-cli"):
        assert f'program("{name}"' in spec
    assert r"{app}\InitViz.exe" in script
    assert 'icon("initviz.ico")' in spec
    assert r"build\initviz.ico" in script


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")
def test_debian_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "dist" / "initviz"
    (program / "_internal").mkdir(parents=True)
    (program / "initviz").write_text("#!/bin/sh\necho it runs\n")
    (program / "initviz").chmod(0o755)
    (program / "_internal" / "part").touch()
    build = load(LINUX / "build.py")
    monkeypatch.setattr(build, "PROGRAM", program)
    monkeypatch.setattr(build, "PYTHON", sys.executable)
    package, tree = tmp_path / "initviz.deb", tmp_path / "tree"
    build.build_deb(package)
    subprocess.run(["dpkg-deb", "-x", str(package), str(tree)], check=True)
    started = subprocess.run([str(tree / "usr/bin/initviz")], check=True, capture_output=True, text=True)
    assert started.stdout == "it runs\n"
    (metainfo,) = tree.glob("usr/share/metainfo/*.xml")
    (release,) = ElementTree.parse(metainfo).iterfind("releases/release")
    assert release.get("version") == initviz.__version__
    assert len(list(tree.glob("usr/share/icons/hicolor/*/apps/org.initviz.InitViz.*"))) == 6
    control = subprocess.run(
        ["dpkg-deb", "-f", str(package)], check=True, capture_output=True, text=True
    ).stdout
    fields = dict(line.split(": ", 1) for line in control.splitlines() if not line.startswith(" "))
    assert fields["Version"] == initviz.__version__
    assert set(tasks.QT_LIBRARIES.values()) <= set(fields["Depends"].split(", "))
