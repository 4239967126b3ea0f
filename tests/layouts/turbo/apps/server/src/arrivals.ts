import { db } from '@harbour/data';
import { ships } from '@harbour/data/schema';

/** Notes an arrival and answers with the name that was noted. */
export async function arrive(title: string): Promise<string> {
  const [ship] = await db.insert(ships).values({ title }).returning();
  return ship?.title ?? 'unknown';
}
