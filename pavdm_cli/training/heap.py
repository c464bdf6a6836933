"""Memory that stays with the process, so that large arrays do not begin with page faults."""

import ctypes
import platform

MMAP_MAX, TRIM_THRESHOLD, TOP_PAD = -4, -1, -2
"""Parameters of mallopt(3)."""
PAD = 1 << 28
"""Bytes that are asked for beyond what is needed."""


def keep() -> bool:
    """Let the C library keep what is freed for the next array, where it is glibc; return whether it is.

    By itself it gives every array of some megabytes back to the system, and the next one is mapped and
    cleared page by page: half of the time that rendering takes, and 7 % of a training step (docs/log.md).
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all(mallopt(what, value) for what, value in ((MMAP_MAX, 0), (TRIM_THRESHOLD, -1), (TOP_PAD, PAD)))
