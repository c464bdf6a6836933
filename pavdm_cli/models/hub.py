"""Known."""

from pathlib import Path

KNOWN: dict[str, str] = {}


def folder(name: str) -> Path:
    return Path(name)
