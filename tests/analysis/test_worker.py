import re
from dataclasses import replace

import pytest

from models.face_mesh import FaceMeshFinder
from pipeline.types import BrowserAudio, Explanation, Reason
from server import clock
from server.analysis.analyser import Networks
from server.analysis.messages import (
    Checkpoint,
    Close,
    Closed,
    EstimateMade,
    Explain,
    Explained,
    Failed,
    HearThrough,
    KeyframeWanted,
    MakeEstimate,
    MarkGap,
    MarkQuestion,
    Media,
    Open,
    OthersSpeak,
    Ping,
    Pong,
    Recalibrate,
)
from server.analysis.worker import Worker
from server.media import Codec, Kind
from tests.fakes.face import FixedClassifier, FixedEyeClassifier, FixedVoiceClassifier, NobodyFinder, NumberedFinder
from tests.fakes.media import at, portrait_video, portrait_voice
from tests.fakes.modules import MODULE


class Desk:
    """A worker in this process and what it answered."""

    def __init__(self, finders=(), module=None):
        self.finders = list(finders)
        self.made = []
        networks = Networks(emotions=FixedClassifier(), eyes=FixedEyeClassifier(), voice=FixedVoiceClassifier())
        self.worker = Worker(networks, self._make_finder, module)
        self.answers = []

    def _make_finder(self):
        self.made.append(self.finders.pop(0) if self.finders else NobodyFinder())
        return self.made[-1]

    def send(self, *messages):
        answers = [answer for message in messages for answer in self.worker.handle(message)]
        self.answers += answers
        return answers

    def open(self, session_id="a", *, origin_s, state=None, fps=5.0, landmark_fps=30.0):
        return self.send(
            Open(session_id=session_id, origin_s=origin_s, analysis_fps=fps, landmark_fps=landmark_fps, state=state)
        )

    def feed(self, frames, session_id="a"):
        return self.send(*(Media(session_id=session_id, frame=frame) for frame in frames))

    def estimate(self, t_s, session_id="a"):
        answers = self.send(MakeEstimate(session_id=session_id, t_s=t_s))
        return next(answer for answer in answers if isinstance(answer, EstimateMade))


@pytest.fixture
def origin_s():
    """A start that lies ahead, so that no frame is late."""
    return clock.monotonic_s() + 60.0


@pytest.mark.parametrize("module", [None, MODULE])
def test_a_decision_module_answers_in_each_session(origin_s, module):
    desk = Desk(module=module)
    desk.open(origin_s=origin_s)
    names = {signal.name for signal in desk.estimate(1.0).estimate.signals}
    assert ("nonverbal.learned_stress" in names) == (module is not None)


def test_a_question_reaches_the_analysis_and_stays_with_a_new_worker(origin_s):
    desk = Desk()
    desk.open(origin_s=origin_s)
    assert desk.send(MarkQuestion(session_id="a", t_s=0.5)) == []
    checkpoint = next(
        answer for answer in desk.send(MakeEstimate(session_id="a", t_s=1.0)) if isinstance(answer, Checkpoint)
    )
    desk.open(origin_s=origin_s, state=checkpoint.state)
    state = desk.worker._sessions["a"][0]._state
    assert [trigger.t_s for trigger in state.evidence.thinking.triggers] == [0.5]


def test_a_ping_is_answered():
    assert Desk().send(Ping(number=5)) == [Pong(number=5)]


def test_pictures_are_measured_at_the_asked_rate_and_all_decoded(origin_s):
    desk = Desk()
    desk.open(origin_s=origin_s, fps=5.0)
    desk.feed(at(portrait_video(3.0), origin_s))
    stats = desk.estimate(3.0).stats
    assert (stats.decoded, stats.tracked, stats.analysed, stats.skipped_late) == (30, 30, 15, 0)
    assert desk.made[0].n_calls == 30


def test_the_face_is_followed_at_a_lower_rate_where_that_is_asked(origin_s):
    desk = Desk()
    desk.open(origin_s=origin_s, fps=2.0, landmark_fps=5.0)
    desk.feed(at(portrait_video(3.0), origin_s))
    stats = desk.estimate(3.0).stats
    assert (stats.tracked, stats.analysed) == (15, 6)


def test_late_pictures_are_decoded_but_measured_only_once_a_second(origin_s):
    desk = Desk()
    desk.open(origin_s=origin_s - 120)
    desk.feed(at(portrait_video(3.0), origin_s - 120))
    stats = desk.estimate(3.0).stats
    assert stats.decoded == 30
    assert stats.analysed == 3
    assert stats.skipped_late > 10


def test_what_was_captured_before_the_session_is_not_measured(origin_s):
    desk = Desk()
    desk.open(origin_s=origin_s)
    desk.feed(at(portrait_video(1.0) + portrait_voice(1.0), origin_s - 2))
    answer = desk.estimate(1.0)
    assert (answer.stats.analysed, answer.stats.audio_s) == (0, 0.0)
    assert answer.newest_arrival_s == origin_s
    assert answer.estimate.newest_sample_s is None


def test_an_estimate_carries_the_newest_arrival_behind_it(origin_s):
    desk = Desk()
    desk.open(origin_s=origin_s)
    frames = [replace(frame, arrival_s=frame.arrival_s + 0.2) for frame in at(portrait_voice(1.0), origin_s)]
    desk.feed(frames)
    assert desk.estimate(1.0).newest_arrival_s == frames[-1].arrival_s


def test_a_lost_picture_asks_for_a_key_frame_once_and_marks_the_gap(origin_s):
    desk = Desk()
    desk.open(origin_s=origin_s)
    frames = at(portrait_video(3.0, keyframe_every_s=2.0), origin_s)
    frames[10] = replace(frames[10], follows_gap=True)
    answers = desk.feed(frames[:20])
    assert answers == [KeyframeWanted(session_id="a")]
    assert desk.estimate(2.0).stats.decoded == 10
    assert desk.feed(frames[20:]) == []
    assert desk.estimate(3.0).stats.decoded == 20


def test_damaged_pictures_and_packets_are_counted_and_survived(origin_s):
    desk = Desk()
    desk.open(origin_s=origin_s)
    frames = at(portrait_video(2.0) + portrait_voice(2.0), origin_s)
    damaged = [
        replace(frame, data=b"\xff" * 3) if index % 40 == 7 or index in (3, 4) else frame
        for index, frame in enumerate(frames)
    ]
    desk.feed(damaged)
    answer = desk.estimate(2.0)
    n_damaged = sum(new is not old for new, old in zip(damaged, frames, strict=True))
    assert 0 < answer.stats.decode_errors <= n_damaged
    assert answer.stats.audio_s > 1.9
    assert answer.stats.audio_gap_s > 0
    assert not any(isinstance(message, Failed) for message in desk.answers)


def test_a_key_frame_of_another_codec_changes_the_decoder(origin_s):
    desk = Desk()
    desk.open(origin_s=origin_s)
    desk.feed(at(portrait_video(1.0), origin_s))
    desk.feed(at(portrait_video(1.0, codec=Codec.H264), origin_s + 1))
    stats = desk.estimate(2.0).stats
    assert (stats.decoded, stats.decode_errors) == (20, 0)


def test_an_announced_gap_is_the_reason_of_what_is_missing(origin_s):
    desk = Desk()
    desk.open(origin_s=origin_s)
    desk.send(MarkGap(session_id="a", from_s=0.0, to_s=1.0, stream="both"))
    estimate = desk.estimate(1.0).estimate
    assert (estimate.face.reason, estimate.voice.reason) == (Reason.GAP, Reason.GAP)
    assert (estimate.face.value, estimate.voice.value) == (None, None)


def test_an_error_in_one_session_leaves_the_others_alone(origin_s):
    desk = Desk([NobodyFinder(n_before_error=3), NobodyFinder()])
    desk.open("a", origin_s=origin_s)
    desk.open("b", origin_s=origin_s)
    frames = at(portrait_video(2.0), origin_s)
    (failed,) = (answer for answer in desk.feed(frames, "a") if isinstance(answer, Failed))
    assert failed.session_id == "a"
    assert re.fullmatch(r"RuntimeError at face\.py:\d+", failed.error)
    assert desk.made[0].is_closed
    assert desk.send(MakeEstimate(session_id="a", t_s=1.0)) == []
    desk.feed(frames, "b")
    assert desk.estimate(2.0, "b").stats.analysed == 10


def test_closing_frees_the_session(origin_s):
    desk = Desk()
    desk.open(origin_s=origin_s)
    assert desk.send(Close(session_id="a")) == [Closed(session_id="a")]
    assert desk.made[0].is_closed
    assert desk.send(MakeEstimate(session_id="a", t_s=1.0)) == []


def test_another_worker_goes_on_from_a_checkpoint_bit_for_bit(origin_s):
    frames = [frame for frame in at(portrait_voice(8.0), origin_s) if frame.kind is Kind.AUDIO]
    first, second = Desk(), Desk()
    first.open(origin_s=origin_s)
    first.feed(frames[:300])
    checkpoint = next(a for a in first.send(MakeEstimate(session_id="a", t_s=6.0)) if isinstance(a, Checkpoint))
    second.open(origin_s=origin_s, state=checkpoint.state)
    for desk in (first, second):
        desk.send(MarkGap(session_id="a", from_s=6.0, to_s=6.5, stream="both"))
    one, other = first.estimate(7.0).estimate, second.estimate(7.0).estimate
    assert one == other
    assert one.voice.value is not None


def test_another_worker_goes_on_with_the_same_face(origin_s):
    finder = FaceMeshFinder()
    first, second = Desk([NumberedFinder(finder, 3)]), Desk([finder])
    first.open(origin_s=origin_s)
    first.feed(at(portrait_video(1.0), origin_s))
    checkpoint = next(a for a in first.send(MakeEstimate(session_id="a", t_s=1.0)) if isinstance(a, Checkpoint))
    second.open(origin_s=origin_s, state=checkpoint.state)
    second.feed(at(portrait_video(1.0), origin_s + 1))
    evidence = second.worker._sessions["a"][0]._state.evidence
    assert evidence.shape.identity == 3
    assert not evidence.pulse.was_cut
    assert evidence.pulse.rows[0, 0] < 1 < evidence.pulse.rows[-1, 0]


def test_the_voice_network_hears_what_was_said_and_not_what_was_lost(origin_s):
    desk = Desk()
    desk.open(origin_s=origin_s)
    desk.feed(at(portrait_voice(6.0), origin_s))
    shares = {signal.name: signal for signal in desk.estimate(6.0).estimate.signals}
    assert shares["voice_emotion.calm"].value == pytest.approx(0.65)
    assert shares["voice_emotion.low"].value == pytest.approx(0.75)
    desk.send(MarkGap(session_id="a", from_s=6.0, to_s=6.5, stream="both"))
    lost = {signal.name: signal for signal in desk.estimate(7.0).estimate.signals}["voice_emotion.calm"]
    assert (lost.value, lost.reason) == (None, Reason.GAP)


def test_a_damaged_checkpoint_fails_the_session_alone(origin_s):
    (answer,) = Desk().open(origin_s=origin_s, state=b"garbage")
    assert isinstance(answer, Failed)


def signals_of(answer):
    return {signal.name: signal for signal in answer.estimate.signals}


def test_who_else_speaks_reaches_the_signals_with_the_candidates_own_speech(origin_s):
    desk = Desk()
    desk.open(origin_s=origin_s)
    frames = at(portrait_voice(12.0), origin_s)
    for second in range(1, 13):
        desk.feed(frames[(second - 1) * 50 : second * 50])
        alone = signals_of(desk.estimate(float(second)))
    assert alone["turns.speech_share"].value > 0.3
    assert alone["turns.articulation_rate"].value > 1
    assert alone["turns.balance"].reason is Reason.NO_OTHER_VOICE
    desk.send(OthersSpeak(session_id="a", t_s=0.0, is_speaking=True))
    desk.send(OthersSpeak(session_id="a", t_s=6.0, is_speaking=False))
    balance = signals_of(desk.estimate(13.0))["turns.balance"]
    own_s = alone["turns.speech_share"].value * 11.5
    assert balance.value == pytest.approx(own_s / (own_s + 6.0), abs=0.06)


def test_what_the_browser_does_to_the_sound_lowers_the_quality_of_levels(origin_s):
    desk = Desk()
    desk.open(origin_s=origin_s)
    frames = at(portrait_voice(6.0), origin_s)
    desk.feed(frames[:250])
    before = signals_of(desk.estimate(5.0))
    desk.send(HearThrough(session_id="a", audio=BrowserAudio(has_automatic_gain=True, has_noise_suppression=False)))
    desk.feed(frames[250:300])
    after = signals_of(desk.estimate(6.0))
    # Both rest on the same speech, of which flux does not ask how loud it is.
    assert before["voice.loudness"].quality == before["voice.flux"].quality
    assert after["voice.loudness"].reason is Reason.AUTOMATIC_GAIN
    assert 0 < after["voice.loudness"].quality < 0.5 * after["voice.flux"].quality


def test_recalibration_makes_the_voice_calibrate_again(origin_s):
    desk = Desk()
    desk.open(origin_s=origin_s)
    frames = at(portrait_voice(25.0), origin_s)
    quality = {}
    for second in range(1, 21):
        desk.feed(frames[(second - 1) * 50 : second * 50])
        quality[second] = desk.estimate(float(second)).estimate.voice
    assert quality[20].reason is not Reason.CALIBRATING
    desk.send(Recalibrate(session_id="a", t_s=20.0))
    desk.feed(frames[1000:1050])
    assert desk.estimate(21.0).estimate.voice.reason is Reason.CALIBRATING


def explained(answers):
    (answer,) = answers
    assert isinstance(answer, Explained)
    return answer


def test_without_a_picture_an_explanation_has_a_reason(origin_s):
    desk = Desk()
    desk.open(origin_s=origin_s)
    answer = explained(desk.send(Explain(session_id="a", number=7, emotion=None)))
    assert (answer.session_id, answer.number) == ("a", 7)
    assert answer.explanation == Explanation(reason=Reason.NO_VIDEO)


def test_without_a_face_an_explanation_says_so_and_when(origin_s):
    desk = Desk()
    desk.open(origin_s=origin_s)
    desk.feed(at(portrait_video(1.0), origin_s))
    explanation = explained(desk.send(Explain(session_id="a", number=1, emotion=None))).explanation
    assert (explanation.reason, explanation.crop, explanation.falls) == (Reason.NO_FACE, None, ())
    assert explanation.t_s == pytest.approx(0.8, abs=0.2)


def test_an_old_picture_is_not_explained(origin_s):
    past_s = origin_s - 120
    desk = Desk()
    desk.open(origin_s=past_s)
    desk.feed(at(portrait_video(1.0), past_s))
    explanation = explained(desk.send(Explain(session_id="a", number=1, emotion=None))).explanation
    assert explanation == Explanation(reason=Reason.NO_VIDEO)


def test_a_face_is_explained_with_its_picture_which_no_checkpoint_holds(origin_s):
    finder = FaceMeshFinder()
    desk = Desk([finder])
    desk.open(origin_s=origin_s)
    desk.feed(at(portrait_video(1.0), origin_s))
    explanation = explained(desk.send(Explain(session_id="a", number=1, emotion="fear"))).explanation
    assert (explanation.reason, explanation.emotion) == (Reason.OK, "fear")
    assert explanation.share == pytest.approx(1 / 7)
    assert len(explanation.crop) == 48 * 48
    desk.estimate(1.0)
    (checkpoint,) = (answer for answer in desk.answers if isinstance(answer, Checkpoint))
    assert explanation.crop[:64] not in checkpoint.state
