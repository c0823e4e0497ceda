"""Run benchmarks: ``python -m tests.benchmarks [--list] [PREFIX...]``."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
import traceback

import tests.benchmarks as package
from tests.benchmarks.measure import Benchmark


def find() -> list[Benchmark]:
    """Return the rows of every module of this package, in the order of their names."""
    rows: list[Benchmark] = []
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("_"):
            found = importlib.import_module(f"{package.__name__}.{module.name}")
            rows.extend(getattr(found, "BENCHMARKS", ()))
    return rows


def main(arguments: list[str]) -> int:
    """Run the rows that are asked for; 1 when one of them fails to run."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure speed.")
    parser.add_argument("--list", action="store_true", help="print the names of the rows")
    parser.add_argument("prefix", nargs="*", help="rows whose names start so; all without")
    given = parser.parse_args(arguments)
    chosen = [row for row in find() if not given.prefix or row.name.startswith(tuple(given.prefix))]
    if not chosen:
        print("no row has such a name; see --list", file=sys.stderr)
        return 2
    failed = False
    for row in chosen:
        if given.list:
            print(row.name)
            continue
        try:
            line = row.line(row.run())
        except Exception as error:  # noqa: BLE001 - one row that fails must not hide the others
            traceback.print_exc()
            line = {"name": row.name, "error": f"{type(error).__name__}: {error}"}
            failed = True
        print(json.dumps(line), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
