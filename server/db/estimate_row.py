"""An estimate as a row of the table ``estimates``, and back."""

from typing import Any

from sqlalchemy import Row

from pipeline.levels import LEVELS
from pipeline.types import (
    EMOTIONS,
    EYE_EMOTIONS,
    Band,
    Contribution,
    Estimate,
    Reading,
    Reason,
    Shares,
    Signal,
    Trajectory,
    VoiceFeatures,
)
from server.db.schema import VOICE_COLUMNS

_VOICE_PREFIX = "voice_"


def estimate_values(estimate: Estimate) -> dict[str, Any]:
    """Return an estimate's columns."""
    shares = estimate.emotions or (None,) * len(EMOTIONS)
    features = estimate.voice_features
    return {
        "t_s": estimate.t_s,
        **_reading_values("stress", estimate.stress),
        "stress_raw": estimate.stress_raw,
        **_reading_values("face", estimate.face),
        **_reading_values("voice", estimate.voice),
        **{f"emotion_{name}": share for name, share in zip(EMOTIONS, shares, strict=True)},
        **_shares_values("level", tuple(LEVELS), estimate.levels),
        **_shares_values("eyes", EYE_EMOTIONS, estimate.eyes),
        "band": estimate.band,
        "trajectory": estimate.trajectory,
        "window_mean": estimate.window_mean,
        "window_sd": estimate.window_sd,
        "peak_t_s": estimate.peak_t_s,
        "contributions": [[part.signal, part.amount] for part in estimate.contributions],
        **{
            name: None if features is None else getattr(features, name.removeprefix(_VOICE_PREFIX))
            for name in (*VOICE_COLUMNS, "voice_is_silent")
        },
        "newest_sample_s": estimate.newest_sample_s,
        "signals": [
            [
                signal.name,
                _short(signal.value),
                _short(signal.quality),
                signal.reason,
                _short(signal.age_s),
                _short(signal.z),
            ]
            for signal in estimate.signals
        ],
    }


def _short(value: float | None) -> float | None:
    """Round to six significant digits: signals are most of what is stored, and none is known better."""
    return None if value is None else float(f"{value:.6g}")


def _reading_values(name: str, reading: Reading) -> dict[str, Any]:
    return {
        name: reading.value,
        f"{name}_quality": reading.quality,
        f"{name}_reason": reading.reason,
        f"{name}_age_s": reading.age_s,
    }


def _shares_values(name: str, parts: tuple[str, ...], shares: Shares) -> dict[str, Any]:
    values = shares.shares or (None,) * len(parts)
    return {
        **{f"{name}_{part}": value for part, value in zip(parts, values, strict=True)},
        f"{name}_quality": shares.quality,
        f"{name}_reason": shares.reason,
        f"{name}_age_s": shares.age_s,
    }


def estimate_from_row(row: Row[*tuple[Any, ...]]) -> Estimate:
    """Return the estimate of a row with all columns."""
    columns = row._mapping
    shares = tuple(columns[f"emotion_{name}"] for name in EMOTIONS)
    return Estimate(
        t_s=row.t_s,
        stress=_reading_from_row(row, "stress"),
        stress_raw=row.stress_raw,
        face=_reading_from_row(row, "face"),
        voice=_reading_from_row(row, "voice"),
        emotions=None if shares[0] is None else shares,
        levels=_shares_from_row(row, "level", tuple(LEVELS)),
        eyes=_shares_from_row(row, "eyes", EYE_EMOTIONS),
        voice_features=_voice_from_row(row),
        band=None if row.band is None else Band(row.band),
        trajectory=None if row.trajectory is None else Trajectory(row.trajectory),
        window_mean=row.window_mean,
        window_sd=row.window_sd,
        peak_t_s=row.peak_t_s,
        contributions=contributions_from_row(row),
        newest_sample_s=row.newest_sample_s,
        signals=signals_from_row(row),
    )


def contributions_from_row(row: Row[*tuple[Any, ...]]) -> tuple[Contribution, ...]:
    """Return the contributions of a row with that column."""
    return tuple(Contribution(signal=signal, amount=amount) for signal, amount in row.contributions)


def signals_from_row(row: Row[*tuple[Any, ...]]) -> tuple[Signal, ...]:
    """Return the signals of a row with that column."""
    stored = row.signals or ()  # NULL: not asked for, or stored before there were any
    return tuple(
        Signal(name=name, value=value, quality=quality, reason=Reason(reason), age_s=age_s, z=z)
        for name, value, quality, reason, age_s, z in stored
    )


def _reading_from_row(row: Row[*tuple[Any, ...]], name: str) -> Reading:
    columns = row._mapping
    return Reading(
        value=columns[name],
        quality=columns[f"{name}_quality"],
        reason=Reason(columns[f"{name}_reason"]),
        age_s=columns[f"{name}_age_s"],
    )


def _shares_from_row(row: Row[*tuple[Any, ...]], name: str, parts: tuple[str, ...]) -> Shares:
    columns = row._mapping
    reason = columns[f"{name}_reason"]
    if reason is None:  # stored before there were such shares
        return Shares(shares=None, quality=0.0, reason=Reason.GAP, age_s=0.0)
    values = tuple(columns[f"{name}_{part}"] for part in parts)
    return Shares(
        shares=None if values[0] is None else values,
        quality=columns[f"{name}_quality"],
        reason=Reason(reason),
        age_s=columns[f"{name}_age_s"],
    )


def _voice_from_row(row: Row[*tuple[Any, ...]]) -> VoiceFeatures | None:
    if row.voice_is_silent is None:
        return None
    columns = row._mapping
    values = {name.removeprefix(_VOICE_PREFIX): columns[name] for name in VOICE_COLUMNS}
    return VoiceFeatures(is_silent=row.voice_is_silent, **values)
