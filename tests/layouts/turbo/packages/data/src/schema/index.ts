export * from './berths';
export * from './ships';
