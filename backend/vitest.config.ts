import { defineConfig } from "vitest/config";

// Tests never wait for time to pass; the limits only end what hangs, on slow and busy machines too.
export default defineConfig({
  test: { include: ["**/*.test.ts"], testTimeout: 300_000, hookTimeout: 300_000, maxWorkers: 2 },
});
