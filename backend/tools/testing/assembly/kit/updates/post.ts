import { Principal } from "../../../../../cdk/principal/principal";
import { outbox } from "../state";

export function post(to: Principal, texts: Array<string>): void {
  for (let i = 0; i < texts.length; i++) outbox.enqueue(to, Uint8Array.wrap(String.UTF8.encode(texts[i])));
}
