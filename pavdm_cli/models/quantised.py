"""Network weights in safetensors files, matrices at one byte a value, or at half a byte.

A tensor with two or more axes is stored as int8 under its name, with one fp16 scale a row (first axis) under
`name.scale`; value = int8 * scale. A matrix may be stored at half a byte, as uint8 (rows, columns / 2), with
a scale for every GROUP columns; value = (half - 8) * scale, the lower half of a byte first. All else, and
what is excluded by name, is stored as fp16.
The header holds a checksum, so a damaged file is found out before it makes damaged pictures.
"""

import hashlib
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path

import torch
from einops import rearrange
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from pavdm_cli import whole
from pavdm_cli.errors import CheckpointError

GROUP = 32
"""Columns that share a scale in a matrix of half bytes."""
_CHECKSUM = "pavdm-int8-rows-crc32"
_SCALED = (torch.int8, torch.uint8)


def pack(
    state: Mapping[str, Tensor], *, exclude: Collection[str] = (), halves: Collection[str] = ()
) -> dict[str, Tensor]:
    """Turn floating-point weights into their stored form; `exclude` names matrices to keep as fp16, `halves`
    those to store at half a byte.

    Raises:
        CheckpointError: a value is not finite or does not fit fp16.
    """
    assert all(state[name].ndim == 2 and state[name].shape[1] % GROUP == 0 for name in halves)
    stored: dict[str, Tensor] = {}
    for name, value in state.items():
        assert value.is_floating_point(), f"{name} is {value.dtype}"
        plain = value.detach().to("cpu", torch.float32).contiguous()
        if not plain.half().isfinite().all():
            raise CheckpointError(
                f"{name} has values fp16 cannot hold; the network diverged, use earlier weights"
            )
        if value.ndim < 2 or name in exclude:
            stored[name] = plain.half()
        else:
            round_ = _halves if name in halves else _rows
            stored[name], stored[f"{name}.scale"] = round_(plain)
    assert len(stored) == len(state) + sum(value.dtype in _SCALED for value in stored.values())
    return stored


def unpack(stored: Mapping[str, Tensor], dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """Turn the stored form back into weights of one floating-point type.

    Raises:
        CheckpointError: a tensor is neither int8 or uint8 with its scale nor fp16.
    """
    scales = {f"{name}.scale": name for name, value in stored.items() if value.dtype in _SCALED}
    state: dict[str, Tensor] = {}
    for name, value in stored.items():
        if name in scales:
            continue
        if value.dtype is torch.float16:
            state[name] = value.to(dtype)
            continue
        scale, halves = stored.get(f"{name}.scale"), value.dtype is torch.uint8
        if value.dtype not in _SCALED or scale is None or not _scaled(value, scale):
            raise CheckpointError(f"{name} is {value.dtype} without its scales; convert the weights again")
        if halves:
            state[name] = _whole(value, scale).to(dtype)
        else:
            state[name] = (value.flatten(1).float() * scale.float()[:, None]).view(value.shape).to(dtype)
    return state


def rounded(weight: Tensor) -> Tensor:
    """Return a matrix as it will be once stored, for training that is to bear it."""
    stored, scale = _rows(weight.detach().float())
    return (stored.flatten(1).float() * scale.float()[:, None]).view(weight.shape).to(weight.dtype)


def save(
    path: Path, state: Mapping[str, Tensor], *, exclude: Collection[str] = (), halves: Collection[str] = ()
) -> None:
    """Pack and write weights beside `path`, then rename, so that `path` is always whole."""
    stored = pack(state, exclude=exclude, halves=halves)
    whole.write(path, to_bytes(stored, metadata={_CHECKSUM: _checksum(stored)}))


def load(path: Path) -> dict[str, Tensor]:
    """Read what `save` wrote, as float32 on the CPU.

    Raises:
        CheckpointError: the file is missing, truncated, damaged or of another kind.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file; restore the model's folder")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise CheckpointError(f"{path}: truncated or not a safetensors file ({error}); restore it") from error
    if _CHECKSUM not in metadata:
        raise CheckpointError(f"{path}: safetensors, but not written by pavdm; convert the weights first")
    if metadata[_CHECKSUM] != _checksum(stored):
        raise CheckpointError(f"{path}: damaged, its checksum does not match; restore it")
    return unpack(stored)


def fingerprint(path: Path) -> str:
    """Return the first 16 digits of a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def fill(module: nn.Module, path: Path) -> None:
    """Copy the weights that `save` wrote into a module.

    Raises:
        CheckpointError: the file is missing, damaged or of another kind, or does not fit the module.
    """
    load_strict(module, load(path), path)


def load_strict(module: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    """Copy weights into a module: nothing missing, nothing left over, every shape equal.

    Raises:
        CheckpointError: they do not fit; `path` says where they came from.
    """
    own = module.state_dict()
    shapes = [name for name in own if name in state and own[name].shape != state[name].shape]
    problems = {
        "missing": [name for name in own if name not in state],
        "left over": [name for name in state if name not in own],
        "of another shape": [f"{n} {tuple(state[n].shape)} for {tuple(own[n].shape)}" for n in shapes],
    }
    said = [f"{len(names)} {what} ({_first(names)})" for what, names in problems.items() if names]
    if said:
        raise CheckpointError(
            f"{path}: does not fit its config.json: {'; '.join(said)}; restore both together"
        )
    module.load_state_dict(state)


def _rows(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Round each row to int8, its largest value to 127; a row of zeros has scale zero.

    Smaller scales, which clip the largest values, were tried and brought nothing.
    """
    flat = weight.flatten(1)
    scale = (flat.abs().amax(1) / 127).half()
    rounded = (flat / scale.float()[:, None]).nan_to_num(0, 0, 0).round().clamp(-127, 127)
    return rounded.to(torch.int8).view(weight.shape), scale


def _halves(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Round each group of a row to whole numbers from -7 to 7, its largest value a little beyond: clipping
    that by a tenth takes 4 % off the error."""
    groups = rearrange(weight, "n (g c) -> n g c", c=GROUP)
    scale = (0.9 * groups.abs().amax(2) / 7).half()
    rounded = (groups / scale.float()[..., None]).nan_to_num(0, 0, 0).round().clamp(-7, 7) + 8
    low, high = rearrange(rounded.to(torch.uint8), "n g (c two) -> two n (g c)", two=2)
    return low | high << 4, scale


def _scaled(stored: Tensor, scale: Tensor) -> bool:
    if stored.dtype is torch.int8:
        return scale.shape == stored.shape[:1]
    fits = stored.ndim == 2 and 2 * stored.shape[1] % GROUP == 0
    return fits and scale.shape == (len(stored), 2 * stored.shape[1] // GROUP)


def _whole(stored: Tensor, scale: Tensor) -> Tensor:
    """Return what `_halves` rounded."""
    both = torch.stack((stored & 15, stored >> 4), dim=-1).flatten(1)
    groups = rearrange(both.float() - 8, "n (g c) -> n g c", c=GROUP)
    return (groups * scale.float()[..., None]).flatten(1)


def _checksum(stored: Mapping[str, Tensor]) -> str:
    total = 0
    for name in sorted(stored):
        total = zlib.crc32(stored[name].numpy().data, zlib.crc32(name.encode(), total))
    return f"{total:08x}"


def _first(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
