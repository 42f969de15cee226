import copy
import json

import pytest

from server.review.answer import ReviewError, parse_review

SAID = "well first we looked at the logs and then we rolled the release back"
GOOD = {
    "clarity": {"level": "clear", "reason": "Each step is named."},
    "structure": {"level": "structured", "reason": "It follows the order of events."},
    "quotes": ["First we looked  at the logs"],
}


def changed(**changes) -> str:
    return json.dumps(copy.deepcopy(GOOD) | changes)


def test_a_review_is_taken_with_quotes_that_differ_in_spaces_and_capitals_only():
    review = parse_review(json.dumps(GOOD), SAID)
    assert (review.clarity, review.structure) == ("clear", "structured")
    assert review.quotes == ("First we looked  at the logs",)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("```json\n{}\n```", "not JSON"),
        ("[]", "exactly these fields"),
        (changed(verdict="hire"), "exactly these fields"),
        (json.dumps({name: GOOD[name] for name in ("clarity", "quotes")}), "exactly these fields"),
        (changed(clarity="clear"), "exactly these fields"),
        (changed(clarity={"level": "clear", "reason": "x", "score": 5}), "exactly these fields"),
        (changed(clarity={"level": "brilliant", "reason": "x"}), "none of"),
        (changed(clarity={"level": ["clear"], "reason": "x"}), "none of"),
        (changed(clarity={"level": "clear", "reason": ""}), "missing"),
        (changed(clarity={"level": "clear", "reason": 5}), "no text"),
        (changed(clarity={"level": "clear", "reason": "x" * 301}), "300 characters"),
        (changed(clarity={"level": "clear", "reason": "\ud800"}), "stored"),
        (changed(clarity={"level": "clear", "reason": "I would hire them."}), "about the person"),
        (changed(clarity={"level": "clear", "reason": "The speaker is not Honest."}), "about the person"),
        (changed(quotes=[]), "one to 3 quotes"),
        (changed(quotes="we looked at the logs"), "one to 3 quotes"),
        (changed(quotes=["we looked at"] * 4), "one to 3 quotes"),
        (changed(quotes=["we looked at", 7]), "no text"),
        (changed(quotes=["we looked at", "we fixed it all"]), "not said"),
        (changed(quotes=["e looked at the"]), "not said"),
        (changed(quotes=["the logs"]), "not said"),
        (json.dumps(GOOD)[:-1] + ', "quotes": ["we looked at"]}', "twice"),
    ],
)
def test_anything_else_is_refused_with_a_reason(content: str, complaint: str):
    with pytest.raises(ReviewError, match=complaint):
        parse_review(content, SAID)
