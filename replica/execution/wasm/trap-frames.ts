/**
 * Where a canister trapped: the functions on the stack and the instructions in them, for developers.
 *
 * - Nothing of it is replicated. The frames come from V8's stack traces; they are exact in all its tiers, inlining
 *   included, as far as we have seen (trap-frames.test.ts), but no state may depend on that.
 * - Costs nothing while nobody listens: the stack is walked only while tracing (trap-stack.ts), and offsets are mapped
 *   back by instrumenting the module once more when a trap is explained.
 */
import { ByteReader, MalformedModule } from './binary.ts'
import { type CompiledModule, decompress } from './compile.ts'
import { instrument, originalFunction } from './instrument.ts'
import { OffsetMap } from './offset-map.ts'
import { type ParsedModule, parseModule } from './parse-module.ts'
import { MAX_FRAMES, stackOf } from './trap-stack.ts'
import type { TrapFrame } from './types.ts'

interface Origins {
  readonly parsed: ParsedModule
  readonly offsets: OffsetMap
  readonly names: ReadonlyMap<number, string>
}

const originsOf = new WeakMap<CompiledModule, Origins>()

function origins(module: CompiledModule): Origins {
  const known = originsOf.get(module)
  if (known) return known
  const parsed = parseModule(decompress(module.bytes))
  const offsets = new OffsetMap()
  instrument(parsed, { origins: offsets })
  const made = { parsed, offsets, names: functionNames(parsed.bytes) }
  originsOf.set(module, made)
  return made
}

/** The frames of what `traced` let through, when asked for. */
export function trapFrames(module: CompiledModule, thrown: unknown): () => readonly TrapFrame[] {
  let frames: readonly TrapFrame[] | undefined
  return () => (frames ??= [...framesOf(origins(module), stackOf(thrown))].slice(0, MAX_FRAMES))
}

function* framesOf({ parsed, offsets, names }: Origins, stack: string): Generator<TrapFrame> {
  for (const [, index, hex] of stack.matchAll(/wasm-function\[(\d+)\]:0x([0-9a-f]+)/g)) {
    const functionIndex = originalFunction(parsed, Number(index))
    const offset = offsets.original(Number.parseInt(hex!, 16))
    if (functionIndex === undefined || offset === undefined) continue
    const [, functionEnd] = parsed.bodies[functionIndex - parsed.imports.length]!
    yield { functionIndex, name: names.get(functionIndex), offset, functionEnd }
  }
}

/** Function names of the name section. Empty if there is none, or if it is malformed: nobody checked it before. */
function functionNames(bytes: Uint8Array): Map<number, string> {
  const names = new Map<number, string>()
  try {
    const r = new ByteReader(bytes, 8)
    while (r.pos < r.end) {
      const id = r.byte()
      const size = r.u32()
      const section = new ByteReader(bytes, r.pos, r.pos + size)
      r.skip(size)
      if (id !== 0 || section.name() !== 'name') continue
      while (section.pos < section.end) {
        const part = section.byte()
        const partEnd = section.u32() + section.pos
        if (part === 1) for (let n = section.count(); n > 0; n--) names.set(section.u32(), section.name())
        section.pos = partEnd
      }
    }
  } catch (error) {
    if (!(error instanceof MalformedModule)) throw error
  }
  return names
}
