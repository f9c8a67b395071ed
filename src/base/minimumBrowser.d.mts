export const MINIMUM_CHROME: number;
export const BROWSER_NEEDED: string;
