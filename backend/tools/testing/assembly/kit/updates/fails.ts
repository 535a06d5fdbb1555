export function fails(n: u32): void {
  const list: Array<u32> = [1, 2, 3];
  assert(list[n] < 3, "the number is too large");
}
