"""Checkpoints of the Hugging Face hub: which are known, getting one, checking it. Imports no torch.

A checkpoint lies in a folder of its own with a manifest, pavdm.json, that lists its files, their sizes and
digests. The manifest is there first, and a file has its name only when it is whole: so it is known what is
missing, and a download goes on where it stopped.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from pavdm_cli.errors import CheckpointError, ConfigError
from pavdm_cli.models import kinds
from pavdm_cli.models.config import read, write
from pavdm_cli.models.hub_files import Entry, Manifest, digest_of, endpoint, fetch, reached, size_of
from pavdm_cli.sampling.schedule import Ramp
from pavdm_cli.whole import part_of

MANIFEST = "pavdm.json"
SPARE = 1 << 28  # bytes of disk that a download leaves free
TEXTS = (".json", ".txt", ".model")


@dataclass(frozen=True, kw_only=True)
class Hosted:
    """A checkpoint known by name. Where it differs from others of its class: size, span and sampling."""

    repo: str
    about: str
    licence: str
    size: tuple[int, int] | None = None
    span: int | None = None
    sampling: Ramp | None = None


KNOWN = {
    "skyreels-v2-df-1.3b": Hosted(
        repo="Skywork/SkyReels-V2-DF-1.3B-540P-Diffusers",
        about="SkyReels-V2 diffusion forcing, 1.3B, 960x544",
        licence="Skywork community licence",
    ),
    "skyreels-v2-df-14b-540p": Hosted(
        repo="Skywork/SkyReels-V2-DF-14B-540P-Diffusers",
        about="SkyReels-V2 diffusion forcing, 14B, 960x544",
        licence="Skywork community licence",
    ),
    "skyreels-v2-df-14b-720p": Hosted(
        repo="Skywork/SkyReels-V2-DF-14B-720P-Diffusers",
        about="SkyReels-V2 diffusion forcing, 14B, 1280x720",
        licence="Skywork community licence",
        size=(720, 1280),
        span=31,
        sampling=Ramp(steps=30, window=25, chunk=5, context=5, context_level=0.02, shift=8.0),
    ),
    "ltx-video-2b": Hosted(
        repo="Lightricks/LTX-Video", about="LTX-Video, 2B, 704x512 (experimental)", licence="OpenRAIL-M"
    ),
}


@dataclass(frozen=True)
class Progress:
    """How far a download is: the file at work, and bytes there of all."""

    name: str
    done: int
    total: int


def place() -> Path:
    """Return the folder of downloaded checkpoints."""
    return platformdirs.user_cache_path("pavdm", appauthor=False) / "models"


def local(name: str) -> Path:
    """Return the folder that a known name or a hub id, OWNER/NAME, is downloaded to."""
    return place() / (name if name in KNOWN else name.replace("/", "--"))


def is_id(name: str) -> bool:
    """Whether a name is that of a repository on the hub, OWNER/NAME."""
    owner, _, rest = name.partition("/")
    return bool(owner and rest) and not {".", ".."} & {owner, rest} and "/" not in rest


def folder(name: str) -> Path:
    """Return the folder of a checkpoint that is downloaded whole.

    Raises:
        CheckpointError: it is not there, or not whole.
    """
    path = local(name)
    if not (path / MANIFEST).is_file():
        raise CheckpointError(f"model {name!r}: not downloaded; get it with: pavdm models pull {name}")
    lacking = missing(path)
    if lacking:
        raise CheckpointError(
            f"model {name!r}: {len(lacking)} of its files are not there yet; go on with: "
            f"pavdm models pull {name}"
        )
    return path


def manifest(path: Path) -> Manifest:
    """Read the manifest of a downloaded checkpoint.

    Raises:
        CheckpointError: it is damaged.
    """
    try:
        return read(Manifest, path / MANIFEST)
    except ConfigError as error:
        raise CheckpointError(f"{error}; pull the checkpoint again") from error


def missing(path: Path) -> tuple[Entry, ...]:
    """Return the files that a checkpoint's folder lacks, or has at another size."""
    return tuple(entry for entry in manifest(path).files if size_of(path / entry.name) != entry.size)


def downloaded() -> list[Path]:
    """Return the folders of checkpoints that are downloaded, whole or in part."""
    return sorted(path.parent for path in place().glob(f"*/{MANIFEST}"))


def pull(name: str) -> Iterator[Progress]:
    """Download a checkpoint by known name or hub id, or go on with it; yield how far it is.

    Raises:
        CheckpointError: it is unknown, gated, cannot be reached, of a class that cannot be run, damaged on
            its way, or does not fit on the disk.
    """
    repo, path = (KNOWN[name].repo if name in KNOWN else name), local(name)
    if not is_id(repo):
        raise CheckpointError(
            f"model {name!r}: neither a known name ({', '.join(KNOWN)}) nor a hub id, OWNER/NAME"
        )
    with reached(repo):
        wanted = _wanted(repo, path)
    _check_disk(repo, path, wanted)
    _remove_older(path, wanted)
    done = sum(entry.size for entry in wanted.files if size_of(path / entry.name) == entry.size)
    with reached(repo):
        write(wanted, path / MANIFEST)
    for entry in missing(path):
        with reached(repo):
            for there in fetch(wanted, entry, path):
                yield Progress(entry.name, done + there, wanted.size)
        done += entry.size
    yield Progress("", wanted.size, wanted.size)


def _remove_older(path: Path, wanted: Manifest) -> None:
    """Remove files, whole or in part, of another revision: they may have the size of what is wanted."""
    there: tuple[Entry, ...] = ()
    with suppress(CheckpointError):  # one that is damaged tells nothing
        there = manifest(path).files
    kept = {entry.name: entry.digest for entry in wanted.files}
    for entry in there:
        if kept.get(entry.name) != entry.digest:
            for old in (path / entry.name, part_of(path / entry.name)):
                old.unlink(missing_ok=True)


def verify(path: Path) -> Iterator[tuple[Entry, str]]:
    """Yield every file of a downloaded checkpoint with what is wrong with it; nothing if it is whole.

    Raises:
        CheckpointError: the manifest is damaged.
    """
    for entry in manifest(path).files:
        size = size_of(path / entry.name)
        if size is None:
            yield entry, "missing"
        elif size != entry.size:
            yield entry, f"{size} bytes in place of {entry.size}"
        else:
            yield entry, "" if digest_of(path / entry.name, entry) == entry.digest else "damaged"


def remove(path: Path) -> None:
    """Remove a downloaded checkpoint."""
    shutil.rmtree(path)


def _wanted(repo: str, path: Path) -> Manifest:
    """Ask the hub what a checkpoint consists of: the parts its index names, safetensors and texts alone."""
    from huggingface_hub import HfApi

    found = HfApi(endpoint=endpoint()).model_info(repo, files_metadata=True)
    entries = {one.rfilename: _entry(one) for one in found.siblings or () if one.size is not None}
    index = entries.get(kinds.INDEX)
    if index is None:
        raise CheckpointError(
            f"{repo}: no {kinds.INDEX} in it; only checkpoints in diffusers' format can be run"
        )
    path.mkdir(parents=True, exist_ok=True)
    of_index = Manifest(repo, str(found.sha), (index,))
    for _ in fetch(of_index, index, path):
        pass
    kinds.config(path)  # a class that cannot be run is refused before gigabytes are fetched
    texts = [one for one in entries.values() if Path(one.name).suffix in TEXTS]
    tensors = [one for part in kinds.PARTS for one in _tensors(repo, part, list(entries.values()))]
    return Manifest(repo, str(found.sha), (*[one for one in texts if _of_part(one.name)], *tensors))


def _of_part(name: str) -> bool:
    return name == kinds.INDEX or name.partition("/")[0] in {*kinds.PARTS, "tokenizer", "scheduler"}


def _tensors(repo: str, part: str, entries: list[Entry]) -> list[Entry]:
    """Return a part's files of weights, without those of other number formats beside them."""
    found = [one for one in entries if one.name.startswith(f"{part}/") and one.name.endswith(".safetensors")]
    plain = [one for one in found if Path(one.name).name.count(".") == 1] or found
    if not plain:
        raise CheckpointError(f"{repo}: no safetensors for its {part}; other formats are not read")
    return plain


def _entry(one: Any) -> Entry:
    digest = one.lfs.sha256 if one.lfs else one.blob_id
    return Entry(one.rfilename, int(one.size), str(digest))


def _check_disk(repo: str, path: Path, wanted: Manifest) -> None:
    needed = sum(entry.size - (size_of(part_of(path / entry.name)) or 0) for entry in wanted.files)
    needed -= sum(entry.size for entry in wanted.files if size_of(path / entry.name) == entry.size)
    free = shutil.disk_usage(path).free
    if needed + SPARE > free:
        raise CheckpointError(
            f"{repo}: {needed / 2**30:.1f} GiB are to be fetched and {path} has {free / 2**30:.1f} GiB free; "
            "free some space, or set XDG_CACHE_HOME to a larger disk"
        )
