import numpy as np
import pytest
from skimage.data import astronaut

from scripts.video_codec import LiveCodec, through_codec

PORTRAIT = astronaut()[:128, 160:288]
FILM = [np.ascontiguousarray(np.roll(PORTRAIT, 2 * n, axis=1)) for n in range(8)]


def lost(decoded, films) -> float:
    assert len(decoded) == len(films)
    return float(np.mean([np.abs(a.astype(int) - b).mean() for a, b in zip(decoded, films, strict=True)]))


@pytest.mark.parametrize("codec", ["vp8", "h264"])
@pytest.mark.parametrize("rates", [({"quantiser": 5}, {"quantiser": 50}), ({"kbps": 2000}, {"kbps": 60})])
def test_a_coarser_code_loses_more_of_grey_pictures(codec, rates):
    grey = [film[..., 1] for film in FILM]
    fine, coarse = (lost(through_codec(grey, codec, rate), grey) for rate in rates)
    assert fine < 5
    assert coarse > fine + 1


@pytest.mark.parametrize("codec", ["vp8", "h264"])
def test_a_call_codes_colour_and_the_same_film_gives_the_same(codec):
    def call(kbps):
        way = LiveCodec(codec, kbps=kbps, fps=30, width=128, height=128)
        decoded = [picture for film in FILM for picture in way(film)] + way.finish()
        return decoded, way.n_bytes

    (fine, n_fine), (coarse, n_coarse) = call(2000), call(60)
    assert lost(fine, FILM) < lost(coarse, FILM) < 30
    assert n_coarse < n_fine
    again, n_again = call(60)
    assert (lost(again, coarse), n_again) == (0, n_coarse)
