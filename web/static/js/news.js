// Which changes of the room are said aloud (to screen readers), and in what words. Pure.

import { bandName } from './words.js';
import { clock, duration } from './format.js';

/** @typedef {import('./room_model.js').RoomModel} RoomModel */
/** @typedef {import('./live_view.js').LiveView} LiveView */
/** @typedef {import('./live_view.js').LiveKind} LiveKind */
/** @typedef {import('./protocol.js').ParticipantState} ParticipantState */

/** A band must have lasted this long before it is news, so that a value at a border does not chatter. */
export const BAND_REST_S = 5;

/** @type {Partial<Record<LiveKind, string>>} */
const KIND_NEWS = {
    starting: 'Analysis is starting.',
    calibrating: 'Calibrating.',
    unknown: 'Stress is unknown.',
    stale: 'No live estimate.',
    off: 'Analysis is off.',
};

/** @type {Record<ParticipantState['presence'], string>} */
const PRESENCE_NEWS = {
    absent: 'has left.',
    waiting: 'is in the waiting room.',
    present: 'is in the call.',
    interrupted: 'has a connection problem.',
};

/**
 * People who came, left or lost their connection, other than oneself.
 *
 * @param {RoomModel} before
 * @param {RoomModel} after
 * @returns {string[]}
 */
export function peopleNews(before, after) {
    const presences = new Map(before.participants.map(({ id, presence }) => [id, presence]));
    const isBack = after.gap !== before.gap && after.gap !== null && after.gap.id !== after.me;
    const texts = isBack && after.gap ? [`${after.gap.name} is back after ${duration(after.gap.length_s)}.`] : [];
    const changes = after.participants
        .filter(({ id, presence }) => id !== after.me && presence !== (presences.get(id) ?? 'absent'))
        // Somebody who comes back from an interruption is told with its length, when the picture is there again.
        .filter(({ id, presence }) => !(presence === 'present' && before.away[id] !== undefined))
        .map(({ name, presence }) => `${name} ${PRESENCE_NEWS[presence]}`);
    return [...changes, ...texts];
}

/**
 * Peaks that were not known before, in one and the same session.
 *
 * @param {RoomModel} before
 * @param {RoomModel} after
 * @returns {string[]}
 */
export function peakNews(before, after) {
    if (before.peaks === after.peaks || before.session_id !== after.session_id) return [];
    const known = new Set(before.peaks.map((peak) => peak.t_s));
    return after.peaks.filter((peak) => !known.has(peak.t_s)).map((peak) => `Peak at ${clock(peak.t_s)}.`);
}

/**
 * @typedef {object} LiveNews what was said about the live values
 * @property {string} said the kind or band that was said last
 * @property {string} seen the kind or band that is on
 * @property {number} since_s page time since which it is on
 */

/** @returns {LiveNews} */
export function newLiveNews() {
    return { said: 'off', seen: 'off', since_s: 0 };
}

/**
 * Follow the live view; a kind or band is told once, when it has lasted.
 *
 * @param {LiveNews} state
 * @param {LiveView} view
 * @param {number} now_s page time
 * @returns {{state: LiveNews, text: string | null}}
 */
export function followLive(state, view, now_s) {
    const hasValue = view.kind === 'value' || view.kind === 'provisional';
    const band = hasValue ? (view.estimate?.band ?? null) : null;
    const seen = band ?? view.kind;
    const next = seen === state.seen ? state : { ...state, seen, since_s: now_s };
    if (seen === state.said || now_s - next.since_s < BAND_REST_S) return { state: next, text: null };
    const text = band === null ? (KIND_NEWS[view.kind] ?? null) : `Stress is ${bandName(band).toLowerCase()}.`;
    return { state: { ...next, said: seen }, text };
}
