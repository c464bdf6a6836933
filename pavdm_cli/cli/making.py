"""The part of `generate` that runs the model: one group of videos from load to file."""

import time
from dataclasses import dataclass

from pavdm_cli.cli import plan as plans
from pavdm_cli.cli.display import Moment, display
from pavdm_cli.cli.order import Order, Video
from pavdm_cli.cli.output import Output
from pavdm_cli.cli.plan import Plan
from pavdm_cli.drift.report import Summary
from pavdm_cli.models.pipeline import Pipeline
from pavdm_cli.runs.film import Film, Look, settings, weights_hash
from pavdm_cli.runs.stream import stream


@dataclass(frozen=True)
class Made:
    """A finished video: wall seconds of its group, split by what they went to; drift, if it can be told."""

    video: Video
    frames: int
    seconds: float
    spent: dict[str, float]
    settings: dict[str, str]
    drift: Summary | None


def remarks(out: Output, order: Order, pipeline: Pipeline) -> None:
    """Say which prompts are far from all the model knows, too long, or hold words that are not known."""
    prompts = list(dict.fromkeys(video.prompt for video in order.videos))
    text = pipeline.encode_text(prompts)
    limit = pipeline.max_tokens
    for i in text.truncated:
        out.remark(f"prompt {prompts[i]!r}: longer than {limit} tokens; its end is not read")
    if text.unknown:
        out.remark(f"words the text encoder does not know: {', '.join(dict.fromkeys(text.unknown))}")
    for prompt, near in zip(prompts, pipeline.nearest(text), strict=True):
        if near and near[0][1] < order.model.far:
            known = "; ".join(f"{caption!r} ({cosine:.2f})" for caption, cosine in near)
            out.remark(f"prompt {prompt!r}: far from what {order.model.name} knows; nearest: {known}")


def film(order: Order, plan: Plan, group: tuple[Video, ...], pipeline: Pipeline) -> Film:
    """Open the files of a group; nothing is on the disk before the first frame."""
    request = plans.request(order, group)
    weights = weights_hash(order.folder, order.model)
    look = Look(size=order.model.size, fps=order.model.fps, scale=order.scale, quality=order.quality)
    tags = [
        settings(
            request, i, order.model, weights, pipeline.place, look,
            attention_chunk=plan.attention_chunk, deterministic=order.deterministic,
        )
        for i in range(len(group))
    ]  # fmt: skip
    return Film([video.path for video in group], look, tags)


def group(
    out: Output,
    order: Order,
    plan: Plan,
    videos: tuple[Video, ...],
    pipeline: Pipeline,
    film: Film,
    *,
    stats: bool,
) -> list[Made]:
    """Make a group of videos side by side, and show how it goes."""
    for video, writer in zip(videos, film.writers, strict=True):
        out.line("file", f"{video.path}  (plays while it grows: {writer.partial})")
    begun = time.monotonic()
    spent: dict[str, float] = {}
    with film, display(out.talk, stats=stats) as show:
        for chunk in stream(pipeline, plans.request(order, videos)):
            film.add(chunk)
            spent = chunk.seconds
            passed = time.monotonic() - begun
            left = passed * (plan.calls / chunk.calls - 1)
            show(Moment(chunk.frames[0, -1], film, order.seconds, passed, left))
    passed = time.monotonic() - begun
    return [
        Made(video, film.frames, passed, spent, film.settings[i], film.summary(i))
        for i, video in enumerate(videos)
    ]
