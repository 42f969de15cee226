from types import SimpleNamespace

from server.export.words import MAX_CUE_WORDS, words_csv, words_vtt
from tests.fakes.talk import talk


def report(text):
    return SimpleNamespace(
        words=talk(text, from_s=3599.5), transcriber="pocketsphinx", session=SimpleNamespace(id="s1")
    )


def test_a_row_per_word_that_no_spreadsheet_takes_for_a_formula():
    header, first, second = words_csv(report("=1+1 yes"))
    assert header == "from_s,to_s,word,confidence,transcriber,session_id\r\n"
    assert first == "3599.500,3599.900,'=1+1,0.900,pocketsphinx,s1\r\n"
    assert second.startswith("3599.900,3600.300,yes,")


def test_subtitles_break_at_pauses_and_escape_what_is_markup():
    text = "".join(words_vtt(report("a <b> & c | next")))
    assert text.startswith("WEBVTT\n\n00:59:59.500 --> 01:00:01.100\na &lt;b&gt; &amp; c\n\n01:00:02.100 --> ")
    many = "".join(words_vtt(report(" ".join(["word"] * (MAX_CUE_WORDS + 1)))))
    assert many.count("-->") == 2
