// What went wrong on the way to a canister, put into the closed set of failure codes.

import {
  AgentError,
  CertifiedRejectErrorCode,
  HttpErrorCode,
  HttpFetchErrorCode,
  IngressExpiryInvalidErrorCode,
  TimeoutWaitingForResponseErrorCode,
  UncertifiedRejectErrorCode,
  UncertifiedRejectUpdateErrorCode,
} from '@dfinity/agent';
import { RequestError } from '../domain/failure.ts';

/** Reject codes of the interface specification. */
const SYS_FATAL = 1;
const DESTINATION_INVALID = 3;

export function toRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  if (!(error instanceof AgentError)) {
    // `fetch` itself fails with a TypeError when there is no network.
    return new RequestError(error instanceof TypeError ? 'offline' : 'unexpected', detail);
  }
  const code = error.code;
  if (code instanceof HttpFetchErrorCode) return new RequestError('offline', detail);
  if (code instanceof TimeoutWaitingForResponseErrorCode) return new RequestError('unavailable', detail);
  if (code instanceof IngressExpiryInvalidErrorCode) return new RequestError('unavailable', detail);
  if (code instanceof HttpErrorCode) {
    // The envelope was refused: an expired delegation is the one reason that a correct client meets.
    if (code.status === 400 || code.status === 403) {
      return new RequestError(/delegation|expired|signature|sender/i.test(code.bodyText ?? detail) ? 'session-expired' : 'unexpected', detail);
    }
    return new RequestError('unavailable', detail);
  }
  if (
    code instanceof CertifiedRejectErrorCode ||
    code instanceof UncertifiedRejectErrorCode ||
    code instanceof UncertifiedRejectUpdateErrorCode
  ) {
    // Requests are safe to repeat, so only what cannot change by waiting is final. A trap is not: the
    // canister may be in the middle of an upgrade or out of cycles.
    const final = code.rejectCode === SYS_FATAL || code.rejectCode === DESTINATION_INVALID;
    return new RequestError(final ? 'unexpected' : 'unavailable', detail);
  }
  return new RequestError('unavailable', detail);
}

export async function request<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toRequestError(error);
  }
}
