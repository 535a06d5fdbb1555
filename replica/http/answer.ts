/** What an endpoint answers, apart from the socket: success is CBOR, everything else plain text. */
import type { CborValue } from '../codec/cbor.ts';
import { encodeTagged } from '../codec/cbor.ts';
import type { Unavailable } from './replica-port.ts';

export interface Answer {
  readonly status: number;
  readonly contentType?: string;
  readonly body: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function cborAnswer(value: CborValue): Answer {
  return { status: 200, contentType: 'application/cbor', body: encodeTagged(value) };
}

export function textAnswer(status: number, text: string, headers?: Readonly<Record<string, string>>): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: text, headers };
}

/** Accepted; poll for the result. */
export function acceptedAnswer(reason = ''): Answer {
  return reason === '' ? { status: 202, body: '' } : textAnswer(202, reason);
}

export function unavailableAnswer(outcome: Unavailable): Answer {
  return textAnswer(outcome.httpStatus, outcome.text);
}
