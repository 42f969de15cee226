"""What handlers find in the application and in a request, by typed key.

``request.app[KEY]`` gives a service, ``request[KEY]`` what the access rule has already established.
"""

from typing import TYPE_CHECKING

from aiohttp import web

from server.config import Config

if TYPE_CHECKING:
    import jinja2
    from sqlalchemy.ext.asyncio import AsyncEngine

    from server.analysis.supervisor import AnalysisPool
    from server.rtc.plane import MediaPlane
    from server.sessions.accounts import Accounts
    from server.sessions.consent import Consents
    from server.sessions.live import LiveRooms
    from server.sessions.schedule import Schedule
    from server.sessions.summaries import Summaries
    from server.sessions.tokens import Tokens

CONFIG: web.AppKey[Config] = web.AppKey("config")
ENGINE: web.AppKey["AsyncEngine"] = web.AppKey("engine")
PLANE: web.AppKey["MediaPlane"] = web.AppKey("plane")
POOL: web.AppKey["AnalysisPool"] = web.AppKey("pool")
ACCOUNTS: web.AppKey["Accounts"] = web.AppKey("accounts")
TOKENS: web.AppKey["Tokens"] = web.AppKey("tokens")
SCHEDULE: web.AppKey["Schedule"] = web.AppKey("schedule")
CONSENTS: web.AppKey["Consents"] = web.AppKey("consents")
ROOMS: web.AppKey["LiveRooms"] = web.AppKey("rooms")
SUMMARIES: web.AppKey["Summaries"] = web.AppKey("summaries")
TEMPLATES: web.AppKey["jinja2.Environment"] = web.AppKey("templates")
