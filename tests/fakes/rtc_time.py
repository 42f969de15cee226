"""Time by hand: a clock with timers that run when the test lets time pass."""


class _Handle:
    def __init__(self, due_s, action):
        self.due_s, self.action, self.is_cancelled = due_s, action, False

    def cancel(self):
        self.is_cancelled = True


class ManualTime:
    """Calls its own value; ``advance`` runs what falls due."""

    def __init__(self, now_s=100.0):
        self.now_s = now_s
        self._handles = []

    def __call__(self):
        return self.now_s

    def call_later(self, delay_s, action):
        handle = _Handle(self.now_s + delay_s, action)
        self._handles.append(handle)
        return handle

    def advance(self, seconds):
        end_s = self.now_s + seconds
        while True:
            due = [h for h in self._handles if not h.is_cancelled and h.due_s <= end_s]
            if not due:
                break
            handle = min(due, key=lambda h: h.due_s)
            self._handles.remove(handle)
            self.now_s = max(self.now_s, handle.due_s)
            handle.action()
        self.now_s = end_s
