"""Throws damaged and random input at a parser: first every kept input, then what Hypothesis makes of them.

Inputs are files in ``corpus/<parser>/``. In an ordinary run the examples are always the same and few.
``FUZZ_S=60`` makes each parser run that long on new ones; with ``FUZZ_KEEP=1`` an input that breaks
something is kept in the corpus, made as small as possible.
"""

import asyncio
import gc
import hashlib
import os
import random
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

CORPUS = Path(__file__).parent / "corpus"
LONG_RUN_S = float(os.environ.get("FUZZ_S", "0"))
KEEPS = os.environ.get("FUZZ_KEEP") == "1"
INTERESTING = [b"\x00", b"\xff", b"\x7f", b"\x80", b"\xff\xff", b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x80\x00"]


def corpus(name):
    """Return the kept inputs of a parser."""
    files = sorted((CORPUS / name).iterdir())
    assert files, f"no corpus for {name}"
    return [file.read_bytes() for file in files]


@st.composite
def _damaged(draw, seeds):
    """A kept input with a few bytes changed, taken out, put in, or with parts of two inputs joined."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.integers(0, 6)):
            case 0 if data:
                data[at] ^= 1 << draw(st.integers(0, 7))
            case 1 if data:
                data[at] = draw(st.integers(0, 255))
            case 2:
                del data[at : at + draw(st.integers(1, 16))]
            case 3:
                data[at:at] = draw(st.sampled_from(INTERESTING) | st.binary(max_size=8))
            case 4:
                del data[at:]
            case 5:
                data[at:] = draw(st.sampled_from(seeds))[at:]
            case 6:
                data[at : at + 4] = draw(st.sampled_from(INTERESTING))
    return bytes(data)


@st.composite
def _reordered(draw, seeds):
    """Kept inputs whose lines are left out, doubled, exchanged, or have a word replaced."""
    lines = draw(st.sampled_from(seeds)).split(b"\n")
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 3)):
            case 0:
                lines[at : at + 1] = []
            case 1:
                lines.insert(draw(st.integers(0, len(lines))), lines[at])
            case 2:
                lines[at] = draw(st.sampled_from(draw(st.sampled_from(seeds)).split(b"\n")))
            case 3:
                words = lines[at].split(b" ")
                words[draw(st.integers(0, len(words) - 1))] = draw(
                    st.sampled_from([b"", b"-1", b"0", b"4294967296", b"9" * 30, b"a", b":", b"/", b"\xff\xfe"])
                )
                lines[at] = b" ".join(words)
        lines = lines or [b""]
    return b"\n".join(lines)


def inputs(name, *, is_text=False):
    """Return a strategy of inputs for a parser."""
    seeds = corpus(name)
    options = [_damaged(seeds), st.binary(max_size=300)]
    return st.one_of(*options, *([_reordered(seeds)] * 2 if is_text else []))


def fuzz(name, target, *, n=200, is_text=False):
    """Run ``target(data)`` over the corpus and over damaged inputs; it fails by raising."""
    for data in corpus(name):
        _try(name, target, data)
    strategy = inputs(name, is_text=is_text)
    if not LONG_RUN_S:
        _round(name, target, strategy, n, number=None)
        return
    end_s = time.monotonic() + LONG_RUN_S
    while time.monotonic() < end_s:
        _round(name, target, strategy, n, number=random.getrandbits(64))


def _round(name, target, strategy, n, *, number):
    failed = {}

    @settings(
        max_examples=n,
        derandomize=number is None,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=strategy)
    def run(data):
        try:
            target(data)
        except BaseException:
            failed["data"] = data  # the last one is the smallest
            raise

    if number is not None:
        run = seed(number)(run)
    try:
        run()
    except BaseException:
        if "data" in failed:
            _keep(name, failed["data"])
        raise


def _try(name, target, data):
    try:
        target(data)
    except Exception as exc:
        exc.add_note(f"input kept for {name}: {data[:200]!r}")
        raise


def _keep(name, data):
    if KEEPS:
        (CORPUS / name / f"broke-{hashlib.sha256(data).hexdigest()[:12]}").write_bytes(data)


class Loop:
    """An event loop for a whole test, which fails if anything reaches its exception handler."""

    def __enter__(self):
        self._runner = asyncio.Runner()
        self._escaped = []
        loop = self._runner.get_loop()
        loop.set_exception_handler(lambda _, context: self._escaped.append(context))
        return self

    def run(self, work):
        """Run a coroutine; then nothing may have escaped."""
        result = self._runner.run(work)
        self.check()
        return result

    def check(self):
        """Fail if something reached the loop."""
        escaped, self._escaped[:] = list(self._escaped), []
        assert not escaped, escaped

    def __exit__(self, *_):
        gc.collect()  # tasks whose exceptions nobody has looked at tell the loop when they go
        self._runner.close()
        self.check()
