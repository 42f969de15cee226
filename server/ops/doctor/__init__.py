"""``python -m server doctor``: looks at everything a working call depends on and names the fix for what is wrong."""

from server.ops.doctor.examination import Diagnosis, config_failure, examine
from server.ops.doctor.findings import Finding, State
from server.ops.doctor.report import as_json, as_text

__all__ = ["Diagnosis", "Finding", "State", "as_json", "as_text", "config_failure", "examine"]
