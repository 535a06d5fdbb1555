import { InternetIdentityInit } from "../../../generated/internet_identity/types";
import { certifyNothing } from "../model/delegation";
import { init } from "./init";

export function post_upgrade(arg: InternetIdentityInit | null): void {
  init(arg);
  certifyNothing();
}
