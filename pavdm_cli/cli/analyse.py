"""pavdm analyse: what a video shows, ours or not, and where it goes bad."""

import math
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pavdm_cli.cli import options
from pavdm_cli.cli.output import Output, check_side_file
from pavdm_cli.errors import ConfigError

if TYPE_CHECKING:  # these import numpy or torch
    from pavdm_cli.drift.analysis import Analysis, Part
    from pavdm_cli.drift.compare import Likeness
    from pavdm_cli.runs.inspection import Inspection

FEWEST = 3  # joints of which something is said
NAMED = 6  # cuts, freezes and blanks that are named, at most
REPEATS = 0.5  # strength from which a repetition is one


Videos = Annotated[list[Path], typer.Argument(metavar="VIDEO...", help="Video files, ours or not.")]
Every = Annotated[
    int | None,
    typer.Option(
        help="Frames between the joints to look for.",
        show_default="where the schedule that made it has them",
    ),
]
Reference = Annotated[
    list[Path] | None,
    typer.Option(
        help="A real video to hold them against, frame by frame; give one, or one for each.",
        show_default=False,
    ),
]
FvdModel = Annotated[
    Path | None,
    typer.Option(
        help="FVD of all videos against all references, by this I3D, TorchScript that you trust.",
        show_default=False,
    ),
]
Sheet = Annotated[
    Path | None, typer.Option(help="Write frames of every video here, a PNG.", show_default=False)
]
Html = Annotated[
    Path | None, typer.Option(help="Write one page with plots and frames here.", show_default=False)
]


def analyse(
    videos: Videos,
    every: Every = None,
    reference: Reference = None,
    fvd_model: FvdModel = None,
    sheet: Sheet = None,
    html: Html = None,
    as_json: options.Json = False,
) -> None:
    """Measure videos, ours or not: what changes from start to end, cuts, freezes, joints, repetition."""
    from pavdm_cli.cli import looked
    from pavdm_cli.runs import inspection

    references = reference or []
    _checked(videos, references, every, fvd_model)
    check_side_file("--sheet", sheet, (".png",))
    check_side_file("--html", html, (".html", ".htm"))
    out = Output(as_json=as_json)
    found = []
    for i, path in enumerate(videos):
        one = inspection.inspect(path, every)
        pair = references[i if len(references) == len(videos) else 0] if references else None
        likeness = None if pair is None or fvd_model else inspection.compare(path, pair)
        found.append((one, likeness))
        _told(out, one, likeness)
    distance = _fvd(out, videos, references, fvd_model) if fvd_model else None
    if sheet is not None:
        looked.save_sheet(sheet, [one for one, _ in found])
        out.line("sheet", str(sheet))
    if html is not None:
        looked.save_page(html, [(one, facts(one, likeness)) for one, likeness in found])
        out.line("page", str(html))
    if as_json:
        out.data({"videos": [_json(one, likeness) for one, likeness in found], "fvd": distance})


def facts(one: "Inspection", likeness: "Sequence[Likeness] | None" = None) -> dict[str, str]:
    """Return what is to be said of a video, by name; the first is whether it goes bad."""
    seen = one.analysis
    said = {"found": verdict(seen)}
    if seen.bad_from is not None and seen.bad_from >= 1 and one.redone:  # something must stay
        said["again"] = shlex.join(
            ["pavdm", "redo", str(one.path), "--from", f"{math.floor(seen.bad_from)}s"]
        )
    said |= {
        "cuts": _places([cut.at for cut in seen.cuts]),
        "freezes": _parts(seen.freezes),
        "blanks": _parts(seen.blanks),
        "repeats": _repeats(seen),
    }
    if seen.joints:
        said["joints"] = _joints(seen)
    if seen.summary and (worst := seen.summary.worst):
        said["worst"] = (
            f"{worst.figure} from {_clock(worst.start)} to {_clock(worst.end)}: {worst.departure:.1f} times "
            "what a viewer would notice"
        )
    for part in likeness or ():
        said[f"{_clock(part.start)} on"] = f"PSNR {part.psnr:.2f} dB (data range 255), SSIM {part.ssim:.4f}"
    return said


def verdict(seen: "Analysis") -> str:
    """Say whether and where a video goes bad, and by what."""
    at = seen.bad_from
    if at is None and seen.summary and seen.summary.verdict.word == "asked":
        return "nothing freezes or goes blank; more is not told of what was asked to change all along"
    if at is None:
        return "nothing goes bad" if seen.seconds else "too short to tell"
    reasons = [f"{fault.word} ({fault.figure} {fault.value:.2f})" for fault in seen.faults if fault.at == at]
    reasons += ["freezes" for part in seen.freezes if part.start == at]
    reasons += ["blank" for part in seen.blanks if part.start == at]
    before = [cut.at for cut in seen.cuts if cut.at <= at + 1]
    after = f", after a cut at {_clock(before[-1])}" if before else ""
    return f"departs from its beginning at {_clock(at)}: {', '.join(dict.fromkeys(reasons))}{after}"


def _checked(
    videos: Sequence[Path], references: Sequence[Path], every: int | None, fvd_model: Path | None
) -> None:
    if every is not None and every < 2:
        raise ConfigError(f"--every {every}: must be at least 2, so that there are frames between joints")
    if fvd_model is not None and not references:
        raise ConfigError("--fvd-model measures against real videos; give them with --reference")
    if fvd_model is None and len(references) not in (0, 1, len(videos)):
        raise ConfigError(
            f"{len(references)} references for {len(videos)} videos; give one for all, or one for each"
        )


def _fvd(out: Output, videos: Sequence[Path], references: Sequence[Path], model: Path) -> dict[str, float]:
    """Return and tell the Frechet video distance over clips of 16 frames."""
    import numpy as np

    from pavdm_cli.drift.sets import frechet_distance
    from pavdm_cli.models.clips import FRAMES, ClipFeatures
    from pavdm_cli.runs.inspection import clips

    network = ClipFeatures(model)
    made, real = (
        np.array([network(clip) for path in paths for clip in clips(path, FRAMES)])
        for paths in (videos, references)
    )
    distance = frechet_distance(made, real)
    out.line("FVD", f"{distance:.2f} over {len(made)} against {len(real)} clips of {FRAMES} frames")
    least = made.shape[1]
    if min(len(made), len(real)) <= least:
        out.remark(
            f"FVD of {least} features needs more than {least} clips on each side; this one is too high"
        )
    return {"distance": distance, "clips": len(made), "reference_clips": len(real), "frames": FRAMES}


def _told(out: Output, one: "Inspection", likeness: "Sequence[Likeness] | None") -> None:
    info = one.info
    out.line(
        "video",
        f"{one.path}: {info.width}x{info.height}, {info.fps:g} frames a second, {one.analysis.length:.1f} s",
    )
    if info.cut:
        out.remark(f"{one.path} is cut off or damaged; this is what plays of it")
    for name, text in facts(one, likeness).items():
        out.line(name, text)
    if one.analysis.summary:
        table = Table(box=None, pad_edge=False, header_style="bold cyan")
        for title in ("        figure", "first 15 %", "last 15 %"):
            table.add_column(title)
        for change in one.analysis.summary.changes:
            table.add_row(f"        {change.figure}", f"{change.first:.3f}", f"{change.last:.3f}")
        out.talk.print(table)
    out.plain("")


def _json(one: "Inspection", likeness: "Sequence[Likeness] | None") -> dict[str, object]:
    seen = asdict(one.analysis) | {"bad_from": one.analysis.bad_from}
    info = {
        "path": str(one.path),
        "width": one.info.width,
        "height": one.info.height,
        "ours": one.ours,
        "cut": one.info.cut,
    }
    return info | seen | {"likeness": None if likeness is None else [asdict(part) for part in likeness]}


def _repeats(seen: "Analysis") -> str:
    again = seen.repetition
    if again is None:
        return "too short or too still to tell"
    if again.strength < REPEATS:
        return (
            f"no (at most {again.strength:.2f}, after {again.lag:.1f} s)" if again.strength >= 0.1 else "no"
        )
    return f"every {again.lag:.1f} s ({again.strength:.2f}; 1 is an exact loop)"


def _joints(seen: "Analysis") -> str:
    joints = seen.joints
    assert joints
    since = f" from {_clock(joints.since)} on" if joints.since >= 1 else ""
    around = "around" if joints.among == 1 else f"at every {joints.among}th frame around"
    if joints.count < FEWEST:
        return f"every {joints.every} frames{since}: too few to tell ({joints.count})"
    return (
        f"every {joints.every} frames{since}: {joints.times:.2f} times the motion {around} "
        f"({joints.low:.2f} to {joints.high:.2f} in 95 % of {joints.count}); worst {joints.worst:.1f} at "
        f"{_clock(joints.worst_at)}; at 1 no joint is seen"
    )


def _parts(parts: "Sequence[Part]") -> str:
    return _some([f"{_clock(part.start)} to {_clock(part.end)}" for part in parts])


def _places(places: Sequence[float]) -> str:
    return _some([_clock(at) for at in places])


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more if names else "none"


def _clock(seconds: float) -> str:
    """Return seconds as m:ss.s, tenths only where there are some."""
    tenths = round(10 * seconds)
    minutes, rest = divmod(tenths, 600)
    return f"{minutes}:{rest // 10:02}" + (f".{rest % 10}" if rest % 10 else "")
