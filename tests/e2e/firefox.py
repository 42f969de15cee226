"""A real Firefox, driven by WebDriver BiDi over its own websocket: nothing but Firefox itself is needed."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp

_START_S = 40
_COMMAND_S = 40

_NOBODY = 9
"""The discard port: whatever is not on loopback goes to a proxy that is not there."""

_PREFERENCES: dict[str, bool | int | str] = {
    "media.navigator.streams.fake": True,
    "media.peerconnection.ice.loopback": True,
    # Test traffic stays on this machine.
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": _NOBODY,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": _NOBODY,
    "network.proxy.no_proxies_on": "127.0.0.0/8",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "network.prefetch-next": False,
    "app.update.enabled": False,
    "app.update.disabledForTesting": True,
    "app.normandy.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.aboutwelcome.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.region.update.enabled": False,
    "browser.search.update": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.usage.uploadEnabled": False,
    "extensions.update.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "media.gmp-provider.enabled": False,
    "messaging-system.rsexperimentloader.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": "data:,",
    "toolkit.telemetry.unified": False,
}
_ALLOWED = {"media.navigator.permission.disabled": True}
_DENIED = {"permissions.default.camera": 2, "permissions.default.microphone": 2}


def firefox_path() -> str | None:
    """Return the system's Firefox, or the one named by FIREFOX; None if there is none."""
    return os.environ.get("FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")


class FirefoxError(Exception):
    """Firefox could not do what it was asked, or a script in a page failed."""


class Firefox:
    """One Firefox with a fresh profile; a context manager.

    Its websocket lives in a thread of its own, so that tests that drive Chromium by Playwright can drive this too.

    Args:
        folder: for the profile.
        may_capture: whether pages get the synthetic camera and microphone without being asked, or never get one.
    """

    def __init__(self, folder: Path, *, may_capture: bool = True) -> None:
        profile = folder / "firefox"
        profile.mkdir()
        preferences = _PREFERENCES | (_ALLOWED if may_capture else _DENIED)
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
        (profile / "user.js").write_text("".join(lines))
        path = firefox_path()
        assert path, "no Firefox: scripts/test installs it"
        self._process = subprocess.Popen(
            [path, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port=0"],
            env={**os.environ, "HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.output: list[str] = []
        self._address: Future[str] = Future()
        self._reader = threading.Thread(target=self._read, name="firefox output")
        self._reader.start()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="firefox bidi")
        self._thread.start()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        try:
            self._do(self._connect(self._address.result(_START_S)), _START_S)
            self.command("session.new", {"capabilities": {}})
        except BaseException:
            self.close()
            raise

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output.append(line.rstrip())
            if (found := re.search(r"BiDi listening on (ws://\S+)", line)) and not self._address.done():
                self._address.set_result(found[1])
        if not self._address.done():
            self._address.set_exception(FirefoxError("it ended:\n" + "\n".join(self.output[-20:])))
        self._process.stdout.close()

    def _do(self, work: Any, timeout_s: float) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    async def _connect(self, address: str) -> None:
        self._http = aiohttp.ClientSession()
        self._socket = await self._http.ws_connect(f"{address}/session", max_msg_size=0)
        self._listener = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for message in self._socket:
            answer = json.loads(message.data)
            waiting = self._waiting.pop(answer.get("id", -1), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)

    async def _send(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        number = len(self._waiting) + 1 + time.monotonic_ns()
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        return await self._waiting[number]

    def command(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Run one BiDi command; return its result."""
        answer = self._do(self._send(method, params), _COMMAND_S)
        if answer["type"] != "success":
            raise FirefoxError(f"{method}: {answer.get('error')}: {answer.get('message')}")
        result: dict[str, Any] = answer["result"]
        return result

    def new_page(self) -> "FirefoxPage":
        """Open a tab."""
        return FirefoxPage(self, self.command("browsingContext.create", {"type": "tab"})["context"])

    def __enter__(self) -> "Firefox":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End Firefox and its processes."""
        if hasattr(self, "_http"):
            self._do(self._close_socket(), 10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
                self._process.wait(10)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self._process.wait(10)
        self._reader.join(10)

    async def _close_socket(self) -> None:
        await self._socket.close()
        await self._listener
        await self._http.close()


class FirefoxPage:
    """A tab."""

    def __init__(self, browser: Firefox, context: str) -> None:
        self._browser = browser
        self._context = context

    def goto(self, url: str) -> None:
        """Load an address."""
        self._browser.command("browsingContext.navigate", {"context": self._context, "url": url, "wait": "complete"})

    def evaluate(self, function: str, *arguments: Any) -> Any:
        """Call a JavaScript function; arguments and result are JSON."""
        given = json.dumps(list(arguments))
        result = self._browser.command(
            "script.evaluate",
            {
                "expression": f"(async () => JSON.stringify((await ({function})(...{given})) ?? null))()",
                "target": {"context": self._context},
                "awaitPromise": True,
            },
        )
        if result["type"] != "success":
            raise FirefoxError(result["exceptionDetails"]["text"])
        return json.loads(result["result"]["value"])

    def wait_for(self, function: str, *arguments: Any, limit_s: float = 20.0) -> Any:
        """Ask until the function gives something true; return that."""
        end_s = time.monotonic() + limit_s
        while True:
            if result := self.evaluate(function, *arguments):
                return result
            if time.monotonic() > end_s:
                text = self.evaluate("() => document.body.innerText")
                raise AssertionError(f"not within {limit_s} s: {function} {arguments}; the page says:\n{text}")
            time.sleep(0.1)

    def wait_visible(self, selector: str, *, limit_s: float = 20.0) -> None:
        """Wait until something is shown and can be used."""
        self.wait_for(
            "s => { const e = document.querySelector(s); return e && e.checkVisibility() && !e.disabled; }",
            selector,
            limit_s=limit_s,
        )

    def click(self, selector: str) -> None:
        """Click what is shown, with a mouse: some things a browser does only for a person."""
        self.wait_visible(selector)
        element = self._browser.command(
            "script.callFunction",
            {
                "functionDeclaration": "s => { const e = document.querySelector(s);"
                " e.scrollIntoView({block: 'center', behavior: 'instant'}); return e; }",
                "arguments": [{"type": "string", "value": selector}],
                "target": {"context": self._context},
                "awaitPromise": False,
            },
        )["result"]
        origin = {"type": "element", "element": {"sharedId": element["sharedId"]}}
        actions = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        pointer = {"type": "pointer", "id": "mouse", "actions": actions}
        self._browser.command("input.performActions", {"context": self._context, "actions": [pointer]})

    def fill(self, selector: str, text: str) -> None:
        """Type into a field."""
        self.wait_visible(selector)
        self.evaluate(
            "(s, text) => { const e = document.querySelector(s); e.value = text;"
            " e.dispatchEvent(new Event('input', {bubbles: true})); }",
            selector,
            text,
        )
