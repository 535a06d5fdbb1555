/** HTTP as canisters see it. Source: HTTP Gateway Protocol Specification. */

export type HeaderList = readonly (readonly [name: string, value: string])[];

export interface CanisterHttpRequest {
  readonly method: string;
  /** Path and query, as the client sent them. */
  readonly url: string;
  readonly headers: HeaderList;
  readonly body: Uint8Array;
}

export interface CanisterHttpResponse {
  readonly statusCode: number;
  readonly headers: HeaderList;
  readonly body: Uint8Array;
}

/** All values of a header joined as HTTP does, or undefined. */
export function headerValue(headers: HeaderList, name: string): string | undefined {
  const values = headers.filter(([n]) => n.toLowerCase() === name).map(([, v]) => v);
  return values.length === 0 ? undefined : values.join(', ');
}
