// The oldest browser that has all that the page needs. JavaScript, because the launcher says the same sentence.

/** The first one with `GPUAdapter.info`, without which kernels cannot be chosen. */
export const MINIMUM_CHROME = 127;

export const BROWSER_NEEDED = `Chrome or Edge ${MINIMUM_CHROME} or later`;
