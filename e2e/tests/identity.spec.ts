// Signing in: one identity, several visits, several origins.

import { expect, test } from "../fixtures/test.ts";

test("a person comes back with the same passkey and finds their account", async ({ person }) => {
  const ann = await person("comer");
  await ann.page.getByRole("link", { name: "Me", exact: true }).click();
  await ann.page.getByRole("button", { name: "Sign out" }).click();
  await ann.page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  const identity = await ann.openIdentity();
  const closed = identity.waitForEvent("close");
  await identity.getByRole("button", { name: "Continue with your passkey" }).click();
  await closed;
  await expect(ann.page.getByRole("heading", { name: "Chats", exact: true })).toBeVisible();
  await ann.page.getByRole("link", { name: "Me", exact: true }).click();
  await expect(ann.page.getByText(ann.username, { exact: true })).toBeVisible();
});

test("a username that somebody has cannot be taken, in any case", async ({ person, visitor }) => {
  const ann = await person("taken");
  const ben = await visitor();
  const identity = await ben.openIdentity();
  await identity.getByRole("button", { name: "Create an identity" }).click();
  await identity.getByRole("textbox", { name: "A name for your passkey" }).fill("Ben");
  const closed = identity.waitForEvent("close");
  await identity.getByRole("button", { name: "Create passkey" }).click();
  await closed;
  await ben.page.getByRole("textbox", { name: "Username" }).fill(ann.username.toUpperCase());
  await expect(ben.page.getByText("Somebody has this name already")).toBeVisible();
});
