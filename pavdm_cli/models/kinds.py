"""The kinds of diffusers checkpoints that can be run, and what a folder of one says; imports no torch.

Figures are of the models' own descriptions and of diffusers' pipelines for them.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from pavdm_cli.errors import CheckpointError, ConfigError
from pavdm_cli.models.card import ModelConfig, Timing, spelled
from pavdm_cli.models.names import DtypeName
from pavdm_cli.sampling.schedule import Ramp

INDEX = "model_index.json"
PARTS = ("transformer", "vae", "text_encoder")
LARGEST = 2048  # pixels of a side: beyond it no checkpoint here was trained, and no card holds a window


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What all checkpoints of one class share.

    adapter: its module in this package. experimental: what to say before it is used, empty for none.
    multiple: what both sides are multiples of. rates: frames a second it was trained for, the usual first.
    span: latents in a call at most. image: a film can start from an image. calling: numbers in the
    denoiser's format, and bytes besides, that a call holds for each token and channel; decoding: numbers
    that the VAE holds for each pixel of a picture while it decodes a latent; both measured as in
    `footprint`. tile: pixels of a tile's side. exact_vae: it runs in float32 always, as its makers run it.
    ahead: latents its VAE takes before it gives the frames of one.
    """

    adapter: str
    about: str
    experimental: str
    timing: Timing
    multiple: int
    size: tuple[int, int]
    rates: tuple[int, ...]
    span: int
    max_tokens: int
    sampling: Ramp
    guidance: float
    image: bool
    calling: tuple[int, int]
    decoding: int
    tile: int
    exact_vae: bool
    ahead: int = 0


KINDS = {
    "SkyReelsV2DiffusionForcingPipeline": Kind(
        adapter="skyreels",
        about="SkyReels-V2 diffusion forcing: trained for a noise level of its own on every latent",
        experimental="",
        timing=Timing(each=4, missing=3),
        multiple=16,
        size=(544, 960),
        rates=(24, 16),
        span=25,
        max_tokens=512,
        sampling=Ramp(steps=32, window=20, chunk=5, context=5, context_level=0.02, shift=8.0),
        guidance=6.0,
        image=True,
        calling=(17, 1),
        decoding=4865,
        tile=256,
        exact_vae=True,
    ),
    "LTXPipeline": Kind(
        adapter="ltx",
        about="LTX-Video: takes a level on every latent without having been trained for a ramp of them",
        experimental="not trained for levels that rise along the window; expect less than from its own "
        "pipeline, and least with chunks of few latents",
        timing=Timing(each=8, missing=7),
        multiple=32,
        size=(512, 704),
        rates=(24, 25, 30),
        span=33,
        max_tokens=128,
        sampling=Ramp(steps=40, window=20, chunk=10, context=10, shift=5.0),
        guidance=3.0,
        image=True,
        calling=(25, 24),
        decoding=2061,
        tile=512,
        exact_vae=False,
        ahead=2,
    ),
}
"""By the class of pipeline that a checkpoint's model_index.json names."""


@dataclass(frozen=True, kw_only=True)
class DiffusersConfig(ModelConfig):
    """A diffusers checkpoint. root: its folder. span: latents in a call at most."""

    kind: Kind
    root: Path = field(repr=False)  # a run knows a model again wherever its folder is seen from
    span: int

    @property
    def timing(self) -> Timing:
        return self.kind.timing

    @property
    def half(self) -> DtypeName:
        return "bf16"  # trained in it; T5's states overflow in fp16

    @property
    def warning(self) -> str:
        return self.kind.experimental

    @property
    def lighter(self) -> str:
        return "--offload model, --vae-tiling or a smaller --size"

    @property
    def image(self) -> bool:
        return self.kind.image

    @property
    def ahead(self) -> int:
        return self.kind.ahead

    def files(self, folder: Path) -> tuple[Path, ...]:
        own = () if folder.is_dir() else (folder,)
        parts = PARTS if not own else PARTS[1:]
        return (*own, *(path for part in parts for path in weights(self.root / part)))

    def vae_files(self, folder: Path) -> tuple[Path, ...]:
        return tuple(weights(self.root / "vae"))

    def check_size(self, size: tuple[int, int]) -> None:
        unit = self.kind.multiple
        nearest = (_nearest(size[0], unit), _nearest(size[1], unit))
        if size != nearest:
            raise ConfigError(
                f"--size {spelled(size)}: both sides must be multiples of {unit} from {unit} to {LARGEST}; "
                f"the nearest is {spelled(nearest)}"
            )

    def check_fps(self, fps: int) -> None:
        if fps not in self.kind.rates:
            nearest = min(self.kind.rates, key=lambda rate: abs(rate - fps))
            valid = ", ".join(str(rate) for rate in sorted(self.kind.rates))
            raise ConfigError(
                f"--fps {fps}: {self.name} was trained for {valid} frames a second; the nearest is {nearest}"
            )


def is_weights(path: Path) -> bool:
    """Whether a path is one file of weights."""
    return path.suffix == ".safetensors" and path.is_file()


def root(path: Path) -> Path:
    """Return the folder of a checkpoint, given it or a file of weights anywhere inside it.

    Raises:
        CheckpointError: the file is in none.
    """
    if not is_weights(path):
        return path
    for folder in path.absolute().parents:
        if (folder / INDEX).is_file():
            return folder
    raise CheckpointError(
        f"{path}: one file of weights is a denoiser alone; put it into the folder of a diffusers checkpoint, "
        f"which has a {INDEX}, and its VAE and text encoder are used"
    )


def config(path: Path) -> DiffusersConfig:
    """Read what a checkpoint is.

    Raises:
        CheckpointError: its class is not one of KINDS, or its index is damaged.
    """
    folder = root(path)
    kind = KINDS.get(pipeline_class(folder))
    if kind is None:
        raise CheckpointError(
            f"{folder}: a checkpoint of class {pipeline_class(folder)}, and only {', '.join(KINDS)} can be "
            "run; 'pavdm models list' shows some"
        )
    return DiffusersConfig(
        name=folder.resolve().name,
        about=kind.about,
        size=kind.size,
        fps=kind.rates[0],
        sampling=kind.sampling,
        guidance=kind.guidance,
        far=0.0,
        knows=(),
        kind=kind,
        root=folder,
        span=kind.span,
    )


def pipeline_class(folder: Path) -> str:
    """Return the class of pipeline that a checkpoint's index names.

    Raises:
        CheckpointError: the index cannot be read.
    """
    path = folder / INDEX
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["_class_name"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error!r}); get the checkpoint again") from error


def weights(folder: Path) -> list[Path]:
    """Return the files of one part's weights: those its index names, or all there are.

    Raises:
        CheckpointError: there are none, or one is missing.
    """
    indices = sorted(folder.glob("*.safetensors.index.json"))
    try:
        named = {name for path in indices for name in json.loads(path.read_text())["weight_map"].values()}
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise CheckpointError(
            f"{indices[0]}: cannot be read ({error!r}); get the checkpoint again"
        ) from error
    found = sorted(folder / name for name in named) or sorted(folder.glob("*.safetensors"))
    missing = [path for path in found if not path.is_file()]
    if missing or not found:
        raise CheckpointError(
            f"{missing[0] if missing else folder}: {'missing' if missing else 'no safetensors there'}; the "
            "checkpoint is not whole, get it again: pavdm models pull"
        )
    return found


def _nearest(side: int, unit: int) -> int:
    return min(max(round(side / unit), 1) * unit, LARGEST // unit * unit)
