import { db } from '@ownfit/db';
import { sessions, users, workoutExercises, workouts } from '@ownfit/db/schema';
import { asc, count, eq, max } from 'drizzle-orm';
import { ApiError } from '../../error';
import { parseReps } from './reps';

export type WorkoutSummary = {
  id: string;
  title: string;
  trainerName: string;
  exerciseCount: number;
};

export async function create(input: { trainerId: string; title: string; description?: string }) {
  const title = input.title.trim();
  if (!title) throw new ApiError('invalid', 'a workout needs a title');
  const [workout] = await db
    .insert(workouts)
    .values({ trainerId: input.trainerId, title, description: input.description })
    .returning();
  return workout;
}

export async function list(input: { trainerId: string }): Promise<WorkoutSummary[]> {
  return db
    .select({
      id: workouts.id,
      title: workouts.title,
      trainerName: users.name,
      exerciseCount: count(workoutExercises.position),
    })
    .from(workouts)
    .innerJoin(users, eq(users.id, workouts.trainerId))
    .leftJoin(workoutExercises, eq(workoutExercises.workoutId, workouts.id))
    .where(eq(workouts.trainerId, input.trainerId))
    .groupBy(workouts.id, users.name)
    .orderBy(asc(workouts.title), asc(workouts.id));
}

/** Appends an exercise to a workout. */
export async function addExercise(input: {
  workoutId: string;
  exerciseId: string;
  sets: number;
  reps: string;
}) {
  const reps = parseReps(input.reps);
  if (!reps) throw new ApiError('invalid', 'reps are a number, a range or AMRAP');
  return db.transaction(async (tx) => {
    const [last] = await tx
      .select({ position: max(workoutExercises.position) })
      .from(workoutExercises)
      .where(eq(workoutExercises.workoutId, input.workoutId));
    const [added] = await tx
      .insert(workoutExercises)
      .values({ ...input, reps, position: (last.position ?? 0) + 1 })
      .returning();
    return added;
  });
}

export async function schedule(input: {
  workoutId: string;
  clientId: string;
  scheduledAt: Date;
  durationMinutes?: number;
}) {
  const [session] = await db.insert(sessions).values(input).returning();
  return session;
}
