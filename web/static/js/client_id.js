// Ids that a page chooses for what it makes, so that the server stores once what is sent twice. Pure but for chance.

/** @returns {string} 32 hexadecimal digits */
export function newClientId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
