// How far a signal is from the person's own beginning, in words and as a bar from the middle. Pure.

import { signed } from './catalogue.js';

/** @typedef {import('./catalogue.js').Definition} Definition */

/** Nearer than this to the baseline nothing has moved; pipeline/moved.py. */
export const MOVED_Z = 1;

/** From here on it is more than a little, and from FAR_Z on it is far. */
const CLEAR_Z = 2;
const FAR_Z = 4;

/** The bar is full at this distance. */
const FULL_Z = 4;

/**
 * @param {Definition} definition
 * @param {number | null} z
 * @returns {string} "usual", "above usual"; empty where there is nothing to compare with
 */
export function deviationWords({ has_baseline }, z) {
    if (has_baseline === false) return '';
    if (z === null) return 'no baseline yet';
    const far = Math.abs(z);
    if (far < MOVED_Z) return 'as usual';
    const side = z > 0 ? 'above usual' : 'below usual';
    if (far < CLEAR_Z) return `a little ${side}`;
    return far < FAR_Z ? side : `far ${side}`;
}

/**
 * With the number: "above usual (+2.3)".
 *
 * @param {Definition} definition
 * @param {number | null} z
 * @returns {string}
 */
export function measuredDeviation(definition, z) {
    const words = deviationWords(definition, z);
    return z === null || words === '' ? words : `${words} (${signed(z, 1)})`;
}

/**
 * Where the bar lies in its track, in per cent of the track's length; it starts in the middle.
 *
 * @param {number | null} z
 * @returns {{from: number, length: number}}
 */
export function deviationBar(z) {
    const part = Math.max(-1, Math.min(1, (z ?? 0) / FULL_Z));
    return { from: 50 + 50 * Math.min(0, part), length: 50 * Math.abs(part) };
}
