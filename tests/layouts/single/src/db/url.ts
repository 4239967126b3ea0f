export function databaseUrl(): string {
  const url = process.env.KIOSK_DB_URL ?? process.env.DATABASE_URL;
  if (!url) throw new Error('KIOSK_DB_URL is not set');
  return url;
}
