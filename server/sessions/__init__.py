"""People and the life of interviews: who may do what, and what happens when.

- ``records``: everything stored; ``principals``: who a request is
- ``accounts, passwords, ratelimit``: people with accounts; ``tokens, taptokens, secrets``: links and tokens
- ``schedule, forms, fields``: interviews before and after; ``consent, consenttexts``: what a candidate agrees to
- ``live``: all running interviews; ``live_room``: one of them; ``outbox``: messages to a page; ``ports``: what rooms
  need from media and analysis; ``taps``: researchers' streams
- ``summaries``: what remains
"""
