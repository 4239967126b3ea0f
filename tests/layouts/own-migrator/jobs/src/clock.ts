export const every = 60_000;
