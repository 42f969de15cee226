// The dialog in which the candidate changes consents during the call.

import { announce } from './announce.js';
import { byId, setText } from './elements.js';
import { failureWords } from './join_api.js';

const UNCONFIRMED =
    'The server did not confirm this, so count on nothing having changed. Please try again in a few seconds.';

/**
 * @param {(answer: import('./join_api.js').Answer) => Promise<void>} store throws unless the server confirms it
 */
export function setUpConsents(store) {
    const dialog = byId('consents-dialog', HTMLDialogElement);
    const trouble = byId('consents-trouble');
    const boxes = /** @type {HTMLInputElement[]} */ ([...dialog.querySelectorAll('[data-consent]')]);
    byId('open-consents').addEventListener('click', () => {
        trouble.hidden = true;
        dialog.showModal();
    });
    dialog.querySelector('[data-close]')?.addEventListener('click', () => dialog.close());
    for (const box of boxes) box.addEventListener('change', () => void change(box));

    /** @param {HTMLInputElement} box */
    async function change(box) {
        const granted = box.checked;
        trouble.hidden = true;
        // One answer after the other: a later one must not overtake an earlier one.
        for (const each of boxes) each.disabled = true;
        try {
            await store({ kind: box.dataset.consent ?? '', granted, text_version: box.dataset.version ?? '' });
            announce(granted ? 'Given.' : 'Taken back.');
        } catch (error) {
            box.checked = !granted;
            setText(trouble, failureWords(error, UNCONFIRMED));
            trouble.hidden = false;
        } finally {
            for (const each of boxes) each.disabled = false;
            if (dialog.open) box.focus();
        }
    }
}
