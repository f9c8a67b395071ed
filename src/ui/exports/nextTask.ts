/** Lets the page's thread do what else waits, before a long piece of work goes on. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
