"""The analysis plane: worker processes that decode what the media plane forwards and send back estimates.

- supervisor: the pool, which is all the rest of the server knows.
- feed, backlog: one session's way in; what is dropped when a worker cannot keep up.
- process: one worker process, watched and restarted.
- link, messages: what crosses between the processes.
- worker, analyser, decode: the other side of the link: encoded frames to samples to the pipeline.
"""
