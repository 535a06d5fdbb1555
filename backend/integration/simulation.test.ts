// People write, edit, react and delete at random while their canisters are stopped, started and upgraded on two
// subnets; in the end all copies of every chat agree with what was done, nothing lost and nothing doubled.

import fc from "fast-check";
import { IDL } from "@dfinity/candid";
import { Principal } from "@dfinity/principal";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectReply } from "../../replica/network/embed.ts";
import { ChatNetwork, messageId, moduleOf, ok, type Person } from "./chat-network.ts";

const PEOPLE = ["ann_anders", "ben_barker", "cat_carter", "dan_dawson"];
const REACTIONS = ["👍", "❤️"];

let network: ChatNetwork;
let people: Person[];
let version = 1;

beforeAll(async () => {
  network = await ChatNetwork.start();
  people = [];
  for (const name of PEOPLE) people.push(await network.person(name));
});
afterAll(() => network.stop());

async function manage(person: Person, method: "stop_canister" | "start_canister"): Promise<void> {
  const arg = new Uint8Array(IDL.encode([IDL.Record({ canister_id: IDL.Principal })], [{ canister_id: person.id }]));
  // Stopping waits for open calls: submitted, not awaited.
  const options = { sender: person.account.local_index, effective: person.id };
  if (method === "stop_canister") await network.net.submit(Principal.managementCanister(), method, arg, options);
  else expectReply(await network.net.update(Principal.managementCanister(), method, arg, options));
}

/** A release of the user canister: the same code with another custom section. */
function release(): Uint8Array {
  version++;
  return Uint8Array.from([...moduleOf("user"), 0, 4, 2, 0x76, 0x40 + (version % 60), version & 0x7f]);
}

interface Sent {
  from: number;
  to: number;
  id: bigint;
  text: string;
  deleted: boolean;
  reactions: Set<string>;
}

const action = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant("send" as const), from: fc.nat(3), to: fc.nat(3), again: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("edit" as const, "delete" as const), pick: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("react" as const), pick: fc.nat(), mine: fc.boolean(), reaction: fc.nat(1) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("stop" as const, "start" as const), who: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("upgrade" as const), subnet: fc.nat(1) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("wait" as const), millis: fc.integer({ min: 1, max: 30_000 }) }) },
);

/** What one person sees of a chat: texts by message id, with the reactions. */
async function copyOf(me: Person, them: Person): Promise<Map<bigint, string>> {
  const copy = new Map<bigint, string>();
  let from = 0;
  for (;;) {
    const result = await me.user.events({ them: them.id, from, ascending: true, max: 100 });
    if (!("Ok" in result) || result.Ok.length === 0) return copy;
    for (const event of result.Ok) {
      from = event.index + 1;
      if (!("Message" in event.kind)) continue;
      const { message_id, content, reactions } = event.kind.Message;
      expect(copy.has(message_id), "a message stands twice").toBe(false);
      const who = reactions.map(({ reaction, users }) => `${reaction}${users.map(String).sort().join()}`).sort();
      copy.set(message_id, `${"Text" in content ? content.Text.text : "∅"}|${who.join()}`);
    }
  }
}

test("copies agree with what was done, whatever was stopped or upgraded meanwhile", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 60, maxLength: 120 }), async (actions) => {
      const stopped = new Set<number>();
      const sent: Sent[] = [];
      const start = async (who: number): Promise<void> => {
        if (stopped.delete(who)) await manage(people[who]!, "start_canister");
      };
      for (const step of actions) {
        if (step.kind === "send") {
          if (step.from === step.to || stopped.has(step.from)) continue;
          const [from, to] = [people[step.from]!, people[step.to]!];
          const message = { from: step.from, to: step.to, id: messageId(), text: `text ${sent.length}`, deleted: false, reactions: new Set<string>() };
          await from.say(to, message.text, { id: message.id });
          if (step.again) await from.say(to, message.text, { id: message.id });
          sent.push(message);
        } else if (step.kind === "edit" || step.kind === "delete") {
          const message = sent[step.pick % Math.max(1, sent.length)];
          if (message === undefined || message.deleted || stopped.has(message.from)) continue;
          const [from, to] = [people[message.from]!, people[message.to]!];
          if (step.kind === "edit") {
            message.text += "!";
            ok(await from.user.edit_message({ them: to.id, message_id: message.id, text: message.text }));
          } else {
            message.deleted = true;
            message.reactions.clear();
            ok(await from.user.delete_message({ them: to.id, message_id: message.id }));
          }
        } else if (step.kind === "react") {
          const message = sent[step.pick % Math.max(1, sent.length)];
          // Only the author: the other side may not have the message yet, or may react to one just deleted.
          if (message === undefined || message.deleted || stopped.has(message.from)) continue;
          const reaction = REACTIONS[step.reaction]!;
          message.reactions.add(reaction);
          ok(await people[message.from]!.user.react({ them: people[message.to]!.id, message_id: message.id, reaction, add: true }));
        } else if (step.kind === "stop") {
          if (stopped.has(step.who)) continue;
          stopped.add(step.who);
          await manage(people[step.who]!, "stop_canister");
          await network.net.tick(3);
        } else if (step.kind === "start") {
          await start(step.who);
        } else if (step.kind === "upgrade") {
          await network.activate(network.localIndexes[step.subnet]!, "user", release(), version);
          // An upgrade ends with a start, whatever it was before.
          for (const who of [...stopped]) if (people[who]!.account.local_index.toText() === network.localIndexes[step.subnet]) await start(who);
          await network.net.settle();
        } else if (step.kind === "wait") {
          await network.net.time.advance(step.millis);
        }
      }
      for (const who of [...stopped]) await start(who);
      // Longer than the longest back-off, in steps, so that every retry comes to its turn.
      for (let i = 0; i < 20; i++) await network.net.time.advance(120_000);
      await network.net.settle();
      for (const message of sent) {
        const [from, to] = [people[message.from]!, people[message.to]!];
        const who = [...message.reactions].map((reaction) => `${reaction}${from.id.toText()}`).sort();
        const expected = `${message.deleted ? "∅" : message.text}|${who.join()}`;
        expect((await copyOf(from, to)).get(message.id), `sender's copy of ${message.text}`).toBe(expected);
        expect((await copyOf(to, from)).get(message.id), `recipient's copy of ${message.text}`).toBe(expected);
      }
    }),
    { numRuns: Number(process.env["PARLEY_CHAT_RUNS"] ?? 5) },
  );
});
