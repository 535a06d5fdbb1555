import { Later } from "../../../../../cdk/calls";
import * as ic0 from "../../../../../cdk/ic0";

export function reply_bytes(bytes: Uint8Array): Later {
  ic0.msg_reply_data_append(bytes.dataStart, bytes.byteLength);
  ic0.msg_reply();
}
