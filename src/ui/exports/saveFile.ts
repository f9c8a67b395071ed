// Hands a file to the browser's download. Nothing is sent anywhere.

/** Saves text, bytes or a blob under a name. @param type the media type; left out: the blob's own */
export function saveFile(name: string, content: string | Uint8Array<ArrayBuffer> | Blob, type?: string): void {
  const blob = content instanceof Blob ? content : new Blob([content], { type });
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // Some browsers begin to read only after the click has been handled.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
