"""Single files of the Hugging Face hub: fetched from where they stopped, checked, refusals in one line each.

Imports no torch.
"""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pavdm_cli.errors import CheckpointError
from pavdm_cli.whole import part_of


@dataclass(frozen=True)
class Entry:
    """A file of a checkpoint. digest: SHA-256, or git's SHA-1 of a small one (40 digits)."""

    name: str
    size: int
    digest: str


@dataclass(frozen=True)
class Manifest:
    """What a downloaded checkpoint consists of."""

    repo: str
    revision: str
    files: tuple[Entry, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files)


def fetch(wanted: Manifest, entry: Entry, path: Path) -> Iterator[int]:
    """Fetch one file, from where its part ends; yield the bytes there."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status  # type: ignore[attr-defined]

    target = path / entry.name
    if not target.resolve().is_relative_to(path.resolve()):
        raise CheckpointError(f"{wanted.repo}: a file called {entry.name!r} would lie outside its folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(target)
    done = size_of(part) or 0
    if done > entry.size:
        part.unlink()
        done = 0
    url = hf_hub_url(wanted.repo, entry.name, revision=wanted.revision, endpoint=endpoint())
    headers = build_hf_headers() | {"Range": f"bytes={done}-", "Accept-Encoding": "identity"}
    if done < entry.size:
        with get_session().stream("GET", url, headers=headers, follow_redirects=True) as answer:
            hf_raise_for_status(answer)
            with part.open("ab" if answer.status_code == 206 else "wb") as file:
                for piece in answer.iter_bytes():
                    file.write(piece)
                    yield file.tell()
    if not entry.size:
        part.touch()
    if digest_of(part, entry) != entry.digest:
        part.unlink()
        raise CheckpointError(f"{wanted.repo}: {entry.name} came damaged; pull it again")
    os.replace(part, target)


@contextmanager
def reached(repo: str) -> Iterator[None]:
    """Turn the hub's refusals and a broken connection into one line each."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    broken: type[Exception] = HfHubHTTPError.__mro__[1]  # its HTTP client's own
    where = endpoint() or "https://huggingface.co"
    try:
        yield
    except GatedRepoError as error:
        raise CheckpointError(
            f"{repo}: its owners ask you to accept their terms at {where}/{repo}; then log in: hf auth login"
        ) from error
    except RepositoryNotFoundError as error:
        raise CheckpointError(
            f"{repo}: not on {where}, or private; check the name, or log in: hf auth login"
        ) from error
    except OfflineModeIsEnabled as error:
        raise CheckpointError(f"{repo}: HF_HUB_OFFLINE is set; unset it to download") from error
    except HfHubHTTPError as error:
        raise CheckpointError(
            f"{repo}: {where} answered {error.response.status_code}; try later: what is there is kept"
        ) from error
    except HFValidationError as error:
        raise CheckpointError(
            f"{repo}: no repository can be called that ({error}); check the name"
        ) from error
    except broken as error:
        raise CheckpointError(
            f"{repo}: {where} cannot be reached ({type(error).__name__}); check the connection and "
            "pull again: it goes on where it stopped"
        ) from error
    except OSError as error:
        why = "the disk is full" if error.errno == errno.ENOSPC else str(error)
        raise CheckpointError(
            f"{repo}: {why}; free some space, or make it writable, and pull again"
        ) from error


def endpoint() -> str | None:
    """Return the hub's address where it is not the usual one, as the hub library reads it."""
    return os.environ.get("HF_ENDPOINT") or None


def digest_of(path: Path, entry: Entry) -> str:
    """Return a file's digest, of the kind that its entry has."""
    if len(entry.digest) == 64:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def size_of(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None
