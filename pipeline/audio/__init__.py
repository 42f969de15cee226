"""The voice, from samples to score.

framing   samples -> 55 ms frames every 10 ms
spectrum  frames -> level, centroid
pitch     frames -> pitch; pitch_candidates, pitch_path and pitch_range are its parts
floor     level of the room
speech    which frames are speech, pauses
voice     the stream: sound in, features of the last 3 s out
score     features and own ranges -> s_audio

acoustics         frames whose pitch is decided -> how they sound, of the last 10 s
acoustic_signals  these -> signals; its parts work on any recording: spectral_features, mfcc (on short_frames),
                  formants, periods, perturbation, filled_pauses
"""
