"""Downloads of a session: ``series`` makes the CSV, ``document`` the JSON, ``columns`` says what a tick consists of."""
