"""What was said: pure functions over words with times.

utterances   sound and voice activity in, stretches of speech out, for a transcriber
words        a word with its times, and what a transcriber is
measures     fillers, hedges, repetitions, pace, diversity and sentence length of a list of words
signals      the same as signals, streaming
answers      words and measures between one question and the next
"""

__all__ = ["answers", "measures", "signals", "utterances", "words"]
