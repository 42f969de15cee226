// One WHIP or WHEP connection that keeps itself alive. No DOM in here: call.js gives it its meaning.
//
// aiortc has no ICE restart, so a lost connection is replaced: a new offer, a new POST, the same room and participant.

import { transportPolicy } from './network.js';

/**
 * How a connection stands.
 *
 * - `connecting`: the first attempt is under way
 * - `live`: media can flow
 * - `waiting`: the server has nothing for us yet (409) and we ask again when it said
 * - `interrupted`: it was lost and is being replaced
 * - `refused`: the server said no for good (not entitled, or over); it will not try again
 * - `closed`: `close()` was called
 *
 * @typedef {'connecting'|'live'|'waiting'|'interrupted'|'refused'|'closed'} LinkState
 */

/**
 * @typedef {object} LinkOptions
 * @property {string} url WHIP or WHEP endpoint
 * @property {() => Promise<string>} getToken an access token; asked before every attempt
 * @property {() => RTCIceServer[]} getIceServers asked after the token, with which fresh ones come
 * @property {(pc: RTCPeerConnection) => void | Promise<void>} prepare adds the transceivers to a new connection
 * @property {(state: LinkState, message: string | null) => void} onstate
 */

/**
 * @typedef {object} Link
 * @property {LinkState} state
 * @property {RTCPeerConnection | null} pc the present connection
 * @property {() => Promise<void>} close
 */

/** Waits between attempts, seconds; the last one repeats. */
export const BACK_OFF_S = [1, 2, 4, 8];

/** A connection that is `disconnected` this long is replaced. */
export const DISCONNECTED_S = 5;

/** A new connection that has not come up after this long is replaced. */
export const CONNECT_S = 15;

/** Gathering local addresses takes at most this long; what was found by then is offered. */
const GATHER_S = 2;

/** The server has this long to answer an offer. */
const ANSWER_S = 15;

/** Giving a connection back is tried for this long. */
const DELETE_S = 3;

/**
 * Return how long to wait before the next attempt.
 *
 * @param {number} nFailures attempts that failed in a row, at least 1
 * @param {string | null} retryAfter the answer's Retry-After header, in seconds
 * @returns {number} seconds
 */
export function backOffS(nFailures, retryAfter) {
    const asked = Number(retryAfter);
    if (retryAfter !== null && Number.isFinite(asked) && asked >= 0) return Math.min(Math.max(asked, 0.2), 60);
    return BACK_OFF_S[Math.min(Math.max(nFailures, 1), BACK_OFF_S.length) - 1];
}

/** The server's no, with what it said. */
class Refusal extends Error {
    /**
     * @param {number} status
     * @param {string} message
     * @param {string | null} retryAfter
     */
    constructor(status, message, retryAfter) {
        super(message);
        this.status = status;
        this.retryAfter = retryAfter;
    }
}

/**
 * Open a connection and keep it.
 *
 * @param {LinkOptions} options
 * @returns {Link}
 */
export function openLink(options) {
    /** @type {RTCPeerConnection | null} */
    let pc = null;
    /** @type {string | null} */
    let resource = null;
    let token = '';
    let nFailures = 0;
    let nUnauthorized = 0;
    let attempt = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let retryTimer;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let watchTimer;

    /** @type {Link} */
    const link = { state: 'connecting', pc: null, close };

    /**
     * @param {LinkState} state
     * @param {string | null} [message]
     */
    function become(state, message = null) {
        if (link.state === 'closed' || link.state === 'refused') return;
        const changed = link.state !== state;
        link.state = state;
        if (changed) options.onstate(state, message);
    }

    function drop() {
        clearTimeout(watchTimer);
        if (pc !== null) {
            pc.onconnectionstatechange = null;
            pc.close();
        }
        pc = null;
        link.pc = null;
        const old = resource;
        resource = null;
        return old;
    }

    /**
     * Replace this attempt if it has not become a connection by then.
     *
     * @param {number} mine
     * @param {number} seconds
     */
    function giveUpAfter(mine, seconds) {
        clearTimeout(watchTimer);
        watchTimer = setTimeout(() => failed(mine, null), seconds * 1000);
    }

    /** @param {string | null} old */
    async function forget(old) {
        if (old === null) return;
        try {
            await fetch(old, {
                method: 'DELETE',
                headers: { Authorization: `Bearer ${token}` },
                keepalive: true,
                signal: AbortSignal.timeout(DELETE_S * 1000),
            });
        } catch {
            // The server notices a vanished peer by itself.
        }
    }

    async function connect() {
        clearTimeout(retryTimer);
        retryTimer = undefined;
        const mine = ++attempt;
        void forget(drop());
        try {
            token = await options.getToken();
            if (mine !== attempt) return;
            const fresh = new RTCPeerConnection({
                iceServers: options.getIceServers(),
                iceTransportPolicy: transportPolicy(),
                bundlePolicy: 'max-bundle',
            });
            pc = fresh;
            link.pc = fresh;
            fresh.onconnectionstatechange = () => changed(mine, fresh);
            await options.prepare(fresh);
            await fresh.setLocalDescription();
            await gathered(fresh);
            const { answer, location } = await offer(options.url, token, fresh.localDescription?.sdp ?? '');
            if (mine !== attempt) {
                void forget(location);
                return;
            }
            resource = location;
            await fresh.setRemoteDescription({ type: 'answer', sdp: answer });
            nUnauthorized = 0;
            if (mine === attempt && fresh.connectionState !== 'connected') giveUpAfter(mine, CONNECT_S);
        } catch (error) {
            failed(mine, error);
        }
    }

    /**
     * @param {number} mine
     * @param {RTCPeerConnection} changedPc
     */
    function changed(mine, changedPc) {
        if (mine !== attempt) return;
        if (changedPc.connectionState === 'connected') {
            clearTimeout(watchTimer);
            nFailures = 0;
            become('live');
        } else if (changedPc.connectionState === 'connecting') {
            giveUpAfter(mine, CONNECT_S);
        } else if (changedPc.connectionState === 'disconnected') {
            become('interrupted');
            giveUpAfter(mine, DISCONNECTED_S);
        } else if (changedPc.connectionState === 'failed') {
            failed(mine, null);
        }
    }

    /**
     * @param {number} mine
     * @param {unknown} error
     */
    function failed(mine, error) {
        if (mine !== attempt || link.state === 'closed') return;
        attempt += 1;
        nFailures += 1;
        void forget(drop());
        const refusal = error instanceof Refusal ? error : null;
        if (refusal !== null && isFinal(refusal)) {
            become('refused', refusal.message);
            return;
        }
        if (refusal?.status === 409) become('waiting', refusal.message);
        else if (link.state !== 'connecting') become('interrupted', refusal?.message ?? null);
        const wait = backOffS(nFailures, refusal?.retryAfter ?? null);
        retryTimer = setTimeout(() => void connect(), wait * 1000);
    }

    /** @param {Refusal} refusal */
    function isFinal(refusal) {
        // An expired token gives 401 once; a second one in a row with a fresh token is a no.
        if (refusal.status === 401) {
            nUnauthorized += 1;
            return nUnauthorized > 1;
        }
        return [400, 403, 410, 415, 422].includes(refusal.status);
    }

    function online() {
        if (retryTimer !== undefined) void connect();
    }

    async function close() {
        if (link.state === 'closed') return;
        become('closed');
        link.state = 'closed';
        attempt += 1;
        clearTimeout(retryTimer);
        globalThis.removeEventListener('online', online);
        await forget(drop());
    }

    globalThis.addEventListener('online', online);
    void connect();
    return link;
}

/**
 * Send the offer.
 *
 * @param {string} url
 * @param {string} token
 * @param {string} sdp
 * @returns {Promise<{answer: string, location: string | null}>}
 */
async function offer(url, token, sdp) {
    const response = await fetch(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${token}` },
        body: sdp,
        signal: AbortSignal.timeout(ANSWER_S * 1000),
    });
    const text = await response.text();
    if (response.status !== 201) {
        throw new Refusal(response.status, messageOf(text), response.headers.get('Retry-After'));
    }
    const location = response.headers.get('Location');
    return { answer: text, location: location === null ? null : new URL(location, response.url).href };
}

/**
 * Return the server's sentence out of its JSON error, or nothing.
 *
 * @param {string} text
 * @returns {string}
 */
function messageOf(text) {
    try {
        const body = JSON.parse(text);
        const message = body?.message ?? body?.error?.message ?? body?.error;
        return typeof message === 'string' ? message : '';
    } catch {
        return '';
    }
}

/**
 * Wait until the local addresses are known.
 *
 * @param {RTCPeerConnection} pc
 * @returns {Promise<void>}
 */
function gathered(pc) {
    if (pc.iceGatheringState === 'complete') return Promise.resolve();
    return new Promise((resolve) => {
        const done = () => {
            clearTimeout(timer);
            pc.removeEventListener('icegatheringstatechange', check);
            resolve();
        };
        const check = () => {
            if (pc.iceGatheringState === 'complete') done();
        };
        const timer = setTimeout(done, GATHER_S * 1000);
        pc.addEventListener('icegatheringstatechange', check);
    });
}
