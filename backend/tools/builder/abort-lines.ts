/**
 * A step of the compilation that gives each call of `abort` (a failed assertion, a `throw`, an index out of range) the
 * place in the source that its own arguments name. The compiler gives places to whole statements only, and that does
 * not reach the call: the source map of a release module would not know where it gave up.
 *
 * Only debug information changes; the code stays the same.
 */
type Ref = number;

interface Expression { id: number; target?: unknown; operands?: Ref[]; children?: Ref[]; value?: number; [part: string]: unknown }
interface Module {
  getNumFunctions(): number;
  getFunctionByIndex(i: number): Ref;
  getNumDataSegments(): number;
  getDataSegmentByIndex(i: number): Ref;
  getDataSegmentInfo(segment: Ref): { offset: number | null; data: ArrayBuffer };
  addDebugInfoFileName(name: string): number;
  setDebugLocation(func: Ref, expression: Ref, file: number, line: number, column: number): void;
}
interface Binaryen {
  CallId: number;
  ConstId: number;
  NopId: number;
  UnreachableId: number;
  getExpressionId(expression: Ref): number;
  getFunctionInfo(func: Ref): { body: Ref };
  getExpressionInfo(expression: Ref): Expression;
}

/** Where the parts of an expression are, in what binaryen tells of it; a constant's `value` is none. */
const PARTS = ['body', 'condition', 'ifTrue', 'ifFalse', 'left', 'right', 'ptr', 'dest', 'source', 'delta'];
const ABORT = /^cdk\/abort(-short)?\/abort$/;

/** Made by asc, which puts `binaryen` on the prototype. */
export class AbortLines {
  declare readonly binaryen: Binaryen;

  afterCompile(module: Module): void {
    const texts = staticTexts(module);
    const files = new Map<string, number>();
    for (let i = 0; i < module.getNumFunctions(); i++) {
      const func = module.getFunctionByIndex(i);
      for (const { call, file, line, column } of this.#aborts(this.binaryen.getFunctionInfo(func).body)) {
        const name = texts(file);
        if (name === undefined) continue;
        const index = files.get(name) ?? module.addDebugInfoFileName(name);
        files.set(name, index);
        module.setDebugLocation(func, call, index, line, column);
      }
    }
  }

  /** The calls of `abort` in an expression, with the pointer to the file's name. */
  *#aborts(root: Ref): Generator<{ call: Ref; file: number; line: number; column: number }> {
    const { binaryen } = this;
    const simple = new Set([binaryen.ConstId, binaryen.NopId, binaryen.UnreachableId]);
    const open = [root];
    for (let ref = open.pop(); ref !== undefined; ref = open.pop()) {
      // Binaryen has nothing to tell of the simplest ones, and says so by throwing.
      if (ref === 0 || simple.has(binaryen.getExpressionId(ref))) continue;
      const expression = binaryen.getExpressionInfo(ref);
      const { id, target, operands = [], children = [], value } = expression;
      if (id === binaryen.CallId && ABORT.test(String(target))) {
        const [, file, line, column] = operands.map((operand) => binaryen.getExpressionInfo(operand)).map((o) => (o.id === binaryen.ConstId ? o.value : undefined));
        // Columns of the arguments count from 1, those of debug information from 0.
        if (file !== undefined && line !== undefined && column !== undefined) yield { call: ref, file, line, column: column - 1 };
      }
      open.push(...operands, ...children, ...PARTS.map((part) => expression[part]).filter((part) => typeof part === 'number'), value ?? 0);
    }
  }
}

/** Reads string literals: UTF-16 in static memory, with the length in bytes in the word before. */
function staticTexts(module: Module): (pointer: number) => string | undefined {
  const segments: { offset: number; data: Buffer }[] = [];
  for (let i = 0; i < module.getNumDataSegments(); i++) {
    const { offset, data } = module.getDataSegmentInfo(module.getDataSegmentByIndex(i));
    if (offset !== null) segments.push({ offset, data: Buffer.from(data) });
  }
  return (pointer) => {
    const segment = segments.find(({ offset, data }) => offset + 4 <= pointer && pointer <= offset + data.length);
    if (segment === undefined) return undefined;
    const at = pointer - segment.offset;
    return segment.data.subarray(at, at + segment.data.readUInt32LE(at - 4)).toString('utf16le');
  };
}
