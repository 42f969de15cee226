// Is the server within reach? One cheap question for the whole page, asked again and again while something is lost.
//
// A request into a dead network hangs, and with it whoever waits for it. So nobody sends an offer or opens a websocket
// into the dark: they wait here for the first sign of life, and all go at once when it comes. No DOM.

/** Questions follow each other at least so much apart, seconds, give or take a fifth. */
export const ASK_EVERY_S = 0.8;

/** And so much after a minute. */
export const LATER_EVERY_S = 3;

/** When "later" begins, seconds. */
export const LATER_AFTER_S = 60;

/** A request that is not answered by then is given up. */
const ANSWER_S = 2.5;

/**
 * A websocket that is not open by then is given up, seconds. TCP knocks at once, after 1 s and after 3 s, so a new one
 * knocks each second.
 */
export const OPEN_S = 2;

/**
 * So many websockets that fail make Chromium hold every further one back for 1 to 5 s (its throttle: 1-5 s times
 * 2 to the power of failures / (successes + 1), counted over 2 to 4 minutes, divided by 65536).
 */
export const UNTHROTTLED = 10;

/** How long the later ones may take to open, seconds. */
export const THROTTLED_OPEN_S = 6.5;

/** Requests sent together once the way is open, so that one of them gets a connection that is not a hung one. */
const BURST = 6;

/** A page whose clock jumped this far slept, seconds: the server has given up its connections (docs/network.md). */
export const SLEPT_S = 12;

/** How often it looks at the clock. */
const LOOK_EVERY_S = 2;

/**
 * @typedef {object} Reach
 * @property {() => Promise<void>} back settles when the server has answered
 * @property {(listener: () => void) => () => void} onBack
 *     called when the server answers after somebody waited for it, and when the browser says that it is online; the
 *     result stops that
 * @property {(listener: () => void) => () => void} onWake called when the page wakes from a sleep; the result stops that
 * @property {() => void} close
 */

/**
 * @param {object} [options]
 * @param {(limit_s: number, signal: AbortSignal) => Promise<boolean>} [options.ask]
 *     tells whether the server is there; may reject; is to settle after the limit, or when the signal says so
 * @param {() => number} [options.random]
 * @param {() => number} [options.now_ms] wall clock: it goes on while the machine sleeps
 * @returns {Reach}
 */
export function createReach({ ask = askServer, random = Math.random, now_ms = Date.now } = {}) {
    /** @type {Set<() => void>} */
    let waiting = new Set();
    /** @type {Set<() => void>} */
    const onBacks = new Set();
    /** @type {Set<() => void>} */
    const onWakes = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    let began_ms = 0;
    let looked_ms = now_ms();

    let nAsked = 0;
    /** @type {AbortController | null} */
    let asking = null;

    /** One question at a time: a browser opens one websocket to a server after the other. */
    async function knock() {
        clearTimeout(timer);
        asking?.abort();
        const mine = new AbortController();
        asking = mine;
        const asked_ms = now_ms();
        nAsked += 1;
        const limit_s = nAsked > UNTHROTTLED ? THROTTLED_OPEN_S : OPEN_S;
        const isThere = await ask(limit_s, mine.signal).catch(() => false);
        if (mine.signal.aborted) return;
        asking = null;
        if (isThere) {
            arrived();
            return;
        }
        const every_s = asked_ms - began_ms > LATER_AFTER_S * 1000 ? LATER_EVERY_S : ASK_EVERY_S;
        const wait_ms = every_s * (0.8 + 0.4 * random()) * 1000 - (now_ms() - asked_ms);
        timer = setTimeout(() => void knock(), Math.max(wait_ms, 0));
    }

    function arrived() {
        nAsked = 0;
        const served = waiting;
        waiting = new Set();
        for (const resolve of served) resolve();
        if (served.size > 0) for (const listener of [...onBacks]) listener();
    }

    function online() {
        if (waiting.size > 0) void knock();
        for (const listener of [...onBacks]) listener();
    }

    const look = setInterval(() => {
        const before_ms = looked_ms;
        looked_ms = now_ms();
        if (looked_ms - before_ms < SLEPT_S * 1000) return;
        for (const listener of [...onWakes]) listener();
    }, LOOK_EVERY_S * 1000);

    globalThis.addEventListener?.('online', online);
    return {
        back: () =>
            new Promise((resolve) => {
                waiting.add(() => resolve());
                if (waiting.size > 1) return;
                began_ms = now_ms();
                void knock();
            }),
        onBack: (listener) => listen(onBacks, listener),
        onWake: (listener) => listen(onWakes, listener),
        close() {
            clearTimeout(timer);
            asking?.abort();
            clearInterval(look);
            waiting.clear();
            globalThis.removeEventListener?.('online', online);
        },
    };
}

/**
 * @param {Set<() => void>} listeners
 * @param {() => void} listener
 */
function listen(listeners, listener) {
    listeners.add(listener);
    return () => {
        listeners.delete(listener);
    };
}

/**
 * A proxy that answers for a server that is down (502, 504) does not count; a full or busy server (503) does.
 *
 * @param {number} limit_s
 * @param {AbortSignal} signal
 */
async function askServer(limit_s, signal) {
    // Not by a request: Chromium keeps trying to connect for a request that was given up, ever more rarely, and makes
    // later ones wait for that. A websocket that is closed is forgotten.
    await opens(new WebSocket(new URL('/ws/reach', location.href.replace(/^http/, 'ws'))), limit_s, signal);
    return Promise.any(Array.from({ length: BURST }, answers));
}

/**
 * @param {WebSocket} socket
 * @param {number} limit_s
 * @param {AbortSignal} signal
 */
function opens(socket, limit_s, signal) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => socket.close(), limit_s * 1000);
        signal.addEventListener('abort', () => socket.close());
        socket.onopen = () => {
            resolve(undefined);
            socket.close();
        };
        socket.onclose = () => {
            clearTimeout(timer);
            reject(new TypeError('out of reach'));
        };
    });
}

async function answers() {
    const response = await fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(ANSWER_S * 1000) });
    return response.status < 500 || response.status === 503;
}

/**
 * Return how long to wait before the next attempt at something that failed although the server is there.
 *
 * @param {number} nFailures in a row, at least 1
 * @param {{retryAfter?: string | null, lost_s?: number, random?: () => number}} [how] retryAfter: the answer's
 *     Retry-After header, in seconds; lost_s: since when it is lost
 * @returns {number} seconds: 0.1, 0.5, 1, then 2, and up to 8 once a minute has passed; give or take a fifth
 */
export function backOffS(nFailures, { retryAfter = null, lost_s = 0, random = Math.random } = {}) {
    const asked = Number(retryAfter);
    if (retryAfter !== null && Number.isFinite(asked) && asked >= 0) return Math.min(Math.max(asked, 0.2), 60);
    const waits = lost_s > LATER_AFTER_S ? [2, 4, 8] : [0.1, 0.5, 1, 2];
    const wait = waits[Math.min(Math.max(nFailures, 1), waits.length) - 1] ?? 2;
    return wait * (0.8 + 0.4 * random());
}
