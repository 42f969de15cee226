"""The trained networks and the way to load them.

loader.py       emotion network: manifest and checksum checked, returned as a plain callable
face_mesh.py    MediaPipe FaceMesh as a face tracker for one stream
errors.py       ModelError
emotion_net.py  the network's definition in PyTorch; training only, not imported at run time
manifest.toml   name, file, sha256, origin, licence, input and output of each network
cards/          what each network was trained on, how good it is, and what it must not be used for
"""
