/** An opt whose content is not a nullable reference: `Opt<u64> | null`. */
export class Opt<T> {
  constructor(public value: T) {}
}
