"""``python -m server doctor``: looks at everything a working call depends on and names the fix for what is wrong.

findings          what a check found, and all of it together
report            that as text and as JSON
examination       runs the checks, each of which is a module; it is imported where it runs, for it loads the networks
"""

from server.ops.doctor.findings import Diagnosis, Finding, State, config_failure
from server.ops.doctor.report import as_json, as_text

__all__ = ["Diagnosis", "Finding", "State", "as_json", "as_text", "config_failure"]
