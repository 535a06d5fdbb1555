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

test("a new device comes in with a code from an old one", async ({ person, visitor }) => {
  const ann = await person("codea");
  const old = await ann.context.newPage();
  await ann.authenticator.ready();
  await old.goto(ann.stack.identityUrl);
  await old.getByRole("button", { name: "See your passkeys" }).click();
  await old.getByRole("button", { name: "Add another device" }).click();
  const code = await old.locator("strong[translate=no]").innerText();
  await expectAccessible(old);

  const phone = await visitor();
  const identity = await phone.openIdentity();
  await identity.getByText("Other ways in").click();
  await identity.getByRole("button", { name: "Add this device with a code" }).click();
  await identity.getByRole("textbox", { name: "Code from your other device" }).fill("zzzzz");
  await identity.getByRole("button", { name: "Continue" }).click();
  await expect(identity.getByText("Nobody waits for this code.")).toBeVisible();
  await identity.getByRole("textbox", { name: "Code from your other device" }).fill(` ${code.toUpperCase()} `);
  await identity.getByRole("textbox", { name: "A name for your passkey" }).fill("Phone");
  await identity.getByRole("button", { name: "Continue" }).click();
  const number = identity.getByText(/^\d{6}$/);
  await expect(number).toBeVisible();
  await expectAccessible(identity);

  const right = await number.innerText();
  await old.getByRole("textbox", { name: "Number on the other device" }).fill(right === "000000" ? "111111" : "000000");
  await old.getByRole("button", { name: "Let it in" }).click();
  await expect(old.getByText("That is another number.")).toBeVisible();
  await old.getByRole("textbox", { name: "Number on the other device" }).fill(right);
  await old.getByRole("button", { name: "Let it in" }).click();
  await expect(old.getByRole("listitem")).toHaveCount(2);
  await old.screenshot({ path: "test-results/screenshots/passkeys-desktop.png" });

  const closed = identity.waitForEvent("close");
  await identity.getByRole("button", { name: "Continue with your passkey" }).click();
  await closed;
  await phone.page.getByRole("link", { name: "Me", exact: true }).click();
  await expect(phone.page.getByText(ann.username, { exact: true })).toBeVisible();
});

test("a recovery phrase, once typed from the paper, opens the account on a device without any passkey", async ({ person, visitor }) => {
  const ann = await person("paper");
  const manage = await ann.context.newPage();
  await ann.authenticator.ready();
  await manage.goto(ann.stack.identityUrl);
  await manage.getByRole("button", { name: "See your passkeys" }).click();
  await manage.getByRole("button", { name: "Create a recovery phrase" }).click();
  await expect(manage.getByRole("listitem")).toHaveCount(25);
  await expectAccessible(manage);
  await manage.screenshot({ path: "test-results/screenshots/recovery-phrase-desktop.png" });
  const paper = (await manage.getByRole("listitem").allInnerTexts()).join(" ");
  await manage.getByRole("button", { name: "I have written it down" }).click();
  await manage.getByRole("textbox", { name: "Your number and the 24 words" }).fill(paper.replace(/\w+$/, "zebra zebra"));
  await manage.getByRole("button", { name: "Check and save" }).click();
  await expect(manage.getByText("That is not what was shown.")).toBeVisible();
  await manage.getByRole("textbox", { name: "Your number and the 24 words" }).fill(paper);
  await manage.getByRole("button", { name: "Check and save" }).click();
  await expect(manage.getByText("Your recovery phrase works.")).toBeVisible();

  const lost = await visitor();
  const identity = await lost.openIdentity();
  await identity.getByText("Other ways in").click();
  await identity.getByRole("button", { name: "Use a recovery phrase" }).click();
  await identity.getByRole("textbox", { name: "Your number and the 24 words" }).fill(paper.toUpperCase());
  const closed = identity.waitForEvent("close");
  await identity.getByRole("button", { name: "Continue" }).click();
  await closed;
  await lost.page.getByRole("link", { name: "Me", exact: true }).click();
  await expect(lost.page.getByText(ann.username, { exact: true })).toBeVisible();
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
