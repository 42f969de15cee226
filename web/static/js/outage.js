// What the interviewer is told while something is not connected. Pure.

import { duration } from './format.js';

/** A connection may be away this long before the page says so, seconds. */
export const PATIENCE_S = 2;

/**
 * @typedef {object} Outage
 * @property {number | null} socketSince_s page time since which the server's news are lost
 * @property {number | null} mediaSince_s page time since which one's own picture and sound are lost
 * @property {boolean} isRestart the server said that it stops
 */

/** @returns {Outage} */
export function noOutage() {
    return { socketSince_s: null, mediaSince_s: null, isRestart: false };
}

/**
 * @param {Outage} outage
 * @param {import('./socket.js').SocketStatus} socket
 * @param {import('./own_media.js').OwnLink} media
 * @param {number} now_s page time
 * @returns {Outage}
 */
export function followOutage({ socketSince_s, mediaSince_s, isRestart }, socket, media, now_s) {
    const isMediaLost = media?.state === 'interrupted' || media?.state === 'waiting';
    // An attempt to reconnect is still the same absence.
    const isLost = socket.state === 'reconnecting' || (socket.state === 'connecting' && socketSince_s !== null);
    return {
        socketSince_s: isLost ? (socketSince_s ?? now_s) : null,
        mediaSince_s: isMediaLost ? (mediaSince_s ?? now_s) : null,
        isRestart: isLost && (isRestart || (socket.state === 'reconnecting' && socket.isRestart)),
    };
}

/**
 * @param {Outage} outage
 * @param {import('./own_media.js').OwnLink} media
 * @param {number} now_s page time
 * @returns {{kind: '' | 'restart' | 'socket' | 'media' | 'later', text: string}} no kind, no banner
 */
export function outageWords({ socketSince_s, mediaSince_s, isRestart }, media, now_s) {
    const socket_s = socketSince_s === null ? 0 : now_s - socketSince_s;
    const media_s = mediaSince_s === null ? 0 : now_s - mediaSince_s;
    if (isRestart) {
        const text = 'The server is being restarted. This page comes back by itself; markers and notes are kept.';
        return { kind: 'restart', text };
    }
    if (socket_s >= PATIENCE_S) {
        const text = `The connection to the server has been lost for ${duration(socket_s)}. Trying again … Markers and notes are kept.`;
        return { kind: 'socket', text };
    }
    if (media_s < PATIENCE_S) return { kind: '', text: '' };
    if (media?.state === 'waiting' && media.message) {
        return { kind: 'later', text: `${media.message} This page tries again by itself.` };
    }
    const text = `Your own picture and sound have been interrupted for ${duration(media_s)}. Trying again …`;
    return { kind: 'media', text };
}
