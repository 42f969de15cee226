// The signals of an estimate as rows in groups, and those that moved most. Pure.

import { groupName, shownValue } from './catalogue.js';
import { deviationWords, measuredDeviation, MOVED_Z } from './deviation.js';
import { age, percent, UNKNOWN } from './format.js';
import { capitalised, qualityWord, reasonWords } from './words.js';

/** @typedef {import('./catalogue.js').Definition} Definition */
/** @typedef {import('./protocol.js').Signal} Signal */

/** An older value says so; most windows are longer than this, the newest sample behind them is not. */
export const OLD_S = 5;

/** At most so many are named as having moved. */
export const MAX_MOVED = 5;

/** Groups whose missing values are explained as the voice's; all others as the face's. */
const HEARD = ['voice', 'turns', 'voice_emotion', 'words'];

/** The nine zones of gaze.zone from the person's own upper left. */
export const ZONES = [
    'up and left',
    'up',
    'up and right',
    'left',
    'centre',
    'right',
    'down and left',
    'down',
    'down and right',
];

/**
 * @typedef {object} Row
 * @property {string} key
 * @property {string} label
 * @property {boolean} isExperimental
 * @property {boolean} isKnown
 * @property {boolean} isOld the value is there, and not from now
 * @property {boolean} isWeak its quality is poor
 * @property {string} value with its unit
 * @property {number | null} z
 * @property {string} deviation in words
 * @property {string} worth quality and age, or why there is no value
 *
 * @typedef {object} Group
 * @property {string} key
 * @property {string} label
 * @property {Row[]} rows
 * @property {string} state "7 of 8 measured, 2 moved"
 */

/**
 * The groups of signals that this session has, in the order of the catalogue, without details for researchers.
 *
 * @param {Definition[]} catalogue
 * @param {Record<string, Signal>} signals
 * @returns {Group[]}
 */
export function evidenceGroups(catalogue, signals) {
    /** @type {Map<string, Group>} */
    const groups = new Map();
    for (const definition of catalogue) {
        const signal = signals[definition.name];
        if (signal === undefined || definition.is_detail === true) continue;
        const key = definition.group;
        const group = groups.get(key) ?? { key, label: groupName(key), rows: [], state: '' };
        groups.set(key, group);
        group.rows.push(evidenceRow(definition, signal));
    }
    for (const group of groups.values()) group.state = groupState(group.rows);
    return [...groups.values()];
}

/**
 * The signals that moved most against the person's own beginning, by distance times quality.
 *
 * @param {Definition[]} catalogue
 * @param {Record<string, Signal>} signals
 * @returns {Row[]} at most MAX_MOVED
 */
export function movedRows(catalogue, signals) {
    return catalogue
        .flatMap((definition) => {
            const signal = signals[definition.name];
            if (signal === undefined || definition.is_detail === true || !hasMoved(signal)) return [];
            return [{ definition, signal, weight: Math.abs(signal.z ?? 0) * signal.quality }];
        })
        .sort((a, b) => b.weight - a.weight)
        .slice(0, MAX_MOVED)
        .map(({ definition, signal }) => ({
            ...evidenceRow(definition, signal),
            deviation: measuredDeviation(definition, signal.z),
        }));
}

/**
 * Whether somebody else is in the picture, so that the figures may be theirs.
 *
 * @param {Record<string, Signal>} signals
 * @returns {number} faces when there are several, else 0
 */
export function otherFaces(signals) {
    const count = signals['face.count'];
    return count?.value != null && count.value >= 2 && count.age_s <= OLD_S ? Math.round(count.value) : 0;
}

/**
 * @param {Definition} definition
 * @param {Signal} signal
 * @returns {Row}
 */
export function evidenceRow(definition, signal) {
    const { value, quality, age_s, z } = signal;
    const isKnown = value !== null;
    return {
        key: definition.name,
        label: definition.label,
        isExperimental: definition.is_experimental,
        isKnown,
        isOld: isKnown && age_s > OLD_S,
        isWeak: qualityWord(quality) === 'poor',
        value: definition.name === 'gaze.zone' ? zoneWords(value) : shownValue(definition, value),
        z: isKnown ? z : null,
        deviation: isKnown ? deviationWords(definition, z) : '',
        worth: signalWorth(definition, signal),
    };
}

/** @param {number | null} value */
export function zoneWords(value) {
    return value === null ? UNKNOWN : (ZONES[Math.round(value)] ?? UNKNOWN);
}

/**
 * "Quality 83 % (good)"; the age when it is not from now, and the reason first when there is one.
 *
 * @param {Definition} definition
 * @param {Signal} signal
 * @returns {string}
 */
function signalWorth({ group }, { value, quality, reason, age_s }) {
    const why = reasonWords(HEARD.includes(group) ? 'voice' : 'face', reason);
    if (value === null) return capitalised(why === '' ? 'not measurable' : why);
    const worth = `quality ${percent(quality)} (${qualityWord(quality)})`;
    const parts = [why, worth, age_s > OLD_S ? age(age_s) : ''].filter((part) => part !== '');
    return capitalised(parts.join(', '));
}

/** @param {Signal} signal */
function hasMoved({ value, z, quality }) {
    return value !== null && z !== null && Math.abs(z) >= MOVED_Z && quality > 0;
}

/** @param {Row[]} rows */
function groupState(rows) {
    const known = rows.filter((row) => row.isKnown);
    const moved = known.filter((row) => row.z !== null && Math.abs(row.z) >= MOVED_Z).length;
    const measured = `${known.length} of ${rows.length} measured`;
    return moved === 0 ? measured : `${measured}, ${moved} moved`;
}
