// What is written is sent once and in order, whatever happens to the network, the tab or the servers.

import { expect, test } from "../fixtures/test.ts";

test("messages written offline wait, and go in order when the network is back", async ({ person }) => {
  const [ann, ben] = await Promise.all([person("offla"), person("offlb")]);
  await ann.startChatWith(ben.username);
  await ann.say("online");
  await ann.expectTick("online", "Delivered");

  await ann.context.setOffline(true);
  const written = ["first while offline", "second while offline", "third while offline"];
  for (const text of written) {
    await ann.say(text);
    await ann.expectTick(text, "Waiting to be sent");
  }
  await ann.screenshot("offline-desktop");
  await ann.context.setOffline(false);
  for (const text of written) await ann.expectTick(text, "Delivered");
  await ben.openChat(ann.username);
  await expect.poll(() => ben.texts()).toEqual(["online", ...written]);
});

test("a closed tab loses nothing: the message goes out when the app is opened again", async ({ person }) => {
  const [ann, ben] = await Promise.all([person("tabba"), person("tabbb")]);
  await ann.startChatWith(ben.username);
  await ann.say("before");
  await ann.expectTick("before", "Delivered");
  await ann.context.setOffline(true);
  await ann.say("written, then the tab was closed");
  await ann.page.close();
  await ann.context.setOffline(false);
  ann.page = await ann.context.newPage();
  await ann.page.goto(ann.stack.url);
  await ben.openChat(ann.username);
  await expect(ben.message("written, then the tab was closed")).toHaveCount(1);
  await expect.poll(() => ben.texts()).toEqual(["before", "written, then the tab was closed"]);
});

test("the app opens and reads with no network at all", async ({ person }) => {
  const [ann, ben] = await Promise.all([person("reada"), person("readb")]);
  await ann.startChatWith(ben.username);
  await ann.say("to be read on a mountain");
  await ann.expectTick("to be read", "Delivered");
  await ann.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await ann.context.setOffline(true);
  await ann.page.reload();
  await expect(ann.message("to be read on a mountain")).toBeVisible();
});

test("a kill -9 of the network in mid-conversation loses and doubles nothing", async ({ person, stack }) => {
  const [ann, ben] = await Promise.all([person("killa"), person("killb")]);
  await ann.startChatWith(ben.username);
  await ann.say("one");
  await ann.say("two");
  await ann.expectTick("two", /^(Sent|Delivered)$/);
  await stack.killReplica();
  await ann.say("three, into the void");
  await ann.expectTick("three", "Waiting to be sent");
  await stack.start();
  await ann.expectTick("three", "Delivered");
  await ben.openChat(ann.username);
  await expect.poll(() => ben.texts()).toEqual(["one", "two", "three, into the void"]);
  await ben.say("all here");
  await expect(ann.message("all here")).toBeVisible();
});
