"""Where weights are looked for, and what is there; imports no torch."""

import hashlib
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pavdm_cli.errors import CheckpointError, ConfigError
from pavdm_cli.models import hub, kinds, ways
from pavdm_cli.models.card import ModelConfig, Timing
from pavdm_cli.models.config import read
from pavdm_cli.models.kinds import DiffusersConfig

DEFAULT = "worlds"
PIXELS_PER_LATENT = 16  # the native VAE's
FRAMES_PER_LATENT = 4


CAPTIONS = "captions.safetensors"
"""What a native model knows: its scenes, each with a caption and a sentence vector."""


@dataclass(frozen=True, kw_only=True)
class NativeConfig(ModelConfig):
    """A native model folder's config.json.

    text: the text encoder's folder, beside this one. vae, denoiser: names of their configuration files;
    weights lie beside them as .safetensors. reads: a prompt whose nearest known caption has a smaller cosine
    than this is read as a known scene; 0 reads none.
    """

    kind: Literal["native"]
    text: str
    vae: str
    denoiser: str
    reads: float = 0.0

    def __post_init__(self) -> None:
        if min(self.size) < 1 or any(side % PIXELS_PER_LATENT for side in self.size):
            raise ConfigError(
                f"size is {self.size}; height and width must be multiples of {PIXELS_PER_LATENT}"
            )
        if self.fps < 1:
            raise ConfigError(f"fps is {self.fps}; must be at least 1")

    @property
    def timing(self) -> Timing:
        return Timing(each=FRAMES_PER_LATENT)

    @property
    def small(self) -> bool:
        return True

    def files(self, folder: Path) -> tuple[Path, ...]:
        return (
            folder / f"{self.denoiser}.safetensors",
            folder / f"{self.vae}.safetensors",
            text_folder(folder, self) / "model.safetensors",
            folder / CAPTIONS,
        )

    def vae_files(self, folder: Path) -> tuple[Path, ...]:
        return (folder / f"{self.vae}.safetensors",)


@dataclass(frozen=True, kw_only=True)
class WalkConfig(ModelConfig):
    """The config.json of a model that walks: a prompt is actions, one a frame after the first.

    Its networks are a row of `pavdm train memory` with a prepended memory and its coder, by the same names;
    `memory` in the denoiser's configuration becomes null and its length part of the span.
    """

    kind: Literal["walk"]

    def __post_init__(self) -> None:
        if self.fps < 1:
            raise ConfigError(f"fps is {self.fps}; must be at least 1")
        if self.guidance != 1:
            raise ConfigError(f"guidance is {self.guidance}; must be 1, for a walk is led by no words")

    @property
    def timing(self) -> Timing:
        return Timing(each=1)

    @property
    def small(self) -> bool:
        return True

    def led(self, prompt: str) -> int:
        """Return how many frames a prompt leads through: one where it begins, one an action."""
        return 1 + len(ways.read(prompt))

    def files(self, folder: Path) -> tuple[Path, ...]:
        return (folder / "denoiser.safetensors", *self.vae_files(folder))

    def vae_files(self, folder: Path) -> tuple[Path, ...]:
        return (folder / "coder.safetensors",)


def packaged() -> Path:
    """Return the folder of packaged weights: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "weights"
    return inside if inside.is_dir() else package.parent / "weights"


def names() -> list[str]:
    """Return the names of the packaged models."""
    return sorted(path.parent.name for path in packaged().glob("*/config.json") if _is_model(path))


def find(name_or_path: str) -> Path:
    """Return where a model is, given its name or a path: a folder, or a file of weights in a checkpoint's
    folder that takes the place of its denoiser's.

    Raises:
        CheckpointError: there is no such model.
    """
    if name_or_path in names():
        return packaged() / name_or_path
    if name_or_path in hub.KNOWN:
        return hub.folder(name_or_path)
    path = Path(name_or_path)
    inside = (path / "config.json", path / kinds.INDEX)
    if any(map(os.path.isfile, inside)) or (os.path.isfile(path) and kinds.is_weights(path)):
        return path
    if hub.is_id(name_or_path) and (hub.local(name_or_path) / hub.MANIFEST).is_file():
        return hub.folder(name_or_path)
    raise CheckpointError(
        f"model {name_or_path!r}: neither a packaged model ({', '.join(names())}), one to pull "
        f"({', '.join(hub.KNOWN)}), nor a folder with a config.json or {kinds.INDEX}; "
        "'pavdm models list' shows what is there"
    )


def lasting(asked: str, folder: Path) -> str:
    """Return what finds a model again from any folder: the name it was asked for by, or its path in full."""
    named = asked in (*names(), *hub.KNOWN) or folder == hub.local(asked)
    return asked if named else str(folder.absolute())


def config(folder: Path) -> ModelConfig:
    """Read what a model's folder says it is.

    Raises:
        ConfigError: it is missing or wrong.
        CheckpointError: it is a checkpoint of a kind that is not known.
    """
    if (folder / kinds.INDEX).is_file() or kinds.is_weights(folder):
        return _as_hosted(kinds.config(folder))
    return walk(folder) if _walks(folder) else native(folder)


def walk(folder: Path) -> WalkConfig:
    """Read the config.json of a model that walks.

    Raises:
        ConfigError: it is missing or wrong.
    """
    return read(WalkConfig, folder / "config.json")


def native(folder: Path) -> NativeConfig:
    """Read a native model's config.json.

    Raises:
        ConfigError: it is missing or wrong, or of a model that walks.
    """
    if _walks(folder):
        raise ConfigError(f"{folder}: a model that walks by actions; this needs one that reads words")
    return read(NativeConfig, folder / "config.json")


def text_folder(folder: Path, model: NativeConfig) -> Path:
    """Return the folder of a model's text encoder."""
    return folder if model.text == "." else folder.resolve().parent / model.text


def weight_files(folder: Path, model: ModelConfig) -> tuple[Path, ...]:
    """Return the files of a model's weights: denoiser, VAE, text encoder, and what its prompts are read by.

    Raises:
        CheckpointError: one is missing.
    """
    files = model.files(folder)
    for path in files:
        if not path.is_file():
            raise CheckpointError(f"{path}: no such file; restore the model's folder")
    return files


def weights_hash(folder: Path, model: ModelConfig) -> str:
    """Return a fingerprint of a model's weights: the first 16 digits of SHA-256 over its files.

    Raises:
        CheckpointError: one is missing.
    """
    return _hash(*weight_files(folder, model))


def vae_hash(folder: Path, model: ModelConfig) -> str:
    """Return a fingerprint of a model's VAE, which alone can decode its latents.

    Raises:
        CheckpointError: a file of the model is missing.
    """
    weight_files(folder, model)
    return _hash(*model.vae_files(folder))


def _hash(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def _as_hosted(model: DiffusersConfig) -> DiffusersConfig:
    """Return a checkpoint with what is known of it by name, if it was downloaded by that name."""
    known = hub.KNOWN.get(model.name) if model.root.parent == hub.place() else None
    if known is None:
        return model
    return replace(
        model,
        about=known.about,
        size=known.size or model.size,
        span=known.span or model.span,
        sampling=known.sampling or model.sampling,
    )


def _walks(folder: Path) -> bool:
    """Tell whether a config.json says so; what is wrong with it otherwise is for `read` to say."""
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("kind") == "walk"


def _is_model(path: Path) -> bool:
    return '"kind"' in path.read_text(encoding="utf-8")
