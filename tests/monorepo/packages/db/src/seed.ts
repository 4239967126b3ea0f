import { client, db } from './index';
import {
  exercises,
  invites,
  sessions,
  users,
  workoutExercises,
  workouts,
  type User,
} from './schema';

// The same rows with the same ids at each run; rows that are there already stay as they are.

const start = new Date('2026-01-05T08:00:00Z');
const kinds = { user: 1, workout: 2, exercise: 3, session: 4, invite: 5 };

function id(kind: keyof typeof kinds, n: number): string {
  return `00000000-0000-4000-800${kinds[kind]}-${String(n).padStart(12, '0')}`;
}

function daysAfterStart(days: number): Date {
  return new Date(start.getTime() + days * 86_400_000);
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

const stamps = { createdAt: start, updatedAt: start };

function roleOf(n: number): User['role'] {
  if (n === 1) return 'admin';
  return n <= 4 ? 'trainer' : 'client';
}

const userRows = numbers(24).map((n) => ({
  id: id('user', n),
  email: `user${n}@ownfit.example`,
  name: `Seed User ${n}`,
  role: roleOf(n),
  ...stamps,
}));

const trainers = userRows.filter((user) => user.role === 'trainer');
const clients = userRows.filter((user) => user.role === 'client');

const catalogue = [
  ['Back Squat', 'legs', 'barbell'],
  ['Walking Lunge', 'legs', 'dumbbell'],
  ['Leg Press', 'legs', 'machine'],
  ['Deadlift', 'back', 'barbell'],
  ['Pull-up', 'back', null],
  ['Seated Row', 'back', 'machine'],
  ['Bench Press', 'chest', 'barbell'],
  ['Push-up', 'chest', null],
  ['Biceps Curl', 'arms', 'dumbbell'],
  ['Triceps Dip', 'arms', null],
  ['Plank', 'core', null],
  ['Cable Crunch', 'core', 'machine'],
] as const;

const exerciseRows = catalogue.map(([name, muscleGroup, equipment], index) => ({
  id: id('exercise', index + 1),
  name,
  muscleGroup,
  equipment,
  ...stamps,
}));

const titles = ['Full body', 'Upper body', 'Lower body', 'Core'];

const workoutRows = numbers(12).map((n) => ({
  id: id('workout', n),
  trainerId: trainers[n % trainers.length].id,
  title: `${titles[n % titles.length]} ${n}`,
  description: n % 3 === 0 ? null : 'Warm up for ten minutes first.',
  ...stamps,
}));

const reps = ['10', '8-12', '5', 'AMRAP'];

const workoutExerciseRows = workoutRows.flatMap((workout, index) =>
  numbers(4).map((position) => ({
    workoutId: workout.id,
    position,
    exerciseId: exerciseRows[(index + position * 3) % exerciseRows.length].id,
    sets: 2 + (position % 3),
    reps: reps[(index + position) % reps.length],
  })),
);

const statuses = ['completed', 'planned', 'completed', 'cancelled'] as const;

const sessionRows = numbers(40).map((n) => ({
  id: id('session', n),
  workoutId: workoutRows[n % workoutRows.length].id,
  clientId: clients[n % 15].id,
  scheduledAt: daysAfterStart(n),
  durationMinutes: 30 + (n % 4) * 15,
  status: statuses[n % statuses.length],
  notes: n % 5 === 0 ? 'Knee felt better.' : null,
  ...stamps,
}));

const inviteRows = numbers(10).map((n) => ({
  id: id('invite', n),
  email: `invited${n}@ownfit.example`,
  token: `seed-invite-${n}`,
  invitedBy: trainers[n % trainers.length].id,
  acceptedAt: n % 4 === 0 ? daysAfterStart(n) : null,
  expiresAt: daysAfterStart(7 + n),
  ...stamps,
}));

await db.transaction(async (tx) => {
  await tx.insert(users).values(userRows).onConflictDoNothing();
  await tx.insert(exercises).values(exerciseRows).onConflictDoNothing();
  await tx.insert(workouts).values(workoutRows).onConflictDoNothing();
  await tx.insert(workoutExercises).values(workoutExerciseRows).onConflictDoNothing();
  await tx.insert(sessions).values(sessionRows).onConflictDoNothing();
  await tx.insert(invites).values(inviteRows).onConflictDoNothing();
});
await client.end();

console.log(
  `seeded ${userRows.length} users, ${exerciseRows.length} exercises, ${workoutRows.length} workouts, ` +
    `${workoutExerciseRows.length} workout exercises, ${sessionRows.length} sessions, ${inviteRows.length} invites`,
);
