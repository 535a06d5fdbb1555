import { caller } from "../../../../../cdk/api";
import { Batch, C2cDeliverResult } from "../../../../../generated/kit/types";
import { inbox, texts } from "../state";

export function c2c_deliver(batch: Batch): C2cDeliverResult {
  const sender = caller();
  const list = batch.envelopes;
  for (let i = <i32>inbox.accept(sender, batch.first, list.length); i < list.length; i++) {
    texts.insert(<u32>texts.size, String.UTF8.decodeUnsafe(list[i].dataStart, list[i].length));
  }
  return new C2cDeliverResult(inbox.next(sender));
}
