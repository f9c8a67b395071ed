// A list with at least one entry, as a type: its first entry is there without a question.

export type NonEmpty<T> = [T, ...T[]];
