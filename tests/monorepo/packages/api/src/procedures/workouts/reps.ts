/** "10", "8-12" or "AMRAP" in their one spelling; null where it is none of them. */
export function parseReps(input: string): string | null {
  const text = input.trim().toUpperCase().replaceAll(' ', '');
  if (text === 'AMRAP') return text;
  const match = /^([1-9]\d*)(?:-([1-9]\d*))?$/.exec(text);
  if (!match) return null;
  const [, low, high] = match;
  if (high !== undefined && Number(high) <= Number(low)) return null;
  return text;
}
