import type { WorkoutSummary } from '@ownfit/api';

export function WorkoutList({ workouts }: { workouts: WorkoutSummary[] }) {
  return (
    <ul>
      {workouts.map((workout) => (
        <li key={workout.id}>
          {workout.title} by {workout.trainerName}: {workout.exerciseCount} exercises
        </li>
      ))}
    </ul>
  );
}
