export function Ship({ title }: { title: string }): string {
  return `A ship called ${title}`;
}
