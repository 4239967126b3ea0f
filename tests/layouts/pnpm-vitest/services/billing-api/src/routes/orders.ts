import { database } from '@acme/database';
import { accounts } from '@acme/database/tables/accounts';
import { orders } from '@acme/database/tables/orders';

/** Opens an order for a new account. */
export async function open(email: string): Promise<string> {
  const [account] = await database.insert(accounts).values({ email }).returning();
  if (account === undefined) throw new Error('no account');
  const [order] = await database.insert(orders).values({ accountId: account.id }).returning();
  return order?.state ?? 'none';
}
