"""The exception family: what went wrong, which value, and what to do next.

PavdmError
├── ConfigError       a setting, a prompt or a configuration file
├── CheckpointError   weights that are missing, damaged or do not fit
├── ScheduleError     a schedule that cannot be made or that a model cannot run
├── VideoError        a video file that cannot be read or written
├── DeviceError       a device or number format this machine does not have
└── RunError          a generation on disk that cannot go on
"""


class PavdmError(Exception):
    """A problem the user can act on; shown as one line, exit code 1."""


class ConfigError(PavdmError):
    """A setting, a prompt or a configuration file is wrong."""


class CheckpointError(PavdmError):
    """Weights are missing, damaged or do not fit the model."""


class ScheduleError(PavdmError):
    """A schedule cannot be made, or the model cannot run it."""


class VideoError(PavdmError):
    """A video file cannot be read or written."""


class DeviceError(PavdmError):
    """This machine does not have the device or number format asked for."""


class RunError(PavdmError):
    """A generation on disk cannot go on."""


def why_unread(error: OSError | ValueError) -> str:
    """Say in a few words why a text file could not be read."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "it is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
