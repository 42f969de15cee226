"""Time by hand: a clock with timers that run when the test lets time pass."""

import heapq
import itertools


class _Handle:
    def __init__(self, due_s, action):
        self.due_s, self.action, self.is_cancelled = due_s, action, False

    def cancel(self):
        self.is_cancelled = True


class ManualTime:
    """Calls its own value; ``advance`` runs what falls due."""

    def __init__(self, now_s=100.0):
        self.now_s = now_s
        self._order = itertools.count()
        self._handles = []

    def __call__(self):
        return self.now_s

    def call_later(self, delay_s, action):
        handle = _Handle(self.now_s + delay_s, action)
        heapq.heappush(self._handles, (handle.due_s, next(self._order), handle))
        return handle

    def advance(self, seconds):
        end_s = self.now_s + seconds
        while self._handles and self._handles[0][0] <= end_s:
            due_s, _, handle = heapq.heappop(self._handles)
            if not handle.is_cancelled:
                self.now_s = max(self.now_s, due_s)
                handle.action()
        self.now_s = end_s
