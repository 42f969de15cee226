// The dialog in which the candidate changes consents during the call.

import { announce } from './announce.js';
import { byId } from './elements.js';

/**
 * @param {(event: {type: 'consent', kind: string, granted: boolean, text_version: string}) => boolean} send
 *     false when there is no connection
 */
export function setUpConsents(send) {
    const dialog = byId('consents-dialog', HTMLDialogElement);
    const trouble = byId('consents-trouble');
    byId('open-consents').addEventListener('click', () => {
        trouble.hidden = true;
        dialog.showModal();
    });
    dialog.querySelector('[data-close]')?.addEventListener('click', () => dialog.close());
    for (const element of dialog.querySelectorAll('[data-consent]')) {
        const box = /** @type {HTMLInputElement} */ (element);
        box.addEventListener('change', () => {
            const wasSent = send({
                type: 'consent',
                kind: box.dataset.consent ?? '',
                granted: box.checked,
                text_version: box.dataset.version ?? '',
            });
            trouble.hidden = wasSent;
            if (wasSent) announce(box.checked ? 'Given.' : 'Taken back.');
            else box.checked = !box.checked;
        });
    }
}
