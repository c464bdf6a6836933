"""pavdm generate: a prompt in, a video out."""

from pavdm_cli.cli import options, walk
from pavdm_cli.cli.output import Output
from pavdm_cli.models import library


def generate(
    prompt: options.Prompt = None,
    actions: walk.Actions = None,
    output: options.Output = None,
    seconds: options.Seconds = None,
    frames: options.Frames = None,
    model: options.Model = None,
    seed: options.Seed = None,
    guidance: options.Guidance = None,
    negative: options.Negative = None,
    steps: options.Steps = None,
    like: options.Like = None,
    image: options.Image = None,
    force: options.Force = False,
    at: options.At = None,
    timeline: options.TimelineFile = None,
    blend: options.Blend = None,
    count: options.Count = 1,
    prompts: options.Prompts = None,
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
    """Make a video from a prompt; its file plays while it grows."""
    from pavdm_cli.cli import order as orders
    from pavdm_cli.cli import work
    from pavdm_cli.runs.order import Order

    line = orders.timeline(at, timeline, blend)
    typed = line.prompt if (said := walk.read(actions, prompt, prompts)) is None else said
    wishes = orders.Wishes(
        prompt=typed, cues=line.cues or None, blend=line.blend, model=model, frames=frames, seed=seed,
        guidance=guidance, negative=negative, schedule=schedule, scale=scale, quality=quality,
        size=orders.size(size), fps=fps,
    ).like(None if like is None else orders.likeness(like), led=actions is not None)  # fmt: skip
    folder = library.find(wishes.model or library.DEFAULT)
    config = library.config(folder).shaped(wishes.size, wishes.fps)
    walk.check(actions, config)
    wanted = orders.prompts(typed if prompts else wishes.prompt, prompts, config.example)
    name, ramp = orders.ramp(wishes.schedule or "progressive", steps, config.sampling)
    length = walk.length(seconds, frames if seconds else wishes.frames, config, wanted)
    wishes = wishes.within(length / config.fps, line.cues)
    order = Order(
        asked_model=wishes.model or library.DEFAULT,
        folder=folder,
        model=config,
        videos=orders.videos(wanted, count, wishes.seed, output, force),
        frames=length,
        cues=wishes.cues or (),
        blend=orders.blend(wishes),
        schedule=name,
        ramp=ramp,
        guidance=config.guidance if wishes.guidance is None else wishes.guidance,
        negative=wishes.negative or "",
        scale=orders.scale(wishes.scale, config.size[0]),
        quality=orders.QUALITY if wishes.quality is None else wishes.quality,
        device=orders.device(device),
        dtype=orders.dtype(dtype),
        attention_chunk=orders.attention_chunk(attention_chunk),
        deterministic=deterministic,
        source=orders.beginning(image, config),
        size=wishes.size,
        fps=wishes.fps,
        offload=orders.offload(offload),
        vae_tiling=vae_tiling,
    )
    work.begin(Output(quiet=quiet, as_json=as_json), order, run_dir, dry_run=dry_run, stats=stats)
