// Who people are to each other: names, roles, blocking.

import { expect, expectAccessible, test } from "../fixtures/test.ts";

test("a display name is shown to others, with the username beneath it", async ({ person }) => {
  const [ann, ben] = await Promise.all([person("namea"), person("nameb")]);
  await ann.callMyself("Ann of Green Gables");
  // The directory hears of it a moment later, and then finds her so.
  await ben.page.getByRole("link", { name: "People", exact: true }).click();
  const search = ben.page.getByRole("searchbox", { name: "Search by username" });
  await expect(async () => {
    await search.fill("");
    await search.fill(ann.username);
    await expect(ben.page.getByRole("button", { name: `Ann of Green Gables @${ann.username}` })).toBeVisible({ timeout: 10_000 });
  }).toPass();
  await ben.page.getByRole("link", { name: "Chats", exact: true }).click();
  await ann.startChatWith(ben.username);
  await ann.say("Guess who");

  await ben.openChat("Ann of Green Gables");
  await expect(ben.page.getByRole("heading", { name: "Ann of Green Gables" })).toBeVisible();
  await expect(ben.page.getByRole("button", { name: `@${ann.username}` })).toBeVisible();
});

test("who is blocked reaches nobody until unblocked, and is not told", async ({ person }) => {
  const [ann, ben] = await Promise.all([person("blocka"), person("blockb")]);
  await ann.startChatWith(ben.username);
  await ann.say("hello");
  await ben.openChat(ann.username);
  await ben.say("hello you");
  await expect(ann.message("hello you")).toBeVisible();

  await ann.page.getByRole("button", { name: "Details", exact: true }).click();
  await ann.page.getByRole("button", { name: `Block ${ben.username}` }).click();
  await ann.page.getByRole("dialog").getByRole("button", { name: "Block", exact: true }).click();
  await expect(ann.page.getByText(`You have blocked ${ben.username}.`)).toBeVisible();
  await expect(ann.composer).toHaveCount(0);
  await expectAccessible(ann.page);
  await ben.say("are you angry?");
  await ben.expectTick("are you angry?", "Sent");

  await ann.page.getByRole("button", { name: "Unblock", exact: true }).click();
  await expect(ann.composer).toBeVisible();
  await ben.say("and now?");
  await expect(ann.message("and now?")).toBeVisible();
  await expect.poll(() => ann.texts()).toEqual(["hello", "hello you", "and now?"]);

  // What was written meanwhile shows that it was not delivered, and can be sent again.
  await ben.expectTick("are you angry?", "Not sent");
  await expectAccessible(ben.page);
  await ben.message("are you angry?").getByRole("button", { name: "Try again" }).click();
  await ben.expectTick("are you angry?", /^(Delivered|Read)$/);
  await expect.poll(() => ann.texts()).toEqual(["hello", "hello you", "and now?", "are you angry?"]);
  await expect.poll(() => ben.texts()).toEqual(["hello", "hello you", "are you angry?", "and now?"]);
});

test("a group is renamed, roles change, members are removed and leave", async ({ person }) => {
  const [ann, ben, cat] = await Promise.all([person("rolea"), person("roleb"), person("rolec")]);
  await ann.createGroup("Climbing", [ben, cat]);
  for (const other of [ben, cat]) await other.joinGroup("Climbing");
  const manage = async (who: string, action: string): Promise<void> => {
    await ann.page.getByRole("button", { name: `Actions for ${who}` }).click();
    await ann.page.getByRole("menuitem", { name: action }).click();
  };

  await ann.page.getByRole("button", { name: "Details", exact: true }).click();
  await ann.page.getByRole("button", { name: "Edit group" }).click();
  await ann.page.getByRole("dialog").getByRole("textbox", { name: "Group name" }).fill("Bouldering");
  await ann.page.getByRole("dialog").getByRole("textbox", { name: "What it is about" }).fill("Mondays, rain or shine");
  await ann.page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(ben.page.getByRole("heading", { name: "Bouldering" })).toBeVisible();

  await expect(ann.page.getByRole("list", { name: "Members" }).getByRole("listitem")).toHaveCount(3);
  await manage(ben.username, "Make admin");
  await expect(ben.timeline.getByText(`${ann.username} made you admin`)).toBeVisible();
  await expect(ben.listItem("Bouldering")).toContainText(`${ann.username} made you admin`);
  await ben.page.getByRole("button", { name: "Details", exact: true }).click();
  await expect(ben.page.getByText("Mondays, rain or shine")).toBeVisible();
  await expect(ben.page.getByRole("button", { name: "Edit group" })).toBeVisible();
  await expectAccessible(ann.page);
  await ann.screenshot("group-details-desktop");

  // Reading on both sides does not bring the old name back.
  for (const one of [ann, ben]) await expect(one.page.getByRole("heading", { name: "Bouldering" }).first()).toBeVisible();

  await manage(cat.username, "Remove from the group");
  await ann.page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(cat.page.getByText("You are not in this group any more.")).toBeVisible();

  await ann.page.getByRole("button", { name: "Leave group" }).click();
  await ann.page.getByRole("dialog").getByRole("button", { name: "Leave group" }).click();
  await expect(ann.page.getByText("You are the last owner.")).toBeVisible();
  await manage(ben.username, "Make owner");
  await expect(ben.timeline.getByText(`${ann.username} made you owner`)).toBeVisible();
  await ann.page.getByRole("button", { name: "Leave group" }).click();
  await ann.page.getByRole("dialog").getByRole("button", { name: "Leave group" }).click();
  await expect(ann.page.getByRole("list", { name: "Chats" }).getByRole("link")).toHaveCount(0);
  await expect(ben.timeline.getByText(`${ann.username} left`)).toBeVisible();
});
