// How connections do, in words. Pure.

import { percent } from './format.js';

/**
 * @typedef {"good" | "unstable" | "poor" | "connecting"} Quality
 *
 * @typedef {object} TrackReport
 * @property {number} bits_per_s
 * @property {number | null} loss_share
 *
 * @typedef {object} ConnectionReport one connection, as GET /api/interviews/{id}/media gives it
 * @property {Quality} quality
 * @property {number | null} rtt_s
 * @property {TrackReport} [audio]
 * @property {TrackReport} [video]
 * @property {number} [asked_bits_per_s]
 * @property {boolean} [is_limited] the viewer's connection is too slow for the whole video
 * @property {boolean} [is_paused] and for any
 *
 * @typedef {object} PersonReport
 * @property {string} id
 * @property {"candidate" | "interviewer"} role
 * @property {string} name
 * @property {ConnectionReport | null} connection
 * @property {(ConnectionReport & {id: string, name: string})[]} viewers
 *
 * @typedef {object} Row one line of the table
 * @property {string} key
 * @property {string} who
 * @property {Quality} quality
 * @property {string} state in words
 * @property {string} rtt
 * @property {string} loss
 * @property {string} rate
 */

/** @type {Record<Quality, string>} */
const WORDS = { good: 'good', unstable: 'unstable', poor: 'poor', connecting: 'connecting' };

/** From best to worst. @type {Quality[]} */
const ORDER = ['good', 'connecting', 'unstable', 'poor'];

/**
 * The connections the interviewer looks at: the candidate's sending, one's own sending, and what one receives.
 *
 * @param {PersonReport[]} people
 * @param {string} me participant id
 * @returns {Row[]}
 */
export function rowsOf(people, me) {
    /** @type {Row[]} */
    const rows = [];
    const candidate = people.find((person) => person.role === 'candidate');
    if (candidate?.connection) rows.push(row('candidate', `${candidate.name} sends`, candidate.connection));
    for (const view of candidate?.viewers ?? []) {
        const who = view.id === me ? 'You receive' : `${view.name} receives`;
        rows.push(row(`view-${view.id}`, who, view));
    }
    for (const person of people) {
        if (person.role === 'candidate' || person.connection === null) continue;
        rows.push(row(`send-${person.id}`, person.id === me ? 'You send' : `${person.name} sends`, person.connection));
    }
    return rows;
}

/**
 * The one line: the worse of what the candidate sends and what this page receives.
 *
 * @param {Row[]} rows
 * @param {string} me participant id
 * @returns {{quality: Quality, text: string} | null} null while there is nothing to tell
 */
export function summaryOf(rows, me) {
    const own = rows.filter((item) => item.key === 'candidate' || item.key === `view-${me}`);
    if (own.length === 0) return null;
    const worst = own.reduce((a, b) => (ORDER.indexOf(b.quality) > ORDER.indexOf(a.quality) ? b : a));
    const whose = own.length > 1 && worst.quality !== 'good' ? ` (${worst.who})` : '';
    const figures = [worst.rtt, worst.loss === '' ? '' : `${worst.loss} lost`].filter((text) => text !== '');
    return { quality: worst.quality, text: [`${WORDS[worst.quality]}${whose}`, ...figures].join(' · ') };
}

/**
 * What the page says while the server only waits for running interviews to end.
 *
 * @param {{draining: boolean, until: string | null} | undefined} server
 * @param {boolean} isLive the interview runs
 * @param {(when: Date) => string} timeOf
 * @returns {string} empty in normal times
 */
export function drainWords(server, isLive, timeOf) {
    if (!server?.draining) return '';
    const when = server.until === null ? '' : `, at ${timeOf(new Date(server.until))} at the latest`;
    const here = isLive ? 'This call goes on until then.' : 'Nobody can be admitted until it is back.';
    return `The server restarts when the running interviews are over${when}. ${here}`;
}

/**
 * @param {string} key
 * @param {string} who
 * @param {ConnectionReport} report
 * @returns {Row}
 */
function row(key, who, report) {
    const tracks = [report.audio, report.video].filter((track) => track !== undefined);
    const losses = tracks.map((track) => track.loss_share).filter((share) => share !== null);
    const video_bps = report.video?.bits_per_s ?? 0;
    let state = WORDS[report.quality];
    if (report.is_paused) state += ', too slow for video';
    else if (report.is_limited) state += ', video reduced';
    return {
        key,
        who,
        quality: report.quality,
        state,
        rtt: report.rtt_s === null ? '' : `${Math.round(1000 * report.rtt_s)} ms`,
        loss: losses.length === 0 ? '' : percent(Math.max(...losses)),
        rate: video_bps > 0 ? `${(video_bps / 1e6).toFixed(1)} Mbit/s` : '',
    };
}
