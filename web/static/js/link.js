// One WHIP or WHEP connection that keeps itself alive. No DOM in here: call.js gives it its meaning.
//
// aiortc has no ICE restart, so a lost connection is replaced: a new offer, a new POST, the same room and participant.
// Nothing is offered before the server is within reach again (reach.js), and a connection that ICE may heal by itself
// gets a moment to do so. Addresses that are found after the offer went out follow it (trickle, RFC 9725).

import { transportPolicy } from './network.js';
import { backOffS, createReach } from './reach.js';
import { trickleBody } from './trickle.js';

/**
 * How a connection stands.
 *
 * - `connecting`: the first attempt is under way
 * - `live`: media can flow
 * - `waiting`: the server has nothing for us yet (409), is full or about to stop (429, 503); we ask again when it said
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
 * @property {(state: LinkState, message: string | null) => void} onstate also called when only the message is another
 * @property {boolean} [isReplaced] the server ends the old connection when the new one comes (WHIP): nobody else does,
 *     or those who watch would see the publication end
 * @property {import('./reach.js').Reach} [reach] shared by all connections of a page
 * @property {() => number} [random]
 */

/**
 * @typedef {object} Link
 * @property {LinkState} state
 * @property {RTCPeerConnection | null} pc the present connection
 * @property {() => Promise<void>} close
 */

/** A connection that is `disconnected` is replaced if it has not healed so long after the server is within reach. */
export const HEAL_S = 1;

/** So long after we noticed, the server has given the connection up too: there is nothing to heal. */
export const GIVEN_UP_S = 9;

/** A new connection that has not come up after this long is replaced: perhaps it began before the network was whole. */
export const CONNECT_S = 5;

/** After a few such failures the way is slow rather than broken: each gets longer. */
export const SLOW_CONNECT_S = 10;

/** The offer waits this long for local addresses; those that are found later follow it. */
export const GATHER_S = 0.3;

/** Addresses that follow the offer wait this long for each other. */
const TRICKLE_MS = 50;

/** The server has this long to answer an offer. */
const ANSWER_S = 8;

/** Giving a connection back, or telling the server more addresses, is tried for this long. */
const ASIDE_S = 3;

/** The server has no room now, or nothing to show: not a failure of the network. */
const LATER = [409, 429, 503];

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
    const reach = options.reach ?? createReach();
    /** @type {RTCPeerConnection | null} */
    let pc = null;
    /** @type {string | null} */
    let resource = null;
    let token = '';
    let nFailures = 0;
    let nUnauthorized = 0;
    let attempt = 0;
    /** @type {number | null} */
    let lostAt_ms = null;
    /** @type {string | null} */
    let message = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let retryTimer;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let watchTimer;

    /** @type {Link} */
    const link = { state: 'connecting', pc: null, close };

    /**
     * @param {LinkState} state
     * @param {string | null} [words]
     */
    function become(state, words = null) {
        if (isOver()) return;
        if (state === 'live') lostAt_ms = null;
        else lostAt_ms ??= performance.now();
        if (link.state === state && message === words) return;
        link.state = state;
        message = words;
        options.onstate(state, words);
    }

    function isOver() {
        return link.state === 'closed' || link.state === 'refused';
    }

    function connect_s() {
        return nFailures < 3 ? CONNECT_S : SLOW_CONNECT_S;
    }

    function lost_s() {
        return lostAt_ms === null ? 0 : (performance.now() - lostAt_ms) / 1000;
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
                signal: AbortSignal.timeout(ASIDE_S * 1000),
            });
        } catch {
            // The server notices a vanished peer by itself.
        }
    }

    async function connect() {
        clearTimeout(retryTimer);
        retryTimer = undefined;
        const mine = ++attempt;
        drop();
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
            const sdp = fresh.localDescription?.sdp ?? '';
            // Just after the network came back a browser may not know its own addresses yet, and never looks again.
            if (fresh.iceGatheringState === 'complete' && !sdp.includes('a=candidate:')) throw new Error('no address yet');
            const followLater = followUp(fresh);
            const { answer, location, etag } = await offer(options.url, token, sdp);
            if (mine !== attempt) {
                void forget(location);
                return;
            }
            resource = location;
            await fresh.setRemoteDescription({ type: 'answer', sdp: answer });
            nUnauthorized = 0;
            if (mine === attempt && fresh.connectionState !== 'connected') giveUpAfter(mine, connect_s());
            followLater((candidates) => tell(location, etag, sdp, candidates));
        } catch (error) {
            failed(mine, error);
        }
    }

    /**
     * Tell the server more of our addresses; without them it may still be reached from here.
     *
     * @param {string | null} location
     * @param {string | null} etag
     * @param {string} sdp the offer
     * @param {RTCIceCandidate[]} candidates
     */
    async function tell(location, etag, sdp, candidates) {
        if (location === null || location !== resource) return;
        try {
            await fetch(location, {
                method: 'PATCH',
                headers: {
                    'Content-Type': 'application/trickle-ice-sdpfrag',
                    Authorization: `Bearer ${token}`,
                    ...(etag === null ? {} : { 'If-Match': etag }),
                },
                body: trickleBody(sdp, candidates),
                signal: AbortSignal.timeout(ASIDE_S * 1000),
            });
        } catch {
            // The connection comes up by the addresses that are known, or is replaced.
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
            giveUpAfter(mine, connect_s());
        } else if (changedPc.connectionState === 'disconnected') {
            become('interrupted');
            void heal(mine);
        } else if (changedPc.connectionState === 'failed' || changedPc.connectionState === 'closed') {
            failed(mine, null);
        }
    }

    /**
     * Wait for the server to be within reach, leave ICE a moment, then replace the connection.
     *
     * @param {number} mine
     */
    async function heal(mine) {
        clearTimeout(watchTimer);
        await reach.back();
        if (mine !== attempt || pc?.connectionState !== 'disconnected') return;
        giveUpAfter(mine, lost_s() > GIVEN_UP_S ? 0 : HEAL_S);
    }

    /**
     * @param {number} mine
     * @param {unknown} error
     */
    function failed(mine, error) {
        if (mine !== attempt || isOver()) return;
        attempt += 1;
        nFailures += 1;
        const old = drop();
        if (!options.isReplaced) void forget(old);
        const refusal = error instanceof Refusal ? error : null;
        if (refusal !== null && isFinal(refusal)) {
            become('refused', refusal.message);
            end();
            return;
        }
        if (refusal !== null && LATER.includes(refusal.status)) become('waiting', refusal.message);
        else if (link.state !== 'connecting') become('interrupted', refusal?.message || null);
        const { random } = options;
        retryTimer = setTimeout(
            () => void retry(),
            backOffS(nFailures, { retryAfter: refusal?.retryAfter ?? null, lost_s: lost_s(), random }) * 1000,
        );
    }

    async function retry() {
        const mine = attempt;
        await reach.back();
        if (mine === attempt && !isOver()) void connect();
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

    /** The page slept: the server has given the connection up meanwhile. */
    function woke() {
        if (link.state === 'live') failed(attempt, null);
    }

    function end() {
        clearTimeout(retryTimer);
        clearTimeout(watchTimer);
        stopWake();
        if (options.reach === undefined) reach.close();
    }

    async function close() {
        if (link.state === 'closed') return;
        become('closed');
        link.state = 'closed';
        attempt += 1;
        end();
        await forget(drop());
    }

    const stopWake = reach.onWake(woke);
    void connect();
    return link;
}

/**
 * Send the offer.
 *
 * @param {string} url
 * @param {string} token
 * @param {string} sdp
 * @returns {Promise<{answer: string, location: string | null, etag: string | null}>}
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
    return {
        answer: text,
        location: location === null ? null : new URL(location, response.url).href,
        etag: response.headers.get('ETag'),
    };
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
 * Collect the addresses that are found from now on; the result takes what is to be done with them.
 *
 * @param {RTCPeerConnection} pc
 * @returns {(send: (candidates: RTCIceCandidate[]) => void) => void}
 */
function followUp(pc) {
    /** @type {RTCIceCandidate[]} */
    let found = [];
    /** @type {((candidates: RTCIceCandidate[]) => void) | null} */
    let send = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const flush = () => {
        const batch = found;
        found = [];
        timer = undefined;
        if (batch.length > 0 && pc.connectionState !== 'closed') send?.(batch);
    };
    pc.addEventListener('icecandidate', ({ candidate }) => {
        if (candidate === null || candidate.candidate === '') return;
        found.push(candidate);
        if (send !== null) timer ??= setTimeout(flush, TRICKLE_MS);
    });
    return (action) => {
        send = action;
        flush();
    };
}

/**
 * Wait until the local addresses are known, or long enough.
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
