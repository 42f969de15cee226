"""Researchers' streams: frame consumers beside the call, which they can never slow.

queue      bounded queue between the media plane and a tap
hub        which taps are open, what they lost, cutting them
matroska   the encoded media as live Matroska
pcm        16 kHz mono sound, gap-filled so that its sample count follows the clock
"""
