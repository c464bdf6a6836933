"""What a loaded model offers to the loop and to all above it, and how one is loaded."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

from torch import Tensor, nn

from pavdm_cli.errors import CheckpointError, ConfigError
from pavdm_cli.models import library, native, walk
from pavdm_cli.models.card import ModelConfig
from pavdm_cli.models.denoiser import Conditions
from pavdm_cli.models.device import Place
from pavdm_cli.models.kinds import DiffusersConfig
from pavdm_cli.models.names import Offload
from pavdm_cli.models.scenes import Reading
from pavdm_cli.models.text import Text
from pavdm_cli.sampling.schedule import Step


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How a large model is made to fit on a device.

    attention_chunk: queries attended at a time; None is all. offload: none holds all on the device; text
    runs the text encoder on the CPU; model brings the denoiser there block by block, too. vae_tiling: decode
    and encode by overlapping tiles.
    """

    attention_chunk: int | None = None
    offload: Offload = "none"
    vae_tiling: bool = False


class Pipeline(Protocol):
    """A model ready to run.

    Latents are (B, T, C, h, w), normalised to about mean 0 and deviation 1. Prompts side by side do not
    change one another's states, videos side by side not one another's pictures.
    """

    @property
    def config(self) -> ModelConfig: ...

    @property
    def place(self) -> Place: ...

    @property
    def denoiser(self) -> nn.Module: ...

    @property
    def span(self) -> int:
        """Latents in one call at most."""

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of a latent."""

    @property
    def reach(self) -> int:
        """Latents before one that its frames depend on."""

    @property
    def max_tokens(self) -> int:
        """Tokens of a prompt that are read."""

    def encode_text(self, prompts: Sequence[str]) -> Text:
        """Encode prompts, all to one length."""

    def velocity(self, latents: Tensor, step: Step, words: Conditions) -> Tensor:
        """Return noise - clean for latents (B, T, C, h, w) shown as a step says, float32."""

    def attend(self, chunk: int | None) -> None:
        """Attend to so many queries at a time from now on; None is all."""

    def halve_attention(self, latents: int) -> int | None:
        """Attend to half as many queries at a time from now on, as calls of so many latents have; return how
        many, None where that frees no memory."""

    def decode_stream(self, latents: Iterable[Tensor], before: Iterable[Tensor] = ()) -> Iterator[Tensor]:
        """Yield frames (B, n, H, W, 3) uint8 on the CPU for each latent (B, C, h, w), in order.

        `before` holds the latents just before the first, `reach` of them if there are so many. A model may
        look ahead: take a few latents more before it yields the frames of one.
        """

    def encode(self, frames: Tensor) -> Tensor:
        """Turn frames (T, H, W, 3) uint8 into the latents that hold them whole, (n, C, h, w) float32."""

    def read(self, prompts: Sequence[str]) -> list[Reading]:
        """Return how each prompt is taken: as it is written, or as a scene the model knows."""


def load(
    name_or_path: str, place: Place, fit: Fit | None = None, config: ModelConfig | None = None
) -> Pipeline:
    """Load a model by name or path; `config` is what it says of itself, if that was changed.

    Raises:
        CheckpointError: it is missing, damaged or does not fit its configuration, or what runs it is not
            installed.
        ConfigError: a configuration file or setting is wrong.
    """
    path, fit = library.find(name_or_path), fit or Fit()
    config = config or library.config(path)
    if isinstance(config, DiffusersConfig):
        return _adapter(config)(path, config, place, fit)
    if fit.offload != "none" or fit.vae_tiling:
        raise ConfigError(f"{config.name}: small enough to fit; leave --offload and --vae-tiling out")
    if isinstance(config, library.WalkConfig):
        return walk.load(path, place, fit.attention_chunk)
    return native.load(path, place, fit.attention_chunk)


class _Adapter(Protocol):
    def __call__(self, path: Path, config: DiffusersConfig, place: Place, fit: Fit) -> Pipeline: ...


def _adapter(config: DiffusersConfig) -> _Adapter:
    """Return the class that runs a kind of checkpoint."""
    missing = [name for name in ("diffusers", "transformers", "accelerate") if find_spec(name) is None]
    if missing:
        raise CheckpointError(
            f"{config.name}: a diffusers checkpoint, and {', '.join(missing)} is not installed; "
            "pip install 'pavdm-cli[diffusers]'"
        )
    try:
        module = import_module(f"pavdm_cli.models.{config.kind.adapter}")
    except ImportError as error:
        raise CheckpointError(
            f"{config.name}: the diffusers or transformers installed here cannot run it ({error}); "
            "pip install --upgrade 'pavdm-cli[diffusers]'"
        ) from error
    return cast(_Adapter, module.Adapter)
