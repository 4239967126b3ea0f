export const migrationsTable = 'applied';
export const migrationsSchema = 'bookkeeping';
