/** The part of the WebAssembly JavaScript API that the engine uses (the DOM library, which declares it, is not loaded). */
declare namespace WebAssembly {
  type Imports = Record<string, Record<string, unknown>>
  type Exports = Record<string, unknown>
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>)
  }
  class Instance {
    constructor(module: Module, imports?: Imports)
    readonly exports: Exports
  }
  class Memory {
    private constructor()
    readonly buffer: ArrayBuffer
    grow(pages: number): number
  }
  class Table {
    private constructor()
    readonly length: number
    get(index: number): unknown
  }
  interface GlobalValues {
    i32: number
    i64: bigint
  }
  class Global<T extends keyof GlobalValues> {
    private constructor()
    value: GlobalValues[T]
  }
  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}
  function validate(bytes: Uint8Array<ArrayBuffer>): boolean
}
