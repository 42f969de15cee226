"""Storage: the only room that knows SQL.

- ``records``: everything stored, as frozen values
- ``engine``: opening the database, reading, writing
- ``lock``: one server at a time
- ``schema``: the tables; ``migrate`` and ``migrations``: how a database gets them
- ``estimate_row``: an estimate as a row, and back
- ``users, logins, invitations, interviews, participants, consents, series, annotations, taps``: queries, functions
  over a connection
"""
