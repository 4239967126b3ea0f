const inviteDays = 7;

/** 32 random bytes, safe in a link. */
export function createToken(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');
}

export function inviteExpiry(from: Date): Date {
  return new Date(from.getTime() + inviteDays * 86_400_000);
}
