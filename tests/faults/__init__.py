"""Fault switches: the real server with hooks by which tests break its network, its event loop and its workers.

They exist in the tests alone. ``python -m tests.faults serve ...`` takes the options of ``python -m server serve`` and
prints the address of the switches, a second HTTP server on loopback; nothing under ``server/`` knows of them.
"""
