import type { User } from '@ownfit/db/schema';

export function UserCard({ user }: { user: User }) {
  return (
    <article className="card">
      <h2>{user.name}</h2>
      <p>{user.role}</p>
      <a href={`mailto:${user.email}`}>{user.email}</a>
    </article>
  );
}
