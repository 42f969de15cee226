"""Downloads of a session.

``series`` makes the CSV, ``document`` the JSON, ``words`` what was said, ``columns`` says what a tick consists of.
"""
