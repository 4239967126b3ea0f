import { readdirSync } from 'node:fs';

if (process.argv.length > 2) throw new Error('it takes no arguments');
console.log(`${readdirSync('packages/models/migrations').length - 1} migrations`);
