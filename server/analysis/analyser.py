"""One session inside a worker: encoded frames through decoders and models into the pipeline, estimates out."""

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pipeline.audio.voice_emotion import judge_voice, keep_sound, new_sound
from pipeline.language.words import Transcript
from pipeline.learned import LearnedStress
from pipeline.session import MAX_AGE_S, Item, SessionState, new_session, reset_calibration, step
from pipeline.types import (
    SAMPLE_RATE_HZ,
    AudioChunk,
    EmotionClassifier,
    Explanation,
    EyeClassifier,
    FaceFinder,
    FaceLandmarks,
    Gap,
    ImageArray,
    OtherVoice,
    QuestionAsked,
    Reason,
    SpeechDetector,
    Tick,
    VoiceClassifier,
)
from pipeline.video.explain import explain
from pipeline.video.eyes import look_at_eyes
from pipeline.video.face import MeasuredFace, measure_face
from pipeline.video.frame import make_frame
from server.analysis.bitrate import BitRate
from server.analysis.decode import AudioDecoder, DecodeError, VideoDecoder
from server.analysis.messages import (
    Checkpoint,
    EstimateMade,
    Explain,
    Explained,
    FromWorker,
    HearThrough,
    InSession,
    KeyframeWanted,
    MakeEstimate,
    MarkGap,
    MarkQuestion,
    Media,
    Open,
    OthersSpeak,
    Recalibrate,
    SessionStats,
    Transcribe,
    WordsMade,
)
from server.analysis.session_words import SessionWords
from server.analysis.transcription import Transcription
from server.media import EncodedFrame, Kind

LATE_S = 0.3
"""A picture that waited longer is decoded but not measured, so that a busy worker catches up. Shorter waits are usual
while a tick or a browser on the same machine has the processor, and each hole of 0.2 s begins the pulse anew."""
STARVED_S = 1.0
"""Without a measured face for this long the next picture is measured however late it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """The networks that read a face or a voice; a worker's sessions share them."""

    emotions: EmotionClassifier
    eyes: EyeClassifier
    voice: VoiceClassifier


class SessionAnalyser:
    """Holds what a session needs in its worker: decoders, face tracker, the pipeline's state."""

    def __init__(
        self,
        message: Open,
        *,
        networks: Networks,
        find_face: FaceFinder,
        detect_speech: SpeechDetector,
        clock: Callable[[], float],
        transcription: Transcription | None = None,
        module: LearnedStress | None = None,
    ) -> None:
        self._session_id = message.session_id
        self._origin_s = message.origin_s
        self._period_s = 1 / message.landmark_fps
        self._reading_period_s = 1 / message.analysis_fps
        self._networks = networks
        self._find_face = find_face
        self._detect_speech = detect_speech
        self._clock = clock
        self._module = module
        self._state = _restored(message.state)
        self._first_identity = self._state.evidence.shape.identity or 0
        self._audio = AudioDecoder(message.origin_s)
        self._words = SessionWords(transcription)
        self._told_lost_s = 0.0
        self._sound = new_sound()
        self._video: VideoDecoder | None = None
        self._video_broken_from_s: float | None = None
        self._video_seen_s = 0.0
        self._bit_rate = BitRate()
        self._due_s = 0.0
        self._reading_due_s = 0.0
        self._measured_s = -STARVED_S
        self._newest_face: MeasuredFace | None = None
        self._newest_arrival_s = message.origin_s
        self._stats = SessionStats()

    def handle(
        self,
        message: InSession,
    ) -> Iterator[FromWorker]:
        """Take one message and yield the answers.

        Any error other than of decoding comes out of here; the caller closes the session.
        """
        match message:
            case Media():
                if message.frame.kind is Kind.AUDIO:
                    self._hear(message.frame)
                else:
                    yield from self._watch(message.frame)
            case MarkGap():
                gap = Gap(from_s=message.from_s, to_s=message.to_s, stream=message.stream)
                self._sound = keep_sound(self._sound, gap)
                self._step(gap)
            case OthersSpeak():
                self._step(OtherVoice(t_s=message.t_s, is_speaking=message.is_speaking))
            case HearThrough():
                self._step(message.audio)
            case Transcribe():
                self._words.switch(is_on=message.is_on)
                self._step(Transcript(is_on=self._words.is_on))
            case MakeEstimate():
                yield from self._estimate(message.t_s)
            case Recalibrate():
                self._state = reset_calibration(self._state, message.t_s)
            case MarkQuestion():
                self._step(QuestionAsked(t_s=message.t_s))
            case Explain():
                explanation = self._explain(message.emotion)
                yield Explained(session_id=self._session_id, number=message.number, explanation=explanation)

    def collect_words(self) -> Iterator[FromWorker]:
        """Yield what the transcriber has written down, if there is news."""
        words, lost_s = self._words.take(), self._words.lost_s
        if words:
            self._step(Transcript(is_on=True, words=words))
        if words or lost_s > self._told_lost_s:
            self._told_lost_s = lost_s
            yield WordsMade(
                session_id=self._session_id, words=words, transcriber=self._words.version, lost_s=round(lost_s, 3)
            )

    def finish_words(self) -> bool:
        """Take in that no more sound comes; return whether words of what was said may still come."""
        self._words.finish()
        return self._words.is_pending

    @property
    def is_writing(self) -> bool:
        """True while words of what was said may still come."""
        return self._words.is_pending

    def drop_words(self) -> None:
        """Forget what was said and is not yet written down."""
        self._words.drop()

    def _step(self, item: Item) -> None:
        self._state, _ = step(self._state, item)

    def _estimate(self, t_s: float) -> Iterator[FromWorker]:
        self._step(judge_voice(self._sound, self._state.voice, t_s, self._networks.voice))
        self._state, estimates = step(self._state, Tick(t_s=t_s), module=self._module)
        # First, so that no estimate is ever known whose state is not.
        yield Checkpoint(session_id=self._session_id, t_s=t_s, state=pickle.dumps(self._state))
        for estimate in estimates:
            yield EstimateMade(
                session_id=self._session_id,
                estimate=estimate,
                newest_arrival_s=self._newest_arrival_s,
                stats=self._stats,
            )

    def _explain(self, emotion: str | None) -> Explanation:
        """Explain the newest measured picture, which is kept for this alone and never part of a checkpoint."""
        face = self._newest_face
        if face is None or self._clock() - self._origin_s - face.sample.t_s > MAX_AGE_S:
            return Explanation(reason=Reason.NO_VIDEO)
        sample = face.sample
        if face.crop is None:
            return Explanation(reason=sample.reason, t_s=sample.t_s)
        return explain(
            face.crop,
            self._networks.emotions,
            t_s=sample.t_s,
            quality=sample.quality,
            reason=sample.reason,
            emotion=emotion,
        )

    def _hear(self, frame: EncodedFrame) -> None:
        try:
            for chunk in self._audio.decode(frame):
                self._take_sound(chunk, frame.arrival_s)
        except DecodeError:
            self._count(decode_errors=1)

    def _take_sound(self, chunk: AudioChunk, arrival_s: float) -> None:
        if chunk.t_s < 0:
            return
        self._step(chunk)
        self._sound = keep_sound(self._sound, chunk)
        activity = self._detect_speech(chunk)
        if activity is not None:
            self._step(activity)
        self._words.hear(chunk, activity)
        duration_s = len(chunk.samples) / SAMPLE_RATE_HZ
        self._stats = replace(
            self._stats,
            audio_s=self._stats.audio_s + duration_s,
            audio_gap_s=self._stats.audio_gap_s + duration_s * chunk.is_gap,
            audio_recovered_s=self._stats.audio_recovered_s + duration_s * chunk.is_recovered,
        )
        if not chunk.is_gap:
            self._newest_arrival_s = max(self._newest_arrival_s, arrival_s)

    def _watch(self, frame: EncodedFrame) -> Iterator[FromWorker]:
        t_s = frame.capture_s - self._origin_s
        self._bit_rate.add(t_s, len(frame.data))
        if not frame.is_keyframe and (self._video is None or frame.follows_gap):
            yield from self._give_picture_up()
        if frame.is_keyframe:
            self._begin_picture(frame, t_s)
        if self._video is None:
            return
        wants_picture = self._is_wanted(t_s, self._clock() - frame.arrival_s)
        try:
            picture = self._video.decode(frame, wants_picture=wants_picture)
        except DecodeError:
            self._count(decode_errors=1)
            yield from self._give_picture_up()
            return
        self._count(decoded=1)
        self._video_seen_s = max(0.0, t_s)
        if picture is None:
            return
        landmarks = self._follow_face(picture)
        seen = make_frame(t_s=t_s, rgb=picture, landmarks=landmarks, kbps=self._bit_rate.kbps())
        self._step(seen)
        self._newest_arrival_s = max(self._newest_arrival_s, frame.arrival_s)
        self._due_s = max(self._due_s + self._period_s, t_s + self._period_s / 2)
        self._measured_s = t_s
        self._count(tracked=1)
        if t_s >= self._reading_due_s:
            classify = self._networks.emotions
            measured = measure_face(t_s=t_s, rgb=picture, landmarks=landmarks, classify=classify, cover=seen.cover)
            self._newest_face = face = look_at_eyes(measured, self._networks.eyes)
            self._step(face.sample)
            self._reading_due_s = max(self._reading_due_s + self._reading_period_s, t_s + self._reading_period_s / 2)
            self._count(analysed=1)

    def _follow_face(self, picture: ImageArray) -> FaceLandmarks | None:
        """Find the face; a tracker numbers faces from 0, a session that another worker had goes on from its number."""
        landmarks = self._find_face(picture)
        if landmarks is None or self._first_identity == 0:
            return landmarks
        return replace(landmarks, identity=self._first_identity + landmarks.identity)

    def _is_wanted(self, t_s: float, age_s: float) -> bool:
        """Say whether the face is to be followed on a picture of this capture time and age."""
        if t_s < max(0.0, self._due_s):
            return False
        if age_s > LATE_S and t_s - self._measured_s < STARVED_S:
            self._count(skipped_late=1)
            return False
        return True

    def _begin_picture(self, frame: EncodedFrame, t_s: float) -> None:
        """A key frame mends the picture, or begins one of another codec."""
        if self._video is None or self._video.codec is not frame.codec:
            self._video = VideoDecoder(frame.codec)
        from_s = self._video_broken_from_s
        if from_s is None and frame.follows_gap:
            from_s = self._video_seen_s
        if from_s is not None and t_s > from_s:
            self._step(Gap(from_s=from_s, to_s=t_s, stream="video"))
        self._video_broken_from_s = None

    def _give_picture_up(self) -> Iterator[FromWorker]:
        """Look at no picture until the next key frame."""
        self._video = None
        if self._video_broken_from_s is None:
            self._video_broken_from_s = self._video_seen_s
            yield KeyframeWanted(session_id=self._session_id)

    def _count(
        self, *, decoded: int = 0, tracked: int = 0, analysed: int = 0, skipped_late: int = 0, decode_errors: int = 0
    ) -> None:
        self._stats = replace(
            self._stats,
            decoded=self._stats.decoded + decoded,
            tracked=self._stats.tracked + tracked,
            analysed=self._stats.analysed + analysed,
            skipped_late=self._stats.skipped_late + skipped_late,
            decode_errors=self._stats.decode_errors + decode_errors,
        )


def _restored(state: bytes | None) -> SessionState:
    if state is None:
        return new_session()
    # Only a worker of this very installation writes these bytes, and the server hands them to workers alone.
    restored = pickle.loads(state)  # noqa: S301
    assert isinstance(restored, SessionState)
    return restored
