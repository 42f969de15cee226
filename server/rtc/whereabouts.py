"""Where an error was raised, for the log: never what it says, which may quote what was in a packet."""

import traceback

FRAMES = 4


def whereabouts(error: BaseException) -> str:
    """Return the places that an error came by, the innermost first: ``FILE:LINE < FILE:LINE ...``."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    return " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames))
