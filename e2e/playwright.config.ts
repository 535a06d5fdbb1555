import { defineConfig } from "@playwright/test";
import { chromiumOptions } from "./fixtures/chromium.ts";

export default defineConfig({
  testDir: "tests",
  outputDir: "test-results/output",
  // One network for all: tests register their own people, so they do not meet.
  workers: 1,
  fullyParallel: false,
  retries: 0,
  // Limits only end what hangs: nothing here is measured, and a busy machine may be ten times slower.
  timeout: 300_000,
  expect: { timeout: 45_000 },
  reporter: [["list"], ["json", { outputFile: process.env["PLAYWRIGHT_JSON_OUTPUT_NAME"] ?? "test-results/report.json" }]],
  use: {
    browserName: "chromium",
    launchOptions: chromiumOptions(),
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
    actionTimeout: 45_000,
    navigationTimeout: 90_000,
    locale: "en-GB",
    timezoneId: "Europe/Zurich",
  },
});
