import type { User } from '@ownfit/db/schema';
import { useState, type FormEvent } from 'react';

type Props = {
  inviter: User;
  onInvite: (invite: { email: string; invitedBy: string }) => void;
};

export function InviteForm({ inviter, onInvite }: Props) {
  const [email, setEmail] = useState('');
  const isOwnAddress = email.trim().toLowerCase() === inviter.email.toLowerCase();

  function submit(event: FormEvent) {
    event.preventDefault();
    onInvite({ email, invitedBy: inviter.id });
  }

  return (
    <form onSubmit={submit}>
      <label>
        Client's email
        <input type="email" value={email} onChange={(event) => setEmail(event.target.value)} />
      </label>
      <p>Replies go to {inviter.email}.</p>
      <button disabled={!email || isOwnAddress}>Send invite</button>
    </form>
  );
}
