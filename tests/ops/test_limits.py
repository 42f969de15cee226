import resource

from server.ops.limits import MAX_FILES, allow_many_sockets


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
