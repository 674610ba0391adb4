/** What a node lists, before whoever merges the lists of all writes its name beside. */
export type Unnamed<T> = { [K in keyof T as string extends K ? never : K extends "node" ? never : K]: T[K] };
