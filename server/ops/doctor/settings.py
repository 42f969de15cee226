"""The settings whose files are read only when the server starts: it refuses to start with a wrong one."""

import asyncio
from collections.abc import Sequence

from models.errors import ModelError
from models.stress_module import load_stress_module
from models.transcriber import check_transcriber
from server.config import Config
from server.ops.doctor.findings import CONFIGURATION, Finding, failed, ok


async def check(config: Config) -> Sequence[Finding]:
    """Look at what transcriber and stress_model name; the other settings were checked when they were read."""
    return await asyncio.to_thread(_check, config)


def _check(config: Config) -> list[Finding]:
    findings = []
    try:
        check_transcriber(config.transcriber)
    except ModelError as exc:
        fix = "Correct transcriber: off, pocketsphinx, or a whisper model (docs/words.md)."
        findings.append(failed(CONFIGURATION, f"transcriber {config.transcriber!r}: {exc}", fix))
    if config.stress_model is not None:
        try:
            load_stress_module(config.stress_model)
        except ModelError as exc:
            fix = "Let stress_model name a file that scripts/train_stress wrote, or leave it empty."
            findings.append(failed(CONFIGURATION, f"stress_model: {exc}", fix))
    return findings or [ok(CONFIGURATION, "every setting can be used")]
