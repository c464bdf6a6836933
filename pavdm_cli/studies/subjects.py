"""What the study of accumulation is about: weights, variants, prompts, and where the records of each lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pavdm_cli.errors import ConfigError
from pavdm_cli.models import library, quantised
from pavdm_cli.models.config import read
from pavdm_cli.models.denoiser import Denoiser, DenoiserConfig
from pavdm_cli.models.native import Native
from pavdm_cli.models.probe import Probe
from pavdm_cli.studies import records, sources
from pavdm_cli.studies.claims import Identity
from pavdm_cli.studies.plan import Plan, record_path
from pavdm_cli.studies.prompts import PROMPTS
from pavdm_cli.studies.records import Film
from pavdm_cli.studies.sources import Way
from pavdm_cli.studies.variants import BASE, Variant, chosen, variants
from pavdm_cli.training.worlds.paint import FPS

SHIPPED, NEUTRAL = "shipped", "neutral"
WEIGHTS = "denoiser.safetensors"


@dataclass(frozen=True, eq=False)
class Subject:
    """Weights whose videos are compared. known: every variant there is for them; asked: those to be made."""

    name: str
    pipeline: Native
    weights: str
    known: tuple[Variant, ...]
    asked: tuple[Variant, ...]

    def variant(self, name: str) -> Variant:
        """Return the variant of a name."""
        return next(one for one in self.known if one.name == name)

    @property
    def tuned(self) -> list[Variant]:
        """The ways whose guidance is needed."""
        return [self.variant(name) for name in dict.fromkeys(one.like for one in self.asked)]


@dataclass(frozen=True, eq=False)
class Study:
    """Weights, prompts and seeds, and the probe that judges. judge: the probe's fingerprint. work: where the
    records are; renders: where those of true renders are."""

    subjects: tuple[Subject, ...]
    plan: Plan
    probe: Probe
    judge: str
    work: Path
    renders: Path

    def folder(self, subject: Subject, variant: Variant) -> Path:
        """Where the records of a variant are."""
        return self.work / subject.name / variant.name

    def films(self, folder: Path) -> list[Film]:
        """Every video of a variant whose folder it is."""
        return [Film(PROMPTS[i], seed, record_path(folder, "made", i, seed)) for i, seed in self.plan.videos]

    def error(self, subject: Subject, variant: Variant, prompt: int) -> Path:
        """Where a variant's error along its rows is, for a prompt."""
        return self.folder(subject, variant) / f"error-{prompt:02}.json"


def subjects(
    pipeline: Native, model: Path, neutral: Path | None, twins: Mapping[str, Path], only: str
) -> tuple[Subject, ...]:
    """Return the weights to compare with the variants asked for: all with the model's own and a neutral
    twin's, progressive alone with other twins'.

    model: the folder that the pipeline was loaded from.

    Raises:
        ConfigError: there is no such variant, or a twin's name is taken.
        CheckpointError: a twin's weights are missing or damaged.
    """
    known = variants(pipeline.config.sampling, pipeline.span)
    asked = chosen(known, only)
    base = tuple(one for one in known if one.name == BASE)
    found = [Subject(SHIPPED, pipeline, library.weights_hash(model, pipeline.config), known, asked)]
    others = [] if neutral is None else [(NEUTRAL, neutral, known, asked)]
    for name, folder in twins.items():
        if name in (SHIPPED, NEUTRAL):
            raise ConfigError(f"--twin {name}: that name is taken; choose another")
        others.append((name, folder, base, base))
    vae = library.vae_hash(model, pipeline.config)
    for name, folder, there, made in others:
        loaded = twin(pipeline, folder)
        weights = f"{quantised.fingerprint(folder / WEIGHTS)}, VAE {vae}"
        found.append(Subject(name, loaded, weights, there, made))
    return tuple(found)


def twin(pipeline: Native, folder: Path) -> Native:
    """Return a model with the denoiser that a training left in a folder.

    Raises:
        CheckpointError, ConfigError: there is none, it is damaged, or of another shape.
    """
    weights = folder / WEIGHTS
    config = read(DenoiserConfig, folder / "denoiser.config.json")
    if config != pipeline.denoiser.config:
        raise ConfigError(
            f"{folder}: a denoiser of another shape than {pipeline.config.name}'s; train a twin"
        )
    denoiser = Denoiser(config)
    quantised.fill(denoiser, weights)
    return replace(pipeline, denoiser=denoiser.to(pipeline.place.device, pipeline.place.dtype).eval())


def identity(study: Study, subject: Subject, variant: Variant, guidance: float, seconds: int) -> Identity:
    """Return what the records of a variant are of."""
    config = subject.pipeline.config
    return Identity(
        model=config.name,
        weights=subject.weights,
        probe=study.judge,
        schedule=variant.spelled(),
        guidance=guidance,
        seconds=seconds,
        size=config.size,
    )


def latents(study: Study) -> int:
    """Return the latents of each video."""
    config = study.subjects[0].pipeline.config
    return config.timing.latents(study.plan.seconds * config.fps)


def record(
    study: Study, subject: Subject, variant: Variant, guidance: float, films: Sequence[Film], seconds: int
) -> None:
    """Make videos of a variant side by side and write a record of each."""
    way = Way(variant.schedule, variant.ramp, guidance)
    asked, seeds = [film.asked for film in films], [film.seed for film in films]
    frames = sources.made(subject.pipeline, asked, seeds, seconds * FPS, way)
    records.look(frames, films, study.probe, variant.piece)
