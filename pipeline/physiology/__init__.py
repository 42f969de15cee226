"""What the body says: the pulse from the colour of the skin.

skin.py       mean colour of forehead and cheeks in one frame
recording.py  what is kept of the face, frame by frame, and evenly spaced windows of it
methods.py    green, CHROM and POS: from colours to a pulse wave
spectrum.py   the rate of a wave, its harmonic check, its signal to noise ratio
rate.py       the rate of a window by methods that must agree, with its quality
beats.py      when the heart beat
hrv.py        variability of the intervals between beats
pulse.py      the signals: definitions, following, viewing
"""
