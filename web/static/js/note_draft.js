// The note that is being written: saved on every pause, one save at a time, never lost. Pure.

/** @typedef {import('./protocol.js').Note} Note */

/** A pause in typing of this length saves the note. */
export const PAUSE_S = 1.5;

/** Without the server's answer a save is sent again after this long. */
export const ANSWER_S = 6;

/**
 * @typedef {object} Draft
 * @property {string} text what is in the field
 * @property {number | null} t_s session time of its first letter
 * @property {string} client_id the id that the page gives a new note
 * @property {string | null} id null until the server has stored it
 * @property {string} saved the text that the server has
 * @property {string | null} sent the text of the save under way, null when none is
 * @property {number} sent_s page time of that save
 * @property {number} typed_s page time of the last letter
 */

/**
 * @param {string} client_id
 * @returns {Draft}
 */
export function newDraft(client_id) {
    return { text: '', t_s: null, client_id, id: null, saved: '', sent: null, sent_s: 0, typed_s: 0 };
}

/**
 * @param {Note} note one's own
 * @returns {Draft} the note, opened again
 */
export function draftOf(note) {
    return { ...newDraft(note.id), text: note.text, t_s: note.t_s, id: note.id, saved: note.text };
}

/**
 * @param {Draft} draft
 * @param {string} text
 * @param {number | null} t_s session time now
 * @param {number} now_s page time
 * @returns {Draft}
 */
export function typed(draft, text, t_s, now_s) {
    const isFirst = draft.text === '' && draft.id === null;
    return { ...draft, text, t_s: isFirst ? t_s : draft.t_s, typed_s: now_s };
}

/** @param {Draft} draft */
export function isSaved(draft) {
    return draft.text.trim() === draft.saved.trim();
}

/**
 * True when it is time to save: there is something new, typing has paused (or `now` is wanted), and no save is under
 * way that may still be answered.
 *
 * @param {Draft} draft
 * @param {number} now_s page time
 * @param {{isUrgent?: boolean}} [options]
 * @returns {boolean}
 */
export function isDue(draft, now_s, { isUrgent = false } = {}) {
    if (isSaved(draft) || draft.text.trim() === '') return false;
    if (draft.sent !== null && now_s - draft.sent_s < ANSWER_S) return false;
    return isUrgent || now_s - draft.typed_s >= PAUSE_S;
}

/**
 * The event that saves the draft.
 *
 * @param {Draft} draft
 * @returns {{type: 'note', text: string, id?: string, client_id?: string, t_s?: number}}
 */
export function saveEvent(draft) {
    const text = draft.text.trim();
    if (draft.id !== null) return { type: 'note', id: draft.id, text };
    const { client_id, t_s } = draft;
    return { type: 'note', client_id, text, ...(t_s === null ? {} : { t_s: Math.round(t_s * 10) / 10 }) };
}

/**
 * @param {Draft} draft
 * @param {number} now_s page time
 * @returns {Draft}
 */
export function sent(draft, now_s) {
    return { ...draft, sent: draft.text.trim(), sent_s: now_s };
}

/**
 * Look for the answer to the save under way among the stored notes.
 *
 * @param {Draft} draft
 * @param {Note[]} notes all there are
 * @returns {Draft}
 */
export function answered(draft, notes) {
    if (draft.sent === null) return draft;
    const stored = notes.find((note) => note.id === (draft.id ?? draft.client_id) && note.text === draft.sent);
    return stored === undefined ? draft : { ...draft, id: stored.id, saved: stored.text, sent: null };
}
