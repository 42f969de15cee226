// The dashboard's keys: which key means what. Pure.

/**
 * @typedef {{do: 'moment'}
 *   | {do: 'moment-before'}
 *   | {do: 'next-question'}
 *   | {do: 'question', index: number}
 *   | {do: 'note'}
 *   | {do: 'microphone'}
 *   | {do: 'camera'}
 *   | {do: 'explain'}
 *   | {do: 'help'}} KeyAction
 */

/**
 * @typedef {object} KeyPress what is needed of a KeyboardEvent
 * @property {string} key
 * @property {boolean} ctrlKey
 * @property {boolean} metaKey
 * @property {boolean} altKey
 * @property {boolean} shiftKey
 * @property {boolean} repeat
 */

/** The rows of the help dialog. @type {readonly {keys: string[], text: string}[]} */
export const KEY_HELP = [
    { keys: ['M'], text: 'Mark this moment' },
    { keys: ['Shift', 'M'], text: 'Mark what was 5 seconds ago' },
    { keys: ['Q'], text: 'Next question' },
    { keys: ['1', '9'], text: 'Question 1 to 9' },
    { keys: ['N'], text: 'Write a note' },
    { keys: ['Ctrl', 'Enter'], text: 'In a note: finish it' },
    { keys: ['Esc'], text: 'In a note: leave the field' },
    { keys: ['D'], text: 'Microphone on or off' },
    { keys: ['E'], text: 'Camera on or off' },
    { keys: ['X'], text: 'What the network looked at in the face' },
    { keys: ['?'], text: 'This help' },
];

/** @type {Record<string, KeyAction>} */
const ACTIONS = {
    m: { do: 'moment' },
    q: { do: 'next-question' },
    n: { do: 'note' },
    d: { do: 'microphone' },
    e: { do: 'camera' },
    x: { do: 'explain' },
    '?': { do: 'help' },
};

/**
 * What a key means on the dashboard; null when nothing: while typing, with a modifier, when held down.
 *
 * @param {KeyPress} press
 * @param {{isTyping: boolean, hasDialog: boolean}} where
 * @returns {KeyAction | null}
 */
export function keyAction(press, { isTyping, hasDialog }) {
    if (isTyping || hasDialog || press.repeat || press.ctrlKey || press.metaKey || press.altKey) return null;
    if (/^[1-9]$/.test(press.key)) return { do: 'question', index: Number(press.key) - 1 };
    if (press.shiftKey && press.key.toLowerCase() === 'm') return { do: 'moment-before' };
    return ACTIONS[press.key.toLowerCase()] ?? null;
}

/**
 * True when keys typed into this element are text or its own.
 *
 * @param {{tagName?: string, isContentEditable?: boolean, type?: string} | null} element
 * @returns {boolean}
 */
export function takesText(element) {
    if (element === null) return false;
    if (element.isContentEditable === true || element.tagName === 'TEXTAREA' || element.tagName === 'SELECT')
        return true;
    return element.tagName === 'INPUT' && !['checkbox', 'radio', 'button'].includes(element.type ?? 'text');
}
