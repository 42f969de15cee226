"""Words as a transcriber gives them."""

from pipeline.language.words import Word


def talk(text: str, *, from_s: float = 0.0, pace_s: float = 0.4, confidence: float | None = 0.9) -> tuple[Word, ...]:
    """Return the words of a text, one each ``pace_s``, without holes between them; ``|`` is a silence of 1 s."""
    words = []
    for piece in text.split():
        if piece == "|":
            from_s += 1.0
            continue
        words.append(Word(text=piece, from_s=round(from_s, 3), to_s=round(from_s + pace_s, 3), confidence=confidence))
        from_s += pace_s
    return tuple(words)
