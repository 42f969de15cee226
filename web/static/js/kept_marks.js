// Markers that the server has not confirmed yet: kept, over a reload too, and sent again on every connection. No DOM.

/** @typedef {import('./protocol.js').ServerEvent} ServerEvent */
/** @typedef {ReturnType<typeof import('./marks.js').markEvent>} MarkEvent */
/** @typedef {MarkEvent & {client_id: string}} KeptMark */

/** At most so many are kept; the oldest go first. */
const MAX_KEPT = 100;

/** So many may be without an answer at once: the server takes only so much from a page. */
export const MAX_UNDER_WAY = 20;

/** What the server may say of a marker that it will take later. */
const LATER = ['too_many_requests'];

/**
 * @typedef {object} KeptMarks
 * @property {(mark: MarkEvent) => void} add send it now, or as soon as that is possible
 * @property {(event: ServerEvent) => void} take a welcome, the answers and the history
 */

/**
 * @param {object} options
 * @param {(event: KeptMark) => boolean} options.send false when there is no connection
 * @param {string} options.storageKey
 * @param {() => string} options.newId
 * @param {Storage} [options.storage]
 * @returns {KeptMarks}
 */
export function createKeptMarks({ send, storageKey, newId, storage = sessionStorage }) {
    /** @type {KeptMark[]} */
    let kept = JSON.parse(storage.getItem(storageKey) ?? '[]');
    /** Sent on the present connection. */
    let underWay = new Set();

    /** @param {KeptMark[]} next */
    const become = (next) => {
        kept = next;
        if (kept.length === 0) storage.removeItem(storageKey);
        else storage.setItem(storageKey, JSON.stringify(kept));
    };

    const sendDue = () => {
        for (const mark of kept) {
            if (underWay.size >= MAX_UNDER_WAY) return;
            if (underWay.has(mark.client_id)) continue;
            if (!send(mark)) return;
            underWay.add(mark.client_id);
        }
    };

    /** @param {Set<string>} ids */
    const drop = (ids) => {
        for (const id of ids) underWay.delete(id);
        const rest = kept.filter(({ client_id }) => !ids.has(client_id));
        if (rest.length < kept.length) become(rest);
        sendDue();
    };

    return {
        add(mark) {
            become([...kept, { ...mark, client_id: newId() }].slice(-MAX_KEPT));
            sendDue();
        },
        take(event) {
            if (event.type === 'welcome') {
                underWay = new Set();
                sendDue();
            } else if (event.type === 'marker') drop(new Set([event.id]));
            else if (event.type === 'history') drop(new Set(event.markers.map(({ id }) => id)));
            else if (event.type === 'error' && event.client_id !== undefined && !LATER.includes(event.code)) {
                drop(new Set([event.client_id]));
            }
        },
    };
}
