"""Credentials of TURN servers that end by themselves: each participant gets their own, good for one setting's time.

The scheme is the one coturn calls use-auth-secret (draft-uberti-behave-turn-rest-00): the user name says until when it
can be used, the password proves that somebody who knows the shared secret wrote it. Nothing is stored on either side.
coturn looks at the time when an allocation is made, not when it is refreshed: a call outlives its credentials.
"""

import base64
import hashlib
import hmac
from datetime import datetime

from server.config import Config
from server.network import IceServer

_ID_BYTES = 9


def ice_servers_for(config: Config, participant_id: str, now: datetime) -> tuple[IceServer, ...]:
    """Return the ICE servers that one participant may use now.

    Args:
        config: ``ice_servers`` are handed out as they are, ``turn_urls`` with fresh credentials.
        participant_id: whose credentials; the TURN server sees a name that only tells participants apart.
        now: wall clock, UTC.
    """
    if not config.turn_urls:
        return config.ice_servers
    expiry = int(now.timestamp()) + config.turn_ttl_s
    username = f"{expiry}:{_opaque(config.turn_secret, participant_id)}"
    credential = _password(config.turn_secret, username)
    return (*config.ice_servers, IceServer(urls=config.turn_urls, username=username, credential=credential))


def own_ice_servers(config: Config, now: datetime) -> tuple[IceServer, ...]:
    """Return the ICE servers of our own side: TURN with a secret only if we are told to, it costs each join time."""
    return ice_servers_for(config, "server", now) if config.server_uses_turn else config.ice_servers


def _password(secret: str, username: str) -> str:
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def _opaque(secret: str, participant_id: str) -> str:
    digest = hmac.new(secret.encode(), b"participant " + participant_id.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:_ID_BYTES]).decode()
