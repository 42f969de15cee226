// What an answer to "what did the network look at?" says, in words and as a map. Pure.

import { age, clock, percent } from './format.js';
import { capitalised, emotionName, reasonWords } from './words.js';

/** @typedef {import('./protocol.js').Explanation} Explanation */

/** A share that changes by less than this when a part is hidden says nothing. */
export const LEAST_FALL = 0.05;

/** The deepest colour stands for the largest change, but never for one smaller than this. */
const LEAST_SCALE = 0.1;

/**
 * @typedef {object} ExplanationView
 * @property {boolean} hasMap
 * @property {string} main what the map says, as a sentence; without a map why there is none
 * @property {string} about whose share, of which picture, how good; empty without a map
 * @property {{part: string, share: string, change: string}[]} rows share: what is left with the part hidden
 * @property {string} scale what the deepest colour stands for; empty without a map
 */

/**
 * @param {Explanation} answer
 * @param {number | null} session_s session time now, for the age of the picture
 * @returns {ExplanationView}
 */
export function explanationView(answer, session_s) {
    const { emotion, share, t_s } = answer;
    if (answer.crop === null || emotion === null || share === null || t_s === null) {
        return { hasMap: false, main: missing(answer), about: '', rows: [], scale: '' };
    }
    const old = session_s === null ? '' : `, ${age(Math.max(0, session_s - t_s))}`;
    const weak = reasonWords('face', /** @type {import('./protocol.js').Reason} */ (answer.reason));
    const worth = `quality ${percent(answer.quality)}${weak === '' ? '' : `, ${weak}`}`;
    return {
        hasMap: true,
        main: mainSentence(answer, emotion, share),
        about: `${emotionName(emotion)} ${percent(share)} in the picture of ${clock(t_s)}${old}; ${worth}.`,
        rows: answer.parts.map(({ part, fall }) => ({
            part: capitalised(part),
            share: percent(Math.max(0, share - fall)),
            change: points(fall),
        })),
        scale: `${Math.round(100 * mapScale(answer.falls))} points`,
    };
}

/**
 * What the deepest colour of the map stands for.
 *
 * @param {number[]} falls
 * @returns {number} in (0, 1]
 */
export function mapScale(falls) {
    return Math.max(LEAST_SCALE, ...falls.map(Math.abs));
}

/**
 * The cells of the map, row by row.
 *
 * @param {number[]} falls
 * @returns {{kind: 'lowers' | 'raises', strength: number}[]} strength in [0, 1]
 */
export function mapCells(falls) {
    const scale = mapScale(falls);
    return falls.map((fall) => ({ kind: fall < 0 ? 'raises' : 'lowers', strength: Math.abs(fall) / scale }));
}

/**
 * The grey levels of the picture.
 *
 * @param {string} crop base64
 * @returns {Uint8Array}
 */
export function greyLevels(crop) {
    return Uint8Array.from(atob(crop), (letter) => letter.charCodeAt(0));
}

/**
 * @param {Explanation} answer
 * @param {string} emotion
 * @param {number} share
 */
function mainSentence({ parts }, emotion, share) {
    const name = emotionName(emotion).toLowerCase();
    const [most, least] = [parts.at(0), parts.at(-1)];
    const sentences = [];
    if (most !== undefined && most.fall >= LEAST_FALL) {
        sentences.push(
            `Hiding the ${most.part} lowers ${name} most: from ${percent(share)} to ${percent(Math.max(0, share - most.fall))}.`,
        );
    }
    if (least !== undefined && least.fall <= -LEAST_FALL) {
        const raised = percent(Math.min(1, share - least.fall));
        sentences.push(`Hiding the ${least.part} raises ${sentences.length > 0 ? 'it' : name} to ${raised}.`);
    }
    if (sentences.length > 0) return sentences.join(' ');
    return `Hiding no single part changes ${name} by more than ${Math.round(100 * LEAST_FALL)} points: the answer does not hang on one of them.`;
}

/** @param {Explanation} answer */
function missing({ reason }) {
    if (reason === 'no_answer') return 'The analysis gave no answer in time. Ask again in a moment.';
    return `There is nothing to show: ${reasonWords('face', reason) || 'no usable face'}.`;
}

/** @param {number} fall */
function points(fall) {
    const change = Math.round(-100 * fall) + 0;
    if (change === 0) return '0 points';
    return `${change > 0 ? '+' : '−'}${Math.abs(change)} ${Math.abs(change) === 1 ? 'point' : 'points'}`;
}
