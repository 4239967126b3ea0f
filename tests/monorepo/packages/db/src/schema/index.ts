export * from './users';
export * from './workouts';
export * from './exercises';
export * from './sessions';
export * from './invites';
export * from './workout-exercises';
export * from './views';
