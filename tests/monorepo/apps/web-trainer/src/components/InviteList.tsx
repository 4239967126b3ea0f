import type { PendingInvite } from '@ownfit/api';

export function InviteList({ invites }: { invites: PendingInvite[] }) {
  return (
    <ul>
      {invites.map((invite) => (
        <li key={invite.id}>
          {invite.email} (until {new Date(invite.expiresAt).toLocaleDateString()})
        </li>
      ))}
    </ul>
  );
}
