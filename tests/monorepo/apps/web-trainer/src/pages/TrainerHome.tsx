import type { PendingInvite, WorkoutSummary } from '@ownfit/api';
import type { User } from '@ownfit/db/schema';
import { InviteForm } from '../components/InviteForm';
import { InviteList } from '../components/InviteList';
import { UserCard } from '../components/UserCard';
import { WorkoutList } from '../components/WorkoutList';

type Props = {
  trainer: User;
  workouts: WorkoutSummary[];
  invites: PendingInvite[];
  onInvite: (invite: { email: string; invitedBy: string }) => void;
};

export function TrainerHome({ trainer, workouts, invites, onInvite }: Props) {
  return (
    <main>
      <UserCard user={trainer} />
      <WorkoutList workouts={workouts} />
      <InviteForm inviter={trainer} onInvite={onInvite} />
      <InviteList invites={invites} />
    </main>
  );
}
