"""What `generate` says before and after: every figure that a person or a program may want."""

import shlex
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from pavdm_cli.cli import order as orders
from pavdm_cli.cli.output import Output
from pavdm_cli.cli.show import prompted
from pavdm_cli.media import reader
from pavdm_cli.media.beginning import goes_on, has_sound
from pavdm_cli.models import library
from pavdm_cli.models.card import spelled
from pavdm_cli.runs import settings, timeline
from pavdm_cli.runs.order import Order, Video
from pavdm_cli.sampling import schedule

if TYPE_CHECKING:  # these import torch
    from pavdm_cli.cli.work import Made
    from pavdm_cli.runs.given import Given
    from pavdm_cli.runs.past import Existing
    from pavdm_cli.runs.plan import Plan

FILES = 3  # named at most, of several
LONG = 160  # characters of a prompt that is not said again


def beginning(out: Output, order: Order) -> None:
    """Say what is known before torch is loaded: the model, the length, seeds and files."""
    model, ramp = order.model, order.ramp
    knows = ", ".join(known.name for known in model.knows)
    out.line("model", f"{model.name} knows {knows}" if knows else f"{model.name}: {model.about}")
    if model.warning:
        out.remark(f"{model.name} is experimental: {model.warning}")
    count = f"{len(order.videos)} videos of " if len(order.videos) > 1 else ""
    new = " new" if order.source is not None else ""
    windowed = "window" in schedule.find(order.schedule).keys
    wide = f", window {ramp.window}, context {ramp.context}" if windowed else ""
    made = f"{count}{order.seconds:.1f} s{new}, {order.frames} frames"
    out.line("plan", f"{made}; {order.schedule}, {ramp.steps} steps{wide}; guidance {order.guidance:g}")
    for cue in order.cues:
        out.line("", f"from {cue.at:g} s: {cue.text}")
    out.line("seed", _some([str(seed) for seed in dict.fromkeys(video.seed for video in order.videos)]))
    out.line("output", _some([str(video.path) for video in order.videos]))


def machine(out: Output, order: Order, plan: "Plan", place: str) -> None:
    """Say where it will run, in what memory, and what the work is."""
    out.line("device", place)
    out.line("memory", f"{_size(plan.needed)} needed, of {_size(plan.memory.free)} free")
    per = "a video" if plan.abreast == 1 else f"for {plan.abreast} videos side by side"
    out.line("work", f"{plan.latents} latents, {plan.calls} model calls {per}")
    if plan.needed > plan.memory.free:
        out.remark(f"this may not fit: stop other programs, or give {order.model.lighter}")


def old(out: Output, order: Order, existing: "Existing") -> None:
    """Say what becomes of the video that is gone on from, in one line."""
    source, info, model = order.source, existing.info, order.model
    assert source is not None
    if not source.encode:
        kept = (
            "all its" if source.frames == info.frames else f"the first {source.frames} of its {info.frames}"
        )
        look = model.size, model.fps, order.scale, order.quality
        fate = "stay as they are" if goes_on(source.path, *look) else "are encoded anew"
        fate = "are left out" if source.only_new else fate
        out.line("from", f"{source.path}: {kept} frames {fate}, and it goes on from its own latents")
        return
    why = "its latents are gone" if existing.settings else "not made by pavdm"
    size = f"{model.size[1] * order.scale}x{model.size[0] * order.scale}"
    sound = ", with its sound" if has_sound(source.path) else ""
    written = f"its middle is written anew at {size}, {model.fps} frames a second{sound}, and "
    out.line(
        "from",
        f"{source.path}: {info.width}x{info.height}, {info.fps:g} frames a second, {info.seconds:.1f} s, "
        f"{why}; {'' if source.only_new else written}its last frames are encoded for the model",
    )
    if existing.settings is None:
        knows = ", ".join(known.name for known in model.knows)
        out.remark(
            f"{model.name} knows {knows}: the new part will turn into that, whatever the old one shows"
        )


def weights(out: Output, order: Order, now: str) -> None:
    """Say so where a film goes on with other weights than those that made it."""
    if order.source is None or order.source.encode:
        return
    before = settings.read(reader.tags(order.source.path))
    if before and before.weights != now:
        out.remark(f"{order.source.path}: made with other weights than {order.asked_model} has now")


def sheet(out: Output, picture: Path, takes: list[Path], first: int, columns: int) -> None:
    """Draw takes, a row each, in so many frames from the first new one on."""
    import numpy as np

    from pavdm_cli.media.sheet import save_png
    from pavdm_cli.media.sheet import sheet as laid

    rows = []
    for path in takes:
        count = reader.probe(path).frames
        chosen = set(np.linspace(first, count - 1, columns).round().astype(int).tolist())
        frames = (frame for chunk in reader.read(path) for frame in chunk)
        rows.append(np.stack([frame for i, frame in enumerate(frames) if i in chosen]))
    save_png(picture, laid(rows))
    out.line("sheet", f"{picture}: a row a take, {columns} frames each")


def joint(out: Output, order: Order, given: "Given | None") -> None:
    """Say how the model gives back the last frames of a foreign video, and what is done about it."""
    if given is None or given.joint is None:
        return
    changes = ", ".join(f"{gain:.3f}x{offset:+.1f}" for gain, offset in given.past.correction)
    out.line(
        "joint",
        f"its last frames come back at {given.joint.plain:.1f} dB, {given.joint.corrected:.1f} dB with "
        f"{changes} on red, green, blue; the new part gets that too",
    )


def time(out: Output, order: Order, seconds: float) -> None:
    """Say how long it will take."""
    from pavdm_cli.cli.display import clock

    rate = len(order.videos) * order.seconds / seconds
    out.line("time", f"about {clock(seconds)}, {rate:.2f} x real time")


def dry(out: Output, order: Order, plan: "Plan", seconds: float) -> None:
    """End a dry run."""
    if out.as_json:
        out.data(
            {
                "model": order.model.name,
                "frames": order.frames,
                "latents": plan.latents,
                "calls": plan.calls * len(plan.groups),
                "memory_needed": plan.needed,
                "memory_free": plan.memory.free,
                "seconds": seconds,
                "videos": [_video(video) for video in order.videos],
            }
        )
    out.plain("nothing was made (--dry-run)")


def ending(out: Output, order: Order, made: "list[Made]") -> None:
    """Say where every video is, how fast it came, how it drifted, and what can be done next."""
    if not made:
        out.plain("all of it was made already")
    if out.as_json:
        out.data({"model": order.model.name, "videos": [_found(order, one) for one in made]})
    elif out.quiet:
        for one in made:
            out.result(str(one.video.path))
    for one in made:
        _told(out, order, one)
    last = order.videos[-1]
    model = [] if order.asked_model == library.DEFAULT else ["--model", order.asked_model]
    longer = shlex.join(["pavdm", "extend", str(last.path), *model])
    walks = order.model.led(last.prompt) is not None
    next_ = [] if walks else [f"{longer} --seconds {order.seconds:g}  (longer)"]
    if order.source is None:
        long = len(last.prompt) > LONG
        said = ["--like", str(last.path), *model, *_fitted(order)] if long else _asked(order)
        words = ["generate", *said, "--seed", str(last.seed + 1)]
        again = shlex.join(["pavdm", *(words if long else prompted(words, last.prompt))])
        next_.append(f"{again}  (another)")
    for i, command in enumerate(next_):
        out.line("" if i else "next", command)


def _asked(order: Order) -> list[str]:
    """Return the options that make the same kind of video again, as far as they are not the defaults."""
    default = replace(order.model.sampling, steps=order.ramp.steps)
    options = {
        "--model": (order.asked_model, library.DEFAULT),
        **_length(order),
        "--scale": (str(order.scale), str(orders.scale(None, order.model.size[0]))),
        "--quality": (str(order.quality), str(orders.QUALITY)),
        "--schedule": (schedule.spelled(order.schedule, order.ramp, default), "progressive"),
        "--steps": (str(order.ramp.steps), str(order.model.sampling.steps)),
        "--guidance": (str(order.guidance), str(order.model.guidance)),
        "--negative": (order.negative, ""),
        "--size": (spelled(order.size) if order.size else "", ""),
        "--fps": (str(order.fps or ""), ""),
    }
    words = [word for name, (now, plain) in options.items() if now != plain for word in (name, now)]
    words += _fitted(order)
    return [*words, *timeline.typed(order.cues, order.blend)]


def _fitted(order: Order) -> list[str]:
    """Return the options that make a model fit its device."""
    offload = [] if order.offload == "none" else ["--offload", order.offload]
    return [*offload, *(["--vae-tiling"] if order.vae_tiling else [])]


def _length(order: Order) -> dict[str, tuple[str, str]]:
    led = order.model.led(order.videos[-1].prompt)
    if order.frames == led:
        return {}
    if led is not None or order.frames % order.model.fps:
        return {"--frames": (str(order.frames), "")}
    return {"--seconds": (f"{order.seconds:g}", f"{orders.SECONDS:g}")}


def _told(out: Output, order: Order, one: "Made") -> None:
    from pavdm_cli.cli.display import clock, told

    rate = one.frames / one.seconds
    out.line("saved", str(one.video.path))
    if one.jump is not None:
        out.line("joint", f"the change there is {one.jump:.2f} times that from latent to latent beside it")
    if not one.frames:
        return
    out.line(
        "speed",
        f"{one.frames} frames in {clock(one.seconds)}: {rate:.1f} frames/s, "
        f"{rate / order.model.fps:.2f} x real time",
    )
    if one.drift is None:
        out.line("drift", "too short to tell")
        return
    part = f"in the last {clock(one.frames / order.model.fps)}, " if one.frames < order.frames else ""
    out.line("drift", part + told(one.drift.verdict))
    table = Table(box=None, pad_edge=False, header_style="bold cyan")
    for title in ("        figure", "first 15 %", "last 15 %"):
        table.add_column(title)
    for change in one.drift.changes:
        table.add_row(f"        {change.figure}", f"{change.first:.3f}", f"{change.last:.3f}")
    out.talk.print(table)
    if worst := one.drift.worst:
        out.line(
            "worst",
            f"{worst.figure} from {clock(worst.start)} to {clock(worst.end)}: {worst.departure:.1f} times "
            "what a viewer would notice",
        )


def _found(order: Order, one: "Made") -> dict[str, object]:
    return _video(one.video) | {
        "frames": one.frames,
        "joint": one.jump,
        "fps": order.model.fps,
        "size": [side * order.scale for side in order.model.size],
        "seconds": one.seconds,
        "spent": one.spent,
        "frames_per_second": one.frames / one.seconds if one.seconds else 0.0,
        "settings": one.settings,
        "drift": None if one.drift is None else asdict(one.drift),
        "drift_seconds": one.frames / order.model.fps,
    }


def _video(video: Video) -> dict[str, object]:
    return {"prompt": video.prompt, "seed": video.seed, "path": str(video.path)}


def _some(names: list[str]) -> str:
    more = f" and {len(names) - FILES} more" if len(names) > FILES else ""
    return ", ".join(names[:FILES]) + more


def _size(count: int) -> str:
    return f"{count / 2**30:.2f} GiB"
