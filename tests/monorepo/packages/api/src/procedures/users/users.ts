import { db } from '@ownfit/db';
import { activeUsers, users, type User } from '@ownfit/db/schema';
import { and, asc, eq, ilike } from 'drizzle-orm';
import { ApiError } from '../../error';

export type UserSummary = Pick<User, 'id' | 'name' | 'role'>;

export async function get(input: { id: string }) {
  const [user] = await db
    .select({ id: users.id, email: users.email, name: users.name, role: users.role })
    .from(users)
    .where(eq(users.id, input.id));
  if (!user) throw new ApiError('not_found', 'no such user');
  return user;
}

export async function list(input: {
  role?: User['role'];
  name?: string;
  limit?: number;
}): Promise<UserSummary[]> {
  return db
    .select({ id: users.id, name: users.name, role: users.role })
    .from(users)
    .where(
      and(
        input.role ? eq(users.role, input.role) : undefined,
        input.name ? ilike(users.name, `%${input.name}%`) : undefined,
      ),
    )
    .orderBy(asc(users.name), asc(users.id))
    .limit(input.limit ?? 50);
}

export async function update(input: {
  id: string;
  email?: string;
  name?: string;
  role?: User['role'];
}) {
  const [user] = await db
    .update(users)
    .set({
      email: input.email?.trim().toLowerCase(),
      name: input.name,
      role: input.role,
      updatedAt: new Date(),
    })
    .where(eq(users.id, input.id))
    .returning({ id: users.id, email: users.email, name: users.name, role: users.role });
  if (!user) throw new ApiError('not_found', 'no such user');
  return user;
}

export async function countActive(): Promise<number> {
  return db.$count(activeUsers);
}
