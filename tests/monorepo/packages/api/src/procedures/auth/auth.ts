import { db } from '@ownfit/db';
import { invites, users } from '@ownfit/db/schema';
import { eq, sql } from 'drizzle-orm';
import { ApiError } from '../../error';
import { createToken, inviteExpiry } from './token';

export type PendingInvite = { id: string; email: string; expiresAt: string };

/** Finds the account of an address, however it is capitalised. */
export async function login(input: { email: string }) {
  const [account] = await db.execute<{ id: string; email: string }>(
    sql`select id, email from users where lower(email) = lower(${input.email.trim()})`,
  );
  if (!account) throw new ApiError('not_found', 'no account has this address');
  return { userId: account.id, sentTo: account.email };
}

export async function invite(input: { email: string; invitedBy: string }) {
  const address = input.email.trim().toLowerCase();
  const [member] = await db.select({ id: users.id }).from(users).where(eq(users.email, address));
  if (member) throw new ApiError('already_member', 'this address has an account');

  const [created] = await db
    .insert(invites)
    .values({
      email: address,
      invitedBy: input.invitedBy,
      token: createToken(),
      expiresAt: inviteExpiry(new Date()),
    })
    .returning();
  return created;
}

export async function pendingInvites(input: { email: string }): Promise<PendingInvite[]> {
  return db.execute<PendingInvite>(sql`
    select id, email, expires_at as "expiresAt"
    from invites
    where lower(email) = lower(${input.email.trim()}) and accepted_at is null
    order by expires_at
  `);
}
