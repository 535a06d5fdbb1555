/**
 * Where the code of an instrumented module comes from: byte offsets in it → byte offsets in the module as uploaded.
 *
 * Code that the instrumentation added belongs to the instruction that it stands before or in the place of; the code
 * at a function's start to its first instruction.
 */

export class OffsetMap {
  /** Copied stretches, ascending: offset in the output, offset in the original, length. */
  private readonly to: number[] = []
  private readonly from: number[] = []
  private readonly lengths: number[] = []
  private functionFirst = 0

  /** `from`: the original offset of a function's first instruction. */
  beginFunction(from: number): void {
    this.functionFirst = this.to.length
    this.add(0, from, 0)
  }

  /** A copied stretch; `to` counts from the beginning of the function's code. */
  add(to: number, from: number, length: number): void {
    this.to.push(to)
    this.from.push(from)
    this.lengths.push(length)
  }

  /** Where the function and its code have come to lie; counted from the beginning of the code section. */
  endFunction(functionStart: number, codeStart: number): void {
    this.to[this.functionFirst] = functionStart
    for (let i = this.functionFirst + 1; i < this.to.length; i++) this.to[i]! += codeStart
  }

  /** Where the code section has come to lie in the output. */
  endSection(start: number): void {
    for (let i = 0; i < this.to.length; i++) this.to[i]! += start
  }

  /** Undefined before the first function. */
  original(offset: number): number | undefined {
    let low = 0
    let high = this.to.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.to[middle]! <= offset) low = middle + 1
      else high = middle
    }
    if (low === 0) return undefined
    return this.from[low - 1]! + Math.min(offset - this.to[low - 1]!, this.lengths[low - 1]!)
  }
}
