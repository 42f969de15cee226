// The two JSON calls of the candidate's page: store the answers, get an access token.

import { reloadOnce } from './reload.js';
import { Refused } from './socket.js';

/** @typedef {{kind: string, granted: boolean, text_version: string}} Answer */

/**
 * What the server gives a page that may enter.
 *
 * @typedef {object} Access
 * @property {string} token for WHIP, WHEP and the websocket; good for ten minutes
 * @property {string} room_id
 * @property {string} participant_id
 * @property {RTCIceServer[]} ice_servers
 * @property {number} video_kbps
 */

/** The server said no; `message` is its sentence. */
export class Rejected extends Error {
    /**
     * @param {number} status
     * @param {string} message
     */
    constructor(status, message) {
        super(message);
        this.status = status;
    }
}

/**
 * @param {unknown} error of one of these calls
 * @param {string} [silence] what to say when the server did not answer
 * @returns {string} for the person
 */
export function failureWords(error, silence = 'The server cannot be reached. Please try again.') {
    return error instanceof Rejected ? error.message : silence;
}

/**
 * Store the answers to the consent texts.
 *
 * @param {string} joinToken
 * @param {Answer[]} answers
 * @returns {Promise<void>}
 */
export async function storeConsents(joinToken, answers) {
    await call(joinToken, 'consent', { answers });
}

/**
 * Get a fresh access token.
 *
 * @param {string} joinToken
 * @param {(why: string) => boolean} [reload] loads a page again that is out of date
 * @returns {Promise<Access>}
 * @throws {Refused} the link is no longer good: asking again is pointless
 */
export async function getAccess(joinToken, reload = reloadOnce) {
    try {
        return await call(joinToken, 'access', {});
    } catch (error) {
        // The page is older than its cookie, or than the texts that were agreed to.
        if (error instanceof Rejected && error.status === 403 && reload('access')) throw new Error('out of date');
        if (error instanceof Rejected && [401, 403, 404, 410].includes(error.status)) throw new Refused(error.message);
        throw error;
    }
}

/**
 * @param {string} joinToken
 * @param {'consent'|'access'} verb
 * @param {object} body
 * @returns {Promise<any>}
 */
async function call(joinToken, verb, body) {
    const csrf = document.querySelector('meta[name="csrf"]')?.getAttribute('content') ?? '';
    const response = await fetch(`/api/join/${encodeURIComponent(joinToken)}/${verb}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(8_000),
    });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Rejected(response.status, String(answer.message ?? 'The server did not answer as expected.'));
    return answer;
}
