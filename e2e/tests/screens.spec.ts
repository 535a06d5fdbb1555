// Every screen: no accessibility violation in either theme, and pictures of it on a phone and on a desktop.

import { PHONE } from "../fixtures/person.ts";
import { expect, expectAccessible, test } from "../fixtures/test.ts";

for (const colorScheme of ["light", "dark"] as const) {
  test(`first minutes on a phone, ${colorScheme}`, async ({ visitor, person }) => {
    const options = { viewport: PHONE, hasTouch: true, isMobile: true, colorScheme };
    const ann = await visitor(options);
    await expect(ann.page.getByRole("button", { name: "Continue with a passkey" })).toBeVisible();
    await expectAccessible(ann.page);
    await ann.screenshot(`welcome-phone-${colorScheme}`);

    const identity = await ann.openIdentity();
    await expect(identity.getByRole("button", { name: "Create an identity" })).toBeVisible();
    await expectAccessible(identity);
    await identity.screenshot({ path: `test-results/screenshots/identity-phone-${colorScheme}.png` });
    await identity.close();
    await expect(ann.page.getByText("The sign-in window was closed.")).toBeVisible();

    const ben = await visitor(options);
    await ben.createIdentity("Phone");
    await expect(ben.page.getByRole("textbox", { name: "Username" })).toBeVisible();
    await expectAccessible(ben.page);
    await ben.screenshot(`username-phone-${colorScheme}`);
    await ben.chooseUsername(`ben_${colorScheme}`);
    await expect(ben.page.getByText("No chats yet")).toBeVisible();
    await expectAccessible(ben.page);
    await ben.screenshot(`empty-phone-${colorScheme}`);

    const cat = await person(`other${colorScheme[0]}`, { colorScheme });
    await ben.startChatWith(cat.username);
    await expectAccessible(ben.page);
    await ben.say("Are you there?");
    await cat.openChat(ben.username);
    await cat.say("Always 🙂");
    await cat.say("Shall we try the new place by the river tonight? They have a table outside.");
    await expect(ben.message("new place by the river")).toBeVisible();
    await ben.say("Yes! Seven?");
    await expectAccessible(ben.page);
    await ben.screenshot(`conversation-phone-${colorScheme}`);
    await ben.page.getByRole("button", { name: "Back" }).or(ben.page.getByRole("link", { name: "Back" })).first().click();
    await expect(ben.listItem(cat.username)).toBeVisible();
    await expectAccessible(ben.page);
    await ben.screenshot(`chat-list-phone-${colorScheme}`);

    await ben.page.getByRole("link", { name: "People", exact: true }).click();
    await ben.page.getByRole("searchbox", { name: "Search by username" }).fill(cat.username);
    await expect(ben.page.getByRole("button", { name: cat.username })).toBeVisible();
    await expectAccessible(ben.page);
    await ben.screenshot(`people-phone-${colorScheme}`);
    await ben.page.getByRole("link", { name: "New group" }).click();
    await ben.page.getByRole("textbox", { name: "Group name" }).fill("River");
    await expectAccessible(ben.page);
    await ben.page.getByRole("button", { name: "Create group" }).click();
    await expect(ben.composer).toBeVisible();
    await ben.page.getByRole("button", { name: "Details" }).click();
    await expect(ben.page.getByRole("button", { name: "Leave group" })).toBeVisible();
    await expectAccessible(ben.page);
    await ben.screenshot(`details-phone-${colorScheme}`);
    await ben.page.goto(ben.stack.url);
    await ben.page.getByRole("link", { name: "Me", exact: true }).click();
    await expect(ben.page.getByRole("heading", { name: "Me", exact: true })).toBeVisible();
    await expectAccessible(ben.page);
    await ben.screenshot(`me-phone-${colorScheme}`);
    await expectAccessible(cat.page);
    await cat.screenshot(`conversation-desktop-${colorScheme}`);
  });
}
