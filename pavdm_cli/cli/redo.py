"""pavdm redo: other endings of a video, from a moment on."""

from pathlib import Path

from pavdm_cli.cli import options
from pavdm_cli.cli.output import Output
from pavdm_cli.errors import ConfigError

COLUMNS = 8  # frames of each take on the sheet


def redo(
    file: options.File,
    since: options.From,
    count: options.Takes = 1,
    seed: options.Seed = None,
    prompt: options.Again = None,
    output: options.TakesFolder = None,
    model: options.Model = None,
    guidance: options.Guidance = None,
    negative: options.Negative = None,
    steps: options.Steps = None,
    force: options.Force = False,
    at: options.At = None,
    timeline: options.TimelineFile = None,
    blend: options.Blend = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
    stats: options.Stats = False,
    dry_run: options.DryRun = False,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
    attention_chunk: options.AttentionChunk = "auto",
    deterministic: options.Deterministic = False,
    offload: options.OffloadOpt = "none",
    vae_tiling: options.VaeTiling = False,
    run_dir: options.RunDir = None,
    schedule: options.Schedule = None,
) -> None:
    """Make a video's end anew, once or several times; every frame before stays as it is.

    What is not given is as in the film: model, prompt, guidance, schedule.
    """
    from pavdm_cli.cli import again, report, work
    from pavdm_cli.cli import order as orders
    from pavdm_cli.runs import past
    from pavdm_cli.runs.timeline import seconds

    out = Output(quiet=quiet, as_json=as_json)
    film = again.look(out, file, model, run_dir)
    own = film.existing.settings
    source, before = past.until(film.existing, round(seconds(since, "--from") * film.existing.info.fps))
    assert own is not None
    line = orders.timeline(at, timeline, blend)
    joint, offset = again.joint(film, before)
    wishes = orders.Wishes(
        prompt=own.prompt,
        cues=again.cues(own, joint, offset, line.prompt if prompt is None else prompt, line),
        blend=line.blend,
        model=model,
        guidance=guidance,
        negative=negative,
        schedule=schedule,
        scale=own.scale,
    ).like(own)
    orders.check_cues(line.cues, own.frames / film.model.fps - offset)
    if count < 1:
        raise ConfigError(f"--count {count}: must be at least 1")
    first = orders.first_seed(seed)
    videos = [(number, _path(file, output, number, count, force)) for number in range(first, first + count)]
    machine = again.Machine(
        device=device,
        dtype=dtype,
        attention_chunk=attention_chunk,
        deterministic=deterministic,
        offload=offload,
        vae_tiling=vae_tiling,
    )
    order = again.order(film, source, wishes, videos, own.frames - before.frames, steps, machine)
    report.old(out, order, film.existing)
    made = work.begin(out, order, run_dir, dry_run=dry_run, stats=stats)
    if made:
        first_take = videos[0][1]
        picture = first_take.with_name(f"{first_take.stem}-takes.png")
        report.sheet(out, picture, [video.path for video in order.videos], source.frames or 0, COLUMNS)


def _path(file: Path, output: Path | None, seed: int, count: int, force: bool) -> Path:
    """Return where a take goes: a file for one of them, or a folder.

    Raises:
        ConfigError: several takes were to go to one file.
        VideoError: the file is there already, without `force`.
    """
    from pavdm_cli.cli import order as orders
    from pavdm_cli.media.writer import check_output

    if output is not None and output.suffix.lower() == ".mp4" and not output.is_dir():
        if count > 1:
            raise ConfigError(f"--output {output}: one file for {count} takes; give a folder")
        path = output
    else:
        path = orders.free(output or file.parent, f"{file.stem}-take-{seed}", force)
    check_output(path, force)
    return path
