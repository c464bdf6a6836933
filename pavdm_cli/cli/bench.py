"""pavdm bench: what this machine can do, measured."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pavdm_cli.cli import options
from pavdm_cli.cli.output import Output, check_side_file
from pavdm_cli.errors import ConfigError, why_unread
from pavdm_cli.models import library
from pavdm_cli.models.config import write_json

if TYPE_CHECKING:  # these import torch
    from pavdm_cli.studies.bench import Asked, Bench

SECONDS = 20.0
PROMPT = "a red ball bouncing on a blue background"
BAR = 40  # cells of the longest bar

Length = Annotated[float, typer.Option("--seconds", help="Length of each video in seconds.")]
Repeats = Annotated[int, typer.Option(help="Warm generations after the first; their median is told.")]
JsonFile = Annotated[
    Path | None, typer.Option("--json", help="Write the figures to this file.", show_default=False)
]
Sweep = Annotated[
    bool, typer.Option("--sweep", help="Compare number formats, attention chunks, steps and windows instead.")
]
Compare = Annotated[
    Path | None,
    typer.Option(help="A file of earlier figures to show beside these.", show_default=False),
]


def bench(
    model: options.Model = None,
    seconds: Length = SECONDS,
    json_file: JsonFile = None,
    compare: Compare = None,
    sweep: Sweep = False,
    repeats: Repeats = 3,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
    attention_chunk: options.AttentionChunk = "auto",
    compiled: options.Compile = False,
    schedule: options.Schedule = None,
    steps: options.Steps = None,
    guidance: options.Guidance = None,
    size: options.Size = None,
    offload: options.OffloadOpt = "none",
    vae_tiling: options.VaeTiling = False,
) -> None:
    """Measure how fast this machine makes video, and what the time goes to."""
    begun = time.perf_counter()
    out = Output()
    if sweep and (json_file or compare):
        raise ConfigError("--sweep has figures of its own; leave --json and --compare out")
    before = None if compare is None else _read(compare)
    check_side_file("--json", json_file, (".json",))
    from pavdm_cli.cli import order as orders

    folder = library.find(model or library.DEFAULT)
    config = library.config(folder).shaped(orders.size(size), None)
    name, ramp = orders.ramp(schedule or "progressive", steps, config.sampling)
    frames = orders.frames(seconds, None, config.fps)
    from pavdm_cli.models import device as devices
    from pavdm_cli.runs.order import check_guidance
    from pavdm_cli.runs.request import Request
    from pavdm_cli.studies import bench as study

    guided = config.guidance if guidance is None else guidance
    check_guidance(guided)
    if config.small:
        devices.share_cores(halved=guided != 1)
    said = f"left*{frames}" if isinstance(config, library.WalkConfig) else PROMPT
    asked = study.Asked(
        folder=folder,
        place=devices.place(orders.device(device), orders.dtype(dtype), config.half),
        request=Request((said,), (1,), frames, name, ramp, guided),
        scale=orders.scale(None, config.size[0]),
        quality=18,
        attention_chunk=orders.attention_chunk(attention_chunk),
        compiled=compiled,
        repeats=repeats,
        model=config,
        offload=orders.offload(offload),
        vae_tiling=vae_tiling,
    )
    if sweep:
        _sweep(out, asked)
        return
    found = study.measure(asked, begun, out.plain)
    _told(out, found)
    plain = asdict(found)
    if json_file is not None:
        _write(json_file, plain)
        out.line("json", str(json_file))
    if before is not None:
        _beside(out, study.compared(plain, before))


def _told(out: Output, found: "Bench") -> None:
    """Say every figure, the most asked for first."""
    machine = found.machine
    out.line("machine", f"{machine['processor']}, {machine['cores']} cores; {machine['device']}")
    out.line(
        "speed",
        f"{found.steady_fps.median:.1f} frames/s warm ({found.steady_fps.least:.1f} to "
        f"{found.steady_fps.greatest:.1f} in {found.repeats}), {found.times_real_time:.2f} x real time; "
        f"{found.fps:.1f} cold, load included",
    )
    out.line("first", f"frame on disk after {found.first_frame_s:.1f} s")
    out.line("wall", f"{found.wall_s:.1f} s for {found.frames} frames")
    for part, taken in found.split.items():
        out.plain(f"        {part:<8}{taken:8.2f} s  {taken / found.wall_s:4.0%}")
    out.line(
        "work",
        f"{found.model_calls} model calls, {found.latent_evaluations} latent evaluations, "
        f"{found.latent_evaluations_per_second_of_video:.0f} a second of video",
    )
    out.line(
        "model",
        f"{found.denoiser_tflops:.3f} TFLOP/s, {found.denoiser_share:.0%} of its matrix products alone "
        f"({found.product_tflops:.3f})",
    )
    out.line(
        "bare",
        f"{found.bare_denoise_s:.1f} s of model calls + {found.bare_decode_s:.1f} s of decoding; a warm "
        f"generation takes {found.overhead:.2f} times that",
    )
    device = found.peak_device_memory_mib
    on_device = "" if device is None else f", {device:.0f} MiB on the device"
    out.line("memory", f"{found.peak_memory_mib:.0f} MiB at most{on_device}")


def _sweep(out: Output, asked: "Asked") -> None:
    """Time each variant and draw its speed as a bar."""
    from pavdm_cli.cli import order as orders
    from pavdm_cli.models import device as devices
    from pavdm_cli.studies import bench as study

    formats = [
        devices.place(orders.device(asked.place.device.type), one)
        for one in devices.formats(asked.place.device)
    ]
    table = Table(box=None, pad_edge=False, header_style="bold cyan")
    for title in ("variant", "frames/s", "", "peak MiB so far"):
        table.add_column(title)
    rows = []
    for name, fps, peak in study.sweep(asked, study.variants(asked, formats)):
        out.plain(f"{name}: {fps:.1f} frames/s")
        rows.append((name, fps, peak))
    most = max(fps for _, fps, _ in rows)
    for name, fps, peak in rows:
        table.add_row(name, f"{fps:.1f}", "█" * max(round(BAR * fps / most), 1), f"{peak:.0f}")
    out.talk.print(table)


def _beside(out: Output, shared: dict[str, tuple[float, float]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold cyan")
    for title in ("figure", "before", "now", "ratio"):
        table.add_column(title)
    for name, (then, now) in shared.items():
        ratio = f"{now / then:.2f}" if then else "-"
        table.add_row(name, f"{then:.3g}", f"{now:.3g}", ratio)
    out.talk.print(table)


def _read(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        found = None
    except (OSError, ValueError) as error:
        why = why_unread(error)
        raise ConfigError(f"--compare {path}: cannot be read ({why}); make it with --json FILE") from error
    if not isinstance(found, dict) or not {"wall_s", "fps"} <= found.keys():
        raise ConfigError(f"--compare {path}: not figures of pavdm bench; make it with --json FILE")
    return found


def _write(path: Path, found: dict[str, object]) -> None:
    try:
        write_json(path, found)
    except OSError as error:
        raise ConfigError(f"--json {path}: cannot be written ({error}); choose another file") from error
