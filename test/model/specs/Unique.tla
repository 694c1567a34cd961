------------------------------- MODULE Unique --------------------------------
(* The lock of unique tasks: of one key at most one task is there.

   What the code does: lib/dispatcher/publishing/unique-publisher.ts claims the
   key with a token of this publish before it sends the task, holds it once the
   broker has the task, and frees it where the publish failed;
   lib/worker/gates/unique-gate.ts frees it when the task has ended, before the
   delivery is acknowledged. Each of these compares the token, the fence: what
   has expired, and is another's by now, stays the other's.

   A publish of which nobody knows what became (its confirm was lost) frees the
   key as well: rather two tasks than none. Such a task runs without its key, as
   one does whose key has expired; the invariants speak of tasks whose publishers
   know that they were taken. *)
EXTENDS Naturals, FiniteSets, TLC

CONSTANTS
  Tasks,
  MaxExpired,
  MaxFaults,
  Mistake      \* "none", or what is done wrong on purpose

VARIABLES
  key,         \* in the shared state: whose token is in it, and as what
  publisher,   \* of each task
  told,        \* whose the key is, to publishers that were refused
  task,        \* where each is
  worker,      \* what the worker of each does
  left,        \* the tasks that hold none any more: their key ran out, or they had ended, and only their acknowledgement was lost
  expired,
  faults

vars == <<key, publisher, told, task, worker, left, expired, faults>>

Free == [who |-> "nobody", state |-> "free"]

Init ==
  /\ key = Free
  /\ publisher = [t \in Tasks |-> "new"]
  /\ told = [t \in Tasks |-> "nobody"]
  /\ task = [t \in Tasks |-> "nowhere"]
  /\ worker = [t \in Tasks |-> "idle"]
  /\ left = {}
  /\ expired = 0
  /\ faults = 0

----------------------------------------------------------------------------
(* The publisher. *)

Claim(t) ==
  /\ publisher[t] = "new"
  /\ key = Free \/ Mistake = "claimed-over-another"
  /\ key' = [who |-> t, state |-> "publishing"]
  /\ publisher' = [publisher EXCEPT ![t] = "claimed"]
  /\ UNCHANGED <<told, task, worker, left, expired, faults>>

(* Told whose it is; who finds that one still publishing looks again instead. *)
Refuse(t) ==
  /\ publisher[t] = "new" /\ key # Free /\ (key.state # "publishing" \/ Mistake = "refused-undecided")
  /\ publisher' = [publisher EXCEPT ![t] = "refused"]
  /\ told' = [told EXCEPT ![t] = key.who]
  /\ UNCHANGED <<key, task, worker, left, expired, faults>>

Send(t) ==
  /\ publisher[t] = "claimed" /\ task[t] = "nowhere"
  /\ task' = [task EXCEPT ![t] = "sending"]
  /\ UNCHANGED <<told, key, publisher, worker, left, expired, faults>>

Arrive(t) ==
  /\ task[t] = "sending"
  /\ task' = [task EXCEPT ![t] = "queued"]
  /\ UNCHANGED <<told, key, publisher, worker, left, expired, faults>>

Confirmed(t) ==
  /\ publisher[t] = "claimed" /\ task[t] \notin {"nowhere", "sending", "lost"}
  /\ publisher' = [publisher EXCEPT ![t] = "accepted"]
  /\ UNCHANGED <<told, key, task, worker, left, expired, faults>>

(* Where a fast worker has freed it already, nothing is to be held. *)
Hold(t) ==
  /\ publisher[t] = "accepted"
  /\ publisher' = [publisher EXCEPT ![t] = "told"]
  /\ key' = IF key = [who |-> t, state |-> "publishing"] THEN [key EXCEPT !.state = "held"] ELSE key
  /\ UNCHANGED <<told, task, worker, left, expired, faults>>

(* The publish failed, or nobody knows. *)
Fail(t) ==
  /\ publisher[t] = "claimed" /\ task[t] # "nowhere"
  /\ publisher' = [publisher EXCEPT ![t] = "failing"]
  /\ UNCHANGED <<told, key, task, worker, left, expired, faults>>

Freed(t) == IF key.who = t \/ Mistake = "freed-without-fence" THEN Free ELSE key

FreeFailed(t) ==
  /\ publisher[t] = "failing"
  /\ key' = Freed(t)
  /\ publisher' = [publisher EXCEPT ![t] = "failed"]
  /\ UNCHANGED <<told, task, worker, left, expired, faults>>

----------------------------------------------------------------------------
(* Its worker. *)

Start(t) ==
  /\ task[t] = "queued"
  /\ task' = [task EXCEPT ![t] = "held"]
  /\ worker' = [worker EXCEPT ![t] = "entering"]
  /\ UNCHANGED <<told, key, publisher, left, expired, faults>>

(* Where its key has expired and nobody has it, it is held again. *)
Enter(t) ==
  /\ worker[t] = "entering"
  /\ key' = IF key.who = t \/ key = Free THEN [who |-> t, state |-> "started"] ELSE key
  /\ left' = IF key = Free THEN left \ {t} ELSE left
  /\ worker' = [worker EXCEPT ![t] = "running"]
  /\ UNCHANGED <<told, publisher, task, expired, faults>>

End(t) ==
  /\ worker[t] = "running"
  /\ worker' = [worker EXCEPT ![t] = "leaving"]
  /\ UNCHANGED <<told, key, publisher, task, left, expired, faults>>

FreeEnded(t) ==
  /\ worker[t] = "leaving" \/ (Mistake = "freed-at-start" /\ worker[t] = "running")
  /\ key' = Freed(t)
  /\ worker' = [worker EXCEPT ![t] = IF @ = "leaving" THEN "freed" ELSE @]
  /\ left' = IF worker[t] = "leaving" THEN left \cup {t} ELSE left
  /\ UNCHANGED <<told, publisher, task, expired, faults>>

Ack(t) ==
  /\ worker[t] = "freed" \/ (Mistake = "ack-before-freed" /\ worker[t] = "leaving")
  /\ task' = [task EXCEPT ![t] = "acked"]
  /\ worker' = [worker EXCEPT ![t] = "idle"]
  /\ UNCHANGED <<told, key, publisher, left, expired, faults>>

----------------------------------------------------------------------------
(* Faults. *)

Fault == faults < MaxFaults /\ faults' = faults + 1

DieWorker(t) ==
  /\ Fault /\ worker[t] # "idle"
  /\ worker' = [worker EXCEPT ![t] = "idle"]
  /\ task' = [task EXCEPT ![t] = "queued"]
  /\ UNCHANGED <<told, key, publisher, left, expired>>

DiePublisher(t) ==
  /\ Fault /\ publisher[t] \in {"claimed", "accepted", "failing"}
  /\ publisher' = [publisher EXCEPT ![t] = "dead"]
  /\ \E where \in IF task[t] = "sending" THEN {"sending", "lost"} ELSE {task[t]} : task' = [task EXCEPT ![t] = where]
  /\ UNCHANGED <<told, key, worker, left, expired>>

(* It was on its way when the line was cut. *)
Lose(t) ==
  /\ Fault /\ task[t] = "sending"
  /\ task' = [task EXCEPT ![t] = "lost"]
  /\ UNCHANGED <<told, key, publisher, worker, left, expired>>

(* A time has passed: of a claim that is being published after a short one, else after the time that the task's sender has given it. *)
Expire ==
  /\ expired < MaxExpired /\ key # Free
  /\ expired' = expired + 1
  /\ left' = left \cup {key.who}
  /\ key' = Free
  /\ UNCHANGED <<told, publisher, task, worker, faults>>

----------------------------------------------------------------------------

Work(t) ==
  \/ Claim(t) \/ Refuse(t) \/ Send(t) \/ Arrive(t) \/ Confirmed(t) \/ Hold(t) \/ FreeFailed(t)
  \/ Start(t) \/ Enter(t) \/ End(t) \/ FreeEnded(t) \/ Ack(t)

Next == (\E t \in Tasks : Work(t) \/ Fail(t) \/ DieWorker(t) \/ DiePublisher(t) \/ Lose(t)) \/ Expire

Fair == \A t \in Tasks : WF_vars(Work(t)) /\ WF_vars(Fail(t))

Spec == Init /\ [][Next]_vars /\ Fair

----------------------------------------------------------------------------
(* What users pay for. *)

(* There, and its publisher knows that it was taken; its key did not run out. *)
Holds(t) == publisher[t] \in {"accepted", "told"} /\ task[t] \in {"queued", "held"} /\ t \notin left

OneHolder == \A t, u \in Tasks : t # u => ~(Holds(t) /\ Holds(u))

(* What a holder has, nobody else frees or takes. *)
HolderHasKey == \A t \in Tasks : Holds(t) => key.who = t

(* Nobody is told of a task that does not come: the broker had it. *)
RefusedForATask == \A t, u \in Tasks : told[t] = u => task[u] \notin {"nowhere", "sending", "lost"}

(* A key is not left behind by a task that has ended: it is free, or another's. *)
NothingLeftBehind == \A t \in Tasks : task[t] = "acked" => key.who # t
=============================================================================
