// How markers are named on charts and in lists. Pure.

import { clock } from './format.js';

/** @typedef {import('./protocol.js').Marker} Marker */
/** @typedef {import('./protocol.js').Question} Question */

/** @type {Record<Marker['kind'], string>} */
const KINDS = { moment: 'Moment', question: 'Question', peak: 'Peak' };

/**
 * A marker in a list: "Question 2: Tell me about ...", "Moment".
 *
 * @param {Marker} marker
 * @param {Question[]} questions
 * @returns {string}
 */
export function markerWords(marker, questions) {
    const number = questions.findIndex((question) => question.id === marker.question_id) + 1;
    const name = marker.kind === 'question' && number > 0 ? `Question ${number}` : KINDS[marker.kind];
    return marker.label === '' ? name : `${name}: ${marker.label}`;
}

/**
 * The markers of a chart: those with a time, with a letter or two each. Peaks are drawn as peaks already.
 *
 * @param {Marker[]} markers
 * @param {Question[]} questions
 * @returns {{t_s: number, label: string, kind: string}[]}
 */
export function chartMarks(markers, questions) {
    return markers.flatMap(({ t_s, kind, question_id }) => {
        if (t_s === null || kind === 'peak') return [];
        const number = questions.findIndex((question) => question.id === question_id) + 1;
        return [{ t_s, kind, label: kind === 'question' ? `Q${number > 0 ? number : ''}` : 'M' }];
    });
}

/**
 * The event that marks something.
 *
 * @param {Marker['kind']} kind
 * @param {number | null} t_s session time, null when none runs
 * @param {{label?: string, question?: Question}} [what]
 * @returns {{type: 'marker', kind: Marker['kind'], t_s?: number, label?: string, question_id?: string}}
 */
export function markEvent(kind, t_s, { label, question } = {}) {
    const text = label ?? question?.text;
    return {
        type: 'marker',
        kind,
        ...(t_s === null ? {} : { t_s: Math.round(t_s * 10) / 10 }),
        ...(text === undefined ? {} : { label: text.slice(0, 200) }),
        ...(question === undefined ? {} : { question_id: question.id }),
    };
}

/** @param {number | null} t_s */
export function stampWords(t_s) {
    return t_s === null ? 'No time' : clock(t_s);
}
