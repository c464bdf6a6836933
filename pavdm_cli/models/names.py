"""The names of devices, number formats, domains and ways to fit a device; imports no torch."""

from typing import Literal

DeviceName = Literal["auto", "cpu", "cuda", "mps"]
DtypeName = Literal["auto", "fp16", "bf16", "fp32"]
Offload = Literal["none", "text", "model"]
PresetName = Literal["small", "large"]
DomainName = Literal["mazes", "doom"]
