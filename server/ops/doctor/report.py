"""The diagnosis as text for people and as JSON for programs."""

import json
import textwrap
from dataclasses import asdict

from server.ops.doctor.findings import Diagnosis, State

WIDTH = 110


def as_text(diagnosis: Diagnosis) -> str:
    """Return lines for a terminal: state, check, what was found; under it the fix."""
    lines = []
    for finding in diagnosis.findings:
        head = f"{finding.state:<8} {finding.check:<17} "
        lines += textwrap.wrap(finding.found, WIDTH, initial_indent=head, subsequent_indent=" " * len(head))
        if finding.fix:
            indent = " " * len(head)
            lines += textwrap.wrap(finding.fix, WIDTH, initial_indent=f"{indent}-> ", subsequent_indent=f"{indent}   ")
    n_failed, n_warnings = diagnosis.count(State.FAILED), diagnosis.count(State.WARNING)
    lines.append(f"\n{len(diagnosis.findings)} checks in {diagnosis.took_s:.1f} s: {_counted(n_failed, n_warnings)}.")
    return "\n".join(lines)


def as_json(diagnosis: Diagnosis) -> str:
    """Return ``{"ok", "took_s", "checks": [{"check", "state", "found", "fix"}]}``."""
    checks = [asdict(finding) for finding in diagnosis.findings]
    return json.dumps({"ok": diagnosis.is_well, "took_s": round(diagnosis.took_s, 2), "checks": checks}, indent=2)


def _counted(n_failed: int, n_warnings: int) -> str:
    if not n_failed and not n_warnings:
        return "all is well"
    warnings = f"{n_warnings} warning{'' if n_warnings == 1 else 's'}"
    return f"{n_failed} failed, {warnings}"
