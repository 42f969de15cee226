/**
 * The page's one websocket: hello, heartbeat, reconnection. Knows nothing of the DOM.
 *
 * A connection that drops is made again after 1, 2, 4, then every 8 seconds, with a fresh token and with the time of
 * the newest estimate the page has, so that the server sends what was missed. After `bye`, or when the server refuses
 * a token, it stays closed.
 *
 * @typedef {import("./protocol.js").ServerEvent} ServerEvent
 * @typedef {import("./protocol.js").ClientEvent} ClientEvent
 *
 * @typedef {{state: "connecting"}
 *   | {state: "open"}
 *   | {state: "reconnecting", retry_s: number}
 *   | {state: "closed", reason: string}} SocketStatus
 *   closed.reason is a ByeReason, "refused" (no token for this page) or "left" (close() was called)
 *
 * @typedef {object} SocketOptions
 * @property {string} roomId
 * @property {() => Promise<string>} getToken a fresh access token; throws `Refused` when there will be none
 * @property {(event: ServerEvent) => void} onEvent
 * @property {(status: SocketStatus) => void} [onStatus]
 * @property {() => {since_s: number, session_id: string} | null} [resumeFrom] the newest estimate the page has
 * @property {(url: string) => WebSocket} [open] how a websocket is opened
 * @property {string} [base] address of the page
 *
 * @typedef {object} Socket
 * @property {(event: ClientEvent) => boolean} send true when the event went out on a live connection
 * @property {() => void} close leaves for good
 */
import { HEARTBEAT_S, SILENCE_S, WELCOME_TIMEOUT_S } from './protocol.js';

/** The server will give this page no token: reconnecting is pointless. */
export class Refused extends Error {}

/**
 * How long to wait before the n-th attempt in a row to reconnect.
 *
 * @param {number} attempt from 0
 * @returns {number} seconds: 1, 2, 4, 8, 8 ...
 */
export function backoffS(attempt) {
    return 2 ** Math.min(attempt, 3);
}

/**
 * @param {string} roomId
 * @param {string} base address of the page
 * @returns {string} the room's websocket address
 */
export function socketUrl(roomId, base) {
    const url = new URL(`/ws/${encodeURIComponent(roomId)}`, base);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return url.href;
}

/**
 * Connect a page to its room and keep it connected.
 *
 * @param {SocketOptions} options
 * @returns {Socket}
 */
export function connect({
    roomId,
    getToken,
    onEvent,
    onStatus = () => {},
    resumeFrom = () => null,
    open = (url) => new WebSocket(url),
    base = globalThis.location?.href,
}) {
    /** @type {WebSocket | null} */
    let socket = null;
    let attempt = 0;
    let isWelcome = false;
    let isOver = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let retryTimer;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    let pingTimer;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let silenceTimer;

    /** @param {number} seconds */
    const expectMessageWithin = (seconds) => {
        clearTimeout(silenceTimer);
        silenceTimer = setTimeout(drop, seconds * 1000);
    };

    const forget = () => {
        clearInterval(pingTimer);
        clearTimeout(silenceTimer);
        clearTimeout(retryTimer);
        isWelcome = false;
        const old = socket;
        socket = null;
        old?.close();
    };

    /** @param {string} reason */
    const finish = (reason) => {
        if (isOver) return;
        isOver = true;
        forget();
        globalThis.removeEventListener?.('online', retryNow);
        onStatus({ state: 'closed', reason });
    };

    const drop = () => {
        if (isOver) return;
        forget();
        const retry_s = backoffS(attempt);
        attempt += 1;
        onStatus({ state: 'reconnecting', retry_s });
        retryTimer = setTimeout(start, retry_s * 1000);
    };

    const retryNow = () => {
        if (isOver || socket !== null) return;
        clearTimeout(retryTimer);
        start();
    };

    /** @param {MessageEvent} message */
    const receive = (message) => {
        expectMessageWithin(SILENCE_S);
        /** @type {ServerEvent} */
        const event = JSON.parse(message.data);
        if (event.type === 'welcome') {
            isWelcome = true;
            attempt = 0;
            clearInterval(pingTimer);
            pingTimer = setInterval(() => socket?.send('{"type":"ping"}'), HEARTBEAT_S * 1000);
            onStatus({ state: 'open' });
        }
        onEvent(event);
        if (event.type === 'bye') finish(event.reason);
    };

    const start = async () => {
        onStatus({ state: 'connecting' });
        let token;
        try {
            token = await getToken();
        } catch (error) {
            if (error instanceof Refused) finish('refused');
            else drop();
            return;
        }
        if (isOver || socket !== null) return;
        const mine = open(socketUrl(roomId, base));
        socket = mine;
        expectMessageWithin(WELCOME_TIMEOUT_S);
        mine.onopen = () => {
            mine.send(JSON.stringify({ type: 'hello', token, ...resumeFrom() }));
        };
        mine.onmessage = (message) => {
            if (socket === mine) receive(message);
        };
        mine.onclose = () => {
            if (socket === mine) drop();
        };
    };

    globalThis.addEventListener?.('online', retryNow);
    start();

    return {
        send(event) {
            if (!isWelcome || socket === null || socket.readyState !== 1) return false;
            socket.send(JSON.stringify(event));
            return true;
        },
        close() {
            if (socket !== null && isWelcome) socket.send('{"type":"leave"}');
            finish('left');
        },
    };
}
