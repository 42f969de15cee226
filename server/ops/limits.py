"""What the operating system allows the process."""

import resource

MAX_FILES = 65_536
"""More than the largest server needs; some programs that we start walk through all that are allowed."""


def allow_many_sockets() -> None:
    """Raise the number of open files to what the system allows: the usual 1024 is little for sockets of media."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
