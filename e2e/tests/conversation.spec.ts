// Two people chat directly, three in a group: the main job, in two browsers.

import { expect, test } from "../fixtures/test.ts";

test("two people write to each other, react, edit, reply and delete", async ({ person }) => {
  const ann = await person("anna");
  const ben = await person("benno");

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
  const ann = await person("annie");
  const ben = await person("benny");
  const cat = await person("catie");

  await ann.page.getByRole("link", { name: "People", exact: true }).click();
  await ann.page.getByRole("link", { name: "New group" }).click();
  await ann.page.getByRole("textbox", { name: "Group name" }).fill("Climbing on Sunday");
  for (const other of [ben, cat]) {
    await ann.page.getByRole("searchbox").fill(other.username);
    await ann.page.getByRole("button", { name: other.username, exact: true }).click();
  }
  await ann.page.getByRole("button", { name: "Create group" }).click();
  await expect(ann.composer).toBeVisible();

  for (const other of [ben, cat]) {
    await other.listItem("Climbing on Sunday").click();
    await other.page.getByRole("button", { name: "Join group" }).click();
    await expect(other.composer).toBeVisible();
  }
  await ann.say("Who brings the rope?");
  await ben.say("Me!");
  await cat.say("And I the coffee ☕");
  for (const one of [ann, ben, cat]) {
    await expect(one.message("And I the coffee")).toBeVisible();
    await expect.poll(() => one.texts()).toEqual(["Who brings the rope?", "Me!", "And I the coffee ☕"]);
  }
  await ben.act("And I the coffee", "👍");
  await ann.act("And I the coffee", "👍");
  await expect(cat.message("And I the coffee").getByRole("button", { name: "👍, 2 people" })).toBeVisible();
  await cat.screenshot("group-desktop");
});
