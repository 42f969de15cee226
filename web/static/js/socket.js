/**
 * The page's one websocket: hello, heartbeat, reconnection. Knows nothing of the DOM.
 *
 * A connection that drops is made again as soon as the server is within reach (reach.js), with a fresh token and with
 * the time of the newest estimate the page has, so that the server sends what was missed. After `bye`, or when the
 * server refuses a token, it stays closed; a server that says `bye` because it stops is waited for.
 *
 * @typedef {import("./protocol.js").ServerEvent} ServerEvent
 * @typedef {import("./protocol.js").ClientEvent} ClientEvent
 *
 * @typedef {{state: "connecting"}
 *   | {state: "open"}
 *   | {state: "reconnecting", isRestart: boolean}
 *   | {state: "closed", reason: string}} SocketStatus
 *   reconnecting.isRestart: the server said that it stops; closed.reason is a ByeReason, that of the Refused (no token for this page) or "left" (close() was called)
 *
 * @typedef {object} SocketOptions
 * @property {string} roomId
 * @property {() => Promise<string>} getToken a fresh access token; throws `Refused` when there will be none
 * @property {(event: ServerEvent) => void} onEvent
 * @property {(status: SocketStatus) => void} [onStatus]
 * @property {() => {since_s: number, session_id: string} | null} [resumeFrom] the newest estimate the page has
 * @property {(url: string) => WebSocket} [open] how a websocket is opened
 * @property {string} [base] address of the page
 * @property {import("./reach.js").Reach} [reach] shared by all connections of a page
 * @property {() => number} [random]
 *
 * @typedef {object} Socket
 * @property {(event: ClientEvent) => boolean} send true when the event went out on a live connection
 * @property {() => void} close leaves for good
 */
import { HEARTBEAT_S, SILENCE_S, WELCOME_TIMEOUT_S } from './protocol.js';
import { backOffS, createReach } from './reach.js';

/** When the network is back, a connection that seems to live must prove it within this time, seconds. */
const PROOF_S = 2;

/** The server will give this page no token: reconnecting is pointless. */
export class Refused extends Error {
    /**
     * @param {string} [message]
     * @param {string} [reason] with which the connection is closed
     */
    constructor(message, reason = 'refused') {
        super(message);
        this.reason = reason;
    }
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
    reach: given,
    random,
}) {
    const reach = given ?? createReach();
    /** @type {WebSocket | null} */
    let socket = null;
    let nFailures = 0;
    /** @type {number | null} */
    let lostAt_ms = null;
    let isRestart = false;
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
        stopBack();
        stopWake();
        if (given === undefined) reach.close();
        onStatus({ state: 'closed', reason });
    };

    const drop = () => {
        if (isOver) return;
        forget();
        nFailures += 1;
        lostAt_ms ??= performance.now();
        onStatus({ state: 'reconnecting', isRestart });
        const wait_s = backOffS(nFailures, { lost_s: (performance.now() - lostAt_ms) / 1000, random });
        retryTimer = setTimeout(() => void reach.back().then(start), wait_s * 1000);
    };

    /** The network is back or the page slept: a connection that is silent now is none. */
    const prove = () => {
        if (!isWelcome || socket === null) return;
        socket.send('{"type":"ping"}');
        expectMessageWithin(PROOF_S);
    };

    /** @param {MessageEvent} message */
    const receive = (message) => {
        expectMessageWithin(SILENCE_S);
        /** @type {ServerEvent} */
        const event = JSON.parse(message.data);
        if (event.type === 'welcome') {
            isWelcome = true;
            nFailures = 0;
            lostAt_ms = null;
            isRestart = false;
            clearInterval(pingTimer);
            pingTimer = setInterval(() => socket?.send('{"type":"ping"}'), HEARTBEAT_S * 1000);
            onStatus({ state: 'open' });
        }
        onEvent(event);
        if (event.type !== 'bye') return;
        if (event.reason === 'shutdown') {
            isRestart = true;
            drop();
        } else finish(event.reason);
    };

    const start = async () => {
        if (isOver || socket !== null) return;
        onStatus({ state: 'connecting' });
        let token;
        try {
            token = await getToken();
        } catch (error) {
            if (error instanceof Refused) finish(error.reason);
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

    const stopBack = reach.onBack(prove);
    const stopWake = reach.onWake(prove);
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
