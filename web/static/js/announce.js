// The page's two live regions (templates/base.html): news politely, trouble at once.

/**
 * Tell a screen reader something that can wait for a pause.
 *
 * @param {string} text
 */
export function announce(text) {
    write('announce-status', text);
}

/**
 * Tell a screen reader something that cannot wait.
 *
 * @param {string} text
 */
export function alertNow(text) {
    write('announce-alert', text);
}

/**
 * @param {string} id
 * @param {string} text
 */
function write(id, text) {
    const region = document.getElementById(id);
    if (region === null) return;
    // The same sentence twice is news only if the region changes in between.
    region.textContent = '';
    requestAnimationFrame(() => {
        region.textContent = text;
    });
}
