// Buttons that copy the text of a field: <button data-copy="id of the field">.

import { announce } from './announce.js';

const SHOWN_MS = 2000;

for (const element of document.querySelectorAll('button[data-copy]')) {
    const button = /** @type {HTMLButtonElement} */ (element);
    const label = button.textContent ?? 'Copy';
    button.addEventListener('click', async () => {
        const source = document.getElementById(button.dataset.copy ?? '');
        if (source === null) return;
        const done = await copy(source);
        button.textContent = done ? 'Copied' : 'Press Ctrl+C';
        announce(done ? 'Copied' : 'The text is selected. Press Ctrl+C to copy it.');
        setTimeout(() => {
            button.textContent = label;
        }, SHOWN_MS);
    });
}

/**
 * Copy a field's text; where the browser forbids it, select it for the person to copy.
 *
 * @param {HTMLElement} source
 * @returns {Promise<boolean>}
 */
async function copy(source) {
    const text = source instanceof HTMLInputElement ? source.value : (source.textContent ?? '');
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch {
        if (source instanceof HTMLInputElement) source.select();
        else globalThis.getSelection()?.selectAllChildren(source);
        return false;
    }
}
