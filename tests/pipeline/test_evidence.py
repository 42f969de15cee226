import numpy as np
import pytest

from pipeline import agreement, evidence, face_shares, learned, nonverbal
from pipeline.audio.voice import hear, measure_pending, new_voice, view_window
from pipeline.evidence import EvidenceState, reset_baseline, take_evidence, view_evidence
from pipeline.learned import LearnedStress
from pipeline.physiology import pulse
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, FaceSample, QuestionAsked, Reason, Shares, Signal
from tests.fakes.modules import MODULE
from tests.fakes.vowels import make_noise, make_vowel

LEVELS = Shares(shares=(0.2, 0.2, 0.6), quality=0.8, reason=Reason.OK, age_s=0.1)


def watch(seconds: int, module: LearnedStress | None = None) -> tuple[EvidenceState, list[dict[str, Signal]]]:
    """A face that frowns more from second 70 on."""
    state, found = EvidenceState(), []
    for t in range(seconds):
        for i in range(4):
            negative = 0.5 if t >= 70 else 0.1 + 0.02 * ((4 * t + i) % 5)
            emotions = np.array([negative, 0, 0, 0, 1 - negative, 0, 0], np.float32)
            sample = FaceSample(t_s=t + i / 4, emotions=emotions, quality=0.9, reason=Reason.OK)
            state = take_evidence(state, sample)
        state, signals = view_evidence(state, t + 1.0, new_voice(), None, levels=LEVELS, module=module)
        assert len({item.name for item in signals}) == len(signals)
        found.append({item.name: item for item in signals})
    return state, found


def test_computed_signals_rest_on_those_that_were_compared_with_the_baseline():
    _, found = watch(80)
    assert found[0]["nonverbal.negative_share"].z is None
    z = found[-1]["nonverbal.negative_share"].z
    assert z is not None
    assert z > 3
    # Without a voice, composure has less than half of its ingredients.
    assert found[-1]["nonverbal.composure"].value is None
    assert found[-1]["levels.high"].value is not None
    for part in (face_shares, nonverbal, agreement):
        assert {item.name for item in part.DEFINITIONS} <= set(found[-1])
    assert learned.DEFINITIONS[0].name not in found[-1]


def test_a_decision_module_answers_among_the_signals_and_begins_anew_with_the_baseline():
    state, found = watch(80, MODULE)
    name = "nonverbal.learned_stress"
    assert found[0][name].value is None
    before, after = found[65][name].value, found[-1][name].value
    assert before is not None
    assert after is not None
    assert after >= before
    _, signals = view_evidence(reset_baseline(state, 80.0), 81.0, new_voice(), None, levels=LEVELS, module=MODULE)
    assert {item.name: item.value for item in signals}[name] is None


@pytest.mark.parametrize("delay_s", [0.0, 0.4])
def test_speech_is_counted_whole_however_late_it_comes(delay_s: float):
    """Two seconds of a quiet room, then six of one vowel."""
    sound, n_each = make_noise(8 * SAMPLE_RATE_HZ, 1e-4), SAMPLE_RATE_HZ // 10
    sound[2 * SAMPLE_RATE_HZ :] += make_vowel(np.linspace(110.0, 140.0, 6 * SAMPLE_RATE_HZ))
    voice, state = new_voice(), EvidenceState()
    for i in range(91):
        t_s = i / 10
        if i % 10 == 0 and i:
            voice = measure_pending(voice)
            state, _ = view_evidence(state, t_s, voice, view_window(voice, t_s), levels=LEVELS)
        at = round((t_s - delay_s) * SAMPLE_RATE_HZ)
        if 0 <= at < len(sound):
            voice = hear(voice, AudioChunk(t_s=t_s - delay_s, samples=sound[at : at + n_each]))
    assert state.speech_s == pytest.approx(6.0, abs=0.1)


def test_a_question_is_a_reason_to_look_away():
    state = take_evidence(EvidenceState(), QuestionAsked(t_s=3.0))
    state, _ = view_evidence(state, 4.0, new_voice(), None, levels=LEVELS)
    assert [trigger.t_s for trigger in state.thinking.triggers] == [3.0]


def test_the_variability_of_the_pulse_is_measured_every_fifth_tick_and_ages_between(monkeypatch):
    """Rate and ratio come anew at each tick; what costs most is used again."""
    asked = []

    def view(recording, t_s, *, variability=None):
        asked.append(variability is None)
        fresh = tuple(
            Signal(name=item.name, value=t_s, quality=1.0, reason=Reason.OK, age_s=0.1) for item in pulse.DEFINITIONS
        )
        return fresh if variability is None else (*fresh[: -pulse.N_VARIABILITY], *variability)

    monkeypatch.setattr(evidence, "view_pulse", view)
    state = EvidenceState()
    for t_s in range(1, 12):
        state, signals = evidence._view_pulse(state, float(t_s))
        by_name = {signal.name: signal for signal in signals}
        assert by_name["pulse.rate"].value == t_s
        measured_s = 1 + (t_s - 1) // 5 * 5
        assert by_name["pulse.rmssd"].value == measured_s
        assert by_name["pulse.rmssd"].age_s == pytest.approx(0.1 + t_s - measured_s)
    assert [i + 1 for i, is_new in enumerate(asked) if is_new] == [1, 6, 11]
