"""Tries out the built program: its version, a little training, a search, and a picture of its window.

``python packaging/try_out.py dist/initviz``; needs only the standard library.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCENARIOS = ROOT / "resources" / "scenarios"
SCENARIO = SCENARIOS / "good_and_bad_starts.toml"
DEMANDING = ("imbalance", "modern_optimizers", "from_an_autoencoder")
"""Scenarios that load further packages while they are at work."""
STUDY = ROOT / "resources" / "studies" / "std_and_rate.toml"


def try_out(program: Path) -> None:
    """Run a frozen program as a person on the command line does.

    Raises:
        RuntimeError: It does not do what the program in the checkout does.
    """
    # From a folder of its own and without our variables, so that nothing of the checkout helps it.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment.update(QT_QPA_PLATFORM="offscreen", OMP_NUM_THREADS="1")

    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(SCENARIO, folder)

        def answer(*words: str) -> str:
            print(f"==> Trying: {program.name} {shlex.join(words)}", flush=True)
            command = [str(program), *words]
            result = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
            )
            if result.returncode != 0:
                raise RuntimeError(f"exit code {result.returncode}:\n{result.stderr}")
            return result.stdout

        source = (ROOT / "initviz" / "__init__.py").read_text(encoding="utf-8")
        version = source.split('__version__ = "')[1].split('"')[0]
        if version not in (said := answer("--version")):
            raise RuntimeError(f"it should be version {version}, but says: {said}")
        summary = json.loads(
            answer("run", SCENARIO.name, "--steps", "20", "--json", "--metrics", "it.parquet")
        )
        if summary["steps"] != 20 or not summary["lanes"]:
            raise RuntimeError(f"it did not train 20 steps: {summary}")
        kinds = {entry["kind"] for entry in json.loads(answer("list", "--json"))}
        if not {"initializer", "optimizer", "dataset"} <= kinds:
            raise RuntimeError(f"its catalogue has only {sorted(kinds)}")
        for name in DEMANDING:
            shutil.copy(SCENARIOS / f"{name}.toml", folder)
            answer("run", f"{name}.toml", "--steps", "3", "--json")
        shutil.copy(STUDY, folder)
        answer("sweep", STUDY.name, "--trials", "2", "--storage", "it.sqlite", "--json")
        answer("snapshot", SCENARIO.name, "--steps", "5", "--size", "1280x720", "--out", "it.png")
        for name in ("it.parquet", "it.sqlite", "it.png"):
            if not Path(folder, name).exists():
                raise RuntimeError(f"it did not write {name}.")


def main() -> int:
    """Try out the program in the folder that the command line names."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "dist" / "initviz").resolve()
    program = folder / ("initviz-cli.exe" if os.name == "nt" else "initviz")
    try:
        try_out(program)
    except RuntimeError as error:
        print(f"{program} failed: {error}", file=sys.stderr)
        return 1
    print("==> It works.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
