"""The synthetic candidate: a portrait that talks, blinks and changes expression, with a voice to match.

story.py (what happens when) -> portrait.py (pictures), voice.py (sound) -> tracks.py -> publication.py (keeps them
arriving) -> candidate.py (a client).
"""
