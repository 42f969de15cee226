// What the live analysis looks like at this moment: a value, or plainly why there is none. Pure.

import { bandName, capitalised, trajectoryWords, unknownWords } from './words.js';
import { duration, share } from './format.js';
import { candidateOf } from './room_model.js';

/** @typedef {import('./room_model.js').RoomModel} RoomModel */
/** @typedef {import('./protocol.js').Estimate} Estimate */

/** Without a new estimate for longer than this, what is shown is no longer live. */
export const STALE_S = 2;

/**
 * - `off`: no analysis runs
 * - `starting`: it runs and has said nothing yet
 * - `calibrating`: no value yet, the person's usual ranges are being learned
 * - `unknown`: neither face nor voice can be measured now
 * - `stale`: the last estimate is too old; `value` is what it was
 * - `provisional`: a value, while the calibration still goes on
 * - `value`: a value
 *
 * @typedef {'off' | 'starting' | 'calibrating' | 'unknown' | 'stale' | 'provisional' | 'value'} LiveKind
 *
 * @typedef {object} LiveView
 * @property {LiveKind} kind
 * @property {number | null} value stress in [0, 1]: the present one, when stale the last one
 * @property {string} word what stands where the number would be, when there is none
 * @property {string} detail why, as a sentence; may be empty for a value
 * @property {Estimate | null} estimate the newest, null when off or starting
 */

/**
 * @param {RoomModel} room
 * @param {number} now_s page time
 * @returns {LiveView}
 */
export function liveView(room, now_s) {
    if (!room.analysis.on) return { kind: 'off', value: null, word: 'Off', detail: offDetail(room), estimate: null };
    const estimate = room.estimates.at(-1) ?? null;
    if (estimate === null || room.received_s === null) {
        return { kind: 'starting', value: null, word: 'Starting', detail: startingDetail(room), estimate: null };
    }
    const silent_s = now_s - room.received_s;
    if (silent_s > STALE_S) {
        const detail = `${staleReason(room)} Last estimate ${duration(silent_s)} ago.`;
        return { kind: 'stale', value: estimate.stress.value, word: 'Not live', detail, estimate };
    }
    return present(estimate);
}

/**
 * What a meter says to a screen reader: "0.42, moderate, rising".
 *
 * @param {LiveView} view
 * @returns {string}
 */
export function spokenValue({ kind, value, word, detail, estimate }) {
    if ((kind !== 'value' && kind !== 'provisional') || estimate === null || estimate.band === null) {
        return detail === '' ? word : `${word}. ${detail}`;
    }
    const direction = trajectoryWords(estimate.trajectory)?.word.toLowerCase();
    const parts = [
        share(value),
        bandName(estimate.band).toLowerCase(),
        direction,
        kind === 'provisional' ? detail : '',
    ];
    return parts.filter(Boolean).join(', ');
}

/**
 * Why analysis cannot be started, in the order in which an interviewer would mend it; null when it can.
 *
 * @param {RoomModel} room
 * @param {boolean} isPurposeAllowed by the operator's policy
 * @returns {string | null}
 */
export function startObstacle(room, isPurposeAllowed) {
    if (!isPurposeAllowed) return 'The operator does not allow analysis for interviews of this purpose.';
    const candidate = candidateOf(room);
    if (candidate === null || candidate.presence === 'absent') return 'The candidate is not here yet.';
    if (candidate.presence === 'waiting') return 'The candidate is in the waiting room.';
    if (room.analysis.allowed === false)
        return sentence(room.analysis.reason) ?? 'The candidate has not agreed to analysis.';
    return null;
}

/**
 * @param {Estimate} estimate
 * @returns {LiveView}
 */
function present(estimate) {
    const { stress, face, voice } = estimate;
    const isCalibrating = [stress.reason, face.reason, voice.reason].includes('calibrating');
    if (stress.value === null) {
        return isCalibrating
            ? { kind: 'calibrating', value: null, word: 'Calibrating', detail: calibratingDetail(estimate), estimate }
            : { kind: 'unknown', value: null, word: 'Unknown', detail: `${unknownWords(estimate)}.`, estimate };
    }
    return isCalibrating
        ? { kind: 'provisional', value: stress.value, word: '', detail: calibratingDetail(estimate), estimate }
        : { kind: 'value', value: stress.value, word: '', detail: '', estimate };
}

/** @param {Estimate} estimate */
function calibratingDetail({ voice }) {
    return voice.reason === 'calibrating'
        ? 'Calibrating: learning the usual voice.'
        : 'Calibrating: learning the usual face.';
}

/** @param {RoomModel} room */
function offDetail(room) {
    if (room.estimates.length > 0) return 'Analysis has stopped. What was measured is kept.';
    return 'Nothing is being measured.';
}

/** @param {RoomModel} room */
function startingDetail(room) {
    if (room.worker === 'failed') return 'The analysis has failed. The call goes on.';
    if (room.worker === 'restarting') return 'The analysis is restarting.';
    return 'The first estimate comes in a few seconds.';
}

/** @param {RoomModel} room */
function staleReason(room) {
    if (room.link.state !== 'open') return 'This page has lost its connection to the server.';
    if (room.worker === 'failed') return 'The analysis has failed. The call goes on.';
    if (room.worker === 'restarting' || room.worker === 'starting') return 'The analysis is restarting.';
    const candidate = candidateOf(room);
    if (candidate === null || candidate.presence === 'absent') return 'The candidate has left.';
    if (candidate.presence === 'interrupted') return 'The candidate’s connection is interrupted.';
    return 'The analysis sends nothing at the moment.';
}

/**
 * @param {string | null | undefined} text
 * @returns {string | null} with a capital and a full stop; null when empty
 */
function sentence(text) {
    if (!text) return null;
    return /[.!?]$/.test(text) ? capitalised(text) : `${capitalised(text)}.`;
}
