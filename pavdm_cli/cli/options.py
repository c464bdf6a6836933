"""The options that commands share, each with its help; unset ones are None and take the model's own value.

Values are checked in `cli.order`, not here: a wrong one is then one line that says what to do.
"""

from pathlib import Path
from typing import Annotated

import typer

BASIC = "Options"
TIME = "One prompt after another"
SEVERAL = "Several videos"
FILE = "Picture and file"
TALK = "What is said"
MACHINE = "Machine"
RESEARCH = "Research"

Prompt = Annotated[str | None, typer.Argument(help="What is to be seen, in a sentence.", show_default=False)]
Output = Annotated[
    str | None,  # a Path would lose the slash that makes a folder
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help="Where the video goes: an .mp4 file, or a folder (one that is there, or ends in a slash). "
        "Default: outputs/PROMPT-SEED.mp4.",
        show_default=False,
        rich_help_panel=BASIC,
    ),
]
Seconds = Annotated[
    float | None,
    typer.Option(
        help="Length of the video in seconds. Default: 10.", show_default=False, rich_help_panel=BASIC
    ),
]
MoreSeconds = Annotated[
    float | None,
    typer.Option("--seconds", help="Seconds to add. Default: 10.", show_default=False, rich_help_panel=BASIC),
]
Frames = Annotated[
    int | None,
    typer.Option(
        "--frames",
        "--num-frames",
        help="The same in frames, instead of --seconds.",
        show_default=False,
        rich_help_panel=BASIC,
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        help="A name from 'pavdm models list', or a model's folder.",
        show_default="worlds",
        rich_help_panel=BASIC,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        help="The same seed gives the same video. Default, or -1: a random one.",
        show_default=False,
        rich_help_panel=BASIC,
    ),
]
Guidance = Annotated[
    float | None,
    typer.Option(
        "--guidance",
        "--guidance-scale",
        "--cfg",
        help="How strictly the prompt is followed: 0 ignores it, 1 follows it plainly and twice as fast.",
        show_default="the model's",
        rich_help_panel=BASIC,
    ),
]
Negative = Annotated[
    str | None,
    typer.Option(
        "--negative",
        "--negative-prompt",
        help="What is not to be seen; needs a guidance other than 1.",
        show_default=False,
        rich_help_panel=BASIC,
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        "--num-inference-steps",
        help="Moves from noise to picture: time grows with their number, and too few are coarse.",
        show_default="the model's",
        rich_help_panel=BASIC,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the output.", rich_help_panel=BASIC)]

At = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TIME=PROMPT",
        help='Another prompt from a time on, as often as wanted: --at "20s=the sea at night".',
        show_default=False,
        rich_help_panel=TIME,
    ),
]
TimelineFile = Annotated[
    Path | None,
    typer.Option(
        "--timeline",
        help="A TOML file: prompt, blend, and tables named at with a time and a prompt (docs/runs.md).",
        show_default=False,
        rich_help_panel=TIME,
    ),
]
Blend = Annotated[
    float | None,
    typer.Option(
        help="Seconds in which one prompt goes over into the next.", show_default="1", rich_help_panel=TIME
    ),
]
Like = Annotated[
    Path | None,
    typer.Option(
        help="A video of pavdm's whose settings are used where no other is given.",
        show_default=False,
        rich_help_panel=BASIC,
    ),
]
RunDir = Annotated[
    Path | None,
    typer.Option(
        help="Where runs are kept, to be gone on with. Default: this program's data folder.",
        show_default=False,
        rich_help_panel=MACHINE,
    ),
]
File = Annotated[Path, typer.Argument(help="A video file.", show_default=False)]
RunName = Annotated[
    str | None,
    typer.Argument(metavar="RUN", help="A name from 'pavdm runs list'.", show_default="the newest stopped"),
]
Again = Annotated[
    str | None,
    typer.Option(
        "--prompt",
        help="What is to be seen in the new part. Default: as the video's own prompts say.",
        show_default=False,
        rich_help_panel=BASIC,
    ),
]
OwnSeed = Annotated[
    int | None,
    typer.Option(
        "--seed", help="Default: the video's own; -1: random.", show_default=False, rich_help_panel=BASIC
    ),
]
From = Annotated[
    str,
    typer.Option("--from", metavar="TIME", help="From when on: 37s or 1:10.", rich_help_panel=BASIC),
]
Takes = Annotated[
    int, typer.Option("--count", help="Takes; seeds count up, and a sheet shows them.", rich_help_panel=BASIC)
]
NewFile = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Where the longer video goes. Default: NAME-extended.mp4, beside it.",
        show_default=False,
        rich_help_panel=BASIC,
    ),
]
TakesFolder = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FOLDER",
        help="Where the takes go, as NAME-take-SEED.mp4, or one's file. Default: beside the video.",
        show_default=False,
        rich_help_panel=BASIC,
    ),
]
OnlyNew = Annotated[bool, typer.Option("--only-new", help="Write the new part alone.", rich_help_panel=BASIC)]
All = Annotated[bool, typer.Option("--all", help="Those that were stopped, too.")]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[RUN]...", help="Names from 'pavdm runs list'.", show_default=False),
]

Count = Annotated[
    int, typer.Option(help="Videos of each prompt, with seeds that count up.", rich_help_panel=SEVERAL)
]
Prompts = Annotated[
    Path | None,
    typer.Option(help="A text file with one prompt a line.", show_default=False, rich_help_panel=SEVERAL),
]

Scale = Annotated[
    int | None,
    typer.Option(
        help="Enlarge when writing; 1 is the model's own size. Default: a film's own, or to about 512 lines.",
        show_default=False,
        rich_help_panel=FILE,
    ),
]
Quality = Annotated[
    int | None,
    typer.Option(
        help="The encoder's quantiser, 1 (best) to 51.",
        show_default="18",
        rich_help_panel=FILE,
    ),
]

Size = Annotated[
    str | None,
    typer.Option(
        metavar="WxH",
        help="Width and height that the model makes, where it can make several.",
        show_default="the model's",
        rich_help_panel=FILE,
    ),
]
Fps = Annotated[
    int | None,
    typer.Option(
        help="Frames a second, where the model can make several.",
        show_default="the model's",
        rich_help_panel=FILE,
    ),
]
Image = Annotated[
    Path | None,
    typer.Option(
        help="A picture that the video begins with, where the model can.",
        show_default=False,
        rich_help_panel=BASIC,
    ),
]

Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print the path of the video alone.", rich_help_panel=TALK)
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object; all else goes to stderr.", rich_help_panel=TALK)
]
Stats = Annotated[
    bool, typer.Option("--stats", help="Show every figure of drift while it is made.", rich_help_panel=TALK)
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Say what would be done, in what memory and time; make nothing.",
        rich_help_panel=TALK,
    ),
]

Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.", rich_help_panel=MACHINE)]
Dtype = Annotated[str, typer.Option(help="auto, fp16, bf16 or fp32.", rich_help_panel=MACHINE)]
AttentionChunk = Annotated[
    str,
    typer.Option(
        help="Queries attended at a time: a number, or auto. Smaller takes less memory, for the same video.",
        rich_help_panel=MACHINE,
    ),
]
Deterministic = Annotated[
    bool,
    typer.Option(
        "--deterministic",
        help="The very same numbers at every run on this machine; slower on CUDA.",
        rich_help_panel=MACHINE,
    ),
]

OffloadOpt = Annotated[
    str,
    typer.Option(
        "--offload",
        help="Large models: text keeps the text encoder off the device, model the denoiser's blocks too.",
        rich_help_panel=MACHINE,
    ),
]
VaeTiling = Annotated[
    bool,
    typer.Option(
        "--vae-tiling",
        help="Large models: decode and encode by tiles, in less memory.",
        rich_help_panel=MACHINE,
    ),
]

Schedule = Annotated[
    str | None,
    typer.Option(
        show_default="progressive",
        help="NAME[:key=value,...], a way of rolling: 'pavdm schedules list' names them, 'show' their keys.",
        rich_help_panel=RESEARCH,
    ),
]

Compile = Annotated[bool, typer.Option("--compile", help="Compile the network first.")]
Shapes = Annotated[str, typer.Option("--model", help="The model whose sizes and usual settings are taken.")]
Name = Annotated[str, typer.Argument(help="A name from 'pavdm models list', or a model's folder.")]
Checkpoint = Annotated[
    str, typer.Argument(help="A name from 'pavdm models list', or a repository of the hub: OWNER/NAME.")
]
