// What the dashboard knows of its room, and how the server's events change it. Pure: times are given in.

import { CONTOUR_S } from './contours.js';
import { merged } from './series.js';

/** @typedef {import('./protocol.js').ServerEvent} ServerEvent */
/** @typedef {import('./protocol.js').RoomState} RoomState */
/** @typedef {import('./protocol.js').History} History */
/** @typedef {import('./protocol.js').Estimate} Estimate */
/** @typedef {import('./protocol.js').Marker} Marker */
/** @typedef {import('./protocol.js').Note} Note */
/** @typedef {import('./protocol.js').Question} Question */
/** @typedef {import('./protocol.js').Peak} Peak */
/** @typedef {import('./protocol.js').ParticipantState} ParticipantState */
/** @typedef {import('./socket.js').SocketStatus} SocketStatus */

/** The server calls somebody interrupted who was silent so long, seconds: the gap began that much earlier. */
export const NOTICED_AFTER_S = 3;

/** @typedef {{id: string, name: string, began_s: number, length_s: number}} Gap began_s: page time */

/**
 * @typedef {object} RoomModel
 * @property {string | null} me participant id of this page
 * @property {string} status of the interview
 * @property {ParticipantState[]} participants
 * @property {import('./protocol.js').AnalysisState} analysis
 * @property {import('./protocol.js').WorkerState | null} worker
 * @property {string | null} session_id the running session, or the newest one
 * @property {Estimate[]} estimates of that session, in the order of time
 * @property {number | null} received_s page time at which the newest estimate came
 * @property {Peak[]} peaks
 * @property {Marker[]} markers in the order of time
 * @property {Note[]} notes in the order of time
 * @property {Question[]} questions
 * @property {SocketStatus} link
 * @property {Record<string, number>} away page time since which somebody's connection is interrupted, by participant
 * @property {Gap | null} gap the newest interruption that is over
 * @property {{draining: boolean, until: string | null}} server draining: it will restart when the interviews are over
 * @property {number} clock_offset_s session time minus page time, as of the newest news of the session time
 */

/** @returns {RoomModel} */
export function newRoom() {
    return {
        me: null,
        status: '',
        participants: [],
        analysis: { on: false },
        worker: null,
        session_id: null,
        estimates: [],
        received_s: null,
        peaks: [],
        markers: [],
        notes: [],
        questions: [],
        link: { state: 'connecting' },
        away: {},
        gap: null,
        server: { draining: false, until: null },
        clock_offset_s: Number.NaN,
    };
}

/**
 * Take in an event of the server.
 *
 * @param {RoomModel} room
 * @param {ServerEvent} event
 * @param {number} now_s page time
 * @returns {RoomModel}
 */
export function received(room, event, now_s) {
    switch (event.type) {
        case 'welcome':
            return { ...room, me: event.participant_id };
        case 'state':
            return takeState(room, event, now_s);
        case 'history':
            return takeHistory(room, event, now_s);
        case 'estimate':
            return takeEstimate(room, event, now_s);
        case 'marker':
            return {
                ...room,
                markers: event.deleted ? without(room.markers, event.id) : withItem(room.markers, event),
            };
        case 'note':
            return { ...room, notes: withItem(room.notes, event) };
        case 'worker':
            return { ...room, worker: event.state };
        default:
            return room;
    }
}

/**
 * Session time by this page's clock; null when no session runs.
 *
 * @param {RoomModel} room
 * @param {number} now_s page time
 * @returns {number | null}
 */
export function sessionTimeS(room, now_s) {
    if (!room.analysis.on || Number.isNaN(room.clock_offset_s)) return null;
    return Math.max(0, now_s + room.clock_offset_s);
}

/**
 * @param {RoomModel} room
 * @returns {ParticipantState | null}
 */
export function candidateOf(room) {
    return room.participants.find((participant) => participant.role === 'candidate') ?? null;
}

/**
 * The newest estimate the page has, for a reconnection; null when it has none.
 *
 * @param {RoomModel} room
 * @returns {{since_s: number, session_id: string} | null}
 */
export function resumeFrom(room) {
    const since_s = newestS(room);
    return since_s === null || room.session_id === null ? null : { since_s, session_id: room.session_id };
}

/**
 * The question that is being answered: that of the latest question marker of this session.
 *
 * @param {RoomModel} room
 * @returns {number} index in room.questions, -1 before the first
 */
export function currentQuestion(room) {
    const latest = room.markers.findLast((marker) => marker.kind === 'question' && marker.question_id !== null);
    return latest === undefined ? -1 : room.questions.findIndex((question) => question.id === latest.question_id);
}

/** @param {RoomModel} room */
function newestS(room) {
    return room.estimates.at(-1)?.t_s ?? null;
}

/**
 * @param {RoomModel} room
 * @param {RoomState} event
 * @param {number} now_s
 * @returns {RoomModel}
 */
function takeState(room, event, now_s) {
    const { analysis } = event;
    const isNew = analysis.on && analysis.session_id != null && analysis.session_id !== room.session_id;
    const t_s = analysis.t_s ?? null;
    return {
        ...(isNew ? emptySession(room, analysis.session_id ?? null) : room),
        status: event.status,
        participants: event.participants,
        server: event.server ?? { draining: false, until: null },
        ...interruptions(room, event.participants, now_s),
        analysis,
        worker: analysis.worker ?? null,
        clock_offset_s: analysis.on && t_s !== null ? t_s - now_s : room.clock_offset_s,
    };
}

/**
 * Who is away since when, and the newest gap that is over. Being connected again is not enough: the picture must come.
 *
 * @param {RoomModel} room
 * @param {ParticipantState[]} participants
 * @param {number} now_s page time
 * @returns {{away: Record<string, number>, gap: Gap | null}}
 */
function interruptions(room, participants, now_s) {
    /** @type {Record<string, number>} */
    const away = {};
    let gap = room.gap;
    for (const { id, name, presence, publishing } of participants) {
        const since_s = room.away[id];
        if (presence === 'interrupted') away[id] = since_s ?? now_s - NOTICED_AFTER_S;
        else if (since_s !== undefined && presence === 'present') {
            if (publishing) gap = { id, name, began_s: since_s, length_s: now_s - since_s };
            else away[id] = since_s;
        }
    }
    return { away, gap };
}

/**
 * @param {RoomModel} room
 * @param {History} event
 * @param {number} now_s
 * @returns {RoomModel}
 */
function takeHistory(room, event, now_s) {
    const isSame = event.session_id === room.session_id;
    const known = isSame && !event.complete ? room.estimates : [];
    const estimates = merged(known, event.estimates);
    const newest_s = estimates.at(-1)?.t_s ?? null;
    const isNewer = newest_s !== null && !(isSame && newest_s === newestS(room));
    return {
        ...room,
        session_id: event.session_id,
        estimates,
        received_s: isNewer ? cameAt_s(room, newest_s, now_s) : isSame ? room.received_s : null,
        peaks: event.peaks,
        markers: inOrder(event.markers),
        notes: inOrder(event.notes),
        questions: event.questions,
    };
}

/**
 * When an estimate of the past would have come to this page: a history must not make an old value look live.
 *
 * @param {RoomModel} room
 * @param {number} t_s session time of the estimate
 * @param {number} now_s page time
 * @returns {number} page time
 */
function cameAt_s(room, t_s, now_s) {
    return Number.isNaN(room.clock_offset_s) ? now_s : Math.min(now_s, t_s - room.clock_offset_s);
}

/**
 * @param {RoomModel} room
 * @param {Estimate & {session_id: string}} event
 * @param {number} now_s
 * @returns {RoomModel}
 */
function takeEstimate(room, event, now_s) {
    const base = event.session_id === room.session_id ? room : emptySession(room, event.session_id);
    const estimates = withoutOldSignals(merged(base.estimates, [event]));
    const peaks = withPeak(base.peaks, event.peak_t_s, estimates, event.peak_why ?? null);
    return { ...base, estimates, received_s: now_s, peaks };
}

/**
 * Let go of the signals that no contour shows any more: an hour of them would be hundreds of thousands of values.
 *
 * @param {Estimate[]} estimates in the order of time
 * @returns {Estimate[]}
 */
function withoutOldSignals(estimates) {
    const oldest_s = (estimates.at(-1)?.t_s ?? 0) - CONTOUR_S;
    const first = estimates.findLastIndex(({ t_s, signals }) => t_s < oldest_s && signals !== undefined);
    if (first === -1) return estimates;
    return estimates.map((estimate, i) => {
        if (i > first || estimate.signals === undefined) return estimate;
        const { signals: _, ...rest } = estimate;
        return rest;
    });
}

/**
 * @param {RoomModel} room
 * @param {string | null} session_id
 * @returns {RoomModel}
 */
function emptySession(room, session_id) {
    // Times of another session mean nothing in this one.
    const markers = room.markers.map((marker) => ({ ...marker, t_s: null }));
    const notes = room.notes.map((note) => ({ ...note, t_s: null }));
    return { ...room, session_id, estimates: [], received_s: null, peaks: [], markers, notes };
}

/**
 * @param {Peak[]} peaks
 * @param {number | null} t_s
 * @param {Estimate[]} estimates
 * @param {import('./peak_why.js').Why | null} why
 * @returns {Peak[]}
 */
function withPeak(peaks, t_s, estimates, why) {
    if (t_s === null || peaks.some((peak) => peak.t_s === t_s)) return peaks;
    const stress = estimates.findLast((estimate) => estimate.t_s === t_s)?.stress.value ?? null;
    return stress === null ? peaks : [...peaks, why === null ? { t_s, stress } : { t_s, stress, why }];
}

/**
 * @template {{id: string, t_s: number | null}} Item
 * @param {Item[]} items
 * @param {Item} fresh
 * @returns {Item[]}
 */
function withItem(items, fresh) {
    return inOrder([...without(items, fresh.id), fresh]);
}

/**
 * @template {{id: string}} Item
 * @param {Item[]} items
 * @param {string} id
 * @returns {Item[]}
 */
function without(items, id) {
    return items.filter((item) => item.id !== id);
}

/**
 * In the order of time; those without a time first, in the order they came.
 *
 * @template {{t_s: number | null}} Item
 * @param {Item[]} items
 * @returns {Item[]}
 */
function inOrder(items) {
    return items.toSorted((a, b) => (a.t_s ?? -1) - (b.t_s ?? -1));
}
