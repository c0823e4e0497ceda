"""Everything that is done with this project, one command each: ``python3 tasks.py TASK``.

Needs nothing but Python: it makes the virtual environment ``.venv`` and installs what is missing.
"""

import argparse
import ctypes
import hashlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
INITVIZ = BIN / ("initviz.exe" if os.name == "nt" else "initviz")
SCENARIO = Path("resources", "scenarios", "good_and_bad_starts.toml")


def too_old(version: "tuple[int, ...]") -> "str | None":
    """Return what to tell a person whose Python is too old, or None."""
    if version[:2] >= (3, 11):
        return None
    newer = [f"python3.{minor}" for minor in range(20, 10, -1) if shutil.which(f"python3.{minor}")]
    hint = f"This machine has a newer one: {newer[0]} tasks.py ..." if newer else "Install a newer one first."
    number = ".".join(str(part) for part in version[:3])
    return f"InitViz needs Python 3.11 or newer, and this is Python {number}. {hint}"


if too_old(sys.version_info[:3]):  # here, since an older one cannot read what follows
    sys.exit(too_old(sys.version_info[:3]))


# Shared libraries that Qt is linked with but does not bring along, and Debian's package for each.
QT_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}
# The same for a window on a screen; drawing into a picture does without them.
SCREEN_LIBRARIES = {
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
}
# Without them letters or Chinese characters are drawn as boxes.
FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts")
LATIN_FONTS = re.compile(r"dejavu|noto|liberation|ubuntu|cantarell|inter|roboto", re.IGNORECASE)
CHINESE_FONTS = re.compile(r"droidsansfallback|cjk|wqy|uming|ukai|sourcehan|simsun|pingfang", re.IGNORECASE)


Command = Sequence[str | Path]


class TaskError(Exception):
    """A task cannot go on; the text says what to do next."""


def say(text: str) -> None:
    """Tell on stderr what is being done, so that stdout stays what the task prints."""
    print(f"==> {text}", file=sys.stderr, flush=True)


def call(command: Command, **environment: str) -> int:
    """Run a command in the project's folder with further environment variables; return its exit code."""
    words = [str(part) for part in command]
    return subprocess.run(words, cwd=ROOT, env={**os.environ, **environment}, check=False).returncode


def must(command: Command, failure: str) -> None:
    """Run a command; raise ``TaskError`` with the text ``failure`` when it fails."""
    code = call(command)
    if code != 0:
        raise TaskError(f"{failure} (exit code {code} of: {shlex.join(str(part) for part in command)})")


# What the system lacks


def has_screen() -> bool:
    """Say whether a window can be shown."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def is_root() -> bool:
    """Say whether system packages may be installed without asking."""
    return sys.platform != "win32" and os.geteuid() == 0


def loads(soname: str) -> bool:
    """Say whether the loader finds a shared library."""
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def has_font(pattern: re.Pattern[str]) -> bool:
    """Say whether a font file whose name matches is installed."""
    return any(pattern.search(path.name) for folder in FONT_FOLDERS for path in folder.rglob("*.[to]t[fc]"))


def missing_packages() -> tuple[list[str], list[str]]:
    """List the Debian packages that a Linux system lacks: those that are needed, and those for good looks."""
    if sys.platform != "linux":
        return [], []
    needed = [package for soname, package in QT_LIBRARIES.items() if not loads(soname)]
    screen = [package for soname, package in SCREEN_LIBRARIES.items() if not loads(soname)]
    if importlib.util.find_spec("ensurepip") is None and not PYTHON.exists():
        needed.insert(0, f"python3.{sys.version_info.minor}-venv")
    wanted = [] if has_font(LATIN_FONTS) else ["fonts-dejavu-core"]
    wanted += [] if has_font(CHINESE_FONTS) else ["fonts-droid-fallback"]
    return (needed + screen, wanted) if has_screen() else (needed, screen + wanted)


def install_system_packages() -> None:
    """Install what the system lacks; where that is not allowed, say the one line that does.

    Raises:
        TaskError: Something is missing without which InitViz cannot run.
    """
    needed, wanted = missing_packages()
    if not needed and not wanted:
        return
    packages = needed + wanted
    if shutil.which("apt-get") is None:
        if needed:
            raise TaskError(
                "This system lacks libraries that the window needs. Install them with your package manager, "
                "then try again. In Debian they are called: " + " ".join(needed)
            )
        return
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if is_root():
        say("Installing system packages: " + " ".join(packages))
        os.environ.setdefault("DEBIAN_FRONTEND", "noninteractive")
        must(["apt-get", "update"], "The list of system packages cannot be read")
        must(install, "System packages could not be installed")
        importlib.invalidate_caches()
        return
    line = f"sudo apt-get update && sudo {shlex.join(install)}"
    if needed:
        raise TaskError(f"Some system packages are missing. Paste this line, then try again:\n\n    {line}\n")
    say(f"For a window on a screen and for all characters, paste this line some time:\n\n    {line}\n")


# Installing


def fingerprint() -> str:
    """Return a hash of all that decides what is installed."""
    digest = hashlib.sha256(f"{sys.version} {ROOT}".encode())
    for name in ("pyproject.toml", "constraints.txt", "setup.py", "tasks.py"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def run_pip(*arguments: str) -> None:
    """Call pip in the virtual environment, with the tested versions.

    Raises:
        TaskError: pip failed.
    """
    must(
        [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "-c", "constraints.txt", *arguments],
        "Packages could not be installed. Check the network, then start the same task again",
    )


def check_qt() -> None:
    """Import Qt as the window does.

    Raises:
        TaskError: Qt does not load.
    """
    program = "import sys; from PySide6.QtWidgets import QApplication; QApplication(sys.argv[:1])"
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [str(PYTHON), "-c", program]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or [f"exit code {result.returncode}"])[-1]
        raise TaskError(
            f"Qt does not load on this system: {reason}\nInstall what is named there, then try again."
        )


def install(extra: str = "dev") -> None:
    """Make ``.venv`` complete; quick when it already is.

    Args:
        extra: Which optional dependencies of pyproject.toml come along.
    Raises:
        TaskError: Something is missing that cannot be installed from here.
    """
    stamp = VENV / f".installed-{extra}"
    mark = fingerprint()
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == mark:
        return
    install_system_packages()
    if not PYTHON.exists() or call([PYTHON, "-c", "import pip"]) != 0:
        say(f"Making the virtual environment {VENV}")
        must([sys.executable, "-m", "venv", "--clear", VENV], "The virtual environment could not be made")
    say("Installing PyTorch, the largest part")
    run_pip("torch")
    say("Installing InitViz and everything else that it needs")
    run_pip("-e", f".[{extra}]")
    check_qt()
    stamp.write_text(mark)
    say("Ready")


# Tasks


def task_install(arguments: list[str]) -> int:
    """Set everything up in .venv."""
    install()
    return 0


def task_run(arguments: list[str]) -> int:
    """Open the window; without a display, draw it into a picture. Arguments go to initviz."""
    install()
    is_file = bool(arguments) and arguments[0].endswith(".toml")
    if has_screen() or (arguments and not is_file):
        return call([INITVIZ, *arguments])
    experiment = Path(arguments[0]) if is_file else SCENARIO
    say("There is no display here, so the window is drawn into a picture and the numbers are printed.")
    picture = ROOT / "shots" / f"{experiment.stem}.png"
    picture.parent.mkdir(exist_ok=True)
    drawing: Command = [
        INITVIZ,
        "snapshot",
        experiment,
        "--steps",
        "300",
        "--size",
        "1600x900",
        "--out",
        picture,
    ]
    code = call(drawing, QT_QPA_PLATFORM="offscreen")
    if code == 0:
        say(f"The picture of the window after 300 steps: {picture}")
    return call([INITVIZ, "run", experiment, "--steps", "300"]) or code


def task_test(arguments: list[str]) -> int:
    """Run the tests. Arguments go to pytest."""
    install()
    workers = [] if any(re.match(r"-n|--numprocesses|--pdb|-p", word) for word in arguments) else ["-n", "2"]
    return call(
        [PYTHON, "-m", "pytest", *workers, *arguments], QT_QPA_PLATFORM="offscreen", OMP_NUM_THREADS="1"
    )


def task_check(arguments: list[str]) -> int:
    """Run the linter, the formatter, the type checker and the import rules, side by side."""
    install()
    tools: dict[str, Command] = {
        "ruff check": [PYTHON, "-m", "ruff", "check", "."],
        "ruff format": [PYTHON, "-m", "ruff", "format", "--check", "."],
        "mypy": [PYTHON, "-m", "mypy"],
        "import-linter": [BIN / "lint-imports"],
    }
    start = time.monotonic()
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        running = {}
        for name, command in tools.items():
            output = Path(folder, name)
            with output.open("wb") as stream:
                words = [str(part) for part in command]
                running[name] = (
                    subprocess.Popen(words, cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT),
                    output,
                )
        for name, (process, output) in running.items():
            code = process.wait()
            verdict = "ok" if code == 0 else "FAILED"
            print(f"{name}: {verdict} after {time.monotonic() - start:.0f} s", flush=True)
            if code != 0:
                failed.append(name)
                print(output.read_text(encoding="utf-8", errors="replace"), flush=True)
    print("check: " + ("failed: " + ", ".join(failed) if failed else "everything is in order"))
    return 1 if failed else 0


def task_bench(arguments: list[str]) -> int:
    """Measure speed, one JSON line a benchmark. Arguments go to tests.benchmarks."""
    install()
    return call([PYTHON, "-m", "tests.benchmarks", *arguments], OMP_NUM_THREADS="1")


def task_translate(arguments: list[str]) -> int:
    """Collect the window's texts into resources/translations and compile what is translated."""
    install()
    folder = ROOT / "resources" / "translations"
    sources = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "initviz").rglob("*.py"))
    # English needs a file for its plurals alone: everything else is what the sources say.
    for language, only in (("en", ["-pluralonly"]), ("zh_CN", [])):
        texts = folder / f"initviz_{language[:2]}.ts"
        options = ["-no-obsolete", "-locations", "none", "-source-language", "en", *only]
        collecting: Command = [
            BIN / "pyside6-lupdate",
            *sources,
            "-ts",
            texts,
            "-target-language",
            language,
            *options,
        ]
        must(collecting, "The texts could not be collected")
        compiling: Command = [BIN / "pyside6-lrelease", texts, "-qm", texts.with_suffix(".qm")]
        must(compiling, "The translations could not be compiled")
    return 0


def task_package(arguments: list[str]) -> int:
    """Build the program that needs no Python, and try it out. Arguments go to PyInstaller."""
    install()
    install("package")
    folders = ["--distpath", "dist", "--workpath", "build/pyinstaller"]
    building: Command = [
        PYTHON,
        "-m",
        "PyInstaller",
        "--noconfirm",
        *folders,
        *arguments,
        "packaging/initviz.spec",
    ]
    must(building, "The program could not be built")
    must([PYTHON, "packaging/try_out.py", "dist/initviz"], "The program was built but does not work")
    say(f"The program: {ROOT / 'dist' / 'initviz'}. packaging/README.md tells how to make installers of it.")
    return 0


TASKS = {
    "run": task_run,
    "test": task_test,
    "install": task_install,
    "check": task_check,
    "bench": task_bench,
    "translate": task_translate,
    "package": task_package,
}


def main(arguments: list[str]) -> int:
    """Do one task and return its exit code."""
    listing = "\n".join(f"  {name:9} {(task.__doc__ or '').strip()}" for name, task in TASKS.items())
    parser = argparse.ArgumentParser(
        prog="tasks.py",
        description="Set up, run, test, check, measure and package InitViz.",
        epilog=f"tasks:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task", choices=TASKS, metavar="task", help="one of: " + ", ".join(TASKS))
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="passed on to what the task starts")
    given = parser.parse_args(arguments)
    try:
        return TASKS[given.task](given.arguments)
    except TaskError as error:
        print(f"tasks.py {given.task}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
