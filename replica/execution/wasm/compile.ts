/**
 * Compiling an uploaded module: decompress, validate, instrument, hand to V8. Once per hash; the result is shared.
 */
import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { MalformedModule } from './binary.ts'
import { invalidModule } from './engine-errors.ts'
import { instrument, type Instrumented } from './instrument.ts'
import {
  customSectionBytes, globalTypeName, InvalidModule, MAX_MODULE_BYTES, type MemoryDef, parseModule,
} from './parse-module.ts' // prettier-ignore
import type {
  CanisterModule, CompileResult, CustomSection, EngineError, FixedEntryPoint, GlobalType,
} from './types.ts' // prettier-ignore

/** A compiled module with what the engine itself needs. */
export interface CompiledModule extends CanisterModule {
  readonly wasm: WebAssembly.Module
  readonly memory: MemoryDef | null
  readonly table64: boolean
  /** Active data segments, for the first instantiation. */
  readonly data: readonly { readonly offset: bigint; readonly bytes: Uint8Array }[]
  readonly imports: readonly string[]
  /** Whether each persisted global is mutable, in the order of globalTypes. */
  readonly globalMutable: readonly boolean[]
  readonly undoBase: number
}

const GZIP_MIN_BYTES = 16

/** Raw module bytes; throws InvalidModule for anything that is neither Wasm nor a well-formed gzip of it. */
export function decompress(bytes: Uint8Array): Uint8Array {
  if (bytes[0] === 0x00 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d) {
    if (bytes.length > MAX_MODULE_BYTES) throw new InvalidModule('wasm module is too large')
    return bytes
  }
  if (bytes.length < GZIP_MIN_BYTES || bytes[0] !== 0x1f || bytes[1] !== 0x8b || bytes[2] !== 0x08) {
    throw new InvalidModule('Failed to decode wasm module: unsupported canister module format.')
  }
  const stated = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(bytes.length - 4, true)
  if (stated > MAX_MODULE_BYTES) throw new InvalidModule('Failed to decode wasm module: wasm module is too large')
  let raw: Uint8Array
  try {
    raw = gunzipSync(bytes, { maxOutputLength: stated + 1 })
  } catch {
    throw new InvalidModule('Failed to decode wasm module: not a valid gzip stream.')
  }
  if (raw.length !== stated) {
    throw new InvalidModule('Failed to decode wasm module: specified uncompressed size does not match extracted size.')
  }
  return raw
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

const cache = new Map<string, WeakRef<CompiledModule>>()
const forget = new FinalizationRegistry<string>((hash) => {
  if (cache.get(hash)?.deref() === undefined) cache.delete(hash)
})

function compileFresh(bytes: Uint8Array, hash: Uint8Array): CompiledModule | EngineError {
  let raw: Uint8Array
  try {
    raw = decompress(bytes)
    const parsed = parseModule(raw)
    // V8 types the original bodies; our parser has ruled out the proposals V8 knows and the replica does not.
    if (!WebAssembly.validate(raw as Uint8Array<ArrayBuffer>)) {
      return invalidModule(`${explain(raw)}`)
    }
    const out: Instrumented = instrument(parsed)
    const wasm = new WebAssembly.Module(out.bytes)
    const globalTypes: GlobalType[] = out.persistedGlobals.map((i) => globalTypeName(parsed.globals[i]!.type))
    return {
      hash,
      bytes,
      memory64: parsed.memory?.is64 ?? false,
      updates: parsed.updates,
      queries: parsed.queries,
      compositeQueries: parsed.compositeQueries,
      entryPoints: parsed.entryPoints as ReadonlySet<FixedEntryPoint>,
      hasStart: parsed.start !== null,
      customSections: parsed.customSections as readonly CustomSection[],
      customSectionBytes: customSectionBytes(parsed.customSections),
      instructionCount: out.instructionCount,
      globalTypes,
      globalMutable: out.persistedGlobals.map((i) => parsed.globals[i]!.mutable),
      enhancedOrthogonalPersistence: parsed.customSections.some(
        (s) => s.visibility === 'private' && s.name === 'enhanced-orthogonal-persistence',
      ),
      wasm,
      memory: parsed.memory,
      table64: parsed.table?.is64 ?? false,
      // Copies, so that the raw bytes can be collected.
      data: parsed.data.flatMap((d) => (d.offset === null ? [] : [{ offset: d.offset, bytes: d.bytes.slice() }])),
      imports: [...new Set(parsed.imports.map((i) => i.name))],
      undoBase: out.undoBase,
    }
  } catch (error) {
    if (error instanceof InvalidModule) return invalidModule(error.message)
    if (error instanceof MalformedModule || error instanceof WebAssembly.CompileError) {
      return invalidModule(`Failed to parse wasm module: ${describe(error)}`)
    }
    throw error
  }
}

/** V8's own words on why a module is invalid. */
function explain(raw: Uint8Array): string {
  try {
    new WebAssembly.Module(raw as Uint8Array<ArrayBuffer>)
    return 'unknown reason'
  } catch (error) {
    return describe(error).replace(/^WebAssembly\.Module\(\): /, '')
  }
}

/** Validates and compiles an uploaded module (raw or gzip). The same bytes give the same object. */
export function compileModule(bytes: Uint8Array): CompileResult {
  const hash = new Uint8Array(createHash('sha256').update(bytes).digest())
  const key = Buffer.from(hash).toString('hex')
  const cached = cache.get(key)?.deref()
  if (cached) return { ok: true, module: cached }
  const result = compileFresh(Uint8Array.from(bytes), hash)
  if ('code' in result) return { ok: false, error: result }
  cache.set(key, new WeakRef(result))
  forget.register(result, key)
  return { ok: true, module: result }
}
