"""What the process may take of the machine: open files, memory."""

import ctypes
import gc
import resource

MAX_FILES = 65_536
"""More than the largest server needs; some programs that we start walk through all that are allowed."""

MAX_ARENAS = 2
_M_ARENA_MAX = -8
"""Number of the option in glibc's malloc.h."""


def share_heaps() -> None:
    """Let all threads share few heaps; to be called before there are any.

    Each connection has threads of its own for a moment, and glibc would keep a heap for every one of them that
    lived at the same time as others.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # musl has neither it nor such heaps
        libc.mallopt(_M_ARENA_MAX, MAX_ARENAS)


def set_apart_what_stays() -> None:
    """Take everything there is now out of Python's search for garbage; to be called once, when all is set up.

    What a connection leaves behind refers to itself in circles. They are looked for the more often, and the sooner
    found, the fewer objects there are that stay for ever; and the loop stands still for a shorter time.
    """
    gc.collect()
    gc.freeze()


def allow_many_sockets() -> None:
    """Raise the number of open files to what the system allows: the usual 1024 is little for sockets of media."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
