// Why something did not work, as a closed set of codes. Prose is composed where it is shown.

export type FailureCode =
  | 'offline'
  | 'session-expired'
  | 'unavailable'
  | 'not-allowed'
  | 'not-member'
  | 'not-invited'
  | 'recipient-not-found'
  | 'message-not-found'
  | 'empty-text'
  | 'text-too-long'
  | 'invalid-name'
  | 'invalid-reaction'
  | 'too-many-waiting'
  | 'too-many-members'
  | 'too-many-blocked'
  | 'rate-limited'
  | 'blocked'
  | 'last-owner'
  | 'delivery-given-up'
  | 'unexpected';

/**
 * What to do about a failure: `retry` by itself later, `wait` until the person signs in again, or
 * `give-up` because repeating the same request cannot succeed.
 */
export type FailureClass = 'retry' | 'wait' | 'give-up';

export function failureClass(code: FailureCode): FailureClass {
  switch (code) {
    case 'offline':
    case 'unavailable':
    case 'too-many-waiting':
    case 'rate-limited':
      return 'retry';
    case 'session-expired':
      return 'wait';
    default:
      return 'give-up';
  }
}

/** A failed request to the network. `detail` is for a details sheet, never the main text. */
export class RequestError extends Error {
  readonly code: FailureCode;
  readonly detail: string;

  constructor(code: FailureCode, detail = '') {
    super(`${code}${detail ? `: ${detail}` : ''}`);
    this.name = 'RequestError';
    this.code = code;
    this.detail = detail;
  }
}
