"""Word error rate on RAVDESS: ``scripts/evaluate_words --data DIR [--clips N] [--transcriber SETTING] [--json]``.

RAVDESS has two sentences, read by actors with eight emotions. That is easier than an interview (short, clear, no
noise) and harder (shouted, whispered, no context); of talk in an interview it says little. The clips are the first N
of an even walk through the list, the same ones each time.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time

from models.transcriber import POCKETSPHINX, load_transcriber
from pipeline.language.measures import normalise
from pipeline.language.words import Transcriber
from pipeline.types import SAMPLE_RATE_HZ
from scripts.evaluate_voice_score_clips import load_sound, pass_through_opus, read_labels

SENTENCES = {"01": "kids are talking by the door", "02": "dogs are sitting by the door"}
BIT_RATES = (None, 24_000)
"""None: as recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Edits that make the reference of what was understood."""

    words: int
    """Of the reference."""
    substituted: int
    deleted: int
    inserted: int

    @property
    def rate(self) -> float:
        """Word error rate: edits by words of the reference; may be above 1."""
        return (self.substituted + self.deleted + self.inserted) / self.words

    def plus(self, other: "Errors") -> "Errors":
        """Return the sum."""
        return Errors(
            words=self.words + other.words,
            substituted=self.substituted + other.substituted,
            deleted=self.deleted + other.deleted,
            inserted=self.inserted + other.inserted,
        )


NONE = Errors(words=0, substituted=0, deleted=0, inserted=0)


def count_errors(reference: Sequence[str], heard: Sequence[str]) -> Errors:
    """Align two lists of words with the fewest edits (Levenshtein) and count these by kind."""
    # Cell: (edits, substituted, deleted, inserted) to make heard[:j] of reference[:i].
    row = [(j, 0, 0, j) for j in range(len(heard) + 1)]
    for i, wanted in enumerate(reference, start=1):
        before, row = row, [(i, 0, i, 0)]
        for j, word in enumerate(heard, start=1):
            is_wrong = wanted != word
            edits, substituted, deleted, inserted = before[j - 1]
            choices = [(edits + is_wrong, substituted + is_wrong, deleted, inserted)]
            edits, substituted, deleted, inserted = before[j]
            choices.append((edits + 1, substituted, deleted + 1, inserted))
            edits, substituted, deleted, inserted = row[j - 1]
            choices.append((edits + 1, substituted, deleted, inserted + 1))
            row.append(min(choices))
    _, substituted, deleted, inserted = row[-1]
    return Errors(words=len(reference), substituted=substituted, deleted=deleted, inserted=inserted)


@dataclass(slots=True)
class Tally:
    """What was counted of one kind of clip."""

    n_clips: int = 0
    n_right: int = 0
    """Clips without any error."""
    errors: Errors = NONE

    def add(self, errors: Errors) -> None:
        """Count one clip."""
        self.n_clips += 1
        self.n_right += errors.rate == 0
        self.errors = self.errors.plus(errors)

    def describe(self) -> str:
        """Return a line of a table."""
        it = self.errors
        return (
            f"{self.n_clips:5d} {it.words:6d} {it.rate:7.3f} {it.substituted:6d} {it.deleted:6d} {it.inserted:6d}"
            f" {self.n_right / self.n_clips:9.3f}"
        )


def evaluate(folder: Path, transcribe: Transcriber, n_clips: int) -> tuple[dict[str, Tally], float]:
    """Transcribe clips as recorded and after Opus.

    Returns:
        Tallies by bit rate and, as recorded, by emotion; and seconds of processor time by second of sound.
    """
    labels = read_labels(folder)
    step = max(1, len(labels) // n_clips)
    tallies: dict[str, Tally] = {}
    spent_s = heard_s = 0.0
    for label in labels[::step][:n_clips]:
        sound = load_sound(label.path)
        reference = SENTENCES[label.statement].split()
        for bit_s in BIT_RATES:
            samples = sound if bit_s is None else pass_through_opus(sound, bit_s)
            began_s = process_time()
            words = transcribe(samples.astype("float32"))
            spent_s += process_time() - began_s
            heard_s += len(samples) / SAMPLE_RATE_HZ
            heard = [text for word in words if (text := normalise(word.text))]
            errors = count_errors(reference, heard)
            names = ["as recorded", label.emotion] if bit_s is None else [f"Opus {bit_s // 1000} kbit/s"]
            for name in names:
                tallies.setdefault(name, Tally()).add(errors)
    return tallies, spent_s / heard_s


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="evaluate_words", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with ravdess/ in it")
    parser.add_argument("--clips", type=int, default=240)
    parser.add_argument("--transcriber", default=POCKETSPHINX)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    transcribe = load_transcriber(options.transcriber)
    tallies, load = evaluate(options.data / "ravdess", transcribe, options.clips)
    if options.json:
        rows = {
            name: {"clips": tally.n_clips, "right": tally.n_right, **asdict(tally.errors), "rate": tally.errors.rate}
            for name, tally in tallies.items()
        }
        print(json.dumps({"transcriber": transcribe.version, "processor_s_per_s": load, "rows": rows}, indent=1))
        return
    print(f"{transcribe.version}; {load:.2f} s of one processor by second of sound")
    print(f"{'':14s} clips  words     WER  subst. delet. insert. all right")
    order = sorted(tallies, key=lambda name: (name[0].islower() and name != "as recorded", name))
    for name in order:
        print(f"{name:14s} {tallies[name].describe()}")


if __name__ == "__main__":
    main()
