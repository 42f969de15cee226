"""Real time on a machine that does much else: whoever measures it goes first, where the system allows that."""

import contextlib
import os
from pathlib import Path

NICENESS = -10


@contextlib.contextmanager
def ahead_of_others():
    """Let this thread and the processes it starts go before others; without the right to do so nothing happens.

    What is measured is the server and the network, not what else the machine has to do. Who wants a browser to run
    that way starts it inside. With Linux's autogroups, niceness counts among the processes of a session only: there it
    is the tests that run beside these that have to wait.
    """
    before = os.getpriority(os.PRIO_PROCESS, 0)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    except PermissionError:
        yield
        return
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, before)


def kept_waiting_s():
    """Return for how long the main thread has waited for a processor that others had, 0 where the system does not tell.

    Source: Documentation/scheduler/sched-stats.rst of Linux, second figure of /proc/PID/schedstat.
    """
    try:
        return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0
