"""Claims on folders: what the records of each are of, so that no other study goes on in it."""

from dataclasses import dataclass, fields
from pathlib import Path

from pavdm_cli.errors import ConfigError, RunError
from pavdm_cli.models import config as configs
from pavdm_cli.models import quantised
from pavdm_cli.models.library import weights_hash
from pavdm_cli.models.native import Native
from pavdm_cli.sampling import schedule
from pavdm_cli.studies import records
from pavdm_cli.studies.plan import render_kinds
from pavdm_cli.training import worlds
from pavdm_cli.training.worlds.paint import FPS


@dataclass(frozen=True)
class Renders:
    """What a folder's records of true renders are of. form: of the records. worlds: the code that draws."""

    form: int
    probe: str
    seconds: int
    size: tuple[int, int]
    worlds: str


@dataclass(frozen=True)
class Identity:
    """What a folder of records is of; another one cannot go on in it."""

    model: str
    weights: str
    probe: str
    schedule: str
    guidance: float
    seconds: int
    size: tuple[int, int]

    @property
    def renders(self) -> Renders:
        """Return what its renders are of, whatever the model."""
        return renders(self.probe, self.seconds, self.size)


def renders(probe: str, seconds: int, size: tuple[int, int]) -> Renders:
    """Return what true renders are of, read by a probe of that fingerprint."""
    return Renders(records.FORM, probe, seconds, size, worlds.code_hash())


FILES: dict[type[Identity] | type[Renders], str] = {Identity: "study.json", Renders: "renders.json"}
"""Where in a folder it is written what its records are of."""


def identity(pipeline: Native, folder: Path, probe: Path, seconds: int) -> Identity:
    """Return what a study of a model's folder, judged by a probe's, is of.

    Raises:
        ConfigError: the model's frame rate is not the worlds'.
    """
    config = pipeline.config
    if config.fps != FPS:
        raise ConfigError(f"{config.name} makes {config.fps} frames a second; the probe reads {FPS}")
    return Identity(
        model=config.name,
        weights=weights_hash(folder, config),
        probe=probe_hash(probe),
        schedule=schedule.spelled("progressive", config.sampling),
        guidance=config.guidance,
        seconds=seconds,
        size=config.size,
    )


def probe_hash(folder: Path) -> str:
    """Return a fingerprint of a probe's weights."""
    return quantised.fingerprint(folder / "probe.safetensors")


def claim(folder: Path, *owns: Identity | Renders, option: str = "--work") -> None:
    """Write what the folder's records are of, or hold it against what is written there.

    option: that the folder was given by.

    Raises:
        RunError: they are of something else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for own in owns:
        _hold(folder, own, option)
    for own in owns:
        if not (folder / FILES[type(own)]).exists():
            configs.write(own, folder / FILES[type(own)])


def _hold(folder: Path, own: Identity | Renders, option: str) -> None:
    """Hold what records are to be of against what is written in their folder, if anything is."""
    written, of_renders = folder / FILES[type(own)], isinstance(own, Renders)
    if written.exists():
        try:
            there = configs.read(type(own), written)
        except ConfigError as error:
            raise RunError(
                f"{error}: of another version; give another {option}, or remove {folder}"
            ) from None
        differ = [one.name for one in fields(own) if getattr(own, one.name) != getattr(there, one.name)]
        found = f"{'renders' if of_renders else 'a study'} of other {', '.join(differ)}" if differ else ""
    else:
        unknown = of_renders and any(next(folder.glob(f"{kind}-*"), None) for kind in render_kinds())
        found = f"renders without {written.name}, which says of what" if unknown else ""
    if found:
        raise RunError(f"{folder}: holds {found}; give another {option}, or remove it")
