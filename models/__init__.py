"""The trained networks and the way to load them.

loader.py       the networks: manifest and checksum checked, returned as plain callables
onnx_network.py an ONNX file on one thread, from pictures to shares
face_mesh.py    MediaPipe FaceMesh as a face tracker for one stream
stress_module.py learned decision modules, which researchers train and an operator names: read and written
errors.py       ModelError
emotion_net.py  the emotion network's definition in PyTorch; training only, not imported at run time
eyes_net.py     the same of the network for the region of the eyes
manifest.toml   name, file, sha256, origin, licence, input and output of each network
cards/          what each network was trained on, how good it is, and what it must not be used for
"""
