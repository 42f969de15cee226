import pytest

from scripts.evaluate_words import SENTENCES, count_errors


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ("kids are talking by the door", (0, 0, 0)),
        ("", (0, 6, 0)),
        ("does it talk him by the door", (3, 0, 1)),
        ("it is a talking by the door", (2, 0, 1)),
        ("kids talking by the old door", (0, 1, 1)),
    ],
)
def test_errors_are_the_fewest_edits_by_kind(heard, expected):
    errors = count_errors(SENTENCES["01"].split(), heard.split())
    assert (errors.substituted, errors.deleted, errors.inserted) == expected
    assert errors.rate == pytest.approx(sum(expected) / 6)
