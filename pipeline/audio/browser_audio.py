"""What a browser's own processing of the sound leaves of the measures.

The shares are what remained of the differences between recordings that were played into Chromium's microphone with
the processing on (docs/voice.md, "What the browser does first"): the squared correlation with the same without it.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

from pipeline.audio.acoustic_signals import OF_DELTAS, OF_MFCC
from pipeline.types import BrowserAudio, Reason, Signal

GAIN_SHARES: Mapping[str, float] = {"voice.rms": 0.25, "voice.loudness": 0.25}
"""Of a step of 12 dB a half is left after 10 s, a fifth after 20 s and a tenth after 35 s."""
SUPPRESSION_SHARES: Mapping[str, float] = {
    "voice.rms": 0.8,
    "voice.loudness": 0.8,
    "voice.zcr": 0.8,
    "voice.centroid": 0.3,
    "voice.rolloff": 0.2,
    "voice.flux": 0.9,
    "voice.slope": 0.9,
    "voice.slope_low": 0.9,
    "voice.alpha_ratio": 0.9,
    "voice.hammarberg": 0.9,
    "voice.shimmer": 0.9,
    "voice.hnr": 0.8,
    **{item.name: 0.9 for item in OF_MFCC},
    **{item.name: 0.6 for item in OF_DELTAS},
}
"""Level and loudness kept all in a quiet room; in a noisy one the suppressor takes noise away from which the quality
would have been judged."""


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


def _lower(signal: Signal, applied: tuple[tuple[Reason, Mapping[str, float]], ...]) -> Signal:
    shares = {reason: by_name[signal.name] for reason, by_name in applied if signal.name in by_name}
    if signal.value is None or not shares:
        return signal
    reason = min(shares, key=lambda item: shares[item])
    return replace(signal, quality=signal.quality * math.prod(shares.values()), reason=reason)
