"""Devices and number formats: what this machine has, what a person asked for, and how much memory is free."""

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from pavdm_cli.errors import DeviceError
from pavdm_cli.models.names import DeviceName, DtypeName

MEMINFO = Path("/proc/meminfo")
_DTYPES: dict[DtypeName, torch.dtype] = {
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
    "fp32": torch.float32,
}


@dataclass(frozen=True)
class Place:
    """Where and in which number format networks run."""

    device: torch.device
    dtype: torch.dtype

    def __str__(self) -> str:
        return f"{self.device.type} ({dtype_name(self.dtype)}, {_called(self.device)})"


def dtype_name(dtype: torch.dtype) -> DtypeName:
    """Return the name a number format is asked for by."""
    return {value: name for name, value in _DTYPES.items()}[dtype]


def place(device: DeviceName, dtype: DtypeName, half: DtypeName = "fp16") -> Place:
    """Turn what was asked for into a device and a format; auto takes the best there is.

    half: the format of two bytes that the model was made for, which auto takes on CUDA.

    Raises:
        DeviceError: this machine does not have the device, or the device not the format.
    """
    there = _available()
    if device != "auto" and device not in there:
        raise DeviceError(
            f"device {device!r}: not on this machine; there is {', '.join(there)}. Use --device auto"
        )
    chosen = torch.device(there[0] if device == "auto" else device)
    if dtype == "auto":
        return Place(chosen, _DTYPES[half] if chosen.type == "cuda" else _natural(chosen))
    if dtype == "fp16" and chosen.type == "cpu":
        raise DeviceError("dtype 'fp16': a CPU has no fast half precision; use --dtype bf16, fp32 or auto")
    return Place(chosen, _DTYPES[dtype])


def formats(device: torch.device) -> tuple[DtypeName, ...]:
    """Name the number formats worth running on a device."""
    return ("bf16", "fp32") if device.type == "cpu" else ("fp16", "bf16", "fp32")


def free_memory(device: torch.device) -> int:
    """Return the bytes free on a device; for the CPU and mps, what the system could hand out.

    Linux counts file caches it can drop as free (MemAvailable); a system without that figure gives all its
    memory.
    """
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    said = MEMINFO.read_text() if MEMINFO.is_file() else ""
    available = re.search(r"^MemAvailable:\s*(\d+) kB$", said, flags=re.MULTILINE)
    if available:
        return int(available[1]) << 10
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def training_dtype(device: torch.device) -> torch.dtype:
    """Return the format to train in: bf16, with fp32's range, on CUDA and on a CPU fast in it, else fp32."""
    return torch.bfloat16 if device.type == "cuda" else _natural(device)


def autocast(device: torch.device) -> torch.autocast:
    """Return the context to train in."""
    dtype = training_dtype(device)
    return torch.autocast(device.type, dtype, enabled=dtype is torch.bfloat16)


def be_deterministic() -> None:
    """Let torch use only algorithms that give the same numbers at every run; for the whole process."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when it is first used
    torch.use_deterministic_algorithms(True)


def cores() -> int:
    """Return the processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def allowed() -> int:
    """Return how many cores this process is to keep busy: as many as OMP_NUM_THREADS says, or all."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return max(int(said), 1) if said.isdecimal() else cores()


def share_cores(*, halved: bool) -> None:
    """Set torch's threads: half of the cores for a model that computes the halves of a batch at once, else
    all but one.

    For a small model, beside whose denoiser the decoder and the video's encoder matter. Threads that wait for
    each other at every product, and share their cores with those two, take as long as one thread less.
    """
    torch.set_num_threads(max(allowed() // 2 if halved else allowed() - 1, 1))


def compute_on(threads: int) -> None:
    """Let the thread that calls this run torch on so many threads; torch keeps the number by thread."""
    torch.get_num_threads()  # at its first question a thread takes torch's own number; then it can be told
    torch.set_num_threads(threads)


def seconds(call: Callable[[], object], device: torch.device) -> float:
    """Return what a call takes, to the end of the work that it leaves a CUDA device to do."""
    _finish(device)
    begun = time.perf_counter()
    call()
    _finish(device)
    return time.perf_counter() - begun


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _available() -> list[str]:
    best = ["cuda"] if torch.cuda.is_available() else []
    best += ["mps"] if torch.backends.mps.is_available() else []
    return [*best, "cpu"]


def _natural(device: torch.device) -> torch.dtype:
    """fp16 on CUDA; bf16 on a CPU with instructions for it; else fp32."""
    if device.type == "cuda":
        return torch.float16
    fast = device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if fast else torch.float32


def _called(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{torch.get_num_threads()} threads" if device.type == "cpu" else "Apple GPU"
