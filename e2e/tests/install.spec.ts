// The app as something to keep on a home screen.

import { expect, test } from "../fixtures/test.ts";

test("the browser finds nothing that stands in the way of installing the app", async ({ visitor }) => {
  const ann = await visitor();
  await ann.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  const browser = await ann.context.newCDPSession(ann.page);
  const { errors } = await browser.send("Page.getAppManifest");
  expect(errors).toEqual([]);
  const { installabilityErrors } = await browser.send("Page.getInstallabilityErrors");
  // Every context of these tests is a private window, where browsers never install.
  expect(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== "in-incognito")).toEqual([]);
});
