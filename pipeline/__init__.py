"""The pure core: arrays in, frozen values out; no clock, no input or output, no model loading.

types        every value that crosses a room boundary
audio/       samples -> voice features and score
video/       frames -> face samples
calibration  the person's own voice as the yardstick
face         face samples -> one reading
fusion       face and voice -> stress, smoothing
trend        window statistics, peaks, trajectory, bands
evidence     all signals beside the score, compared with the person's own baseline
nonverbal    indices over the signals; agreement: three levels of face and voice; learned: a trained decision module
moved        why there is a peak
advice       recommendations for the interviewer
summary      figures of a whole session; signal_summary: of its signals
session      the analyser of one person: step(state, item) -> (state, estimates)
"""
