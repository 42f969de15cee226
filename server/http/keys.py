"""What handlers find in the application: ``request.app[KEY]``, typed."""

from typing import TYPE_CHECKING

from aiohttp import web

from server.config import Config

if TYPE_CHECKING:
    import jinja2

    from server.analysis.supervisor import AnalysisPool
    from server.db.engine import Database
    from server.ops.lag import LagMonitor
    from server.ops.metrics import Metrics
    from server.ops.readiness import SelfTest
    from server.ops.stalls import StallWatch
    from server.review.reviews import Reviews
    from server.rtc.plane import MediaPlane
    from server.sessions.accounts import Accounts
    from server.sessions.consent import Consents
    from server.sessions.live import LiveRooms
    from server.sessions.schedule import Schedule
    from server.sessions.summaries import Summaries
    from server.sessions.taptokens import TapTokens
    from server.sessions.tokens import Tokens
    from server.taps.register import TapRegister

CONFIG: web.AppKey[Config] = web.AppKey("config")
DATABASE: web.AppKey["Database"] = web.AppKey("database")
PLANE: web.AppKey["MediaPlane"] = web.AppKey("plane")
POOL: web.AppKey["AnalysisPool"] = web.AppKey("pool")
ACCOUNTS: web.AppKey["Accounts"] = web.AppKey("accounts")
TOKENS: web.AppKey["Tokens"] = web.AppKey("tokens")
TAP_TOKENS: web.AppKey["TapTokens"] = web.AppKey("tap_tokens")
SCHEDULE: web.AppKey["Schedule"] = web.AppKey("schedule")
CONSENTS: web.AppKey["Consents"] = web.AppKey("consents")
ROOMS: web.AppKey["LiveRooms"] = web.AppKey("rooms")
SUMMARIES: web.AppKey["Summaries"] = web.AppKey("summaries")
REVIEWS: web.AppKey["Reviews"] = web.AppKey("reviews")
TAPS: web.AppKey["TapRegister"] = web.AppKey("taps")
LAG: web.AppKey["LagMonitor"] = web.AppKey("lag")
METRICS: web.AppKey["Metrics"] = web.AppKey("metrics")
SELF_TEST: web.AppKey["SelfTest"] = web.AppKey("self_test")
STALLS: web.AppKey["StallWatch"] = web.AppKey("stalls")
TEMPLATES: web.AppKey["jinja2.Environment"] = web.AppKey("templates")
