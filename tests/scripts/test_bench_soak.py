from scripts.bench_soak import Sample, ends_mb


def samples(rss_mb):
    return [Sample(at_s=10.0 * i, rss_mb=value, lag_p99_ms=1.0, estimates=i) for i, value in enumerate(rss_mb)]


def test_growth_is_between_the_medians_of_both_ends():
    grows = [100.0 + i for i in range(61)]
    assert ends_mb(samples(grows), 100.0) == (105.0, 155.0)


def test_a_single_peak_is_no_growth():
    level = [100.0] * 61
    level[30] = level[60] = 180.0
    assert ends_mb(samples(level), 100.0) == (100.0, 100.0)
