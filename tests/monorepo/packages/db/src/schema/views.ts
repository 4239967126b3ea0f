import { and, eq, exists } from 'drizzle-orm';
import { pgView } from 'drizzle-orm/pg-core';
import { sessions } from './sessions';
import { users } from './users';

/** Users who completed at least one session. */
export const activeUsers = pgView('active_users').as((qb) =>
  qb
    .select({ id: users.id, email: users.email })
    .from(users)
    .where(
      exists(
        qb
          .select({ id: sessions.id })
          .from(sessions)
          .where(and(eq(sessions.clientId, users.id), eq(sessions.status, 'completed'))),
      ),
    ),
);
