/**
 * Figure `metering`: how much slower a module runs instrumented (metering, dirty pages, NaNs, call depth) than as
 * uploaded, both on V8's optimising tier: geometric mean over compute kernels.
 */
import asc from 'assemblyscript/asc'
import { readFileSync } from 'node:fs'
import { EXPORT, HOST_MODULE, instrument, UNDO_RECORD_BYTES, WASM_STACK_BYTES } from '../execution/wasm/instrument.ts'
import { parseModule } from '../execution/wasm/parse-module.ts'

const KERNELS = [
  'sieve', 'recursion', 'matrix', 'mandelbrot', 'sort', 'hashTable', 'sha256', 'bytes', 'objects', 'bigArithmetic',
] as const // prettier-ignore

const WARM_UP_RUNS = 10
const WARM_UP_MILLIS = 300
const RUNS = 40

async function compileKernels(): Promise<Uint8Array<ArrayBuffer>> {
  const source = readFileSync(new URL('./metering-kernels.as.ts', import.meta.url), 'utf8')
  let binary: Uint8Array | undefined
  const { error, stderr } = await asc.main(
    ['kernels.ts', '-O3', '--runtime', 'stub', '--initialMemory', '256', '--use', 'abort=', '-o', 'kernels.wasm'],
    {
      readFile: (name) => (name === 'kernels.ts' ? source : null),
      writeFile: (name, contents) => {
        if (name === 'kernels.wasm') binary = contents as Uint8Array
      },
      listFiles: () => [],
    },
  )
  if (error || !binary) throw new Error(`the kernels do not compile: ${stderr.toString()}`)
  return Uint8Array.from(binary)
}

/** Least time of each variant, run in turn after both have reached V8's optimising tier. */
function leastMillis(variants: readonly (() => void)[]): number[] {
  for (const run of variants) {
    const from = performance.now()
    for (let i = 0; i < WARM_UP_RUNS || performance.now() - from < WARM_UP_MILLIS; i++) run()
  }
  const least = variants.map(() => Infinity)
  for (let i = 0; i < RUNS; i++) {
    variants.forEach((run, k) => {
      const from = performance.now()
      run()
      least[k] = Math.min(least[k]!, performance.now() - from)
    })
  }
  return least
}

export async function measure(): Promise<{ value: number; unit: string; detail: Record<string, number> }> {
  const plainBytes = await compileKernels()
  const parsed = parseModule(plainBytes)
  const out = instrument({ ...parsed, entries: exportedFunctions(plainBytes) })
  const never = (): never => {
    throw new Error('a kernel stopped')
  }
  const plain = new WebAssembly.Instance(new WebAssembly.Module(plainBytes)).exports
  const metered = new WebAssembly.Instance(new WebAssembly.Module(out.bytes), {
    [HOST_MODULE]: { outOfInstructions: never, growMemory: () => -1, stackOverflow: never, undoLogFull: never },
  }).exports
  const counter = metered[EXPORT.counter] as { value: bigint }
  const depth = metered[EXPORT.depth] as { value: number }
  const undo = metered[EXPORT.undo] as WebAssembly.Memory
  const marks = metered[EXPORT.marks] as WebAssembly.Memory
  const undoTop = metered[EXPORT.undoTop] as { value: number }
  /** As the replica commits: marks of the touched pages cleared, undo log emptied. */
  const commit = (): void => {
    const records = new DataView(undo.buffer)
    const bytes = new Uint8Array(marks.buffer)
    for (let at = out.undoBase; at < undoTop.value; at += UNDO_RECORD_BYTES) bytes[records.getUint32(at, true)] = 0
    undoTop.value = out.undoBase
  }
  const detail: Record<string, number> = {}
  let logSum = 0
  for (const name of KERNELS) {
    const [a, b] = leastMillis([
      plain[name] as () => void,
      () => {
        counter.value = 1n << 60n
        depth.value = WASM_STACK_BYTES
        ;(metered[name] as () => void)()
        commit()
      },
    ]) as [number, number]
    detail[name] = Number((b / a).toFixed(3))
    logSum += Math.log(b / a)
  }
  return { value: Number(Math.exp(logSum / KERNELS.length).toFixed(3)), unit: 'ratio', detail }
}

function exportedFunctions(bytes: Uint8Array): Map<string, number> {
  // The parser keeps only canister entry points; here every exported function counts.
  const found = new Map<string, number>()
  let pos = 8
  const u32 = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const b = bytes[pos++]!
      value |= (b & 0x7f) << shift
      if (b < 0x80) return value
    }
  }
  while (pos < bytes.length) {
    const id = bytes[pos++]
    const end = u32() + pos
    if (id === 7) {
      for (let n = u32(); n > 0; n--) {
        const size = u32()
        const name = new TextDecoder().decode(bytes.subarray(pos, (pos += size)))
        const kind = bytes[pos++]
        const index = u32()
        if (kind === 0) found.set(name, index)
      }
    }
    pos = end
  }
  return found
}
