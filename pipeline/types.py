"""Every value that crosses a room boundary of the analysis: what goes into the analyser and what comes out.

All values are frozen. Times are seconds on the session's monotonic clock, 0 at session start.
"No signal" is a value (``value=None``, ``quality=0`` and a reason), never an exception and never a made-up 0.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

SAMPLE_RATE_HZ = 16_000
"""Sampling rate of all PCM the pipeline sees."""

EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""Order of the seven shares wherever emotions stand in an array."""

EYE_EMOTIONS = ("angry", "fear", "happy", "neutral", "sad", "surprise")
"""Order of the six shares that the region of the eyes gives. Disgust shows in nose and mouth and is left out."""

ACTIVITY_S = 0.02
"""Length of the stretches of which a detector of speech says whether they are speech."""

VOICE_EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
"""Order of the eight shares that a voice gives: the classes and the order of RAVDESS."""

FloatArray = npt.NDArray[np.float32]
ImageArray = npt.NDArray[np.uint8]


class Reason(StrEnum):
    """Why a reading is weak or missing; OK when it is neither."""

    OK = "ok"
    CALIBRATING = "calibrating"
    NO_FACE = "no_face"
    DARK = "dark"
    SMALL_FACE = "small_face"
    UNCLEAR = "unclear"
    COVERED = "covered"
    NO_VIDEO = "no_video"
    SILENCE = "silence"
    NOISE = "noise"
    NO_AUDIO = "no_audio"
    GAP = "gap"
    TOO_SHORT = "too_short"
    TURNED_AWAY = "turned_away"
    MOVING = "moving"
    COMPRESSED = "compressed"
    DISAGREE = "disagree"
    WEAK = "weak"
    LOW_RATE = "low_rate"
    NO_OTHER_VOICE = "no_other_voice"
    NOT_TRANSCRIBED = "not_transcribed"
    AUTOMATIC_GAIN = "automatic_gain"
    NOISE_SUPPRESSION = "noise_suppression"
    FAINT = "faint"


class Band(StrEnum):
    """Stress band: low < 0.3 <= moderate < 0.6 <= high."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"


class Level(StrEnum):
    """Stress of an expression in three groups: see ``pipeline.levels``."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Trajectory(StrEnum):
    """Direction of the regression slope over the last five estimates."""

    ASCENDING = "ascending"
    STABLE = "stable"
    DESCENDING = "descending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One measured value with its worth."""

    value: float | None
    """In [0, 1], or None when it cannot be said."""
    quality: float
    """In [0, 1]; 0 when value is None."""
    reason: Reason
    """OK, or why the value is weak or missing."""
    age_s: float
    """Seconds between the newest sample behind the value and the estimate's time; 0 when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Shares that add up to 1, with their worth."""

    shares: tuple[float, ...] | None
    """In an order that the field's owner states; None when they cannot be said."""
    quality: float
    """In [0, 1]; 0 when shares is None."""
    reason: Reason
    """OK, or why the shares are weak or missing."""
    age_s: float
    """Seconds between the newest sample behind the shares and the estimate's time; 0 when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioChunk:
    """A stretch of 16 kHz mono sound."""

    t_s: float
    """Capture time of the first sample."""
    samples: FloatArray
    """Shape (n,), full scale is [-1, 1]. Zeros when is_gap."""
    is_gap: bool = False
    """True when the sound of this stretch was lost: never to be measured as silence."""
    is_recovered: bool = False
    """True when the packet was lost and this is the coarser copy of it that the next one carried (Opus FEC)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceLandmarks:
    """One face as a landmark model reports it."""

    points: FloatArray
    """Shape (478, 3): x, y in pixels of the frame, z in the same scale; MediaPipe FaceMesh order with irises."""
    score: float
    """Detection confidence in [0, 1]."""
    n_faces: int = 1
    """Faces in the frame, as far as the tracker looks."""
    identity: int = 0
    """Another number after this face was lost and another one came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSample:
    """What one analysed video frame says about the face."""

    t_s: float
    """Capture time of the frame."""
    emotions: FloatArray | None
    """Shape (7,), sums to 1, order EMOTIONS; None without a usable face."""
    quality: float
    """In [0, 1]: detection confidence, size, light and sharpness together."""
    reason: Reason
    """OK, NO_FACE, DARK or SMALL_FACE."""
    eyes: FloatArray | None = None
    """Shape (6,), sums to 1, order EYE_EMOTIONS: the region of the eyes alone; None where it cannot be read."""
    eyes_quality: float = 0.0
    """In [0, 1]; 0 without eyes."""
    eyes_reason: Reason = Reason.NO_FACE
    """OK, or why there are no eyes: also UNCLEAR (blurred, over-exposed, small or half hidden)."""
    box: tuple[float, float, float, float] | None = None
    """x, y, width, height as shares of the frame, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceEmotionSample:
    """What the voice network says of the last seconds of speech."""

    t_s: float
    """Capture time of the end of the sound."""
    shares: FloatArray | None
    """Shape (8,), sums to 1, order VOICE_EMOTIONS; None without enough speech."""
    quality: float
    """In [0, 1]: signal-to-noise ratio and amount of speech together; 0 without shares."""
    reason: Reason
    """OK, NOISE, or why there are no shares: also SILENCE, TOO_SHORT, GAP, NO_AUDIO."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A marked hole in a stream (lost media, worker restart, reconnection)."""

    from_s: float
    to_s: float
    stream: Literal["audio", "video", "both"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceFrame:
    """The geometry and the skin of the face in one video frame, at frame rate: what blinks, gaze and pulse need."""

    t_s: float
    """Capture time of the frame."""
    size: tuple[int, int]
    """Width and height of the frame in pixels."""
    points: FloatArray | None
    """Shape (478, 3), as in FaceLandmarks; None without a face."""
    skin: FloatArray | None = None
    """Shape (3, 3): mean red, green, blue (0 to 255) of forehead, right cheek and left cheek; a row is NaN where that
    region cannot be seen. None without a face."""
    n_faces: int = 0
    """Faces in the frame, as far as the tracker looks."""
    identity: int = 0
    """Which face is followed: another number after it was lost and another face came."""
    score: float = 1.0
    """Detection confidence in [0, 1]."""
    kbps: float | None = None
    """Bit rate of the video over the last seconds, None when it is not known."""
    cover: float = 0.0
    """How sure it is that the lower half of the face is covered (a mask), in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherVoice:
    """Whether anyone else in the interview speaks, from the levels that their browsers send with each packet."""

    t_s: float
    is_speaking: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserAudio:
    """What the person's browser says it does to their sound from here on; what it does not say counts as not done."""

    has_automatic_gain: bool
    has_noise_suppression: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAsked:
    """An interviewer marked that a question was asked."""

    t_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceActivity:
    """Which stretches of the person's sound are speech, as a detector heard them."""

    t_s: float
    """Capture time of the first sample of the first stretch."""
    is_speech: npt.NDArray[np.bool_]
    """Shape (n,), n >= 1: one decision for each ACTIVITY_S, back to back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One measured quantity: evidence beside the score. ``pipeline.catalogue`` says what each name means."""

    name: str
    """A name in ``pipeline.catalogue.CATALOGUE``, for example ``voice.hnr``."""
    value: float | None
    """In the unit of its definition; None when it cannot be said."""
    quality: float
    """In [0, 1]; 0 when value is None."""
    reason: Reason
    """OK, or why the value is weak or missing."""
    age_s: float
    """Seconds between the newest sample behind the value and the estimate's time; 0 when there is none."""
    z: float | None = None
    """Robust distance from the person's own baseline (``pipeline.baseline``); None before there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """The moment an estimate is due (once a second, at whole seconds of the session clock)."""

    t_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceFeatures:
    """Voice features over the estimate's window, before normalisation."""

    rms: float
    """Root mean square of the speech frames, full scale 1."""
    centroid_hz: float | None
    """Spectral centroid of the speech frames."""
    f0_hz: float | None
    """Median autocorrelation pitch of the voiced frames."""
    rms_variability: float
    """Spread of frame RMS in the window."""
    f0_variability: float | None
    """Spread of pitch in the window."""
    snr_db: float | None
    """Speech level over noise floor."""
    speech_share: float
    """Share of the window that is speech, in [0, 1]."""
    is_silent: bool
    """No speech in the window."""
    n_pauses: int = 0
    """Pauses of at least 250 ms with speech on both sides."""
    pause_share: float = 0.0
    """Share of the window that they take, in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """One signal's part of the unsmoothed stress; the parts of an estimate add up to it."""

    signal: str
    """For example ``face.fear`` or ``voice.f0``."""
    amount: float
    """Part of stress_raw, >= 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One tick of the analyser."""

    t_s: float
    """Session time of the tick, whole seconds."""
    stress: Reading
    """Fused and smoothed."""
    stress_raw: float | None
    """Fused, before smoothing."""
    face: Reading
    voice: Reading
    emotions: tuple[float, ...] | None
    """Seven shares in the order EMOTIONS, or None without a face."""
    levels: Shares
    """Low, medium, high: three sums of emotions over the last five answers of the network (``pipeline.levels``)."""
    eyes: Shares
    """Six shares in the order EYE_EMOTIONS from the region of the eyes alone: evidence that no score uses."""
    voice_features: VoiceFeatures | None
    band: Band | None
    """None when stress is unknown."""
    trajectory: Trajectory | None
    """None until five estimates are known."""
    window_mean: float | None
    """Mean stress over the last 30 s."""
    window_sd: float | None
    """Standard deviation of stress over the last 30 s."""
    peak_t_s: float | None
    """Time of a peak that this tick confirms (the tick before), else None."""
    contributions: tuple[Contribution, ...]
    """Empty when stress_raw is None."""
    newest_sample_s: float | None
    """Capture time of the newest media sample that went in, for latency figures."""
    signals: tuple[Signal, ...] = ()
    """Every measured quantity of ``pipeline.catalogue.CATALOGUE`` that the session's media can give, known or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartEffect:
    """What hiding one part of the face does."""

    part: str
    """A key of ``pipeline.video.explain.PARTS``."""
    fall: float
    """Share with the whole face less share with the part hidden, in [-1, 1]; below 0 hiding raises it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """An occlusion map of one face, or the reason why there is none."""

    reason: Reason
    """OK, or what weakens the face; without a map why there is none."""
    t_s: float | None = None
    """Capture time of the picture; None when there is none."""
    quality: float = 0.0
    """Of the face in that picture, in [0, 1]; 0 without a map."""
    emotion: str | None = None
    """Whose share the map is about; None without a map."""
    share: float | None = None
    """That emotion's share with nothing hidden, in [0, 1]; of this one picture, not of the averaged estimate."""
    falls: tuple[float, ...] = ()
    """6 x 6 values in [-1, 1], row by row from the upper left: mean fall over the patches that cover a cell of 8 px.
    Empty without a map."""
    parts: tuple[PartEffect, ...] = ()
    """Parts of the face, the largest fall first. Empty without a map."""
    crop: bytes | None = None
    """The 48 x 48 grey levels that were looked at, row by row; None without a map."""


class EmotionClassifier(Protocol):
    """A loaded emotion network."""

    version: str
    """Name and short hash of the weights."""

    def __call__(self, faces: FloatArray, /) -> FloatArray:
        """Classify aligned face crops.

        Args:
            faces: shape (n, 1, size, size), as ``pipeline.video.crop`` makes them.

        Returns:
            Shape (n, 7), rows sum to 1, order EMOTIONS.
        """


class EyeClassifier(Protocol):
    """A loaded network for the region of the eyes."""

    version: str
    """Name and short hash of the weights."""

    def __call__(self, strips: FloatArray, /) -> FloatArray:
        """Classify strips of shape (n, 1, 32, 64), as ``pipeline.video.eyes`` cuts them.

        Returns:
            Shape (n, 6), rows sum to 1, order EYE_EMOTIONS.
        """


class VoiceClassifier(Protocol):
    """A loaded network for emotion in the voice."""

    version: str
    """Name and short hash of the weights."""

    def __call__(self, rows: FloatArray, /) -> FloatArray:
        """Classify stretches of speech of shape (n, 100, n_frames), as ``pipeline.audio.voice_input`` makes them.

        Returns:
            Shape (n, 8), rows sum to 1, order VOICE_EMOTIONS.
        """


class FaceFinder(Protocol):
    """A face landmark tracker; one per stream, since it remembers the last face."""

    def __call__(self, rgb: ImageArray) -> FaceLandmarks | None:
        """Find the most prominent face in an image of shape (height, width, 3), or None."""


class SpeechDetector(Protocol):
    """A detector of speech; one per stream, since it gets used to the noise."""

    def __call__(self, chunk: AudioChunk, /) -> VoiceActivity | None:
        """Take in a chunk and decide on the stretches that it completes; None when it completes none."""
