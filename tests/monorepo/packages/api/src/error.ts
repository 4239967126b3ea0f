export type ApiErrorCode = 'already_member' | 'not_found' | 'invalid';

/** A refusal that the caller can act on; everything else is a fault. */
export class ApiError extends Error {
  constructor(
    readonly code: ApiErrorCode,
    message: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}
