"""What a stream of frames is asked for, and what a model takes of that."""

from dataclasses import dataclass

from pavdm_cli.errors import ConfigError, ScheduleError
from pavdm_cli.models.card import ModelConfig, Timing
from pavdm_cli.runs.timeline import Cue
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.schedule import Ramp


@dataclass(frozen=True)
class Request:
    """What is to be made: one video for each prompt and seed, all of one length.

    frames: of the whole film, with those that were there before. guidance: how far velocities are pushed
    from `negative` towards the prompt; 1 is none, and half the work. cues: texts that take the prompt's
    place, each within `blend` seconds. given: latents that are there already. shift: frames before the
    first latent's.
    """

    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    frames: int
    schedule: str
    ramp: Ramp
    guidance: float
    negative: str = ""
    cues: tuple[Cue, ...] = ()
    blend: float = 0.0
    given: int = 0
    shift: int = 0

    def latents(self, timing: Timing) -> int:
        """Return the latents of the whole film."""
        return max(timing.latents(self.frames - self.shift), self.given)

    def __post_init__(self) -> None:
        if not self.prompts or len(self.prompts) != len(self.seeds):
            raise ConfigError(
                f"{len(self.prompts)} prompts for {len(self.seeds)} seeds; give one seed a prompt"
            )
        for prompt in self.prompts:
            if not prompt.strip():
                raise ConfigError(
                    "the prompt is empty; say what is to be seen, for example 'a red ball bouncing'"
                )
        if self.frames < 1:
            raise ConfigError(f"{self.frames} frames: a video has at least one; use --seconds or --frames")


def check_span(request: Request, model: ModelConfig, span: int) -> None:
    """Hold the schedule against what a model takes: so many latents in a call, and some ahead to decode one.

    Raises:
        ConfigError: a prompt of actions does not lead so far, or beside it is what only words can tell.
        ScheduleError: it shows more, or would let go of latents that are not decoded yet.
    """
    for prompt in request.prompts:
        model.check_led(prompt, request.frames)
        if model.led(prompt) is not None:
            _check_wordless(request, model)
    latents = request.latents(model.timing)
    if latents == request.given:
        return  # frames of the last latent that were not shown yet are all that is asked for
    most = schedule.size(request.schedule, latents, request.ramp, request.given).span
    if most > span:
        raise ScheduleError(
            f"schedule {request.schedule!r} shows {most} latents in a call and {model.name} takes {span}; "
            "make the window or the context smaller, or the video shorter"
        )
    if request.schedule != "full-sequence" and request.ramp.context < model.ahead:
        raise ScheduleError(
            f"schedule {request.schedule!r} keeps {request.ramp.context} latents of context and {model.name} "
            f"decodes each with the {model.ahead} after it; give a context of at least {model.ahead}"
        )


def _check_wordless(request: Request, model: ModelConfig) -> None:
    cue = request.cues[0].text if request.cues else ""
    for option, text in (("--at", cue), ("--negative", request.negative)):
        if text:
            raise ConfigError(f"{option} {text!r}: {model.name} reads no words; leave it out")
    if request.guidance != 1:
        raise ConfigError(f"--guidance {request.guidance}: {model.name} has none; leave it out")
