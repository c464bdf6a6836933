"""pavdm train: make the networks anew, or go on from some."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from pavdm_cli.cli import options
from pavdm_cli.cli import training_options as own
from pavdm_cli.errors import ConfigError
from pavdm_cli.models import library

app = typer.Typer(help="Train the networks on procedural worlds.", no_args_is_help=True)


@app.callback()
def begin() -> None:
    """Keep freed memory for what is rendered next."""
    from pavdm_cli.training import heap

    heap.keep()


@app.command()
def vae(
    folder: own.Folder,
    minutes: own.Minutes = None,
    steps: own.TrainingSteps = None,
    warmup: own.Warmup = 30,
    cooldown: own.Cooldown = 0.35,
    model: options.Shapes = library.DEFAULT,
    start: own.Start = None,
    families: own.Families = "",
    batch: own.Batch = None,
    rate: own.Rate = None,
    held: own.Held = None,
    renew: own.Renew = None,
    seed: own.TrainingSeed = None,
    decoder_only: own.DecoderOnly = False,
    device: options.Device = "auto",
    compiled: options.Compile = False,
) -> None:
    """Train the video VAE, which turns frames into latents and back."""
    from pavdm_cli.cli import order
    from pavdm_cli.models.config import read
    from pavdm_cli.models.device import place
    from pavdm_cli.models.vae import VaeConfig
    from pavdm_cli.training import samples
    from pavdm_cli.training import vae as training
    from pavdm_cli.training.fit import Budget

    source = library.find(model)
    where = place(order.device(device), "auto").device
    settings = replace(
        training.VaeTraining(decoder_only=decoder_only),
        **_changes(families, batch=batch, rate=rate, held=held, renew=renew, seed=seed),
    )
    training.train(
        folder,
        read(VaeConfig, source / f"{library.native(source).vae}.config.json"),
        settings,
        Budget(steps, minutes, warmup, cooldown),
        where,
        start=_there(start),
        compiled=compiled,
        on_save=samples.of_vae(folder / "vae.png", settings.families, where),
    )


@app.command()
def denoiser(
    folder: own.Folder,
    minutes: own.Minutes = None,
    steps: own.TrainingSteps = None,
    warmup: own.Warmup = 30,
    cooldown: own.Cooldown = 0.35,
    model: options.Shapes = library.DEFAULT,
    start: own.Start = None,
    families: own.Families = "",
    latents: own.Latents = None,
    rate: own.Rate = None,
    held: own.Held = None,
    renew: own.Renew = None,
    seed: own.TrainingSeed = None,
    clip: own.Clip = None,
    stills: own.Stills = None,
    images: own.Images = None,
    own_from: own.OwnFrom = None,
    rows: own.Rows = None,
    device: options.Device = "auto",
    compiled: options.Compile = False,
) -> None:
    """Train the denoiser on rows of the sampler's schedule, with the model's VAE and text encoder."""
    import torch

    from pavdm_cli.cli import order
    from pavdm_cli.cli.output import Output
    from pavdm_cli.models import native, text
    from pavdm_cli.models.config import read
    from pavdm_cli.models.denoiser import DenoiserConfig
    from pavdm_cli.models.device import Place, place
    from pavdm_cli.training import captions, samples
    from pavdm_cli.training import denoiser as training
    from pavdm_cli.training.fit import Budget
    from pavdm_cli.training.lesson import DenoiserTraining

    source = library.find(model)
    config = library.native(source)
    where = place(order.device(device), "auto").device
    vae = native.load_vae(source / config.vae).to(where)
    encoder = text.load(library.text_folder(source, config)).to(where)
    exact = Place(where, torch.float32)
    settings = replace(
        DenoiserTraining(),
        **_changes(
            families,
            latents=latents,
            rate=rate,
            held=held,
            renew=renew,
            seed=seed,
            clip=clip,
            stills=stills,
            images=images,
            own_from=own_from,
        ),
        **_rows(rows),
    )
    training.train(
        folder,
        read(DenoiserConfig, source / f"{config.denoiser}.config.json"),
        config.sampling,
        settings,
        Budget(steps, minutes, warmup, cooldown),
        where,
        vae,
        encoder,
        start=_there(start),
        compiled=compiled,
        on_save=samples.of_denoiser(folder / "denoiser.png", config, vae, encoder, exact),
    )
    Output().line("captions", "reading prompts is learned; about two minutes on a CPU, beside the budget")
    captions.write(folder / library.CAPTIONS, encoder, settings.families)


@app.command()
def mean(
    parts: own.Parts,
    output: own.MeanFile,
    model: options.Shapes = library.DEFAULT,
    device: options.Device = "auto",
) -> None:
    """Take the mean of denoisers, and say how wrong each and the mean are in clips that no training draws."""
    from pavdm_cli.cli import order
    from pavdm_cli.cli.output import Output, check_side_file
    from pavdm_cli.models import native, quantised, text
    from pavdm_cli.models.config import read
    from pavdm_cli.models.denoiser import DenoiserConfig
    from pavdm_cli.models.device import place
    from pavdm_cli.training import means

    shares = [_part(one) for one in parts]
    check_side_file("--output", output, (".safetensors",))
    source = library.find(model)
    config = library.native(source)
    shape = read(DenoiserConfig, source / f"{config.denoiser}.config.json")
    there = [(means.read(path, shape), share) for path, share in shares]
    where = place(order.device(device), "auto").device
    vae = native.load_vae(source / config.vae).to(where)
    encoder = text.load(library.text_folder(source, config)).to(where)
    judge, out = means.Judge(shape, config.sampling, vae, encoder, where), Output()
    quantised.save(output, means.mean(there))
    named = [*(f"{path} x {share:g}" for path, share in shares), str(output)]
    for name, weights in zip(named, [*(one for one, _ in there), means.read(output, shape)], strict=True):
        errors = ", ".join(f"{kind} {error:.4f}" for kind, error in judge.errors(weights).items())
        out.line("unseen", f"{errors}: {name}")


@app.command()
def probe(
    folder: own.Folder,
    minutes: own.Minutes = None,
    steps: own.TrainingSteps = None,
    warmup: own.Warmup = 30,
    cooldown: own.Cooldown = 0.35,
    model: options.Shapes = library.DEFAULT,
    start: own.Start = None,
    families: own.Families = "",
    batch: own.Batch = None,
    rate: own.Rate = None,
    held: own.Held = None,
    renew: own.Renew = None,
    seed: own.TrainingSeed = None,
    device: options.Device = "auto",
) -> None:
    """Train the probe, which tells what a video shows, on renders and on what the model's VAE makes of
    them."""
    from pavdm_cli.cli import order
    from pavdm_cli.models import native
    from pavdm_cli.models.device import place
    from pavdm_cli.training import probe as training
    from pavdm_cli.training.fit import Budget
    from pavdm_cli.training.probe_clips import ProbeTraining

    source = library.find(model)
    given = _changes(families, batch=batch, rate=rate, held=held, renew=renew, seed=seed)
    training.train(
        folder,
        training.config(),
        replace(ProbeTraining(), **given),
        Budget(steps, minutes, warmup, cooldown),
        place(order.device(device), "auto").device,
        native.load_vae(source / library.native(source).vae),
        start=_there(start),
    )


@app.command()
def memory(
    folder: own.Folder,
    rows: own.MemoryRows = "first",
    preset: own.Preset = "small",
    domain: own.Domain = "mazes",
    device: options.Device = "auto",
) -> None:
    """Train small networks that walk through mazes or rooms, one for each way to remember (Meta-ARVDM, table
    1)."""
    from pavdm_cli.cli import order
    from pavdm_cli.cli.display import clock
    from pavdm_cli.cli.output import Output
    from pavdm_cli.models.device import place
    from pavdm_cli.training import memory as training
    from pavdm_cli.training import memory_parts as parts
    from pavdm_cli.training.domain import DOMAINS

    out, where = Output(), place(order.device(device), "auto").device
    chosen, size = training.chosen(rows), training.PRESETS[preset]
    chosen_domain = DOMAINS[domain]
    parts.claim(folder, chosen_domain)
    coder = parts.coder(folder, chosen_domain, where)
    if chosen_domain.named:
        parts.judge(folder, coder, where)
    films = parts.films(folder, chosen_domain, coder, size)
    for name in chosen:
        config = training.config(training.ROWS[name], size, coder.config)
        steps = training.left(folder / name, size)
        seconds = training.expected(config, size, films, where) * steps
        out.line("row", f"{name}: {steps} steps left, about {clock(seconds)}")
        training.train(folder / name, config, size, films, where)


def _changes(families: str, **given: float | None) -> dict[str, Any]:
    """Return the training settings that were given.

    Raises:
        ConfigError: there is no such family of worlds, or a number is below zero or, where it counts, zero.
    """
    from pavdm_cli.training.worlds import FAMILIES

    names = tuple(name.strip() for name in families.split(",") if name.strip())
    unknown = [name for name in names if name not in FAMILIES]
    if unknown:
        raise ConfigError(f"--families {', '.join(unknown)}: unknown; there are {', '.join(FAMILIES)}")
    for key, value in given.items():
        share, from_zero = key in ("images", "own_from"), key == "seed"
        if value is not None and not (0 <= value <= 1 if share else value > 0 or (from_zero and value == 0)):
            wanted = "from 0 to 1" if share else "zero or more" if from_zero else "above zero"
            raise ConfigError(f"--{key.replace('_', '-')} {value}: must be {wanted}")
    return {key: value for key, value in given.items() if value is not None} | {"families": names}


def _rows(of: str | None) -> dict[str, Any]:
    """Return whose rows are to be learned, if that was given.

    Raises:
        ConfigError: there are no such rows.
    """
    from pavdm_cli.training.rows import SHARES

    if of is not None and of not in SHARES:
        raise ConfigError(f"--rows {of}: unknown; there are {', '.join(SHARES)}")
    return {} if of is None else {"rows": of}


def _part(given: str) -> tuple[Path, float]:
    """Read FILE or FILE=SHARE.

    Raises:
        ConfigError: there is no such file, or the share is no number above zero.
    """
    plain = "=" not in given or Path(given).is_file()
    name, share = (given, "1") if plain else given.rpartition("=")[::2]
    if not Path(name).is_file():
        raise ConfigError(f"{given}: no such file as {name}; give weights or a state that pavdm train wrote")
    try:
        found = float(share)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise ConfigError(f"{given}: the share must be a number above zero")
    return Path(name), found


def _there(start: Path | None) -> Path | None:
    """Return the path of weights to begin from, if it is a file."""
    if start is not None and not start.is_file():
        raise ConfigError(f"--start {start}: no such file; give a .safetensors file that pavdm train wrote")
    return start
