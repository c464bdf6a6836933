"""What is freed stays with the process: the next array begins without page faults."""

import platform
import subprocess
import sys

import pytest

from pavdm_cli.training import heap

FAULTS = """
import resource, sys
import torch
from pavdm_cli.training import heap
if sys.argv[1] == "kept":
    assert heap.keep()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
array = torch.ones(1 << 24)
for n in range(40):
    if n == 32:
        before = faults()
    array = array * 2
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's own setting")
def test_large_arrays_take_the_place_of_freed_ones() -> None:
    def last(how: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True, timeout=120
        )
        return int(done.stdout)

    assert last("kept") < 1000 < 50000 < last("plain")


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not heap.keep()
