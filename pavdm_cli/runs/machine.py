"""The numerics of a run: what its numbers depend on besides its order, kept so that it can go on exactly."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

import torch

from pavdm_cli.errors import ConfigError, RunError
from pavdm_cli.models import device, library
from pavdm_cli.models.card import ModelConfig
from pavdm_cli.models.config import read
from pavdm_cli.models.device import Place
from pavdm_cli.models.names import DtypeName
from pavdm_cli.runs.order import Order
from pavdm_cli.runs.store import Run


@dataclass(frozen=True, kw_only=True)
class Machine:
    """threads, attention_chunk, deterministic: as torch was told. kind: of processor. abreast: videos made
    side by side. weights, vae: fingerprints of all weights and of the VAE's; model: of the configuration."""

    device: Literal["cpu", "cuda", "mps"]
    dtype: DtypeName
    threads: int
    attention_chunk: int | None
    deterministic: bool
    torch: str
    kind: str
    abreast: int
    weights: str
    vae: str
    model: str


def found(
    place: Place,
    folder: Path,
    model: ModelConfig,
    *,
    attention_chunk: int | None,
    deterministic: bool,
    abreast: int,
) -> Machine:
    """Return the numerics of this process."""
    return Machine(
        device=cast(Literal["cpu", "cuda", "mps"], place.device.type),
        dtype=device.dtype_name(place.dtype),
        threads=torch.get_num_threads(),
        attention_chunk=attention_chunk,
        deterministic=deterministic,
        torch=torch.__version__,
        kind=_kind(place),
        abreast=abreast,
        weights=library.weights_hash(folder, model),
        vae=library.vae_hash(folder, model),
        model=hashlib.sha256(repr(model).encode()).hexdigest()[:16],
    )


def earlier(run: Run) -> Machine | None:
    """Return the numerics a run began with; None if it was stopped before it knew them.

    Raises:
        RunError: their record is damaged.
    """
    path = run.folder / "machine.json"
    if not path.exists():
        return None
    try:
        return read(Machine, path)
    except ConfigError as error:
        raise RunError(
            f"run {run.name}: {error}; it cannot go on exactly. Make the video again with 'pavdm generate'"
        ) from error


def asked(order: Order) -> Place:
    """Return where an order asks to run, and set torch to what it asks for.

    Raises:
        DeviceError: the device or number format is not there.
    """
    if order.deterministic:
        device.be_deterministic()
    if order.model.small:
        device.share_cores(halved=order.guidance != 1)
    return device.place(order.device, order.dtype, order.model.half)


def take_up(machine: Machine) -> Place:
    """Set torch to the numerics of an earlier process, and return where it ran.

    Raises:
        DeviceError: the device is not there.
    """
    if machine.deterministic:
        device.be_deterministic()
    torch.set_num_threads(machine.threads)
    return device.place(machine.device, machine.dtype)


def check(earlier: Machine, now: Machine) -> None:
    """Hold the numerics of an earlier process against this one's.

    Raises:
        RunError: the weights, torch or the processor are not the same.
    """
    if now.weights != earlier.weights or now.model != earlier.model:
        raise RunError(
            f"the model is not the one this run began with (weights {earlier.weights}, now {now.weights}); "
            "restore it, or make the video again with 'pavdm generate'"
        )
    if now != replace(earlier, abreast=now.abreast):
        changed = [
            f"{name} {getattr(earlier, name)}, now {getattr(now, name)}"
            for name in ("torch", "device", "dtype", "kind", "threads")
            if getattr(earlier, name) != getattr(now, name)
        ]
        raise RunError(
            f"this run was begun with {'; '.join(changed)}: it would not go on exactly. Go back to "
            "that, or make the video again with 'pavdm generate'"
        )


def _kind(place: Place) -> str:
    if place.device.type == "cuda":
        return torch.cuda.get_device_name(place.device)
    return torch.backends.cpu.get_cpu_capability() if place.device.type == "cpu" else place.device.type
