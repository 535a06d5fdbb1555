/**
 * The expression in an `IC-CertificateExpression` header: what of a request and response is certified.
 * A small part of the Common Expression Language: one call of `default_certification` on nested messages.
 * Source: HTTP Gateway Protocol Specification, "Response Verification", "Certification expression".
 */

export type Certification =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'certified';
      /** Absent if only the response is certified. */
      readonly request?: { readonly headers: readonly string[]; readonly queryParameters: readonly string[] };
      readonly response:
        | { readonly kind: 'only'; readonly headers: readonly string[] }
        | { readonly kind: 'all-but'; readonly headers: readonly string[] };
    };

/** Text that is no such expression. */
export class CelError extends Error {}

/** Headers are kilobytes at most, and the longest meaningful nesting is five. */
const MAX_LENGTH = 32 * 1024;
const MAX_DEPTH = 16;

type Node =
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'list'; readonly items: readonly Node[] }
  | { readonly kind: 'message'; readonly name: string; readonly fields: ReadonlyMap<string, Node> }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Node[] };

export function parseCertificationExpression(text: string): Certification {
  if (text.length > MAX_LENGTH) throw new CelError('the expression is too long');
  const parser = new Parser(text);
  const node = parser.node(0);
  parser.end();
  return certificationOf(node);
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) throw new CelError(`unexpected text at ${this.#at}`);
  }

  node(depth: number): Node {
    if (depth > MAX_DEPTH) throw new CelError('the expression is nested too deeply');
    const next = this.#peek();
    if (next === '"' || next === "'") return { kind: 'text', value: this.#string() };
    if (next === '[') return { kind: 'list', items: this.#sequence('[', ']', () => this.node(depth + 1)) };
    const name = this.#identifier();
    if (this.#peek() === '(') return { kind: 'call', name, args: this.#sequence('(', ')', () => this.node(depth + 1)) };
    const fields = new Map<string, Node>();
    this.#sequence('{', '}', () => {
      const field = this.#identifier();
      this.#expect(':');
      if (fields.has(field)) throw new CelError(`field ${field} is given twice`);
      fields.set(field, this.node(depth + 1));
    });
    return { kind: 'message', name, fields };
  }

  #sequence<T>(open: string, close: string, item: () => T): T[] {
    this.#expect(open);
    const items: T[] = [];
    while (this.#peek() !== close) {
      items.push(item());
      if (this.#peek() !== ',') break;
      this.#expect(',');
    }
    this.#expect(close);
    return items;
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }

  #peek(): string | undefined {
    this.#space();
    return this.#text[this.#at];
  }

  #expect(character: string): void {
    if (this.#peek() !== character) throw new CelError(`expected ${character} at ${this.#at}`);
    this.#at += 1;
  }

  #identifier(): string {
    this.#space();
    const found = /^[A-Za-z_][A-Za-z0-9_.]*/.exec(this.#text.slice(this.#at, this.#at + 128));
    if (found === null) throw new CelError(`expected a name at ${this.#at}`);
    this.#at += found[0].length;
    return found[0];
  }

  #string(): string {
    const quote = this.#text[this.#at]!;
    const end = this.#text.indexOf(quote, this.#at + 1);
    if (end < 0) throw new CelError('a string does not end');
    const value = this.#text.slice(this.#at + 1, end);
    if (value.includes('\\')) throw new CelError('escapes in strings are not supported');
    this.#at = end + 1;
    return value;
  }
}

function certificationOf(node: Node): Certification {
  if (node.kind !== 'call' || node.name !== 'default_certification' || node.args.length !== 1) {
    throw new CelError('expected default_certification with one argument');
  }
  const args = message(node.args[0], 'ValidationArgs');
  const [none, certification] = [args.get('no_certification'), args.get('certification')];
  if ((none === undefined) === (certification === undefined)) {
    throw new CelError('ValidationArgs needs either no_certification or certification');
  }
  if (none !== undefined) return { kind: 'none' };
  const fields = message(certification, 'Certification');
  return { kind: 'certified', request: requestOf(fields), response: responseOf(fields) };
}

type Fields = ReadonlyMap<string, Node>;

function requestOf(fields: Fields): (Certification & { kind: 'certified' })['request'] {
  const [none, request] = [fields.get('no_request_certification'), fields.get('request_certification')];
  if ((none === undefined) === (request === undefined)) {
    throw new CelError('Certification needs either no_request_certification or request_certification');
  }
  if (none !== undefined) return undefined;
  const parts = message(request, 'RequestCertification');
  return {
    headers: texts(parts.get('certified_request_headers')),
    queryParameters: texts(parts.get('certified_query_parameters')),
  };
}

function responseOf(fields: Fields): (Certification & { kind: 'certified' })['response'] {
  const parts = message(fields.get('response_certification'), 'ResponseCertification');
  const [only, allBut] = [parts.get('certified_response_headers'), parts.get('response_header_exclusions')];
  if ((only === undefined) === (allBut === undefined)) {
    throw new CelError('ResponseCertification needs either certified_response_headers or response_header_exclusions');
  }
  const headers = texts(message(only ?? allBut, 'ResponseHeaderList').get('headers'));
  return { kind: only === undefined ? 'all-but' : 'only', headers };
}

function message(node: Node | undefined, name: string): Fields {
  if (node?.kind !== 'message' || node.name !== name) throw new CelError(`expected ${name}`);
  return node.fields;
}

function texts(node: Node | undefined): string[] {
  if (node?.kind !== 'list') throw new CelError('expected a list of strings');
  return node.items.map((item) => {
    if (item.kind !== 'text') throw new CelError('expected a string');
    return item.value;
  });
}
