"""Devices and number formats: what this machine has, what a person asked for, and how much memory is free."""

import os
from dataclasses import dataclass
from typing import Literal

import torch

from pavdm_cli.errors import DeviceError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]
DtypeName = Literal["auto", "fp16", "bf16", "fp32"]

_DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}


@dataclass(frozen=True)
class Place:
    """Where and in which number format networks run."""

    device: torch.device
    dtype: torch.dtype

    def __str__(self) -> str:
        name = {v: k for k, v in _DTYPES.items()}[self.dtype]
        return f"{self.device.type} ({name}, {_called(self.device)})"


def place(device: DeviceName, dtype: DtypeName) -> Place:
    """Turn what was asked for into a device and a format; auto takes the best there is.

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
        return Place(chosen, _natural(chosen))
    if dtype == "fp16" and chosen.type == "cpu":
        raise DeviceError("dtype 'fp16': a CPU has no fast half precision; use --dtype bf16, fp32 or auto")
    return Place(chosen, _DTYPES[dtype])


def free_memory(device: torch.device) -> int:
    """Return the bytes free on a device; for the CPU and mps, what the system could hand out."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def be_deterministic() -> None:
    """Let torch use only algorithms that give the same numbers at every run; for the whole process."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when it is first used
    torch.use_deterministic_algorithms(True)


def _available() -> list[str]:
    best = ["cuda"] if torch.cuda.is_available() else []
    best += ["mps"] if torch.backends.mps.is_available() else []
    return [*best, "cpu"]


def _natural(device: torch.device) -> torch.dtype:
    """fp16 on an accelerator; on a CPU bf16 where it has instructions for it, else fp32."""
    if device.type != "cpu":
        return torch.float16
    return torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32


def _called(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{torch.get_num_threads()} threads" if device.type == "cpu" else "Apple GPU"
