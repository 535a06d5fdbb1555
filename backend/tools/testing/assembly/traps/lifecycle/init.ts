export function init(failing: bool): void {
  if (failing) throw new Error("as asked");
}
