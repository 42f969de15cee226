// The notes that the server does not have yet: the one in the field, and those that were finished before it answered.
// Pure.

import { answered, draftOf, isDue, isSaved, saveEvent, sent } from './note_draft.js';

/** @typedef {import('./note_draft.js').Draft} Draft */
/** @typedef {import('./protocol.js').Note} Note */

/**
 * @typedef {object} Unsaved
 * @property {Draft} open in the field
 * @property {Draft[]} finished out of the field, in the order of writing
 */

/**
 * Send what is due.
 *
 * @param {Unsaved} unsaved
 * @param {(event: ReturnType<typeof saveEvent>) => boolean} send false when there is no connection
 * @param {number} now_s page time
 * @param {{isUrgent?: boolean}} [options] without waiting for a pause in typing
 * @returns {Unsaved} the same when nothing was sent
 */
export function saveDue(unsaved, send, now_s, { isUrgent = false } = {}) {
    let isSame = true;
    /**
     * @param {Draft} draft
     * @param {boolean} isNow
     */
    const saved = (draft, isNow) => {
        if (!isDue(draft, now_s, { isUrgent: isNow }) || !send(saveEvent(draft))) return draft;
        isSame = false;
        return sent(draft, now_s);
    };
    const finished = unsaved.finished.map((draft) => saved(draft, true));
    const open = saved(unsaved.open, isUrgent);
    return isSame ? unsaved : { open, finished };
}

/**
 * Take the note out of the field; it is kept until the server has all of it. An empty one is let go.
 *
 * @param {Unsaved} unsaved
 * @param {Draft} next comes into the field
 * @returns {Unsaved}
 */
export function finish({ open, finished }, next) {
    const isKept = open.text.trim() !== '' && !isStored(open);
    return { open: next, finished: isKept ? [...finished, open] : finished };
}

/**
 * Take a note that is stored into the field, with what was written since.
 *
 * @param {Unsaved} unsaved
 * @param {Note} note one's own
 * @returns {Unsaved}
 */
export function reopen({ open, finished }, note) {
    const newer = finished.find(({ id }) => id === note.id);
    return finish({ open, finished: finished.filter((draft) => draft !== newer) }, newer ?? draftOf(note));
}

/**
 * Look for the server's answers among the stored notes.
 *
 * @param {Unsaved} unsaved
 * @param {Note[]} notes all there are
 * @returns {Unsaved}
 */
export function withAnswers({ open, finished }, notes) {
    return {
        open: answered(open, notes),
        finished: finished.map((draft) => answered(draft, notes)).filter((draft) => !isStored(draft)),
    };
}

/**
 * @param {Unsaved} unsaved
 * @returns {string[]} what would be lost if the server could not be told any more
 */
export function unsavedTexts({ open, finished }) {
    return [...finished, open].filter((draft) => !isSaved(draft) && draft.text.trim() !== '').map(({ text }) => text);
}

/** @param {Draft} draft */
function isStored(draft) {
    return draft.sent === null && isSaved(draft);
}
