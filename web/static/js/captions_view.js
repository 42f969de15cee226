// What the candidate said, as lines that can be read. Pure.

/** @typedef {import('./protocol.js').Word} Word */
/** @typedef {import('./protocol.js').Caption} Caption */

/** A silence this long begins a new line. */
export const LINE_PAUSE_S = 0.8;

/** Words that a page keeps. */
export const MAX_WORDS = 150;

/** A word of which the transcriber was less sure is shown as doubtful. */
export const DOUBTFUL = 0.5;

/**
 * @typedef {object} Captions
 * @property {string | null} session_id
 * @property {Word[]} words in the order of time
 * @property {number} lost_s
 *
 * @typedef {object} Line
 * @property {number} from_s
 * @property {{text: string, isDoubtful: boolean}[]} words
 */

/** @returns {Captions} */
export function noCaptions() {
    return { session_id: null, words: [], lost_s: 0 };
}

/**
 * @param {Captions} captions
 * @param {Caption} event
 * @returns {Captions}
 */
export function takeCaption(captions, event) {
    const isNew = event.complete || event.session_id !== captions.session_id;
    const words = isNew ? event.words : [...captions.words, ...event.words];
    return {
        session_id: event.session_id,
        words: words.slice(-MAX_WORDS),
        lost_s: event.complete ? captions.lost_s : event.lost_s,
    };
}

/**
 * Lines of words between silences, the oldest first.
 *
 * @param {Word[]} words
 * @returns {Line[]}
 */
export function captionLines(words) {
    /** @type {Line[]} */
    const lines = [];
    let end_s = -Infinity;
    for (const word of words) {
        if (word.from_s - end_s >= LINE_PAUSE_S) lines.push({ from_s: word.from_s, words: [] });
        lines[lines.length - 1]?.words.push({
            text: word.text,
            isDoubtful: word.confidence !== null && word.confidence < DOUBTFUL,
        });
        end_s = word.to_s;
    }
    return lines;
}

/**
 * Why there are no captions, or what is to be said beside them; empty for nothing.
 *
 * @param {Captions} captions
 * @param {import('./protocol.js').AnalysisState} analysis
 * @returns {string}
 */
export function captionNote(captions, analysis) {
    if (analysis.captions === 'no_consent') return 'The candidate has not agreed to their words being written down.';
    if (!analysis.on && captions.words.length === 0) return 'Words are written down while the analysis is on.';
    if (captions.lost_s >= 1) {
        return `The server was too slow for ${Math.round(captions.lost_s)} s of speech, which are missing here.`;
    }
    return captions.words.length === 0 ? 'Nothing has been understood yet.' : '';
}
