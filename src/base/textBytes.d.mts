export function wideEncoding(head: Uint8Array): string | null;
export function decodeUtf8(bytes: Uint8Array): string | null;
export function jsonFileText(bytes: Uint8Array): { text: string } | { problem: string };
