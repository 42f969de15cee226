"""The shell: network, time, processes, storage. Nothing here computes a feature.

``app.py`` wires the rooms together; ``config.py``, ``clock.py``, ``errors.py``, ``media.py`` and ``protocol.py`` are
what every room may use. docs/design.md draws the map.
"""
