// Gives the caller an account: holds the name, asks the less loaded local index for a user canister, and
// enters both. Nothing is kept when the local index cannot; a repeated call finds what is there.

import { caller, timeMillis } from "../../../cdk/api";
import { Later, Rejection } from "../../../cdk/calls";
import { Principal } from "../../../cdk/principal/principal";
import * as local_index from "../../../generated/local_index/client";
import { CreateUserArgs, CreateUserResultTag } from "../../../generated/local_index/types";
import { reply_register_user } from "../../../generated/user_index/replies";
import { RegisterArgs, RegisterError, RegisterResult, RetryAfter, UsernameError } from "../../../generated/user_index/types";
import { addUser, isTaken, User, userByPrincipal } from "../model/directory";
import { beginRegistration, endRegistration, isCurrent, isReserved, Registration, registrationOf } from "../model/pending";
import { limitRegistration } from "../model/registration-rate";
import { countUser, leastLoaded } from "../model/subnets";
import { usernameFault } from "../model/usernames";
import { currentUserView } from "../model/views";

const ANONYMOUS: u8 = 4;

class Attempt {
  constructor(
    public owner: Uint8Array,
    public registration: Registration,
  ) {}
}

function refuse(error: RegisterError): void {
  reply_register_user(RegisterResult.Err(error));
}

export function register_user(arg: RegisterArgs): Later {
  const owner = caller();
  if (owner.bytes.length == 1 && owner.bytes[0] == ANONYMOUS) return refuse(RegisterError.Anonymous());
  const known = userByPrincipal(owner);
  if (known !== null) return refuse(RegisterError.AlreadyRegistered(currentUserView(known)));
  const fault = usernameFault(arg.username);
  if (fault !== null) return refuse(RegisterError.Username(fault));
  const now = timeMillis();
  const earlier = registrationOf(owner.bytes);
  if (earlier !== null && !earlier.isLost(now)) return refuse(RegisterError.InProgress());
  if (isTaken(arg.username) || isReserved(arg.username, owner.bytes)) {
    return refuse(RegisterError.Username(UsernameError.Taken()));
  }
  const localIndex = leastLoaded();
  if (localIndex === null) return refuse(RegisterError.Unavailable("no subnet takes accounts yet"));
  const waitMillis = limitRegistration();
  if (waitMillis > 0) return refuse(RegisterError.RateLimited(new RetryAfter(waitMillis)));
  if (earlier !== null) {
    endRegistration(owner.bytes, earlier);
    countUser(earlier.localIndex, -1);
  }
  const registration = new Registration();
  registration.localIndex = localIndex;
  registration.username = arg.username;
  registration.since = now;
  beginRegistration(owner.bytes, registration);
  countUser(localIndex, 1);
  const attempt = new Attempt(owner.bytes, registration);
  local_index
    .c2c_create_user(new Principal(localIndex), new CreateUserArgs(owner, arg.username))
    .perform(onCreated, onRejected, attempt);
}

function onCreated(context: Object | null): void {
  const attempt = changetype<Attempt>(context);
  const result = local_index.c2c_create_user_reply();
  if (!isCurrent(attempt.owner, attempt.registration)) return overtaken(attempt);
  if (result.tag == CreateUserResultTag.Err) return fail(attempt, result.as_Err);
  endRegistration(attempt.owner, attempt.registration);
  const user = new User();
  user.principal = attempt.owner;
  user.userId = result.as_Ok.user_id.bytes;
  user.localIndex = attempt.registration.localIndex;
  user.username = attempt.registration.username;
  user.created = timeMillis();
  addUser(user);
  reply_register_user(RegisterResult.Ok(currentUserView(user)));
}

/** The answer came so late that another attempt of the same person has taken over, and with it name and place. */
function overtaken(attempt: Attempt): void {
  const known = userByPrincipal(new Principal(attempt.owner));
  refuse(known === null ? RegisterError.InProgress() : RegisterError.AlreadyRegistered(currentUserView(known)));
}

function onRejected(context: Object | null, rejection: Rejection): void {
  fail(changetype<Attempt>(context), rejection.message);
}

function fail(attempt: Attempt, reason: string): void {
  if (!isCurrent(attempt.owner, attempt.registration)) return overtaken(attempt);
  endRegistration(attempt.owner, attempt.registration);
  countUser(attempt.registration.localIndex, -1);
  reply_register_user(RegisterResult.Err(RegisterError.Unavailable(reason)));
}
