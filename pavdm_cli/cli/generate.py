"""pavdm generate: a prompt in, a video out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from pavdm_cli.cli import options
from pavdm_cli.cli.output import Output
from pavdm_cli.errors import DeviceError
from pavdm_cli.models import library

if TYPE_CHECKING:  # these import torch or numpy
    from pavdm_cli.cli.making import Made
    from pavdm_cli.cli.order import Order
    from pavdm_cli.runs.film import Film


def generate(
    prompt: options.Prompt = None,
    output: options.Output = None,
    seconds: options.Seconds = None,
    frames: options.Frames = None,
    model: options.Model = library.DEFAULT,
    seed: options.Seed = None,
    guidance: options.Guidance = None,
    negative: options.Negative = "",
    steps: options.Steps = None,
    force: options.Force = False,
    count: options.Count = 1,
    prompts: options.Prompts = None,
    scale: options.Scale = None,
    quality: options.Quality = 18,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
    stats: options.Stats = False,
    dry_run: options.DryRun = False,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
    attention_chunk: options.AttentionChunk = "auto",
    deterministic: options.Deterministic = False,
    schedule: options.Schedule = "progressive",
) -> None:
    """Make a video from a prompt; its file plays while it grows."""
    from pavdm_cli.cli import order as orders

    folder = library.find(model)
    config = library.config(folder)
    wanted = orders.prompts(prompt, prompts)
    name, ramp = orders.ramp(schedule, steps, config.sampling)
    order = orders.Order(
        asked_model=model,
        folder=folder,
        model=config,
        videos=orders.videos(wanted, count, seed, output, force),
        frames=orders.frames(seconds, frames, config.fps),
        schedule=name,
        ramp=ramp,
        guidance=config.guidance if guidance is None else guidance,
        negative=negative,
        scale=orders.scale(scale, config.size[0]),
        quality=quality,
        device=orders.device(device),
        dtype=orders.dtype(dtype),
        attention_chunk=orders.attention_chunk(attention_chunk),
        deterministic=deterministic,
    )
    _run(order, Output(quiet=quiet, as_json=as_json), dry_run=dry_run, stats=stats)


def _run(order: "Order", out: Output, *, dry_run: bool, stats: bool) -> None:
    """Say what will be made, load, make it group by group, and report."""
    from pavdm_cli.cli import report

    report.beginning(out, order)
    from pavdm_cli.cli import making, plan  # torch loads here, a few seconds
    from pavdm_cli.models import device
    from pavdm_cli.models.pipeline import load

    if order.deterministic:
        device.be_deterministic()
    place = device.place(order.device, order.dtype)
    planned = plan.make(order, place)
    report.machine(out, order, planned, str(place))
    with _memory_named():
        pipeline = load(str(order.folder), place, planned.attention_chunk)
        making.remarks(out, order, pipeline)
        if dry_run or not out.talk.quiet:
            seconds = plan.estimate(order, planned, pipeline)
            report.time(out, order, seconds)
        if dry_run:
            report.dry(out, order, planned, seconds)
            return
        made: list[Made] = []
        for group in planned.groups:
            film = making.film(order, planned, group, pipeline)
            with _interruptible(film, made):
                made += making.group(out, order, planned, group, pipeline, film, stats=stats)
    report.ending(out, order, made)


@contextmanager
def _interruptible(film: "Film", made: "list[Made]") -> Iterator[None]:
    """Turn Ctrl-C into exit code 130, after the partial files are whole and named.

    A file of the group may be finished already: then it has frames and no partial file any more.
    """
    from pavdm_cli.cli import output

    try:
        yield
    except KeyboardInterrupt:
        for one in made:
            output.finished(one.video.path)
        for writer in film.writers:
            if writer.frames_on_disk and not writer.partial.exists():
                output.finished(writer.path)
            else:
                output.stopped(writer.partial, writer.frames_on_disk, film.fps)
        raise typer.Exit(130) from None


@contextmanager
def _memory_named() -> Iterator[None]:
    """Turn CUDA's lack of memory into a DeviceError."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise DeviceError(
            "the device has too little free memory; stop other programs on it, give a smaller "
            "--attention-chunk, or use --device cpu"
        ) from error
