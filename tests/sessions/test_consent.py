import pytest

from server.errors import Conflict, Gone
from server.sessions.consent import Answer, Consents
from server.sessions.consenttexts import consent_text, consent_texts
from server.sessions.records import ConsentKind, Purpose
from tests.sessions.conftest import Call, World, answer, last, received

# The beginning of the hash of each text: changing a text without a new version fails here. To change one, raise
# TEXT_DATE in consenttexts.py and replace these.
SHOWN = {
    "call-practice-2026-12d": "b36bfed824a2dfc5",
    "analysis-practice-2026-12d": "d5e4c25d444edd5c",
    "research-practice-2026-12d": "5208a901c3f11f1f",
    "transcription-practice-2026-12d": "36bbbab414590994",
    "call-research-2026-12d": "ac8e754bc815d6ff",
    "analysis-research-2026-12d": "daa6ce9ae97a22f2",
    "research-research-2026-12d": "5916fd2b55a6b713",
    "transcription-research-2026-12d": "17d50d9dced1a71b",
    "call-selection-2026-12d": "27372640742e45b8",
    "analysis-selection-2026-12d": "d07631538b5e2b4c",
    "research-selection-2026-12d": "2bf1a0e5a27b52f5",
    "transcription-selection-2026-12d": "46e603ab75f2735a",
}


def test_texts_are_those_of_their_version():
    texts = [text for purpose in Purpose for text in consent_texts(purpose)]
    assert {text.version: text.sha256[:16] for text in texts} == SHOWN


@pytest.mark.parametrize("purpose", Purpose)
def test_questions_of_which_only_the_call_is_needed(purpose: Purpose):
    texts = consent_texts(purpose)
    assert [text.kind for text in texts] == list(ConsentKind)
    assert [text.is_required for text in texts] == [True, False, False, False]
    assert all(len(text.version) <= 40 for text in texts)
    assert len({text.sha256 for text in texts}) == 4


def test_the_purpose_is_told():
    practice, selection = (
        consent_text(ConsentKind.ANALYSIS, purpose) for purpose in (Purpose.PRACTICE, Purpose.SELECTION)
    )
    assert practice.sha256 != selection.sha256
    assert "practice" in " ".join(practice.common)


@pytest.mark.parametrize("purpose", Purpose)
def test_what_analysis_asks_says_what_it_is_and_is_not(purpose: Purpose):
    asked = consent_text(ConsentKind.ANALYSIS, purpose)
    text = " ".join((asked.statement, *asked.paragraphs, *asked.common))
    for words in ("face", "voice", "interviewers named", "not a lie detector", "until the interviewers delete"):
        assert words in text
    assert "change your mind" in text
    assert "How your browser processes your sound is stored" in text


async def test_answers_are_kept_with_text_version_hash_and_time(call: Call, world: World):
    await world.consent(call.details, ConsentKind.CALL, ConsentKind.ANALYSIS)
    world.clock.pass_s(60)
    await world.consent(call.details, ConsentKind.ANALYSIS, granted=False)
    consents = Consents(world.database, now=world.clock.now)
    history = await consents.history(call.details.candidate.id)
    assert [(item.kind, item.granted) for item in history] == [("call", True), ("analysis", True), ("analysis", False)]
    text = consent_text(ConsentKind.ANALYSIS, Purpose.PRACTICE)
    assert (history[1].text_version, history[1].text_sha256) == (text.version, text.sha256)
    assert (history[2].given_at - history[1].given_at).total_seconds() == 60
    state = await consents.state(call.details.candidate.id, Purpose.PRACTICE)
    assert (state.granted, state.answered) == ({ConsentKind.CALL}, {ConsentKind.CALL, ConsentKind.ANALYSIS})


async def test_a_yes_to_an_old_text_is_refused_and_a_no_never(call: Call, world: World):
    consents = Consents(world.database, now=world.clock.now)
    ids = call.details.candidate.id, call.details.interview.id
    with pytest.raises(Conflict):
        await consents.store(*ids, [Answer(kind=ConsentKind.CALL, granted=True, text_version="call-practice-1999-01")])
    assert await consents.history(ids[0]) == ()
    with pytest.raises(Conflict):
        await consents.store(
            *ids,
            [
                Answer(kind=ConsentKind.CALL, granted=True, text_version="old"),
                Answer(kind=ConsentKind.ANALYSIS, granted=False, text_version="old"),
            ],
        )
    assert [(item.kind, item.granted) for item in await consents.history(ids[0])] == [("analysis", False)]
    await consents.store(*ids, [answer(call.details, ConsentKind.RESEARCH)])
    state = await consents.store(*ids, [Answer(kind=ConsentKind.RESEARCH, granted=False, text_version="old")])
    assert not state.has(ConsentKind.RESEARCH)
    assert (await consents.history(ids[0]))[-1].text_sha256 == ""


async def test_consent_counts_for_its_purpose_alone(call: Call, world: World):
    await world.consent(call.details, *ConsentKind)
    consents = Consents(world.database, now=world.clock.now)
    assert (await consents.state(call.details.candidate.id, Purpose.PRACTICE)).granted == set(ConsentKind)
    assert (await consents.state(call.details.candidate.id, Purpose.RESEARCH)).granted == frozenset()


async def test_a_consent_can_be_withdrawn_after_the_interview_but_not_given(call: Call, world: World):
    await call.begin(ConsentKind.RESEARCH)
    await world.say(call.interviewer, "end")
    await world.consent(call.details, ConsentKind.RESEARCH, granted=False)
    consents = Consents(world.database, now=world.clock.now)
    assert not (await consents.state(call.details.candidate.id, Purpose.PRACTICE)).has(ConsentKind.RESEARCH)
    with pytest.raises(Gone):
        await world.consent(call.details, ConsentKind.RESEARCH)


async def test_who_takes_back_the_consent_to_the_call_is_out_of_it(call: Call, world: World):
    await call.analyse()
    await world.consent(call.details, ConsentKind.CALL, granted=False)
    assert received(call.candidate)[-1] == {"type": "bye", "reason": "expired"}
    state = last(received(call.interviewer), "state")
    assert next(item for item in state["participants"] if item["role"] == "candidate")["presence"] == "absent"
    assert not state["analysis"]["on"]
    assert (call.details.interview.room_id, call.details.candidate.id) in world.media.closed_participants
