// What a deployment shows while it works: one line a step, with its time.

export class Progress {
  private readonly colour = process.stdout.isTTY === true && process.env["NO_COLOR"] === undefined;

  private paint(code: number, text: string): string {
    return this.colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  }

  async step<T>(title: string, work: () => Promise<T>): Promise<T> {
    if (process.stdout.isTTY) process.stdout.write(`  ${this.paint(2, "…")} ${title}`);
    const began = performance.now();
    try {
      const result = await work();
      const seconds = `${((performance.now() - began) / 1000).toFixed(1)} s`;
      this.line(`  ${this.paint(32, "✓")} ${title} ${this.paint(2, seconds)}`);
      return result;
    } catch (error) {
      this.line(`  ${this.paint(31, "✗")} ${title}`);
      throw error;
    }
  }

  line(text: string): void {
    if (process.stdout.isTTY) process.stdout.write("\r\u001b[K");
    console.log(text);
  }
}
