/** The database that this process works on; never guessed. */
export function databaseUrl(env: Record<string, string | undefined> = process.env): string {
  const url = env.DATABASE_URL?.trim();
  if (!url) {
    throw new Error(
      'DATABASE_URL is not set: give it the address of a migrated PostgreSQL database, ' +
        'for example postgres://localhost:5432/ownfit',
    );
  }
  return url;
}
