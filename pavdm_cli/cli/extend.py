"""pavdm extend: a longer video out of one that is there."""

from dataclasses import replace

from pavdm_cli.cli import options
from pavdm_cli.cli.output import Output


def extend(
    file: options.File,
    seconds: options.MoreSeconds = None,
    frames: options.Frames = None,
    prompt: options.Again = None,
    output: options.NewFile = None,
    only_new: options.OnlyNew = False,
    seed: options.OwnSeed = None,
    model: options.Model = None,
    guidance: options.Guidance = None,
    negative: options.Negative = None,
    steps: options.Steps = None,
    force: options.Force = False,
    at: options.At = None,
    timeline: options.TimelineFile = None,
    blend: options.Blend = None,
    scale: options.Scale = None,
    quality: options.Quality = None,
    size: options.Size = None,
    fps: options.Fps = None,
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
    """Go on with any video. What pavdm made goes on from its own latents, and its frames stay as they are.

    What is not given is as in the film: model, prompt, guidance, schedule, scale, quality.
    """
    from pavdm_cli.cli import again, report, work
    from pavdm_cli.cli import order as orders
    from pavdm_cli.media.writer import check_output
    from pavdm_cli.runs import past
    from pavdm_cli.runs.timeline import active

    out = Output(quiet=quiet, as_json=as_json)
    film = again.look(out, file, model, run_dir, orders.size(size), fps)
    own = film.existing.settings
    source, before = past.whole(film.existing, only_new=only_new)
    line = orders.timeline(at, timeline, blend)
    wanted = line.prompt if prompt is None else prompt
    joint, offset = again.joint(film, before)
    if own and before is None:  # its frames alone go on: of its prompts, the one that held at its end
        own = replace(own, prompt=wanted or active(own.prompt, own.cues, joint), cues=())
    wishes = orders.Wishes(
        prompt=own.prompt if own else wanted,
        cues=again.cues(own if before else None, joint, offset, wanted, line),
        blend=line.blend,
        model=model,
        seed=seed,
        guidance=guidance,
        negative=negative,
        schedule=schedule,
        scale=own.scale if scale is None and own and film.existing.latents else scale,
        quality=quality,
    ).like(own)
    path = output or orders.free(file.parent, f"{file.stem}-extended", force)
    check_output(path, force)
    length = orders.frames(seconds, frames, film.model.fps)
    orders.check_cues(line.cues, joint - offset + length / film.model.fps)
    videos = [(orders.first_seed(wishes.seed), path)]
    machine = again.Machine(
        device=device,
        dtype=dtype,
        attention_chunk=attention_chunk,
        deterministic=deterministic,
        offload=offload,
        vae_tiling=vae_tiling,
    )
    order = again.order(film, source, wishes, videos, length, steps, machine)
    report.old(out, order, film.existing)
    work.begin(out, order, run_dir, dry_run=dry_run, stats=stats)
