"""Doom's files: lumps in a WAD, and maps written as text (UDMF 1.1)."""

import re
import struct
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from pavdm_cli.errors import ConfigError

HEADER, ENTRY = struct.Struct("<4sii"), struct.Struct("<ii8s")
_BLOCK = re.compile(r"(\w+)\s*(?://[^\n]*)?\s*\{([^}]*)\}")
_FIELD = re.compile(r"(\w+)\s*=\s*\"?([^;\"]*)\"?;")

Lump = tuple[str, bytes]
Block = tuple[str, dict[str, str]]


def engine() -> ModuleType:
    """Return the library vizdoom.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import vizdoom
    except ImportError as error:
        raise ConfigError(
            "the domain doom needs vizdoom; pip install 'pavdm-cli[studies]', or take --domain mazes"
        ) from error
    return vizdoom


def read(path: Path) -> list[Lump]:
    """Return the lumps of a WAD in their order."""
    data = path.read_bytes()
    _, count, table = HEADER.unpack_from(data)
    entries = (ENTRY.unpack_from(data, table + n * ENTRY.size) for n in range(count))
    return [(name.rstrip(b"\0").decode(), data[start : start + size]) for start, size, name in entries]


def write(path: Path, lumps: Sequence[Lump]) -> None:
    """Write a WAD that is laid over the game's own."""
    table, at = b"", HEADER.size
    for name, data in lumps:
        table += ENTRY.pack(at, len(data), name.encode())
        at += len(data)
    path.write_bytes(HEADER.pack(b"PWAD", len(lumps), at) + b"".join(data for _, data in lumps) + table)


def blocks(text: str) -> list[Block]:
    """Return the kinds and fields of a map's things, points, lines, sides and sectors, in their order."""
    return [(kind, dict(_FIELD.findall(body))) for kind, body in _BLOCK.findall(text)]


def written(found: Sequence[Block]) -> str:
    """Write a map as `blocks` reads it; names of textures are put in quotes."""
    body = (
        f"{kind} {{ "
        + " ".join(f'{k} = "{v}";' if k.startswith("texture") else f"{k} = {v};" for k, v in fields.items())
        + " }"
        for kind, fields in found
    )
    return 'namespace = "zdoom";\n' + "\n".join(body) + "\n"
