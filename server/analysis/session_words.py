"""What one session says: its sound cut into utterances, and the words that come back for them."""

from functools import partial

from pipeline.language.utterances import (
    Utterance,
    finish_utterance,
    follow_activity,
    follow_sound,
    new_utterances,
)
from pipeline.language.words import Word
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, VoiceActivity
from server.analysis.transcription import Transcription


class SessionWords:
    """Off until it is switched on; then every utterance is sent to the worker's transcriber.

    Args:
        transcription: of the worker; None when the operator wants none, and switching on does nothing.
    """

    def __init__(self, transcription: Transcription | None) -> None:
        self.lost_s = 0.0
        """Speech that was not written down: the transcriber was busy with other speech, or died."""
        self._transcription = transcription
        self._is_on = False
        self._state = new_utterances()
        self._n_pending = 0
        self._words: list[Word] = []

    @property
    def is_on(self) -> bool:
        """True while words are written down."""
        return self._is_on

    @property
    def is_pending(self) -> bool:
        """True while words of what was said already may still come."""
        return self._n_pending > 0

    @property
    def version(self) -> str:
        """Of the transcriber."""
        return "" if self._transcription is None else self._transcription.version

    def switch(self, *, is_on: bool) -> None:
        """Begin, or stop at once: what was said and not yet written down never will be."""
        if self._transcription is None or is_on == self._is_on:
            return
        self._is_on = is_on
        if is_on:
            self._transcription.warm()
        else:
            self.drop()

    def drop(self) -> None:
        """Forget all that is not handed over."""
        if self._transcription is not None:
            self._transcription.discard(self)
        self._state = new_utterances()
        self._n_pending = 0
        self._words.clear()

    def hear(self, chunk: AudioChunk, activity: VoiceActivity | None) -> None:
        """Take sound in, and which stretches that it completes are speech."""
        if not self._is_on:
            return
        self._state, utterances = follow_sound(self._state, chunk)
        self._send(utterances)
        if activity is not None:
            self._state, utterances = follow_activity(self._state, activity)
            self._send(utterances)

    def finish(self) -> None:
        """Take in that nothing more will be heard."""
        self._state, utterances = finish_utterance(self._state)
        self._send(utterances)

    def take(self) -> tuple[Word, ...]:
        """Return the words that have come since the last call, in order of time."""
        words, self._words = tuple(self._words), []
        return words

    def _send(self, utterances: tuple[Utterance, ...]) -> None:
        for utterance in utterances:
            length_s = len(utterance.samples) / SAMPLE_RATE_HZ
            if self._transcription is not None and self._transcription.put(
                self, utterance, partial(self._deliver, length_s)
            ):
                self._n_pending += 1
            else:
                self.lost_s += length_s

    def _deliver(self, length_s: float, words: tuple[Word, ...] | None) -> None:
        self._n_pending -= 1
        if words is None:
            self.lost_s += length_s
        else:
            self._words += words
