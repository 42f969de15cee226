"""What a browser's own processing of the sound leaves of the measures."""

import math
from dataclasses import replace

from pipeline.types import BrowserAudio, Reason, Signal

GAIN_SHARES = {"voice.rms": 0.3, "voice.loudness": 0.3}
SUPPRESSION_SHARES = {"voice.rms": 0.5}


def allow_for(audio: BrowserAudio | None, signals: tuple[Signal, ...]) -> tuple[Signal, ...]:
    """Lower the quality of the signals that the browser's processing changes, and say why.

    Args:
        audio: what the browser says; None when nothing is known, which lowers nothing.
        signals: any number.

    Returns:
        The signals in the same order. Where both apply, the shares multiply and the reason is the smaller one's.
    """
    if audio is None:
        return signals
    applied = (
        *([(Reason.AUTOMATIC_GAIN, GAIN_SHARES)] if audio.has_automatic_gain else []),
        *([(Reason.NOISE_SUPPRESSION, SUPPRESSION_SHARES)] if audio.has_noise_suppression else []),
    )
    return tuple(_lower(signal, applied) for signal in signals)


def _lower(signal: Signal, applied: tuple[tuple[Reason, dict[str, float]], ...]) -> Signal:
    shares = {reason: by_name[signal.name] for reason, by_name in applied if signal.name in by_name}
    if signal.value is None or not shares:
        return signal
    return replace(
        signal,
        quality=signal.quality * math.prod(shares.values()),
        reason=min(shares, key=lambda reason: shares[reason]),
    )
