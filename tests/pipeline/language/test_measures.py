import pytest

from pipeline.language.answers import answer_between
from pipeline.language.measures import (
    count_hedges,
    count_repetitions,
    measure_text,
    moving_type_token_ratio,
    normalise,
)
from tests.fakes.talk import talk

TWENTY = "we built a small service that reads orders and writes them to a queue so that nothing is lost when"


def test_pace_counts_words_and_fillers_a_minute_of_speaking_time():
    measures = measure_text(talk(f"um {TWENTY}", pace_s=0.5))
    assert (measures.n_words, measures.n_fillers) == (20, 1)
    assert measures.speaking_s == pytest.approx(10.5)
    assert measures.per_minute == pytest.approx(60 * 20 / 10.5)
    assert measures.fillers == pytest.approx(60 / 10.5)


def test_a_long_silence_is_no_speaking_time_and_a_short_one_is():
    assert measure_text(talk(f"{TWENTY} | yes")).speaking_s == pytest.approx(21 * 0.4 + 1.0)
    assert measure_text(talk(f"{TWENTY} | | | yes")).speaking_s == pytest.approx(21 * 0.4)


def test_too_few_words_give_no_rates_and_never_a_zero():
    measures = measure_text(talk("kids are talking by the door"))
    assert measures.n_words == 6
    assert measures.per_minute is measures.fillers is measures.hedges is measures.repetitions is None
    assert measures.diversity is measures.sentence_length is None
    assert measure_text(()).speaking_s == 0.0


def hedges(text):
    return count_hedges(text.split())


def test_hedges_are_words_and_phrases_counted_once():
    assert hedges("maybe it was sort of late i think") == 3
    assert hedges("more or less a bit") == 2
    assert hedges("the sort was of use and i thought") == 0


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("the the plan", 1),
        ("the the the plan", 2),
        ("i was i was there", 1),
        ("it was very very good", 0),
        ("we said that that was it", 0),
        ("one two three one two three", 1),
        ("we have a plan", 0),
    ],
)
def test_repetitions_follow_at_once(text, n):
    assert count_repetitions(text.split()) == n


def test_diversity_does_not_depend_on_length():
    cycle = [f"w{i % 40}" for i in range(120)]
    assert moving_type_token_ratio(cycle) == pytest.approx(40 / 50)
    assert moving_type_token_ratio(cycle * 3) == pytest.approx(40 / 50)
    assert moving_type_token_ratio([f"w{i}" for i in range(60)]) == 1.0
    assert moving_type_token_ratio(["a"] * 49) is None


def test_sentences_end_at_pauses_and_fillers_have_no_length():
    measures = measure_text(talk("one two three four | um five six seven eight nine ten"))
    assert measures.sentence_length == pytest.approx(5.0)


def test_punctuation_and_case_do_not_matter():
    assert [normalise(text) for text in ("Well,", "don’t", "«", "...", "UM")] == ["well", "don't", "«", "", "um"]


def test_an_answer_has_the_words_that_begin_in_it():
    words = talk("first answer | second answer here")
    answer = answer_between(words, 1.0, 100.0)
    assert answer.text == "second answer here"
    assert answer.measures.n_words == 3
