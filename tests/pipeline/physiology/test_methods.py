import numpy as np
import pytest

from pipeline.physiology.methods import RATE_HZ, chrom, green, pos
from pipeline.physiology.spectrum import find_peak

T_S = np.arange(900) / RATE_HZ
RATIO = np.array((0.43, 1.0, 0.69))


def colours(rate_hz=1.3, amplitude=0.004, light=0.0):
    wave = amplitude * np.sin(2 * np.pi * rate_hz * T_S)
    shade = light * np.sin(2 * np.pi * 2.1 * T_S + 1)
    rng = np.random.default_rng(3)
    return (1 + wave[:, None] * RATIO) * (1 + shade[:, None]) + rng.normal(0, 2e-4, (900, 3))


@pytest.mark.parametrize("extract", [green, chrom, pos])
@pytest.mark.parametrize("rate_hz", [0.8, 1.3, 2.4])
def test_each_method_finds_a_plain_pulse(extract, rate_hz):
    peak = find_peak(extract(colours(rate_hz)))
    assert peak.rate_hz == pytest.approx(rate_hz, abs=0.01)
    assert peak.snr_db > 10


@pytest.mark.parametrize("extract", [chrom, pos])
def test_chrominance_methods_cancel_flickering_light(extract):
    flickering = colours(light=0.02)
    assert find_peak(green(flickering)).rate_hz == pytest.approx(2.1, abs=0.02)
    assert find_peak(extract(flickering)).rate_hz == pytest.approx(1.3, abs=0.01)


def test_a_dominant_harmonic_is_not_taken_for_the_rate():
    wave = 0.8 * np.sin(2 * np.pi * 0.9 * T_S) + np.sin(2 * np.pi * 1.8 * T_S)
    assert find_peak(wave).rate_hz == pytest.approx(0.9, abs=0.01)


def test_a_rate_without_a_subharmonic_stays():
    wave = 0.3 * np.sin(2 * np.pi * 0.9 * T_S) + np.sin(2 * np.pi * 1.8 * T_S)
    assert find_peak(wave).rate_hz == pytest.approx(1.8, abs=0.01)


def test_a_flat_wave_has_no_rate():
    assert find_peak(np.zeros(900)) is None


def test_noise_has_a_low_signal_to_noise_ratio():
    noise = green(1 + np.random.default_rng(5).normal(0, 1e-3, (900, 3)))
    assert find_peak(noise).snr_db < 0
