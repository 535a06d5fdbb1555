/** What a person sees when a canister's page cannot be shown. No scripts, no outside references. */

export interface GatewayProblem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character]!);
}

export function errorPage(problem: GatewayProblem, canisterId: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(problem.title)}</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 15vh auto 0; padding: 0 1.5rem; }
  h1 { font-size: 1.4rem; }
  code, pre { font: 0.9rem/1.4 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
  .muted { opacity: 0.7; }
</style>
<main>
  <h1>${escape(problem.title)}</h1>
  <pre>${escape(problem.detail)}</pre>
  <p class="muted">Canister <code>${escape(canisterId)}</code></p>
</main>
</html>
`;
}
