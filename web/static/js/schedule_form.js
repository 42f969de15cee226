// The schedule form in the viewer's own time zone: the server stores UTC and is told the zone.

const form = /** @type {HTMLFormElement} */ (document.getElementById('schedule'));
const zoneField = /** @type {HTMLInputElement} */ (form.elements.namedItem('timezone'));
const dateField = /** @type {HTMLInputElement} */ (form.elements.namedItem('date'));
const timeField = /** @type {HTMLInputElement} */ (form.elements.namedItem('time'));
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

if (zone) {
    zoneField.value = zone;
    const shown = document.getElementById('zone');
    if (shown !== null) shown.textContent = zone.replaceAll('_', ' ');
}

if (form.dataset.utc) {
    const { date, time } = dateAndTime(new Date(form.dataset.utc));
    dateField.value = date;
    timeField.value = time;
} else if (dateField.value === '') {
    // A sensible start: the next full hour.
    const HOUR_MS = 3_600_000;
    const { date, time } = dateAndTime(new Date(Math.ceil(Date.now() / HOUR_MS) * HOUR_MS));
    dateField.value = date;
    timeField.value = time;
}

/**
 * Return a moment as the values of a date and a time input, in the viewer's zone.
 *
 * @param {Date} when
 * @returns {{date: string, time: string}}
 */
function dateAndTime(when) {
    /** @param {number} number */
    const two = (number) => String(number).padStart(2, '0');
    return {
        date: `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())}`,
        time: `${two(when.getHours())}:${two(when.getMinutes())}`,
    };
}
