"""Torch's libraries are loaded while the window goes on."""

from __future__ import annotations

import subprocess
import sys

import pytest

from initviz.worker.preload import LIBRARIES, preload_torch

LET_GO = """
import sys, threading, time
from initviz.worker import preload

found, longest = [], 0.0
thread = threading.Thread(target=lambda: found.append((preload.preload_torch(), time.perf_counter())))
begin = last = time.perf_counter()
thread.start()
while thread.is_alive():
    time.sleep(0.001)
    now = time.perf_counter()
    longest, last = max(longest, now - last), now
names, end = found[0]
assert "torch" not in sys.modules
maps = open("/proc/self/maps").read()
assert all(f"/{name}.so" in maps for name in names), names
print(len(names), end - begin, longest)
import torch
assert float(torch.ones(2) @ torch.ones(2)) == 2.0
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_libraries_are_there_and_other_threads_went_on() -> None:
    """Everything is mapped before torch is imported, torch works, and no other thread waited for all of it."""
    process = subprocess.run(
        [sys.executable, "-c", LET_GO], check=False, capture_output=True, text=True, timeout=120
    )
    assert process.returncode == 0, process.stderr
    count, whole, longest = (float(word) for word in process.stdout.split())
    assert count == len(LIBRARIES)
    assert longest < 0.8 * whole


def test_nothing_is_done_once_torch_is_there() -> None:
    """It would be too late, and useless."""
    import torch

    assert torch.__version__
    assert preload_torch() == ()
