// Two people chat directly, three in a group: the main job, in two browsers.

import { expect, expectAccessible, test } from "../fixtures/test.ts";

test("two people write to each other, react, edit, reply and delete", async ({ person }) => {
  const [ann, ben] = await Promise.all([person("anna"), person("benno")]);

  await ann.startChatWith(ben.username);
  await ann.say("Hello from the other side of the subnet");
  await ann.expectTick("Hello from", "Delivered");
  await expect(ben.listItem(ann.username)).toContainText("Hello from");
  await expect(ben.listItem(ann.username).getByLabel("1 unread message")).toBeVisible();
  await ben.screenshot("chat-list-desktop");

  await ben.openChat(ann.username);
  await expect(ben.message("Hello from")).toBeVisible();
  await ben.say("Loud and clear 👋");
  await expect(ann.message("Loud and clear")).toBeVisible();
  await ann.expectTick("Hello from", "Read");

  await ben.act("Hello from", "❤️");
  await expect(ann.message("Hello from").getByRole("button", { name: "❤️, 1 person" })).toBeVisible();

  await ann.act("Hello from", "Edit");
  await ann.composer.fill("Hello from the other subnet");
  await ann.composer.press("Enter");
  await expect(ben.message("Hello from the other subnet")).toContainText("edited");

  await ben.act("Hello from the other subnet", "Reply");
  await ben.say("Which one is the other?");
  await expect(ann.message("Which one is the other?")).toContainText("Hello from the other subnet");
  await ann.screenshot("conversation-desktop");

  await ben.act("Loud and clear", "Delete");
  await ben.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(ann.message("Loud and clear")).toHaveCount(0);
  await expect(ann.message("Message deleted")).toBeVisible();
});

test("three people meet in a group", async ({ person }) => {
  const [ann, ben, cat] = await Promise.all([person("annie"), person("benny"), person("catie")]);

  await Promise.all([ann.callMyself("Annie Lund"), ben.callMyself("Benedikt"), cat.callMyself("Cat Moreau")]);
  await ann.startChatWith(cat.username);
  await ann.say("The new shoes are here. They are a size too small, of course.");
  await ben.startChatWith(cat.username);
  await ben.say("Can you lend me your harness?");
  await ann.createGroup("Climbing on Sunday", [ben, cat]);
  for (const other of [ben, cat]) await other.joinGroup("Climbing on Sunday");
  await ann.say("Train at 8:12 from platform 3. Who brings the rope?");
  await ben.say("Me!");
  await cat.say("And I the coffee ☕");
  for (const one of [ann, ben, cat]) {
    await expect(one.message("And I the coffee")).toBeVisible();
    await expect.poll(() => one.texts()).toEqual(["Train at 8:12 from platform 3. Who brings the rope?", "Me!", "And I the coffee ☕"]);
  }
  await ben.act("And I the coffee", "👍");
  await ann.act("And I the coffee", "👍");
  await expect(cat.message("And I the coffee").getByRole("button", { name: "👍, 2 people" })).toBeVisible();
  await cat.screenshot("group-desktop");
});

test("what is new is read from its beginning, and a quote leads back to where it was said", async ({ person, bot }) => {
  const [ann, ben] = await Promise.all([person("reader"), bot("writer")]);
  const { page } = ann;
  const question = "Where do we meet?";
  const original = page.getByRole("article", { name: `${ben.username}: ${question}`, exact: true });
  const answer = ann.message("By the old bridge.");
  const line = page.getByText("New messages", { exact: true });
  const unread = ann.listItem(ben.username).getByLabel(/^\d+ unread messages$/);
  const them = await ben.find(ann.username);
  const asked = await ben.send(them, question);
  await ann.openChat(ben.username);
  await expect(original).toBeInViewport();

  // Much more than a screen holds, and more than is loaded at once, comes in one go to somebody who looks at the chat.
  await ann.context.setOffline(true);
  await Promise.all(Array.from({ length: 70 }, (_, i) => ben.send(them, `line ${i}${"\n…".repeat(9)}`)));
  await ben.send(them, "By the old bridge.", asked);
  await ann.context.setOffline(false);
  await expect(line).toBeInViewport();
  await expect(original).toBeInViewport();
  await expect(answer).not.toBeInViewport();
  await expect(unread).toBeVisible();

  // Whoever leaves and comes back goes on where they stopped.
  await page.getByRole("link", { name: "Me", exact: true }).click();
  await expect(ann.composer).toHaveCount(0);
  await page.getByRole("link", { name: "Chats", exact: true }).click();
  await ann.openChat(ben.username);
  await expect(line).toBeInViewport();
  await expect(answer).not.toBeInViewport();
  await page.getByRole("button", { name: /new, to the newest message$/ }).click();
  await expect(answer).toBeInViewport();
  await expect(unread).toHaveCount(0);

  // Opened anew it shows the end, and what was quoted is not loaded.
  await page.reload();
  await expect(answer).toBeInViewport();
  await expect(original).toHaveCount(0);
  await answer.getByRole("button", { name: question }).click();
  await expect(original).toBeInViewport();
  await expect(original).toBeFocused();
  await expect(answer).not.toBeInViewport();
  await page.getByRole("button", { name: "To the newest message" }).click();
  await expect(answer).toBeInViewport();

  // News moves what is behind a menu, and leaves the menu open.
  await answer.hover();
  await answer.getByRole("button", { name: "Message actions" }).click();
  await ben.send(them, "And bring a coat.");
  await expect(ann.message("And bring a coat.")).toBeInViewport();
  await expect(answer.getByRole("button", { name: "Copy text" })).toBeVisible();
});

test("hostile text does nothing, breaks nothing, and links are only links", async ({ person }) => {
  const [ann, ben] = await Promise.all([person("evil"), person("good", { viewport: { width: 320, height: 640 } })]);
  const hostile = [
    "<img src=x onerror=alert(1)><script>alert(2)</script>",
    "javascript:alert(3) data:text/html,<script>alert(4)</script>",
    `very ${"long".repeat(2_000)}`,
    `zalgo Z${"\u0335\u0327\u0310\u0301".repeat(60)}`,
    "bidi \u202Egpj.exe\u202C \u2066\u2067 open ended",
    "مرحبا https://example.org/مرحبا?a=b",
  ];
  const dialogs: string[] = [];
  ben.page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  await ann.startChatWith(ben.username);
  for (const text of hostile) {
    await ann.composer.fill(text);
    await ann.composer.press("Enter");
  }
  await ben.openChat(ann.username);
  await expect(ben.page.getByRole("article")).toHaveCount(hostile.length);
  const links = ben.page.getByRole("article").getByRole("link");
  await expect(links).toHaveCount(1);
  await expect(links).toHaveAttribute("rel", /noreferrer/);
  await expect(links).toHaveAttribute("href", /^https:\/\/example\.org\//);
  // Nor does the toolbar of the message that is pointed at.
  await ben.message("javascript:").hover();
  await expect(ben.message("javascript:").getByRole("button", { name: "Message actions" })).toBeVisible();
  expect(await ben.page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
  const wide = await ben.page.getByRole("region", { name: "Messages" }).evaluate((view) => view.scrollWidth - view.clientWidth);
  expect(wide).toBe(0);
  // No text reaches outside its message, however high its letters are piled.
  const overlaps = await ben.page.getByRole("article").evaluateAll((articles) => articles.filter((article, i) => {
    const next = articles[i + 1];
    return next !== undefined && next.getBoundingClientRect().top < article.getBoundingClientRect().bottom;
  }).length);
  expect(overlaps).toBe(0);
  await expectAccessible(ben.page);
  expect(dialogs).toEqual([]);
});
