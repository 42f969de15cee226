"""Our own server, if it runs on the configured port: is it there, and which certificate does it show."""

import asyncio
import contextlib
import json
import ssl

import aiohttp
from cryptography import x509

from server.config import Config
from server.network import url_host

ANSWER_TIMEOUT_S = 3.0


async def is_ours(config: Config) -> bool:
    """Return whether what listens on the configured port is this program."""
    scheme = "https" if config.uses_tls else "http"
    url = f"{scheme}://{url_host(config.host)}:{config.port}/healthz"
    timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S)
    with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError, OSError):
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            # Whose certificate it is does not matter here.
            http.get(url, ssl=False, allow_redirects=False) as response,
        ):
            answer = json.loads(await response.content.read(10_000))
            return isinstance(answer, dict) and {"status", "database", "rooms"} <= set(answer)
    return False


async def served_certificate(config: Config) -> x509.Certificate | None:
    """Return the certificate that our running server shows; None when it does not run or speaks no TLS."""
    if config.port == 0 or not config.uses_tls or not await is_ours(config):
        return None
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    host = url_host(config.host).strip("[]")
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, config.port, ssl=context, server_hostname="")
    except (OSError, TimeoutError):
        return None
    held = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(held)
