// What the network shows of itself, in a real browser and while people use it.

import { expect, expectAccessible, test } from "../fixtures/test.ts";

test("the dashboard shows subnets and canisters, live while messages are sent", async ({ person, stack, browser }) => {
  const [ann, ben] = await Promise.all([person("dasha"), person("dashb")]);
  await ann.startChatWith(ben.username);
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${stack.port}/_/dashboard`);
  await expect(page.getByText(/system/i).first()).toBeVisible();
  const heights = async (): Promise<number> => {
    const metrics = await (await page.request.get(`http://127.0.0.1:${stack.port}/metrics`)).text();
    return metrics
      .split("\n")
      .filter((line) => /^\w*height\w*(\{|\s)/.test(line))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  };
  const before = await heights();
  expect(before).toBeGreaterThan(0);
  // What somebody selects, points at or has opened stays while figures change.
  const row = page.locator("#canisters tr").first();
  await row.getByRole("button").click();
  await expect(page.locator("#canisters tr.detail")).toHaveCount(1);
  const kept = await row.elementHandle();
  const shown = await page.locator("body").innerText();
  for (let i = 0; i < 5; i++) await ann.say(`load ${i}`);
  await ann.expectTick("load 4", "Delivered");
  await expect.poll(heights).toBeGreaterThan(before);
  await expect.poll(() => page.locator("body").innerText()).not.toBe(shown);
  expect(await kept!.evaluate((node) => node.isConnected)).toBe(true);
  await expect(row.getByRole("button")).toBeFocused();
  await page.locator("#filter").fill("no such");
  await expect(page.getByText("No canister matches")).toBeVisible();
  await page.locator("#filter").fill("");
  await row.getByRole("button").click();
  await expect(page.locator("#canisters tr.detail")).toHaveCount(0);
  await expectAccessible(page);
  await page.screenshot({ path: "test-results/screenshots/dashboard-desktop.png" });
  // On a phone every figure of a canister is on the screen, not to the right of it.
  await page.setViewportSize({ width: 390, height: 844 });
  await row.scrollIntoViewIfNeeded();
  for (const figure of await row.locator("td").all()) await expect(figure).toBeInViewport({ ratio: 1 });
  await expectAccessible(page);
  await page.screenshot({ path: "test-results/screenshots/dashboard-phone.png" });
  await context.close();
});
