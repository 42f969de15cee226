import gc
import resource
import subprocess
import sys

from server.ops.limits import MAX_FILES, allow_many_sockets, set_apart_what_stays

HEAPS = """
import ctypes, sys, threading
from server.ops.limits import share_heaps
if sys.argv[1] == "shared":
    share_heaps()
together = threading.Barrier(12)
def work():
    kept = [bytes(100_000) for _ in range(20)]
    together.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sum("heap" not in line and "rw-p" in line and int(line.split("-")[0], 16) % (1 << 26) == 0
          for line in open("/proc/self/maps")))
"""


def test_the_process_may_open_as_many_files_as_the_system_allows():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    hard = before[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        allow_many_sockets()
        expected = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (expected, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_threads_share_few_heaps():
    def n_heaps(how):
        done = subprocess.run(
            [sys.executable, "-c", HEAPS, how], capture_output=True, text=True, check=True, timeout=60
        )
        return int(done.stdout)

    assert n_heaps("shared") <= 2 < n_heaps("own")


def test_what_is_there_at_the_start_is_not_searched_for_garbage():
    try:
        set_apart_what_stays()
        assert len(gc.get_objects()) < 10_000 < gc.get_freeze_count()
    finally:
        gc.unfreeze()
