"""What a check says: what was found, whether that is good, and what to do when it is not. Never a secret."""

from dataclasses import dataclass
from enum import StrEnum

from server.config import ConfigError

CONFIGURATION = "configuration"
"""The check of the settings themselves."""


class State(StrEnum):
    """How good a finding is."""

    OK = "ok"
    WARNING = "warning"
    """Works, but not for everyone, or not for long."""
    FAILED = "failed"
    """Calls, or the server itself, will not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the diagnosis."""

    check: str
    """What was looked at, such as ``TLS certificate``."""
    state: State
    found: str
    fix: str = ""
    """What to do, a sentence; empty when all is well."""


def ok(check: str, found: str) -> Finding:
    """Return a finding that is as it should be."""
    return Finding(check=check, state=State.OK, found=found)


def warning(check: str, found: str, fix: str) -> Finding:
    """Return a finding that is not good for everyone, or not for long."""
    return Finding(check=check, state=State.WARNING, found=found, fix=fix)


def failed(check: str, found: str, fix: str) -> Finding:
    """Return a finding that makes calls impossible."""
    return Finding(check=check, state=State.FAILED, found=found, fix=fix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Everything that was found."""

    findings: tuple[Finding, ...]
    took_s: float

    def count(self, state: State) -> int:
        """Return how many findings are of this state."""
        return sum(finding.state is state for finding in self.findings)

    @property
    def is_well(self) -> bool:
        """True when nothing failed; warnings are let pass."""
        return self.count(State.FAILED) == 0

    @property
    def exit_status(self) -> int:
        """Of the command: 0 well, 1 something failed, 2 a setting cannot be used, so that the server does not start."""
        failures = {finding.check for finding in self.findings if finding.state is State.FAILED}
        return 2 if CONFIGURATION in failures else int(bool(failures))


def config_failure(error: ConfigError) -> Diagnosis:
    """Return the diagnosis of settings that cannot be used: nothing else can be looked at."""
    fix = "Correct the setting that is named; `python -m server serve --help` and docs/install.md list them all."
    return Diagnosis(findings=(failed(CONFIGURATION, str(error), fix),), took_s=0.0)
