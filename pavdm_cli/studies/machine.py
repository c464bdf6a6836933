"""What runs here, and how much memory it took at most."""

import os
import platform
import resource
import sys
from pathlib import Path

import torch

from pavdm_cli.models.device import Place


def machine(place: Place) -> dict[str, str]:
    """Say what runs here: processor, device, threads, versions."""
    cpu = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in _lines(cpu) if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "device": str(place),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
    }


def peak() -> float:
    """Return the most memory this process had at a time, MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def device_peak(place: Place) -> float | None:
    return torch.cuda.max_memory_allocated(place.device) / 2**20 if place.device.type == "cuda" else None


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.is_file() else []
