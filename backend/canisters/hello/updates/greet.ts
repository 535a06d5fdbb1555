/** Greets whoever is named. */
export function greet(name: string): string {
  return "Hello, " + name + "!";
}
