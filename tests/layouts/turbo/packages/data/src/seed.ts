import { client, db } from './client';
import { berths, ships } from './schema';

const [ship] = await db.insert(ships).values({ title: 'Anna' }).returning();
await db.insert(berths).values({ number: 1, shipId: ship?.id });
await client.end();
