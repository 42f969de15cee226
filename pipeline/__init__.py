"""The pure core: arrays in, frozen values out; no clock, no input or output, no model loading.

types        every value that crosses a room boundary
audio/       samples -> voice features and score
video/       frames -> face samples
calibration  the person's own voice as the yardstick
face         face samples -> one reading
fusion       face and voice -> stress, smoothing
trend        window statistics, peaks, trajectory, bands
summary      figures of a whole session
session      the analyser of one person: step(state, item) -> (state, estimates)
"""
