"""pavdm show: the settings stored in a video, and the commands that make it again."""

import shlex
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from pavdm_cli.cli import options
from pavdm_cli.cli.output import Output
from pavdm_cli.models.card import spelled
from pavdm_cli.runs.past import Existing
from pavdm_cli.runs.settings import Making, Settings
from pavdm_cli.runs.timeline import active, typed


def show(file: options.File, run_dir: options.RunDir = None, as_json: options.Json = False) -> None:
    """Show the settings stored in a video, and the commands that make it again."""
    from pavdm_cli.errors import ConfigError
    from pavdm_cli.media.writer import PARTIAL
    from pavdm_cli.runs import past, store
    from pavdm_cli.runs.settings import stored

    out = Output(as_json=as_json)
    if file.name.endswith(PARTIAL) and file.exists():
        raise ConfigError(
            f"{file}: not finished, so nothing is stored in it yet; 'pavdm runs list' names its run, "
            "'pavdm resume' goes on with it"
        )
    existing = past.look(file, store.place(run_dir))
    own = existing.settings
    if own is None:
        raise ConfigError(f"{file}: pavdm did not make this video, or its settings are gone or do not fit it")
    again = commands(own, file, existing.info.fps)
    if as_json:
        kept = 0 if existing.latents is None else existing.latents.count
        out.data({"settings": stored(own), "latents": kept, "commands": again})
        return
    _told(out, existing, own)
    for i, command in enumerate(again):
        out.line("" if i else "again", command)
    if own.foreign:
        out.plain(f"        (from {own.foreign}, which pavdm did not make)")


def commands(own: Settings, file: Path, fps: float) -> list[str]:
    """Return the commands that make a video again, one for each time it was worked on."""
    makings = own.makings
    names = [file.with_name(f"{file.stem}-{i}.mp4") for i in range(1, len(makings))] + [file]
    first = makings[0]
    if not own.foreign:
        words = ["generate", "--frames", str(first.frames)]
    else:
        words = ["extend", own.foreign, "--frames", str(first.frames - first.first), "--prompt", first.prompt]
        words += ["--only-new"] if own.hidden and own.hidden == first.first else []
    found = [[*words, *typed(first.cues, first.blend), *_common(own, first), *_shape(own)]]
    for (earlier, later), before in zip(pairwise(makings), names, strict=False):
        found.append([*_later(own, earlier, later, before, fps), *_common(own, later)])
    commands = [["pavdm", *words, "-o", str(name)] for words, name in zip(found, names, strict=True)]
    if not own.foreign:
        commands[0][1:] = prompted(commands[0][1:], first.prompt)
    return [shlex.join(command) for command in commands]


def prompted(words: Sequence[str], prompt: str) -> list[str]:
    """Return a command's words with a prompt behind its name; at the end if it would be read as an option."""
    command, *options = words
    return [*words, "--", prompt] if prompt.startswith("-") else [command, prompt, *options]


def _later(own: Settings, earlier: Making, later: Making, file: Path, fps: float) -> list[str]:
    """Return the words that make a film longer, or its end anew."""
    joint = later.first / fps
    offset = own.hidden / fps if own.hidden and own.hidden < later.first else 0.0
    if later.first == earlier.frames:
        words = ["extend", str(file), "--frames", str(later.frames - later.first)]
        words += ["--only-new"] if own.hidden == later.first else []
    else:
        words = ["redo", str(file), "--from", f"{joint - offset:.4f}s"]
    new = [cue for cue in later.cues if cue.at >= joint]
    if new and new[0].at == joint:
        words += ["--prompt", new.pop(0).text]
    elif any(cue.at >= joint and cue not in new for cue in earlier.cues):  # a prompt took over from them
        words += ["--prompt", active(later.prompt, later.cues, joint)]
    else:
        new = [cue for cue in new if cue not in earlier.cues]
    return [*words, *typed(tuple(new), later.blend, offset)]


def _common(own: Settings, making: Making) -> list[str]:
    words = ["--seed", str(making.seed), "--schedule", making.schedule, "--guidance", str(making.guidance)]
    words += ["--negative", making.negative] if making.negative else []
    words += ["--model", own.model, "--device", own.device, "--dtype", own.dtype]
    words += ["--offload", own.offload] if own.offload != "none" else []
    words += ["--vae-tiling"] if own.vae_tiling else []
    return [*words, *(["--deterministic"] if own.deterministic else [])]


def _shape(own: Settings) -> list[str]:
    """Return the words for what a film has from its beginning on."""
    words = ["--scale", str(own.scale), "--quality", str(own.quality)]
    words += ["--size", spelled(own.size)] if own.size else []
    return [*words, *(["--fps", str(own.fps)] if own.fps else [])]


def _told(out: Output, existing: Existing, own: Settings) -> None:
    fps = existing.info.fps
    for making in own.makings:
        out.line("prompt", making.prompt)
        for cue in making.cues:
            out.line("", f"from {cue.at:g} s: {cue.text}")
        stretch = f"{making.first / fps:.2f} to {making.frames / fps:.2f} s"
        out.line("made", f"{stretch}; seed {making.seed}, guidance {making.guidance:g}")
        out.line("", making.schedule)
    if own.hidden:
        out.line("file", f"begins at {own.hidden / fps:.2f} s of the film")
    out.line("model", f"{own.model}, weights {own.weights}")
    out.line(
        "machine", f"{own.device}, {own.dtype}, {own.threads} threads, torch {own.torch}, pavdm {own.pavdm}"
    )
    kept = (
        "gone: it is extended from its pictures"
        if existing.latents is None
        else f"{existing.latents.count}, whole"
    )
    out.line("latents", kept)
