import { Later, Rejection } from "../../../../../cdk/calls";
import { Principal } from "../../../../../cdk/principal/principal";
import * as kit from "../../../../../generated/kit/client";
import { reply_greetings } from "../../../../../generated/kit/replies";

class Answers {
  open: i32;
  constructor(public texts: Array<string>) { this.open = texts.length; }
}

class Place {
  constructor(public all: Answers, public index: i32) {}
}

export function greetings(others: Array<Principal>): Later {
  const all = new Answers(new Array<string>(others.length).fill(""));
  for (let i = 0; i < others.length; i++) kit.greeting(others[i]).perform(onGreeting, onNoGreeting, new Place(all, i));
  if (others.length == 0) reply_greetings([]);
}

function done(place: Place, text: string): void {
  place.all.texts[place.index] = text;
  if (--place.all.open == 0) reply_greetings(place.all.texts);
}

function onGreeting(context: Object | null): void { done(changetype<Place>(context), kit.greeting_reply()); }
function onNoGreeting(context: Object | null, rejection: Rejection): void { done(changetype<Place>(context), "code " + (<i32>rejection.code).toString()); }
