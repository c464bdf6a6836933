"""Where weights are looked for, and what is there; imports no torch."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pavdm_cli.errors import CheckpointError, ConfigError
from pavdm_cli.models.config import read
from pavdm_cli.sampling.schedule import Ramp

DEFAULT = "worlds"
PIXELS_PER_LATENT = 16  # the native VAE's
FRAMES_PER_LATENT = 4


@dataclass(frozen=True)
class Known:
    """One thing a model was trained on: a name, what it shows in a line, and a prompt that gives it."""

    name: str
    shows: str
    prompt: str


@dataclass(frozen=True)
class ModelConfig:
    """A model folder's config.json.

    about: one line for people. size: height and width in pixels. text: the text encoder's folder, beside
    this one. vae, denoiser: names of their configuration files; weights lie beside them as .safetensors.
    sampling, guidance: what a run uses unless told otherwise. knows: what it was trained on. far: a prompt
    whose nearest known caption has a smaller cosine than this is far from all of it.
    """

    kind: Literal["native"]
    name: str
    about: str
    size: tuple[int, int]
    fps: int
    text: str
    vae: str
    denoiser: str
    sampling: Ramp
    guidance: float
    far: float
    knows: tuple[Known, ...]

    def __post_init__(self) -> None:
        if min(self.size) < 1 or any(side % PIXELS_PER_LATENT for side in self.size):
            raise ConfigError(
                f"size is {self.size}; height and width must be multiples of {PIXELS_PER_LATENT}"
            )
        if self.fps < 1:
            raise ConfigError(f"fps is {self.fps}; must be at least 1")


def packaged() -> Path:
    """Return the folder of packaged weights: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "weights"
    return inside if inside.is_dir() else package.parent / "weights"


def names() -> list[str]:
    """Return the names of the packaged models."""
    return sorted(path.parent.name for path in packaged().glob("*/config.json") if _is_model(path))


def find(name_or_path: str) -> Path:
    """Return the folder of a model, given its name or a path.

    Raises:
        CheckpointError: there is no such model.
    """
    if name_or_path in names():
        return packaged() / name_or_path
    folder = Path(name_or_path)
    if (folder / "config.json").is_file():
        return folder
    raise CheckpointError(
        f"model {name_or_path!r}: neither a packaged model ({', '.join(names())}) nor a folder with a "
        "config.json; 'pavdm models list' shows what is there"
    )


def config(folder: Path) -> ModelConfig:
    """Read a model's config.json.

    Raises:
        ConfigError: it is missing or wrong.
    """
    return read(ModelConfig, folder / "config.json")


def text_folder(folder: Path, model: ModelConfig) -> Path:
    """Return the folder of a model's text encoder."""
    return folder if model.text == "." else folder.resolve().parent / model.text


def weight_files(folder: Path, model: ModelConfig) -> tuple[Path, ...]:
    """Return the files of a model's weights: denoiser, VAE, text encoder.

    Raises:
        CheckpointError: one is missing.
    """
    files = (
        folder / f"{model.denoiser}.safetensors",
        folder / f"{model.vae}.safetensors",
        text_folder(folder, model) / "model.safetensors",
    )
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
    return _hash(weight_files(folder, model)[1])


def _hash(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def _is_model(path: Path) -> bool:
    return '"kind"' in path.read_text(encoding="utf-8")
