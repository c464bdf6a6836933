"""The names of devices and number formats; imports no torch."""

from typing import Literal

DeviceName = Literal["auto", "cpu", "cuda", "mps"]
DtypeName = Literal["auto", "fp16", "bf16", "fp32"]
