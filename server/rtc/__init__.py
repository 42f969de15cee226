"""The media plane: WHIP in, WHEP out, encoded frames to consumers; nothing is decoded.

plane        MediaPlane, what the other rooms call; contract holds its values
source       one participant with viewers and consumers, across reconnections
publisher    a WHIP connection; incoming per kind: requests (nack, lateness), times (capture_clock), figures (arrivals)
subscriber   a WHEP connection: outgoing per kind, numbering in rewrite
feed         encoded frames for consumers: frames on top of reorder
offer        checks SDP, sdpfrag reads trickled candidates, connection answers
aiortc_private   the one place that touches private names of aiortc
"""
