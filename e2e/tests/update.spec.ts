// A new version of the app comes when the person says so, and takes nothing from them.

import { expect, expectAccessible, test } from "../fixtures/test.ts";

test("a new version waits for a word, and keeps what is being written", async ({ person, stack }) => {
  const [ann, ben] = await Promise.all([person("upda"), person("updb")]);
  await ann.startChatWith(ben.username);
  await ann.say("before the update");
  await ann.expectTick("before the update", "Delivered");
  await ann.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  const release = ann.page.locator('meta[name="release"]');

  await stack.stop();
  stack.releaseNewVersion("two");
  await stack.start();
  await ann.page.reload();
  const bar = ann.page.getByText("A new version is ready.");
  await expect(bar).toBeVisible();
  await expect(release).toHaveCount(0);
  await expectAccessible(ann.page);
  await ann.screenshot("update-desktop");
  await ann.composer.fill("half a sen");

  await ann.page.getByRole("button", { name: "Later" }).click();
  await expect(bar).toBeHidden();
  await ann.page.reload();
  await expect(bar).toBeVisible();
  await expect(ann.composer).toHaveValue("half a sen");

  // A page that is never done asking does not keep the old version.
  await ann.page.evaluate(() => void setInterval(() => void fetch("/api/v2/status"), 5));
  await ann.page.getByRole("button", { name: "Update" }).click();
  await expect(release).toHaveAttribute("content", "two");
  await expect(ann.composer).toHaveValue("half a sen");
  await expect(ann.message("before the update")).toBeVisible();
  await expect(bar).toBeHidden();
  await ann.say("half a sentence, now whole");
  await ann.expectTick("now whole", "Delivered");
});
