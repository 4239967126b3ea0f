export const accepted = 202;
