// One person in several tabs, several people on one device, and the keyboard alone.

import { expect, expectAccessible, test } from "../fixtures/test.ts";

test("two tabs of one person agree, and either sends when the other is gone", async ({ person }) => {
  const [ann, ben] = await Promise.all([person("tabs_a"), person("tabs_b")]);
  await ann.startChatWith(ben.username);
  await ann.say("from the first tab");
  const first = ann.page;
  const second = await ann.context.newPage();
  await second.goto(first.url());
  ann.page = second;
  await expect(ann.message("from the first tab")).toBeVisible();
  await ann.say("from the second tab");
  await expect(first.getByRole("article").filter({ hasText: "from the second tab" })).toBeVisible();
  await ann.expectTick("from the second tab", "Delivered");
  // The first tab was the one that talked to the network.
  await first.close();
  await ann.say("the first tab is gone");
  await ann.expectTick("the first tab is gone", "Delivered");
  await ben.openChat(ann.username);
  await expect.poll(() => ben.texts()).toEqual(["from the first tab", "from the second tab", "the first tab is gone"]);
  await ben.say("I hear you");
  await expect(ann.message("I hear you")).toBeVisible();
});

test("a reload in the middle of sending loses and doubles nothing, and each chat keeps its draft", async ({ person }) => {
  const [ann, ben, cat] = await Promise.all([person("draft_a"), person("draft_b"), person("draft_c")]);
  await ann.startChatWith(ben.username);
  await ann.composer.fill("sent, and reloaded at once");
  await ann.composer.press("Enter");
  await ann.page.reload();
  await ann.expectTick("sent, and reloaded at once", "Delivered");

  await ann.composer.fill("a thought for ben");
  await ann.startChatWith(cat.username);
  await ann.composer.pressSequentially("a thought ");
  await ann.context.setOffline(true);
  await ann.composer.pressSequentially("for cat");
  await ann.openChat(ben.username);
  await expect(ann.composer).toHaveValue("a thought for ben");
  await expect(ann.listItem(cat.username)).toContainText("Draft: a thought for cat");
  await expectAccessible(ann.page);
  await ann.context.setOffline(false);
  await ann.composer.press("Enter");
  await ann.expectTick("a thought for ben", "Delivered");
  await ann.openChat(cat.username);
  await expect(ann.composer).toHaveValue("a thought for cat");
  await ben.openChat(ann.username);
  await expect.poll(() => ben.texts()).toEqual(["sent, and reloaded at once", "a thought for ben"]);
});

test("signing out leaves nothing of a person to whoever signs in next on the same browser", async ({ person }) => {
  const [ann, ben] = await Promise.all([person("leave_a"), person("leave_b")]);
  await ann.startChatWith(ben.username);
  await ann.say("for your eyes only");
  await ann.expectTick("for your eyes only", "Delivered");
  await ann.composer.fill("an unfinished secret");
  await ann.page.getByRole("link", { name: "Me", exact: true }).click();
  await ann.page.getByRole("button", { name: "Sign out" }).click();
  await ann.page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();

  const identity = await ann.openIdentity();
  const closed = identity.waitForEvent("close");
  await identity.getByRole("button", { name: "Create a new identity" }).click();
  await identity.getByRole("textbox", { name: "A name for your passkey" }).fill("Somebody else");
  await identity.getByRole("button", { name: "Create passkey" }).click();
  await closed;
  const former = ann.username;
  await ann.chooseUsername(`${former}_2`);
  await expect(ann.page.getByText("No chats yet")).toBeVisible();
  const kept = await ann.page.evaluate(async () => {
    const rows: unknown[] = [Object.entries(localStorage)];
    for (const { name = "" } of await indexedDB.databases()) {
      const db = await new Promise<IDBDatabase>((resolve, reject) => {
        const opening = indexedDB.open(name);
        opening.onsuccess = () => resolve(opening.result);
        opening.onerror = () => reject(opening.error ?? new Error(name));
      });
      for (const store of db.objectStoreNames) {
        rows.push(
          await new Promise((resolve) => {
            const reading = db.transaction(store).objectStore(store).getAll();
            reading.onsuccess = () => resolve(reading.result);
          }),
        );
      }
      db.close();
    }
    return JSON.stringify(rows, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value));
  });
  expect(kept).toContain(`${former}_2`);
  for (const secret of ["for your eyes only", "an unfinished secret", ben.username, `"${former}"`]) expect(kept).not.toContain(secret);
});

test("the main flow works by keyboard alone, and what arrives is announced", async ({ person }) => {
  const [ann, ben] = await Promise.all([person("keys_a"), person("keys_b")]);
  const { keyboard } = ann.page;
  const tabTo = async (name: string | RegExp, role: "button" | "link" | "searchbox" | "textbox"): Promise<void> => {
    const target = ann.page.getByRole(role, { name }).first();
    for (let i = 0; i < 40 && !(await target.evaluate((element) => element === document.activeElement)); i++) await keyboard.press("Tab");
    await expect(target).toBeFocused();
  };
  await tabTo("New chat", "button");
  await keyboard.press("Enter");
  await expect(ann.page.getByRole("searchbox", { name: "Search by username" })).toBeFocused();
  await keyboard.type(ben.username);
  await expect(ann.page.getByRole("button", { name: ben.username })).toBeVisible();
  await tabTo(ben.username, "button");
  await keyboard.press("Enter");
  await expect(ann.composer).toBeFocused();
  await keyboard.type("typed, never clicked");
  await keyboard.press("Enter");
  await ann.expectTick("typed, never clicked", "Delivered");
  await keyboard.press("ArrowUp");
  await expect(ann.page.getByText("Editing", { exact: true })).toBeVisible();
  await keyboard.press("Escape");
  await expect(ann.page.getByText("Editing", { exact: true })).toHaveCount(0);

  await keyboard.press("Shift+Tab");
  const actions = ann.message("typed, never clicked").getByRole("button", { name: "Message actions" });
  await expect(actions).toBeFocused();
  await keyboard.press("Enter");
  await expect(ann.page.getByRole("button", { name: "👍" })).toBeFocused();
  await expectAccessible(ann.page);
  await keyboard.press("Escape");
  await expect(actions).toBeFocused();

  await tabTo("Details", "button");
  await keyboard.press("Enter");
  const block = ann.page.getByRole("button", { name: `Block ${ben.username}` });
  await tabTo(`Block ${ben.username}`, "button");
  await keyboard.press("Enter");
  await expect(ann.page.getByRole("dialog")).toBeVisible();
  await expectAccessible(ann.page);
  await keyboard.press("Escape");
  await expect(block).toBeFocused();
  await keyboard.press("Escape");
  await expect(ann.page.getByRole("region", { name: "Details" })).toHaveCount(0);
  await expect(ann.page.getByRole("button", { name: "Details", exact: true })).toBeFocused();

  await ben.openChat(ann.username);
  await ben.say("heard, not only seen");
  await expect(ann.page.locator("[aria-live=polite]").filter({ hasText: `${ben.username}: heard, not only seen` })).toBeAttached();
});
