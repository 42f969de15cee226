// Recommendations for the interviewer, each with what it rests on.

import { restsOn } from './advice_words.js';
import { announce } from './announce.js';
import { make, setText, syncList } from './elements.js';

/** @typedef {import('./protocol.js').Advice} Advice */

/**
 * @param {HTMLElement} list
 * @param {HTMLElement} none what stands there when there is nothing to say
 * @param {import('./catalogue.js').Definition[]} catalogue
 * @returns {(advice: Advice[], isQuiet: boolean) => void}
 */
export function createAdvice(list, none, catalogue) {
    /** @type {Set<string>} */
    let known = new Set();
    return (advice, isQuiet) => {
        const fresh = advice.filter(({ id }) => !known.has(id));
        known = new Set(advice.map(({ id }) => id));
        if (fresh.length > 0 && !isQuiet) announce(fresh.map(({ text }) => text).join(' '));
        none.hidden = advice.length > 0;
        syncList(
            list,
            advice.toReversed(),
            ({ id }) => id,
            () => make('li', {}, [make('p'), make('p', { class: 'hint number' })]),
            (item, one) => {
                const [text, evidence] = item.children;
                setText(/** @type {Element} */ (text), one.text);
                setText(/** @type {Element} */ (evidence), restsOn(catalogue, one));
            },
        );
    };
}
