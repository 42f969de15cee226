"""What the picture says.

crop.py      the face crop the emotion network sees, the same for training, evaluation and live frames
face.py      seven emotion shares of one frame, with quality and reason
temporal.py  the shares of consecutive frames, steadied
"""
