"""Opus packets to 48 kHz mono, and the sound of a lost packet from the one behind it.

A voice encoder that hears of loss adds a coarse copy of the packet before (in-band FEC, RFC 6716 section 2.1.7). FFmpeg
cannot decode it, so libopus is called itself: the one that the PyAV wheel brings, else the system's.
"""

import ctypes
import ctypes.util
from functools import cache
from pathlib import Path

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext

from pipeline.types import FloatArray

RATE_HZ = 48_000
MAX_PACKET_SAMPLES = 5760
"""120 ms, the most a packet may hold (RFC 6716 section 3.2.5)."""
_CHANNELS = 2
_BESIDE_PYAV = ("av.libs/libopus*", "av.libs/opus*", "av/.dylibs/libopus*")


class OpusError(ValueError):
    """A packet is damaged."""


class OpusDecoder:
    """Decodes one stream, packet by packet."""

    def __init__(self) -> None:
        library = _library()
        self._inner: _Libopus | _Ffmpeg = _Ffmpeg() if library is None else _Libopus(library)

    def decode(self, data: bytes) -> FloatArray:
        """Return the sound of a packet, shape (n,), full scale [-1, 1]; n is a multiple of 120.

        Raises:
            OpusError: the packet is damaged.
        """
        if not data:
            raise OpusError("empty packet")
        return self._inner.decode(data)

    def recover(self, following: bytes, n_samples: int) -> FloatArray | None:
        """Return the sound of a lost packet, to be asked for before ``following`` is decoded.

        Args:
            following: the packet right behind the lost one.
            n_samples: length of the lost packet.

        Returns:
            Shape (n_samples,); None when the packet carries no copy of the one before it.
        """
        return self._inner.recover(following, n_samples)


class _Libopus:
    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        error = ctypes.c_int()
        self._state = library.opus_decoder_create(RATE_HZ, _CHANNELS, ctypes.byref(error))
        if error.value or not self._state:
            raise MemoryError("libopus has no memory for a decoder")
        self._sound = np.empty((MAX_PACKET_SAMPLES, _CHANNELS), np.int16)

    def __del__(self) -> None:
        if getattr(self, "_state", None):
            self._library.opus_decoder_destroy(self._state)

    def decode(self, data: bytes) -> FloatArray:
        return self._decode(data, MAX_PACKET_SAMPLES, is_copy=False)

    def recover(self, following: bytes, n_samples: int) -> FloatArray | None:
        if self._library.opus_packet_has_lbrr(following, len(following)) != 1:
            return None
        if self._library.opus_packet_get_nb_frames(following, len(following)) != 1:
            return None  # only its first frame would come from the copy
        if self._library.opus_packet_get_nb_samples(following, len(following), RATE_HZ) != n_samples:
            return None  # the copy is as long as the packet that carries it
        return self._decode(following, n_samples, is_copy=True)

    def _decode(self, data: bytes, n_samples: int, *, is_copy: bool) -> FloatArray:
        n = self._library.opus_decode(self._state, data, len(data), self._sound.ctypes.data, n_samples, int(is_copy))
        if n < 0:
            raise OpusError(f"Opus packet cannot be decoded (libopus error {n})")
        return np.asarray(self._sound[:n].mean(axis=1) / 32768, np.float32)


class _Ffmpeg:
    """For a PyAV without a libopus that can be reached; nothing is recovered then."""

    def __init__(self) -> None:
        context = av.CodecContext.create("libopus", "r")
        assert isinstance(context, AudioCodecContext)
        context.thread_count = 1
        context.sample_rate = RATE_HZ
        context.layout = "stereo"
        self._context = context

    def decode(self, data: bytes) -> FloatArray:
        try:
            frames = self._context.decode(av.Packet(data))
            parts = [frame.to_ndarray().reshape(-1, len(frame.layout.channels)) for frame in frames]
        except (av.FFmpegError, ValueError) as exc:
            raise OpusError(f"Opus packet cannot be decoded: {exc}") from exc
        if not parts:
            raise OpusError("Opus packet without sound")
        return np.asarray(np.concatenate([part.mean(axis=1) for part in parts]) / 32768, np.float32)

    def recover(self, following: bytes, n_samples: int) -> None:
        return None


@cache
def _library() -> ctypes.CDLL | None:
    """Return libopus 1.5 or later with the functions declared, None if there is none."""
    site = Path(av.__file__).parents[1]
    paths = [str(path) for pattern in _BESIDE_PYAV for path in sorted(site.glob(pattern))]
    for path in (*paths, ctypes.util.find_library("opus")):
        try:
            return None if path is None else _declare(ctypes.CDLL(path))
        except (OSError, AttributeError):
            continue
    return None


def _declare(library: ctypes.CDLL) -> ctypes.CDLL:
    """Declare what is called (opus.h); AttributeError if a function is missing."""
    c_int, pointer, data = ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p
    library.opus_decoder_create.argtypes = [ctypes.c_int32, c_int, ctypes.POINTER(c_int)]
    library.opus_decoder_create.restype = pointer
    library.opus_decoder_destroy.argtypes = [pointer]
    library.opus_decoder_destroy.restype = None
    library.opus_decode.argtypes = [pointer, data, ctypes.c_int32, pointer, c_int, c_int]
    library.opus_packet_has_lbrr.argtypes = [data, ctypes.c_int32]
    library.opus_packet_get_nb_frames.argtypes = [data, ctypes.c_int32]
    library.opus_packet_get_nb_samples.argtypes = [data, ctypes.c_int32, ctypes.c_int32]
    return library
