// Signing in: one identity, several visits, several origins.

import { expect, expectAccessible, test } from "../fixtures/test.ts";

test("a person comes back with the same passkey and finds their account", async ({ person }) => {
  const ann = await person("comer");
  await ann.page.getByRole("link", { name: "Me", exact: true }).click();
  await ann.page.getByRole("button", { name: "Sign out" }).click();
  await ann.page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  await ann.comeBack();
  await expect(ann.page.getByRole("heading", { name: "Chats", exact: true })).toBeVisible();
  await ann.page.getByRole("link", { name: "Me", exact: true }).click();
  await expect(ann.page.getByText(ann.username, { exact: true })).toBeVisible();
});

test("a username that somebody has cannot be taken, in any case", async ({ person, visitor }) => {
  const ann = await person("taken");
  const ben = await visitor();
  await ben.createIdentity("Ben’s key");
  await ben.page.getByRole("textbox", { name: "Username" }).fill(ann.username.toUpperCase());
  await expect(ben.page.getByText("Somebody has this name already")).toBeVisible();
});

test("a second passkey, on another device, opens the same account", async ({ person, visitor }) => {
  const ann = await person("twodev");
  const manage = await ann.context.newPage();
  await ann.authenticator.ready();
  await manage.goto(ann.stack.identityUrl);
  await manage.getByRole("button", { name: "See your passkeys" }).click();
  await expect(manage.getByRole("listitem")).toHaveCount(1);
  await expectAccessible(manage);
  await ann.authenticator.takeAnotherDevice(manage);
  await manage.getByRole("button", { name: "Add a passkey" }).click();
  await manage.getByRole("textbox", { name: "A name for your passkey" }).fill("Phone");
  await manage.getByRole("button", { name: "Create passkey" }).click();
  await expect(manage.getByRole("listitem")).toHaveCount(2);
  await manage.screenshot({ path: "test-results/screenshots/passkeys-desktop.png" });

  const phone = await visitor();
  for (const [id, credential] of ann.authenticator.credentials) phone.authenticator.credentials.set(id, credential);
  const identity = await phone.openIdentity();
  const closed = identity.waitForEvent("close");
  await identity.getByRole("button", { name: "I have a passkey already" }).click();
  await closed;
  await expect(phone.page.getByRole("heading", { name: "Chats", exact: true })).toBeVisible();
  await phone.page.getByRole("link", { name: "Me", exact: true }).click();
  await expect(phone.page.getByText(ann.username, { exact: true })).toBeVisible();
});

test("two origins get unlinkable principals: the same passkey is nobody yet on the other one", async ({ person, stack }) => {
  const ann = await person("orgin");
  const principalOf = async (): Promise<string> => {
    await ann.page.getByRole("link", { name: "Me", exact: true }).click();
    await ann.page.getByText("Technical details").click();
    return (await ann.page.getByRole("region", { name: "Me" }).innerText()).match(/([a-z0-9]{5}-){10}[a-z0-9]{3}/)![0];
  };
  const here = await principalOf();
  await ann.page.goto(stack.otherOrigin);
  await ann.comeBack();
  await ann.chooseUsername(`${ann.username}_b`);
  expect(await principalOf()).not.toBe(here);
});
