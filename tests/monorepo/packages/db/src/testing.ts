import { db } from './index';
import {
  exercises,
  sessions,
  users,
  workouts,
  type Exercise,
  type NewExercise,
  type NewSession,
  type NewUser,
  type NewWorkout,
  type Session,
  type User,
  type Workout,
} from './schema';

/** Text that no other test, run or seed has used. */
export function unique(prefix: string): string {
  return `${prefix}-${crypto.randomUUID()}`;
}

export async function makeUser(values: Partial<NewUser> = {}): Promise<User> {
  const [user] = await db
    .insert(users)
    .values({ email: `${unique('user')}@example.com`, name: 'Test User', ...values })
    .returning();
  return user;
}

export async function makeExercise(values: Partial<NewExercise> = {}): Promise<Exercise> {
  const [exercise] = await db
    .insert(exercises)
    .values({ name: unique('Squat'), muscleGroup: 'legs', ...values })
    .returning();
  return exercise;
}

export async function makeWorkout(values: Partial<NewWorkout> = {}): Promise<Workout> {
  const trainerId = values.trainerId ?? (await makeUser({ role: 'trainer' })).id;
  const [workout] = await db
    .insert(workouts)
    .values({ title: 'Full body', ...values, trainerId })
    .returning();
  return workout;
}

export async function makeSession(values: Partial<NewSession> = {}): Promise<Session> {
  const workoutId = values.workoutId ?? (await makeWorkout()).id;
  const clientId = values.clientId ?? (await makeUser()).id;
  const [session] = await db
    .insert(sessions)
    .values({ scheduledAt: new Date('2026-03-02T09:00:00Z'), ...values, workoutId, clientId })
    .returning();
  return session;
}
