export * as auth from './procedures/auth/auth';
export * as users from './procedures/users/users';
export * as workouts from './procedures/workouts/workouts';

export type { PendingInvite } from './procedures/auth/auth';
export type { UserSummary } from './procedures/users/users';
export type { WorkoutSummary } from './procedures/workouts/workouts';
export { ApiError } from './error';
