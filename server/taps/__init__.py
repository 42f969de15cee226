"""Researchers' streams: frame consumers beside the call, which they can never slow.

queue      bounded queue between the media plane and a tap
register   how many taps are open and what they lost
matroska   the encoded media as live Matroska
pcm        16 kHz mono sound, gap-filled so that its sample count follows the clock
"""
